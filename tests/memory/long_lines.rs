//! What reading and opening a log takes does not depend on how long a line in it is.

use allocation_counter::measure;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tower_llm_metrics::sink::file::{FileSink, RecordLog};
use tower_llm_metrics::{Record, User, UserId};

/// More than all buffers take together, and much less than a line here.
const LIMIT: u64 = 16 << 20;
const LONG: u64 = 256 << 20;

fn record(user: &str, second: u64) -> String {
    let mut record = Record::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000 + second));
    record.user = Some(User::verified(UserId::new(user).unwrap()));
    record.to_json()
}

/// Adds bytes that take no room on the disk.
fn add_nuls(file: &mut File, count: u64) {
    let length = file.metadata().unwrap().len();
    file.set_len(length + count).unwrap();
}

fn append(path: &Path) -> File {
    File::options().create(true).append(true).open(path).unwrap()
}

/// The records of a log by their number, and which lines of it are told of.
fn read(dir: &Path) -> (usize, Vec<Option<u32>>) {
    let (mut records, mut told) = (0, Vec::new());
    for record in RecordLog::open(dir).unwrap().records().unwrap() {
        match record {
            Ok(_) => records += 1,
            Err(e) => told.push(e.line()),
        }
    }
    (records, told)
}

/// What `run` returns, which may take no more than the limit in the meantime.
fn within_limit<T>(run: impl FnOnce() -> T) -> T {
    let mut result = None;
    let taken = measure(|| result = Some(run()));
    assert!(taken.bytes_max < LIMIT, "{} bytes", taken.bytes_max);
    result.unwrap()
}

#[test]
fn a_line_of_any_length_is_read_recovered_and_rewritten_in_fixed_room() {
    let dir = std::env::temp_dir().join(format!("tower-llm-metrics-long-lines-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join("records-20250615T150640.000000Z.jsonl");
    let mut file = append(&path);
    writeln!(file, "{}", record("alice", 0)).unwrap();
    // A record, and then what a disk may leave of those after it.
    write!(file, "{}", record("bob", 1)).unwrap();
    add_nuls(&mut file, LONG);
    writeln!(file, "{{\"user\":\"alice\"}}\n{}", record("alice", 2)).unwrap();
    write!(file, "{}", record("bob", 3)).unwrap();
    add_nuls(&mut file, LONG);
    drop(file);

    // The long lines are told of, and what stands at their beginning is read.
    assert_eq!(within_limit(|| read(&dir)), (4, vec![Some(2), Some(4)]));

    // The torn end is cut off behind its whole record.
    let sink = within_limit(|| FileSink::new(&dir).unwrap());
    assert_eq!(sink.stats().torn, 1);
    assert_eq!(within_limit(|| read(&dir)), (4, vec![Some(2)]));
    assert!(fs::metadata(&path).unwrap().len() < LONG + 10_000);

    // Who is in a long line is taken out of it with the line.
    let forgotten = within_limit(|| sink.forget(&UserId::new("alice").unwrap()).unwrap());
    assert_eq!((forgotten.records, forgotten.unreadable), (2, 1));
    assert_eq!(within_limit(|| read(&dir)), (3, vec![]));
    drop(sink);

    compressed(&dir);
    fs::remove_dir_all(dir).unwrap();
}

/// What takes little room on the disk takes no more in memory.
#[cfg(feature = "zstd")]
fn compressed(dir: &Path) {
    let mut encoder = zstd::stream::write::Encoder::new(append(&dir.join("import.jsonl.zst")), 0).unwrap();
    let nuls = vec![0; 1 << 20];
    (0..LONG >> 20).for_each(|_| encoder.write_all(&nuls).unwrap());
    let lines: String = (10..60_010).map(|second| format!("\n{}", record("carol", second))).collect();
    assert!(lines.len() as u64 > LIMIT / 2);
    encoder.write_all(lines.as_bytes()).unwrap();
    encoder.finish().unwrap();
    drop(lines);
    assert_eq!(within_limit(|| read(dir)), (3 + 60_000, vec![Some(1)]));
}

#[cfg(not(feature = "zstd"))]
fn compressed(_: &Path) {}
