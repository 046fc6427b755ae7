//! Estimates the usage of streams that do not tell it, with the tokenizers of OpenAI's models.
//!
//! ```text
//! cargo run --manifest-path examples/estimate/Cargo.toml
//! ```
//!
//! A service that answers like OpenAI streams an answer without its usage, which nobody asked for. The caller reads it
//! once to its end and once leaves in the middle. Both calls have an estimate in their records, marked as such.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Full};
use std::convert::Infallible;
use std::error::Error;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_llm_metrics::{MemorySink, RequestBody, TokenCounter, UserMetricsLayer};

/// Counts as OpenAI's models do: those before GPT-4o with another tokenizer.
struct OpenAiTokens;

impl TokenCounter for OpenAiTokens {
    fn count_tokens(&self, text: &str, model: Option<&str>) -> u64 {
        let older = ["gpt-3.5", "gpt-4-", "text-embedding-"];
        let is_older = model.is_some_and(|model| {
            model == "gpt-4" || older.iter().any(|beginning| model.starts_with(beginning))
        });
        let tokenizer = if is_older { bpe_openai::cl100k_base() } else { bpe_openai::o200k_base() };
        tokenizer.count(text) as u64
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let users = MemorySink::new();
    let client = ServiceBuilder::new()
        .layer(UserMetricsLayer::new(users.clone()).token_counter(OpenAiTokens))
        .service(service_fn(answer));

    for frames in [PLANETS.len() + 2, 3] {
        let request = Request::post("https://api.openai.com/v1/chat/completions")
            .header("Helicone-User-Id", "alice")
            .body(Full::from(
                r#"{"messages": [{"role": "user", "content": "Name the planets, please."}],
                    "model": "gpt-5-mini", "stream": true}"#,
            ))?;
        let mut body = client.clone().oneshot(request).await?.into_body();
        for _ in 0..frames {
            if body.frame().await.is_none() {
                break;
            }
        }
        // Here the body is dropped: at its end, or in the middle.
    }

    for record in users.records() {
        println!("{}", record.to_json());
    }
    Ok(())
}

/// Answers in a stream, a word a chunk.
async fn answer(
    request: Request<RequestBody<Full<Bytes>>>,
) -> Result<Response<Channel<Bytes, Infallible>>, Infallible> {
    request.into_body().collect().await?;
    let (mut sender, body) = Channel::new(PLANETS.len() + 1);
    for word in PLANETS {
        let chunk = format!(
            r#"{{"object":"chat.completion.chunk","model":"gpt-5-mini","choices":[{{"index":0,"delta":{{"content":"{word}"}}}}]}}"#
        );
        // A receiver that is gone has left early, which is no error here.
        let _ = sender.send_data(format!("data: {chunk}\n\n").into()).await;
    }
    let _ = sender.send_data(Bytes::from_static(b"data: [DONE]\n\n")).await;
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

const PLANETS: [&str; 8] =
    ["Mercury", " Venus", " Earth", " Mars", " Jupiter", " Saturn", " Uranus", " Neptune"];
