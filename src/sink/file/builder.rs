//! Setting up a file sink.

use super::FileSink;
use super::keep::KeeperOptions;
use super::options::{Compression, Durability, OnFull};
use super::queue::LONGEST_LINE;
use super::writer::WriterOptions;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

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
    pub(super) on_full: OnFull,
    pub(super) queue_bytes: usize,
    pub(super) writer: WriterOptions,
    pub(super) keeper: KeeperOptions,
}

impl FileSinkBuilder {
    /// The smallest queue, which has room for the longest record.
    pub const MIN_QUEUE_BYTES: usize = LONGEST_LINE;

    pub(super) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            on_full: OnFull::default(),
            queue_bytes: 32 << 20,
            writer: WriterOptions {
                durability: Durability::default(),
                segment_bytes: 64 << 20,
                segment_age: Duration::from_secs(24 * 3600),
            },
            keeper: KeeperOptions::default(),
        }
    }

    /// Sets when records are brought to the disk. Defaults to every 200 ms.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.writer.durability = durability;
        self
    }

    /// Sets what happens when the queue is full. By default, new records are dropped.
    pub fn on_full(mut self, on_full: OnFull) -> Self {
        self.on_full = on_full;
        self
    }

    /// Sets how many bytes of records may wait for the disk, at least [`MIN_QUEUE_BYTES`](Self::MIN_QUEUE_BYTES). Defaults
    /// to 32 MiB, some 50,000 records. The writer may hold as many again. Memory is allocated only as it is needed.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes.max(Self::MIN_QUEUE_BYTES);
        self
    }

    /// Sets the size that no segment grows beyond, unless a single record is longer. Defaults to 64 MiB.
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.writer.segment_bytes = bytes.max(1);
        self
    }

    /// Sets the age at which a segment is closed. Defaults to a day.
    pub fn segment_age(mut self, age: Duration) -> Self {
        self.writer.segment_age = age;
        self
    }

    /// Removes segments whose last record is older than this. By default none is removed.
    ///
    /// The age is that of the last write to the file. A clock that steps while the sink is open does not matter.
    pub fn keep_for(mut self, age: Duration) -> Self {
        self.keeper.keep_for = Some(age);
        self
    }

    /// Removes the oldest segments while all closed ones together are larger than this. By default none is removed.
    pub fn keep_bytes(mut self, bytes: u64) -> Self {
        self.keeper.keep_bytes = Some(bytes);
        self
    }

    /// Sets how closed segments are stored; a thread of its own compresses them. By default they stay as they are.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.keeper.compress = compression.format();
        self
    }

    /// Locks the directory, repairs what a crash has left and starts the thread that writes.
    ///
    /// # Errors
    /// When another sink writes to the directory ([`io::ErrorKind::ResourceBusy`]), or when the directory cannot be
    /// made, read or repaired.
    pub fn open(self) -> io::Result<FileSink> {
        FileSink::open(self)
    }
}
