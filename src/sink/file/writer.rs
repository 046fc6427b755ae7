//! Writing lines from the queue to segments, with retries.
//!
//! The writer has no clock and does not wait: it is given the time and returns how long it may sleep, so that tests drive it
//! without a thread.

use super::options::Durability;
use super::queue::Batch;
use super::segment::SegmentNames;
use super::shared::FileShared;
use super::storage::{SegmentFile, Storage};
use crate::sink::channel::{Fault, FlushRequest, Queue, Requests, Turn};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The writer of a sink. Times are since the sink was opened.
pub(super) struct Writer<S> {
    shared: Arc<FileShared>,
    storage: S,
    names: SegmentNames,
    /// The time of day when the sink was opened. It is not asked again, so that a step of the clock has no effect.
    opened: SystemTime,
    options: WriterOptions,
    segment: Option<ActiveSegment>,
    /// Lines that were taken from the queue.
    batch: Batch,
    /// How many bytes of the batch are written, and where the line that is being written begins.
    at: usize,
    line: usize,
    write_at: Option<Duration>,
    sync_at: Option<Duration>,
    retry_at: Option<Duration>,
    failures: u32,
    sealed: bool,
}

/// When a writer writes, syncs and begins a new segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriterOptions {
    pub(super) durability: Durability,
    pub(super) segment_bytes: u64,
    pub(super) segment_age: Duration,
}

/// The segment that is being written.
struct ActiveSegment {
    file: Box<dyn SegmentFile>,
    began: Duration,
    bytes: u64,
    /// Records that are written and not yet known to be on the disk.
    unsynced: u64,
}

impl<S: Storage> Writer<S> {
    const FIRST_RETRY: Duration = Duration::from_millis(50);
    const LAST_RETRY: Duration = Duration::from_secs(5);
    /// The bytes in the queue that are written without waiting for more.
    const PLENTY: usize = 256 << 10;

    pub(super) fn new(
        shared: Arc<FileShared>,
        storage: S,
        names: SegmentNames,
        opened: SystemTime,
        options: WriterOptions,
    ) -> Self {
        Self {
            shared,
            storage,
            names,
            opened,
            options,
            segment: None,
            batch: Batch::default(),
            at: 0,
            line: 0,
            write_at: None,
            sync_at: None,
            retry_at: None,
            failures: 0,
            sealed: false,
        }
    }

    /// Does what is due at `now`.
    pub(super) fn turn(&mut self, now: Duration) -> Turn {
        let Requests { flushes, closing, abandoning } = self.shared.channel.requests();
        if abandoning {
            self.abandon();
            return Turn::End;
        }
        if let Some(retry_at) = self.retry_at
            && now < retry_at
            && flushes.is_empty()
        {
            self.sync_while_waiting(now);
            return self.until_retry();
        }
        let seal = closing || flushes.iter().any(|flush| flush.seal);
        let done = self.work(now, closing || !flushes.is_empty(), seal);
        let done = done.map_err(|e| self.failed(e, now));
        self.answer(flushes, &done);
        match done {
            Ok(()) => {
                (self.retry_at, self.failures) = (None, 0);
                if closing && !self.is_pending() { Turn::End } else { self.next(now) }
            }
            Err(_) => self.until_retry(),
        }
    }

    /// Syncs what was written before a write failed, if that is due.
    fn sync_while_waiting(&mut self, now: Duration) {
        if self.unsynced_at().is_some_and(|at| now >= at) {
            self.sync_at = None;
            // If this fails, the records are counted as doubtful, and the next flush reports them.
            let _ = self.sync().map_err(|e| self.shared.failed(e));
        }
    }

    /// Returns when written records are to be on the disk.
    fn unsynced_at(&self) -> Option<Duration> {
        self.sync_at.filter(|_| self.segment.as_ref().is_some_and(|segment| segment.unsynced > 0))
    }

    fn until_retry(&self) -> Turn {
        let until = [self.retry_at, self.unsynced_at()].into_iter().flatten().min();
        Turn::Sleep { wake_at: usize::MAX, until }
    }

    /// Returns whether a segment was closed since the last call.
    pub(super) fn take_sealed(&mut self) -> bool {
        std::mem::take(&mut self.sealed)
    }

    fn is_pending(&self) -> bool {
        self.batch.records > 0 || self.waiting() > 0
    }

