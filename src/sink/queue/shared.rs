//! What the handles of a queue and its worker share.

use super::stats::QueueStats;
use crate::record::Record;
use crate::sink::channel::{Channel, Queue};
use crate::sink::close::CloseError;
use crate::sink::warn::WarnOnce;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

pub(super) struct QueueShared {
    pub(super) channel: Channel<QueuedRecords>,
    dropping: WarnOnce,
    pub(super) failing: WarnOnce,
    pub(super) closing: WarnOnce,
}

/// The records that wait, and the worker's counts.
#[derive(Default)]
pub(super) struct QueuedRecords {
    pub(super) waiting: VecDeque<Record>,
    /// How many records may be on their way, including those that the worker has taken.
    capacity: usize,
    pub(super) in_hand: usize,
    pub(super) counts: QueueStats,
    pub(super) last_error: Option<String>,
    /// Why the sink behind could not be flushed at the end.
    pub(super) last_flush: Option<String>,
    failed_before_closing: Option<u64>,
}

impl QueuedRecords {
    fn on_their_way(&self) -> usize {
        self.waiting.len() + self.in_hand
    }

    /// Takes a record if there is room, and returns whether there was.
    fn take(&mut self, record: &Record) -> bool {
        let fits = self.on_their_way() < self.capacity;
        if fits {
            self.waiting.push_back(record.clone());
        }
        fits
    }
}

impl Queue for QueuedRecords {
    const LOSS: &'static str = "were lost";

    fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn lost(&self) -> u64 {
        self.counts.lost()
    }

    fn abandon(&mut self) {
        self.counts.abandoned += self.on_their_way() as u64;
        self.waiting.clear();
        self.in_hand = 0;
    }
}

impl QueueShared {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            channel: Channel::new(QueuedRecords { capacity: capacity.max(1), ..QueuedRecords::default() }),
            dropping: WarnOnce::default(),
            failing: WarnOnce::default(),
            closing: WarnOnce::default(),
        }
    }

    pub(super) fn record(&self, record: &Record) {
        self.dropping.dropped(self.channel.push(false, |records| records.take(record)));
    }

    pub(super) fn stats(&self) -> QueueStats {
        let state = self.channel.state();
        let (tally, queued) = (state.tally, state.queue.on_their_way() as u64);
        let counts = state.queue.counts;
        QueueStats { accepted: tally.accepted, full: tally.full, closed: tally.closed, queued, ..counts }
    }

    /// Refuses new records and waits until the others are handed over; what is left after `timeout` is given up. Returns also
    /// whether the worker has ended.
    pub(super) fn close(&self, timeout: Duration) -> (bool, Result<(), CloseError>) {
        let (failed_before, given_up) = {
            let mut state = self.channel.state();
            let failed = state.queue.counts.failed;
            (*state.queue.failed_before_closing.get_or_insert(failed), state.is_abandoned())
        };
        // Once the rest has been given up, nothing is waited for.
        let ended = self.channel.close(if given_up { Duration::ZERO } else { timeout });
        let state = self.channel.state();
        let QueuedRecords { counts, last_error, last_flush, .. } = &state.queue;
        let left = counts.abandoned + counts.failed.saturating_sub(failed_before);
        let reason = last_flush.clone();
        if left == 0 && reason.is_none() {
            return (ended, Ok(()));
        }
        let reason = reason.or_else(|| last_error.clone());
        (ended, Err(CloseError { left, fate: "were given up", reason }))
    }
}

impl fmt::Debug for QueueShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueShared").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
