//! The counts of sinks.

use crate::sink::file::FileStats;
use crate::sink::memory::MemoryStats;
use crate::sink::queue::QueueStats;
use std::fmt;
use std::sync::Arc;

/// The counts of a sink, for the *Health* page. The statistics of this crate's sinks convert into it.
///
/// ```
/// use tower_llm_metrics::MemorySink;
/// use tower_llm_metrics::dashboard::SinkCounts;
///
/// let counts = SinkCounts::from(MemorySink::new().stats());
/// assert_eq!(counts.lost, 0);
/// let own = SinkCounts::new([("rows sent", 12), ("retries", 1)]).lost(3);
/// assert_eq!(own.lost, 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkCounts {
    /// The counts and their names.
    pub counts: Vec<(&'static str, u64)>,
    /// The number of lost records.
    pub lost: u64,
    /// The message of the last error.
    pub last_error: Option<String>,
}

impl SinkCounts {
    /// Creates the counts of a sink that lost nothing.
    pub fn new(counts: impl IntoIterator<Item = (&'static str, u64)>) -> Self {
        Self { counts: counts.into_iter().collect(), ..Self::default() }
    }

    /// Sets the number of lost records.
    #[must_use]
    pub fn lost(mut self, records: u64) -> Self {
        self.lost = records;
        self
    }

    /// Sets the last error.
    #[must_use]
    pub fn last_error(mut self, error: Option<String>) -> Self {
        self.last_error = error;
        self
    }
}

impl From<MemoryStats> for SinkCounts {
    fn from(stats: MemoryStats) -> Self {
        Self::new([
            ("users with a row", stats.users),
            ("cells", stats.cells),
            ("bytes", stats.bytes),
            ("panics of alerts", stats.alert_panics),
        ])
    }
}

impl From<FileStats> for SinkCounts {
    fn from(stats: FileStats) -> Self {
        Self::new([
            ("accepted", stats.accepted),
            ("written", stats.written),
            ("on the disk", stats.synced),
            ("in doubt", stats.doubtful),
            ("queued", stats.queued),
            ("dropped: queue full", stats.dropped.full),
            ("dropped: closed", stats.dropped.closed),
            ("dropped: given up", stats.dropped.abandoned),
            ("errors", stats.errors),
            ("torn lines", stats.torn),
            ("segments compressed", stats.compressed),
            ("segments removed", stats.removed),
        ])
        .lost(stats.dropped.total())
        .last_error(stats.last_error)
    }
}

impl From<QueueStats> for SinkCounts {
    fn from(stats: QueueStats) -> Self {
        Self::new([
            ("accepted", stats.accepted),
            ("delivered", stats.delivered),
            ("queued", stats.queued),
            ("dropped: queue full", stats.full),
            ("dropped: closed", stats.closed),
            ("dropped: the sink panicked", stats.panicked),
            ("dropped: failed too often", stats.failed),
            ("dropped: given up", stats.abandoned),
            ("batches", stats.batches),
            ("retries", stats.retries),
        ])
        .lost(stats.lost())
    }
}

/// A sink that is shown on the *Health* page.
#[derive(Clone)]
pub(super) struct ShownSink {
    pub(super) name: String,
    pub(super) counts: Arc<dyn Fn() -> SinkCounts + Send + Sync>,
}

impl fmt::Debug for ShownSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ShownSink").field(&self.name).finish()
    }
}