    /// Returns how many bytes the queue holds.
    fn waiting(&self) -> usize {
        self.shared.channel.state().queue.waiting()
    }

    fn next(&self, now: Duration) -> Turn {
        let pending = self.is_pending();
        let write_at =
            if pending { self.write_at.or(Some(now + self.options.durability.linger())) } else { None };
        let expiry =
            self.segment.as_ref().map(|segment| segment.began.saturating_add(self.options.segment_age));
        let until = [write_at, self.sync_at, expiry].into_iter().flatten().min();
        Turn::Sleep { wake_at: if pending { self.plenty() } else { 1 }, until }
    }

    fn plenty(&self) -> usize {
        Self::PLENTY.min(self.shared.capacity / 2).max(1)
    }

    fn work(&mut self, now: Duration, urgent: bool, seal: bool) -> io::Result<()> {
        let pending = self.is_pending();
        if pending {
            self.write_at.get_or_insert(now + self.options.durability.linger());
            if let Some(window) = self.options.durability.window() {
                self.sync_at.get_or_insert(now + window);
            }
        }
        let due = |at: Option<Duration>| at.is_some_and(|at| now >= at);
        let sync = urgent || due(self.sync_at);
        if pending && (sync || due(self.write_at) || self.waiting() >= self.plenty()) {
            let poured = self.pour(now);
            if poured.is_err() && sync {
                // A part may have been written. If its sync fails, that is counted as doubt.
                let _ = self.sync();
                self.sync_at = None;
            }
            poured?;
            self.write_at = None;
        }
        if sync {
            self.sync()?;
            self.sync_at = None;
        }
        let expired = self.segment.as_ref().is_some_and(|segment| self.is_over(segment, now));
        if self.segment.is_some() && (seal || expired) { self.seal() } else { Ok(()) }
    }

    /// Writes everything that is in the queue.
    fn pour(&mut self, now: Duration) -> io::Result<()> {
        self.write_batch(now)?;
        {
            let lines = &mut self.shared.channel.state().queue;
            lines.swap(&mut self.batch);
            lines.ledger.in_hand = self.batch.records;
            lines.ledger.in_hand_bytes = self.batch.lines.len();
        }
        self.shared.channel.made_room();
        self.write_batch(now)
    }

