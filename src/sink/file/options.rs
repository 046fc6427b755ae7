//! The choices that a file sink offers.

use std::time::Duration;

/// When records are brought to the disk, and so what a crash can cost.
///
/// In between, records wait in the queue (lost when the process dies) and then in the operating system (lost when
/// the machine does). [`FileSink::flush`](crate::MetricsSink::flush) brings them to the disk in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Records are brought to the disk when the operating system does so by itself, and when a segment is closed. They still
    /// leave the process within 50 ms.
    Never,
    /// Records are brought to the disk at the latest this long after they were taken: a crash loses what was recorded within
    /// this time, and within the time that the disk then takes. A quarter of it, and at most 50 ms, is spent in the queue.
    Every(Duration),
    /// Records are brought to the disk without delay. The caller still does not wait: what is recorded while the disk is busy
    /// is written together afterwards.
    Always,
}

impl Default for Durability {
    /// Returns `Every` 200 ms.
    fn default() -> Self {
        Self::Every(Duration::from_millis(200))
    }
}

impl Durability {
    const LONGEST_IN_QUEUE: Duration = Duration::from_millis(50);

    /// Returns how long lines may gather before they are written.
    pub(super) fn linger(self) -> Duration {
        match self {
            Self::Never => Self::LONGEST_IN_QUEUE,
            Self::Every(window) => (window / 4).min(Self::LONGEST_IN_QUEUE),
            Self::Always => Duration::ZERO,
        }
    }

    /// Returns how long after it was taken a record is to be on the disk.
    pub(super) fn window(self) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::Every(window) => Some(window),
            Self::Always => Some(Duration::ZERO),
        }
    }
}

/// What happens to a record for which the queue has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnFull {
    /// The record is dropped, and counted.
    #[default]
    Drop,
    /// The caller waits for room: for importing, and for services that would rather stop than lose a record. It is
    /// the one exception to the rule that [`MetricsSink::record`](crate::MetricsSink::record) does not block, and
    /// it lasts as long as the disk is full.
    Block,
}

/// How segments are stored when they are no longer written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// They stay as they are.
    #[default]
    None,
    /// They become `.jsonl.gz`.
    #[cfg(feature = "gzip")]
    Gzip,
    /// They become `.jsonl.zst`.
    #[cfg(feature = "zstd")]
    Zstd,
}
