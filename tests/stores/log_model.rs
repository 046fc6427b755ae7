//! What is read of a log, whatever its files hold, against the list of what was put into them.

use crate::records;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{Record, RecordId};
use tower_llm_metrics::report::{Table, UserQuery};
use tower_llm_metrics::sink::file::{ReadError, RecordLog};
use tower_llm_metrics::{Cost, MemorySink, MetricsSink};

/// How a record stands in a file.
#[derive(Clone, Debug)]
enum Form {
    Own,
    OtherOrder,
    Spaced,
    ReturnAtTheEnd,
    /// With a key that a later version may add, of so many bytes.
    Long(usize),
    /// Twice on one line, the end of the first lost.
    Glued,
    Torn,
}

#[derive(Clone, Debug)]
enum Line {
    Record(Box<Record>, Form),
    /// One that stands somewhere already.
    Again(usize),
    Garbage(&'static [u8]),
    Blank(&'static [u8]),
}

/// The directory and the file in it.
type Place = (usize, usize);

fn line() -> impl Strategy<Value = Line> {
    let form = prop_oneof![
        4 => Just(Form::Own),
        1 => Just(Form::OtherOrder),
        1 => Just(Form::Spaced),
        1 => Just(Form::ReturnAtTheEnd),
        3 => (0..120_000usize).prop_map(Form::Long),
        1 => Just(Form::Glued),
        1 => Just(Form::Torn),
    ];
    let garbage: [&[u8]; 5] = [b"garbage", b"\xff\0", b"{}", b"{\"v\":2}", b"[{]"];
    prop_oneof![
        12 => (records::record(), form).prop_map(|(record, form)| Line::Record(Box::new(summable(record)), form)),
        2 => any::<usize>().prop_map(Line::Again),
        1 => proptest::sample::select(garbage.to_vec()).prop_map(Line::Garbage),
        1 => proptest::sample::select(vec![&b""[..], b" \t", b"\r"]).prop_map(Line::Blank),
    ]
}

/// The record with a cost that sums have room for: one that saturates would make their order count.
fn summable(mut record: Record) -> Record {
    if record.cost.total().is_some_and(|total| total.picos().unsigned_abs() >> 100 > 0) {
        record.cost = Cost::None;
    }
    record
}

/// What must be read: the records by their places in time, and the lines that are none.
#[derive(Debug, Default)]
struct Expected {
    records: BTreeMap<(SystemTime, RecordId), Record>,
    problems: Vec<(PathBuf, u32)>,
}

#[derive(Debug)]
struct Log {
    root: PathBuf,
    log: RecordLog,
    expected: Expected,
}

impl Log {
    /// Writes the files. `ended`: whether the last lines have ends.
    fn write(lines: &[(Line, Place)], ended: bool) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tower-llm-metrics-log-model-{}-{number}", std::process::id());
        let root = std::env::temp_dir().join(name);
        let mut files = BTreeMap::<PathBuf, Vec<Vec<u8>>>::new();
        let mut expected = Expected::default();
        for (line, (dir, file)) in lines {
            let path = root.join(dir.to_string()).join(format!("{file}.jsonl"));
            let file = files.entry(path.clone()).or_default();
            file.push(expected.join(line));
            if matches!(line, Line::Garbage(_) | Line::Record(_, Form::Torn)) {
                expected.problems.push((path, u32::try_from(file.len()).unwrap()));
            }
        }
        (0..2).for_each(|dir| fs::create_dir_all(root.join(dir.to_string())).unwrap());
        for (path, lines) in files {
            let mut bytes = lines.join(&b'\n');
            if ended {
                bytes.push(b'\n');
            } else {
                let last = (path.clone(), u32::try_from(lines.len()).unwrap());
                expected.problems.retain(|problem| *problem != last);
            }
            fs::write(path, bytes).unwrap();
        }
        expected.problems.sort();
        let log = RecordLog::open(root.join("0")).unwrap().and(root.join("1")).unwrap();
        Self { root, log, expected }
    }

    fn all(&self) -> Vec<Record> {
        self.expected.records.values().cloned().collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Expected {
    /// The bytes of a line, whose record is expected.
    fn join(&mut self, line: &Line) -> Vec<u8> {
        let (record, form) = match line {
            Line::Garbage(bytes) | Line::Blank(bytes) => return bytes.to_vec(),
            Line::Record(record, form) => (Record::clone(record), form),
            Line::Again(number) => match self.records.values().nth(number % self.records.len().max(1)) {
                Some(record) => return record.to_json().into_bytes(),
                None => return Vec::new(),
            },
        };
        let json = record.to_json();
        let text = match form {
            Form::Own => json.clone(),
            Form::OtherOrder => {
                json.replacen("{\"v\":1,", "{", 1).strip_suffix('}').unwrap().to_owned() + ",\"v\":1}"
            }
            Form::Spaced => json.replacen("{\"v\":1,", " { \"v\" : 1 ,", 1),
            Form::ReturnAtTheEnd => json.clone() + "\r",
            Form::Long(length) => {
                let more = "x".repeat(*length);
                format!("{},\"later\":\"{more}\"}}", json.strip_suffix('}').unwrap())
            }
            Form::Glued => json.repeat(2),
            Form::Torn => return json.as_bytes()[..json.len() - 1].to_vec(),
        };
        self.records.insert((record.time, record.id), record);
        text.into_bytes()
    }
}

fn in_order(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| (record.time, record.id));
    records
}

fn lines() -> impl Strategy<Value = Vec<(Line, Place)>> {
    vec((line(), (0..2usize, 0..2usize)), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_read_once_and_every_line_that_is_none_is_told(lines in lines(), ended: bool) {
        let log = Log::write(&lines, ended);
        let mut problems = Vec::new();
        let read: Vec<_> = log.log.records().unwrap().filter_map(|read| read.map_err(|e| problems.push(e)).ok()).collect();
        prop_assert_eq!(in_order(read), log.all());
        let place = |e: &ReadError| (e.path().to_owned(), e.line().unwrap());
        let mut problems: Vec<_> = problems.iter().map(place).collect();
        problems.sort();
        prop_assert_eq!(problems, &*log.expected.problems);
    }

    #[test]
    fn a_window_holds_what_began_in_it(lines in lines(), from in 0..60usize, to in 0..60usize, more: bool) {
        let log = Log::write(&lines, true);
        let all = log.all();
        let time = |at: usize| all.get(at).map_or(SystemTime::UNIX_EPOCH, |record| record.time);
        let window = time(from)..time(to) + Duration::from_micros(more.into());
        let expected: Vec<_> = all.iter().filter(|record| window.contains(&record.time)).cloned().collect();
        let read: Vec<_> = log.log.records_in(window).unwrap().flatten().collect();
        prop_assert_eq!(in_order(read), expected);
    }

    #[test]
    fn a_restored_store_is_the_one_that_saw_the_records(lines in lines(), ended: bool, kept in 0..70usize) {
        let log = Log::write(&lines, ended);
        let seen = MemorySink::builder().recent(kept).build();
        log.all().iter().for_each(|record| seen.record(record));
        let mut problems = 0;
        let restored = MemorySink::builder().recent(kept).restore_log(&log.log, |_| problems += 1).unwrap();
        prop_assert_eq!(problems, log.expected.problems.len());
        prop_assert_eq!(restored.records(), seen.records());
        let users = |sink: &MemorySink| sink.report().users(&UserQuery::new().limit(usize::MAX)).to_csv();
        prop_assert_eq!(users(&restored), users(&seen));
    }
}
