//! Streaming records, one segment after the other.

use super::codec::{Chunk, Chunks};
use super::error::ReadError;
use super::pieces::{Piece, pieces_from};
use super::queue::LONGEST_LINE;
use super::segment::{Format, Segment};
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
/// The files of all directories come one after the other in the order of their names, which is that of the times when they
/// were begun, and in each the records as they were written: so they come about in the order in which the calls ended. To
/// have them in order of time, sort them.
///
/// Records are known by their id: which ones have come takes 20 to 40 bytes for each of them. Beside that, a part of one
/// segment is in memory, a quarter of a megabyte.
///
/// A line that is no record, and a file that cannot be read, is an error that names it, and what comes after is read
/// all the same; of a compressed file that is damaged, what comes before the damage. An incomplete last line is left
/// out in silence: it may be just being written, and otherwise a [`FileSink`](super::FileSink) counts it when it is
/// opened. A line of more than a megabyte is no record's: it is told of, and no more than a megabyte of it is read.
/// Segments may be written to, compressed, rewritten and removed meanwhile.
#[derive(Debug)]
pub struct Records {
    /// In microseconds.
    window: Range<u64>,
    /// Segments that are not opened yet.
    segments: std::vec::IntoIter<Segment>,
    open: Option<Open>,
    /// The ids of the records that have come.
    seen: HashSet<RecordId>,
    /// What is wrong with the line of the record that came last.
    problem: Option<ReadError>,
    reading: SharedTexts,
}

/// The segment that is being read.
#[derive(Debug)]
struct Open {
    path: Arc<Path>,
    chunks: Chunks,
    /// Where in the chunk the next piece begins, and where what is read of the chunk ends.
    at: usize,
    end: usize,
    /// Where the last line ends that has an end.
    whole_lines: usize,
    /// The number of the line that comes next.
    line: u32,
}

/// What comes next in a segment.
enum Next {
    /// A record was read, and what else is on its line may be wrong.
    Record(Option<ReadError>),
    Problem(ReadError),
    /// Nothing that is told of.
    Nothing,
}

impl Records {
    /// The records of `segments` within `window`, in microseconds.
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

    /// Reads the next record into `record`, whose room is used again. After an error, nobody knows what it holds.
    pub(crate) fn read_next(&mut self, record: &mut Record) -> Option<Result<(), ReadError>> {
        if let Some(problem) = self.problem.take() {
            return Some(Err(problem));
        }
        loop {
            let Some(open) = &mut self.open else {
                match Open::next_of(&mut self.segments)? {
                    Ok(open) => self.open = Some(open),
                    Err(problem) => return Some(Err(problem)),
                }
                continue;
            };
            match open.next(record, &mut self.reading) {
                Some(Next::Record(problem)) => {
                    if self.window.contains(&micros(record.time)) && self.seen.insert(record.id) {
                        self.problem = problem;
                        return Some(Ok(()));
                    }
                    if let Some(problem) = problem {
                        return Some(Err(problem));
                    }
                }
                Some(Next::Problem(problem)) => return Some(Err(problem)),
                Some(Next::Nothing) => {}
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

impl Open {
    /// Opens the next segment that is there: one may have been removed for its age.
    fn next_of(segments: &mut impl Iterator<Item = Segment>) -> Option<Result<Self, ReadError>> {
        segments.find_map(|segment| match Self::wherever(&segment) {
            Ok(open) => open.map(Ok),
            Err(e) => Some(Err(ReadError::file(&segment.path, e))),
        })
    }

    /// Opens `segment` where it is now: it may just have been compressed.
    fn wherever(segment: &Segment) -> io::Result<Option<Self>> {
        let formats = [segment.format].into_iter().chain(Format::ALL);
        for format in formats {
            let path = segment.path_as(format);
            match File::open(&path) {
                Ok(file) => {
                    let segment = Segment { path, format, ..segment.clone() };
                    let chunks = Chunks::new(&segment, file)?;
                    return Ok(Some(Self {
                        path: segment.path.into(),
                        chunks,
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

    /// Reads the next piece, or looks for more of them; `None` at the end.
    fn next(&mut self, record: &mut Record, reading: &mut SharedTexts) -> Option<Next> {
        let rest = self.chunks.given().get(self.at..self.end).unwrap_or_default();
        let mut pieces = pieces_from(rest, self.line);
        let Some(Piece { text, line, start }) = pieces.next() else {
            self.line = pieces.line();
            return self.next_chunk();
        };
        let ended = self.at + start < self.whole_lines;
        (self.at, self.line) = (self.at + pieces.start(), pieces.line());
        let text = text.trim_ascii_end();
        let corrupt = |e| ReadError::corrupt(&self.path, line, e);
        Some(match read(record, text, reading) {
            (true, problem) => Next::Record(problem.filter(|_| ended).map(corrupt)),
            // Not of a blank line, and of the end of a file that is being written to, or was when the machine stopped.
            (false, Some(e)) if ended && !text.is_empty() => Next::Problem(corrupt(e)),
            (false, _) => Next::Nothing,
        })
    }

    fn next_chunk(&mut self) -> Option<Next> {
        (self.at, self.whole_lines) = (0, 0);
        match self.chunks.next() {
            Ok(Some(Chunk::Lines(lines))) => {
                self.end = lines.len();
                self.whole_lines = memchr::memrchr(b'\n', lines).map_or(0, |last| last + 1);
            }
            Ok(Some(Chunk::TooLong { part, begins, ends })) => {
                self.end = if begins { part.len().min(LONGEST_LINE) } else { 0 };
                let line = self.line;
                self.line = line.saturating_add(u32::from(ends));
                if begins {
                    return Some(Next::Problem(ReadError::too_long(&self.path, line)));
                }
            }
            Ok(None) => return None,
            Err(e) => return Some(Next::Problem(ReadError::file(&self.path, e))),
        }
        Some(Next::Nothing)
    }
}

/// Reads `text` into `record`, or what of it is one: whether there is a record, and what is wrong.
fn read(record: &mut Record, text: &[u8], reading: &mut SharedTexts) -> (bool, Option<RecordError>) {
    let Err(e) = record.read(text, reading) else { return (true, None) };
    // What follows the record on its line may be what is wrong.
    let whole = memchr::memrchr(b'}', text).and_then(|end| text.get(..=end));
    (whole.is_some_and(|text| record.read(text, reading).is_ok()), Some(e))
}

/// `time` in microseconds, as records have it.
pub(super) fn micros(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
