//! Streaming records in order of time.

use super::block::{self, Block, OpenFiles, Source};
use super::error::ReadError;
use super::run::{Order, Room, Run};
use super::segment::{Format, Segment};
use crate::record::{Reading, Record};
use std::cmp::{Ordering, Reverse};
use std::collections::VecDeque;
use std::collections::binary_heap::{BinaryHeap, PeekMut};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// The records of a [`RecordLog`](super::RecordLog), in order of time, each once.
///
/// A line that is no record, and a file that cannot be read, is an error that names it, and what comes after is read
/// all the same; of a compressed file that is damaged, what comes before the damage. An incomplete last line is left
/// out in silence: it may be just being written, and otherwise a [`FileSink`](super::FileSink) counts it when it is
/// opened. Segments may be written to, compressed, rewritten and removed meanwhile.
///
/// First all segments are looked through, for the times that each of their parts spans, a quarter of a megabyte; then
/// those parts whose times overlap are held in memory together. A line of more than a megabyte is no record's: it is told
/// of, and no more than a megabyte of it is read.
#[derive(Debug)]
pub struct Records {
    window: Range<u64>,
    /// Segments that are not looked through yet.
    unseen: Vec<Segment>,
    /// Blocks that are not loaded, the one with the earliest record last.
    waiting: Vec<Block>,
    /// Loaded blocks that have records left.
    runs: BinaryHeap<Loaded>,
    /// Blocks that have been loaded, for going back to them.
    done: Vec<Block>,
    problems: VecDeque<ReadError>,
    last: Option<Order>,
    files: OpenFiles,
    /// The room of a block that was read, for the next one.
    spare: Room,
    reading: Reading,
}

/// A loaded block; the greatest is the one with the earliest record.
#[derive(Debug)]
struct Loaded(Run);

impl Ord for Loaded {
    fn cmp(&self, other: &Self) -> Ordering {
        Reverse(self.0.key()).cmp(&Reverse(other.0.key()))
    }
}

impl PartialOrd for Loaded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Loaded {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Loaded {}

/// How often a file may be replaced between finding and reading it.
const TIMES_REPLACED: usize = 10;

impl Records {
    /// The records of `segments` within `window`, in microseconds.
    pub(super) fn of(segments: Vec<Segment>, window: Range<u64>) -> Self {
        Self {
            window,
            unseen: segments,
            waiting: Vec::new(),
            runs: BinaryHeap::new(),
            done: Vec::new(),
            problems: VecDeque::new(),
            last: None,
            files: OpenFiles::default(),
            spare: Room::default(),
            reading: Reading::default(),
        }
    }

    fn look_through(&mut self) {
        for (number, segment) in std::mem::take(&mut self.unseen).into_iter().enumerate() {
            self.look_through_one(segment, number, None);
        }
        self.sort_waiting();
    }

    /// Looks through a segment, or the one that has taken the place of another.
    fn look_through_one(
        &mut self,
        mut segment: Segment,
        number: usize,
        before: Option<(&Source, &[Range<u32>])>,
    ) {
        let window = self.window.clone();
        let may_have_some = |block: &Block| match block.span {
            _ if block.too_long => true,
            Some((first, last)) => first < window.end && last >= window.start,
            // No line is a record, and each is told of.
            None => true,
        };
        match wherever(&mut segment, |segment| block::look_through(segment, number, before)) {
            Ok(Some((blocks, damage))) => {
                self.waiting.extend(blocks.into_iter().filter(may_have_some));
                self.problems.extend(damage.map(|e| ReadError::file(&segment.path, e)));
            }
            Ok(None) => {}
            Err(e) => self.problems.push_back(ReadError::file(&segment.path, e)),
        }
    }

    fn sort_waiting(&mut self) {
        self.waiting.sort_by_key(|block| Reverse((first(block), block.place())));
    }

    /// Loads the blocks in which a record may be earlier than all that are loaded, until there is a problem to tell.
    fn load(&mut self) {
        while self.problems.is_empty() {
            let earliest = self.runs.peek().and_then(|run| run.0.order());
            let is_due = |block: &mut Block| earliest.is_none_or(|(time, _)| first(block) <= time);
            let Some(block) = self.waiting.pop_if(is_due) else { return };
            let mut blocks = Vec::new();
            if block.source.segment.format != Format::Plain && !self.files.comes_next(&block) {
                // A compressed file is read from its beginning: what comes before is not passed by.
                let passed =
                    |of: &mut Block| Arc::ptr_eq(&of.source, &block.source) && of.place() < block.place();
                blocks.extend(self.waiting.extract_if(.., passed));
                blocks.sort_by_key(Block::place);
            }
            blocks.push(block);
            for block in blocks {
                if let Some(gone) = self.load_block(block) {
                    self.look_again(&gone.source);
                    break;
                }
            }
        }
    }

