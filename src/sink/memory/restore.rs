//! Restoring a store from records.

use super::{MemorySink, MemorySinkBuilder};
use crate::record::{Record, RecordId};
use crate::sink::file::{ReadError, RecordLog};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::time::SystemTime;

impl MemorySinkBuilder {
    /// Makes a store of all the records. One that comes twice, from two logs for instance, counts once: the ids take 20 to 40
    /// bytes each meanwhile.
    ///
    /// [`restore_log`](Self::restore_log) reads a log faster.
    pub fn restore(self, records: impl IntoIterator<Item = Record>) -> MemorySink {
        let sink = self.build();
        let mut known = HashSet::new();
        for record in records {
            if known.insert(record.id) {
                sink.0.add(&record, false);
                sink.0.recent.add(Cow::Owned(record));
            }
        }
        sink
    }

    /// Makes a store of all records of a log, faster than [`restore`](Self::restore) does from its
    /// [`records`](RecordLog::records). `problem` is called with every line and every file that could not be read.
    ///
    /// A record that is in two directories counts once: the ids take 20 to 40 bytes each meanwhile. The records that are kept
    /// whole are the last ones by the start of the call.
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
        let kept = sink.0.options.recent;
        // The last records so far, by the start of the call.
        let mut last = BTreeMap::<(SystemTime, RecordId), Box<Record>>::new();
        let mut record = Box::new(Record::blank());
        while let Some(read) = records.read_next(&mut record) {
            if let Err(e) = read {
                problem(e);
                continue;
            }
            sink.0.add(&record, false);
            last.insert((record.time, record.id), record);
            let first = if last.len() > kept { last.pop_first() } else { None };
            record = first.map_or_else(|| Box::new(Record::blank()), |(_, record)| record);
        }
        last.into_values().for_each(|record| sink.0.recent.add(Cow::Owned(*record)));
        Ok(sink)
    }
}
