//! Reading a record back from its JSON.

use super::Record;
use super::draft::Draft;
use super::head::Head;
use super::key::{Key, KeyFinder};
use crate::json::{Reader, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// The version of the JSON that is written and read.
pub(super) const VERSION: u64 = 1;

impl Record {
    /// Reads what [`Record::to_json`] wrote, in any order of keys and with any white space.
    ///
    /// A later minor version may add keys and values to closed lists. Unknown keys are ignored, a `null` counts as
    /// absent, and of a repeated key the last counts. An unknown value is read as absent where the field can be, as
    /// [`Operation::Other`](super::Operation::Other) for `operation`, as [`UserSource::Custom`](super::UserSource::Custom) for `user_source` and as
    /// [`PriceMatch::Pattern`](super::PriceMatch::Pattern) for `price_match`. An unknown `outcome`, `usage_state`, `cost_state` or `cost_reason`
    /// is an error, because sums depend on it. Amounts of money are read from their digits, never through a float.
    ///
    /// # Errors
    /// When `json` is not one JSON object of version 1 with a valid value at every key that it has, and with `v`,
    /// `id`, `time`, `outcome`, `usage_state` and `cost_state`.
    pub fn from_json(json: &[u8]) -> Result<Self, RecordError> {
        let mut record = Self::blank();
        record.read(json, &mut Reading::default())?;
        Ok(record)
    }

    /// The same for one of many, in the room of a record that is not needed any more: what it shares
    /// with those before is in `reading`. After an error, nobody knows what it holds.
    pub(crate) fn read(&mut self, json: &[u8], reading: &mut Reading) -> Result<(), RecordError> {
        if let Some(head) = Head::of(json) {
            return self.read_after(head, json.get(Head::LENGTH..).unwrap_or_default(), reading);
        }
        let mut reader = Reader::new(utf8(json)?);
        let members = reader.members()?;
        Draft::new(self).read_all(reader, members, None, reading)
    }

    /// The same, when what it begins with is known. `rest` comes after that.
    pub(crate) fn read_after(
        &mut self,
        head: Head,
        rest: &[u8],
        reading: &mut Reading,
    ) -> Result<(), RecordError> {
        let (reader, members) = Reader::within_object(utf8(rest)?);
        Draft::after(head, self).read_all(reader, members, Some(Key::Time), reading)
    }
}

fn utf8(json: &[u8]) -> Result<&str, RecordError> {
    std::str::from_utf8(json).map_err(|_| RecordError::NOT_JSON)
}

/// How one of many records is read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Whether texts that no sum depends on are only checked.
    pub(crate) for_sums: bool,
    /// Where keys were found in the records before.
    pub(super) keys: KeyFinder,
    /// Texts of the records before that are mostly the same in the next one.
    pub(super) entry: Option<Arc<str>>,
    pub(super) version: Option<Arc<str>>,
}

/// Reads the text that [`Record::from_json`] reads, through `serde_json`; other formats are not supported.
impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(text.get().as_bytes()).map_err(serde::de::Error::custom)
    }
}

/// Why a text is not a record. It names the key and never quotes the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    NotJson,
    Version(u64),
    Missing(Key),
    Invalid(Key),
}

impl RecordError {
    pub(super) const NOT_JSON: Self = Self { kind: Kind::NotJson };

    pub(super) const fn missing(key: Key) -> Self {
        Self { kind: Kind::Missing(key) }
    }

    pub(super) const fn invalid(key: Key) -> Self {
        Self { kind: Kind::Invalid(key) }
    }

    pub(super) const fn version(version: u64) -> Self {
        Self { kind: Kind::Version(version) }
    }

