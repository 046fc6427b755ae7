//! Recorded exchanges of many providers, each with the usage that it must yield. The recordings stand beside the
//! repository where it is developed; elsewhere the tests say that they were skipped.

use crate::exchange::Exchange;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tower_llm_metrics::{PriceBook, Record, UserId};

#[derive(Deserialize)]
struct Recorded {
    id: String,
    #[serde(flatten)]
    exchange: Exchange,
    expected: Value,
}

/// Where ours differs from what the corpus expects, and why ours is right.
const DIFFERS: [(&str, &str); 11] = [
    // "The pricing is the sum of output tokens and thinking tokens" (ai.google.dev/gemini-api/docs/thinking).
    (
        "google-chat_completions-29ee36d3ac55b6c3",
        "thinking stands in the total alone: 109 with 35 in and 12 out",
    ),
    (
        "google-chat_completions-cd1cb42904e1ba9e",
        "thinking stands in the total alone: 100 with 66 in and 6 out",
    ),
    ("google-embeddings-08195fcd975c7214", "`promptTokenDetails` states 258 tokens of the modality IMAGE"),
    (
        "vertex-generateContent-13b21404554829b5",
        "`promptTokensDetails` states 516 tokens of modality 2, which is IMAGE",
    ),
    ("cohere-other-1f1f601bbc5386e6", "`tokens.image_tokens` states 259"),
    // The corpus does not read forms.
    ("openai-audio-25bbf536c1a83c44", "the form's part `model` is gpt-4o-mini-transcribe"),
    ("openai-audio-551a0112f48b6949", "the form's part `model` is gpt-4o-mini-transcribe"),
    ("openai-audio-b456de7fa724867b", "the form's part `model` is whisper-1"),
    ("openai-audio-1a40de21815cf584", "the form's part `model` is gpt-4o-transcribe"),
    ("mistral-audio-171a1d3af196d92f", "the form's part `model` is voxtral-mini-latest"),
    ("openrouter-audio-add7b016c74bc72c", "the form's part `model` is openai/gpt-4o-mini-transcribe"),
];

/// What a recording without its request has where its path held the model.
const PLACEHOLDER: &str = "UNKNOWN";

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

/// What is expected and differs, as `key: expected, found`.
fn differences(record: &Record, expected: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |key: &str, expected: String, ours: String| {
        if expected != ours {
            found.push(format!("{key}: expected {expected}, found {ours}"));
        }
    };
    let mut texts = vec![("model_request", &record.model), ("model_response", &record.response_model)];
    // Where the answer names no tier, the record has the one asked for, which the corpus does not say.
    if expected["service_tier"].is_string() {
        texts.push(("service_tier", &record.service_tier));
    }
    for (key, ours) in texts {
        let ours = ours.as_ref().map(ToString::to_string).filter(|text| text != PLACEHOLDER);
        compare(key, format!("{:?}", text(&expected[key])), format!("{ours:?}"));
    }
    compare(
        "user",
        format!("{:?}", text(&expected["user"])),
        format!("{:?}", record.user_id().map(ToString::to_string)),
    );
    let usage = &record.usage;
    let figures = [
        ("input_tokens", usage.input_tokens),
        ("output_tokens", usage.output_tokens),
        ("cache_read_tokens", usage.cache_read_tokens),
        ("cache_write_tokens", usage.cache_write_tokens),
        ("cache_write_5m_tokens", usage.cache_write_5m_tokens),
        ("cache_write_1h_tokens", usage.cache_write_1h_tokens),
        ("reasoning_tokens", usage.reasoning_tokens),
        ("audio_in", usage.input_audio_tokens),
        ("audio_out", usage.output_audio_tokens),
        ("image_in", usage.input_image_tokens),
        ("image_out", usage.output_image_tokens),
        ("search_units", usage.search_units),
    ];
    for (key, ours) in figures {
        compare(key, format!("{:?}", expected["usage"][key].as_u64()), format!("{ours:?}"));
    }
    let outside = expected["usage"]["outside_top_level"].as_array().map_or(0, Vec::len);
    compare("passes", outside.to_string(), usage.passes.len().to_string());
    found
}

/// The lines of a file of the corpus, or `None`, with a message, where it is not there.
fn lines(name: &str) -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus").join(name);
    let lines = std::fs::read_to_string(&file).ok();
    if lines.is_none() {
        println!("skipped: {} is not there", file.display());
    }
    lines
}

/// Replays all exchanges in frames of `chunk` bytes and compares.
fn replay_all(chunk: Option<usize>) {
    let Some(lines) = lines("exchanges.jsonl") else { return };
    let prices = Arc::new(PriceBook::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in lines.lines() {
        let Recorded { id, exchange, expected } = serde_json::from_str(line).unwrap();
        let record = runtime.block_on(exchange.replay(chunk, &prices)).unwrap();
        let differences = differences(&record, &expected);
        let known = DIFFERS.iter().any(|(known, _reason)| *known == id);
        if differences.is_empty() == known {
            wrong.push(format!("{id}: {}", differences.join("; ")));
        }
        count += 1;
    }
    println!("{count} exchanges replayed");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_exchange_yields_its_usage_in_whole_bodies() {
    replay_all(None);
}

#[test]
fn every_exchange_yields_its_usage_in_frames_of_1024_bytes() {
    replay_all(Some(1024));
}

#[test]
fn every_exchange_yields_its_usage_in_frames_of_7_bytes() {
    replay_all(Some(7));
}

#[test]
fn every_exchange_yields_its_usage_byte_by_byte() {
    replay_all(Some(1));
}

#[derive(Deserialize)]
struct Derived {
    id: String,
    mutation: String,
    api: String,
    #[serde(flatten)]
    exchange: Exchange,
    candidates: Value,
}

/// The user that the candidates must yield: the first field with a usable id.
fn expected_user(case: &Derived) -> Option<String> {
    let usable = |value: &Value| match value {
        Value::String(id) => UserId::new(id).is_ok().then(|| id.trim().to_owned()),
        Value::Number(id) => (id.is_i64() || id.is_u64()).then(|| id.to_string()),
        _ => None,
    };
    ["user", "safety_identifier", "metadata.user_id"]
        .into_iter()
        .filter(|&field| field != "metadata.user_id" || case.api == "messages")
        .find_map(|field| usable(&case.candidates[field]))
}

#[test]
fn every_derived_request_yields_its_user_in_every_chunking() {
    let Some(lines) = lines("requests_user.jsonl") else { return };
    let prices = Arc::new(PriceBook::empty());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for line in lines.lines() {
        let case: Derived = serde_json::from_str(line).unwrap();
        let expected = expected_user(&case);
        for chunk in [Some(1), Some(7), Some(1024), None] {
            let record = runtime.block_on(case.exchange.clone().replay(chunk, &prices)).unwrap();
            let user = record.user_id().map(ToString::to_string);
            assert_eq!(user, expected, "{} ({}) in frames of {chunk:?}", case.id, case.mutation);
        }
    }
}
