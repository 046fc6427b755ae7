//! The channel between the callers of a sink and its worker: a bounded queue, requests to flush, and the worker's end.

use super::sync::{Condvar, Mutex, MutexGuard};
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// The queue of a channel, with what its worker counts.
pub(super) trait Queue {
    /// What became of lost records, in the words of the error of the next flush.
    const LOSS: &'static str;

    /// Returns how much waits, in the unit of [`Turn::Sleep`].
    fn waiting(&self) -> usize;

    /// Returns how many records the worker has lost.
    fn lost(&self) -> u64;

    /// Gives up what waits, since the time for closing is over.
    fn abandon(&mut self);
}

/// A bounded queue with one worker.
#[derive(Debug)]
pub(super) struct Channel<Q> {
    state: Mutex<ChannelState<Q>>,
    /// Notified when there is something to do for the worker.
    work: Condvar,
    /// Notified when there is room in the queue.
    room: Condvar,
    /// Notified when the worker has ended.
    ended: Condvar,
}

#[derive(Debug)]
pub(super) struct ChannelState<Q> {
    pub(super) queue: Q,
    pub(super) tally: Tally,
    /// How much must wait for the worker to be woken; `usize::MAX` while it is awake.
    pub(super) wake_at: usize,
    /// Whether the worker is to wake up, no matter what waits.
    woken: bool,
    flushes: Vec<FlushRequest>,
    closed: bool,
    /// Whether the time for closing is over.
    abandoning: bool,
    ended: bool,
    /// Losses that a flush has reported.
    reported: u64,
}

/// The counts of what was offered to a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    /// Refused because there was no room.
    pub(super) full: u64,
    /// Refused because the queue was closed.
    pub(super) closed: u64,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued,
    Full,
    Closed,
}

/// An error that goes to several callers.
pub(super) type Fault = Arc<io::Error>;

/// Asks the worker to finish everything that was recorded before.
#[derive(Debug)]
pub(super) struct FlushRequest {
    /// Whether a segment is to be closed, rather than earlier losses reported.
    pub(super) seal: bool,
    answer: SyncSender<Result<(), Fault>>,
}

/// What the worker is asked for.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) flushes: Vec<FlushRequest>,
    pub(super) closing: bool,
    pub(super) abandoning: bool,
}

/// What a worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It sleeps until `wake_at` of the queue waits, there is a request, or the time is `until`.
    Sleep { wake_at: usize, until: Option<Duration> },
    /// It ends, for everything is done.
    End,
}

/// Marks the end of the worker when it is dropped.
struct Ending<'a, Q: Queue>(&'a Channel<Q>);

impl<Q: Queue> Drop for Ending<'_, Q> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl FlushRequest {
    pub(super) fn answer(&self, result: Result<(), Fault>) {
        // Whoever asked may have left.
        let _ = self.answer.try_send(result);
    }
}

