//! The usage of whole JSON bodies beside the extraction of the `genai-prices` crate, on its own data.

#[path = "../../../examples/support/exchange.rs"]
mod exchange;

use differential::corpus::exchanges;
use exchange::Exchange;
use genai_prices::{Calculator, ExtractRequest, Usage as Theirs};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tower_llm_metrics::{PriceBook, Usage};

/// Each figure that both know, under the other's name.
fn figures(usage: &Usage) -> [(&'static str, Option<u64>); 12] {
    [
        ("input_tokens", usage.input_tokens),
        ("output_tokens", usage.output_tokens),
        ("cache_read_tokens", usage.cache_read_tokens),
        ("cache_write_tokens", usage.cache_write_tokens),
        ("cache_write_5m_tokens", usage.cache_write_5m_tokens),
        ("cache_write_1h_tokens", usage.cache_write_1h_tokens),
        ("output_reasoning_tokens", usage.reasoning_tokens),
        ("input_audio_tokens", usage.input_audio_tokens),
        ("output_audio_tokens", usage.output_audio_tokens),
        ("input_image_tokens", usage.input_image_tokens),
        ("output_image_tokens", usage.output_image_tokens),
        ("web_searches", usage.web_searches),
    ]
}

const NOT_MAPPED: &str = "the extractor does not look where it stands";
const NO_EXTRACTOR: &str = "there is no extractor for this API";

/// What differs: the extractor, the figure (or none for an answer that the extractor refuses), and why.
const DIFFERS: [(&str, &str, &str); 43] = [
    // "The pricing is the sum of output tokens and thinking tokens" (ai.google.dev/gemini-api/docs/thinking), and in
    // these answers thinking stands in `total_tokens` alone.
    ("google/chat", "output_tokens", "thinking stands in the total alone"),
    ("google/chat", "output_reasoning_tokens", "thinking stands in the total alone"),
    // `prompt_audio_seconds` is beside `prompt_tokens`, and the total says that the audio's tokens are too.
    ("mistral/default", "input_tokens", "audio is outside `prompt_tokens` and inside `total_tokens`"),
    ("mistral/default", "input_audio_tokens", "audio is outside `prompt_tokens` and inside `total_tokens`"),
    // The prices of documents are those of images there; here the figure is of the modality `IMAGE` alone.
    (
        "google/default",
        "input_image_tokens",
        "documents count as images there, and `promptTokenDetails` is not read",
    ),
    // The queries that an answer lists are its searches (ai.google.dev/gemini-api/docs/google-search#pricing).
    ("google/default", "web_searches", NOT_MAPPED),
    ("aws/default", "cache_read_tokens", NOT_MAPPED),
    ("aws/default", "cache_write_tokens", NOT_MAPPED),
    ("azure/chat", "input_image_tokens", NOT_MAPPED),
    ("azure/embeddings", "output_tokens", NOT_MAPPED),
    ("azure/responses", "web_searches", NOT_MAPPED),
    ("cerebras/chat", "cache_read_tokens", NOT_MAPPED),
    ("cohere/default", "cache_read_tokens", NOT_MAPPED),
    ("cohere/default", "input_image_tokens", NOT_MAPPED),
    ("cohere/default", "output_reasoning_tokens", NOT_MAPPED),
    ("databricks/chat", "cache_write_tokens", NOT_MAPPED),
    ("doubleword/chat", "cache_write_tokens", NOT_MAPPED),
    ("doubleword/chat", "input_audio_tokens", NOT_MAPPED),
    ("doubleword/chat", "output_audio_tokens", NOT_MAPPED),
    ("doubleword/chat", "output_image_tokens", NOT_MAPPED),
    ("github-copilot/chat", "output_reasoning_tokens", NOT_MAPPED),
    ("huggingface_together/chat", "cache_read_tokens", NOT_MAPPED),
    ("mistral/default", "cache_read_tokens", NOT_MAPPED),
    ("openai/chat", "cache_read_tokens", NOT_MAPPED),
    ("openai/chat", "input_image_tokens", NOT_MAPPED),
    ("openai/chat", "output_reasoning_tokens", NOT_MAPPED),
    ("openai/embeddings", "output_tokens", NOT_MAPPED),
    ("openai/responses", "input_audio_tokens", NOT_MAPPED),
    ("openai/responses", "web_searches", NOT_MAPPED),
    ("openrouter/chat", "output_image_tokens", NOT_MAPPED),
    ("openrouter/chat", "web_searches", NOT_MAPPED),
    ("x-ai/chat", "input_audio_tokens", NOT_MAPPED),
    ("x-ai/chat", "input_image_tokens", NOT_MAPPED),
    ("x-ai/responses", "web_searches", NOT_MAPPED),
    ("aws/default", REFUSED, "it wants `outputTokens`, which one answer lacks"),
    ("cohere/default", REFUSED, "version 1 has its figures in `meta`"),
    ("cohere/embeddings", REFUSED, "it wants tokens, and images are billed by piece"),
    ("google/default", REFUSED, "a stream as one array, or no figure at all"),
    ("google/embeddings", REFUSED, NO_EXTRACTOR),
    ("openai/chat", REFUSED, "it wants `completion_tokens`, which a rerank or an embedding lacks"),
    ("openai/embeddings", REFUSED, "it wants `prompt_tokens`, and some hosts write the total alone"),
    ("openrouter/default", REFUSED, NO_EXTRACTOR),
    ("x-ai/images", REFUSED, NO_EXTRACTOR),
];
/// In the place of a figure: the extractor gives an error.
const REFUSED: &str = "refused";

/// A figure that differs.
#[derive(Debug, PartialEq)]
struct Difference {
    key: &'static str,
    /// The extractor has no figure.
    ours_alone: bool,
    what: String,
}

fn differences(ours: &Usage, theirs: Result<Theirs, String>) -> Vec<Difference> {
    let theirs = match theirs {
        Ok(theirs) => theirs,
        Err(error) => return vec![Difference { key: REFUSED, ours_alone: true, what: error }],
    };
    let figures = figures(ours).map(|(key, ours)| (key, ours, theirs.get(key).map(|figure| figure as u64)));
    let different = figures.into_iter().filter(|(_, ours, theirs)| ours != theirs);
    let difference = |(key, ours, theirs): (_, Option<u64>, Option<u64>)| {
        let what = format!("{key} is {ours:?} and {theirs:?}");
        Difference { key, ours_alone: theirs.is_none(), what }
    };
    different.map(difference).collect()
}

/// Sends an exchange through the layer.
fn ours(exchange: &Value) -> Usage {
    let exchange = Exchange::deserialize(exchange).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(exchange.replay(None, &Arc::new(PriceBook::empty()))).unwrap().usage
}

fn theirs(provider: &str, flavor: &str, body: &str) -> Result<Theirs, String> {
    let request = ExtractRequest::new(body).with_provider_id(provider).with_api_flavor(flavor);
    let usage = Calculator::bundled().extract_provider_usage(&request);
    usage.map(|found| found.usage).map_err(|error| error.to_string())
}

#[test]
fn every_recorded_body_has_the_same_usage_but_for_the_named_differences() {
    let (mut wrong, mut met, mut count) = (Vec::new(), BTreeSet::new(), 0);
    for exchange in exchanges("json") {
        // The recordings come with the extractor that fits.
        let reference = &exchange["expected"]["ref_genai_prices"];
        let (Some(provider), Some(flavor), Some(body)) = (
            reference["provider_id"].as_str(),
            reference["api_flavor"].as_str(),
            exchange["response_body"].as_str(),
        ) else {
            continue;
        };
        count += 1;
        let extractor = format!("{provider}/{flavor}");
        for difference in differences(&ours(&exchange), theirs(provider, flavor, body)) {
            let named = DIFFERS.iter().find(|(theirs, key, reason)| {
                *theirs == extractor
                    && *key == difference.key
                    && (*reason != NOT_MAPPED || difference.ours_alone)
            });
            match named {
                Some(named) => _ = met.insert(named),
                None => wrong.push(format!("{}: {extractor}: {}", exchange["id"], difference.what)),
            }
        }
    }
    println!("{count} bodies compared; {met:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count == 0 || met.len() == DIFFERS.len(), "a difference that is named does not occur");
}

#[test]
fn bodies_written_for_the_project_have_the_same_usage() {
    let chat = json!({"model": "gpt-5-mini", "choices": [], "usage": {
        "prompt_tokens": 30, "completion_tokens": 9, "total_tokens": 39,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 1}}});
    let responses = json!({"object": "response", "status": "completed", "model": "gpt-5", "usage": {
        "input_tokens": 30, "output_tokens": 9, "total_tokens": 39,
        "input_tokens_details": {"cached_tokens": 4}, "output_tokens_details": {"reasoning_tokens": 2}}});
    let messages = json!({"type": "message", "model": "claude-sonnet-4-5", "usage": {
        "input_tokens": 10, "output_tokens": 20, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        "server_tool_use": {"web_search_requests": 2}}});
    let gemini = json!({"modelVersion": "gemini-3-flash", "usageMetadata": {
        "promptTokenCount": 300, "candidatesTokenCount": 20, "thoughtsTokenCount": 7, "totalTokenCount": 327,
        "cachedContentTokenCount": 9, "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 30}, {"modality": "AUDIO", "tokenCount": 12},
            {"modality": "IMAGE", "tokenCount": 258}]}});
    let converse = json!({"output": {}, "usage": {
        "inputTokens": 5, "outputTokens": 7, "totalTokens": 18, "cacheReadInputTokens": 2, "cacheWriteInputTokens": 4}});
    let cohere = json!({"message": {"role": "assistant"}, "usage": {"billed_units": {
        "input_tokens": 5, "output_tokens": 7}}});
    for (url, provider, flavor, body) in [
        ("https://api.openai.com/v1/chat/completions", "openai", "chat", &chat),
        ("https://openrouter.ai/api/v1/chat/completions", "openrouter", "chat", &chat),
        ("https://api.openai.com/v1/responses", "openai", "responses", &responses),
        ("https://api.anthropic.com/v1/messages", "anthropic", "default", &messages),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-flash:generateContent",
            "google",
            "default",
            &gemini,
        ),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1:0/converse",
            "aws",
            "default",
            &converse,
        ),
        ("https://api.cohere.com/v2/chat", "cohere", "default", &cohere),
    ] {
        let body = body.to_string();
        let exchange = json!({
            "method": "POST", "url": url, "request_body": "{}", "status": 200,
            "response_headers": {"content-type": "application/json"}, "response_body": body});
        let ours = ours(&exchange);
        assert!(ours.input_tokens.is_some() && ours.output_tokens.is_some(), "{url}");
        assert_eq!(differences(&ours, theirs(provider, flavor, &body)), [], "{url}");
    }
}
