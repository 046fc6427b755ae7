//! A log of records in files that can be trusted with money.
//!
//! A [`FileSink`] appends records as lines of JSON ([`Record::to_json`]) to files in a directory. [`RecordLog`] reads
//! them back.
//!
//! # Segments
//!
//! The files have names like `records-20260228T235959.000000Z.jsonl`, after the time when they were begun, so that the names
//! sort by time. A new one is begun when the sink is opened, and when one has grown large or old. Closed ones can be
//! compressed (features `gzip` and `zstd`) and removed by age or total size. Files are readable by their owner only.
//! One sink at a time writes to a directory, which it locks until it is closed or its process ends.
//!
//! # What is safe when
//!
//! [`record`](MetricsSink::record) writes the line into a bounded queue and returns; it never waits for the disk,
//! except with [`OnFull::Block`]. A thread of the sink writes what has gathered. [`Durability`] says how long a record may
//! take to the disk, and so what a crash may cost. [`flush`](MetricsSink::flush) returns when
//! everything recorded before is on the disk. Dropping the last handle flushes, and waits for that at most
//! five seconds; [`FileSink::close`] does so with a limit of your own and returns what was left.
//!
//! # When something goes wrong
//!
//! A write that fails is tried again, after 50 ms at first and every 5 s later, with the same lines, in the same
//! segment when the disk was full and else in a new one. Meanwhile the queue fills, and then new records are dropped and
//! counted. When bringing a segment to the disk fails, its last records are counted as [`FileStats::doubtful`] and a new
//! one is begun: what the operating system could not write once it may have forgotten. A directory that is removed is
//! made and locked again; if another sink was faster, writing fails for as long as that sink is open. [`FileSink::stats`] counts
//! all of this, and its numbers add up at all times. With the feature `tracing`, the first loss and the first error are logged
//! as warnings.
//!
//! When a directory is opened after a crash, what comes after the last whole record of an incomplete last line is cut
//! off and counted. A damaged line stays where it is; readers get an error with its file and number, and then its neighbours.
//!
//! # Other readers
//!
//! The files are plain JSON lines, and the money in them is an exact decimal. [jq](https://jqlang.org) makes the table of users,
//! although it adds up money as floats and does not read compressed files by itself:
//!
//! ```sh
#![doc = include_str!("jq.sh")]
//! ```
//!
//! [DuckDB](https://duckdb.org) does so exactly:
//!
//! ```sql
#![doc = include_str!("duckdb.sql")]
//! ```
//!
//! and so does [ClickHouse](https://clickhouse.com):
//!
//! ```sql
#![doc = include_str!("clickhouse.sql")]
//! ```

mod blocks;
mod builder;
mod codec;
mod disk;
mod error;
mod forget;
mod fragments;
mod keep;
mod lock;
mod log;
mod options;
mod queue;
mod records;
mod recover;
mod replace;
mod segment;
mod shared;
mod stats;
mod storage;
mod writer;

#[cfg(test)]
mod fault_tests;

pub use super::close::CloseError;
pub use builder::FileSinkBuilder;
pub use error::ReadError;
pub use forget::Forgotten;
pub use log::RecordLog;
pub use options::{Compression, Durability, OnFull};
pub use records::Records;
pub use stats::{FileDropped, FileStats};

use super::MetricsSink;
use super::close::LIMIT_ON_DROP;
use super::thread::Thread;
use crate::record::{Record, UserId};
use forget::Forgetting;
use keep::{Keeper, KeeperThread};
use lock::SharedLock;
use segment::SegmentNames;
use shared::FileShared;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, SystemTime};
use storage::Directory;
use writer::Writer;

/// Keeps records in files. See the [module](self) for how, and for what is promised.
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
    handle: Arc<FileHandle>,
}

/// Ends the writer when the last of the sink's handles goes.
#[derive(Debug)]
struct FileHandle {
    shared: Arc<FileShared>,
    dir: PathBuf,
    /// The threads hold it until they end.
    lock: Weak<SharedLock>,
    writer: Thread,
}

