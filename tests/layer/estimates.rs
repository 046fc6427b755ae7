//! Usage that the application's own counter estimates, where the provider does not say.

use crate::support::{Records, Script, ScriptError, Step};
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_llm_metrics::record::{UsageReason, UsageState};
use tower_llm_metrics::{Cost, Outcome, Record, RequestBody, UserMetricsLayer};

const CHAT: &str = "https://api.openai.com/v1/chat/completions";
const MESSAGES: &str = "https://api.anthropic.com/v1/messages";
const RESPONSES: &str = "https://api.openai.com/v1/responses";

/// Three words, and the model behind them, as Python's client sends it.
const ASK: &str =
    r#"{"messages":[{"role":"user","content":"one two three"}],"model":"gpt-5-mini","stream":true}"#;

/// Four words in three chunks, and no usage.
const CHUNKS: [&str; 4] = [
    "data: {\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5-mini\",\"choices\":[{\"delta\":{\"content\":\"one tw\"}}]}\n\n",
    "data: {\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5-mini\",\"choices\":[{\"delta\":{\"content\":\"o three\"}}]}\n\n",
    "data: {\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5-mini\",\"choices\":[{\"delta\":{\"content\":\" four\"}}]}\n\n",
    "data: [DONE]\n\n",
];

fn words(text: &str, _: Option<&str>) -> u64 {
    text.split_whitespace().count() as u64
}

struct Call {
    url: &'static str,
    request: Script,
    answer: Script,
    content_type: &'static str,
    status: u16,
    /// How many frames of the answer are read before it is dropped.
    frames: usize,
}

impl Call {
    fn new(url: &'static str, request: &str, answer: Script) -> Self {
        let request = Script::chunked(request.as_bytes(), 7);
        Self { url, request, answer, content_type: "text/event-stream", status: 200, frames: usize::MAX }
    }

    fn send(self, change: impl FnOnce(UserMetricsLayer) -> UserMetricsLayer) -> Record {
        let (layer, records) = Records::layer();
        let layer = change(layer);
        let service = layer.layer(service_fn(async |request: Request<RequestBody<Script>>| {
            request.into_body().collect().await?;
            let response = Response::builder().status(self.status).header("content-type", self.content_type);
            Ok::<_, ScriptError>(response.body(self.answer.clone()).unwrap())
        }));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let request = Request::post(self.url).body(self.request.clone()).unwrap();
            let mut body = service.oneshot(request).await.unwrap().into_body();
            for _ in 0..self.frames {
                match body.frame().await {
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                }
            }
        });
        records.only()
    }

    fn estimated(self) -> Record {
        self.send(|layer| layer.token_counter(words))
    }
}

fn tokens(record: &Record) -> (Option<u64>, Option<u64>) {
    (record.usage.input_tokens, record.usage.output_tokens)
}

#[test]
fn nothing_is_estimated_without_a_counter() {
    let record = Call::new(CHAT, ASK, Script::of(CHUNKS)).send(|layer| layer);
    assert_eq!((record.usage_state, tokens(&record)), (UsageState::Absent, (None, None)));
}

