//! The parts of an input and of an output, in all the spellings and places that are in use.
//!
//! OpenAI has them in objects beside the wholes. Gateways put the cache writes of Anthropic's models there under names of
//! their own.

use super::lenient::{Ignored, Natural, lenient};
use super::reading::plus;

lenient! {
    /// Parts of the input.
    struct InputDetails {
        cached_tokens: Natural = "cached_tokens",
        cache_read_tokens: Natural = "cache_read_tokens",
        cache_read_input_tokens: Natural = "cache_read_input_tokens",
        // OpenAI and OpenRouter; DashScope; LiteLLM.
        cache_write_tokens: Natural = "cache_write_tokens",
        cache_creation_input_tokens: Natural = "cache_creation_input_tokens",
        cache_creation_tokens: Natural = "cache_creation_tokens",
        cache_creation: CacheCreation = "cache_creation",
        cache_creation_token_details: CacheCreation = "cache_creation_token_details",
        audio_tokens: Natural = "audio_tokens",
        image_tokens: Natural = "image_tokens",
        _text: Ignored = "text_tokens",
        // OpenAI's realtime answers.
        cached_tokens_details: CachedDetails = "cached_tokens_details",
    }

    /// Parts of what was read from a cache.
    struct CachedDetails {
        audio_tokens: Natural = "audio_tokens",
        image_tokens: Natural = "image_tokens",
        _text: Ignored = "text_tokens",
    }

    /// How long what was written to a cache is kept. What is kept in another way has another price.
    #[derive(Copy)]
    struct CacheCreation: billed {
        ephemeral_5m: Natural = "ephemeral_5m_input_tokens",
        ephemeral_1h: Natural = "ephemeral_1h_input_tokens",
    }

    /// Parts of the output.
    struct OutputDetails {
        reasoning_tokens: Natural = "reasoning_tokens",
        _text: Ignored = "text_tokens",
        // Parts of the output, whether they were kept or not.
        _accepted: Ignored = "accepted_prediction_tokens",
        _rejected: Ignored = "rejected_prediction_tokens",
        audio_tokens: Natural = "audio_tokens",
        image_tokens: Natural = "image_tokens",
    }
}

impl InputDetails {
    /// Returns what was read from a cache.
    pub(super) fn cache_read(&self) -> Option<u64> {
        self.cached_tokens.0.or(self.cache_read_tokens.0).or(self.cache_read_input_tokens.0)
    }

    /// Returns what was written to a cache.
    pub(super) fn cache_write(&self) -> Option<u64> {
        let whole = self.cache_write_tokens.0.or(self.cache_creation_input_tokens.0);
        whole.or(self.cache_creation_tokens.0).or(self.split().whole())
    }

    /// Returns what was written to a cache by how long it is kept.
    pub(super) fn split(&self) -> CacheCreation {
        self.cache_creation.or(self.cache_creation_token_details)
    }
}

impl CacheCreation {
    /// Returns the sum of what is known, or `None` where nothing is.
    pub(super) fn whole(self) -> Option<u64> {
        plus(self.ephemeral_5m.0, self.ephemeral_1h.0)
    }

    /// Returns this one, or `other` where this one is empty.
    pub(super) fn or(self, other: Self) -> Self {
        if self.whole().is_some() { self } else { other }
    }
}
