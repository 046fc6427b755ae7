//! Amazon Bedrock's own shapes: Converse, and what it wraps around the shapes of its models.
//!
//! `inputTokens` leaves cached tokens out:
//! [`TokenUsage`](https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html).

use super::dialect::{Dialect, Spoken, TextPlaces};
use crate::api::lenient::{self, Fees, List, Natural, ShortText, lenient};
use crate::api::members::{EMPTY, Member, NAME, NUMBER, ToolMember, USAGE};
use crate::api::reading::{Convention, Sure, UsageReading, plus, sum};
use crate::api::route::{ApiRoute, decoded};
use crate::record::{Api, Operation, Text, Usage};
use crate::wire::select::InPieces::{All, Strings};
use http::{HeaderMap, Method};

pub(super) const DIALECT: Dialect = Dialect {
    apis: &[Spoken::text(Api::Converse, Operation::Chat), Spoken::text(Api::Invoke, Operation::Chat)],
    route,
    members: &[
        ("serviceTier.type", Member::ServiceTier, NAME),
        ("performanceConfig.latency", Member::Latency, NAME),
        // Guardrails are billed by their units.
        ("trace.guardrail", Member::Tool(ToolMember::Result), EMPTY),
        ("__type", Member::ErrorCode, NAME),
        ("metadata.usage", Member::UsageIfKnown, USAGE),
        ("amazon-bedrock-invocationMetrics", Member::InvocationMetrics, USAGE),
        // Llama; Titan.
        ("prompt_token_count", Member::InputTokens, NUMBER),
        ("generation_token_count", Member::OutputTokens, NUMBER),
        ("inputTextTokenCount", Member::InputTokens, NUMBER),
        ("totalOutputTextTokenCount", Member::OutputTokens, NUMBER),
        ("results[].tokenCount", Member::OutputTokensOfPart, NUMBER),
    ],
    content: &["contentBlockDelta", "generation", "outputText"],
    texts: TextPlaces {
        request: &[("toolConfig.tools", All), ("inputText", Strings)],
        stream: &[
            ("delta.reasoningContent.text", Strings),
            ("delta.toolUse.input", Strings),
            ("contentBlockDelta.delta.text", Strings),
            ("contentBlockDelta.delta.toolUse.input", Strings),
        ],
        document: &[
            ("output.message.content[].text", Strings),
            ("output.message.content[].toolUse.input", All),
            ("results[].outputText", Strings),
        ],
        both: &[("generation", Strings), ("outputText", Strings)],
    },
    usage: &[
        Convention {
            keys: &[("inputTokens", Sure::Own), ("outputTokens", Sure::Own)],
            api: Some(Api::Converse),
            read: |json, _| read_converse(json),
        },
        Convention {
            keys: &[("inputTokenCount", Sure::Own), ("outputTokenCount", Sure::Own)],
            api: None,
            read: |json, _| read_invocation_metrics(json),
        },
    ],
    head: Some(read_headers),
    ..Dialect::NONE
};

/// Routes `/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream` and its siblings.
fn route(_: &Method, segments: &[&str]) -> Option<ApiRoute> {
    let [verb, model, "model", ..] = segments else { return None };
    let call = match *verb {
        "converse" => ApiRoute::new(Api::Converse, Operation::Chat).with_stream(false),
        "converse-stream" => ApiRoute::new(Api::Converse, Operation::Chat).with_stream(true),
        "invoke" => ApiRoute::new(Api::Invoke, Operation::Chat).with_stream(false),
        "invoke-with-response-stream" => ApiRoute::new(Api::Invoke, Operation::Chat).with_stream(true),
        "count-tokens" => ApiRoute::COUNT,
        _ => return None,
    };
    let model = decoded(model);
    let call = if verb.starts_with("invoke") && model.contains("embed") {
        ApiRoute { operation: Operation::Embeddings, ..call }
    } else {
        call
    };
    Some(call.with_model(Text::new(&model).ok()))
}

lenient! {
    /// The `usage` of Converse and of Nova.
    struct Converse {
        input: Natural = "inputTokens",
        output: Natural = "outputTokens",
        total: Natural = "totalTokens",
        cache_read: Natural = "cacheReadInputTokens",
        cache_write: Natural = "cacheWriteInputTokens",
        // The cache counters under a second name, beside the first or alone.
        cache_read_count: Natural = "cacheReadInputTokenCount",
        cache_write_count: Natural = "cacheWriteInputTokenCount",
        cache_details: List<CacheDetail> = "cacheDetails",
        _tools: Fees = "serverToolUsage",
    }

    struct CacheDetail {
        ttl: ShortText = "ttl",
        tokens: Natural = "inputTokens",
    }

    /// `amazon-bedrock-invocationMetrics`.
    struct InvocationMetrics {
        input: Natural = "inputTokenCount",
        output: Natural = "outputTokenCount",
        cache_read: Natural = "cacheReadInputTokenCount",
        cache_write: Natural = "cacheWriteInputTokenCount",
    }
}

