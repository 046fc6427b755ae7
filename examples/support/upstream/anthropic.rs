//! Anthropic's messages: <https://docs.anthropic.com/en/api/messages>.

use super::{ANSWER, event_stream, json_answer, named_event, read, tokens, wants_tool, words};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

fn error(status: StatusCode, kind: &str, message: &str) -> Value {
    let kind = match status {
        StatusCode::NOT_FOUND => "not_found_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        _ => kind,
    };
    json!({ "type": "error", "error": { "type": kind, "message": message } })
}

pub(super) async fn messages(body: String) -> Response {
    let request = match read(&body, error).await {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    let model = request["model"].as_str().unwrap_or("claude-sonnet-4-5").to_owned();
    let input = tokens(&request["messages"].to_string());
    let usage = |output: u64| {
        json!({
            "input_tokens": input, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 0, "output_tokens": output,
        })
    };
    let message = |content: Value, stop: Value, usage: Value| {
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content,
            "stop_reason": stop, "stop_sequence": null, "usage": usage,
        })
    };
    let has_result = |message: &Value| message["content"].to_string().contains(r#""type":"tool_result""#);
    let tool = wants_tool(&request, has_result);
    let stop = if tool { "tool_use" } else { "end_turn" };
    if request["stream"] != true {
        let content = match tool {
            true => {
                json!([{ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": { "city": "Oslo" } }])
            }
            false => json!([{ "type": "text", "text": ANSWER }]),
        };
        return json_answer(message(content, stop.into(), usage(tokens(ANSWER))));
    }
    let (block, deltas): (Value, Box<dyn Iterator<Item = Value> + Send>) = if tool {
        let pieces = ["{\"city\":", "\"Oslo\"}"];
        let delta = |piece: &str| json!({ "type": "input_json_delta", "partial_json": piece });
        (
            json!({ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": {} }),
            Box::new(pieces.into_iter().map(delta)),
        )
    } else {
        let delta = |word: &str| json!({ "type": "text_delta", "text": word });
        (json!({ "type": "text", "text": "" }), Box::new(words(&model).map(delta)))
    };
    let first = [
        json!({ "type": "message_start", "message": message(json!([]), Value::Null, usage(1)) }),
        json!({ "type": "content_block_start", "index": 0, "content_block": block }),
    ];
    let deltas = deltas.map(|delta| json!({ "type": "content_block_delta", "index": 0, "delta": delta }));
    let last = [
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({
            "type": "message_delta", "delta": { "stop_reason": stop, "stop_sequence": null },
            "usage": { "output_tokens": tokens(ANSWER) },
        }),
        json!({ "type": "message_stop" }),
    ];
    event_stream(first.into_iter().chain(deltas).chain(last).map(|data| named_event(&data)))
}