impl<Q: Queue> Channel<Q> {
    pub(super) fn new(queue: Q) -> Self {
        let state = ChannelState {
            queue,
            tally: Tally::default(),
            wake_at: 1,
            woken: false,
            flushes: Vec::new(),
            closed: false,
            abandoning: false,
            ended: false,
            reported: 0,
        };
        let (work, room, ended) = (Condvar::new(), Condvar::new(), Condvar::new());
        Self { state: Mutex::new(state), work, room, ended }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ChannelState<Q>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers a record to the queue, where `take` returns whether there was room. If there is none, the record is refused, unless
    /// the caller is to `wait` for room.
    pub(super) fn push(&self, wait: bool, mut take: impl FnMut(&mut Q) -> bool) -> Pushed {
        let mut state = self.state();
        let pushed = loop {
            if state.closed {
                state.tally.closed += 1;
                break Pushed::Closed;
            }
            if take(&mut state.queue) {
                if state.queue.waiting() >= state.wake_at {
                    self.wake(&mut state);
                }
                break Pushed::Queued;
            }
            if !wait {
                state.tally.full += 1;
                break Pushed::Full;
            }
            self.wake(&mut state);
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        state.tally.accepted += 1;
        pushed
    }

    /// Wakes the worker, or keeps it from sleeping the next time.
    fn wake(&self, state: &mut ChannelState<Q>) {
        (state.woken, state.wake_at) = (true, usize::MAX);
        self.work.notify_one();
    }

    /// Wakes the callers that wait for room. For the worker.
    pub(super) fn made_room(&self) {
        self.room.notify_all();
    }

    /// Runs a worker to its end. Each `turn`, which is given a clock that starts now, does what is due.
    pub(super) fn run(&self, turn: impl FnMut(&dyn Fn() -> Duration) -> Turn) {
        // Dropped after `turn`: what the worker holds is free before anybody learns of its end, however it came about.
        let _ending = Ending(self);
        let mut turn = turn;
        let started = Instant::now();
        while let Turn::Sleep { wake_at, until } = turn(&|| started.elapsed()) {
            let timeout = until.map(|until| until.saturating_sub(started.elapsed()));
            if timeout != Some(Duration::ZERO) {
                self.wait(wake_at, timeout);
            }
        }
    }

    /// Sleeps until `wake_at` of the queue waits, there is a request, or `timeout` has passed. For the worker.
    pub(super) fn wait(&self, wake_at: usize, timeout: Option<Duration>) {
        let mut state = self.state();
        state.wake_at = wake_at;
        while !state.woken && state.queue.waiting() < state.wake_at {
            state = match timeout {
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(timeout) => {
                    let waited = self.work.wait_timeout(state, timeout);
                    drop(waited.unwrap_or_else(PoisonError::into_inner));
                    // Even if it was woken for nothing, the worker may check what is due.
                    return;
                }
            };
        }
    }

    /// Takes what the worker is asked for. Nobody wakes it from now on, until it sleeps again.
    pub(super) fn requests(&self) -> Requests {
        let mut state = self.state();
        (state.woken, state.wake_at) = (false, usize::MAX);
        Requests {
            flushes: std::mem::take(&mut state.flushes),
            closing: state.closed,
            abandoning: state.abandoning,
        }
    }

    /// Asks the worker to flush and waits for the answer, which reports earlier losses unless the request is to seal.
    pub(super) fn flush(&self, seal: bool) -> io::Result<()> {
        let result = match self.request(seal).and_then(|answer| answer.recv().ok()) {
            Some(result) => result,
            // The worker has ended: nothing is left, or what was left is counted as lost.
            None if seal => Ok(()),
            None => self.state().report_losses(),
        };
        result.map_err(|e| io::Error::new(e.kind(), e))
    }

    /// Asks the worker to flush; `None` if it has ended.
    pub(super) fn request(&self, seal: bool) -> Option<Receiver<Result<(), Fault>>> {
        let (answer, receiver) = sync_channel(1);
        let mut state = self.state();
        if state.ended {
            return None;
        }
        state.flushes.push(FlushRequest { seal, answer });
        self.wake(&mut state);
        Some(receiver)
    }

    /// Refuses new records from now on. What waits stays.
    pub(super) fn refuse(&self) {
        let mut state = self.state();
        state.closed = true;
        self.wake(&mut state);
        self.room.notify_all();
    }

    /// Refuses new records and waits for the worker to finish the others. Returns whether it has ended in time; if not, what is
    /// left is given up.
    pub(super) fn close(&self, timeout: Duration) -> bool {
        self.refuse();
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state();
        while !state.ended {
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => timeout,
            };
            if left.is_zero() {
                state.abandoning = true;
                state.queue.abandon();
                self.wake(&mut state);
                return false;
            }
            state = self.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Marks the end of the worker, however it came about: nothing is taken any more, and nobody waits for an answer.
    pub(super) fn end(&self) {
        self.refuse();
        let mut state = self.state();
        state.ended = true;
        state.flushes.clear();
        self.ended.notify_all();
    }
}

impl<Q: Queue> ChannelState<Q> {
    /// Returns whether the time for closing is over.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoning
    }

    /// Returns how many records were lost.
    fn lost(&self) -> u64 {
        self.tally.full + self.tally.closed + self.queue.lost()
    }

    /// Returns an error if something was lost that no flush has reported yet.
    pub(super) fn report_losses(&mut self) -> Result<(), Fault> {
        let lost = self.lost();
        let unreported = lost.saturating_sub(self.reported);
        self.reported = lost;
        match unreported {
            0 => Ok(()),
            n => Err(io::Error::other(format!("{n} records recorded before {}", Q::LOSS)).into()),
        }
    }
}
