//! What a record costs its caller, how many a second are sustained, and how fast they are read back; beside a
//! `BufWriter` behind a mutex and `tracing-appender`'s non-blocking writer, all with the same lines.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::cell::RefCell;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};
use tower_llm_metrics::sink::file::{Durability, FileSink, OnFull, RecordLog};
use tower_llm_metrics::{MemorySink, MetricsSink, Record};
use tower_llm_metrics_file_sink_bench::{empty_dir, full_record};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

/// One way to append records to a file.
trait Way: Sync {
    fn record(&self, record: &Record);
    /// Brings everything to the operating system, and to the disk where the way can do that.
    fn finish(&self);
}

thread_local! {
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn with_line(record: &Record, write: impl FnOnce(&[u8])) {
    LINE.with_borrow_mut(|line| {
        line.clear();
        record.write_json(line);
        line.push(b'\n');
        write(line);
    });
}

/// Only the JSON, thrown away: the floor under all of them.
struct Json;

impl Way for Json {
    fn record(&self, record: &Record) {
        with_line(record, |line| {
            std::hint::black_box(line);
        });
    }

    fn finish(&self) {}
}

struct Locked(Mutex<BufWriter<File>>);

impl Locked {
    fn new() -> Self {
        let file = File::create(empty_dir("mutex").join("log.jsonl")).unwrap();
        Self(Mutex::new(BufWriter::with_capacity(1 << 18, file)))
    }
}

impl Way for Locked {
    fn record(&self, record: &Record) {
        with_line(record, |line| self.0.lock().unwrap().write_all(line).unwrap());
    }

    fn finish(&self) {
        let mut writer = self.0.lock().unwrap();
        writer.flush().unwrap();
        writer.get_ref().sync_data().unwrap();
    }
}

struct Appender {
    writer: NonBlocking,
    guard: Mutex<Option<WorkerGuard>>,
}

impl Appender {
    fn new(lossy: bool) -> Self {
        let file = tracing_appender::rolling::never(empty_dir("appender"), "log.jsonl");
        let (writer, guard) =
            NonBlockingBuilder::default().lossy(lossy).buffered_lines_limit(128_000).finish(file);
        Self { writer, guard: Mutex::new(Some(guard)) }
    }
}

impl Way for Appender {
    fn record(&self, record: &Record) {
        with_line(record, |line| self.writer.clone().write_all(line).unwrap());
    }

    /// It can be flushed only by ending it, and does not sync.
    fn finish(&self) {
        drop(self.guard.lock().unwrap().take());
    }
}

impl Way for FileSink {
    fn record(&self, record: &Record) {
        MetricsSink::record(self, record);
    }

    fn finish(&self) {
        MetricsSink::flush(self).unwrap();
    }
}

/// What a sink's queue holds unless told.
const DEFAULT_QUEUE: usize = 32 << 20;

fn file_sink(on_full: OnFull, queue_bytes: usize) -> FileSink {
    let window = Durability::Every(Duration::from_millis(200));
    FileSink::builder(empty_dir("sink"))
        .on_full(on_full)
        .durability(window)
        .queue_bytes(queue_bytes)
        .segment_bytes(1 << 30)
        .open()
        .unwrap()
}

/// `count` records on each of `threads`; the time until the last thread is done, without what comes after.
fn run(way: &dyn Way, records: &[Record], threads: usize, count: u64) -> Duration {
    let barrier = Barrier::new(threads);
    let barrier = &barrier;
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(move || {
                    let mut records = records.iter().cycle();
                    barrier.wait();
                    let start = Instant::now();
                    for _ in 0..count {
                        way.record(records.next().unwrap());
                    }
                    start.elapsed()
                })
            })
            .collect();
        all.into_iter().map(|thread| thread.join().unwrap()).max().unwrap()
    })
}

