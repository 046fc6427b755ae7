//! A block in memory, its records in order of time.

use super::block::{Block, Source};
use super::codec::BLOCK;
use super::error::ReadError;
use super::pieces::{Piece, pieces_from};
use crate::record::{Head, Reading, Record, RecordError, RecordId};
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::SystemTime;

/// What records are sorted by: the time in microseconds and the id. Two that are equal in it are one record.
pub(crate) type Order = (u64, RecordId);

/// A block in memory.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) source: Arc<Source>,
    /// Its block's.
    place: (usize, u32),
    room: Room,
}

/// What a run takes, and the next one can take again.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) bytes: Vec<u8>,
    /// In order of time, the last first.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    place: Place,
    start: usize,
    length: usize,
    line: u32,
    /// Whether the line has an end.
    ended: bool,
}

/// Where a record stands among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) order: Order,
    /// Whether the record begins as we write it.
    own: bool,
}

impl Run {
    /// The records of `block`, whose bytes are in `room`, that are `wanted`. `problems` is told of what is no record,
    /// except of lines that are told of already.
    pub(super) fn new(
        block: &Block,
        mut room: Room,
        wanted: impl Fn(Order) -> bool,
        problems: &mut impl Extend<ReadError>,
    ) -> Self {
        let whole_lines = memchr::memrchr(b'\n', &room.bytes).map_or(0, |last| last + 1);
        room.entries.clear();
        for Piece { text, start, line } in pieces_from(&room.bytes, block.lines().start) {
            let text = text.trim_ascii_end();
            let ended = start < whole_lines;
            match place_of(text) {
                Ok(place) if wanted(place.order) => {
                    room.entries.push(Entry { place, start, length: text.len(), line, ended });
                }
                Ok(_) => {}
                // A blank line, and the end of a file that is being written to, or was when the machine stopped.
                Err(_) if !ended || text.is_empty() => {}
                Err(_) if block.is_told(line) => {}
                Err(e) => problems.extend([ReadError::corrupt(&block.source.path, line, e)]),
            }
        }
        // Stable, which is quick with what is nearly sorted.
        room.entries.sort_by_key(|entry| Reverse(entry.place.order));
        Self { source: Arc::clone(&block.source), place: block.place(), room }
    }

    /// What runs are sorted by: their next record, and which of two that are equal comes first.
    pub(super) fn key(&self) -> (Option<Order>, (usize, u32)) {
        (self.order(), self.place)
    }

    /// The place of the next record.
    pub(super) fn order(&self) -> Option<Order> {
        self.room.entries.last().map(|entry| entry.place.order)
    }

    /// What the run has taken, when it is not needed any more; of what was more than usual, a part.
    pub(super) fn into_room(mut self) -> Room {
        self.room.bytes.clear();
        self.room.bytes.shrink_to(2 * BLOCK);
        self.room.entries.shrink_to(BLOCK / 64);
        self.room
    }

    /// Steps over the next record without reading it.
    pub(super) fn skip(&mut self) {
        self.room.entries.pop();
    }

    /// Reads the next record into `record`: whether there was one, and the problem that its line has even if it could
    /// be read.
    pub(super) fn next(&mut self, record: &mut Record, reading: &mut Reading) -> (bool, Option<ReadError>) {
        let Some(Entry { place, start, length, line, ended }) = self.room.entries.pop() else {
            return (false, None);
        };
        let text = self.room.bytes.get(start..).and_then(|text| text.get(..length)).unwrap_or_default();
        let read = if place.own {
            let rest = text.get(Head::LENGTH..).unwrap_or_default();
            record.read_after(Head::new(place.order.1, place.order.0), rest, reading)
        } else {
            record.read(text, reading)
        };
        match read {
            Ok(()) => (true, None),
            Err(e) => {
                // What follows the record on its line may be what is wrong.
                let whole = memchr::memrchr(b'}', text).and_then(|end| text.get(..=end));
                let found = whole.is_some_and(|text| record.read(text, reading).is_ok());
                (found, ended.then(|| ReadError::corrupt(&self.source.path, line, e)))
            }
        }
    }
}

/// The place of a record, from what it begins with as we write it, or else by reading all of it.
pub(super) fn place_of(text: &[u8]) -> Result<Place, RecordError> {
    match Head::of(text) {
        Some(head) => Ok(Place { order: (head.micros(), head.id()), own: true }),
        None => {
            let record = Record::from_json(text)?;
            Ok(Place { order: (micros(record.time), record.id), own: false })
        }
    }
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
        let expected = (1_750_000_000_000_042, record.id);
        assert_eq!(place_of(json.as_bytes()), Ok(Place { order: expected, own: true }));
        let other_order = json.replacen("{\"v\":1,", "{", 1).replacen('}', ",\"v\":1}", 1);
        assert_eq!(place_of(other_order.as_bytes()), Ok(Place { order: expected, own: false }));
    }
}
