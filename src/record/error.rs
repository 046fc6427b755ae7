//! Why a text is not a record.

use super::json::VERSION;
use crate::json::Unexpected;
use std::fmt;

/// Why a text is not a record. It names the key and never quotes the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    kind: RecordErrorKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum RecordErrorKind {
    NotJson,
    Version(u64),
    Missing(&'static str),
    Invalid(&'static str),
}

impl RecordError {
    pub(super) const NOT_JSON: Self = Self { kind: RecordErrorKind::NotJson };

    pub(super) const fn missing(key: &'static str) -> Self {
        Self { kind: RecordErrorKind::Missing(key) }
    }

    pub(super) const fn invalid(key: &'static str) -> Self {
        Self { kind: RecordErrorKind::Invalid(key) }
    }

    pub(super) const fn version(version: u64) -> Self {
        Self { kind: RecordErrorKind::Version(version) }
    }

    /// Returns the key whose value is missing or wrong; `None` when the text is not a JSON object at all.
    pub fn key(&self) -> Option<&'static str> {
        match self.kind {
            RecordErrorKind::NotJson => None,
            RecordErrorKind::Version(_) => Some("v"),
            RecordErrorKind::Missing(key) | RecordErrorKind::Invalid(key) => Some(key),
        }
    }

    /// Returns the version that the text is of, when it is one that this version of the library does not read.
    pub fn unknown_version(&self) -> Option<u64> {
        match self.kind {
            RecordErrorKind::Version(version) => Some(version),
            _ => None,
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            RecordErrorKind::NotJson => f.write_str("not a JSON object"),
            RecordErrorKind::Version(version) => {
                write!(f, "a record of version {version}, and only {VERSION} can be read")
            }
            RecordErrorKind::Missing(key) => write!(f, "`{key}` is missing"),
            RecordErrorKind::Invalid(key) => write!(f, "the value of `{key}` is not valid"),
        }
    }
}

impl std::error::Error for RecordError {}

impl From<Unexpected> for RecordError {
    fn from(_: Unexpected) -> Self {
        Self::NOT_JSON
    }
}
