//! Which convention a usage object follows, and what it says in ours.

use super::lenient::text;
use super::{anthropic, bedrock, cohere, google, openai};
use crate::json::{Kind, Reader};
use crate::record::{Text, Usage, Usd};

/// What a usage object says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) usage: Usage,
    /// The tier, where it stands within the object.
    pub(super) service_tier: Option<Text>,
    /// Where the tokens were made, when the price depends on it.
    pub(super) region: Option<Text>,
    /// What the provider says that it charged.
    pub(super) cost: Option<Usd>,
    /// The model that served, where the object names it against what the answer began with.
    pub(super) model: Option<Text>,
    /// There is more in the object than is kept.
    pub(super) too_large: bool,
    /// A figure is there and cannot be read: what the others say is not all then.
    pub(super) unreadable: bool,
    /// Something was counted that is not in the figures, or may have been.
    pub(super) unread: bool,
}

impl From<Usage> for Reading {
    fn from(usage: Usage) -> Self {
        Self { usage, ..Self::default() }
    }
}

/// A convention for usage objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Convention {
    OpenAi,
    Anthropic,
    /// One of these two.
    InputAndOutput,
    Gemini,
    Interactions,
    Converse,
    InvocationMetrics,
    Cohere,
}

impl Convention {
    /// The convention that an object follows, by its keys up to the first that leaves no doubt, or to a syntax error: `None`
    /// when none of them is a counter that is known.
    pub(super) fn of(json: &[u8]) -> Option<Self> {
        let mut keys = Keys::default();
        let text = text(json);
        let mut reader = Reader::new(&text);
        if let Ok(mut members) = reader.members() {
            while let Ok(Some(key)) = members.next(&mut reader) {
                keys.note(&key);
                if keys.leave_no_doubt() || reader.skip().is_err() {
                    break;
                }
            }
        }
        keys.convention()
    }

    /// Reads an object of what `speaker` says. `None` when it is not JSON.
    pub(super) fn read(self, json: &[u8], speaker: Speaker) -> Option<Reading> {
        match self {
            Self::InputAndOutput if speaker == Speaker::Anthropic => anthropic::read(json),
            Self::OpenAi | Self::InputAndOutput => openai::read(json, speaker == Speaker::Google),
            Self::Anthropic => anthropic::read(json),
            Self::Gemini => google::read(json),
            Self::Interactions => google::read_interaction(json),
            Self::Converse => bedrock::read_converse(json),
            Self::InvocationMetrics => bedrock::read_invocation_metrics(json),
            Self::Cohere => cohere::read(json),
        }
    }
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

/// Which of the telling keys were there.
#[derive(Clone, Copy, Debug, Default)]
struct Keys {
    chat: bool,
    input_or_output: bool,
    total: bool,
    anthropic: bool,
    other: Option<Convention>,
    measure: bool,
}

impl Keys {
    fn note(&mut self, key: &str) {
        match key {
            "prompt_tokens" | "completion_tokens" => self.chat = true,
            "input_tokens" | "output_tokens" => self.input_or_output = true,
            "total_tokens" => self.total = true,
            "cache_read_input_tokens" | "cache_creation_input_tokens" | "cache_creation" | "iterations" => {
                self.anthropic = true;
            }
            "promptTokenCount" | "candidatesTokenCount" | "totalTokenCount" => {
                self.other = Some(Convention::Gemini);
            }
            "total_input_tokens" | "total_output_tokens" => self.other = Some(Convention::Interactions),
            "inputTokens" | "outputTokens" => self.other = Some(Convention::Converse),
            "inputTokenCount" | "outputTokenCount" => self.other = Some(Convention::InvocationMetrics),
            "billed_units" | "tokens" => self.other = Some(Convention::Cohere),
            "seconds" | "cost" | "cost_in_usd_ticks" => self.measure = true,
            _ => {}
        }
    }

    /// Whether the convention is taken as known. Objects that mix such keys do not occur, and of one that does the first
    /// counts.
    fn leave_no_doubt(self) -> bool {
        self.chat || self.other == Some(Convention::Gemini)
    }

    fn convention(self) -> Option<Convention> {
        // Databricks and Venice put Anthropic's cache counters next to `prompt_tokens`, which includes them.
        if self.chat {
            Some(Convention::OpenAi)
        } else if self.input_or_output && self.anthropic {
            Some(Convention::Anthropic)
        } else if self.other.is_some() {
            self.other
        } else if self.input_or_output {
            Some(Convention::InputAndOutput)
        } else if self.total || self.measure {
            Some(Convention::OpenAi)
        } else {
            None
        }
    }
}

/// The sum of what is known; absent only when both are.
pub(super) fn plus(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (known, None) | (None, known) => known,
    }
}

/// The sum of counters, absent ones counting as nothing.
pub(super) fn sum<const N: usize>(counts: [Option<u64>; N]) -> u64 {
    counts.into_iter().flatten().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_tell_the_convention() {
        for (json, convention) in [
            (r#"{"prompt_tokens":1,"total_tokens":1}"#, Some(Convention::OpenAi)),
            (
                r#"{"prompt_tokens":1,"cache_creation_input_tokens":1,"cache_creation":{}}"#,
                Some(Convention::OpenAi),
            ),
            (r#"{"input_tokens":1,"output_tokens":1,"total_tokens":2}"#, Some(Convention::InputAndOutput)),
            (r#"{"total_tokens":2}"#, Some(Convention::OpenAi)),
            (r#"{"seconds":2,"type":"duration"}"#, Some(Convention::OpenAi)),
            (r#"{"input_tokens":1,"cache_read_input_tokens":0}"#, Some(Convention::Anthropic)),
            (r#"{"promptTokenCount":1}"#, Some(Convention::Gemini)),
            (r#"{"total_input_tokens":1,"total_tokens":2}"#, Some(Convention::Interactions)),
            (r#"{"inputTokens":1,"outputTokens":1}"#, Some(Convention::Converse)),
            (r#"{"inputTokenCount":1}"#, Some(Convention::InvocationMetrics)),
            (r#"{"billed_units":{"search_units":1}}"#, Some(Convention::Cohere)),
            (r#"{"nested":{"prompt_tokens":1}}"#, None),
            ("{}", None),
            ("[]", None),
            ("null", None),
        ] {
            assert_eq!(Convention::of(json.as_bytes()), convention, "{json}");
        }
    }

    #[test]
    fn sums_saturate() {
        assert_eq!(plus(Some(u64::MAX), Some(1)), Some(u64::MAX));
        assert_eq!(plus(None, Some(1)), Some(1));
        assert_eq!(plus(None, None), None);
        assert_eq!(sum([Some(u64::MAX), None, Some(u64::MAX)]), u64::MAX);
    }
}
