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

    /// The store, with all records of a log: the same as [`restore`](Self::restore) with its
    /// [`records`](RecordLog::records), in half the time. `problem` is told what could not be read.
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
        // The places of the last ones, and of the one before: only these are read as a whole, afterwards.
        let mut places = VecDeque::new();
        let mut record = Record::blank();
        while let Some(read) = records.read_for_sums(&mut record) {
            match read {
                Ok(place) => {
                    sink.0.add(&record, false);
                    if places.len() > kept {
                        places.pop_front();
                    }
                    places.push_back(place);
                }
                Err(e) => problem(e),
            }
        }
        records.go_back(places.front().copied().filter(|_| places.len() > kept));
        // What cannot be read has been told.
        records.flatten().for_each(|record| sink.0.recent.add(Cow::Owned(record)));
        Ok(sink)
    }
}
