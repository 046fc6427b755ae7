//! Cohere's chat, whose usage is `usage` in v2 and `meta` in v1.
//!
//! What is billed stands in `billed_units`; `tokens` counts what the model saw, its own instructions included:
//! [chat](https://docs.cohere.com/reference/chat).

use super::dialect::{Dialect, EventName, Home, Spoken, TextPlaces};
use crate::api::lenient::{self, Natural, lenient};
use crate::api::members::{Member, NAME, USAGE};
use crate::api::reading::{Convention, Sure, UsageReading, plus};
use crate::api::route::ApiRoute;
use crate::record::{Api, Operation, Provider, Usage};
use crate::wire::select::InPieces::Strings;
use http::{HeaderMap, Method};

pub(super) const DIALECT: Dialect = Dialect {
    apis: &[Spoken::text(Api::CohereChat, Operation::Chat)],
    route,
    at_home: Some(at_home),
    members: &[
        ("response_id", Member::Id, NAME),
        ("event_type", Member::Type, NAME),
        ("delta.usage", Member::UsageIfKnown, USAGE),
        ("meta", Member::UsageIfKnown, USAGE),
        ("response.meta", Member::UsageIfKnown, USAGE),
    ],
    texts: TextPlaces {
        request: &[
            ("message", Strings),
            ("preamble", Strings),
            ("chat_history[].message", Strings),
            ("texts[]", Strings),
            ("query", Strings),
            ("documents[]", Strings),
        ],
        stream: &[
            ("delta.message.content.text", Strings),
            ("delta.message.tool_plan", Strings),
            ("delta.message.tool_calls.function.arguments", Strings),
        ],
        document: &[("text", Strings), ("message.content[].text", Strings), ("generations[].text", Strings)],
        both: &[],
    },
    events: &[
        // The first version.
        ("stream-start", EventName { api: Some(Api::CohereChat), ..EventName::NONE }),
        ("text-generation", EventName { api: Some(Api::CohereChat), ..EventName::CONTENT }),
        ("tool-calls-generation", EventName::CONTENT),
        ("tool-calls-chunk", EventName::CONTENT),
        ("stream-end", EventName::LAST),
        // The second.
        ("content-delta", EventName::CONTENT),
        ("tool-plan-delta", EventName::CONTENT),
        ("tool-call-start", EventName::CONTENT),
        ("tool-call-delta", EventName::CONTENT),
        ("message-end", EventName::LAST),
    ],
    usage: &[Convention {
        keys: &[("billed_units", Sure::Own), ("tokens", Sure::Own)],
        api: Some(Api::CohereChat),
        read: |json, _| read(json),
    }],
    head: Some(read_headers),
    ..Dialect::NONE
};

/// Routes `/v2/chat`. Other providers have `/v1/chat` too, so that it counts on Cohere's host only.
fn route(_: &Method, segments: &[&str]) -> Option<ApiRoute> {
    let is_chat = matches!(segments, ["chat", "v2", ..]);
    is_chat.then_some(ApiRoute { operation: Operation::Chat, ..ApiRoute::UNKNOWN })
}

fn at_home(home: &Home<'_>, route: &mut ApiRoute) {
    if home.host != Some(&Provider::COHERE) {
        return;
    }
    match home.path {
        "/v1/chat" | "/v2/chat" => {
            (route.api, route.operation) = (Some(Api::CohereChat), Operation::Chat);
        }
        "/v1/generate" | "/v1/summarize" => route.operation = Operation::TextCompletion,
        _ => {}
    }
}

lenient! {
    struct Meta {
        billed: BilledUnits = "billed_units",
        tokens: SeenTokens = "tokens",
        cached: Natural = "cached_tokens",
    }

    struct BilledUnits: billed {
        input: Natural = "input_tokens",
        output: Natural = "output_tokens",
        search_units: Natural = "search_units",
        images: Natural = "images",
        image_tokens: Natural = "image_tokens",
    }

    struct SeenTokens {
        input: Natural = "input_tokens",
        output: Natural = "output_tokens",
        reasoning: Natural = "reasoning_tokens",
        image: Natural = "image_tokens",
    }
}

/// Reads a `usage` or a `meta`.
fn read(json: &[u8]) -> Option<UsageReading> {
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
    Some(UsageReading::new(usage, flaws, None))
}

/// Reads the usage in the headers, which is all there is for some answers.
fn read_headers(headers: &HeaderMap) -> Option<Usage> {
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
