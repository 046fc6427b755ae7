//! The writer against a disk that fails, driven step by step with a clock of the test's own.

use super::options::Durability;
use super::segment::SegmentNames;
use super::shared::FileShared;
use super::stats::FileStats;
use super::storage::{SegmentFile, Storage};
use super::writer::{Writer, WriterOptions};
use crate::record::{Record, Text};
use crate::sink::channel::Turn;
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, SystemTime};

/// A disk in memory that fails on demand.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<DiskState>>);

#[derive(Debug, Default)]
struct DiskState {
    files: BTreeMap<String, Content>,
    /// How many more bytes there is room for.
    room: Option<usize>,
    /// The most that one write takes.
    short: Option<usize>,
    failing_writes: Option<ErrorKind>,
    failing_syncs: Option<ErrorKind>,
    failing_creates: Option<ErrorKind>,
    /// A sync waits here twice: when it has begun, and until it may end.
    slow_syncs: Option<Arc<Barrier>>,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    /// How much a power failure would leave.
    safe: usize,
    /// A sync has failed: what came after the last good one may never be safe, whatever later ones say.
    spoilt: bool,
}

struct DiskFile {
    disk: Disk,
    name: String,
}

impl Disk {
    fn set(&self, change: impl FnOnce(&mut DiskState)) {
        change(&mut self.0.lock().unwrap());
    }

    /// The numbers of the records in whole lines, of all bytes or of those that are safe.
    fn numbers(&self, safe: bool) -> Vec<u64> {
        let state = self.0.lock().unwrap();
        let mut numbers = Vec::new();
        for content in state.files.values() {
            let bytes = if safe { &content.bytes[..content.safe] } else { &content.bytes[..] };
            for line in bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")) {
                let record = Record::from_json(line).expect("no whole line is damaged");
                numbers.push(record.session.unwrap().parse().unwrap());
            }
        }
        numbers.sort_unstable();
        numbers
    }
}

impl Storage for Disk {
    fn create(&mut self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let mut state = self.0.lock().unwrap();
        if let Some(kind) = state.failing_creates {
            return Err(kind.into());
        }
        assert!(state.files.insert(name.to_owned(), Content::default()).is_none(), "a name was given twice");
        Ok(Box::new(DiskFile { disk: self.clone(), name: name.to_owned() }))
    }
}

impl SegmentFile for DiskFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.0.lock().unwrap();
        if let Some(kind) = state.failing_writes {
            return Err(kind.into());
        }
        let length = bytes.len().min(state.short.unwrap_or(usize::MAX)).min(state.room.unwrap_or(usize::MAX));
        if length == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        // A file that was removed takes bytes to nowhere, as on a real disk.
        if let Some(content) = state.files.get_mut(&self.name) {
            content.bytes.extend_from_slice(&bytes[..length]);
        }
        state.room = state.room.map(|room| room - length);
        Ok(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        let gate = self.disk.0.lock().unwrap().slow_syncs.take();
        if let Some(gate) = gate {
            gate.wait();
            gate.wait();
        }
        let mut state = self.disk.0.lock().unwrap();
        let failing = state.failing_syncs;
        if let Some(content) = state.files.get_mut(&self.name) {
            content.spoilt |= failing.is_some();
            if !content.spoilt {
                content.safe = content.bytes.len();
            }
        }
        failing.map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn is_linked(&self) -> bool {
        self.disk.0.lock().unwrap().files.contains_key(&self.name)
    }
}

/// A writer without a thread, its disk and its clock.
struct Rig {
    disk: Disk,
    shared: Arc<FileShared>,
    writer: Writer<Disk>,
    now: Duration,
    recorded: u64,
}

fn numbered(number: u64, now: Duration) -> Record {
    let mut record = Record::new(SystemTime::UNIX_EPOCH + now);
    record.session = Some(Text::new(&number.to_string()).unwrap());
    record
}

const WINDOW: Duration = Duration::from_millis(200);

impl Rig {
    fn new() -> Self {
        Self::with(1 << 20, 1 << 20, Durability::Every(WINDOW))
    }

    fn with(queue: usize, segment_bytes: u64, durability: Durability) -> Self {
        let disk = Disk::default();
        let shared = Arc::new(FileShared::new(queue, false, 0));
        let limits = WriterOptions { durability, segment_bytes, segment_age: Duration::from_secs(3600) };
        let names = SegmentNames::after(&[]);
        let writer = Writer::new(Arc::clone(&shared), disk.clone(), names, SystemTime::UNIX_EPOCH, limits);
        Self { disk, shared, writer, now: Duration::ZERO, recorded: 0 }
    }

