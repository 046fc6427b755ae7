//! Lines on their way from those who record to the one thread that writes.
//!
//! The writer swaps a full buffer for an empty one: nothing is allocated and nothing is sent per line.

use super::stats::Ledger;
use crate::sink::channel::Queue;

/// As long as a line may be: no record is, unless the application makes one of thousands of passes, and readers take no longer
/// one.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// The lines that wait, and the writer's counts.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) batch: Batch,
    /// How many bytes may wait.
    capacity: usize,
    pub(super) ledger: Ledger,
}

impl Lines {
    pub(super) fn new(capacity: usize, torn: u64) -> Self {
        let ledger = Ledger { torn, ..Ledger::default() };
        Self { batch: Batch::default(), capacity, ledger }
    }

    /// Takes a line; whether there was room.
    pub(super) fn take(&mut self, line: &[u8]) -> bool {
        let fits = line.len() <= LONGEST_LINE && self.batch.lines.len() + line.len() <= self.capacity;
        if fits {
            self.batch.append(line, self.capacity);
        }
        fits
    }

    /// Swaps the lines for `batch`, which is empty.
    pub(super) fn swap(&mut self, batch: &mut Batch) {
        std::mem::swap(&mut self.batch, batch);
    }
}

impl Queue for Lines {
    const LOSS: &'static str = "were lost or are in doubt";

    fn waiting(&self) -> usize {
        self.batch.lines.len()
    }

    fn lost(&self) -> u64 {
        self.ledger.abandoned + self.ledger.doubtful
    }

    /// The writer does, who knows what is in its hands.
    fn abandon(&mut self) {}
}

/// Whole lines, and how many.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) lines: Vec<u8>,
    pub(super) records: u64,
}

impl Batch {
    /// Adds a line that fits into `limit` bytes, without growing beyond them.
    fn append(&mut self, line: &[u8], limit: usize) {
        let needed = self.lines.len() + line.len();
        if self.lines.capacity() < needed {
            let target = needed.saturating_mul(2).max(1 << 12).min(limit).max(needed);
            self.lines.reserve_exact(target - self.lines.len());
        }
        self.lines.extend_from_slice(line);
        self.records += 1;
    }

    /// Forgets the lines. Of room that was hardly used, a half is given back.
    pub(super) fn clear(&mut self) {
        const KEPT: usize = 1 << 20;
        let (used, room) = (self.lines.len(), self.lines.capacity());
        self.lines.clear();
        self.records = 0;
        if room > KEPT && used < room / 4 {
            self.lines.shrink_to(room / 2);
        }
    }
}
