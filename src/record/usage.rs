//! The usage of a call.

use super::listed::closed_list;
use super::text::Text;
use std::time::Duration;

/// What a call used: wholes, parts of them, and counted things that are not tokens.
///
/// `None` means that the provider did not report the figure, which is not 0. `input_tokens` and `output_tokens` are inclusive,
/// as OpenTelemetry's `gen_ai.usage.*` are: cached tokens are within the input, reasoning is within the output,
/// whatever the provider's own convention.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// All tokens that went in, cached ones included.
    pub input_tokens: Option<u64>,
    /// The part of the input that was read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// The part of the input that was written to a cache.
    pub cache_write_tokens: Option<u64>,
    /// The part of the cache writes that is kept for five minutes.
    pub cache_write_5m_tokens: Option<u64>,
    /// The part of the cache writes that is kept for an hour.
    pub cache_write_1h_tokens: Option<u64>,
    /// The part of the input that is audio.
    pub input_audio_tokens: Option<u64>,
    /// The part of the input that is images.
    pub input_image_tokens: Option<u64>,
    /// The part of the cache reads that is audio.
    pub cache_read_audio_tokens: Option<u64>,
    /// The part of the cache reads that is images.
    pub cache_read_image_tokens: Option<u64>,
    /// All tokens that came out, reasoning included.
    pub output_tokens: Option<u64>,
    /// The part of the output that is reasoning, shown or hidden.
    pub reasoning_tokens: Option<u64>,
    /// The part of the output that is audio.
    pub output_audio_tokens: Option<u64>,
    /// The part of the output that is images.
    pub output_image_tokens: Option<u64>,
    /// Passes that are billed beside the wholes above, which do not include them.
    pub passes: Vec<Pass>,
    /// Web searches made by the provider.
    pub web_searches: Option<u64>,
    /// Searches in the caller's own files, made by the provider.
    pub file_searches: Option<u64>,
    /// Queries to a map that grounded the answer.
    pub map_queries: Option<u64>,
    /// Search units of a reranker.
    pub search_units: Option<u64>,
    /// Length of audio.
    pub seconds: Option<Duration>,
    /// Images made, or taken in where these are what is billed.
    pub images: Option<u64>,
    /// Characters, where these are what is billed.
    pub characters: Option<u64>,
    /// Pages of documents.
    pub pages: Option<u64>,
    /// Pages of documents that were annotated, billed beside their reading.
    pub annotated_pages: Option<u64>,
}

/// A pass over a model that is billed beside the call's own counters: Anthropic's compaction, advisor and
/// fallback `iterations`, and the model behind OpenAI's image tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pass {
    /// The model of this pass, when it is not the call's.
    pub model: Option<Text>,
    /// All tokens that went in, cached ones included.
    pub input_tokens: Option<u64>,
    /// The part of the input that was read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// The part of the input that was written to a cache.
    pub cache_write_tokens: Option<u64>,
    /// The part of the cache writes that is kept for five minutes.
    pub cache_write_5m_tokens: Option<u64>,
    /// The part of the cache writes that is kept for an hour.
    pub cache_write_1h_tokens: Option<u64>,
    /// The part of the input that is images.
    pub input_image_tokens: Option<u64>,
    /// All tokens that came out.
    pub output_tokens: Option<u64>,
    /// The part of the output that is images.
    pub output_image_tokens: Option<u64>,
}

impl Pass {
    /// Returns the tokens of the pass, as those of a call of its own.
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            input_tokens: self.input_tokens,
            cache_read_tokens: self.cache_read_tokens,
            cache_write_tokens: self.cache_write_tokens,
            cache_write_5m_tokens: self.cache_write_5m_tokens,
            cache_write_1h_tokens: self.cache_write_1h_tokens,
            input_image_tokens: self.input_image_tokens,
            output_tokens: self.output_tokens,
            output_image_tokens: self.output_image_tokens,
            ..Usage::default()
        }
    }
}

impl Usage {
    /// The largest number of passes of one call that are kept. Providers send a handful.
    pub const MAX_PASSES: usize = 32;

    /// Returns whether no figure is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether a part is larger than the whole it belongs to, or than what the other parts leave of it.
    pub fn contradicts_itself(&self) -> bool {
        fn exceeds(parts: &[Option<u64>], whole: Option<u64>) -> bool {
            let sum = parts.iter().flatten().fold(0u64, |sum, &part| sum.saturating_add(part));
            whole.is_some_and(|whole| sum > whole)
        }
        exceeds(&[self.cache_read_tokens, self.cache_write_tokens], self.input_tokens)
            || exceeds(&[self.cache_read_audio_tokens, self.cache_read_image_tokens], self.cache_read_tokens)
            || exceeds(&[self.cache_write_5m_tokens, self.cache_write_1h_tokens], self.cache_write_tokens)
            || exceeds(&[self.input_audio_tokens, self.input_image_tokens], self.input_tokens)
            || exceeds(&[self.reasoning_tokens], self.output_tokens)
            || exceeds(&[self.output_audio_tokens, self.output_image_tokens], self.output_tokens)
    }
}

closed_list! {
    /// What the figures of a record's usage are.
    pub UsageState, "usage_state" {
        /// The final figures: the provider's, or the characters of a request for speech, by which it is billed.
        Reported = "reported",
        /// The provider's figures for a call that another record already carries; outside sums and cost.
        Repeated = "repeated",
        /// The last figures of a stream that ended early.
        Partial = "partial",
        /// Counted by the application's own counter.
        Estimated = "estimated",
        /// There are no figures, for the reason in [`Record::usage_reason`](super::Record::usage_reason).
        Absent = "absent",
    }
}

closed_list! {
    /// Why usage is absent, or what is wrong with it.
    pub UsageReason, "usage_reason" {
        /// A stream of a provider that reports usage only when `stream_options.include_usage` asks for it.
        NotRequested = "not_requested",
        /// The provider's answer has no usage.
        NotReported = "not_reported",
        /// The caller dropped the answer before the figures came.
        Aborted = "aborted",
        /// There was no answer, or it broke off before the figures came.
        NoResponse = "no_response",
        /// The provider answered with an error.
        ErrorResponse = "error_response",
        /// The answer has no known shape.
        Unrecognized = "unrecognized",
        /// The answer is compressed in a way that this build does not read.
        Encoded = "encoded",
        /// The usage object, or the decoded body, is over the limit.
        TooLarge = "too_large",
        /// The answer is not well-formed.
        Malformed = "malformed",
        /// The connection was upgraded to another protocol.
        Upgraded = "upgraded",
        /// Nothing was consumed: a list, a token count.
        NotConsumption = "not_consumption",
        /// The figures are there, but a part is larger than its whole.
        PartExceedsWhole = "part_exceeds_whole",
        /// Something beside the figures was counted, or may have been, and is not understood.
        Unread = "unread",
        /// The answer is the results of a batch, whose calls are not metered one by one.
        BatchResults = "batch_results",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_larger_than_its_whole_is_noticed_without_wrapping() {
        let cached = Usage { input_tokens: Some(208), cache_read_tokens: Some(314), ..Usage::default() };
        assert!(cached.contradicts_itself());
        let huge = Usage {
            input_tokens: Some(1),
            cache_read_tokens: Some(u64::MAX),
            cache_write_tokens: Some(u64::MAX),
            ..Usage::default()
        };
        assert!(huge.contradicts_itself());
        let unknown_whole = Usage { cache_read_tokens: Some(3), ..Usage::default() };
        assert!(!unknown_whole.contradicts_itself());
    }
}
