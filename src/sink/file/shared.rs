//! What the handles of a sink and its threads share.

use super::queue::{Pushed, Queue};
use super::segment::{self, Segment};
use super::stats::{Fault, FileStats, Ledger};
use crate::record::Record;
use crate::sink::warn::WarnOnce;
use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) queue: Queue,
    ledger: Mutex<Ledger>,
    /// The name of the segment that is being written. It is set before the file is there.
    active: Mutex<Option<String>>,
    /// Held by whoever replaces or removes segments.
    pub(super) keeping: Mutex<()>,
    control: Mutex<Control>,
    ended: Condvar,
    dropping: WarnOnce,
    failing: WarnOnce,
    pub(super) closing: WarnOnce,
}

/// What the writer is asked for.
#[derive(Debug, Default)]
struct Control {
    orders: Vec<Order>,
    closing: bool,
    abandoning: bool,
    ended: bool,
}

/// Asks the writer to bring everything to the disk that was recorded before.
#[derive(Debug)]
pub(super) struct Order {
    /// Whether the segment is to be closed, instead of earlier losses being told of.
    pub(super) seal: bool,
    pub(super) answer: SyncSender<Result<(), Fault>>,
}

/// A copy of what the writer is asked for, with the orders taken out.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) orders: Vec<Order>,
    pub(super) closing: bool,
    pub(super) abandoning: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread's own buffer for one line, and which shard is its own.
struct Local {
    slot: usize,
    line: Vec<u8>,
}

thread_local! {
    static LOCAL: RefCell<Local> = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        RefCell::new(Local { slot: THREADS.fetch_add(1, Ordering::Relaxed), line: Vec::with_capacity(1024) })
    };
}

impl Shared {
    pub(super) fn new(queue: Queue, torn: u64) -> Self {
        Self {
            queue,
            ledger: Mutex::new(Ledger { torn, ..Ledger::default() }),
            active: Mutex::default(),
            keeping: Mutex::default(),
            control: Mutex::default(),
            ended: Condvar::new(),
            dropping: WarnOnce::default(),
            failing: WarnOnce::default(),
            closing: WarnOnce::default(),
        }
    }

    /// Takes a record, in the caller's thread.
    pub(super) fn record(&self, record: &Record) {
        let pushed = LOCAL.try_with(|local| match local.try_borrow_mut() {
            Ok(mut local) => {
                let Local { slot, line } = &mut *local;
                line.clear();
                self.push(*slot, line, record)
            }
            Err(_) => self.push(0, &mut Vec::new(), record),
        });
        // A thread that is ending has no locals any more.
        match pushed.unwrap_or_else(|_| self.push(0, &mut Vec::new(), record)) {
            Pushed::Queued => {}
            Pushed::Full => {
                self.dropping.warn("records are dropped", &"the queue in front of the disk is full");
            }
            Pushed::Closed => self.dropping.warn("records are dropped", &"the file sink was closed"),
        }
    }

    fn push(&self, slot: usize, line: &mut Vec<u8>, record: &Record) -> Pushed {
        record.write_json(line);
        line.push(b'\n');
        self.queue.push(slot, line)
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    pub(super) fn stats(&self) -> FileStats {
        // With the ledger held nothing passes from the queue to the writer, so nothing is counted twice or missed.
        let ledger = self.ledger();
        ledger.stats(self.queue.tally())
    }

    pub(super) fn tell_losses(&self) -> Result<(), Fault> {
        self.ledger().tell_losses(self.queue.tally())
    }

    pub(super) fn failed(&self, error: &io::Error) -> Fault {
        let fault = Fault::from(error);
        self.ledger().fail(fault.clone());
        self.failing.warn("writing records failed and is tried again", &fault);
        fault
    }

    pub(super) fn set_active(&self, name: Option<String>) {
        *lock(&self.active) = name;
    }

    /// The segments of `dir` that nobody writes to any more.
    pub(super) fn closed_segments(&self, dir: &Path) -> io::Result<Vec<Segment>> {
        let mut segments = segment::list(dir)?;
        // Asked after the list was made: what is on the list and not active now was closed before.
        let active = lock(&self.active);
        segments.retain(|segment| active.as_ref() != Some(&segment.stem));
        Ok(segments)
    }

    /// Gives the writer an order and waits for the answer, which tells of earlier losses unless it is to seal.
    pub(super) fn order(&self, seal: bool) -> io::Result<()> {
        let answer = self.send(seal);
        let told = match answer.and_then(|answer| answer.recv().ok()) {
            Some(told) => told,
            // The writer has ended, and did so only when nothing was left or what was left was counted as lost.
            None if seal => Ok(()),
            None => self.tell_losses(),
        };
        told.map_err(io::Error::from)
    }

    pub(super) fn send(&self, seal: bool) -> Option<Receiver<Result<(), Fault>>> {
        let (answer, receiver) = sync_channel(1);
        {
            let mut control = lock(&self.control);
            if control.ended {
                return None;
            }
            control.orders.push(Order { seal, answer });
        }
        self.queue.wake();
        Some(receiver)
    }

    /// Refuses new records and lets the writer end when everything is on the disk. Says whether it ended in time;
    /// if not, what is left is given up.
    pub(super) fn close(&self, timeout: Duration) -> bool {
        self.queue.close();
        let deadline = Instant::now().checked_add(timeout);
        let mut control = lock(&self.control);
        control.closing = true;
        drop(control);
        self.queue.wake();
        control = lock(&self.control);
        while !control.ended {
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => timeout,
            };
            if left.is_zero() {
                control.abandoning = true;
                drop(control);
                self.queue.wake();
                return false;
            }
            control = self.ended.wait_timeout(control, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(super) fn asked(&self) -> Asked {
        let mut control = lock(&self.control);
        Asked {
            orders: std::mem::take(&mut control.orders),
            closing: control.closing,
            abandoning: control.abandoning,
        }
    }

    /// The writer has ended, in good order or not: nothing is taken any more, and nobody waits for an answer.
    pub(super) fn end(&self) {
        self.queue.close();
        let mut control = lock(&self.control);
        control.ended = true;
        control.orders.clear();
        self.ended.notify_all();
    }
}