/// The caller's side: bursts that the queues can hold, so that nobody waits for the disk and nothing is dropped.
fn caller(criterion: &mut Criterion) {
    const BURST: u64 = 30_000;
    let records: Vec<Record> = (0..1000).map(full_record).collect();
    for threads in [1, 2] {
        let mut group = criterion.benchmark_group(format!("caller/{threads}"));
        group.sample_size(20).measurement_time(Duration::from_secs(4));
        let mut measure = |name: &str, make: &dyn Fn() -> Box<dyn Way>| {
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|count| {
                    let mut time = Duration::ZERO;
                    let mut left = count;
                    let mut way = make();
                    while left > 0 {
                        let burst = left.min(BURST);
                        time += run(&*way, &records, threads, burst);
                        way.finish();
                        if name == "tracing-appender" && left > burst {
                            way = make();
                        }
                        left -= burst;
                    }
                    time
                });
            });
        };
        measure("json", &|| Box::new(Json));
        measure("mutex-bufwriter", &|| Box::new(Locked::new()));
        measure("tracing-appender", &|| Box::new(Appender::new(true)));
        measure("file-sink", &|| {
            // Dropped and told of once: a drop would fail the flush and with it the benchmark.
            Box::new(file_sink(OnFull::Drop, 256 << 20))
        });
        group.finish();
    }
}

/// Sustained: everything is written, nothing dropped, and synced at the end by those who can.
fn sustained(criterion: &mut Criterion) {
    const COUNT: u64 = 500_000;
    let records: Vec<Record> = (0..1000).map(full_record).collect();
    let bytes: usize = records.iter().map(|record| record.to_json().len() + 1).sum::<usize>() / records.len();
    println!("a record is {bytes} bytes of JSON on average");
    for (unit, throughput) in
        [("records", Throughput::Elements(COUNT)), ("bytes", Throughput::Bytes(COUNT * bytes as u64))]
    {
        for threads in [1, 2] {
            let mut group = criterion.benchmark_group(format!("sustained/{unit}/{threads}"));
            group.sample_size(10).throughput(throughput.clone());
            let mut measure = |name: &str, make: &dyn Fn() -> Box<dyn Way>| {
                group.bench_function(name, |bencher| {
                    bencher.iter_custom(|iterations| {
                        (0..iterations)
                            .map(|_| {
                                let way = make();
                                let start = Instant::now();
                                run(&*way, &records, threads, COUNT / threads as u64);
                                way.finish();
                                start.elapsed()
                            })
                            .sum()
                    });
                });
            };
            measure("mutex-bufwriter", &|| Box::new(Locked::new()));
            measure("tracing-appender", &|| Box::new(Appender::new(false)));
            measure("file-sink", &|| Box::new(file_sink(OnFull::Block, DEFAULT_QUEUE)));
            measure("file-sink, 1 MB of queue", &|| Box::new(file_sink(OnFull::Block, 1 << 20)));
            group.finish();
            if unit == "bytes" {
                break;
            }
        }
    }
}

fn reading(criterion: &mut Criterion) {
    const COUNT: u64 = 1_000_000;
    let dir = empty_dir("read");
    let sink = FileSink::builder(&dir).on_full(OnFull::Block).open().unwrap();
    (0..COUNT).for_each(|number| MetricsSink::record(&sink, &full_record(number)));
    sink.close(Duration::from_secs(60)).unwrap();
    let json = full_record(1).to_json();
    let log = RecordLog::open(&dir).unwrap();

    criterion.bench_with_input(BenchmarkId::new("read", "from_json"), &json, |bencher, json| {
        bencher.iter(|| Record::from_json(json.as_bytes()).unwrap());
    });
    let mut group = criterion.benchmark_group("read");
    group.sample_size(10).throughput(Throughput::Elements(COUNT));
    group.bench_function("log", |bencher| {
        bencher.iter(|| log.records().unwrap().filter(|record| record.is_ok()).count());
    });
    group.bench_function("restore", |bencher| {
        bencher.iter(|| MemorySink::builder().restore_log(&log, |problem| panic!("{problem}")).unwrap());
    });
    group.bench_function("restore, from an iterator", |bencher| {
        bencher.iter(|| MemorySink::restore(log.records().unwrap().map(Result::unwrap)));
    });
    group.finish();
}

criterion_group!(benches, caller, sustained, reading);
criterion_main!(benches);
