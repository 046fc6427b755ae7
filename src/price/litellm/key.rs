//! What the keys of LiteLLM's entries mean.

use crate::record::Unit;

/// What a key is the rate of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key<'a> {
    pub(super) unit: Unit,
    /// For requests of more than this many tokens.
    pub(super) above: Option<u64>,
    /// The tier, as the key ends; `None` for the default one.
    pub(super) tier: Option<&'a str>,
}

/// The rates of tokens. A longer key stands before those that it begins with.
const TOKENS: [(&str, Unit); 12] = [
    ("input_cost_per_token", Unit::Input),
    ("input_cost_per_audio_token", Unit::InputAudio),
    ("input_cost_per_image_token", Unit::InputImage),
    ("cache_read_input_token_cost", Unit::CacheRead),
    ("cache_read_input_audio_token_cost", Unit::CacheReadAudio),
    ("cache_read_input_image_token_cost", Unit::CacheReadImage),
    ("cache_creation_input_token_cost_above_1hr", Unit::CacheWrite1h),
    ("cache_creation_input_token_cost", Unit::CacheWrite),
    ("output_cost_per_token", Unit::Output),
    ("output_cost_per_reasoning_token", Unit::Reasoning),
    ("output_cost_per_audio_token", Unit::OutputAudio),
    ("output_cost_per_image_token", Unit::OutputImage),
];

/// The tiers whose names keys end in, and what the tiers are called.
const TIERS: [(&str, &str); 7] = [
    ("batches", "batch"),
    ("flex", "flex"),
    ("priority", "priority"),
    ("fast", "fast"),
    ("ultrafast", "ultrafast"),
    ("balanced", "balanced"),
    ("decisions", "decisions"),
];

/// What `key` is the rate of; `None` for what is no rate of a token, or one that no usage counts (a cache kept for twelve hours).
pub(super) fn token_key(key: &str) -> Option<Key<'static>> {
    // DeepSeek's older entries.
    if key == "input_cost_per_token_cache_hit" {
        return Some(Key { unit: Unit::CacheRead, above: None, tier: None });
    }
    let (mut rest, unit) = TOKENS.iter().find_map(|(name, unit)| Some((key.strip_prefix(name)?, *unit)))?;
    let mut above = None;
    if let Some((thousands, after)) =
        rest.strip_prefix("_above_").and_then(|size| size.split_once("k_tokens"))
    {
        above = Some(thousands.parse::<u64>().ok().filter(|n| *n > 0)?.checked_mul(1000)?);
        rest = after;
    }
    let tier = match rest.strip_prefix('_') {
        None if rest.is_empty() => None,
        None => return None,
        Some(name) => Some(TIERS.iter().find(|(suffix, _)| *suffix == name).map(|(_, tier)| *tier)?),
    };
    Some(Key { unit, above, tier })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_apart_into_unit_threshold_and_tier() {
        let key = |unit, above, tier| Some(Key { unit, above, tier });
        for (text, expected) in [
            ("input_cost_per_token", key(Unit::Input, None, None)),
            ("output_cost_per_token_batches", key(Unit::Output, None, Some("batch"))),
            ("input_cost_per_token_above_272k_tokens_flex", key(Unit::Input, Some(272_000), Some("flex"))),
            ("cache_creation_input_token_cost_above_1hr", key(Unit::CacheWrite1h, None, None)),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                key(Unit::CacheWrite1h, Some(200_000), None),
            ),
            ("cache_read_input_audio_token_cost_priority", key(Unit::CacheReadAudio, None, Some("priority"))),
            ("input_cost_per_token_cache_hit", key(Unit::CacheRead, None, None)),
        ] {
            assert_eq!(token_key(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_passed_over_and_not_taken_for_something_else() {
        for text in [
            "cache_creation_input_token_cost_above_12hr",
            "cache_creation_input_token_cost_above_12hr_above_272k_tokens",
            "input_cost_per_token_above_0k_tokens",
            "input_cost_per_token_above_k_tokens",
            "input_cost_per_token_someday",
            "output_cost_per_image",
            "input_cost_per_character",
            "max_input_tokens",
        ] {
            assert_eq!(token_key(text), None, "{text}");
        }
    }
}
