//! Emptying a queue, with retries.
//!
//! The worker has no clock and does not wait: it is given the time and returns how long it may sleep, so that tests drive it
//! without a thread.

use super::batch::{BatchSink, Limits};
use super::shared::QueueShared;
use crate::panics::Panics;
use crate::record::Record;
use crate::sink::channel::{Fault, FlushRequest, Requests, Turn};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The worker of a queue. Times are since it was started.
pub(super) struct Worker<S> {
    shared: Arc<QueueShared>,
    sink: S,
    limits: Limits,
    panics: Panics,
    /// Records that were taken from the queue.
    batch: Vec<Record>,
    /// How often they have failed.
    failures: u32,
    retry_at: Option<Duration>,
    /// When queued records have waited long enough for others.
    due: Option<Duration>,
    /// Whether something was taken since [`BatchSink::idle`] was last called.
    busy: bool,
}

impl<S: BatchSink> Worker<S> {
    pub(super) fn new(shared: Arc<QueueShared>, sink: S, limits: Limits) -> Self {
        Self {
            shared,
            sink,
            limits,
            panics: Panics::default(),
            batch: Vec::new(),
            failures: 0,
            retry_at: None,
            due: None,
            busy: false,
        }
    }

    /// Does what is due. `now` is asked again after what may have taken long.
    pub(super) fn turn(&mut self, now: &dyn Fn() -> Duration) -> Turn {
        let Requests { flushes, closing, abandoning } = self.shared.channel.requests();
        if abandoning {
            return Turn::End;
        }
        let count = self.shared.channel.state().queue.waiting.len() + self.batch.len();
        let written = self.write_due(now, count, closing || !flushes.is_empty());
        let done = closing && self.batch.is_empty();
        if done || !flushes.is_empty() {
            self.answer(&flushes, written, done);
        }
        if done { Turn::End } else { self.next(now()) }
    }

    /// Writes what is due of the next `count` records, and all of them if it is `urgent`. Without the count, it might not end
    /// while more records come.
    ///
    /// # Errors
    /// When a batch is to be tried again, and the last one of those that were given up.
    fn write_due(&mut self, now: &dyn Fn() -> Duration, mut count: usize, urgent: bool) -> io::Result<()> {
        let mut written = Ok(());
        while count > 0 {
            let waits = self.retry_at.is_some_and(|at| now() < at);
            if self.batch.is_empty() {
                self.take(now(), urgent);
            } else if waits && !urgent {
                break;
            }
            if self.batch.is_empty() {
                break;
            }
            count = count.saturating_sub(self.batch.len());
            if let Err(e) = self.write(now) {
                if !self.batch.is_empty() {
                    return Err(e);
                }
                written = Err(e);
            }
        }
        written
    }

    /// Takes a batch from the queue if one is due.
    fn take(&mut self, now: Duration, urgent: bool) {
        let Limits { size, linger, .. } = self.limits;
        let records = &mut self.shared.channel.state().queue;
        let is_due = linger.is_zero() || self.due.is_some_and(|due| now >= due);
        if urgent || is_due || records.waiting.len() >= size {
            let count = size.min(records.waiting.len());
            self.batch.extend(records.waiting.drain(..count));
            records.in_hand = count;
            self.busy |= count > 0;
            self.due = (!records.waiting.is_empty()).then(|| now.saturating_add(linger));
        }
    }

