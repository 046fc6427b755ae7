//! What a record allocates in its caller's thread.

use tower_llm_metrics::MetricsSink;
use tower_llm_metrics::sink::file::FileSink;
use tower_llm_metrics_file_sink_bench::{empty_dir, full_record};

#[test]
fn a_record_allocates_nothing_once_the_buffers_have_grown() {
    let sink = FileSink::new(empty_dir("allocations")).unwrap();
    let records: Vec<_> = (0..1000).map(full_record).collect();
    for round in 0..5 {
        let count = allocation_counter::measure(|| records.iter().for_each(|record| sink.record(record)));
        println!("round {round}: {} allocations for {} records", count.count_total, records.len());
        assert!(count.count_total <= if round == 0 { 100 } else { 20 }, "{count:?}");
        sink.flush().unwrap();
    }
    assert_eq!(sink.stats().synced, 5000);
}
