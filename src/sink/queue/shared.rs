//! What the handles of a queue and its worker share.

use super::stats::QueueStats;
use crate::record::Record;
use crate::sink::close::CloseError;
use crate::sink::warn::WarnOnce;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(super) struct Shared {
    state: Mutex<State>,
    /// There is something to do for the worker.
    work: Condvar,
    /// The worker has ended.
    ended: Condvar,
    dropping: WarnOnce,
    pub(super) failing: WarnOnce,
    pub(super) closing: WarnOnce,
}

/// Asks the worker to hand over everything that was recorded before, and to flush.
pub(super) type Order = SyncSender<io::Result<()>>;

#[derive(Default)]
pub(super) struct State {
    pub(super) queue: VecDeque<Record>,
    /// How many records may be on their way, those included that the worker has taken.
    capacity: usize,
    pub(super) in_hand: usize,
    /// How many queued records wake the worker up.
    pub(super) wake_at: usize,
    /// Something else was asked for.
    pub(super) woken: bool,
    pub(super) orders: Vec<Order>,
    pub(super) closed: bool,
    failed_before_closing: Option<u64>,
    /// The time for closing is over.
    pub(super) abandoning: bool,
    ended: bool,
    pub(super) counts: QueueStats,
    pub(super) last_error: Option<String>,
    /// Why the sink behind could not be flushed at the end.
    pub(super) last_flush: Option<String>,
    /// Losses that a flush has told of.
    told: u64,
}

impl Shared {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State { capacity: capacity.max(1), wake_at: 1, ..State::default() }),
            work: Condvar::new(),
            ended: Condvar::new(),
            dropping: WarnOnce::default(),
            failing: WarnOnce::default(),
            closing: WarnOnce::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self, record: &Record) {
        let mut state = self.state();
        state.counts.accepted += 1;
        let reason = if state.closed {
            state.counts.closed += 1;
            "the queue was closed"
        } else if state.queue.len() + state.in_hand >= state.capacity {
            state.counts.full += 1;
            "the queue is full"
        } else {
            state.queue.push_back(record.clone());
            let wake = state.queue.len() >= state.wake_at;
            drop(state);
            if wake {
                self.work.notify_one();
            }
            return;
        };
        drop(state);
        self.dropping.warn("records are dropped", &reason);
    }

    /// Gives the worker an order and waits for the answer.
    pub(super) fn order(&self) -> io::Result<()> {
        let (answer, told) = sync_channel(1);
        let mut state = self.state();
        if state.ended {
            return state.tell_losses();
        }
        state.orders.push(answer);
        state.woken = true;
        drop(state);
        self.work.notify_one();
        told.recv().unwrap_or_else(|_| self.state().tell_losses())
    }

    /// Waits until there is something to do, or `timeout` has passed. For the worker.
    pub(super) fn wait(&self, timeout: Option<Duration>) {
        let state = self.state();
        let idle = |state: &mut State| !state.woken && state.queue.len() < state.wake_at;
        match timeout {
            None => drop(self.work.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner)),
            Some(timeout) => {
                drop(
                    self.work
                        .wait_timeout_while(state, timeout, idle)
                        .unwrap_or_else(PoisonError::into_inner),
                );
            }
        }
    }

    /// The worker has ended: nobody waits for an answer.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        state.orders.clear();
        self.ended.notify_all();
    }

    /// Refuses new records and waits until the others are handed over; what is left after `timeout` is given up. Says
    /// whether the worker has ended.
    pub(super) fn close(&self, timeout: Duration) -> (bool, Result<(), CloseError>) {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state();
        state.closed = true;
        state.woken = true;
        let failed = state.counts.failed;
        let failed_before = *state.failed_before_closing.get_or_insert(failed);
        self.work.notify_one();
        while !state.ended && !state.abandoning {
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => timeout,
            };
            if left.is_zero() {
                state.abandon();
                self.work.notify_one();
            } else {
                let waited = self.ended.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        let left = state.counts.abandoned + state.counts.failed.saturating_sub(failed_before);
        let reason = state.last_flush.clone();
        let closed = if left == 0 && reason.is_none() {
            Ok(())
        } else {
            let reason = reason.or_else(|| state.last_error.clone());
            Err(CloseError { left, fate: "were given up", reason })
        };
        (state.ended, closed)
    }
}

impl State {
    pub(super) fn stats(&self) -> QueueStats {
        QueueStats { queued: (self.queue.len() + self.in_hand) as u64, ..self.counts }
    }

    fn abandon(&mut self) {
        self.abandoning = true;
        self.woken = true;
        self.counts.abandoned += (self.queue.len() + self.in_hand) as u64;
        self.queue.clear();
        self.in_hand = 0;
    }

    /// An error when something was lost of which no flush has told yet.
    pub(super) fn tell_losses(&mut self) -> io::Result<()> {
        let lost = self.counts.lost();
        let untold = lost.saturating_sub(self.told);
        self.told = lost;
        match untold {
            0 => Ok(()),
            n => Err(io::Error::other(format!("{n} records recorded before were lost"))),
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("stats", &self.state().stats()).finish_non_exhaustive()
    }
}