    fn write_batch(&mut self, now: Duration) -> io::Result<()> {
        if self.batch.records > 0 {
            self.check_segment();
        }
        while self.at < self.batch.lines.len() {
            let room = self.room(now)?;
            let rest = self.batch.lines.get(self.at..).unwrap_or_default();
            let whole = |part: &[u8]| memchr::memrchr(b'\n', part).map(|end| end + 1);
            let part = match rest.get(..room) {
                None => rest.len(),
                Some(part) => match whole(part).or_else(|| memchr::memchr(b'\n', rest).map(|end| end + 1)) {
                    Some(length) => length,
                    None => rest.len(),
                },
            };
            let Some(segment) = &mut self.segment else { continue };
            match segment.file.append(rest.get(..part).unwrap_or(rest)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => self.wrote(length.min(part)),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.leave_segment_if_broken(&e);
                    return Err(e);
                }
            }
        }
        self.batch.clear();
        (self.at, self.line) = (0, 0);
        Ok(())
    }

    /// Returns how many bytes may go into the segment, after beginning a new one if that is due.
    fn room(&mut self, now: Duration) -> io::Result<usize> {
        // A line is finished in the segment where it was begun.
        let between_lines = self.at == self.line;
        let next_line = memchr::memchr(b'\n', self.batch.lines.get(self.at..).unwrap_or_default());
        let needed = next_line.map_or(0, |end| end as u64 + 1);
        if let Some(segment) = &self.segment
            && between_lines
            && segment.bytes > 0
            && (self.is_over(segment, now) || segment.bytes + needed > self.options.segment_bytes)
        {
            self.seal()?;
        }
        let segment = match &mut self.segment {
            Some(segment) => segment,
            none => {
                let name = self.names.next(self.opened + now);
                self.shared.set_active(Some(name.clone()));
                let file = self.storage.create(&name)?;
                none.insert(ActiveSegment { file, began: now, bytes: 0, unsynced: 0 })
            }
        };
        Ok(usize::try_from(self.options.segment_bytes.saturating_sub(segment.bytes)).unwrap_or(usize::MAX))
    }

    fn is_over(&self, segment: &ActiveSegment, now: Duration) -> bool {
        segment.bytes >= self.options.segment_bytes
            || now >= segment.began.saturating_add(self.options.segment_age)
    }

    /// Counts `length` more bytes of the batch as written.
    fn wrote(&mut self, length: usize) {
        let part = self.batch.lines.get(self.at..self.at + length).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', part).count() as u64;
        if let Some(end) = memchr::memrchr(b'\n', part) {
            self.line = self.at + end + 1;
        }
        self.at += length;
        self.batch.records -= lines.min(self.batch.records);
        if let Some(segment) = &mut self.segment {
            segment.bytes += length as u64;
            segment.unsynced += lines;
        }
        self.shared.count(|ledger| {
            ledger.written += lines;
            ledger.in_hand = self.batch.records;
            ledger.in_hand_bytes = self.batch.lines.len() - self.line;
        });
    }

    /// Leaves a segment that somebody else has removed, since what is written to it would be lost.
    fn check_segment(&mut self) {
        if self.segment.as_ref().is_some_and(|segment| !segment.file.is_linked()) {
            let unsynced = self.leave_segment();
            self.shared.count(|ledger| ledger.doubtful += unsynced);
            self.shared.failed(removed());
        }
    }

    /// Leaves the segment after a failed write, unless the disk was full.
    fn leave_segment_if_broken(&mut self, error: &io::Error) {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        if !full && self.segment.as_ref().is_some_and(|segment| segment.bytes > 0) {
            // If this sync fails, that is counted; the error that is returned is that of the write.
            let _ = self.sync();
            self.leave_segment();
        }
    }

    /// Leaves the segment and returns how many of its records are not known to be on the disk. A line that was begun there
    /// will be written again in the next segment.
    fn leave_segment(&mut self) -> u64 {
        self.at = self.line;
        self.sealed = true;
        let unsynced = self.segment.take().map_or(0, |segment| segment.unsynced);
        self.shared.set_active(None);
        unsynced
    }

    /// Brings what was written to the disk. A segment for which that fails is left: the operating system may have dropped what
    /// it could not write, and would report success the next time.
    fn sync(&mut self) -> io::Result<()> {
        let Some(segment) = self.segment.as_mut().filter(|segment| segment.unsynced > 0) else {
            return Ok(());
        };
        let synced = match segment.file.sync() {
            Ok(()) if segment.file.is_linked() => Ok(()),
            Ok(()) => Err(removed()),
            Err(e) => Err(e),
        };
        match synced {
            Ok(()) => {
                let synced = std::mem::take(&mut segment.unsynced);
                self.shared.count(|ledger| ledger.synced += synced);
                Ok(())
            }
            Err(e) => {
                let unsynced = self.leave_segment();
                self.shared.count(|ledger| ledger.doubtful += unsynced);
                Err(e)
            }
        }
    }

    /// Closes the segment.
    fn seal(&mut self) -> io::Result<()> {
        self.sync()?;
        self.leave_segment();
        Ok(())
    }

    fn failed(&mut self, error: io::Error, now: Duration) -> Fault {
        let doubled = Self::FIRST_RETRY.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(now + doubled.min(Self::LAST_RETRY));
        self.shared.failed(error)
    }

    fn answer(&self, flushes: Vec<FlushRequest>, done: &Result<(), Fault>) {
        // An error covers the losses that it led to: a flush reports them once.
        let reports = flushes.iter().any(|flush| !flush.seal);
        let losses = if reports { self.shared.channel.state().report_losses() } else { Ok(()) };
        for flush in flushes {
            flush.answer(if flush.seal { done.clone() } else { done.clone().and(losses.clone()) });
        }
    }

    /// Gives up everything that is not written. What is written and not on the disk is in doubt.
    fn abandon(&mut self) {
        let unsynced = self.leave_segment();
        let lines = &mut self.shared.channel.state().queue;
        lines.ledger.doubtful += unsynced;
        lines.ledger.abandoned += self.batch.records + lines.batch.records;
        (lines.ledger.in_hand, lines.ledger.in_hand_bytes) = (0, 0);
        lines.batch.clear();
        self.batch.clear();
    }
}

fn removed() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the segment that was being written is no longer there")
}
