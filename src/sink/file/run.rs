//! One segment in memory, its records in order of time.

use super::codec;
use super::error::ReadError;
use super::segment::Segment;
use crate::record::{Record, RecordError, Seen, parse_time};
use memchr::memmem::Finder;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::SystemTime;

/// What records are sorted by: the time in microseconds and the id. Two that are equal in it are one record.
pub(super) type Order = (u64, u128);

/// How a record of our own begins. It cannot stand within a JSON string, where the quotes would be escaped.
static BEGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"{\"v\":"));

/// A segment in memory.
#[derive(Debug)]
pub(super) struct Run {
    path: PathBuf,
    bytes: Vec<u8>,
    /// In order of time, the last first.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    order: Order,
    start: usize,
    length: u32,
    line: u32,
    /// Whether the line has an end.
    ended: bool,
}

impl Run {
    /// Reads the records of `segment` that lie within `window`, and tells `problems` of what is no record. The room of
    /// `spare` is used again.
    pub(super) fn load(
        segment: &Segment,
        window: &Range<u64>,
        problems: &mut impl Extend<ReadError>,
        spare: &mut Vec<u8>,
    ) -> io::Result<Self> {
        let (bytes, damage) = read(segment, std::mem::take(spare))?;
        problems.extend(damage.map(|e| ReadError::file(&segment.path, e)));
        let mut run = Self { path: segment.path.clone(), bytes: Vec::new(), entries: Vec::new() };
        let mut start = 0;
        for line in 1u32.. {
            let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) else { break };
            let begin = start;
            let end = memchr::memchr(b'\n', rest);
            let ended = end.is_some();
            let text = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
            start += text.len() + 1;
            let text = text.trim_ascii_end();
            let mut at = begin;
            for piece in pieces(text) {
                match order(piece) {
                    Ok(order) if window.contains(&order.0) => {
                        let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
                        run.entries.push(Entry { order, start: at, length, line, ended });
                    }
                    Ok(_) => {}
                    // The end of a file that is being written to, or was when the machine stopped.
                    Err(_) if !ended => {}
                    Err(e) => problems.extend([ReadError::corrupt(&run.path, line, e)]),
                }
                at += piece.len();
            }
        }
        run.bytes = bytes;
        run.entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.order));
        Ok(run)
    }

    /// The place of the next record.
    pub(super) fn order(&self) -> Option<Order> {
        self.entries.last().map(|entry| entry.order)
    }

    /// The room that the segment has taken, when it is not needed any more.
    pub(super) fn into_spare(self) -> Vec<u8> {
        self.bytes
    }

    /// Steps over the next record without reading it.
    pub(super) fn skip(&mut self) {
        self.entries.pop();
    }

    /// Reads the next record, with the problem that its line has even if it could be read. `seen`: what those before said.
    pub(super) fn next(&mut self, seen: &mut Seen) -> (Option<Record>, Option<ReadError>) {
        let Some(entry) = self.entries.pop() else { return (None, None) };
        let end = entry.start.saturating_add(entry.length as usize);
        let text = self.bytes.get(entry.start..end).unwrap_or_default();
        match Record::read(text, seen) {
            Ok(record) => (Some(record), None),
            Err(e) => {
                // What follows the record on its line may be what is wrong.
                let whole = memchr::memrchr(b'}', text).and_then(|end| text.get(..=end));
                let record = whole.and_then(|text| Record::from_json(text).ok());
                (record, entry.ended.then(|| ReadError::corrupt(&self.path, entry.line, e)))
            }
        }
    }
}

/// The bytes of `segment`; of one that is damaged, those before the damage.
fn read(segment: &Segment, mut bytes: Vec<u8>) -> io::Result<(Vec<u8>, Option<io::Error>)> {
    bytes.clear();
    let file = File::open(&segment.path)?;
    if let Ok(length) = usize::try_from(file.metadata()?.len()) {
        bytes.try_reserve(length)?;
    }
    let damage = codec::reader(file, segment.format)?.read_to_end(&mut bytes).err();
    Ok((bytes, damage))
}

/// The earliest and the latest time in `segment`, in microseconds; `None` when there is no record in it. One that is
/// damaged may have held any time.
pub(super) fn span(segment: &Segment) -> io::Result<Option<(u64, u64)>> {
    let mut span = Span::default();
    let whole = codec::each_line(segment, File::open(&segment.path)?, |line| {
        for piece in pieces(line) {
            match own_places(piece) {
                Some((_, time)) if is_own_form(time) => span.join_text(time),
                _ => span.join(order(piece).ok().map(|(time, _)| time)),
            }
        }
        Ok(true)
    });
    Ok(if whole.is_ok() { span.finish() } else { Some((0, u64::MAX)) })
}

/// The earliest and the latest of times.
#[derive(Default)]
struct Span {
    times: Option<(u64, u64)>,
    /// Those that are written as we write them: such texts sort as the times do.
    texts: Option<([u8; TIME], [u8; TIME])>,
}

