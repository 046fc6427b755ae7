//! Streaming records in order of time.

use super::error::ReadError;
use super::run::{self, Order, Run};
use super::segment::{Format, Segment};
use crate::record::{Record, Seen};
use std::cmp::{Ordering, Reverse};
use std::collections::VecDeque;
use std::collections::binary_heap::{BinaryHeap, PeekMut};
use std::io;
use std::ops::Range;

/// The records of a [`RecordLog`](super::RecordLog), in order of time, each once.
///
/// A line that is no record, and a file that cannot be read, is an error that names it, and what comes after is read
/// all the same; of a compressed file that is damaged, what comes before the damage. An incomplete last line is left out in silence: it may be just being written, and otherwise a
/// [`FileSink`](super::FileSink) counts it when it is opened.
///
/// Segments are first looked through for the time that they span; then those whose times overlap are held in memory
/// together, as a rule one or two.
#[derive(Debug)]
pub struct Records {
    window: Range<u64>,
    /// Segments whose span is not known yet.
    unseen: Vec<Segment>,
    /// Segments that are not loaded, with the time of their first record, the earliest last.
    waiting: Vec<(u64, Segment)>,
    /// Loaded segments that have records left.
    runs: BinaryHeap<Next>,
    problems: VecDeque<ReadError>,
    last: Option<Order>,
    /// The room of a segment that was read, for the next one.
    spare: Vec<u8>,
    seen: Seen,
}

/// A loaded segment; the greatest is the one with the earliest record.
#[derive(Debug)]
struct Next(Run);

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        Reverse(self.0.order()).cmp(&Reverse(other.0.order()))
    }
}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Next {}

impl Records {
    /// The records of `segments` within `window`, in microseconds.
    pub(super) fn of(segments: Vec<Segment>, window: Range<u64>) -> Self {
        Self {
            window,
            unseen: segments,
            waiting: Vec::new(),
            runs: BinaryHeap::new(),
            problems: VecDeque::new(),
            last: None,
            spare: Vec::new(),
            seen: Seen::default(),
        }
    }

    fn look_through(&mut self) {
        for mut segment in std::mem::take(&mut self.unseen) {
            match wherever(&mut segment, run::span) {
                Ok(Some(Some((first, last)))) if first < self.window.end && last >= self.window.start => {
                    self.waiting.push((first, segment));
                }
                // No line is a record, and each is told of.
                Ok(Some(None)) => self.waiting.push((0, segment)),
                Ok(_) => {}
                Err(e) => self.problems.push_back(ReadError::file(&segment.path, e)),
            }
        }
        self.waiting.sort_unstable_by_key(|(first, _)| Reverse(*first));
    }

    /// Loads the segments in which a record may be earlier than all that are loaded.
    fn load(&mut self) {
        loop {
            let earliest = self.runs.peek().and_then(|run| run.0.order());
            let is_due = |first: u64| earliest.is_none_or(|(time, _)| first <= time);
            let Some((_, mut segment)) = self.waiting.pop_if(|(first, _)| is_due(*first)) else { return };
            let Self { window, problems, spare, .. } = self;
            match wherever(&mut segment, |segment| Run::load(segment, window, problems, spare)) {
                Ok(Some(run)) if run.order().is_some() => self.runs.push(Next(run)),
                Ok(_) => {}
                Err(e) => self.problems.push_back(ReadError::file(&segment.path, e)),
            }
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
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
            let record = if order == self.last {
                run.0.skip();
                None
            } else {
                let (record, problem) = run.0.next(&mut self.seen);
                self.problems.extend(problem);
                record
            };
            if run.0.order().is_none() {
                self.spare = PeekMut::pop(run).0.into_spare();
            }
            if let Some(record) = record {
                self.last = order;
                return Some(Ok(record));
            }
        }
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
