//! How a record begins as we write it.

use super::RecordId;
use super::time::{TIME, parse_own_time};
use std::time::{Duration, SystemTime};

/// The version, the id and the time of a record: what it begins with as we write it, each at a place of its own, so that
/// its place in a log is known before the rest is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    id: RecordId,
    micros: u64,
}

const VERSION_AND_ID: &[u8] = b"{\"v\":1,\"id\":\"";
const TIME_KEY: &[u8] = b"\",\"time\":\"";

impl Head {
    /// How many bytes it takes, with the quote after the time.
    pub(crate) const LENGTH: usize = VERSION_AND_ID.len() + RecordId::LENGTH + TIME_KEY.len() + TIME + 1;

    /// Reads it; `None` when the record begins otherwise, or before 1970.
    #[inline]
    pub(crate) fn of(json: &[u8]) -> Option<Self> {
        let (id, time) = Self::texts(json)?;
        let micros = u64::try_from(parse_own_time(time)?.as_microsecond()).ok()?;
        Some(Self { id: RecordId::from_hyphenated(id)?, micros })
    }

    /// The texts of the id and of the time.
    #[inline]
    pub(crate) fn texts(json: &[u8]) -> Option<(&[u8; RecordId::LENGTH], &[u8; TIME])> {
        let (id, rest) = json.strip_prefix(VERSION_AND_ID)?.split_first_chunk()?;
        let (time, rest) = rest.strip_prefix(TIME_KEY)?.split_first_chunk()?;
        rest.strip_prefix(b"\"")?;
        Some((id, time))
    }

    /// The one that a record with this id and time, in microseconds since 1970, has.
    pub(crate) fn new(id: RecordId, micros: u64) -> Self {
        Self { id, micros }
    }

    pub(crate) fn id(self) -> RecordId {
        self.id
    }

    /// In microseconds since 1970.
    pub(crate) fn micros(self) -> u64 {
        self.micros
    }

    pub(super) fn time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(self.micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    #[test]
    fn a_head_is_what_the_record_says_and_ends_where_the_rest_begins() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_750_000_000_000_042);
        let record = Record::new(time);
        let json = record.to_json();
        let head = Head::of(json.as_bytes()).unwrap();
        assert_eq!((head.id(), head.micros(), head.time()), (record.id, 1_750_000_000_000_042, time));
        assert_eq!(head, Head::new(record.id, 1_750_000_000_000_042));
        assert!(json[Head::LENGTH..].starts_with(",\"latency_us\":"));
    }

    #[test]
    fn what_is_not_as_we_write_it_is_no_head() {
        let json =
            r#"{"v":1,"id":"01890a5d-ac96-774b-bcce-b302099a8057","time":"2026-02-28T23:59:59.000042Z""#;
        assert!(Head::of(json.as_bytes()).is_some());
        for (from, to) in [
            ("\"v\":1", "\"v\":2"),
            ("01890a5d-", "01890a5d_"),
            ("-02-28", "-02-30"),
            ("59.000042Z\"", "59.000042Z"),
            ("2026", "1969"),
            ("23:59:59.", "23:59:60."),
        ] {
            assert_eq!(Head::of(json.replacen(from, to, 1).as_bytes()), None, "{to}");
        }
    }
}
