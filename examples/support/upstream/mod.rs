//! A small local server that answers like OpenAI, Anthropic and Google, in JSON and as a stream of events. It knows nothing;
//! it only has the shapes right, so that the examples run without a network and without a key.
//!
//! Some models are special: `no-such-model` is not found, `rate-limited` is refused, `silent` never answers, and the streams of
//! `endless` do not end.

#![allow(clippy::indexing_slicing, reason = "indexing a JSON value gives null, it does not panic")]

mod anthropic;
mod google;
mod openai;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

/// Starts the server on a free port of the loopback interface.
#[allow(dead_code, reason = "some put other routes beside these")]
pub(crate) async fn start() -> std::io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router()).await });
    Ok(address)
}

/// The routes of all APIs.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/v1/chat/completions", post(openai::chat_completions))
        .route("/v1/completions", post(openai::completions))
        .route("/v1/embeddings", post(openai::embeddings))
        .route("/v1/responses", post(openai::responses))
        .route("/v1/messages", post(anthropic::messages))
        .route("/v1/models/{call}", post(google::generate_content))
        .route("/v1beta/models/{call}", post(google::generate_content))
}

/// As many tokens as words: a made-up measure.
fn tokens(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

const ANSWER: &str = "Forty-two, as far as anybody has been able to work it out so far.";

/// The answer's words, which never end for the model `endless`.
fn words(model: &str) -> impl Iterator<Item = &'static str> + use<> {
    let times = if model == "endless" { usize::MAX } else { 1 };
    std::iter::repeat_n(ANSWER, times).flat_map(|answer| answer.split_inclusive(' '))
}

/// Reads a request, and answers it at once where there is nothing to say to it. `error`: the API's form of an error.
async fn read(body: &str, error: fn(StatusCode, &str, &str) -> Value) -> Result<Value, Refusal> {
    let refuse = |status, kind, message| Err(Refusal(status, error(status, kind, message)));
    let Ok(request) = serde_json::from_str::<Value>(body) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request_error", "not JSON");
    };
    match request["model"].as_str() {
        Some("no-such-model") => refuse(StatusCode::NOT_FOUND, "model_not_found", "no such model"),
        Some("rate-limited") => {
            refuse(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", "too many requests")
        }
        Some("silent") => std::future::pending().await,
        _ => Ok(request),
    }
}

/// An error, and how soon it is worth another attempt.
struct Refusal(StatusCode, Value);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let soon = [(HeaderName::from_static("retry-after-ms"), "1")];
        (self.0, soon, axum::Json(self.1)).into_response()
    }
}

/// Whether a tool can be called: there is one, and its result is not there yet.
fn wants_tool(request: &Value, result: impl Fn(&Value) -> bool) -> bool {
    let messages = ["messages", "input", "contents"].iter().find_map(|key| request[key].as_array());
    request["tools"].is_array() && !messages.is_some_and(|messages| messages.iter().any(result))
}

fn json_answer(answer: Value) -> Response {
    axum::Json(answer).into_response()
}

/// The event with its type as its name, as Anthropic and OpenAI's responses have it.
fn named_event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or("ping"))
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// One frame for each event, as a provider sends them. The later events of a long stream take their time.
fn event_stream(events: impl Iterator<Item = String> + Send + 'static) -> Response {
    const AT_ONCE: usize = 100;
    let (mut sender, body) = http_body_util::channel::Channel::<Bytes>::new(1);
    tokio::spawn(async move {
        for (number, event) in events.enumerate() {
            if number >= AT_ONCE {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            if sender.send_data(event.into()).await.is_err() {
                break;
            }
        }
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::new(body)).into_response()
}

/// OpenAI's form of an error, and of the many that speak its dialect.
fn openai_error(_: StatusCode, kind: &str, message: &str) -> Value {
    let (kind, code) = match kind {
        "invalid_request_error" => (kind, Value::Null),
        code => ("invalid_request_error", code.into()),
    };
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
}