    /// The key whose value is missing or wrong; `None` when the text is not a JSON object at all.
    pub fn key(&self) -> Option<&'static str> {
        match self.kind {
            Kind::NotJson => None,
            Kind::Version(_) => Some(Key::V.as_str()),
            Kind::Missing(key) | Kind::Invalid(key) => Some(key.as_str()),
        }
    }

    /// The version that the text is of, when it is one that this version of the library does not read.
    pub fn unknown_version(&self) -> Option<u64> {
        match self.kind {
            Kind::Version(version) => Some(version),
            _ => None,
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::NotJson => f.write_str("not a JSON object"),
            Kind::Version(version) => {
                write!(f, "a record of version {version}, and only {VERSION} can be read")
            }
            Kind::Missing(key) => write!(f, "`{}` is missing", key.as_str()),
            Kind::Invalid(key) => write!(f, "the value of `{}` is not valid", key.as_str()),
        }
    }
}

impl std::error::Error for RecordError {}

impl From<Unexpected> for RecordError {
    fn from(_: Unexpected) -> Self {
        Self::NOT_JSON
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Operation, Provider, Text, User, UserId};
    use std::time::{Duration, SystemTime};

    fn full() -> Record {
        let text = |text: &str| Text::new(text).ok();
        let mut record = Record::new(SystemTime::UNIX_EPOCH + Duration::from_micros(1_750_000_000_000_042));
        record.user = Some(User::verified(UserId::new("alice").unwrap()));
        (record.provider, record.operation) = (Some(Provider::OPENAI), Operation::Chat);
        (record.model, record.response_model) = (text("gpt"), text("gpt-1"));
        (record.host, record.error, record.service_tier) = (text("api"), text("overloaded"), text("flex"));
        (record.region, record.request_id) = (text("eu"), text("req"));
        (record.client_request_id, record.session) = (text("mine"), text("session"));
        record.properties.insert("team", "search");
        record.usage.passes.push(crate::record::Pass::default());
        record
    }

    #[test]
    fn what_is_read_for_sums_lacks_only_texts_that_no_sum_depends_on() {
        let mut reading = Reading { for_sums: true, ..Reading::default() };
        let mut read = Record::blank();
        read.read(full().to_json().as_bytes(), &mut reading).unwrap();
        let mut expected = full();
        expected.id = read.id;
        for text in [
            &mut expected.host,
            &mut expected.error,
            &mut expected.service_tier,
            &mut expected.region,
            &mut expected.request_id,
            &mut expected.client_request_id,
            &mut expected.session,
        ] {
            *text = None;
        }
        assert_eq!(read, expected);
    }

    #[test]
    fn texts_that_are_left_out_are_checked_all_the_same() {
        let json = full().to_json().replace("\"session\":\"session\"", "\"session\":\"\"");
        for for_sums in [false, true] {
            let mut reading = Reading { for_sums, ..Reading::default() };
            let read = Record::blank().read(json.as_bytes(), &mut reading);
            assert_eq!(read.unwrap_err().key(), Some("session"));
        }
    }

    #[test]
    fn nothing_is_left_of_the_record_whose_room_is_used() {
        let plain = Record::new(SystemTime::UNIX_EPOCH);
        let mut read = full();
        read.read(plain.to_json().as_bytes(), &mut Reading::default()).unwrap();
        assert_eq!(read, plain);
    }

    #[test]
    fn a_record_is_the_same_whether_its_beginning_is_as_we_write_it_or_not() {
        let json = full().to_json();
        let spaced = json.replacen("\"v\":1,", "\"v\": 1,", 1);
        assert!(Head::of(json.as_bytes()).is_some() && Head::of(spaced.as_bytes()).is_none());
        assert_eq!(Record::from_json(spaced.as_bytes()), Record::from_json(json.as_bytes()));
        // Of a repeated key the last counts.
        let repeated =
            json.replacen("\"latency_us\"", "\"time\":\"1970-01-01T00:00:01.000000Z\",\"latency_us\"", 1);
        let read = Record::from_json(repeated.as_bytes()).unwrap();
        assert_eq!(read.time, SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    }
}
