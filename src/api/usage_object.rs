//! A usage object as it was written.

use super::dialects::convention_of;
use super::reading::{Convention, Speaker, UsageReading, is_object};

/// The last usage object of an answer, as it was written.
#[derive(Debug, Default)]
pub(super) struct UsageObject {
    convention: Option<&'static Convention>,
    raw: Vec<u8>,
    /// Whether something else than a JSON object stood in its place. That matters where there are no figures at all.
    displaced: bool,
}

impl UsageObject {
    /// Keeps an object in place of an earlier one, unless nothing in it is known. Returns its convention.
    pub(super) fn replace(&mut self, raw: &[u8]) -> Option<&'static Convention> {
        let convention = convention_of(raw);
        if convention.is_some() {
            self.convention = convention;
            self.raw.clear();
            self.raw.extend_from_slice(raw);
        } else {
            self.displaced |= !is_object(raw);
        }
        convention
    }

    /// Reads it by its convention, as `speaker` uses that.
    pub(super) fn reading(&self, speaker: Speaker) -> Option<UsageReading> {
        (self.convention?.read)(&self.raw, speaker)
    }

    /// Whether there was something that cannot be read.
    pub(super) fn is_malformed(&self, speaker: Speaker) -> bool {
        let is_unreadable = || self.reading(speaker).is_none_or(|reading| reading.unreadable);
        self.displaced || (self.convention.is_some() && is_unreadable())
    }
}
