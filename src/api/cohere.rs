//! Cohere's usage objects: `usage` in v2, `meta` in v1.
//!
//! What is billed stands in `billed_units`; `tokens` counts what the model saw, its own instructions included:
//! [chat](https://docs.cohere.com/reference/chat).

use super::lenient::{self, Count, lenient};
use super::usage::{Reading, plus};
use crate::record::Usage;
use http::HeaderMap;

lenient! {
    struct Meta {
        billed: Billed = "billed_units",
        tokens: Tokens = "tokens",
        cached: Count = "cached_tokens",
    }

    struct Billed: billed {
        input: Count = "input_tokens",
        output: Count = "output_tokens",
        search_units: Count = "search_units",
        images: Count = "images",
        image_tokens: Count = "image_tokens",
    }

    struct Tokens {
        input: Count = "input_tokens",
        output: Count = "output_tokens",
        reasoning: Count = "reasoning_tokens",
        image: Count = "image_tokens",
    }
}

/// Reads a `usage` or a `meta`.
pub(super) fn read(json: &[u8]) -> Option<Reading> {
    let (Meta { billed, tokens, cached }, flaws) = lenient::read(json)?;
    // The tokens of images stand beside those of text.
    let text = billed.input.0.or(tokens.input.0);
    let images = billed.image_tokens.0.filter(|tokens| *tokens > 0);
    let usage = Usage {
        input_tokens: plus(text, images),
        cache_read_tokens: cached.0,
        input_image_tokens: images.or(tokens.image.0),
        output_tokens: billed.output.0.or(tokens.output.0),
        reasoning_tokens: tokens.reasoning.0,
        search_units: billed.search_units.0,
        images: billed.images.0,
        ..Usage::default()
    };
    let unread = flaws.leave_unread(0, None);
    Some(Reading { usage, unreadable: flaws.unreadable, unread, ..Reading::default() })
}

/// The usage that stands in the header, which is all there is for some answers.
pub(super) fn read_headers(headers: &HeaderMap) -> Option<Usage> {
    let value = headers.get("num_tokens").or_else(|| headers.get("num-tokens"))?;
    let tokens = value.to_str().ok()?.trim().parse().ok()?;
    Some(Usage { input_tokens: Some(tokens), ..Usage::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_billed_counts_and_what_the_model_saw_stands_in() {
        let json = br#"{"billed_units":{"input_tokens":4612,"output_tokens":3},"cached_tokens":6048,
            "tokens":{"input_tokens":6085,"output_tokens":6,"reasoning_tokens":2}}"#;
        let usage = read(json).unwrap().usage;
        assert_eq!((usage.input_tokens, usage.output_tokens), (Some(4612), Some(3)));
        assert_eq!((usage.cache_read_tokens, usage.reasoning_tokens), (Some(6048), Some(2)));
        // The cache is counted in what the model saw, so it can exceed what is billed.
        assert!(usage.contradicts_itself());
        let seen = read(br#"{"tokens":{"input_tokens":7}}"#).unwrap().usage;
        assert_eq!(seen.input_tokens, Some(7));
    }

    #[test]
    fn a_reranker_bills_search_units_and_an_embedder_images() {
        let rerank =
            read(br#"{"api_version":{"version":"1"},"billed_units":{"search_units":1}}"#).unwrap().usage;
        assert_eq!(rerank, Usage { search_units: Some(1), ..Usage::default() });
        let embed = read(br#"{"billed_units":{"images":2}}"#).unwrap().usage;
        assert_eq!(embed, Usage { images: Some(2), ..Usage::default() });
    }
}
