//! Sinks that take many records at once.

use super::QueueSink;
use crate::record::Record;
use crate::sink::MetricsSink;
use std::io;
use std::time::Duration;

/// Takes records many at a time, on the thread of a [`QueueSink`]: it may wait for a disk or a network.
///
/// ```
/// use std::io;
/// use std::time::{Duration, SystemTime};
/// use tower_llm_metrics::sink::queue::{BatchSink, QueueSink};
/// use tower_llm_metrics::{MetricsSink, Record};
///
/// struct Table;
///
/// impl BatchSink for Table {
///     fn write(&self, records: &[Record]) -> io::Result<()> {
///         // INSERT INTO calls VALUES …, all of them or none.
///         # let _ = records;
///         Ok(())
///     }
/// }
///
/// let sink = QueueSink::batches().size(500).linger(Duration::from_secs(1)).start(Table)?;
/// sink.record(&Record::new(SystemTime::now()));
/// sink.flush()?;
/// assert_eq!((sink.stats().delivered, sink.stats().batches), (1, 1));
/// # Ok::<_, io::Error>(())
/// ```
pub trait BatchSink: Send + 'static {
    /// Writes records, in the order in which they came. The slice is never empty.
    ///
    /// # Errors
    /// When not all of them could be written. All are tried again then, after some time and with no others: a record that was
    /// written all the same comes a second time, with the same [`id`](Record::id).
    fn write(&self, records: &[Record]) -> io::Result<()>;

    /// Returns when everything written before is as safe as this sink makes it. By default it is, once it is written.
    ///
    /// # Errors
    /// When something written before could not be made safe.
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    /// Is called when everything was written and the queue is empty, which is the time to close a connection, for instance. It
    /// is called again only after more was written. By default it does nothing.
    fn idle(&self) {}
}

/// Turns a sink of single records into one of batches of one.
#[derive(Debug)]
pub(super) struct EachRecord<S>(pub(super) S);

impl<S: MetricsSink> BatchSink for EachRecord<S> {
    fn write(&self, records: &[Record]) -> io::Result<()> {
        records.iter().for_each(|record| self.0.record(record));
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

/// When batches are written, and written again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) size: usize,
    pub(super) linger: Duration,
    pub(super) retries: u32,
    pub(super) first_retry: Duration,
    pub(super) last_retry: Duration,
}

impl Limits {
    pub(super) const ONE_BY_ONE: Self = Self {
        size: 1,
        linger: Duration::ZERO,
        retries: 0,
        first_retry: Duration::ZERO,
        last_retry: Duration::ZERO,
    };

    /// Returns how long to wait after so many failures.
    pub(super) fn backoff(&self, failures: u32) -> Duration {
        let doubled = self.first_retry.saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.min(self.last_retry)
    }
}

/// Sets up a queue in front of a [`BatchSink`]; made by [`QueueSink::batches`].
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is started before `start`"]
pub struct BatchQueueBuilder {
    capacity: usize,
    limits: Limits,
}

impl BatchQueueBuilder {
    pub(super) fn new() -> Self {
        let limits = Limits {
            size: 500,
            linger: Duration::from_secs(1),
            retries: 10,
            first_retry: Duration::from_millis(100),
            last_retry: Duration::from_secs(30),
        };
        Self { capacity: 10_000, limits }
    }

    /// Sets how many records may be on their way. Defaults to 10,000; each takes about a kilobyte.
    pub fn capacity(mut self, records: usize) -> Self {
        self.capacity = records;
        self
    }

    /// Sets how many records are written at once, at most. Defaults to 500.
    pub fn size(mut self, records: usize) -> Self {
        self.limits.size = records;
        self
    }

    /// Sets how long a record waits for others, at most, before fewer are written. Defaults to a second.
    pub fn linger(mut self, time: Duration) -> Self {
        self.limits.linger = time;
        self
    }

    /// Sets how often a batch that failed is tried again before its records are given up and counted. Defaults to 10.
    pub fn retries(mut self, times: u32) -> Self {
        self.limits.retries = times;
        self
    }

    /// Sets how long the first retry waits, and how long the later ones at most: each waits twice as long as the one before.
    /// Defaults to 100 ms and 30 seconds.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        (self.limits.first_retry, self.limits.last_retry) = (first, longest);
        self
    }

    /// Starts the thread that writes.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(self, sink: impl BatchSink) -> io::Result<QueueSink> {
        let capacity = self.capacity.max(1);
        let limits = Limits { size: self.limits.size.clamp(1, capacity), ..self.limits };
        QueueSink::start(capacity, limits, sink)
    }
}