/// The length of a time as we write it.
const TIME: usize = "2026-02-28T23:59:59.000000Z".len();

impl Span {
    fn join(&mut self, time: Option<u64>) {
        let Some(time) = time else { return };
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((time.min(first), time.max(last)));
    }

    #[inline]
    fn join_text(&mut self, text: &[u8; TIME]) {
        match &mut self.texts {
            Some((first, last)) => {
                *first = *text.min(first);
                *last = *text.max(last);
            }
            None => self.texts = Some((*text, *text)),
        }
    }

    /// A text that is no time after all may have been any.
    fn finish(mut self) -> Option<(u64, u64)> {
        if let Some((first, last)) = self.texts {
            self.join(Some(own_time(&first).unwrap_or(0)));
            self.join(Some(own_time(&last).unwrap_or(u64::MAX)));
        }
        self.times
    }
}

/// The records that a line is made of: one, unless the end of a line was lost and they are glued together.
pub(super) fn pieces(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let next = rest.get(1..).and_then(|tail| BEGIN.find(tail));
        let (piece, tail) = rest.split_at_checked(next.map_or(rest.len(), |at| at + 1))?;
        rest = tail;
        Some(piece)
    })
}

/// The time and the id of a record, from their places in the text that we write, or else by reading all of it.
fn order(text: &[u8]) -> Result<Order, RecordError> {
    if let Some(order) = own_order(text) {
        return Ok(order);
    }
    let record = Record::from_json(text)?;
    Ok((micros(record.time), record.id.as_u128()))
}

fn own_order(text: &[u8]) -> Option<Order> {
    let (id, time) = own_places(text)?;
    Some((own_time(time)?, uuid::Uuid::try_parse_ascii(id).ok()?.as_u128()))
}

/// The texts of the id and of the time.
fn own_places(text: &[u8]) -> Option<(&[u8], &[u8; TIME])> {
    let rest = text.strip_prefix(b"{\"v\":1,\"id\":\"")?;
    let (id, rest) = rest.split_at_checked(uuid::fmt::Hyphenated::LENGTH)?;
    let (time, rest) = rest.strip_prefix(b"\",\"time\":\"")?.split_first_chunk()?;
    rest.strip_prefix(b"\"")?;
    Some((id, time))
}

/// Whether the marks of a time stand where we write them, and it is no leap second, which is read as the one before.
fn is_own_form(text: &[u8; TIME]) -> bool {
    text[17] < b'6' && [text[4], text[7], text[10], text[13], text[16], text[19], text[26]] == *b"--T::.Z"
}

fn own_time(text: &[u8; TIME]) -> Option<u64> {
    Some(u64::try_from(parse_time(text)?.as_microsecond()).unwrap_or(0))
}

/// `time` in microseconds, as records are sorted by it.
pub(super) fn micros(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_order_is_the_same_by_the_places_in_the_text_and_by_reading_it() {
        let record = Record::new(SystemTime::UNIX_EPOCH + Duration::from_micros(1_750_000_000_000_042));
        let json = record.to_json();
        let expected = (1_750_000_000_000_042, record.id.as_u128());
        assert_eq!(own_order(json.as_bytes()), Some(expected));
        let other_order = json.replacen("{\"v\":1,", "{", 1).replacen('}', ",\"v\":1}", 1);
        assert_eq!(own_order(other_order.as_bytes()), None);
        assert_eq!(order(other_order.as_bytes()), Ok(expected));
    }

    #[test]
    fn a_span_takes_in_a_text_that_is_no_time_as_any_time() {
        let mut span = Span::default();
        span.join_text(b"2026-02-28T23:59:59.000042Z");
        span.join(Some(5));
        span.join_text(b"2026-02-28T23:59:58.000000Z");
        assert_eq!(span.finish(), Some((5, 1_772_323_199_000_042)));
        let mut span = Span::default();
        span.join_text(b"2026-02-28T23:59:59.000042Z");
        span.join_text(b"2026-02-2xT23:59:59.000042Z");
        assert_eq!(span.finish(), Some((1_772_323_199_000_042, u64::MAX)));
        assert_eq!(Span::default().finish(), None);
        assert!(is_own_form(b"2026-02-28T23:59:59.000000Z"));
        assert!(!is_own_form(b"2026-02-28T23:59:59.0+02:00"));
        assert!(!is_own_form(b"2026-12-31T23:59:60.000000Z"));
    }

    #[test]
    fn glued_lines_come_apart_and_no_byte_is_lost() {
        let split = |line: &'static [u8]| pieces(line).collect::<Vec<_>>();
        assert_eq!(split(b"{\"v\":1,\"a\":{\"v\":1}}"), [&b"{\"v\":1,\"a\":"[..], b"{\"v\":1}}"]);
        assert_eq!(split(b"torn{\"v\":1}"), [&b"torn"[..], b"{\"v\":1}"]);
        assert_eq!(split(b"{\"v\":1,\"s\":\"{\\\"v\\\":\"}").len(), 1);
        assert!(split(b"").is_empty());
    }
}
