//! The log on a real file system, through the public API.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{Cost, Priced, Record, RecordId, Text, Usd, User, UserId};
use tower_llm_metrics::report::Selection;
use tower_llm_metrics::sink::file::{Durability, FileSink, OnFull, ReadError, RecordLog};
use tower_llm_metrics::{MemorySink, MetricsSink};

/// A directory of a test's own, removed when the test ends well.
#[derive(Debug)]
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tower-llm-metrics-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn sink(&self) -> FileSink {
        FileSink::new(&self.0).unwrap()
    }

    fn log(&self) -> RecordLog {
        RecordLog::open(&self.0).unwrap()
    }

    /// The files of records, by name.
    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries.filter(|path| path.to_str().unwrap().contains(".jsonl")).collect();
        files.sort();
        files
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000 + seconds)
}

/// A record that can be told from others by a number.
fn numbered(number: u64) -> Record {
    let mut record = Record::new(at(number));
    record.client_request_id = Some(Text::new(&number.to_string()).unwrap());
    record
}

fn number(record: &Record) -> u64 {
    record.client_request_id.as_ref().unwrap().parse().unwrap()
}

fn numbers(log: &RecordLog) -> Vec<u64> {
    log.records().unwrap().map(|record| number(&record.unwrap())).collect()
}

fn split_records(log: &RecordLog) -> (Vec<Record>, Vec<ReadError>) {
    let mut errors = Vec::new();
    let records = log.records().unwrap().filter_map(|record| record.map_err(|e| errors.push(e)).ok());
    (records.collect(), errors)
}

fn split(log: &RecordLog) -> (Vec<u64>, Vec<ReadError>) {
    let (records, errors) = split_records(log);
    (records.iter().map(number).collect(), errors)
}

fn sorted(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_unstable();
    numbers
}

