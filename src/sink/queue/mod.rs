//! A bounded queue with a worker, for sinks that may take their time.
//!
//! [`QueueSink::new`] puts one before a [`MetricsSink`], which is given one record after the other, and
//! [`QueueSink::batches`] before a [`BatchSink`], which is given many at once and tried again when it fails.

mod batch;
mod shared;
mod stats;
mod worker;

pub use super::close::CloseError;
pub use batch::{BatchQueueBuilder, BatchSink};
pub use stats::QueueStats;

use super::MetricsSink;
use super::close::LIMIT_ON_DROP;
use super::thread::Thread;
use crate::record::Record;
use batch::{EachRecord, Limits};
use shared::QueueShared;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use worker::Worker;

/// Hands records to another sink on a thread of its own: for one that writes to a network or may wait for something
/// else, which a sink of the layer must not.
///
/// The queue is bounded. A record for which there is no room is dropped and counted, and the first one is logged as a warning
/// with the feature `tracing`. A panic of the sink loses the records that it was given, which are counted as well.
///
/// It is a handle: clones feed the same queue. Dropping the last one hands over what is queued, and waits for that at
/// most five seconds, and warns of what was left; [`QueueSink::close`] does so with a limit of your own and returns what was
/// left.
///
/// ```
/// use std::sync::Mutex;
/// use std::time::{Duration, SystemTime};
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
/// sink.close(Duration::from_secs(10)).expect("everything was handed over");
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct QueueSink {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<QueueShared>,
    worker: Thread,
}

impl QueueSink {
    /// Starts a queue of at most `capacity` records in front of `sink`, and the thread that empties it.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn new(capacity: usize, sink: impl MetricsSink) -> io::Result<Self> {
        Self::start(capacity, Limits::ONE_BY_ONE, EachRecord(sink))
    }

    /// Returns a builder of a queue in front of a [`BatchSink`].
    pub fn batches() -> BatchQueueBuilder {
        BatchQueueBuilder::new()
    }

    fn start(capacity: usize, limits: Limits, sink: impl BatchSink) -> io::Result<Self> {
        let shared = Arc::new(QueueShared::new(capacity));
        let mut worker = Worker::new(Arc::clone(&shared), sink, limits);
        let channel = Arc::clone(&shared);
        let thread =
            Thread::start("llm-metrics-queue", move || channel.channel.run(move |now| worker.turn(now)))?;
        Ok(Self { handle: Arc::new(Handle { shared, worker: thread }) })
    }

    /// Returns the counts of this moment.
    pub fn stats(&self) -> QueueStats {
        self.handle.shared.stats()
    }

    /// Returns the last error of the sink behind.
    pub fn last_error(&self) -> Option<String> {
        self.handle.shared.channel.state().queue.last_error.clone()
    }

    /// Refuses new records from now on, hands over the others and flushes the sink behind. It blocks. What is not handed over
    /// after `timeout` is given up and counted; what the sink is busy with then may still arrive.
    ///
    /// # Errors
    /// When records were given up, or when the sink behind could not be flushed.
    pub fn close(&self, timeout: Duration) -> Result<(), CloseError> {
        self.handle.close(timeout)
    }
}

impl MetricsSink for QueueSink {
    fn record(&self, record: &Record) {
        self.handle.shared.record(record);
    }

    /// Returns when everything recorded before was handed to the sink behind, and that one was flushed.
    ///
    /// # Errors
    /// That of the sink behind; what a [`BatchSink`] could not write stays in the queue and is tried again. Also when records
    /// were lost since the last flush: each loss is reported once.
    fn flush(&self) -> io::Result<()> {
        self.handle.shared.channel.flush(false)
    }
}

impl Handle {
    fn close(&self, timeout: Duration) -> Result<(), CloseError> {
        let (ended, closed) = self.shared.close(timeout);
        if ended {
            self.worker.join();
        }
        closed
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Err(e) = self.close(LIMIT_ON_DROP) {
            self.shared.closing.warn("a queue ended before everything was handed over", &e);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
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
    fn what_finds_no_room_is_dropped_and_counted_and_reported_once() {
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
        assert_eq!(sink.close(Duration::from_secs(60)), Ok(()));
        assert_eq!(sink.close(Duration::ZERO), Ok(()), "closing twice is well");
        sink.record(&record());
        assert_eq!((seen.load(Ordering::Relaxed), sink.stats().closed), (50, 1));
        assert!(sink.flush().is_err() && sink.flush().is_ok());
    }

    #[test]
    fn closing_tells_that_the_sink_behind_could_not_be_flushed() {
        struct Failing;
        impl MetricsSink for Failing {
            fn record(&self, _: &Record) {}

            fn flush(&self) -> io::Result<()> {
                Err(io::Error::other("the connection is gone"))
            }
        }
        let sink = QueueSink::new(10, Failing).unwrap();
        sink.record(&record());
        for _ in 0..2 {
            let error = sink.close(Duration::from_secs(60)).unwrap_err();
            assert_eq!(error.left(), 0);
            assert_eq!(error.to_string(), "the sink could not be flushed: the connection is gone");
        }
        assert_eq!(sink.stats().delivered, 1);
        let sink = QueueSink::new(10, vec![Failing]).unwrap();
        assert!(sink.clone().close(Duration::from_secs(60)).is_err(), "one of several, too");
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
        let error = sink.close(Duration::ZERO).unwrap_err();
        assert_eq!((error.left(), error.to_string().as_str()), (5, "5 records were given up"));
        let stats = sink.stats();
        assert_eq!((stats.abandoned, stats.queued, sum(&stats)), (5, 0, 5));
        drop(closed);
        assert!(sink.flush().is_err(), "the loss is reported, when the sink is free again or has ended");
        assert_eq!(sum(&sink.stats()), 5);
    }

    #[test]
    fn a_flush_comes_to_an_end_while_others_record() {
        let sink = QueueSink::new(50, |_: &Record| std::thread::yield_now()).unwrap();
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    sink.record(&record());
                }
            });
            (0..20).for_each(|_| drop(sink.flush()));
            over.store(true, Ordering::Relaxed);
        });
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