#[test]
fn a_stream_whose_usage_nobody_asked_for_is_estimated_and_priced_and_says_so() {
    let record = Call::new(CHAT, ASK, Script::of(CHUNKS)).estimated();
    assert_eq!((record.usage_state, tokens(&record)), (UsageState::Estimated, (Some(3), Some(4))));
    assert_eq!(record.usage_reason, Some(UsageReason::NotRequested));
    assert!(matches!(record.cost, Cost::Priced(_)), "{:?}", record.cost);
    assert!(record.to_json().contains(r#""usage_state":"estimated","usage_reason":"not_requested""#));
}

#[test]
fn an_estimate_does_not_depend_on_the_frames() {
    let stream = CHUNKS.concat();
    for size in [1, 2, 5, 64, usize::MAX] {
        let answer = Script::chunked(stream.as_bytes(), size.min(stream.len()));
        assert_eq!(tokens(&Call::new(CHAT, ASK, answer).estimated()), (Some(3), Some(4)), "{size}");
    }
}

#[test]
fn a_stream_that_was_left_early_is_estimated_as_far_as_it_came() {
    let mut call = Call::new(CHAT, ASK, Script::of(CHUNKS));
    call.frames = 2;
    let record = call.estimated();
    assert_eq!((record.outcome, record.usage_reason), (Outcome::Aborted, Some(UsageReason::Aborted)));
    assert_eq!((record.usage_state, tokens(&record)), (UsageState::Estimated, (Some(3), Some(3))));
}

#[test]
fn a_stream_that_broke_off_is_estimated_as_far_as_it_came() {
    let answer = Script { tells_end: false, ..Script::of(CHUNKS[..2].iter().copied()) }.then(Step::Error(7));
    let record = Call::new(CHAT, ASK, answer).estimated();
    assert_eq!((record.outcome, tokens(&record)), (Outcome::Broken, (Some(3), Some(3))));
    assert_eq!(record.usage_state, UsageState::Estimated);
}

#[test]
fn every_dialect_s_streams_and_documents_are_counted() {
    let gemini = "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro:streamGenerateContent";
    for (url, content_type, request, answer, expected) in [
        (
            CHAT,
            "application/json",
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"one"}]}],"tools":[{"function":{"name":"two"}}]}"#,
            r#"{"object":"chat.completion","choices":[{"message":{"content":"one two","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}"#,
            (1 + 1, 2),
        ),
        (
            RESPONSES,
            "text/event-stream",
            r#"{"model":"m","instructions":"one","input":"two"}"#,
            "data: {\"type\":\"response.output_text.delta\",\"delta\":\"one two\"}\n\ndata: {\"type\":\"response.output_text.done\",\"text\":\"one two\"}\n\n",
            (2, 2),
        ),
        (
            gemini,
            "text/event-stream",
            r#"{"contents":[{"parts":[{"text":"one two"}]}]}"#,
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"one \"}]}}]}\n\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"two\"}]}}]}\n\n",
            (2, 2),
        ),
        (
            "http://localhost:11434/api/chat",
            "application/x-ndjson",
            r#"{"model":"m","messages":[{"content":"one"}]}"#,
            "{\"message\":{\"role\":\"assistant\",\"content\":\"one\"},\"done\":false}\n",
            (1, 1),
        ),
    ] {
        let mut call = Call::new(url, request, Script::chunked(answer.as_bytes(), 9));
        call.content_type = content_type;
        let record = call.estimated();
        let counted = tokens(&record);
        assert_eq!(record.usage_state, UsageState::Estimated, "{url}");
        assert_eq!(counted.0, Some(expected.0), "{url}");
        // The names and arguments of tools are words that run into the text.
        assert!(counted.1.unwrap() >= expected.1, "{url}: {counted:?}");
    }
}

#[test]
fn what_a_provider_reported_is_never_replaced() {
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":50}}\n\n";
    let record =
        Call::new(CHAT, ASK, Script::of(CHUNKS[..3].iter().copied().chain([usage, CHUNKS[3]]))).estimated();
    assert_eq!((record.usage_state, tokens(&record)), (UsageState::Reported, (Some(30), Some(50))));
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":30,\"output_tokens\":1}}}\n\n";
    let record = Call::new(MESSAGES, ASK, Script::of([start])).estimated();
    assert_eq!((record.usage_state, tokens(&record)), (UsageState::Partial, (Some(30), Some(1))));
}

