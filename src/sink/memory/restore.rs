//! A store of records that are there already.

use super::known::Known;
use super::{MemorySink, MemorySinkBuilder};
use crate::record::Record;
use crate::sink::file::{ReadError, RecordLog};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;

impl MemorySinkBuilder {
    /// The store, with all of the records. Records are known by their id: one that comes twice, from two logs for
    /// instance, counts once. Meanwhile each takes some 20 bytes.
    ///
    /// [`restore_log`](Self::restore_log) reads a log faster.
    pub fn restore(self, records: impl IntoIterator<Item = Record>) -> MemorySink {
        let sink = self.build();
        let mut known = Known::default();
        for record in records {
            if known.insert(record.id) {
                sink.0.add(&record, false);
                sink.0.recent.add(Cow::Owned(record));
            }
        }
        sink
    }

    /// The store, with all records of a log, read faster than with [`restore`](Self::restore) and its
    /// [`records`](RecordLog::records). `problem` is told of every line and every file that could not be read.
    ///
    /// Records are known by their time and id: one that is in two directories counts once. Those that are kept whole
    /// are read a second time at the end; meanwhile each of them takes some 40 bytes. A segment that is removed for its
    /// age between the two counts, and its records are not among those kept whole.
    ///
    /// ```
    /// use tower_llm_metrics::MemorySink;
    /// use tower_llm_metrics::sink::file::{FileSink, RecordLog};
    ///
    /// # let dir = std::env::temp_dir().join(format!("restore-log-{}", std::process::id()));
    /// let log = FileSink::new(&dir)?;
    /// let users = MemorySink::builder()
    ///     .restore_log(&RecordLog::open(&dir)?, |problem| eprintln!("skipped: {problem}"))?;
    /// // From now on, new records go to both.
    /// let sink = (log, users);
    /// # drop(sink);
    /// # std::fs::remove_dir_all(dir)?;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a directory of the log cannot be read.
    pub fn restore_log(self, log: &RecordLog, mut problem: impl FnMut(ReadError)) -> io::Result<MemorySink> {
        let mut records = log.records()?;
        let sink = self.build();
        let kept = sink.0.settings.recent;
        // Where the last ones are, and the one before: only these are read as a whole, afterwards.
        let mut last = VecDeque::new();
        let mut record = Record::blank();
        while let Some(read) = records.read_for_sums(&mut record) {
            match read {
                Ok(order) => {
                    sink.0.add(&record, false);
                    if last.len() > kept {
                        last.pop_front();
                    }
                    last.push_back(order);
                }
                Err(e) => problem(e),
            }
        }
        let before = if last.len() > kept { last.pop_front() } else { None };
        records.go_back(before);
        // What cannot be read has been told, and what has been written since is not in the sums.
        let whole = records.flatten().take(last.len());
        whole.for_each(|record| sink.0.recent.add(Cow::Owned(record)));
        Ok(sink)
    }
}