    fn record(&mut self, count: u64) {
        for number in self.recorded..self.recorded + count {
            self.shared.record(&numbered(number, self.now));
        }
        self.recorded += count;
    }

    fn turn(&mut self) -> Turn {
        let next = self.writer.turn(self.now);
        self.stats();
        next
    }

    /// Lets time pass as the writer's thread would, without waking it early.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Turn::Sleep { until: Some(until), .. } = self.turn() {
            assert!(until > self.now, "the writer would spin");
            if until > end {
                break;
            }
            self.now = until;
        }
        self.now = end;
        self.turn();
    }

    fn flush(&mut self) -> io::Result<()> {
        let answer = self.shared.channel.request(false).unwrap();
        self.turn();
        answer
            .try_recv()
            .expect("a flush is answered at once, well or badly")
            .map_err(|e| io::Error::new(e.kind(), e))
    }

    /// The counts, which add up.
    fn stats(&self) -> FileStats {
        let stats = self.shared.stats();
        assert_eq!(stats.accepted, stats.written + stats.queued + stats.dropped.total(), "{stats:?}");
        assert!(stats.synced + stats.doubtful <= stats.written, "{stats:?}");
        assert_eq!(stats.accepted, self.recorded);
        assert_eq!(stats.queue_bytes == 0, stats.queued == 0, "{stats:?}");
        stats
    }

    /// Everything is there once.
    fn is_whole(&self) -> bool {
        self.disk.numbers(false) == (0..self.recorded).collect::<Vec<_>>()
    }
}

#[test]
fn records_are_written_before_and_synced_within_the_window() {
    let mut rig = Rig::new();
    rig.turn();
    for _ in 0..100 {
        rig.record(1);
        // The first record wakes an idle writer.
        rig.turn();
        let recorded = rig.recorded;
        rig.pass(WINDOW / 4);
        rig.record(1);
        rig.pass(WINDOW * 3 / 4);
        assert!(rig.stats().written > recorded);
        assert!(rig.stats().synced >= recorded, "synced within the window");
        rig.pass(WINDOW);
    }
    assert!(rig.is_whole());
}

#[test]
fn without_a_window_records_leave_the_process_and_a_flush_still_syncs() {
    let mut rig = Rig::with(1 << 20, 1 << 20, Durability::Never);
    rig.record(3);
    rig.pass(WINDOW * 100);
    assert_eq!((rig.stats().written, rig.stats().synced), (3, 0));
    rig.flush().unwrap();
    assert_eq!(rig.disk.numbers(true), [0, 1, 2]);
}

#[test]
fn with_always_nothing_waits() {
    let mut rig = Rig::with(1 << 20, 1 << 20, Durability::Always);
    rig.record(3);
    rig.turn();
    assert_eq!(rig.disk.numbers(true), [0, 1, 2]);
}

#[test]
fn an_idle_writer_sleeps_until_it_is_woken_or_the_segment_is_old() {
    let mut rig = Rig::new();
    assert_eq!(rig.turn(), Turn::Sleep { wake_at: 1, until: None });
    rig.record(1);
    rig.flush().unwrap();
    assert_eq!(rig.turn(), Turn::Sleep { wake_at: 1, until: Some(Duration::from_secs(3600)) });
    rig.pass(Duration::from_secs(3601));
    assert_eq!(rig.turn(), Turn::Sleep { wake_at: 1, until: None });
    assert!(rig.writer.take_sealed());
}

#[test]
fn a_full_disk_keeps_what_fits_and_gets_the_rest_when_there_is_room_again() {
    let mut rig = Rig::new();
    rig.record(1);
    rig.flush().unwrap();
    rig.disk.set(|state| state.room = Some(1000));
    rig.record(20);
    assert_eq!(rig.flush().unwrap_err().kind(), ErrorKind::StorageFull);
    let stats = rig.stats();
    assert!(stats.written > 1 && stats.queued > 0 && stats.errors == 1, "{stats:?}");
    rig.pass(Duration::from_secs(60));
    assert!((10..30).contains(&rig.stats().errors), "retries become rarer: {}", rig.stats().errors);
    rig.record(5);
    rig.disk.set(|state| state.room = None);
    rig.pass(Duration::from_secs(5));
    assert!(rig.is_whole());
    rig.flush().unwrap();
    assert_eq!(rig.stats().synced, 26);
    assert_eq!(rig.disk.0.lock().unwrap().files.len(), 1, "the torn line was finished where it was begun");
}

