//! OpenAI: <https://platform.openai.com/docs/api-reference>.

use super::{
    ANSWER, event, event_stream, json_answer, named_event, openai_error, read, tokens, wants_tool, words,
};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use serde_json::{Value, json};

const DONE: &str = "data: [DONE]\n\n";
/// What the tool is called with.
const ARGUMENTS: &str = r#"{"city":"Oslo"}"#;

fn model(request: &Value) -> String {
    request["model"].as_str().unwrap_or("gpt-5-mini").to_owned()
}

fn usage(input: u64) -> Value {
    json!({
        "prompt_tokens": input,
        "completion_tokens": tokens(ANSWER),
        "total_tokens": input + tokens(ANSWER),
        "prompt_tokens_details": { "cached_tokens": input / 2 },
        "completion_tokens_details": { "reasoning_tokens": 4 },
    })
}

pub(super) async fn chat_completions(body: String) -> Response {
    let request = match read(&body, openai_error).await {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    let model = model(&request);
    let usage = usage(tokens(&request["messages"].to_string()));
    let tool = wants_tool(&request, |message| message["role"] == "tool");
    let call = json!([{
        "index": 0, "id": "call_1", "type": "function", "function": { "name": "weather", "arguments": ARGUMENTS },
    }]);
    let finish = if tool { "tool_calls" } else { "stop" };
    if request["stream"] != true {
        let message = match tool {
            true => json!({ "role": "assistant", "content": null, "tool_calls": call }),
            false => json!({ "role": "assistant", "content": ANSWER }),
        };
        let choice = json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": finish });
        return json_answer(json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": model,
            "choices": [choice], "usage": usage,
        }));
    }
    let chunk = |model: &str, choices: &Value, usage: &Value| {
        event(&json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": model,
            "choices": choices, "usage": usage,
        }))
    };
    let delta =
        |delta: &Value, finish: &Value| json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
    let mut last = vec![chunk(&model, &delta(&json!({}), &finish.into()), &Value::Null)];
    if request["stream_options"]["include_usage"] == true {
        last.push(chunk(&model, &json!([]), &usage));
    }
    last.push(DONE.to_owned());
    if tool {
        let first = chunk(
            &model,
            &delta(&json!({ "role": "assistant", "tool_calls": call }), &Value::Null),
            &Value::Null,
        );
        return event_stream(std::iter::once(first).chain(last));
    }
    let words = words(&model).map(move |word| {
        chunk(&model, &delta(&json!({ "role": "assistant", "content": word }), &Value::Null), &Value::Null)
    });
    event_stream(words.chain(last))
}

/// The API before chat.
pub(super) async fn completions(body: String) -> Response {
    let request = match read(&body, openai_error).await {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    let model = model(&request);
    let words = words(&model);
    let answer = move |text: &str, finish: Value, usage: Value| {
        json!({
            "id": "cmpl-1", "object": "text_completion", "created": 1_700_000_000, "model": model,
            "choices": [{ "index": 0, "text": text, "logprobs": null, "finish_reason": finish }], "usage": usage,
        })
    };
    if request["stream"] != true {
        let usage = usage(tokens(request["prompt"].as_str().unwrap_or_default()));
        return json_answer(answer(ANSWER, "stop".into(), usage));
    }
    let events = words.map(move |word| event(&answer(word, Value::Null, Value::Null)));
    event_stream(events.chain([DONE.to_owned()]))
}

pub(super) async fn embeddings(body: String) -> Response {
    let request = match read(&body, openai_error).await {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    const EMBEDDING: [f32; 3] = [0.25, -0.5, 1.0];
    // Today's SDKs ask for base64 of the numbers' bytes, and decode it.
    let embedding = match request["encoding_format"].as_str() {
        Some("base64") => {
            let bytes: Vec<u8> = EMBEDDING.iter().flat_map(|number| number.to_le_bytes()).collect();
            json!(base64::engine::general_purpose::STANDARD.encode(bytes))
        }
        _ => json!(EMBEDDING),
    };
    let input = tokens(&request["input"].to_string());
    json_answer(json!({
        "object": "list", "model": model(&request),
        "data": [{ "object": "embedding", "index": 0, "embedding": embedding }],
        "usage": { "prompt_tokens": input, "total_tokens": input },
    }))
}

pub(super) async fn responses(body: String) -> Response {
    let request = match read(&body, openai_error).await {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    let model = model(&request);
    let input = tokens(&request["input"].to_string());
    let tool = wants_tool(&request, |item| item["type"] == "function_call_output");
    let response = |status: &str, output: Value, usage: Value| {
        json!({
            "id": "resp_1", "object": "response", "created_at": 1_700_000_000, "status": status, "model": model,
            "output": output, "usage": usage, "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
            "error": null, "incomplete_details": null, "instructions": null, "metadata": {},
        })
    };
    let usage = json!({
        "input_tokens": input, "input_tokens_details": { "cached_tokens": input / 2 },
        "output_tokens": tokens(ANSWER), "output_tokens_details": { "reasoning_tokens": 4 },
        "total_tokens": input + tokens(ANSWER),
    });
    let whole = response("completed", json!([response_item(tool, "completed", ANSWER)]), usage);
    if request["stream"] != true {
        return json_answer(whole);
    }
    let first =
        json!({ "type": "response.created", "response": response("in_progress", json!([]), Value::Null) });
    let last = json!({ "type": "response.completed", "response": whole });
    let events = std::iter::once(first).chain(response_events(tool, &model)).chain([last]);
    event_stream(events.enumerate().map(|(number, mut data)| {
        data["sequence_number"] = number.into();
        named_event(&data)
    }))
}

/// The call of a tool, or a message of `text`.
fn response_item(tool: bool, status: &str, text: &str) -> Value {
    if tool {
        let arguments = if text.is_empty() { "" } else { ARGUMENTS };
        return json!({
            "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": arguments, "status": status,
        });
    }
    let part = json!({ "type": "output_text", "text": text, "annotations": [] });
    let content = if text.is_empty() { json!([]) } else { json!([part]) };
    json!({ "type": "message", "id": "msg_1", "role": "assistant", "status": status, "content": content })
}

/// What happens between the first event and the last.
fn response_events(tool: bool, model: &str) -> impl Iterator<Item = Value> + Send + use<> {
    let of_item = |kind: &str, key: &str, value: Value| {
        let mut event = json!({ "type": kind, "item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": [] });
        event[key] = value;
        event
    };
    let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [] });
    let mut before =
        vec![of_item("response.output_item.added", "item", response_item(tool, "in_progress", ""))];
    let mut after =
        vec![of_item("response.output_item.done", "item", response_item(tool, "completed", ANSWER))];
    if tool {
        before.push(of_item("response.function_call_arguments.delta", "delta", ARGUMENTS.into()));
        before.push(of_item("response.function_call_arguments.done", "arguments", ARGUMENTS.into()));
    } else {
        before.push(of_item("response.content_part.added", "part", part("")));
        after.insert(0, of_item("response.output_text.done", "text", ANSWER.into()));
        after.insert(1, of_item("response.content_part.done", "part", part(ANSWER)));
    }
    let words = words(model).take(if tool { 0 } else { usize::MAX });
    let deltas = words.map(move |word| of_item("response.output_text.delta", "delta", word.into()));
    before.into_iter().chain(deltas).chain(after)
}
