//! A record as JSON: written, and read back.

use super::table::{Draft, FIELDS, documentation, record_fields, write_fields};
use super::{Record, RecordError};
use crate::json::Reader;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::sync::Arc;

/// The version of the JSON that is written and read.
pub(super) const VERSION: u64 = 1;

impl Record {
    /// Returns the record as one flat JSON object of version 1.
    ///
    /// Keys that do not apply are absent; the others stand in this order:
    ///
    #[doc = record_fields!(documentation)]
    ///
    /// Times are cut to microseconds, and one outside the years 1970 to 9999 is written as the nearest within.
    /// [`Record::from_json`] reads it back.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use tower_llm_metrics::Record;
    ///
    /// let record = Record::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000));
    /// assert!(record.to_json().contains(r#""time":"2025-06-15T15:06:40.000000Z","latency_us":0,"#));
    /// assert_eq!(Record::from_json(record.to_json().as_bytes()), Ok(record));
    /// ```
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(1024);
        self.write_json(&mut out);
        // Everything that was written is text, so nothing is replaced.
        String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
    }

    /// Appends what [`Record::to_json`] returns, without allocating when `out` has room.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"v\":1");
        write_fields(self, out);
        out.push(b'}');
    }

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
        record.read(json, &mut SharedTexts::default())?;
        Ok(record)
    }

    /// Like [`Record::from_json`] for one of many records, which are read into `self` one after another: what they share
    /// is in `shared`. After an error, `self` holds anything.
    pub(crate) fn read(&mut self, json: &[u8], shared: &mut SharedTexts) -> Result<(), RecordError> {
        let json = std::str::from_utf8(json).map_err(|_| RecordError::NOT_JSON)?;
        let mut reader = Reader::new(json);
        let mut members = reader.members()?;
        *self = Self::blank();
        let mut draft = Draft { record: self, flat: super::flat::Flat::default() };
        let mut seen = SeenKeys::default();
        // Keys mostly come in the order in which they are written.
        let mut next = 0;
        while let Some(key) = members.next(&mut reader)? {
            if reader.null() {
                continue;
            }
            if key == "v" {
                let version = reader.integer().map_err(|_| RecordError::invalid("v"))?;
                seen.version = version == VERSION;
                if !seen.version {
                    return Err(RecordError::version(version));
                }
                continue;
            }
            let (before, after) = FIELDS.split_at_checked(next).unwrap_or_default();
            let at = |fields: &[(&str, _)]| fields.iter().position(|(known, _)| *known == key);
            let Some(place) = at(after).map(|at| next + at).or_else(|| at(before)) else {
                reader.skip()?;
                continue;
            };
            if let Some((key, read)) = FIELDS.get(place) {
                read(&mut draft, &mut reader).map_err(|_| RecordError::invalid(key))?;
                seen.fields |= 1 << place;
            }
            next = place + 1;
        }
        if !reader.is_done() {
            return Err(RecordError::NOT_JSON);
        }
        seen.check()?;
        let Draft { record, mut flat } = draft;
        shared.unify(&mut flat.priced_as, &mut flat.price_version);
        flat.put_into(record)
    }
}

/// Which keys a record has had so far.
#[derive(Clone, Copy, Default)]
struct SeenKeys {
    version: bool,
    /// By the places of [`FIELDS`].
    fields: u128,
}

impl SeenKeys {
    /// The keys without which it is no record.
    const REQUIRED: [&str; 5] = ["id", "time", "outcome", "usage_state", "cost_state"];

    fn check(self) -> Result<(), RecordError> {
        if !self.version {
            return Err(RecordError::missing("v"));
        }
        let missing = |(place, (key, _)): (usize, &(&'static str, _))| {
            let is_missing = self.fields & (1 << place) == 0 && Self::REQUIRED.contains(key);
            is_missing.then(|| RecordError::missing(key))
        };
        FIELDS.iter().enumerate().find_map(missing).map_or(Ok(()), Err)
    }
}

/// What records that are read one after another share.
#[derive(Debug, Default)]
pub(crate) struct SharedTexts {
    /// The texts of the last one that are mostly the same in the next.
    entry: Option<Arc<str>>,
    version: Option<Arc<str>>,
}

impl SharedTexts {
    fn unify(&mut self, entry: &mut Option<Arc<str>>, version: &mut Option<Arc<str>>) {
        for (known, new) in [(&mut self.entry, entry), (&mut self.version, version)] {
            if known == new {
                new.clone_from(known);
            } else if new.is_some() {
                known.clone_from(new);
            }
        }
    }
}

/// Writes the same text as [`Record::to_json`], through `serde_json`; other formats are not supported.
impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_json()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// Reads the text that [`Record::from_json`] reads, through `serde_json`; other formats are not supported.
impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(text.get().as_bytes()).map_err(serde::de::Error::custom)
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
    fn nothing_is_left_of_the_record_whose_room_is_used() {
        let plain = Record::new(SystemTime::UNIX_EPOCH);
        let mut read = full();
        read.read(plain.to_json().as_bytes(), &mut SharedTexts::default()).unwrap();
        assert_eq!(read, plain);
    }

    #[test]
    fn a_record_is_the_same_whether_its_beginning_is_as_we_write_it_or_not() {
        let json = full().to_json();
        let spaced = json.replacen("\"v\":1,", "\"v\": 1,", 1);
        assert_eq!(Record::from_json(spaced.as_bytes()), Record::from_json(json.as_bytes()));
        // Of a repeated key the last counts.
        let repeated =
            json.replacen("\"latency_us\"", "\"time\":\"1970-01-01T00:00:01.000000Z\",\"latency_us\"", 1);
        let read = Record::from_json(repeated.as_bytes()).unwrap();
        assert_eq!(read.time, SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    }
}