#[test]
fn what_the_queue_cannot_hold_meanwhile_is_dropped_and_counted_and_told_of_once() {
    let mut rig = Rig::with(10_000, 1 << 20, Durability::Every(WINDOW));
    rig.disk.set(|state| state.failing_writes = Some(ErrorKind::Other));
    rig.record(200);
    rig.pass(Duration::from_secs(1));
    rig.record(200);
    let stats = rig.stats();
    assert!(stats.dropped.full > 300 && stats.queued > 40, "{stats:?}");
    assert!(rig.flush().is_err());
    rig.disk.set(|state| state.failing_writes = None);
    rig.flush().unwrap();
    let (stats, kept) = (rig.stats(), rig.disk.numbers(true));
    assert_eq!(stats.written, kept.len() as u64);
    rig.record(200);
    let error = rig.flush().unwrap_err().to_string();
    let dropped = rig.stats().dropped.full - stats.dropped.full;
    assert_eq!(error, format!("{dropped} records recorded before were lost or are in doubt"));
    rig.flush().unwrap();
}

#[test]
fn after_an_error_on_the_nth_write_the_rest_goes_to_another_segment() {
    for torn in [None, Some(1), Some(150), Some(250)] {
        let mut rig = Rig::new();
        rig.record(1);
        rig.flush().unwrap();
        // A part of the batch is taken, then the file fails for good.
        rig.record(3);
        rig.disk.set(|state| state.room = torn);
        rig.disk.set(|state| state.failing_writes = torn.is_none().then_some(ErrorKind::Other));
        assert!(rig.flush().is_err());
        rig.disk.set(|state| (state.room, state.failing_writes) = (None, Some(ErrorKind::Other)));
        assert!(rig.flush().is_err());
        rig.disk.set(|state| state.failing_writes = None);
        rig.flush().unwrap();
        assert!(rig.is_whole(), "{torn:?}: {:?}", rig.disk.numbers(false));
        assert_eq!(rig.disk.0.lock().unwrap().files.len(), 2);
        assert_eq!((rig.stats().synced, rig.stats().doubtful), (4, 0));
    }
}

#[test]
fn a_failed_sync_is_reported_and_the_next_one_is_of_another_file() {
    let mut rig = Rig::new();
    rig.record(2);
    rig.flush().unwrap();
    rig.record(3);
    rig.disk.set(|state| state.failing_syncs = Some(ErrorKind::Other));
    assert!(rig.flush().is_err());
    rig.disk.set(|state| state.failing_syncs = None);
    rig.record(1);
    rig.flush().unwrap();
    let stats = rig.stats();
    assert_eq!((stats.written, stats.synced, stats.doubtful), (6, 3, 3));
    assert_eq!(rig.disk.numbers(true), [0, 1, 5]);
    assert!(rig.is_whole(), "what is in doubt was not written twice");
}

#[test]
fn a_sync_that_failed_between_flushes_is_reported_by_the_next_one() {
    let mut rig = Rig::new();
    rig.record(3);
    rig.disk.set(|state| state.failing_syncs = Some(ErrorKind::Other));
    rig.pass(WINDOW * 2);
    rig.disk.set(|state| state.failing_syncs = None);
    rig.pass(WINDOW * 10);
    assert_eq!(rig.flush().unwrap_err().to_string(), "3 records recorded before were lost or are in doubt");
    rig.flush().unwrap();
}

#[test]
fn a_sync_that_takes_long_is_not_felt_by_those_who_record() {
    let mut rig = Rig::new();
    rig.record(1);
    let gate = Arc::new(Barrier::new(2));
    rig.disk.set(|state| state.slow_syncs = Some(Arc::clone(&gate)));
    let answer = rig.shared.channel.request(false).unwrap();
    std::thread::scope(|scope| {
        let (writer, now) = (&mut rig.writer, rig.now);
        scope.spawn(move || writer.turn(now));
        gate.wait();
        (1..=1000).for_each(|number| rig.shared.record(&numbered(number, now)));
        rig.recorded += 1000;
        let stats = rig.shared.stats();
        assert_eq!((stats.written, stats.synced, stats.queued, stats.dropped.total()), (1, 0, 1000, 0));
        gate.wait();
    });
    answer.try_recv().unwrap().unwrap();
    assert_eq!(rig.stats().synced, 1);
    rig.flush().unwrap();
    assert!(rig.is_whole() && rig.stats().synced == 1001);
}

#[test]
fn short_writes_are_finished() {
    for short in [1, 7, 300] {
        let mut rig = Rig::with(1 << 20, 1000, Durability::default());
        rig.disk.set(|state| state.short = Some(short));
        rig.record(20);
        rig.flush().unwrap();
        assert!(rig.is_whole());
        assert_eq!(rig.disk.numbers(true).len(), 20);
    }
}