#[test]
fn a_response_that_was_left_while_it_was_made_is_estimated() {
    let created = "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\",\"model\":\"gpt-5\",\"usage\":null}}\n\n";
    let delta = "data: {\"type\":\"response.output_text.delta\",\"delta\":\"one two\"}\n\n";
    let answer = Script { tells_end: false, ..Script::of([created, delta]) }.then(Step::Error(7));
    let record = Call::new(RESPONSES, r#"{"stream":true,"input":"hello there"}"#, answer).estimated();
    assert_eq!((record.usage_state, tokens(&record)), (UsageState::Estimated, (Some(2), Some(2))));
}

#[test]
fn coheres_first_version_is_counted_and_images_are_not_lost() {
    let lines = "{\"event_type\":\"stream-start\"}\n{\"event_type\":\"text-generation\",\"text\":\"one two three\"}\n";
    let mut call = Call::new("https://api.cohere.com/v1/chat", r#"{"message":"one"}"#, Script::of([lines]));
    call.content_type = "application/stream+json";
    assert_eq!(tokens(&call.estimated()), (Some(1), Some(3)));
    let imagen = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/imagen-4.0-generate-001:predict";
    let mut call =
        Call::new(imagen, "{}", Script::of([r#"{"predictions":[{"bytesBase64Encoded":"aaaa"}]}"#]));
    call.content_type = "application/json";
    assert_eq!(call.estimated().usage.images, Some(1));
}

#[test]
fn an_estimate_in_place_of_figures_that_cannot_be_read_is_priced() {
    let answer = r#"{"object":"chat.completion","model":"gpt-5-mini","choices":[{"message":{"content":"one two"}}],"usage":[1]}"#;
    let mut call = Call::new(CHAT, ASK, Script::of([answer]));
    call.content_type = "application/json";
    let record = call.estimated();
    assert_eq!((record.usage_state, tokens(&record)), (UsageState::Estimated, (Some(3), Some(2))));
    assert!(matches!(record.cost, Cost::Priced(_)));
}

#[test]
fn what_consumed_nothing_or_is_not_text_is_not_estimated() {
    for (url, status, answer, reason) in [
        (CHAT, 400, r#"{"error":{"message":"no words"}}"#, UsageReason::ErrorResponse),
        ("https://api.openai.com/v1/images/generations", 200, "{}", UsageReason::NotReported),
        ("https://api.anthropic.com/v1/messages/count_tokens", 200, "{}", UsageReason::NotConsumption),
        ("https://example.com/anything", 200, r#"{"text":"a word"}"#, UsageReason::Unrecognized),
        (
            RESPONSES,
            200,
            r#"{"id":"resp_1","object":"response","status":"in_progress","usage":null}"#,
            UsageReason::NotReported,
        ),
    ] {
        let mut call = Call::new(url, ASK, Script::of([answer]));
        (call.status, call.content_type) = (status, "application/json");
        let record = call.estimated();
        assert_eq!((record.usage_state, record.usage_reason), (UsageState::Absent, Some(reason)), "{url}");
    }
}

#[test]
fn a_request_without_a_text_that_is_known_is_not_estimated() {
    let record = Call::new(CHAT, r#"{"model":"gpt-5-mini"}"#, Script::of(CHUNKS)).estimated();
    assert_eq!((record.usage_state, tokens(&record)), (UsageState::Absent, (None, None)));
}

#[test]
fn the_counter_is_told_the_model_that_answers() {
    let by_model = |text: &str, model: Option<&str>| {
        assert_eq!(model, Some("gpt-5-mini"));
        text.len() as u64
    };
    let record = Call::new(CHAT, ASK, Script::of(CHUNKS)).send(|layer| layer.token_counter(by_model));
    assert_eq!(record.usage_state, UsageState::Estimated);
}

#[test]
fn a_counter_that_panics_leaves_the_usage_absent_and_the_traffic_alone() {
    let mut kept = None;
    let record = Call::new(CHAT, ASK, Script::of(CHUNKS)).send(|layer| {
        let layer = layer.token_counter(|_: &str, _: Option<&str>| -> u64 { panic!("of the application") });
        kept.insert(layer).clone()
    });
    assert_eq!(
        (record.usage_state, record.usage_reason),
        (UsageState::Absent, Some(UsageReason::NotRequested))
    );
    assert_eq!(kept.unwrap().panics(), 1);
}
