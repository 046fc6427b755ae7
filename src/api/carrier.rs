//! The last usage object of an answer, as it was written.

use super::usage::{Convention, Reading, Speaker, is_object};

/// A usage object as it was written.
#[derive(Debug, Default)]
pub(super) struct Carrier {
    convention: Option<&'static Convention>,
    raw: Vec<u8>,
    /// What is no JSON object stood in its place. That is of consequence where there are no figures at all.
    displaced: bool,
}

impl Carrier {
    /// Keeps an object in place of an earlier one, unless nothing in it is known.
    pub(super) fn replace(&mut self, raw: &[u8]) -> Replaced {
        let Some(convention) = Convention::of(raw) else {
            let malformed = !is_object(raw);
            self.displaced |= malformed;
            return Replaced::Not { malformed };
        };
        self.convention = Some(convention);
        self.raw.clear();
        self.raw.extend_from_slice(raw);
        Replaced::By(convention)
    }

    /// What it says, by the convention of `speaker`.
    pub(super) fn read(&self, speaker: Speaker) -> Option<Reading> {
        (self.convention?.read)(&self.raw, speaker)
    }

    /// Whether there was something that cannot be read.
    pub(super) fn is_malformed(&self, speaker: Speaker) -> bool {
        let is_unreadable = || self.read(speaker).is_none_or(|reading| reading.unreadable);
        self.displaced || (self.convention.is_some() && is_unreadable())
    }
}

/// What became of an object.
pub(super) enum Replaced {
    By(&'static Convention),
    /// Nothing in it is known, perhaps because it is none.
    Not {
        malformed: bool,
    },
}
