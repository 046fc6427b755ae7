//! What the handles of a file sink and its threads share.

use super::queue::{Batch, LONGEST_LINE, Lines};
use super::segment::{self, Segment};
use super::stats::{FileStats, Ledger};
use crate::record::Record;
use crate::sink::channel::{Channel, Fault, Pushed};
use crate::sink::warn::WarnOnce;
use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug)]
pub(super) struct FileShared {
    pub(super) channel: Channel<Lines>,
    /// The bytes of lines that may wait.
    pub(super) capacity: usize,
    /// Whether to wait for room rather than to refuse.
    block: bool,
    /// The name of the segment that is being written. It is set before the file is there.
    active: Mutex<Option<String>>,
    /// Locked while segments are replaced or removed.
    pub(super) keeping: Mutex<()>,
    dropping: WarnOnce,
    failing: WarnOnce,
    pub(super) closing: WarnOnce,
}

thread_local! {
    /// A thread's own buffer for one line.
    static LINE: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(1024));
}

impl FileShared {
    /// Makes the queue of `capacity` bytes for a log from which `torn` lines were cut off.
    pub(super) fn new(capacity: usize, block: bool, torn: u64) -> Self {
        Self {
            channel: Channel::new(Lines::new(capacity, torn)),
            capacity,
            block,
            active: Mutex::default(),
            keeping: Mutex::default(),
            dropping: WarnOnce::default(),
            failing: WarnOnce::default(),
            closing: WarnOnce::default(),
        }
    }

    /// Takes a record, on the caller's thread.
    pub(super) fn record(&self, record: &Record) {
        let pushed = LINE.try_with(|line| match line.try_borrow_mut() {
            Ok(mut line) => {
                line.clear();
                self.push(&mut line, record)
            }
            Err(_) => self.push(&mut Vec::new(), record),
        });
        // A thread that is ending has lost its locals.
        self.dropping.dropped(pushed.unwrap_or_else(|_| self.push(&mut Vec::new(), record)));
    }

    fn push(&self, line: &mut Vec<u8>, record: &Record) -> Pushed {
        record.write_json(line);
        line.push(b'\n');
        // Waiting would not make room for a line that is too long.
        let wait = self.block && line.len() <= LONGEST_LINE.min(self.capacity);
        self.channel.push(wait, |lines| lines.take(line))
    }

    /// Changes several of the writer's counts at once.
    pub(super) fn count(&self, count: impl FnOnce(&mut Ledger)) {
        count(&mut self.channel.state().queue.ledger);
    }

    pub(super) fn stats(&self) -> FileStats {
        let state = self.channel.state();
        let Batch { lines, records } = &state.queue.batch;
        state.queue.ledger.stats(state.tally, *records, lines.len())
    }

    pub(super) fn failed(&self, error: io::Error) -> Fault {
        let fault = Fault::new(error);
        self.count(|ledger| ledger.fail(Arc::clone(&fault)));
        self.failing.warn("writing records failed and is tried again", &fault);
        fault
    }

    pub(super) fn set_active(&self, name: Option<String>) {
        *self.active.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }

    /// Returns the segments of `dir` that are no longer written to.
    pub(super) fn closed_segments(&self, dir: &Path) -> io::Result<Vec<Segment>> {
        let mut segments = segment::list(dir)?;
        // Since this comes after the list was made, what is on the list and not active now was closed before.
        let active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        segments.retain(|segment| active.as_ref() != Some(&segment.stem));
        Ok(segments)
    }
}
