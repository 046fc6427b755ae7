//! A log of records in files that can be trusted with money.
//!
//! A [`FileSink`] appends records as lines of JSON ([`Record::to_json`]) to files in a directory. [`RecordLog`] reads
//! them back.
//!
//! # Segments
//!
//! The files are called `records-20260228T235959.000000Z.jsonl`, by the time when they were begun, so that their names
//! sort by time. A new one is begun when the sink is opened, and when one has grown large or old. Closed ones can be
//! compressed (features `gzip` and `zstd`) and removed by age or total size. Files are readable by their owner only.
//! One sink at a time writes to a directory; a lock that ends with its process sees to that.
//!
//! # What is safe when
//!
//! [`record`](MetricsSink::record) writes the line into a bounded queue and returns; it never waits for the disk,
//! unless [`OnFull::Block`] asks for it. One thread of the sink's own writes what has gathered. [`Durability`] says how
//! long a record may take to the disk, and so what a crash may cost. [`flush`](MetricsSink::flush) returns when
//! everything recorded before is on the disk. Dropping the last handle flushes, and waits for that at most
//! five seconds; [`FileSink::close`] does the same with a limit of your own and tells what was left.
//!
//! # When something goes wrong
//!
//! A write that fails is tried again, after 50 ms at first and every 5 s later, with the same lines, in the same
//! segment when the disk was full and else in a new one. Meanwhile the queue fills, and then new records are dropped and
//! counted. When bringing a segment to the disk fails, its last records are counted as [`FileStats::doubtful`] and a new
//! one is begun: what the operating system could not write once it may have forgotten. A directory that is removed is
//! made again, and locked again: when another sink was faster, that is an error which lasts as long as the other. [`FileSink::stats`] tells all of it, and its numbers add up at all times. With the feature `tracing` the
//! first loss and the first error are warned of.
//!
//! When a directory is opened after a crash, what comes after the last whole record of an incomplete last line is cut
//! off and counted. A line that is damaged stays where it is; readers are told its file and number, and get its neighbours.
//!
//! # Other readers
//!
//! The files are plain JSON lines, and the money in them is an exact decimal. The table per user with
//! [jq](https://jqlang.org), which adds up money as floats and does not read compressed files by itself:
//!
//! ```sh
#![doc = include_str!("jq.sh")]
//! ```
//!
//! with [DuckDB](https://duckdb.org):
//!
//! ```sql
#![doc = include_str!("duckdb.sql")]
//! ```
//!
//! and with [ClickHouse](https://clickhouse.com):
//!
//! ```sql
#![doc = include_str!("clickhouse.sql")]
//! ```

mod codec;
mod error;
mod forget;
mod keep;
mod lock;
mod log;
mod options;
mod pieces;
mod queue;
mod records;
mod recover;
mod replace;
mod segment;
mod shared;
mod stats;
mod storage;
mod thread;
mod writer;

#[cfg(test)]
mod fault_tests;

pub use super::close::CloseError;
pub use error::ReadError;
pub use forget::Forgotten;
pub use log::RecordLog;
pub use options::{Compression, Durability, FileSinkBuilder, OnFull};
pub use records::Records;
pub use stats::{FileDropped, FileStats};

use super::MetricsSink;
use crate::record::{Record, UserId};
use forget::Forgetting;
use keep::Keeper;
use lock::SharedLock;
use segment::Names;
use shared::Shared;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};
use storage::Directory;
use thread::Keeping;
use writer::{Limits, Writer};

/// Keeps records in files; see the [module](self) for how and for what is promised.
///
/// It is a handle: clones write to the same log.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_llm_metrics::sink::file::FileSink;
/// use tower_llm_metrics::{MetricsSink, Record};
///
/// # let dir = std::env::temp_dir().join(format!("file-sink-{}", std::process::id()));
/// let sink = FileSink::new(&dir)?;
/// sink.record(&Record::new(SystemTime::now()));
/// sink.flush()?;
/// assert_eq!(sink.stats().synced, 1);
/// sink.close(Duration::from_secs(10)).expect("everything is on the disk");
/// # std::fs::remove_dir_all(dir)?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileSink {
    handle: Arc<Handle>,
}

