//! The queue of lines between the callers and the thread that writes.
//!
//! The writer swaps a full buffer for an empty one, so nothing is allocated for each line.

use super::stats::Ledger;
use crate::sink::channel::Queue;

/// The longest line that is written or read. No record is longer, unless the application makes one of thousands of passes.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// The lines that wait, and the writer's counts.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) batch: Batch,
    /// The bytes that may wait.
    capacity: usize,
    pub(super) ledger: Ledger,
}

impl Lines {
    pub(super) fn new(capacity: usize, torn: u64) -> Self {
        let ledger = Ledger { torn, ..Ledger::default() };
        Self { batch: Batch::default(), capacity, ledger }
    }

    /// Takes a line if there is room, and returns whether there was.
    pub(super) fn take(&mut self, line: &[u8]) -> bool {
        let fits = line.len() <= LONGEST_LINE && self.batch.lines.len() + line.len() <= self.capacity;
        if fits {
            self.batch.append(line, self.capacity);
        }
        fits
    }

    /// Swaps the lines for an empty `batch`.
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

    /// Does nothing: the writer gives up what waits along with what it has in hand.
    fn abandon(&mut self) {}
}

/// Whole lines, and how many there are.
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

    /// Removes the lines, and frees half of a large capacity that was hardly used.
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
