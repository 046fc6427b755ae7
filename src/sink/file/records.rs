//! Reading the records of segments one after the other.

use super::blocks::{Block, Blocks};
use super::error::ReadError;
use super::fragments::{Fragment, fragments_from};
use super::queue::LONGEST_LINE;
use super::segment::{Segment, SegmentFormat};
use crate::record::{Record, RecordError, RecordId, SharedTexts};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The records of a [`RecordLog`](super::RecordLog), each once.
///
/// The files of all directories come in the order of their names, which is that of the times when they were begun, and the
/// records of each file in the order in which they were written: roughly the order in which the calls ended. To have them in
/// the order of time, sort them.
///
/// The ids of the records that have come are kept, which takes 20 to 40 bytes for each. Beside that, a quarter of a megabyte
/// of one segment is in memory.
///
/// A line that is no record, or a file that cannot be read, is an error that names it, and reading goes on after it. Of a
/// damaged compressed file, what comes before the damage is read. An incomplete last line is skipped without an error: it may
/// be just being written, and otherwise a [`FileSink`](super::FileSink) counts it when it is opened. A line of more than a
/// megabyte is no record: it is an error, and no more than a megabyte of it is read. Segments may be written to, compressed,
/// rewritten and removed meanwhile.
#[derive(Debug)]
pub struct Records {
    /// The window in microseconds.
    window: Range<u64>,
    /// The segments that are still to be opened.
    segments: std::vec::IntoIter<Segment>,
    open: Option<OpenSegment>,
    /// The ids of the records that have come.
    seen: HashSet<RecordId>,
    /// What is wrong with the rest of the line of the last record.
    problem: Option<ReadError>,
    reading: SharedTexts,
}

/// The segment that is being read.
#[derive(Debug)]
struct OpenSegment {
    path: Arc<Path>,
    blocks: Blocks,
    /// Where the rest of the block begins that is still to be read, and where it ends.
    at: usize,
    end: usize,
    /// Where the last whole line ends.
    whole_lines: usize,
    /// The number of the next line.
    line: u32,
}

/// What was read of a segment.
enum ReadItem {
    /// A record. The rest of its line may be wrong.
    Record(Option<ReadError>),
    Problem(ReadError),
    /// Nothing to report.
    Nothing,
}

impl Records {
    /// Reads the records of `segments` within `window`, in microseconds.
    pub(super) fn of(segments: Vec<Segment>, window: Range<u64>) -> Self {
        Self {
            window,
            segments: segments.into_iter(),
            open: None,
            seen: HashSet::new(),
            problem: None,
            reading: SharedTexts::default(),
        }
    }

    /// Reads the next record into `record`, whose allocations are used again. After an error its content is unspecified.
    pub(crate) fn read_next(&mut self, record: &mut Record) -> Option<Result<(), ReadError>> {
        if let Some(problem) = self.problem.take() {
            return Some(Err(problem));
        }
        loop {
            let Some(open) = &mut self.open else {
                match OpenSegment::next_of(&mut self.segments)? {
                    Ok(open) => self.open = Some(open),
                    Err(problem) => return Some(Err(problem)),
                }
                continue;
            };
            match open.next(record, &mut self.reading) {
                Some(ReadItem::Record(problem)) => {
                    if self.window.contains(&micros(record.time)) && self.seen.insert(record.id) {
                        self.problem = problem;
                        return Some(Ok(()));
                    }
                    if let Some(problem) = problem {
                        return Some(Err(problem));
                    }
                }
                Some(ReadItem::Problem(problem)) => return Some(Err(problem)),
                Some(ReadItem::Nothing) => {}
                None => self.open = None,
            }
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = Record::blank();
        Some(self.read_next(&mut record)?.map(|()| record))
    }
}

impl OpenSegment {
    /// Opens the next segment that is still there: some may have been removed meanwhile.
    fn next_of(segments: &mut impl Iterator<Item = Segment>) -> Option<Result<Self, ReadError>> {
        segments.find_map(|segment| match Self::wherever(&segment) {
            Ok(open) => open.map(Ok),
            Err(e) => Some(Err(ReadError::file(&segment.path, e))),
        })
    }

    /// Opens `segment` in the format that it has now: it may have been compressed meanwhile.
    fn wherever(segment: &Segment) -> io::Result<Option<Self>> {
        let formats = [segment.format].into_iter().chain(SegmentFormat::ALL);
        for format in formats {
            let path = segment.path_as(format);
            match File::open(&path) {
                Ok(file) => {
                    let segment = Segment { path, format, ..segment.clone() };
                    let blocks = Blocks::new(&segment, file)?;
                    return Ok(Some(Self {
                        path: segment.path.into(),
                        blocks,
                        at: 0,
                        end: 0,
                        whole_lines: 0,
                        line: 1,
                    }));
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        Ok(None)
    }

    /// Reads the next fragment, or the next block if there is none; `None` at the end.
    fn next(&mut self, record: &mut Record, reading: &mut SharedTexts) -> Option<ReadItem> {
        let rest = self.blocks.bytes().get(self.at..self.end).unwrap_or_default();
        let mut fragments = fragments_from(rest, self.line);
        let Some(Fragment { text, line, start }) = fragments.next() else {
            self.line = fragments.line();
            return self.next_block();
        };
        let ended = self.at + start < self.whole_lines;
        (self.at, self.line) = (self.at + fragments.start(), fragments.line());
        let text = text.trim_ascii_end();
        let corrupt = |e| ReadError::corrupt(&self.path, line, e);
        Some(match read(record, text, reading) {
            (true, problem) => ReadItem::Record(problem.filter(|_| ended).map(corrupt)),
            // Blank lines are skipped, and so is the unfinished end of a file that is, or was in a crash, being written to.
            (false, Some(e)) if ended && !text.is_empty() => ReadItem::Problem(corrupt(e)),
            (false, _) => ReadItem::Nothing,
        })
    }

    fn next_block(&mut self) -> Option<ReadItem> {
        (self.at, self.whole_lines) = (0, 0);
        let next = self.blocks.next();
        let bytes = self.blocks.bytes();
        match next {
            Ok(Some(Block::Lines)) => {
                self.end = bytes.len();
                self.whole_lines = memchr::memrchr(b'\n', bytes).map_or(0, |last| last + 1);
            }
            Ok(Some(Block::TooLong { begins, ends })) => {
                self.end = if begins { bytes.len().min(LONGEST_LINE) } else { 0 };
                let line = self.line;
                self.line = line.saturating_add(u32::from(ends));
                if begins {
                    return Some(ReadItem::Problem(ReadError::too_long(&self.path, line)));
                }
            }
            Ok(None) => return None,
            Err(e) => return Some(ReadItem::Problem(ReadError::file(&self.path, e))),
        }
        Some(ReadItem::Nothing)
    }
}

/// Reads `text`, or the beginning of it that is a record. Returns whether there is a record, and what is wrong.
fn read(record: &mut Record, text: &[u8], reading: &mut SharedTexts) -> (bool, Option<RecordError>) {
    let Err(e) = record.read(text, reading) else { return (true, None) };
    // The error may be in what follows the record on its line.
    let whole = memchr::memrchr(b'}', text).and_then(|end| text.get(..=end));
    (whole.is_some_and(|text| record.read(text, reading).is_ok()), Some(e))
}

/// Returns `time` in microseconds, as in records.
pub(super) fn micros(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
