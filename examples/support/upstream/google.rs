//! Gemini: <https://ai.google.dev/api/generate-content>.

use super::{ANSWER, event, event_stream, json_answer, read, tokens, wants_tool, words};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

fn error(status: StatusCode, _: &str, message: &str) -> Value {
    let name = match status {
        StatusCode::NOT_FOUND => "NOT_FOUND",
        StatusCode::TOO_MANY_REQUESTS => "RESOURCE_EXHAUSTED",
        _ => "INVALID_ARGUMENT",
    };
    json!({ "error": { "code": status.as_u16(), "message": message, "status": name } })
}

/// `{model}:generateContent`, `{model}:streamGenerateContent?alt=sse` and `{model}:batchEmbedContents`.
pub(super) async fn generate_content(Path(call): Path<String>, body: String) -> Response {
    let Some((model, method)) = call.split_once(':') else { return StatusCode::NOT_FOUND.into_response() };
    // The path names the model here, the body elsewhere.
    let body = match serde_json::from_str::<Value>(&body) {
        Ok(mut request) if request.is_object() => {
            request["model"] = model.into();
            request.to_string()
        }
        _ => body,
    };
    let request = match read(&body, error).await {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    if method == "batchEmbedContents" {
        // Without a word on what was used, as the real one.
        let embedding = json!({ "values": [0.25, -0.5, 1.0] });
        let count = request["requests"].as_array().map_or(1, Vec::len);
        return json_answer(json!({ "embeddings": vec![embedding; count] }));
    }
    let input = tokens(&request["contents"].to_string());
    let usage = json!({
        "promptTokenCount": input, "candidatesTokenCount": tokens(ANSWER), "thoughtsTokenCount": 4,
        "totalTokenCount": input + tokens(ANSWER) + 4,
    });
    let model = model.to_owned();
    let answer = move |part: Value, finish: Value| {
        json!({
            "candidates": [{ "content": { "role": "model", "parts": [part] }, "finishReason": finish, "index": 0 }],
            "usageMetadata": usage, "modelVersion": model, "responseId": "gemini-1",
        })
    };
    let has_result = |content: &Value| content["parts"].to_string().contains("functionResponse");
    if wants_tool(&request, has_result) {
        let call = json!({ "functionCall": { "name": "weather", "args": { "city": "Oslo" } } });
        let whole = answer(call, "STOP".into());
        return match method {
            "generateContent" => json_answer(whole),
            _ => event_stream(std::iter::once(event(&whole))),
        };
    }
    if method == "generateContent" {
        return json_answer(answer(json!({ "text": ANSWER }), "STOP".into()));
    }
    let model = request["model"].as_str().unwrap_or_default();
    let words = words(model);
    let last = answer(json!({ "text": "" }), "STOP".into());
    let events = words.map(move |word| answer(json!({ "text": word }), Value::Null)).chain([last]);
    event_stream(events.map(|data| event(&data)))
}