/// Ends the writer when the last of the sink's handles goes.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    dir: PathBuf,
    /// Held by the threads, until they end.
    lock: Weak<SharedLock>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl FileSink {
    /// A sink that writes to `dir`, which is made when it is not there, with the options as they are by default.
    ///
    /// # Errors
    /// As [`FileSinkBuilder::open`].
    pub fn new(dir: impl Into<PathBuf>) -> io::Result<Self> {
        Self::builder(dir).open()
    }

    /// A sink that is to be set up.
    pub fn builder(dir: impl Into<PathBuf>) -> FileSinkBuilder {
        FileSinkBuilder::new(dir.into())
    }

    fn open(options: FileSinkBuilder) -> io::Result<Self> {
        let lock = Arc::new(SharedLock::take(&options.dir)?);
        let (segments, torn) = recover::recover(&options.dir)?;
        let opened = SystemTime::now();
        let block = options.on_full == OnFull::Block;
        let shared = Arc::new(Shared::new(options.queue_bytes, block, torn));
        let keeper = Keeper::new(&options, Arc::clone(&lock), Arc::clone(&shared), opened);
        let weak = Arc::downgrade(&lock);
        let writer = Writer::new(
            Arc::clone(&shared),
            Directory::new(options.dir.clone(), lock),
            Names::after(&segments),
            opened,
            Limits::from(&options),
        );
        let writer = thread::write(Arc::clone(&shared), writer, keeper.map(Keeping::new).transpose()?)?;
        let handle = Handle { shared, dir: options.dir, lock: weak, writer: Mutex::new(Some(writer)) };
        Ok(Self { handle: Arc::new(handle) })
    }

    /// The counts of this moment.
    pub fn stats(&self) -> FileStats {
        self.handle.shared.stats()
    }

    /// Refuses new records from now on, brings the others to the disk and gives the directory free. It blocks. What
    /// is not written after `timeout` is given up, and what is written and not on the disk is in doubt; both is counted.
    ///
    /// # Errors
    /// When something was not on the disk in time, or came into doubt before.
    pub fn close(&self, timeout: Duration) -> Result<(), CloseError> {
        self.handle.close(timeout)
    }

    /// Takes `user` out of everything that was recorded before, as [`RecordLog::forget`] does, while the sink goes on.
    /// It blocks, as long as it takes to read all segments. Records of theirs that come later are kept as usual.
    ///
    /// # Errors
    /// When what is in the queue cannot be written first, when another sink has the directory, after this one was closed
    /// or the directory removed ([`io::ErrorKind::ResourceBusy`]), or when a segment cannot be read or replaced: then
    /// some may have been rewritten already, and it can be called again.
    pub fn forget(&self, user: &UserId) -> io::Result<Forgotten> {
        let Handle { shared, dir, lock, .. } = &*self.handle;
        shared.channel.order(true)?;
        // After the sink was closed the directory may be another's.
        let lock = lock.upgrade().map_or_else(|| SharedLock::take(dir).map(Arc::new), Ok)?;
        lock.assure()?;
        let mut forgetting = Forgetting::of(user)?;
        let _alone = shared.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        for segment in shared.closed_segments(dir)? {
            forgetting.rewrite(&segment)?;
        }
        Ok(forgetting.done())
    }
}

impl MetricsSink for FileSink {
    fn record(&self, record: &Record) {
        self.handle.shared.record(record);
    }

    /// Returns when everything recorded before is on the disk.
    ///
    /// # Errors
    /// When that failed; what was not written stays in the queue and is tried again. Also when records were dropped
    /// or came into doubt since the last flush: each loss is told of once.
    fn flush(&self) -> io::Result<()> {
        self.handle.shared.channel.order(false)
    }
}

impl Handle {
    fn close(&self, timeout: Duration) -> Result<(), CloseError> {
        let ended = self.shared.channel.close(timeout);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer
            && ended
        {
            // A panic in it has been printed, and what it left is counted below.
            let _ = writer.join();
        }
        let stats = self.shared.stats();
        // What is in doubt was written and is not known to be on the disk.
        match stats.queued + stats.dropped.abandoned + (stats.written - stats.synced) {
            0 => Ok(()),
            left => Err(CloseError { left, fate: "are not safe on the disk", reason: stats.last_error }),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        const LIMIT: Duration = Duration::from_secs(5);
        if let Err(e) = self.close(LIMIT) {
            self.shared.closing.warn("a file sink ended before everything was on the disk", &e);
        }
    }
}
