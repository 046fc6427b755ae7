//! The records in directories.

use super::error::named;
use super::forget::{Forgetting, Forgotten};
use super::lock::Lock;
use super::records::{Records, micros};
use super::segment;
use crate::record::UserId;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The records in one or several directories.
///
/// Everything that ends in `.jsonl`, `.jsonl.gz` or `.jsonl.zst` is read, so that files can be brought from
/// elsewhere. A directory can be read while a sink writes to it.
///
/// ```
/// use std::time::SystemTime;
/// use tower_llm_metrics::sink::file::{FileSink, RecordLog};
/// use tower_llm_metrics::{MetricsSink, Record};
///
/// # let dir = std::env::temp_dir().join(format!("record-log-{}", std::process::id()));
/// let sink = FileSink::new(&dir)?;
/// sink.record(&Record::new(SystemTime::now()));
/// sink.flush()?;
///
/// for record in RecordLog::open(&dir)?.records()? {
///     match record {
///         Ok(record) => println!("{} {:?}", record.id, record.user_id()),
///         Err(e) => eprintln!("skipped: {e}"),
///     }
/// }
/// # drop(sink);
/// # std::fs::remove_dir_all(dir)?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RecordLog {
    dirs: Vec<PathBuf>,
}

impl RecordLog {
    /// Opens the log in `dir`.
    ///
    /// # Errors
    /// When the directory cannot be read; the error names it.
    pub fn open(dir: impl AsRef<Path>) -> io::Result<Self> {
        Self { dirs: Vec::new() }.and(dir)
    }

    /// Adds the log in `dir`, of another instance. A record that is in both comes once.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn and(mut self, dir: impl AsRef<Path>) -> io::Result<Self> {
        let dir = dir.as_ref();
        std::fs::read_dir(dir).map_err(named(dir))?;
        self.dirs.push(dir.to_owned());
        Ok(self)
    }

    /// Returns all records, in the order of [`Records`].
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn records(&self) -> io::Result<Records> {
        self.read(0..u64::MAX)
    }

    /// Returns the records of calls that started within `window`, to the microsecond. All segments are read for it, since a call
    /// may have started long before it ended and was written. Lines that are no record are reported.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn records_in(&self, window: Range<SystemTime>) -> io::Result<Records> {
        self.read(micros(window.start)..micros(window.end))
    }

    fn read(&self, window: Range<u64>) -> io::Result<Records> {
        let mut segments = Vec::new();
        for dir in &self.dirs {
            segments.extend(segment::list(dir)?);
        }
        // The sort is stable: of segments with the same name, that in the first directory comes first.
        segments.sort_by(|a, b| a.stem.cmp(&b.stem));
        Ok(Records::of(segments, window))
    }

    /// Removes `user` from the log. In every record of theirs the id is replaced by a random pseudonym, the same in all, and
    /// session and properties are removed. Usage and cost stay, so that totals do. The segments are rewritten, each whole or
    /// not at all.
    ///
    /// While a sink is open on the directory, use [`FileSink::forget`](super::FileSink::forget).
    ///
    /// # Errors
    /// When a sink is open on one of the directories ([`io::ErrorKind::ResourceBusy`]), or when a segment cannot be
    /// read or replaced: then some may have been rewritten already, and it can be called again.
    pub fn forget(&self, user: &UserId) -> io::Result<Forgotten> {
        let mut forgetting = Forgetting::of(user)?;
        for dir in &self.dirs {
            let _lock = Lock::take(dir)?;
            for segment in segment::all(dir)? {
                forgetting.rewrite(&segment)?;
            }
        }
        Ok(forgetting.done())
    }
}
