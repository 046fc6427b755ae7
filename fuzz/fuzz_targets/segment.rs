//! Whole segments of a log: every line that is a record is read, as many compressed as plain; a segment that breaks off is read as
//! far as it goes; and a sink that opens the folder leaves every record that has its line end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;
use tower_llm_metrics::sink::file::{FileSink, RecordLog};
use tower_llm_metrics::{MemorySink, Record};

/// A folder of this process's own, in memory where the system has such.
static DIR: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
    base.join(format!("tower-llm-metrics-fuzz-{}", std::process::id()))
});

/// A name as a sink gives it.
const NAME: &str = "records-20260601T120000.000000Z.jsonl";

/// The folder with this one segment.
fn with_segment(name: &str, bytes: &[u8]) -> &'static Path {
    let _ = fs::remove_dir_all(&*DIR);
    fs::create_dir_all(&*DIR).expect("a folder");
    fs::write(DIR.join(name), bytes).expect("a file");
    &DIR
}

/// How many records the folder holds.
fn records(dir: &Path) -> usize {
    let records = RecordLog::open(dir).and_then(|log| log.records()).expect("it can be read");
    records.filter(Result::is_ok).count()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("it is in memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("it is in memory")
}

fuzz_target!(|input: &[u8]| {
    let Some(([kind, cut], text)) = input.split_first_chunk::<2>() else { return };
    let lines = text.split(|&byte| byte == b'\n');
    // A record that is there twice counts once. There may be more than these, behind a piece that broke off.
    let ids = lines.filter_map(|line| Record::from_json(line).ok()).map(|record| record.id.to_string());
    let least = ids.collect::<BTreeSet<String>>().len();
    let plain = records(with_segment(NAME, text));
    assert!(plain >= least, "{plain} records, and not {least}");

    let (suffix, bytes) = match kind % 4 {
        0 => ("", text.to_vec()),
        1 => (".gz", gzip(text)),
        2 => (".zst", zstd(text)),
        // Damaged from the start, as a rule.
        _ => (".gz", text.to_vec()),
    };
    let name = format!("{NAME}{suffix}");
    let dir = with_segment(&name, &bytes);
    let read = records(dir);
    assert!(read == plain || kind % 4 == 3, "{read} records, and {plain} when they were plain");
    let log = RecordLog::open(dir).expect("a folder");
    MemorySink::builder().restore_log(&log, |_| {}).expect("it can be read");

    // The end is missing.
    let left = bytes.len() - bytes.len().min(usize::from(*cut));
    let dir = with_segment(&name, &bytes[..left]);
    assert!(records(dir) <= plain + 1, "more than there are");

    // What is behind the last line end may be taken away, or mended, and no record before it.
    if kind % 4 == 0 {
        let ended = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let ended = records(with_segment(NAME, &text[..ended]));
        let dir = with_segment(&name, text);
        let sink = FileSink::new(dir).expect("it can be opened");
        sink.close(Duration::from_secs(10)).expect("nothing was recorded");
        let left = records(dir);
        assert!(left >= ended, "{left} records are left of {ended}");
    }
});