    /// Loads a block, unless its file is not there any more: then it is given back.
    fn load_block(&mut self, block: Block) -> Option<Block> {
        let mut room = std::mem::take(&mut self.spare);
        let Self { window, problems, last, .. } = self;
        let path = &block.source.segment.path;
        match block.read(&mut self.files, &mut room.bytes) {
            Ok(damage) => problems.extend(damage.map(|e| ReadError::file(path, e))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Some(block),
            Err(e) => {
                problems.push_back(ReadError::file(path, e));
                return None;
            }
        }
        if block.too_long && !block.is_told(block.lines().start) {
            problems.push_back(ReadError::too_long(&block.source.path, block.lines().start));
        }
        let wanted = |order: Order| window.contains(&order.0) && *last < Some(order);
        let run = Run::new(&block, room, wanted, problems);
        self.done.push(block);
        if run.order().is_some() {
            self.runs.push(Loaded(run));
        } else {
            self.spare = run.into_room();
        }
        None
    }

    /// Looks through the file that has taken the place of one, and goes on after the last record that was read. Of one that
    /// has been removed for its age only what is loaded is left.
    fn look_again(&mut self, gone: &Arc<Source>) {
        if gone.times_replaced >= TIMES_REPLACED {
            let e = io::Error::other("the file is replaced all the time");
            self.problems.push_back(ReadError::file(&gone.segment.path, e));
            return self.waiting.retain(|block| !Arc::ptr_eq(&block.source, gone));
        }
        let is_of = |source: &Arc<Source>| Arc::ptr_eq(source, gone);
        let told = self.done.iter().filter(|block| is_of(&block.source)).map(Block::lines);
        let told: Vec<_> = told.chain(gone.told.iter().cloned()).collect();
        self.waiting.retain(|block| !is_of(&block.source));
        let before = self.waiting.len();
        self.look_through_one(gone.segment.clone(), gone.number, Some((&**gone, &told)));
        if self.waiting.len() > before {
            self.done.retain(|block| !is_of(&block.source));
            self.runs.retain(|run| !is_of(&run.0.source));
        }
        self.sort_waiting();
    }

    /// Reads the next record into `record`, whose room is used again, and tells its place. After an error, nobody knows
    /// what it holds.
    fn read_next(&mut self, record: &mut Record) -> Option<Result<Order, ReadError>> {
        if !self.unseen.is_empty() {
            self.look_through();
        }
        loop {
            self.load();
            if let Some(problem) = self.problems.pop_front() {
                return Some(Err(problem));
            }
            let mut run = self.runs.peek_mut()?;
            let order = run.0.order();
            let mut found = false;
            if order == self.last {
                run.0.skip();
            } else {
                let problem;
                (found, problem) = run.0.next(record, &mut self.reading);
                self.problems.extend(problem);
            }
            if run.0.order().is_none() {
                self.spare = PeekMut::pop(run).0.into_room();
            }
            if found {
                self.last = order;
                return order.map(Ok);
            }
        }
    }

    /// The same for what is only added up: texts on which no sum depends are left out.
    pub(crate) fn read_for_sums(&mut self, record: &mut Record) -> Option<Result<Order, ReadError>> {
        self.read_next(record)
    }

    /// Goes back to what comes after the record at `last`, or to the beginning, when all has been read.
    pub(crate) fn go_back(&mut self, last: Option<Order>) {
        let may_have_later = |block: &Block| block.span.map(|(_, end)| end) >= last.map(|(time, _)| time);
        self.waiting.append(&mut self.done);
        self.waiting.retain(may_have_later);
        self.sort_waiting();
        self.last = last;
    }
}

/// The time of a block's first record.
fn first(block: &Block) -> u64 {
    block.span.map_or(0, |(first, _)| first)
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = Record::blank();

        Some(self.read_next(&mut record)?.map(|_| record))
    }
}

/// Reads `segment` where it is now: it may just have been compressed, or removed for its age (`None`).
fn wherever<T>(
    segment: &mut Segment,
    mut read: impl FnMut(&Segment) -> io::Result<T>,
) -> io::Result<Option<T>> {
    match read(segment) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        done => return done.map(Some),
    }
    for format in Format::ALL {
        let moved = Segment { path: segment.path_as(format), format, ..segment.clone() };
        if moved.path.exists() {
            *segment = moved;
            return read(segment).map(Some);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::{FileSink, RecordLog};
    use super::*;
    use crate::sink::MetricsSink;
    use std::time::{Duration, SystemTime};

    #[test]
    fn problems_are_told_before_more_is_loaded() {
        let dir = std::env::temp_dir().join(format!("tower-llm-metrics-garbage-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("garbage.jsonl"), "x\n".repeat(1 << 20)).unwrap();
        let mut records = RecordLog::open(&dir).unwrap().records().unwrap();
        let mut lines = 1..;
        while let Some(problem) = records.next() {
            assert_eq!(problem.unwrap_err().line(), lines.next());
            assert!(records.problems.len() < 1 << 18);
        }
        assert_eq!(lines.start, (1 << 20) + 1);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn only_parts_whose_times_overlap_are_in_memory_together() {
        let dir = std::env::temp_dir().join(format!("tower-llm-metrics-parts-{}", std::process::id()));
        let sink = FileSink::builder(&dir).segment_bytes(1 << 20).open().unwrap();
        let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        (0..10_000).for_each(|second| sink.record(&Record::new(at(second))));
        drop(sink);
        let mut records = RecordLog::open(&dir).unwrap().records().unwrap();
        let (mut count, mut loaded) = (0, 0);
        while let Some(record) = records.next() {
            assert_eq!(record.unwrap().time, at(count));
            assert!(records.runs.len() <= 1, "{}", records.runs.len());
            count += 1;
            loaded = loaded.max(records.done.len());
        }
        assert!(count == 10_000 && loaded > 5, "{loaded} parts");
        std::fs::remove_dir_all(dir).unwrap();
    }
}