#[test]
fn a_directory_that_is_removed_is_made_again_and_what_was_in_it_unsynced_is_in_doubt() {
    let mut rig = Rig::new();
    rig.record(2);
    rig.flush().unwrap();
    rig.record(3);
    rig.turn();
    rig.pass(WINDOW / 2);
    assert_eq!((rig.stats().written, rig.stats().synced), (5, 2));
    rig.disk.set(|state| state.files.clear());
    rig.record(1);
    assert!(rig.flush().is_err());
    rig.flush().unwrap();
    let stats = rig.stats();
    assert_eq!((stats.doubtful, stats.synced, stats.errors), (3, 3, 1));
    assert_eq!(rig.disk.numbers(true), [5]);
}

#[test]
fn when_no_segment_can_be_made_everything_waits() {
    let mut rig = Rig::new();
    rig.disk.set(|state| state.failing_creates = Some(ErrorKind::PermissionDenied));
    rig.record(3);
    rig.pass(Duration::from_secs(10));
    assert_eq!(rig.stats().queued, 3);
    assert_eq!(rig.stats().last_error.as_deref(), Some("permission denied"));
    rig.disk.set(|state| state.failing_creates = None);
    rig.flush().unwrap();
    assert!(rig.is_whole());
}

#[test]
fn segments_are_cut_between_records_and_hold_no_more_than_they_may() {
    let mut rig = Rig::with(1 << 20, 1000, Durability::default());
    rig.record(100);
    rig.flush().unwrap();
    assert!(rig.is_whole());
    let state = rig.disk.0.lock().unwrap();
    let lengths: Vec<_> = state.files.values().map(|content| content.bytes.len()).collect();
    assert!(lengths.iter().all(|length| (600..=1000).contains(length)), "{lengths:?}");
    drop(state);
    let mut tiny = Rig::with(1 << 20, 1, Durability::default());
    tiny.record(3);
    tiny.flush().unwrap();
    assert_eq!(
        tiny.disk.0.lock().unwrap().files.len(),
        3,
        "a record that is longer gets a segment of its own"
    );
}

#[test]
fn closing_ends_the_writer_when_everything_is_safe_and_what_cannot_be_is_given_up_and_counted() {
    let mut rig = Rig::new();
    rig.record(3);
    assert!(!rig.shared.channel.close(Duration::ZERO), "no thread is there to end in time");
    assert_eq!(rig.turn(), Turn::End);
    assert_eq!((rig.stats().written, rig.stats().dropped.abandoned), (0, 3));
    rig.record(1);
    assert_eq!(rig.stats().dropped.closed, 1);
    rig.shared.channel.end();
    assert!(rig.shared.channel.flush(false).is_err());
    assert!(rig.shared.channel.flush(false).is_ok(), "each loss is reported once");
}

#[test]
fn closing_in_no_time_leaves_what_was_written_and_not_synced_in_doubt() {
    let mut rig = Rig::with(1 << 20, 1 << 20, Durability::Never);
    rig.record(2);
    rig.flush().unwrap();
    rig.record(3);
    rig.pass(WINDOW);
    rig.record(1);
    assert!(!rig.shared.channel.close(Duration::ZERO));
    assert_eq!(rig.turn(), Turn::End);
    let stats = rig.stats();
    assert_eq!((stats.synced, stats.doubtful, stats.dropped.abandoned), (2, 3, 1));
    rig.shared.channel.end();
    let error = rig.shared.channel.flush(false).unwrap_err().to_string();
    assert_eq!(error, "4 records recorded before were lost or are in doubt");
}

#[test]
fn what_fitted_on_a_full_disk_is_synced_as_soon_as_any_other() {
    // With the longest one the time to sync comes between two retries.
    let windows = [WINDOW, WINDOW * 5].map(Durability::Every);
    for durability in windows.into_iter().chain([Durability::Always, Durability::Never]) {
        let mut rig = Rig::with(1 << 20, 1 << 20, durability);
        rig.disk.set(|state| state.room = Some(1000));
        rig.record(20);
        rig.pass(durability.window().unwrap_or(WINDOW));
        let expected = |stats: &FileStats| if durability == Durability::Never { 0 } else { stats.written };
        let stats = rig.stats();
        assert!(stats.written > 0 && stats.queued > 0, "{stats:?}");
        assert_eq!(stats.synced, expected(&stats), "{durability:?}");
        // Later, when retries are rare, room for a few more is found by one of them.
        rig.pass(Duration::from_secs(60));
        rig.disk.set(|state| state.room = Some(1000));
        rig.pass(Duration::from_secs(5) + WINDOW * 5);
        let later = rig.stats();
        assert!(later.written > stats.written && later.queued > 0, "{later:?}");
        assert_eq!(later.synced, expected(&later), "{durability:?}");
        assert!(rig.flush().is_err());
        assert_eq!(rig.stats().synced, rig.stats().written, "a flush brings to the disk what it can");
    }
}