fn append(path: &Path, bytes: &[u8]) {
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn what_was_flushed_is_read_back_in_the_order_in_which_it_was_recorded() {
    let dir = Dir::new("flushed");
    let sink = dir.sink();
    for number in [3, 1, 2] {
        sink.record(&numbered(number));
    }
    sink.flush().unwrap();
    assert_eq!(numbers(&dir.log()), [3, 1, 2]);
    let stats = sink.stats();
    assert_eq!((stats.accepted, stats.written, stats.synced, stats.queued), (3, 3, 3, 0));
}

#[test]
fn every_record_comes_back_as_it_was() {
    let dir = Dir::new("as-it-was");
    let mut record = numbered(1);
    record.user = Some(User::verified(UserId::new("Zoë \"z\" \\").unwrap()));
    record.cost = Cost::Priced(Priced::new("0.1".parse().unwrap(), "openai/gpt", "1"));
    record.properties.insert("team", "search");
    dir.sink().record(&record);
    let read: Vec<_> = dir.log().records().unwrap().map(Result::unwrap).collect();
    assert_eq!(read, [record]);
}

#[test]
fn dropping_the_last_handle_flushes_and_frees_the_directory() {
    let dir = Dir::new("drop");
    let sink = dir.sink();
    let clone = sink.clone();
    drop(sink);
    clone.record(&numbered(1));
    assert_eq!(FileSink::new(&dir.0).unwrap_err().kind(), ErrorKind::ResourceBusy);
    drop(clone);
    assert_eq!(numbers(&dir.log()), [1]);
    dir.sink().record(&numbered(2));
    assert_eq!(numbers(&dir.log()), [1, 2]);
}

#[test]
fn closing_says_that_all_is_safe_and_later_records_are_counted() {
    let dir = Dir::new("close");
    let sink = dir.sink();
    sink.record(&numbered(1));
    sink.close(Duration::from_secs(30)).unwrap();
    sink.close(Duration::from_secs(30)).unwrap();
    sink.record(&numbered(2));
    assert_eq!((sink.stats().written, sink.stats().dropped.closed), (1, 1));
    assert!(sink.flush().is_err(), "the loss is told of");
    drop(dir.sink());
}

#[test]
fn closing_in_no_time_says_that_all_is_safe_only_when_it_is() {
    for _ in 0..20 {
        let dir = Dir::new("close-zero");
        let sink = FileSink::builder(&dir.0).durability(Durability::Never).open().unwrap();
        sink.record(&numbered(1));
        sink.flush().unwrap();
        (2..5).for_each(|n| sink.record(&numbered(n)));
        while sink.stats().written < 4 {
            std::thread::yield_now();
        }
        // The writer may still have been faster.
        match sink.close(Duration::ZERO) {
            Ok(()) => assert_eq!(sink.stats().synced, 4),
            Err(e) => assert_eq!(e.left(), 3),
        }
        let left = sink.close(Duration::from_secs(30)).map_or_else(|e| e.left(), |()| 0);
        assert_eq!((sink.stats().synced, sink.stats().doubtful), (4 - left, left));
        assert_eq!(numbers(&dir.log()), [1, 2, 3, 4]);
    }
}

#[test]
#[cfg(unix)]
fn files_can_be_read_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new("mode");
    let sink = dir.sink();
    sink.record(&numbered(1));
    sink.flush().unwrap();
    for entry in fs::read_dir(&dir.0).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_torn_last_line_is_cut_off_and_counted_and_a_whole_one_is_kept() {
    let dir = Dir::new("torn");
    dir.sink().record(&numbered(1));
    let file = dir.files().remove(0);
    for (tail, torn) in [
        (&b"{\"v\":1,\"id\":\"0"[..], 1),
        (&[0; 100_000], 1),
        (b"\xff\xfe", 1),
        (numbered(2).to_json().as_bytes(), 0),
    ] {
        append(&file, tail);
        assert!(split(&dir.log()).1.is_empty(), "readers leave it out in silence");
        let sink = dir.sink();
        assert_eq!(sink.stats().torn, torn);
        drop(sink);
        assert!(fs::read(&file).unwrap().ends_with(b"}\n"));
    }
    assert_eq!(numbers(&dir.log()), [1, 2]);
    // A file in which nothing is whole goes.
    fs::write(dir.0.join("records-20250101T000000.000000Z.jsonl"), "{\"v\":1").unwrap();
    assert_eq!((dir.sink().stats().torn, dir.files().len()), (1, 1));
}

#[test]
fn a_line_that_is_being_written_is_left_out_in_silence_wherever_it_ends() {
    let dir = Dir::new("being-written");
    dir.sink().record(&numbered(1));
    let file = dir.files().remove(0);
    let before = fs::read(&file).unwrap();
    let next = numbered(2).to_json();
    for length in 0..next.len() {
        fs::write(&file, &before).unwrap();
        append(&file, &next.as_bytes()[..length]);
        let (read, errors) = split(&dir.log());
        assert!(read == [1] && errors.is_empty(), "{length}: {read:?} {errors:?}");
    }
}

#[test]
fn opening_a_damaged_log_takes_no_record_from_it_that_could_be_read() {
    let json = |n: u64| numbered(n).to_json();
    let torn = |n: u64| json(n)[..150].to_owned();
    for (tail, read, torn) in [
        (format!("{}\0", json(2)), &[1, 2][..], 1), // the end of the line was damaged
        (format!("{}\u{b}", json(2)), &[1, 2], 1),
        (json(2) + &json(3), &[1, 2, 3], 0),
        (torn(8) + &json(2), &[1, 2], 0),
        (json(2) + &torn(8), &[1, 2], 1),
        (torn(8) + &json(2) + &torn(9), &[1, 2], 1),
        (json(2) + &"\0".repeat(2 << 20), &[1, 2], 1),
    ] {
        let dir = Dir::new("damaged-tail");
        dir.sink().record(&numbered(1));
        let file = dir.files().remove(0);
        append(&file, tail.as_bytes());
        assert_eq!(split(&dir.log()).0, read, "before it is opened");
        let sink = dir.sink();
        assert_eq!(sink.stats().torn, torn);
        drop(sink);
        assert_eq!(split(&dir.log()).0, read, "after it was opened");
        assert!(fs::read(&file).unwrap().ends_with(b"}\n"));
    }
}

#[test]
fn opening_a_log_keeps_a_last_record_of_another_version() {
    let dir = Dir::new("version-tail");
    dir.sink().record(&numbered(1));
    let file = dir.files().remove(0);
    let later = br#"{"v":2,"id":"later"}"#;
    append(&file, later);
    let sink = dir.sink();
    assert_eq!(sink.stats().torn, 0);
    assert!(fs::read(&file).unwrap().ends_with(&[&later[..], b"\n"].concat()));
    let (read, errors) = split(&dir.log());
    assert_eq!((read, errors.len()), (vec![1], 1), "readers are told of it");
}

#[test]
fn damaged_lines_are_reported_with_file_and_line_and_their_neighbours_are_read() {
    let dir = Dir::new("damaged");
    let json = |n: u64| numbered(n).to_json();
    let broken = json(9).replace("\"outcome\":\"cancelled\"", "\"outcome\":7");
    let text = [
        json(1),
        "garbage".to_owned(),
        String::new(),
        format!("{}{}", json(2), json(3)), // the end of a line was lost
        format!("{}{}", &json(8)[..150], json(4)), // a torn line met a good one
        format!("{}\0\0", json(5)),
        broken,
        "{\"v\":2}".to_owned(),
        json(6),
    ];
    fs::create_dir(&dir.0).unwrap();
    let path = dir.0.join("import.jsonl");
    fs::write(&path, text.join("\n") + "\n").unwrap();
    let (read, errors) = split(&dir.log());
    assert_eq!(read, [1, 2, 3, 4, 5, 6]);
    let lines: BTreeSet<_> = errors.iter().map(|e| e.line().unwrap()).collect();
    assert_eq!(lines, BTreeSet::from([2, 5, 6, 7, 8]));
    assert!(errors.iter().all(|e| e.path() == path));
    let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert!(told.contains(&format!("{}:7: the value of `outcome` is not valid", path.display())), "{told:?}");
}

#[test]
fn a_file_without_a_single_record_is_reported_line_by_line() {
    let dir = Dir::new("no-record");
    dir.sink().record(&numbered(1));
    fs::write(dir.0.join("garbage.jsonl"), "one\ntwo\n").unwrap();
    fs::write(dir.0.join("later.jsonl"), "{\"v\":2}\n").unwrap();
    fs::write(dir.0.join("empty.jsonl"), "").unwrap();
    let (read, errors) = split(&dir.log());
    assert_eq!(read, [1]);
    let name = |e: &ReadError| e.path().file_name().unwrap().to_str().unwrap().to_owned();
    let mut places: Vec<_> = errors.iter().map(|e| (name(e), e.line().unwrap())).collect();
    places.sort();
    let expected = [("garbage.jsonl", 1), ("garbage.jsonl", 2), ("later.jsonl", 1)];
    assert_eq!(places, expected.map(|(name, line)| (name.to_owned(), line)));
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_no_segment_and_nobody_waits_for_it() {
    let dir = Dir::new("no-file");
    dir.sink().record(&numbered(1));
    fs::create_dir(dir.0.join("directory.jsonl")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(dir.0.join("pipe.jsonl")).status().unwrap();
    assert!(pipe.success());
    assert_eq!(numbers(&dir.log()), [1]);
    assert_eq!(dir.sink().forget(&UserId::new("alice").unwrap()).unwrap().records, 0);
}

#[test]
fn a_window_is_half_open_and_looks_at_the_start_of_the_call() {
    let dir = Dir::new("window");
    let sink = FileSink::builder(&dir.0).segment_bytes(1000).open().unwrap();
    (0..50).for_each(|n| sink.record(&numbered(n)));
    drop(sink);
    assert!(dir.files().len() > 5);
    let window = |from, to| {
        let records = dir.log().records_in(at(from)..at(to)).unwrap();
        records.map(|record| number(&record.unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(window(10, 13), [10, 11, 12]);
    assert_eq!(window(49, 1000), [49]);
    assert!(window(50, 1000).is_empty() && window(13, 10).is_empty());
}

#[test]
fn directories_merge_as_a_union_and_their_segments_come_in_the_order_of_their_names() {
    let (a, b) = (Dir::new("union-a"), Dir::new("union-b"));
    let records: Vec<_> = (0..100).map(numbered).collect();
    for (dir, stride) in [(&a, 37), (&b, 41)] {
        let sink = FileSink::builder(&dir.0).segment_bytes(2000).open().unwrap();
        // Long calls end late: their records are far behind in the files. Every third is in both directories.
        for n in (0..100).map(|n| n * stride % 100) {
            if n % 3 == 0 || (n % 2 == 0) == (stride == 37) {
                sink.record(&records[n]);
            }
        }
    }
    let both = RecordLog::open(&a.0).unwrap().and(&b.0).unwrap();
    let in_names = |dirs: &[&Dir]| {
        let mut files: Vec<_> = dirs.iter().flat_map(|dir| dir.files()).collect();
        files.sort_by_key(|file| file.file_name().unwrap().to_owned());
        let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let all = text.lines().map(|line| number(&Record::from_json(line.as_bytes()).unwrap()));
        let mut seen = BTreeSet::new();
        all.filter(|number| seen.insert(*number)).collect::<Vec<_>>()
    };
    assert_eq!(sorted(numbers(&both)), (0..100).collect::<Vec<_>>());
    assert_eq!(numbers(&both), in_names(&[&a, &b]));
    assert_eq!(numbers(&RecordLog::open(&b.0).unwrap().and(&a.0).unwrap()), in_names(&[&a, &b]));
    assert!(RecordLog::open(a.0.join("nowhere")).is_err());
}

/// `count` records, enough for many parts of a file, in an order that has little to do with time.
fn shuffled(count: u64) -> impl Iterator<Item = Record> {
    (0..count).map(move |n| {
        let mut record = numbered(n * 7919 % count);
        record.user = Some(User::verified(UserId::new(if n % 2 == 0 { "alice" } else { "bob" }).unwrap()));
        record.host = Text::new(&"host".repeat(40)).ok();
        record.properties.insert("team", "search");
        record
    })
}

/// Two segments; some of their records are read, then `change` is made, and then the rest.
fn read_while(name: &str, change: impl Fn(&RecordLog, &Path)) {
    const COUNT: u64 = 6000;
    for first in [1, 1000, 3000, 5999] {
        let dirs = [Dir::new(&format!("{name}-a")), Dir::new(&format!("{name}-b"))];
        for (dir, half) in dirs.iter().zip(0..) {
            let records: Vec<_> = shuffled(COUNT).collect();
            // Every tenth line is none.
            let theirs = records.iter().filter(|record| number(record) / 3 % 2 == half);
            let lines = theirs.enumerate().map(|(n, record)| {
                let garbage = if n % 9 == 1 { "garbage\n" } else { "" };
                format!("{garbage}{}\n", record.to_json())
            });
            fs::create_dir_all(&dir.0).unwrap();
            fs::write(dir.0.join("log.jsonl"), lines.collect::<String>()).unwrap();
        }
        let log = RecordLog::open(&dirs[0].0).unwrap().and(&dirs[1].0).unwrap();
        let mut records = log.records().unwrap();
        let (mut all, mut told) = (Vec::new(), Vec::new());
        while all.len() < first {
            keep(records.next().unwrap(), &mut all, &mut told);
        }
        change(&log, &dirs[0].0);
        records.for_each(|read| keep(read, &mut all, &mut told));
        assert_eq!(sorted(all), (0..COUNT).collect::<Vec<_>>(), "{first}");
        let lines: BTreeSet<_> = told.iter().copied().collect();
        assert_eq!((told.len(), lines.len()), (2 * 334, 334), "{first}: each is told once");
    }
}

fn keep(read: Result<Record, ReadError>, numbers: &mut Vec<u64>, lines: &mut Vec<u32>) {
    match read {
        Ok(record) => numbers.push(number(&record)),
        Err(e) => lines.push(e.line().unwrap()),
    }
}

#[test]
fn segments_that_are_rewritten_while_they_are_read_give_each_record_once() {
    read_while("rewritten", |log, _| {
        for user in ["alice", "bob"] {
            let done = log.forget(&UserId::new(user).unwrap()).unwrap();
            assert_eq!((done.records, done.segments), (3000, 2));
        }
    });
}

#[test]
#[cfg(feature = "gzip")]
fn a_segment_that_is_compressed_while_it_is_read_gives_each_record_once() {
    read_while("compressed", |_, dir| {
        let mut files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let file = files.find(|path| path.extension().is_some_and(|end| end == "jsonl")).unwrap();
        let to = fs::File::create(file.with_extension("jsonl.gz")).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(to, flate2::Compression::fast());
        encoder.write_all(&fs::read(&file).unwrap()).unwrap();
        encoder.finish().unwrap();
        fs::remove_file(file).unwrap();
    });
}

#[test]
fn of_a_segment_that_is_removed_before_it_is_read_nothing_is_told() {
    let dir = Dir::new("removed");
    for part in 0..2 {
        let sink = dir.sink();
        (0..10).for_each(|n| sink.record(&numbered(part * 10 + n)));
    }
    let mut records = dir.log().records().unwrap();
    assert_eq!(number(&records.next().unwrap().unwrap()), 0);
    fs::remove_file(&dir.files()[1]).unwrap();
    let rest: Vec<_> = records.map(|record| number(&record.unwrap())).collect();
    assert_eq!(rest, (1..10).collect::<Vec<_>>());
}

#[test]
fn a_restored_store_keeps_the_last_records_whole_whatever_else_is_in_the_log() {
    const COUNT: u64 = 3000;
    let (a, b) = (Dir::new("restore-a"), Dir::new("restore-b"));
    for dir in [&a, &b] {
        let sink = dir.sink();
        shuffled(COUNT).for_each(|record| sink.record(&record));
    }
    // The same records in both, and lines before them that are none.
    let file = a.files().remove(0);
    fs::copy(&file, b.files().remove(0)).unwrap();
    let bad = fs::read_to_string(&file).unwrap().replace("\"outcome\":", "\"outcome\":7,\"x\":");
    let lines = bad.lines().filter(|line| line.contains("-4"));
    fs::write(a.0.join("bad.jsonl"), lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let log = RecordLog::open(&a.0).unwrap().and(&b.0).unwrap();
    let (mut all, problems) = split_records(&log);
    all.sort_by_key(|record| (record.time, record.id));
    assert_eq!((all.len() as u64, problems.is_empty()), (COUNT, false));
    for kept in [0, 1, 10, COUNT as usize, usize::MAX] {
        let mut told = Vec::new();
        let restored = MemorySink::builder().recent(kept).restore_log(&log, |e| told.push(e)).unwrap();
        assert_eq!(restored.records(), all[all.len().saturating_sub(kept)..]);
        let place = |e: &ReadError| (e.path().to_owned(), e.line());
        assert_eq!(
            told.iter().map(place).collect::<Vec<_>>(),
            problems.iter().map(place).collect::<Vec<_>>()
        );
        let overview = restored.report().overview(&Selection::new()).unwrap();
        assert_eq!(overview.totals.requests(), COUNT);
    }
    let empty = Dir::new("restore-empty");
    drop(empty.sink());
    assert!(MemorySink::builder().restore_log(&empty.log(), |e| panic!("{e}")).unwrap().records().is_empty());
}

#[test]
fn old_segments_are_removed_whole_by_age_and_by_size() {
    let dir = Dir::new("retention");
    let sink = FileSink::builder(&dir.0).segment_bytes(1000).open().unwrap();
    (0..40).for_each(|n| sink.record(&numbered(n)));
    drop(sink);
    let files = dir.files();
    let old = fs::File::options().append(true).open(&files[0]).unwrap();
    old.set_modified(SystemTime::now() - Duration::from_secs(10_000)).unwrap();
    fs::write(dir.0.join("imported.jsonl"), "").unwrap();

    let sink = FileSink::builder(&dir.0).keep_for(Duration::from_secs(5_000)).open().unwrap();
    sink.close(Duration::from_secs(30)).unwrap();
    assert_eq!(sink.stats().removed, 1);
    let left = dir.files();
    assert!(!left.contains(&files[0]) && left.contains(&files[1]) && left.len() == files.len());

    let sink = FileSink::builder(&dir.0).keep_bytes(3500).open().unwrap();
    sink.close(Duration::from_secs(30)).unwrap();
    let sizes: u64 = dir.files().iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!((2500..=3500).contains(&sizes), "{sizes}");
    assert_eq!(numbers(&dir.log()).last(), Some(&39), "the oldest go first");
}

#[test]
fn the_segment_that_is_written_to_is_never_removed() {
    let dir = Dir::new("retention-active");
    let sink =
        FileSink::builder(&dir.0).segment_bytes(1000).keep_bytes(0).keep_for(Duration::ZERO).open().unwrap();
    for n in 0..200 {
        sink.record(&numbered(n));
        sink.flush().unwrap();
    }
    let stats = sink.stats();
    assert_eq!((stats.synced, stats.doubtful, stats.errors), (200, 0, 0), "{stats:?}");
}

#[cfg(any(feature = "gzip", feature = "zstd"))]
#[test]
fn closed_segments_are_compressed_and_read_like_others() {
    use tower_llm_metrics::sink::file::Compression;
    let ways = [
        #[cfg(feature = "gzip")]
        (Compression::Gzip, "gz"),
        #[cfg(feature = "zstd")]
        (Compression::Zstd, "zst"),
    ];
    for (compression, ending) in ways {
        let dir = Dir::new(&format!("compressed-{ending}"));
        let open = || FileSink::builder(&dir.0).segment_bytes(3000).compression(compression).open().unwrap();
        let sink = open();
        (0..50).for_each(|n| sink.record(&numbered(n)));
        drop(sink);
        // What a closing sink leaves plain, the next one compresses when it is opened.
        let plain = dir.files().iter().filter(|file| file.extension().unwrap() == "jsonl").count() as u64;
        let modified = |file: &PathBuf| fs::metadata(file).unwrap().modified().unwrap();
        let before = modified(dir.files().last().unwrap());
        let sink = open();
        while sink.stats().compressed < plain {
            std::thread::yield_now();
        }
        drop(sink);
        let files = dir.files();
        assert!(files.len() > 3 && files.iter().all(|file| file.extension().unwrap() == ending), "{files:?}");
        assert_eq!(modified(files.last().unwrap()), before, "the age stays");
        assert_eq!(numbers(&dir.log()), (0..50).collect::<Vec<_>>());

        // A crash came before the plain file was removed, and another one left half a file.
        let copy = files[0].with_extension("");
        fs::write(&copy, numbered(0).to_json() + "\n").unwrap();
        fs::write(copy.with_extension("jsonl.tmp"), "half").unwrap();
        let twice = numbers(&dir.log());
        assert_eq!(twice.iter().collect::<BTreeSet<_>>().len(), twice.len());
        drop(dir.sink());
        assert!(!files[0].exists() && copy.exists() && !copy.with_extension("jsonl.tmp").exists());

        // A damaged file is named, and the others are read.
        let mut bytes = fs::read(&files[1]).unwrap();
        bytes.truncate(bytes.len() / 2);
        fs::write(&files[1], bytes).unwrap();
        let (read, errors) = split(&dir.log());
        assert!(
            errors.len() == 1 && errors[0].path() == files[1] && errors[0].line().is_none(),
            "{errors:?}"
        );
        assert!(read.contains(&49));
    }
}

#[cfg(any(feature = "gzip", feature = "zstd"))]
#[test]
fn of_a_damaged_compressed_file_what_comes_before_the_damage_is_read() {
    use tower_llm_metrics::sink::file::Compression;
    let ways = [
        #[cfg(feature = "gzip")]
        Compression::Gzip,
        #[cfg(feature = "zstd")]
        Compression::Zstd,
    ];
    for compression in ways {
        let dir = Dir::new(&format!("cut-{compression:?}"));
        let open = || FileSink::builder(&dir.0).compression(compression).open().unwrap();
        let sink = open();
        (0..5000).for_each(|n| sink.record(&numbered(n)));
        drop(sink);
        let sink = open();
        while sink.stats().compressed < 1 {
            std::thread::yield_now();
        }
        drop(sink);
        let file = dir.files().remove(0);
        let mut bytes = fs::read(&file).unwrap();
        bytes.truncate(bytes.len() * 9 / 10);
        fs::write(&file, bytes).unwrap();
        let (read, errors) = split(&dir.log());
        assert!((3000..5000).contains(&read.len()), "{compression:?}: {}", read.len());
        assert_eq!(read, (0..read.len() as u64).collect::<Vec<_>>());
        assert!(errors.len() == 1 && errors[0].path() == file && errors[0].line().is_none(), "{errors:?}");
        let mut window = dir.log().records_in(at(10)..at(12)).unwrap();
        assert_eq!(
            window.by_ref().take(2).map(|record| number(&record.unwrap())).collect::<Vec<_>>(),
            [10, 11]
        );
        assert!(window.next().unwrap().is_err(), "the rest may have been of this time");
        assert!(window.next().is_none());
    }
}

#[test]
fn a_property_that_is_named_like_the_version_is_a_property() {
    let dir = Dir::new("named-v");
    let sink = dir.sink();
    let mut records: Vec<_> = (0..10).map(numbered).collect();
    for record in &mut records {
        record.user = Some(User::verified(UserId::new("alice").unwrap()));
        record.properties.insert("v", "2");
        sink.record(record);
    }
    drop(sink);
    assert_eq!(dir.log().records().unwrap().map(Result::unwrap).collect::<Vec<_>>(), records);
    let done = dir.log().forget(&UserId::new("alice").unwrap()).unwrap();
    assert_eq!((done.records, done.unreadable), (10, 0));
    // A crash cut off the last line's end: the record stays.
    let file = dir.files().remove(0);
    fs::write(&file, records[0].to_json()).unwrap();
    assert_eq!(dir.sink().stats().torn, 0);
    assert_eq!(numbers(&dir.log()), [0]);
}

#[test]
fn a_person_is_forgotten_and_the_totals_stay() {
    let dir = Dir::new("forget");
    let sink = FileSink::builder(&dir.0).segment_bytes(2000).open().unwrap();
    let (alice, bob) = (UserId::new("alice \"a\"").unwrap(), UserId::new("bob").unwrap());
    for n in 0..40 {
        let mut record = numbered(n);
        record.user = Some(User::verified(if n % 4 == 0 { alice.clone() } else { bob.clone() }));
        record.session = Some(Text::new(&format!("session-{n}")).unwrap());
        let name = record.user_id().unwrap().clone();
        record.properties.insert("name", name.as_str());
        record.cost = Cost::Priced(Priced::new(Usd::from_picos(n.into()), "p/m", "1"));
        sink.record(&record);
    }
    let before: Vec<_> = dir.log().records().unwrap().map(Result::unwrap).collect();
    assert_eq!(dir.log().forget(&alice).unwrap_err().kind(), ErrorKind::ResourceBusy);
    let done = sink.forget(&alice).unwrap();
    assert_eq!((done.records, done.unreadable), (10, 0));
    sink.record(&numbered(40));
    sink.flush().unwrap();

    let mut after: Vec<_> = dir.log().records().unwrap().map(Result::unwrap).collect();
    assert_eq!(number(&after.pop().unwrap()), 40, "the sink goes on");
    assert!(before.len() <= after.len());
    for (n, record) in after.iter().enumerate() {
        let theirs = n % 4 == 0;
        let expected = if theirs { &done.pseudonym } else { &bob };
        assert_eq!(record.user_id(), Some(expected));
        assert_eq!((record.session.is_none(), record.properties.is_empty()), (theirs, theirs));
    }
    let total: Usd = after.iter().filter_map(|record| record.cost.total()).sum();
    assert_eq!(total, Usd::from_picos((0..40).sum()));
    let raw: Vec<u8> = dir.files().iter().flat_map(|file| fs::read(file).unwrap()).collect();
    assert!(!String::from_utf8(raw).unwrap().contains("alice"));

    // The same without a sink; what is damaged and holds the id goes.
    drop(sink);
    append(&dir.files()[0], b"{\"user\":\"bob\nother damage\n");
    let again = dir.log().forget(&bob).unwrap();
    assert_eq!((again.records, again.unreadable), (30, 1));
    assert_ne!(again.pseudonym, done.pseudonym);
    assert_eq!(split(&dir.log()).0.len(), 41);
}

#[test]
fn a_person_is_forgotten_after_a_loss_of_which_the_next_flush_still_tells() {
    let dir = Dir::new("forget-loss");
    let sink = dir.sink();
    let mut record = numbered(1);
    let alice = UserId::new("alice").unwrap();
    record.user = Some(User::verified(alice.clone()));
    sink.record(&record);
    sink.flush().unwrap();
    let clone = sink.clone();
    clone.close(Duration::from_secs(30)).unwrap();
    sink.record(&record);
    assert_eq!(sink.forget(&alice).unwrap().records, 1);
    assert!(sink.flush().unwrap_err().to_string().starts_with("1 records"));
}

#[test]
fn a_directory_that_was_removed_is_made_again() {
    let dir = Dir::new("removed");
    let sink = dir.sink();
    sink.record(&numbered(1));
    sink.flush().unwrap();
    fs::remove_dir_all(&dir.0).unwrap();
    sink.record(&numbered(2));
    // The loss of a synced segment is not the sink's to count; what is recorded afterwards is safe.
    let _ = sink.flush();
    sink.flush().unwrap();
    assert_eq!(numbers(&dir.log()), [2]);
    assert_eq!(FileSink::new(&dir.0).unwrap_err().kind(), ErrorKind::ResourceBusy, "it is locked again");
}

#[test]
#[cfg(unix)]
fn a_directory_that_another_sink_has_made_again_is_written_to_when_that_one_is_closed() {
    let dir = Dir::new("made-anew");
    let first = dir.sink();
    first.record(&numbered(1));
    first.flush().unwrap();
    fs::remove_dir_all(&dir.0).unwrap();
    let second = dir.sink();
    second.record(&numbered(2));
    second.flush().unwrap();
    first.record(&numbered(3));
    assert_eq!(first.flush().unwrap_err().kind(), ErrorKind::ResourceBusy);
    assert!(first.stats().errors > 1 && first.stats().queued == 1, "{:?}", first.stats());
    assert_eq!(numbers(&dir.log()), [2]);
    drop(second);
    first.flush().unwrap();
    assert_eq!(sorted(numbers(&dir.log())), [2, 3], "whichever of them was named first");
    assert_eq!(FileSink::new(&dir.0).unwrap_err().kind(), ErrorKind::ResourceBusy, "it is locked again");
}

#[test]
#[cfg(unix)]
fn a_sink_changes_no_segment_of_another_that_has_made_its_directory_anew() {
    let dir = Dir::new("not-its-own");
    let alice = UserId::new("alice").unwrap();
    let first = FileSink::builder(&dir.0).keep_bytes(0).open().unwrap();
    first.record(&numbered(1));
    first.flush().unwrap();
    let away = Dir::new("moved-away");
    let second = loop {
        let _ = fs::remove_dir_all(&away.0);
        fs::rename(&dir.0, &away.0).unwrap();
        // The first one, which looks for old segments when it is opened, may be faster.
        if let Ok(sink) = FileSink::new(&dir.0) {
            break sink;
        }
    };
    let mut record = numbered(2);
    record.user = Some(User::verified(alice.clone()));
    second.record(&record);
    second.flush().unwrap();
    let before = fs::read(&dir.files()[0]).unwrap();
    assert_eq!(first.forget(&alice).unwrap_err().kind(), ErrorKind::ResourceBusy);
    // That its own segment is gone has the first one look for old ones.
    first.record(&numbered(3));
    assert_eq!(first.flush().unwrap_err().kind(), ErrorKind::ResourceBusy);
    first.close(Duration::ZERO).unwrap_err();
    first.close(Duration::from_secs(30)).unwrap_err();
    assert_eq!(first.stats().removed, 0);
    assert_eq!(fs::read(&dir.files()[0]).unwrap(), before);
    assert_eq!(first.forget(&alice).unwrap_err().kind(), ErrorKind::ResourceBusy, "nor when it is closed");
    drop(second);
    assert_eq!(first.forget(&alice).unwrap().records, 1);
}

#[test]
fn many_threads_record_and_flush_while_segments_rotate_and_nothing_is_lost_or_doubled() {
    const THREADS: u64 = 4;
    let each: u64 = std::env::var("STRESS_RECORDS").map_or(5_000, |n| n.parse().unwrap());
    for on_full in [OnFull::Block, OnFull::Drop] {
        let dir = Dir::new(&format!("stress-{on_full:?}"));
        let sink = FileSink::builder(&dir.0)
            .queue_bytes(1 << 20)
            .segment_bytes(100_000)
            .durability(Durability::Every(Duration::from_millis(5)))
            .on_full(on_full)
            .open()
            .unwrap();
        let (recorded, done) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let floor = recorded.load(Ordering::Acquire);
                    let stats = sink.stats();
                    assert!(stats.accepted >= floor);
                    assert_eq!(
                        stats.accepted,
                        stats.written + stats.queued + stats.dropped.total(),
                        "{stats:?}"
                    );
                }
            });
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (sink, recorded) = (&sink, &recorded);
                    scope.spawn(move || {
                        for n in 0..each {
                            sink.record(&numbered(thread * each + n));
                            recorded.fetch_add(1, Ordering::Release);
                            if n % 1000 == thread {
                                let before = sink.stats();
                                let flushed = sink.flush();
                                assert!(flushed.is_ok() || on_full == OnFull::Drop, "{flushed:?}");
                                assert!(sink.stats().synced >= before.written + before.queued);
                            }
                        }
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            done.store(true, Ordering::Relaxed);
        });
        sink.close(Duration::from_secs(60)).unwrap();
        let stats = sink.stats();
        let read = numbers(&dir.log());
        assert_eq!(stats.accepted, THREADS * each);
        assert_eq!(read.len() as u64, stats.written);
        assert_eq!(stats.synced, stats.written);
        assert_eq!(read.iter().collect::<BTreeSet<_>>().len(), read.len(), "doubled");
        if on_full == OnFull::Block {
            assert_eq!(stats.dropped.total(), 0);
        }
    }
}

#[test]
fn ids_that_differ_only_in_the_id_are_two_records_at_the_same_time() {
    let dir = Dir::new("same-time");
    let sink = dir.sink();
    let (mut a, mut b) = (numbered(1), numbered(1));
    a.id = "01890a5d-ac96-774b-bcce-b302099a8057".parse::<RecordId>().unwrap();
    b.id = "01890a5d-ac96-774b-bcce-b302099a8058".parse::<RecordId>().unwrap();
    for record in [&b, &a, &a, &b] {
        sink.record(record);
    }
    sink.flush().unwrap();
    let ids: Vec<_> = dir.log().records().unwrap().map(|record| record.unwrap().id).collect();
    assert_eq!(ids, [b.id, a.id]);
}

#[test]
fn opening_a_sink_removes_no_file_of_somebody_else() {
    let dir = Dir::new("others-files");
    fs::create_dir_all(&dir.0).unwrap();
    let theirs = ["export.jsonl.tmp", "records-today.jsonl.tmp", "records-20250615T150640.000000Z.tmp"];
    theirs.iter().for_each(|name| fs::write(dir.0.join(name), "being written").unwrap());
    let own = dir.0.join("records-20250615T150640.000000Z.jsonl.tmp");
    fs::write(&own, "half").unwrap();
    let import = dir.0.join("export.jsonl");
    let mut record = numbered(1);
    let user = UserId::new("alice").unwrap();
    record.user = Some(User::verified(user.clone()));
    fs::write(&import, record.to_json() + "\n").unwrap();
    let sink = dir.sink();
    assert!(!own.exists(), "what a sink has left unfinished is its own");
    assert_eq!(sink.forget(&user).unwrap().records, 1, "beside what is being written for the same file");
    for name in theirs {
        assert_eq!(fs::read_to_string(dir.0.join(name)).unwrap(), "being written", "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_sink_follows_no_link_out_of_its_directory() {
    use std::os::unix::fs::symlink;
    let elsewhere = Dir::new("links-elsewhere");
    fs::create_dir_all(&elsewhere.0).unwrap();
    let outside = elsewhere.0.join("theirs.jsonl");
    let text = numbered(1).to_json() + "\ntorn";
    fs::write(&outside, &text).unwrap();

    let dir = Dir::new("links");
    fs::create_dir_all(&dir.0).unwrap();
    let link = dir.0.join("records-20250615T150640.000000Z.jsonl");
    symlink(&outside, &link).unwrap();
    symlink(&outside, dir.0.join("records-20250615T150641.000000Z.jsonl.tmp")).unwrap();
    let sink = FileSink::builder(&dir.0).keep_bytes(0).open().unwrap();
    assert_eq!(sink.stats().torn, 0);
    sink.record(&numbered(2));
    drop(sink);
    assert_eq!(fs::read_to_string(&outside).unwrap(), text);
    assert!(link.is_symlink(), "nor is it taken for a segment of one's own");
    // Of its own, the sink may have removed the segment that it had closed.
    assert_eq!(numbers(&dir.log()).first(), Some(&1), "what is linked to is read all the same");

    // The lock is no way out either.
    let locked = Dir::new("links-lock");
    fs::create_dir_all(&locked.0).unwrap();
    let missing = elsewhere.0.join("made.lock");
    symlink(&missing, locked.0.join("writer.lock")).unwrap();
    let error = FileSink::new(&locked.0).unwrap_err();
    assert!(error.to_string().contains("writer.lock"), "{error}");
    assert!(!missing.exists());
}

#[cfg(unix)]
#[test]
fn forgetting_says_when_a_person_is_in_a_file_that_is_linked_to() {
    let elsewhere = Dir::new("forget-elsewhere");
    fs::create_dir_all(&elsewhere.0).unwrap();
    let outside = elsewhere.0.join("theirs.jsonl");
    let mut record = numbered(1);
    let user = UserId::new("alice-of-elsewhere").unwrap();
    record.user = Some(User::verified(user.clone()));
    fs::write(&outside, record.to_json() + "\n").unwrap();
    let dir = Dir::new("forget-link");
    fs::create_dir_all(&dir.0).unwrap();
    std::os::unix::fs::symlink(&outside, dir.0.join("linked.jsonl")).unwrap();
    for forgotten in [|dir: &Dir, user| dir.sink().forget(user), |dir: &Dir, user| dir.log().forget(user)] {
        let error = forgotten(&dir, &user).unwrap_err();
        assert!(error.to_string().contains("linked.jsonl"), "{error}");
    }
}

#[test]
fn an_error_names_the_directory_that_cannot_be_read() {
    let error = RecordLog::open("no-such-directory").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("no-such-directory"), "{error}");
    let dir = Dir::new("file-in-the-way");
    fs::create_dir_all(&dir.0).unwrap();
    let file = dir.0.join("file");
    fs::write(&file, "").unwrap();
    let error = FileSink::new(&file).unwrap_err();
    assert!(error.to_string().contains("file-in-the-way"), "{error}");
}

#[cfg(any(feature = "gzip", feature = "zstd"))]
#[test]
fn all_records_of_compressed_files_of_many_parts_come_and_a_window_takes_those_that_are_far_behind() {
    use tower_llm_metrics::sink::file::Compression;
    let ways = [
        #[cfg(feature = "gzip")]
        Compression::Gzip,
        #[cfg(feature = "zstd")]
        Compression::Zstd,
    ];
    for compression in ways {
        let dir = Dir::new(&format!("many-parts-{compression:?}"));
        // Calls that end in order, and of which each hundredth began long before.
        let late =
            |number: u64| if number.is_multiple_of(100) { number.saturating_sub(1_500) } else { number };
        for second in 0..2 {
            let sink = dir.sink();
            (0..8_000).for_each(|number| sink.record(&numbered(late(number) * 2 + second)));
        }
        let sink = FileSink::builder(&dir.0).compression(compression).open().unwrap();
        while sink.stats().compressed < 2 {
            std::thread::yield_now();
        }
        drop(sink);
        let mut expected: Vec<_> =
            (0..8_000).flat_map(|number| [late(number) * 2, late(number) * 2 + 1]).collect();
        expected.sort_unstable();
        assert_eq!(sorted(numbers(&dir.log())), expected, "{compression:?}");
        let window = dir.log().records_in(at(12_000)..at(12_010)).unwrap();
        let window: Vec<_> = window.map(|record| number(&record.unwrap())).collect();
        expected.retain(|number| (12_000..12_010).contains(number));
        assert_eq!(sorted(window), expected);
    }
}