    /// Writes the batch.
    ///
    /// # Errors
    /// When it is to be tried again, or was given up.
    fn write(&mut self, now: &dyn Fn() -> Duration) -> io::Result<()> {
        let panics = self.panics.count();
        let written = self.panics.catch(|| self.sink.write(&self.batch));
        let panicked = self.panics.count() != panics;
        let count = self.batch.len() as u64;
        let mut state = self.shared.channel.state();
        if state.is_abandoned() {
            // They were counted as given up when the time was over.
            self.batch.clear();
            return Ok(());
        }
        state.queue.counts.retries += u64::from(self.failures > 0);
        let mut failed = Ok(());
        match written.unwrap_or(Ok(())) {
            Err(e) => {
                self.failures = self.failures.saturating_add(1);
                state.queue.last_error = Some(e.to_string());
                if self.failures <= self.limits.retries {
                    self.retry_at = Some(now().saturating_add(self.limits.backoff(self.failures)));
                    drop(state);
                    self.shared
                        .failing
                        .warn("a batch of records could not be written and is tried again", &e);
                    return Err(e);
                }
                state.queue.counts.failed += count;
                failed = Err(e);
            }
            Ok(()) if panicked => state.queue.counts.panicked += count,
            Ok(()) => {
                state.queue.counts.delivered += count;
                state.queue.counts.batches += 1;
            }
        }
        state.queue.in_hand = 0;
        drop(state);
        self.batch.clear();
        (self.failures, self.retry_at) = (0, None);
        if let Err(e) = &failed {
            self.shared.failing.warn("a batch of records could not be written and is given up", e);
        }
        failed
    }

    /// Flushes the sink behind and answers. At the end, nobody may be waiting for an answer.
    fn answer(&self, flushes: &[FlushRequest], written: io::Result<()>, last: bool) {
        let panicked = || Err(io::Error::other("the sink behind the queue panicked"));
        let flush = || self.panics.catch(|| self.sink.flush()).unwrap_or_else(panicked);
        // A batch that is to be tried again is not written yet, so there is nothing to flush.
        let flushed = if self.batch.is_empty() { flush() } else { Ok(()) };
        let mut state = self.shared.channel.state();
        if last {
            state.queue.last_flush = flushed.as_ref().err().map(io::Error::to_string);
        }
        if flushes.is_empty() {
            return;
        }
        let losses = state.report_losses();
        drop(state);
        let result = written.and(flushed).map_err(Fault::new).and(losses);
        flushes.iter().for_each(|flush| flush.answer(result.clone()));
    }

