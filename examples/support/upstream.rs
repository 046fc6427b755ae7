//! A small local server that answers like OpenAI and Anthropic, in JSON and as a stream of events. It knows nothing; it
//! only has the shapes right, so that the examples run without a network and without a key.

#![allow(clippy::indexing_slicing, reason = "indexing a JSON value gives null, it does not panic")]

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// Starts the server on a free port of the loopback interface.
#[allow(dead_code, reason = "tests put other routes beside these")]
pub(crate) async fn start() -> std::io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router()).await });
    Ok(address)
}

/// The routes of both APIs.
pub(crate) fn router() -> Router {
    Router::new().route("/v1/chat/completions", post(chat_completions)).route("/v1/messages", post(messages))
}

/// As many tokens as words: a made-up measure.
fn tokens(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

const ANSWER: &str = "Forty-two, as far as anybody has been able to work it out so far.";

fn words() -> impl Iterator<Item = &'static str> {
    ANSWER.split_inclusive(' ')
}

/// OpenAI's chat completions: <https://platform.openai.com/docs/api-reference/chat>.
async fn chat_completions(body: String) -> Response {
    let Ok(request) = serde_json::from_str::<Value>(&body) else {
        return error(400, &json!({ "message": "not JSON", "type": "invalid_request_error", "code": null }));
    };
    let model = request["model"].as_str().unwrap_or("gpt-5-mini");
    if model == "no-such-model" {
        let error_body =
            json!({ "message": "no such model", "type": "invalid_request_error", "code": "model_not_found" });
        return error(404, &error_body);
    }
    let input = tokens(&request["messages"].to_string());
    let usage = json!({
        "prompt_tokens": input,
        "completion_tokens": tokens(ANSWER),
        "total_tokens": input + tokens(ANSWER),
        "prompt_tokens_details": { "cached_tokens": input / 2 },
        "completion_tokens_details": { "reasoning_tokens": 4 },
    });
    if request["stream"] != true {
        let message = json!({ "index": 0, "message": { "role": "assistant", "content": ANSWER }, "finish_reason": "stop" });
        return axum::Json(json!({
            "id": "chatcmpl-1", "object": "chat.completion", "model": model, "choices": [message], "usage": usage,
        }))
        .into_response();
    }
    let chunk = |choices: Value, usage: &Value| {
        let chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": model, "choices": choices, "usage": usage,
        });
        format!("data: {chunk}\n\n")
    };
    let mut events: Vec<String> = words()
        .map(|word| chunk(json!([{ "index": 0, "delta": { "content": word } }]), &Value::Null))
        .collect();
    if request["stream_options"]["include_usage"] == true {
        events.push(chunk(json!([]), &usage));
    }
    events.push("data: [DONE]\n\n".to_owned());
    event_stream(events)
}

/// Anthropic's messages: <https://docs.anthropic.com/en/api/messages>.
async fn messages(body: String) -> Response {
    let Ok(request) = serde_json::from_str::<Value>(&body) else {
        return error(400, &json!({ "type": "invalid_request_error", "message": "not JSON" }));
    };
    let model = request["model"].as_str().unwrap_or("claude-sonnet-4-5");
    let input = tokens(&request["messages"].to_string());
    let usage = |output: u64| json!({ "input_tokens": input, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 0, "output_tokens": output });
    let message = |content: Value, usage: Value| json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content, "usage": usage });
    if request["stream"] != true {
        let content = json!([{ "type": "text", "text": ANSWER }]);
        return axum::Json(message(content, usage(tokens(ANSWER)))).into_response();
    }
    let event = |data: Value| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or("ping"));
    let mut events = vec![event(json!({ "type": "message_start", "message": message(json!([]), usage(1)) }))];
    events.extend(words().map(|word| {
        event(json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": word } }))
    }));
    events.push(event(
        json!({ "type": "message_delta", "delta": {}, "usage": { "output_tokens": tokens(ANSWER) } }),
    ));
    events.push(event(json!({ "type": "message_stop" })));
    event_stream(events)
}

fn error(status: u16, error: &Value) -> Response {
    let mut response = axum::Json(json!({ "error": error })).into_response();
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}

/// One frame for each event, as a provider sends them.
fn event_stream(events: Vec<String>) -> Response {
    let (mut sender, body) = http_body_util::channel::Channel::<Bytes>::new(1);
    tokio::spawn(async move {
        for event in events {
            if sender.send_data(event.into()).await.is_err() {
                break;
            }
        }
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::new(body)).into_response()
}
