//! A bounded queue with a worker, for sinks that may take their time.

use super::MetricsSink;
use super::warn::WarnOnce;
use crate::record::Record;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Hands records to another sink on a thread of its own: for one that writes to a network or may wait for something
/// else, which a sink of the layer must not.
///
/// The queue is bounded. A record for which there is no room is dropped and counted, and the first one warned of with
/// the feature `tracing`. A panic of the sink costs the record that it was given, which is counted as well.
///
/// It is a handle: clones feed the same queue. Dropping the last one hands over what is queued, and waits for that at
/// most five seconds; [`QueueSink::close`] does the same with a limit of your own and tells what was left.
///
/// ```
/// use std::sync::Mutex;
/// use std::time::SystemTime;
/// use tower_llm_metrics::sink::queue::QueueSink;
/// use tower_llm_metrics::{MetricsSink, Record};
///
/// let connection = Mutex::new(Vec::new()); // stands for one that is slow
/// let sink = QueueSink::new(10_000, move |record: &Record| {
///     record.write_json(&mut connection.lock().unwrap());
/// })?;
/// sink.record(&Record::new(SystemTime::now()));
/// sink.flush()?;
/// assert_eq!(sink.stats().delivered, 1);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct QueueSink {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    /// Something was queued, ordered or closed.
    work: Condvar,
    /// The worker has ended.
    ended: Condvar,
    dropping: WarnOnce,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Record>,
    /// How many records may be on their way, those included that the worker has taken.
    capacity: usize,
    in_hand: usize,
    orders: Vec<SyncSender<io::Result<()>>>,
    closed: bool,
    /// The time for closing is over.
    abandoning: bool,
    ended: bool,
    stats: QueueStats,
    /// Losses that a flush has told of.
    told: u64,
}

/// The counts of a [`QueueSink`], all of one moment.
///
/// At all times `accepted == delivered + queued + full + closed + panicked + abandoned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStats {
    /// Records that were handed to the queue.
    pub accepted: u64,
    /// Of these: handed on to the sink behind it.
    pub delivered: u64,
    /// Of these: still on their way.
    pub queued: u64,
    /// Dropped because there was no room.
    pub full: u64,
    /// Dropped because the queue was closed.
    pub closed: u64,
    /// Lost because the sink panicked over them.
    pub panicked: u64,
    /// Given up because they were still queued when the time for closing was over.
    pub abandoned: u64,
}

impl QueueStats {
    /// Everything that did not reach the sink and will not.
    pub fn lost(&self) -> u64 {
        self.full + self.closed + self.panicked + self.abandoned
    }
}

impl QueueSink {
    /// A queue of at most `capacity` records in front of `sink`, and the thread that empties it.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn new(capacity: usize, sink: impl MetricsSink) -> io::Result<Self> {
        let state = State { capacity: capacity.max(1), ..State::default() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            ended: Condvar::new(),
            dropping: WarnOnce::default(),
        });
        let working = Arc::clone(&shared);
        let worker =
            Builder::new().name("llm-metrics-queue".to_owned()).spawn(move || working.work(&sink))?;
        Ok(Self { handle: Arc::new(Handle { shared, worker: Mutex::new(Some(worker)) }) })
    }

    /// The counts of this moment.
    pub fn stats(&self) -> QueueStats {
        let state = self.handle.shared.state();
        QueueStats { queued: (state.queue.len() + state.in_hand) as u64, ..state.stats }
    }

    /// Refuses new records from now on, hands over the others and flushes the sink behind. It blocks. Returns how many
    /// were given up because `timeout` was over; one that the sink is busy with may still arrive.
    pub fn close(&self, timeout: Duration) -> u64 {
        self.handle.close(timeout)
    }
}

impl MetricsSink for QueueSink {
    fn record(&self, record: &Record) {
        let shared = &*self.handle.shared;
        let mut state = shared.state();
        state.stats.accepted += 1;
        let reason = if state.closed {
            state.stats.closed += 1;
            "the queue was closed"
        } else if state.queue.len() + state.in_hand >= state.capacity {
            state.stats.full += 1;
            "the queue is full"
        } else {
            state.queue.push_back(record.clone());
            drop(state);
            shared.work.notify_one();
            return;
        };
        drop(state);
        shared.dropping.warn("records are dropped", &reason);
    }

