//! The main job on one page: a layered client calls a local server as several users, and the per-user table is printed.
//!
//! ```text
//! cargo run --example quickstart
//! ```

#![allow(clippy::print_stdout, clippy::indexing_slicing, reason = "it is a program, not the library")]

#[path = "support/table.rs"]
mod table;
#[path = "support/upstream/mod.rs"]
mod upstream;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;
use tower::{ServiceBuilder, ServiceExt};
use tower_llm_metrics::report::{SortBy, UserQuery};
use tower_llm_metrics::{FileSink, MemorySink, MetricsSink, UserMetricsLayer};

const RECORDS: &str = "target/quickstart-records";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = upstream::start().await?;

    // Where the records go: into memory, to be asked, and into a folder, to be kept.
    let users = MemorySink::new();
    let log = FileSink::new(RECORDS)?;
    let layer = UserMetricsLayer::new((users.clone(), log.clone()));

    // Any tower client: here hyper's.
    let client = Client::builder(TokioExecutor::new()).build_http();
    let client = ServiceBuilder::new().layer(layer).service(client);

    for call in calls() {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{server}{}", call.path))
            .header("content-type", "application/json");
        let request = match call.header {
            Some(user) => request.header("Helicone-User-Id", user),
            None => request,
        };
        let request = request.body(Full::new(Bytes::from(call.body.to_string())))?;
        let response = client.clone().oneshot(request).await?;
        // The answer arrives as if the layer were not there.
        response.into_body().collect().await?;
    }

    log.flush()?;
    println!("The users, by cost (* without the calls that have no price):\n");
    print!("{}", table::text(&users.report().users(&UserQuery::new().sort(SortBy::Cost).limit(10))));
    println!("\nThe last call as its record:\n");
    for record in users.recent(1) {
        println!("{}", record.to_json());
    }
    println!("\nAll records are in {}", Path::new(RECORDS).display());
    Ok(())
}

/// One call: where to, who in a header, and the body.
struct Call {
    path: &'static str,
    header: Option<&'static str>,
    body: Value,
}

fn calls() -> Vec<Call> {
    let question =
        json!([{ "role": "user", "content": "What is the answer to life, the universe and everything?" }]);
    let chat = |header, body: Value| Call { path: "/v1/chat/completions", header, body };
    let messages = |header, body: Value| Call { path: "/v1/messages", header, body };
    vec![
        // The header names the user, quoted as curl users send it …
        chat(Some("\"alicebob@gmail.com\""), json!({ "model": "gpt-5-mini", "messages": question })),
        // … or plain …
        chat(
            Some("alicebob@gmail.com"),
            json!({ "model": "gpt-5", "messages": question, "stream": true, "stream_options": { "include_usage": true } }),
        ),
        // … or the body does. All three are one user.
        chat(None, json!({ "model": "gpt-5-mini", "messages": question, "user": "alicebob@gmail.com" })),
        messages(
            Some("carol"),
            json!({ "model": "claude-sonnet-4-5", "max_tokens": 64, "messages": question }),
        ),
        messages(
            None,
            json!({ "model": "claude-opus-4-5", "max_tokens": 64, "messages": question, "stream": true, "metadata": { "user_id": "carol" } }),
        ),
        // A stream that was not asked for its usage: unknown, which is not 0.
        chat(Some("dave"), json!({ "model": "gpt-5-mini", "messages": question, "stream": true })),
        // A refused call, and one by nobody.
        chat(Some("dave"), json!({ "model": "no-such-model", "messages": question })),
        chat(None, json!({ "model": "gpt-5-nano", "messages": question })),
    ]
}
