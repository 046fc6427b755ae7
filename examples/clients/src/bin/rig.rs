//! rig over a metered reqwest client, by reqwest-middleware.

use futures_util::StreamExt;
use reqwest_middleware::ClientBuilder;
use rig_core::completion::CompletionRequest;
use rig_core::providers::openai::OpenAIConfig;
use rig_reqwest::ReqwestMiddlewareClient;
use serde_json::json;
use std::error::Error;
use tower_llm_metrics::{MemorySink, UserMetricsLayer};
use tower_llm_metrics_clients::{print_users, start_upstream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = start_upstream().await?;
    let users = MemorySink::new();
    let client =
        ClientBuilder::new(reqwest::Client::new()).with(UserMetricsLayer::new(users.clone())).build();

    let openai = OpenAIConfig::new("key")
        .with_base_url(format!("http://{server}/v1"))
        .connect(ReqwestMiddlewareClient::from(client));
    let model = openai.chat("gpt-5-mini");

    let as_alice = |text| CompletionRequest::new(text).additional_params(json!({ "user": "alice" }));
    let answer = model.call(as_alice("What is the answer?")).await?;
    println!("{}", answer.text());

    let mut stream = model.stream(as_alice("And as a stream?"))?;
    let mut events = 0;
    while let Some(event) = stream.next().await {
        event?;
        events += 1;
    }
    println!("{events} events\n");
    Ok(print_users(&users, &[("alice", 2)])?)
}