    /// Returns when everything recorded before was handed to the sink behind, and that one was flushed.
    ///
    /// # Errors
    /// That of the sink behind. Also when records were lost since the last flush: each loss is told of once.
    fn flush(&self) -> io::Result<()> {
        let (answer, told) = sync_channel(1);
        let shared = &*self.handle.shared;
        let mut state = shared.state();
        if state.ended {
            return state.tell_losses();
        }
        state.orders.push(answer);
        drop(state);
        shared.work.notify_one();
        told.recv().unwrap_or_else(|_| shared.state().tell_losses())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker's life.
    fn work(&self, sink: &dyn MetricsSink) {
        let mut batch = VecDeque::new();
        loop {
            let mut state = self.state();
            while state.queue.is_empty() && state.orders.is_empty() && !state.closed {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut state.queue, &mut batch);
            state.in_hand = batch.len();
            let orders = std::mem::take(&mut state.orders);
            let last = state.closed;
            drop(state);
            self.deliver(&mut batch, sink);
            if last || !orders.is_empty() {
                self.answer(orders, sink);
            }
            let mut state = self.state();
            if last && state.orders.is_empty() {
                state.ended = true;
                self.ended.notify_all();
                return;
            }
        }
    }

    fn deliver(&self, batch: &mut VecDeque<Record>, sink: &dyn MetricsSink) {
        while let Some(record) = batch.pop_front() {
            let delivered = catch_unwind(AssertUnwindSafe(|| sink.record(&record))).is_ok();
            let mut state = self.state();
            if state.abandoning {
                // They were counted as given up when the time was over.
                batch.clear();
                return;
            }
            state.in_hand = batch.len();
            match delivered {
                true => state.stats.delivered += 1,
                false => state.stats.panicked += 1,
            }
        }
    }

    fn answer(&self, orders: Vec<SyncSender<io::Result<()>>>, sink: &dyn MetricsSink) {
        let flushed = catch_unwind(AssertUnwindSafe(|| sink.flush()));
        let flushed = flushed.unwrap_or_else(|_| Err(io::Error::other("the sink behind the queue panicked")));
        if orders.is_empty() {
            // There is nobody to be told of losses: the next flush is.
            return;
        }
        let flushed = match self.state().tell_losses() {
            Ok(()) => flushed,
            lost => flushed.and(lost),
        };
        for order in orders {
            let told = flushed.as_ref().map_err(|e| io::Error::new(e.kind(), e.to_string())).copied();
            // Whoever asked may have left.
            let _ = order.try_send(told);
        }
    }
}

impl State {
    /// An error when something was lost of which no flush has told yet.
    fn tell_losses(&mut self) -> io::Result<()> {
        let lost = self.stats.lost();
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
        f.debug_struct("Shared").field("stats", &self.state().stats).finish_non_exhaustive()
    }
}

impl Handle {
    fn close(&self, timeout: Duration) -> u64 {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.shared.state();
        state.closed = true;
        self.shared.work.notify_one();
        while !state.ended && !state.abandoning {
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => timeout,
            };
            if left.is_zero() {
                state.abandoning = true;
                state.stats.abandoned += (state.queue.len() + state.in_hand) as u64;
                state.queue.clear();
                state.in_hand = 0;
            } else {
                let waited = self.shared.ended.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        let (ended, abandoned) = (state.ended, state.stats.abandoned);
        drop(state);
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(worker) = worker
            && ended
        {
            // Panics of the sink are caught: there is nothing that it could tell.
            let _ = worker.join();
        }
        abandoned
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        const LIMIT: Duration = Duration::from_secs(5);
        // What is lost here stands in the counts, and was warned of when the queue was first full.
        self.close(LIMIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::SystemTime;

    fn record() -> Record {
        Record::new(SystemTime::UNIX_EPOCH)
    }

    fn sum(stats: &QueueStats) -> u64 {
        stats.delivered + stats.queued + stats.lost()
    }

    /// A sink that counts.
    fn counting(capacity: usize, counter: Arc<AtomicU64>) -> QueueSink {
        let sink = move |_: &Record| {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        QueueSink::new(capacity, sink).unwrap()
    }

    /// A sink that waits with every record while the gate is locked.
    fn gated(capacity: usize) -> (QueueSink, Arc<Mutex<()>>) {
        let gate = Arc::new(Mutex::new(()));
        let behind = Arc::clone(&gate);
        let sink = QueueSink::new(capacity, move |_: &Record| drop(behind.lock().unwrap()));
        (sink.unwrap(), gate)
    }

    #[test]
    fn a_flush_waits_for_everything_before_it_and_for_the_sink_behind() {
        struct Slow(Mutex<Vec<u128>>, AtomicU64);
        impl MetricsSink for Slow {
            fn record(&self, record: &Record) {
                std::thread::yield_now();
                self.0.lock().unwrap().push(record.id.as_u128());
            }

            fn flush(&self) -> io::Result<()> {
                self.1.store(self.0.lock().unwrap().len() as u64, Ordering::Relaxed);
                Ok(())
            }
        }
        let slow = Arc::new(Slow(Mutex::default(), AtomicU64::new(0)));
        let sink = QueueSink::new(1000, Arc::clone(&slow)).unwrap();
        let ids: Vec<_> = (0..100)
            .map(|_| {
                let record = record();
                sink.record(&record);
                record.id.as_u128()
            })
            .collect();
        sink.flush().unwrap();
        assert_eq!(*slow.0.lock().unwrap(), ids, "in the order in which they came");
        assert_eq!(slow.1.load(Ordering::Relaxed), 100);
        assert_eq!((sink.stats().delivered, sink.stats().queued), (100, 0));
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted_and_told_of_once() {
        let (sink, gate) = gated(3);
        let closed = gate.lock().unwrap();
        for n in 0..10 {
            sink.record(&record());
            assert_eq!(sum(&sink.stats()), n + 1);
        }
        assert_eq!((sink.stats().full, sink.stats().queued), (7, 3), "the one in hand takes room, too");
        drop(closed);
        assert_eq!(sink.flush().unwrap_err().to_string(), "7 records recorded before were lost");
        sink.flush().unwrap();
    }

    #[test]
    fn a_panic_of_the_sink_costs_one_record_and_is_counted() {
        let sink = QueueSink::new(10, |record: &Record| assert!(!record.stream)).unwrap();
        let mut bad = record();
        bad.stream = true;
        for record in [&record(), &bad, &record()] {
            sink.record(record);
        }
        assert!(sink.flush().is_err());
        assert_eq!((sink.stats().delivered, sink.stats().panicked), (2, 1));
    }

    #[test]
    fn closing_hands_over_what_is_queued_and_refuses_the_rest() {
        let seen = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&seen);
        let sink = counting(100, counter);
        (0..50).for_each(|_| sink.record(&record()));
        assert_eq!(sink.close(Duration::from_secs(60)), 0);
        assert_eq!(sink.close(Duration::ZERO), 0, "closing twice is well");
        sink.record(&record());
        assert_eq!((seen.load(Ordering::Relaxed), sink.stats().closed), (50, 1));
        assert!(sink.flush().is_err() && sink.flush().is_ok());
    }

    #[test]
    fn dropping_the_last_handle_hands_over_what_is_queued() {
        let seen = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&seen);
        let sink = counting(100, counter);
        (0..50).for_each(|_| sink.clone().record(&record()));
        drop(sink);
        assert_eq!(seen.load(Ordering::Relaxed), 50);
    }

    #[test]
    fn what_is_left_when_the_time_is_over_is_given_up_and_counted() {
        let (sink, gate) = gated(10);
        let closed = gate.lock().unwrap();
        (0..5).for_each(|_| sink.record(&record()));
        assert_eq!(sink.close(Duration::ZERO), 5);
        let stats = sink.stats();
        assert_eq!((stats.abandoned, stats.queued, sum(&stats)), (5, 0, 5));
        drop(closed);
        assert!(sink.flush().is_err(), "the loss is told of, when the sink is free again or has ended");
        assert_eq!(sum(&sink.stats()), 5);
    }

    #[test]
    fn the_sums_add_up_while_many_threads_record() {
        let sink = QueueSink::new(50, |_: &Record| std::thread::yield_now()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        sink.record(&record());
                        let stats = sink.stats();
                        assert_eq!(stats.accepted, sum(&stats), "{stats:?}");
                    }
                });
            }
        });
        let _ = sink.flush();
        assert_eq!(sink.stats().accepted, 2000);
        assert_eq!(sink.stats().queued, 0);
    }
}
