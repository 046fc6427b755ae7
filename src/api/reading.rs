//! What is read from a usage object, by which convention.

use super::flaws::Flaws;
use super::lenient::text;
use crate::json::{Kind, Reader};
use crate::record::{Api, Record, Text, Usage, UsageReason, Usd};

/// What a usage object says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UsageReading {
    pub(super) usage: Usage,
    /// The tier, where it stands within the object.
    pub(super) service_tier: Option<Text>,
    /// Where the tokens were made, when the price depends on it.
    pub(super) region: Option<Text>,
    /// What the provider says that it charged.
    pub(super) cost: Option<Usd>,
    /// The model that served, where the object names another than the answer began with.
    pub(super) model: Option<Text>,
    /// The object holds more than is kept.
    pub(super) too_large: bool,
    /// A figure is there and cannot be read, so that the others are not all.
    pub(super) unreadable: bool,
    /// Something was counted that is not in the figures, or may have been.
    pub(super) unread: bool,
}

impl UsageReading {
    /// Creates a reading of figures. `flaws` are those that were found, and `total` is the stated sum of all tokens.
    pub(super) fn new(usage: Usage, flaws: Flaws, total: Option<u64>) -> Self {
        let unread = flaws.leave_unread(sum([usage.input_tokens, usage.output_tokens]), total);
        Self { usage, unreadable: flaws.unreadable, unread, ..Self::default() }
    }

    /// Returns what is wrong with the figures, if anything.
    pub(super) fn flaw(&self) -> Option<UsageReason> {
        if self.too_large {
            Some(UsageReason::TooLarge)
        } else if self.unread {
            Some(UsageReason::Unread)
        } else {
            self.usage.contradicts_itself().then_some(UsageReason::PartExceedsWhole)
        }
    }

    /// Writes the figures, the region and the model that served to the record of the call.
    pub(super) fn fill(self, record: &mut Record) {
        record.usage = self.usage;
        record.region = self.region.or(record.region.take());
        if let Some(served) = self.model {
            let began_with = record.response_model.replace(served);
            // Passes without a name are those of the model that the answer began with.
            for pass in &mut record.usage.passes {
                pass.model = pass.model.take().or_else(|| began_with.clone());
            }
        }
    }
}

impl From<Usage> for UsageReading {
    fn from(usage: Usage) -> Self {
        Self { usage, ..Self::default() }
    }
}

/// A convention for usage objects.
#[derive(Debug)]
pub(super) struct Convention {
    /// The keys of its counters, and how surely each identifies it.
    pub(super) keys: &'static [(&'static str, Sure)],
    /// The API whose answers follow it, where that is one alone.
    pub(super) api: Option<Api>,
    /// Reads an object of what a speaker says. `None` when it is not JSON.
    pub(super) read: fn(&[u8], Speaker) -> Option<UsageReading>,
}

/// How surely a key identifies a convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sure {
    /// A sum or a measure that many have.
    Vaguely,
    /// One of two conventions, between which the speaker decides.
    Shared,
    /// No other convention has it.
    Own,
    /// It stands beside shared ones and decides whose they are.
    Strongly,
    /// It outweighs all others: Databricks and Venice put Anthropic's cache counters next to `prompt_tokens`, which includes
    /// them.
    Certain,
}

/// Whether a text is a JSON object.
pub(super) fn is_object(json: &[u8]) -> bool {
    let text = text(json);
    let mut reader = Reader::new(&text);
    reader.kind() == Some(Kind::Object) && reader.skip().is_ok() && reader.is_done()
}

/// Who answers, where the keys of an object leave that open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// A message of Anthropic's, whoever serves it.
    Anthropic,
    Google,
    Other,
}

/// Adds what is known. The sum is absent only when both are.
pub(super) fn plus(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (known, None) | (None, known) => known,
    }
}

/// Adds counters, where absent ones count as nothing.
pub(super) fn sum<const N: usize>(counts: [Option<u64>; N]) -> u64 {
    counts.into_iter().flatten().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_saturate() {
        assert_eq!(plus(Some(u64::MAX), Some(1)), Some(u64::MAX));
        assert_eq!(plus(None, Some(1)), Some(1));
        assert_eq!(plus(None, None), None);
        assert_eq!(sum([Some(u64::MAX), None, Some(u64::MAX)]), u64::MAX);
    }
}