    /// Returns how long to sleep.
    fn next(&mut self, now: Duration) -> Turn {
        let Limits { size, linger, .. } = self.limits;
        if !self.batch.is_empty() {
            return Turn::Sleep { wake_at: usize::MAX, until: self.retry_at };
        }
        if !self.shared.channel.state().queue.waiting.is_empty() {
            let due = *self.due.get_or_insert(now.saturating_add(linger));
            return Turn::Sleep { wake_at: size, until: Some(due) };
        }
        if std::mem::take(&mut self.busy) {
            self.panics.catch(|| self.sink.idle());
        }
        Turn::Sleep { wake_at: 1, until: None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::EachRecord;
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use std::sync::mpsc::Receiver;
    use std::time::SystemTime;

    /// The call of a sink.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Asked {
        Write(usize),
        Flush,
        Idle,
    }

    /// A sink that fails or panics on demand.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<(Vec<Asked>, VecDeque<Behaviour>)>>);

    #[derive(Clone, Copy, PartialEq)]
    enum Behaviour {
        Well,
        Fail,
        Panic,
    }

    impl Sink {
        fn asked(&self) -> Vec<Asked> {
            std::mem::take(&mut self.0.lock().unwrap().0)
        }

        fn behave(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
            self.0.lock().unwrap().1.extend(behaviours);
        }
    }

    impl BatchSink for Sink {
        fn write(&self, records: &[Record]) -> io::Result<()> {
            let behaviour = {
                let mut sink = self.0.lock().unwrap();
                sink.0.push(Asked::Write(records.len()));
                sink.1.pop_front().unwrap_or(Behaviour::Well)
            };
            assert!(behaviour != Behaviour::Panic);
            if behaviour == Behaviour::Fail { Err(io::Error::other("no connection")) } else { Ok(()) }
        }

        fn flush(&self) -> io::Result<()> {
            self.0.lock().unwrap().0.push(Asked::Flush);
            Ok(())
        }

        fn idle(&self) {
            self.0.lock().unwrap().0.push(Asked::Idle);
        }
    }

    const LIMITS: Limits =
        Limits { size: 3, linger: ms(100), retries: 2, first_retry: ms(10), last_retry: ms(15) };

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn worker(limits: Limits) -> (Worker<Sink>, Arc<QueueShared>, Sink) {
        let (shared, sink) = (Arc::new(QueueShared::new(10)), Sink::default());
        (Worker::new(Arc::clone(&shared), sink.clone(), limits), shared, sink)
    }

    fn record(shared: &QueueShared, count: usize) {
        (0..count).for_each(|_| shared.record(&Record::new(SystemTime::UNIX_EPOCH)));
        let stats = shared.stats();
        assert_eq!(stats.accepted, stats.delivered + stats.queued + stats.lost());
    }

    fn order(shared: &QueueShared) -> Receiver<Result<(), Fault>> {
        shared.channel.request(false).unwrap()
    }

    const IDLE: Turn = Turn::Sleep { wake_at: 1, until: None };

    /// Until some records have waited long enough for others, or there is a batch of them.
    fn lingering(time: u64) -> Turn {
        Turn::Sleep { wake_at: LIMITS.size, until: Some(ms(time)) }
    }

    /// Until a batch is tried again, whatever comes.
    fn retrying(time: u64) -> Turn {
        Turn::Sleep { wake_at: usize::MAX, until: Some(ms(time)) }
    }

    #[test]
    fn a_batch_is_written_when_it_is_full_or_has_lingered_and_then_idle_is_called_once() {
        let (mut worker, shared, sink) = worker(LIMITS);
        assert_eq!(worker.turn(&|| ms(0)), IDLE);
        record(&shared, 2);
        assert_eq!(worker.turn(&|| ms(5)), lingering(105));
        assert_eq!(worker.turn(&|| ms(50)), lingering(105));
        record(&shared, 5);
        assert_eq!(worker.turn(&|| ms(60)), lingering(160), "the one that is left waits anew");
        assert_eq!(sink.asked(), [Asked::Write(3), Asked::Write(3)]);
        assert_eq!(worker.turn(&|| ms(160)), IDLE);
        assert_eq!(worker.turn(&|| ms(170)), IDLE);
        assert_eq!(sink.asked(), [Asked::Write(1), Asked::Idle]);
        let stats = shared.stats();
        assert_eq!((stats.delivered, stats.batches, stats.retries, stats.queued), (7, 3, 0, 0));
    }

    #[test]
    fn a_batch_that_failed_is_tried_again_later_and_later_and_alone() {
        let (mut worker, shared, sink) = worker(LIMITS);
        sink.behave([Behaviour::Fail, Behaviour::Fail]);
        record(&shared, 5);
        assert_eq!(worker.turn(&|| ms(0)), retrying(10));
        assert_eq!(shared.stats().queued, 5);
        assert_eq!(worker.turn(&|| ms(9)), retrying(10), "nothing else is written meanwhile");
        assert_eq!(worker.turn(&|| ms(10)), retrying(25), "twice as long, and at most the longest");
        assert_eq!(
            worker.turn(&|| ms(25)),
            lingering(100),
            "the others have waited since the first was taken"
        );
        assert_eq!(sink.asked(), [Asked::Write(3), Asked::Write(3), Asked::Write(3)]);
        let stats = shared.stats();
        assert_eq!((stats.delivered, stats.batches, stats.retries, stats.failed), (3, 1, 2, 0));
        assert_eq!(shared.channel.state().queue.last_error.as_deref(), Some("no connection"));
    }

    #[test]
    fn a_batch_that_failed_too_often_is_given_up_and_counted_and_the_next_one_is_written() {
        let (mut worker, shared, sink) = worker(LIMITS);
        sink.behave([Behaviour::Fail; 3]);
        record(&shared, 6);
        let ends = [0, 10, 25].map(|now| worker.turn(&|| ms(now)));
        assert_eq!(ends, [retrying(10), retrying(25), IDLE]);
        let stats = shared.stats();
        assert_eq!((stats.failed, stats.lost(), stats.delivered, stats.retries), (3, 3, 3, 2));
        let answer = order(&shared);
        worker.turn(&|| ms(30));
        assert_eq!(answer.recv().unwrap().unwrap_err().to_string(), "3 records recorded before were lost");
    }

    #[test]
    fn a_flush_writes_at_once_what_was_recorded_before_and_reports_what_failed() {
        let (mut worker, shared, sink) = worker(LIMITS);
        record(&shared, 4);
        let answer = order(&shared);
        assert_eq!(worker.turn(&|| ms(0)), IDLE);
        answer.recv().unwrap().unwrap();
        assert_eq!(sink.asked(), [Asked::Write(3), Asked::Write(1), Asked::Flush, Asked::Idle]);
        sink.behave([Behaviour::Fail, Behaviour::Fail]);
        record(&shared, 1);
        for (now, retry) in [(100, 110), (105, 120)] {
            let answer = order(&shared);
            assert_eq!(worker.turn(&|| ms(now)), retrying(retry), "it does not wait for the time of a retry");
            assert_eq!(answer.recv().unwrap().unwrap_err().to_string(), "no connection");
        }
        assert_eq!(sink.asked(), [Asked::Write(1), Asked::Write(1)]);
        assert_eq!(worker.turn(&|| ms(120)), IDLE);
        assert_eq!(shared.stats().delivered, 5);
    }

    #[test]
    fn a_retry_waits_from_when_the_attempt_has_failed() {
        let (mut worker, shared, sink) = worker(LIMITS);
        sink.behave([Behaviour::Fail]);
        record(&shared, 3);
        let slow = sink.clone();
        // The attempt takes five seconds.
        let clock = move || if slow.0.lock().unwrap().0.is_empty() { ms(0) } else { ms(5_000) };
        assert_eq!(worker.turn(&clock), retrying(5_010));
    }

    #[test]
    fn a_panic_costs_its_batch_and_is_not_tried_again() {
        let (mut worker, shared, sink) = worker(LIMITS);
        sink.behave([Behaviour::Panic]);
        record(&shared, 6);
        assert_eq!(worker.turn(&|| ms(0)), IDLE);
        let stats = shared.stats();
        assert_eq!((stats.panicked, stats.delivered, stats.batches), (3, 3, 1));
    }

    #[test]
    fn a_panic_of_one_of_several_sinks_behind_is_counted() {
        let shared = Arc::new(QueueShared::new(10));
        let sinks = (|_: &Record| panic!("of the application"), |_: &Record| {});
        let mut worker = Worker::new(Arc::clone(&shared), EachRecord(sinks), Limits::ONE_BY_ONE);
        record(&shared, 2);
        assert_eq!(worker.turn(&|| ms(0)), IDLE);
        let stats = shared.stats();
        assert_eq!((stats.panicked, stats.delivered), (2, 0));
    }

    #[test]
    fn closing_tries_until_all_is_written_or_given_up_and_flushes() {
        let (mut worker, shared, sink) = worker(LIMITS);
        sink.behave([Behaviour::Fail]);
        record(&shared, 4);
        shared.channel.refuse();
        assert_eq!(worker.turn(&|| ms(0)), retrying(10));
        assert_eq!(worker.turn(&|| ms(10)), Turn::End);
        assert_eq!(sink.asked(), [Asked::Write(3), Asked::Write(3), Asked::Write(1), Asked::Flush]);

        let (mut worker, shared, sink) = self::worker(LIMITS);
        sink.behave([Behaviour::Fail; 3]);
        record(&shared, 3);
        shared.channel.refuse();
        let ends = [0, 10, 25].map(|now| worker.turn(&|| ms(now)));
        assert_eq!(ends, [retrying(10), retrying(25), Turn::End]);
        assert_eq!(shared.stats().failed, 3);
        shared.channel.end();
        let (ended, closed) = shared.close(Duration::ZERO);
        assert!(ended && closed.is_ok(), "it was given up before");
    }
}