impl FileSink {
    /// Opens a sink that writes to `dir` with the default options. The directory is made if it is not there.
    ///
    /// # Errors
    /// Like [`FileSinkBuilder::open`].
    pub fn new(dir: impl Into<PathBuf>) -> io::Result<Self> {
        Self::builder(dir).open()
    }

    /// Returns a builder of a sink that writes to `dir`.
    pub fn builder(dir: impl Into<PathBuf>) -> FileSinkBuilder {
        FileSinkBuilder::new(dir.into())
    }

    fn open(options: FileSinkBuilder) -> io::Result<Self> {
        let lock = Arc::new(SharedLock::take(&options.dir)?);
        let (segments, torn) = recover::recover(&options.dir)?;
        let opened = SystemTime::now();
        let block = options.on_full == OnFull::Block;
        let shared = Arc::new(FileShared::new(options.queue_bytes, block, torn));
        let keeper = Keeper {
            dir: options.dir.clone(),
            lock: Arc::clone(&lock),
            shared: Arc::clone(&shared),
            opened,
            options: options.keeper,
        };
        let keeper = options.keeper.is_needed().then(|| KeeperThread::start(keeper)).transpose()?;
        let weak = Arc::downgrade(&lock);
        let mut writer = Writer::new(
            Arc::clone(&shared),
            Directory::new(options.dir.clone(), lock),
            SegmentNames::after(&segments),
            opened,
            options.writer,
        );
        let handle = Arc::clone(&shared);
        let writer = Thread::start("llm-metrics-file", move || {
            handle.channel.run(move |now| {
                let turn = writer.turn(now());
                if writer.take_sealed()
                    && let Some(keeper) = &keeper
                {
                    keeper.wake();
                }
                turn
            });
        })?;
        Ok(Self { handle: Arc::new(FileHandle { shared, dir: options.dir, lock: weak, writer }) })
    }

    /// Returns the counts of this moment.
    pub fn stats(&self) -> FileStats {
        self.handle.shared.stats()
    }

    /// Refuses new records from now on, brings the others to the disk and unlocks the directory. It blocks. What is not written
    /// after `timeout` is given up, and what is written and not on the disk is in doubt; both are counted.
    ///
    /// # Errors
    /// When something was not on the disk in time, or came into doubt before.
    pub fn close(&self, timeout: Duration) -> Result<(), CloseError> {
        self.handle.close(timeout)
    }

    /// Removes `user` from everything that was recorded before, like [`RecordLog::forget`], while the sink goes on. It blocks
    /// for as long as it takes to read all segments. Records of theirs that come later are kept as usual.
    ///
    /// # Errors
    /// When what is in the queue cannot be written first, when another sink has the directory, after this one was closed
    /// or the directory removed ([`io::ErrorKind::ResourceBusy`]), or when a segment cannot be read or replaced: then
    /// some may have been rewritten already, and it can be called again.
    pub fn forget(&self, user: &UserId) -> io::Result<Forgotten> {
        let FileHandle { shared, dir, lock, .. } = &*self.handle;
        shared.channel.flush(true)?;
        // After this sink was closed, another one may have locked the directory.
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
    /// or came into doubt since the last flush: each loss is reported once.
    fn flush(&self) -> io::Result<()> {
        self.handle.shared.channel.flush(false)
    }
}

impl FileHandle {
    fn close(&self, timeout: Duration) -> Result<(), CloseError> {
        let ended = self.shared.channel.close(timeout);
        if ended {
            self.writer.join();
        }
        let stats = self.shared.stats();
        // Records in doubt are written but not synced.
        match stats.queued + stats.dropped.abandoned + (stats.written - stats.synced) {
            0 => Ok(()),
            left => Err(CloseError { left, fate: "are not safe on the disk", reason: stats.last_error }),
        }
    }
}

impl Drop for FileHandle {
    fn drop(&mut self) {
        if let Err(e) = self.close(LIMIT_ON_DROP) {
            self.shared.closing.warn("a file sink ended before everything was on the disk", &e);
        }
    }
}
