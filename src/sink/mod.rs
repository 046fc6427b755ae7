//! Where records go.

pub mod file;
pub mod memory;
pub mod queue;
mod warn;

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

/// `None` keeps nothing.
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

/// Both get every record; both are flushed, and the first error is returned.
impl<A: MetricsSink, B: MetricsSink> MetricsSink for (A, B) {
    fn record(&self, record: &Record) {
        self.0.record(record);
        self.1.record(record);
    }

    fn flush(&self) -> io::Result<()> {
        let first = self.0.flush();
        first.and(self.1.flush())
    }
}

/// All get every record; all are flushed, and the first error is returned.
impl<T: MetricsSink> MetricsSink for Vec<T> {
    fn record(&self, record: &Record) {
        for sink in self {
            sink.record(record);
        }
    }

    fn flush(&self) -> io::Result<()> {
        let mut result = Ok(());
        for sink in self {
            result = result.and(sink.flush());
        }
        result
    }
}