/// Reads a `usage` of Converse's shape.
fn read_converse(json: &[u8]) -> Option<UsageReading> {
    let (converse, flaws): (Converse, _) = lenient::read(json)?;
    let cache_read = converse.cache_read.0.or(converse.cache_read_count.0);
    let cache_write = converse.cache_write.0.or(converse.cache_write_count.0);
    let kept_for = |ttl: &str| {
        let of_ttl = converse.cache_details.0.iter().filter(|detail| detail.ttl.is(ttl, u64::MAX));
        of_ttl.fold(None, |known, detail| plus(known, detail.tokens.0))
    };
    let included = converse.total.0 == Some(sum([converse.input.0, converse.output.0]));
    let usage = Usage {
        input_tokens: if included {
            converse.input.0
        } else {
            converse.input.0.map(|input| sum([Some(input), cache_read, cache_write]))
        },
        cache_read_tokens: cache_read,
        cache_write_tokens: cache_write,
        cache_write_5m_tokens: kept_for("5m"),
        cache_write_1h_tokens: kept_for("1h"),
        output_tokens: converse.output.0,
        ..Usage::default()
    };
    Some(UsageReading::new(usage, flaws, converse.total.0))
}

/// Reads the metrics that Bedrock adds to the last event of a stream.
fn read_invocation_metrics(json: &[u8]) -> Option<UsageReading> {
    let (metrics, flaws): (InvocationMetrics, _) = lenient::read(json)?;
    let usage = exclusive(metrics.input.0, metrics.output.0, metrics.cache_read.0, metrics.cache_write.0);
    Some(UsageReading::new(usage, flaws, None))
}

/// Reads the usage in the headers, which is all there is for some models.
fn read_headers(headers: &HeaderMap) -> Option<Usage> {
    let count = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let input = count("x-amzn-bedrock-input-token-count");
    let output = count("x-amzn-bedrock-output-token-count");
    if input.is_none() && output.is_none() {
        return None;
    }
    let cache_read = count("x-amzn-bedrock-cache-read-input-token-count");
    let cache_write = count("x-amzn-bedrock-cache-write-input-token-count");
    Some(exclusive(input, output, cache_read, cache_write))
}

fn exclusive(
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
) -> Usage {
    Usage {
        input_tokens: input.map(|input| sum([Some(input), cache_read, cache_write])),
        cache_read_tokens: cache_read,
        cache_write_tokens: cache_write,
        output_tokens: output,
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str) -> Usage {
        read_converse(json.as_bytes()).unwrap().usage
    }

    #[test]
    fn cached_tokens_are_added_once_though_they_stand_there_twice() {
        let usage = usage(
            r#"{"inputTokens":4,"outputTokens":7,"totalTokens":1066,"cacheReadInputTokens":27,
                "cacheReadInputTokenCount":27,"cacheWriteInputTokens":1028,"cacheWriteInputTokenCount":1028,
                "cacheDetails":[{"ttl":"5m","inputTokens":1000},{"ttl":"1h","inputTokens":28}]}"#,
        );
        assert_eq!((usage.input_tokens, usage.output_tokens), (Some(1059), Some(7)));
        assert_eq!((usage.cache_read_tokens, usage.cache_write_tokens), (Some(27), Some(1028)));
        assert_eq!((usage.cache_write_5m_tokens, usage.cache_write_1h_tokens), (Some(1000), Some(28)));
    }

    #[test]
    fn a_total_without_room_for_the_cache_says_that_it_is_counted_in() {
        let included = r#"{"inputTokens":30,"outputTokens":7,"totalTokens":37,"cacheReadInputTokens":27}"#;
        assert_eq!(usage(included).input_tokens, Some(30));
    }

    #[test]
    fn metrics_and_headers_follow_the_same_convention() {
        let metrics = br#"{"inputTokenCount":12,"outputTokenCount":100,"cacheReadInputTokenCount":5}"#;
        let mut headers = HeaderMap::new();
        assert_eq!(read_headers(&headers), None);
        headers.insert("x-amzn-bedrock-input-token-count", "12".parse().unwrap());
        headers.insert("x-amzn-bedrock-output-token-count", "100".parse().unwrap());
        headers.insert("x-amzn-bedrock-cache-read-input-token-count", "5".parse().unwrap());
        let read = read_headers(&headers).unwrap();
        assert_eq!(read.input_tokens, Some(17));
        assert_eq!(read_invocation_metrics(metrics).unwrap().usage, read);
        headers.insert("x-amzn-bedrock-input-token-count", "-1".parse().unwrap());
        headers.insert("x-amzn-bedrock-output-token-count", "many".parse().unwrap());
        assert_eq!(read_headers(&headers), None);
    }
}
