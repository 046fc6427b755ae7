//! Sinks: where records go.

mod channel;
mod close;
pub mod file;
pub mod memory;
pub mod queue;
mod sync;
mod thread;
mod warn;

use crate::panics;
use crate::record::Record;
use std::io;
use std::sync::Arc;

/// Keeps records, or passes them on.
///
/// Implemented for closures, `Arc<T>`, `Option<T>`, `(A, B)` and `Vec<T>`, so that sinks can be shared, switched off
/// and combined. A closure must annotate its argument:
///
/// ```
/// use tower_llm_metrics::{MetricsSink, Record};
///
/// let sink = |record: &Record| drop(record.usage.input_tokens);
/// sink.record(&Record::new(std::time::SystemTime::now()));
/// ```
pub trait MetricsSink: Send + Sync + 'static {
    /// Takes the record of a call that has ended. It is called from `poll` and from `Drop`, on the task that drove the
    /// call: it must not block and should not panic. A panic is caught and counted, and never reaches the traffic.
    fn record(&self, record: &Record);

    /// Returns when everything recorded before is as safe as this sink makes it. It blocks: from async code, call it
    /// through `spawn_blocking`.
    ///
    /// # Errors
    /// When something recorded before could not be made safe.
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

impl<F: Fn(&Record) + Send + Sync + 'static> MetricsSink for F {
    fn record(&self, record: &Record) {
        self(record);
    }
}

impl<T: MetricsSink + ?Sized> MetricsSink for Arc<T> {
    fn record(&self, record: &Record) {
        (**self).record(record);
    }

    fn flush(&self) -> io::Result<()> {
        (**self).flush()
    }
}

/// `None` drops all records.
impl<T: MetricsSink> MetricsSink for Option<T> {
    fn record(&self, record: &Record) {
        if let Some(sink) = self {
            sink.record(record);
        }
    }

    fn flush(&self) -> io::Result<()> {
        self.as_ref().map_or(Ok(()), MetricsSink::flush)
    }
}

/// Both get every record, whatever the other does with it: a panic of one is caught, and whoever called counts it. Both are
/// flushed, and the first error is returned.
impl<A: MetricsSink, B: MetricsSink> MetricsSink for (A, B) {
    fn record(&self, record: &Record) {
        panics::apart(|| self.0.record(record));
        panics::apart(|| self.1.record(record));
    }

    fn flush(&self) -> io::Result<()> {
        let first = flush_apart(&self.0);
        first.and(flush_apart(&self.1))
    }
}

/// All get every record, whatever the others do with it: a panic of one is caught, and whoever called counts it. All are
/// flushed, and the first error is returned.
impl<T: MetricsSink> MetricsSink for Vec<T> {
    fn record(&self, record: &Record) {
        for sink in self {
            panics::apart(|| sink.record(record));
        }
    }

    fn flush(&self) -> io::Result<()> {
        let mut result = Ok(());
        for sink in self {
            result = result.and(flush_apart(sink));
        }
        result
    }
}

fn flush_apart(sink: &impl MetricsSink) -> io::Result<()> {
    panics::apart(|| sink.flush())
        .unwrap_or_else(|| Err(io::Error::other("a sink panicked as it was flushed")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panics::Panics;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::SystemTime;

    /// A sink that may panic, and counts its calls all the same.
    #[derive(Default)]
    struct Sink {
        panics: bool,
        records: AtomicU64,
        flushes: AtomicU64,
    }

    impl MetricsSink for Sink {
        fn record(&self, _: &Record) {
            self.records.fetch_add(1, Ordering::Relaxed);
            assert!(!self.panics);
        }

        fn flush(&self) -> io::Result<()> {
            self.flushes.fetch_add(1, Ordering::Relaxed);
            assert!(!self.panics);
            Ok(())
        }
    }

    fn sinks(panics: [bool; 3]) -> [Arc<Sink>; 3] {
        panics.map(|panics| Arc::new(Sink { panics, ..Sink::default() }))
    }

    fn seen(sinks: &[Arc<Sink>; 3]) -> [(u64, u64); 3] {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        sinks.each_ref().map(|sink| (count(&sink.records), count(&sink.flushes)))
    }

    /// Records and flushes; how many panics were counted, and whether the flush says so.
    fn ask(sinks: &impl MetricsSink) -> (u64, bool) {
        let count = Panics::default();
        let recorded = count.catch(|| sinks.record(&Record::new(SystemTime::UNIX_EPOCH)));
        let flushed = count.catch(|| sinks.flush());
        recorded.expect("what is caught goes no further");
        (count.count(), flushed.expect("what is caught goes no further").is_err())
    }

    #[test]
    fn a_panic_of_one_sink_costs_no_other_its_record_or_its_flush_and_each_is_counted() {
        for panics in [[false; 3], [true, false, false], [true, true, false], [false, true, true]] {
            let several = sinks(panics);
            let [a, b, c] = several.clone();
            let count = panics.iter().filter(|panics| **panics).count() as u64;
            let expected = (2 * count, count > 0);
            assert_eq!(ask(&((a, b), c)), expected, "{panics:?}");
            assert_eq!(ask(&Some(several.to_vec())), expected, "{panics:?}");
            assert_eq!(seen(&several), [(2, 2); 3], "{panics:?}");
        }
    }

    #[test]
    fn the_first_error_of_a_flush_is_the_one_that_is_returned() {
        struct Failing(&'static str, Arc<Mutex<Vec<&'static str>>>);
        impl MetricsSink for Failing {
            fn record(&self, _: &Record) {}

            fn flush(&self) -> io::Result<()> {
                self.1.lock().unwrap().push(self.0);
                Err(io::Error::other(self.0))
            }
        }
        let flushed = Arc::new(Mutex::new(Vec::new()));
        let sinks: Vec<_> = ["a", "b"].map(|name| Failing(name, Arc::clone(&flushed))).into();
        assert_eq!(sinks.flush().unwrap_err().to_string(), "a");
        assert_eq!(*flushed.lock().unwrap(), ["a", "b"]);
    }
}