#[test]
fn what_fitted_on_a_full_disk_and_cannot_be_synced_is_in_doubt() {
    let mut rig = Rig::new();
    rig.disk.set(|state| (state.room, state.failing_syncs) = (Some(1000), Some(ErrorKind::Other)));
    rig.record(20);
    rig.pass(WINDOW);
    let stats = rig.stats();
    assert!(stats.written > 0 && stats.doubtful == stats.written && stats.queued > 0, "{stats:?}");
    rig.disk.set(|state| (state.room, state.failing_syncs) = (None, None));
    rig.pass(Duration::from_secs(5));
    assert!(rig.is_whole());
}

#[test]
fn sealing_does_not_take_the_telling_of_a_loss_from_the_next_flush() {
    let mut rig = Rig::new();
    rig.record(3);
    rig.disk.set(|state| state.failing_syncs = Some(ErrorKind::Other));
    rig.pass(WINDOW * 2);
    rig.disk.set(|state| state.failing_syncs = None);
    let sealed = rig.shared.channel.request(true).unwrap();
    rig.turn();
    assert!(sealed.try_recv().unwrap().is_ok());
    assert_eq!(rig.flush().unwrap_err().to_string(), "3 records recorded before were lost or are in doubt");
}

#[derive(Clone, Debug)]
enum Action {
    Record(u64),
    Pass(Duration),
    Flush,
    Room(Option<usize>),
    Short(Option<usize>),
    Writes(bool),
    Syncs(bool),
    Creates(bool),
}

fn step() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (1..20u64).prop_map(Action::Record),
        4 => (0..1000u64).prop_map(|ms| Action::Pass(Duration::from_millis(ms))),
        2 => Just(Action::Flush),
        1 => proptest::option::of(0..2000usize).prop_map(Action::Room),
        1 => proptest::option::of(1..300usize).prop_map(Action::Short),
        1 => any::<bool>().prop_map(Action::Writes),
        1 => any::<bool>().prop_map(Action::Syncs),
        1 => any::<bool>().prop_map(Action::Creates),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The promise as a whole, whatever fails in whatever order: the sums add up after every step, what was written is
    /// there once, and what a flush has called safe outlives a power failure unless the loss was reported.
    #[test]
    fn nothing_is_lost_without_a_count_or_doubled(steps in proptest::collection::vec(step(), 1..60)) {
        let failing = |fail: bool| fail.then_some(ErrorKind::Other);
        let mut rig = Rig::with(5_000, 2_000, Durability::Every(WINDOW));
        for step in steps {
            match step {
                Action::Record(count) => rig.record(count),
                Action::Pass(time) => rig.pass(time),
                Action::Flush => {
                    if rig.flush().is_ok() {
                        let stats = rig.stats();
                        prop_assert_eq!(stats.queued, 0);
                        prop_assert_eq!(stats.synced + stats.doubtful, stats.written);
                        prop_assert_eq!(rig.disk.numbers(true).len() as u64, stats.synced);
                    }
                }
                Action::Room(room) => rig.disk.set(|state| state.room = room),
                Action::Short(short) => rig.disk.set(|state| state.short = short),
                Action::Writes(fail) => rig.disk.set(|state| state.failing_writes = failing(fail)),
                Action::Syncs(fail) => rig.disk.set(|state| state.failing_syncs = failing(fail)),
                Action::Creates(fail) => rig.disk.set(|state| state.failing_creates = failing(fail)),
            }
            let stats = rig.stats();
            let there = rig.disk.numbers(false);
            prop_assert_eq!(there.len() as u64, stats.written);
            prop_assert_eq!(there.iter().collect::<BTreeSet<_>>().len(), there.len(), "doubled");
            prop_assert!(rig.disk.numbers(true).len() as u64 >= stats.synced);
        }
        let well = |state: &mut DiskState| *state = DiskState { files: std::mem::take(&mut state.files), ..DiskState::default() };
        rig.disk.set(well);
        let _ = rig.flush();
        rig.flush().unwrap();
        let stats = rig.stats();
        prop_assert_eq!(stats.written + stats.dropped.full, rig.recorded);
        prop_assert_eq!(stats.synced + stats.doubtful, stats.written);
    }
}
