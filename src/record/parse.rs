//! Reading a record back from its JSON.

use super::Record;
use super::draft::Draft;
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
        Self::read(json, &mut Seen::default())
    }

    /// The same for one of many: what is the same in `seen` is shared.
    pub(crate) fn read(json: &[u8], seen: &mut Seen) -> Result<Self, RecordError> {
        let text = std::str::from_utf8(json).map_err(|_| RecordError::NOT_JSON)?;
        let mut reader = Reader::new(text);
        let mut draft = Draft::new();
        let mut keys = KeyFinder::default();
        let mut members = reader.members()?;
        loop {
            let key = match members.next_known(&mut reader, |text| keys.find_next(text)) {
                Some(key) => key,
                None => match members.next(&mut reader)? {
                    None => break,
                    Some(text) => match keys.find(&text) {
                        Some(key) => key,
                        None => {
                            reader.skip()?;
                            continue;
                        }
                    },
                },
            };
            if !reader.null() {
                draft.read(key, &mut reader, seen).map_err(|e| e.at(key))?;
            }
        }
        if !reader.is_done() {
            return Err(RecordError::NOT_JSON);
        }
        draft.finish()
    }
}

/// Texts of the records before that are mostly the same in the next one.
#[derive(Debug, Default)]
pub(crate) struct Seen {
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
    const NOT_JSON: Self = Self { kind: Kind::NotJson };

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
