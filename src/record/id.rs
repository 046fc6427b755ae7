//! The name of a record.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// The id of a record: a version 7 UUID (RFC 9562) of our own, so that ids sort by the time of the call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(Uuid);

impl RecordId {
    /// The id of no record.
    pub(super) const NIL: Self = Self(Uuid::nil());

    /// Creates a new id for a call that started at `time`. A time before 1970 counts as 1970.
    pub fn new(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let timestamp = uuid::Timestamp::from_unix(uuid::NoContext, since.as_secs(), since.subsec_nanos());
        Self(Uuid::new_v7(timestamp))
    }

    /// Returns the 128 bits of the id.
    pub const fn as_u128(self) -> u128 {
        self.0.as_u128()
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text was not a UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseRecordIdError(());

impl fmt::Display for ParseRecordIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a UUID")
    }
}

impl std::error::Error for ParseRecordIdError {}

impl FromStr for RecordId {
    type Err = ParseRecordIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self).map_err(|_| ParseRecordIdError(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_millisecond_of_the_call_and_do_not_repeat() {
        let early = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000);
        let (a, b) = (RecordId::new(early), RecordId::new(early));
        assert_ne!(a, b);
        assert!(RecordId::new(early + Duration::from_millis(1)) > a.max(b));
        assert_eq!(a.to_string().parse(), Ok(a));
    }
}
