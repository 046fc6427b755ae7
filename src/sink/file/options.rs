//! How a file sink is set up.

use super::FileSink;
use super::queue::LONGEST_LINE;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// When records are brought to the disk: what a crash can cost.
///
/// In between, records wait in the queue (lost when the process dies) and then in the operating system (lost when
/// the machine does). [`FileSink::flush`](crate::MetricsSink::flush) brings them to the disk whatever is chosen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// When the operating system does it by itself, and when a segment is closed. Records still leave the process
    /// within 50 ms.
    Never,
    /// At the latest this long after a record was taken: a crash loses what was recorded within this time, and within
    /// the time that the disk then takes. A quarter of it, and at most 50 ms, is spent in the queue.
    Every(Duration),
    /// Without delay. The caller still does not wait: what the disk is busy with meanwhile is written together.
    Always,
}

impl Default for Durability {
    /// Every 200 ms.
    fn default() -> Self {
        Self::Every(Duration::from_millis(200))
    }
}

impl Durability {
    const LONGEST_IN_QUEUE: Duration = Duration::from_millis(50);

    /// How long lines may gather before they are written.
    pub(super) fn linger(self) -> Duration {
        match self {
            Self::Never => Self::LONGEST_IN_QUEUE,
            Self::Every(window) => (window / 4).min(Self::LONGEST_IN_QUEUE),
            Self::Always => Duration::ZERO,
        }
    }

    /// How long after it was taken a record is to be on the disk.
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
    /// It is dropped, and counted.
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
    /// As they are.
    #[default]
    None,
    /// As `.jsonl.gz`.
    #[cfg(feature = "gzip")]
    Gzip,
    /// As `.jsonl.zst`.
    #[cfg(feature = "zstd")]
    Zstd,
}

/// Sets up a [`FileSink`]; made by [`FileSink::builder`].
///
/// ```
/// use std::time::Duration;
/// use tower_llm_metrics::sink::file::{Durability, FileSink};
///
/// # let dir = std::env::temp_dir().join(format!("file-sink-builder-{}", std::process::id()));
/// let sink = FileSink::builder(&dir)
///     .durability(Durability::Every(Duration::from_secs(1)))
///     .segment_bytes(256 << 20)
///     .keep_for(Duration::from_secs(400 * 24 * 3600))
///     .open()?;
/// # drop(sink);
/// # std::fs::remove_dir_all(dir)?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is opened before `open`"]
pub struct FileSinkBuilder {
    pub(super) dir: PathBuf,
    pub(super) durability: Durability,
    pub(super) on_full: OnFull,
    pub(super) queue_bytes: usize,
    pub(super) segment_bytes: u64,
    pub(super) segment_age: Duration,
    pub(super) keep_for: Option<Duration>,
    pub(super) keep_bytes: Option<u64>,
    pub(super) compression: Compression,
}

impl FileSinkBuilder {
    /// The smallest queue: it takes the longest records.
    pub const MIN_QUEUE_BYTES: usize = LONGEST_LINE;

    pub(super) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            durability: Durability::default(),
            on_full: OnFull::default(),
            queue_bytes: 32 << 20,
            segment_bytes: 64 << 20,
            segment_age: Duration::from_secs(24 * 3600),
            keep_for: None,
            keep_bytes: None,
            compression: Compression::default(),
        }
    }

    /// When records are brought to the disk; by default every 200 ms.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// What happens when the queue is full; by default, new records are dropped.
    pub fn on_full(mut self, on_full: OnFull) -> Self {
        self.on_full = on_full;
        self
    }

    /// How many bytes of records may wait for the disk, at least [`MIN_QUEUE_BYTES`](Self::MIN_QUEUE_BYTES); by
    /// default 32 MiB, some 50,000 records. As many again may be in the writer's hands. Memory is taken only when it is needed.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes.max(Self::MIN_QUEUE_BYTES);
        self
    }

    /// A new segment is begun rather than that one grows beyond this; by default 64 MiB. A single longer record is
    /// not cut.
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes.max(1);
        self
    }

    /// A segment is closed when it is this old; by default a day.
    pub fn segment_age(mut self, age: Duration) -> Self {
        self.segment_age = age;
        self
    }

    /// Segments whose last record is older than this are removed, whole; by default nothing is.
    ///
    /// The age is told from when the file was last written to. A clock that steps while the sink is open does not
    /// disturb it.
    pub fn keep_for(mut self, age: Duration) -> Self {
        self.keep_for = Some(age);
        self
    }

    /// The oldest segments are removed, whole, while all closed ones together are larger than this; by default
    /// nothing is.
    pub fn keep_bytes(mut self, bytes: u64) -> Self {
        self.keep_bytes = Some(bytes);
        self
    }

    /// How segments are stored when they are closed; by default as they are. It is done on a thread of its own.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Takes the directory's lock, repairs what a crash has left and starts the thread that writes.
    ///
    /// # Errors
    /// When another sink writes to the directory ([`io::ErrorKind::ResourceBusy`]), or when the directory cannot be
    /// made, read or repaired.
    pub fn open(self) -> io::Result<FileSink> {
        FileSink::open(self)
    }
}
