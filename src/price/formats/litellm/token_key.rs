//! The keys of rates of tokens, such as `input_cost_per_token_above_272k_tokens_flex`.

use crate::record::Unit;

/// What a key is the rate of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TokenKey {
    pub(super) unit: Unit,
    /// For requests of more than this many tokens; 0 for the base.
    pub(super) above: u64,
    /// The tier, as the key ends; `None` for the default one.
    pub(super) tier: Option<&'static str>,
}

/// The tiers whose names keys end in, and what the tiers are called.
const TIERS: [(&str, &str); 7] = [
    (BATCHES, "batch"),
    ("_flex", "flex"),
    ("_priority", "priority"),
    ("_fast", "fast"),
    ("_ultrafast", "ultrafast"),
    ("_balanced", "balanced"),
    ("_decisions", "decisions"),
];
/// What keys for batches end in.
pub(super) const BATCHES: &str = "_batches";

/// Parses the key of a rate of tokens; `None` for other keys, and for tokens that no usage counts (a cache kept for twelve hours).
pub(super) fn token_key(key: &str) -> Option<TokenKey> {
    let tokens = Unit::ALL.iter().filter(|unit| unit.is_token());
    let mut known = tokens.flat_map(|unit| unit.row().litellm.iter().map(|known| (*unit, known.key)));
    known.find_map(|(unit, known)| {
        let mut rest = key.strip_prefix(known)?;
        let mut above = 0;
        if let Some((thousands, after)) =
            rest.strip_prefix("_above_").and_then(|size| size.split_once("k_tokens"))
        {
            above = thousands.parse::<u64>().ok().filter(|n| *n > 0)?.checked_mul(1000)?;
            rest = after;
        }
        let tier = match rest {
            "" => None,
            rest => Some(TIERS.iter().find(|(suffix, _)| *suffix == rest)?.1),
        };
        Some(TokenKey { unit, above, tier })
    })
}

/// Returns the unit whose base rate at the default tier `key` is.
pub(super) fn base_unit(key: &str) -> Option<Unit> {
    token_key(key).filter(|key| key.tier.is_none() && key.above == 0).map(|key| key.unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_apart_into_unit_threshold_and_tier() {
        let key = |unit, above, tier| Some(TokenKey { unit, above, tier });
        for (text, expected) in [
            ("input_cost_per_token", key(Unit::Input, 0, None)),
            ("output_cost_per_token_batches", key(Unit::Output, 0, Some("batch"))),
            ("input_cost_per_token_above_272k_tokens_flex", key(Unit::Input, 272_000, Some("flex"))),
            ("cache_creation_input_token_cost_above_1hr", key(Unit::CacheWrite1h, 0, None)),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                key(Unit::CacheWrite1h, 200_000, None),
            ),
            ("cache_read_input_audio_token_cost_priority", key(Unit::CacheReadAudio, 0, Some("priority"))),
            ("input_cost_per_token_cache_hit", key(Unit::CacheRead, 0, None)),
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
