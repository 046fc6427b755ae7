//! async-openai over a metered reqwest client, by `with_http_service`.
//!
//! The service gets a factory, which builds the request anew for each attempt. A service of one's own replaces the retries that
//! async-openai has built in: its `OpenAIRetryLayer` puts them back. Around the layer, as here, every attempt leaves a record.

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use async_openai::middleware::retry::OpenAIRetryLayer;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, ChatCompletionStreamOptions, CreateChatCompletionRequest,
    CreateChatCompletionRequestArgs,
};
use futures_util::StreamExt;
use std::error::Error;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_llm_metrics::{MemorySink, UserMetricsLayer};
use tower_llm_metrics_clients::{print_users, start_upstream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = start_upstream().await?;
    let users = MemorySink::new();
    let metered = UserMetricsLayer::new(users.clone()).layer(reqwest::Client::new());

    let service = ServiceBuilder::new().concurrency_limit(8).layer(OpenAIRetryLayer::default()).service(
        service_fn(move |factory: HttpRequestFactory| {
            let metered = metered.clone();
            async move { metered.oneshot(factory.build().await?).await.map_err(OpenAIError::Reqwest) }
        }),
    );
    let config = OpenAIConfig::new()
        .with_api_base(format!("http://{server}/v1"))
        .with_api_key("key")
        .with_header("Helicone-User-Id", "alice")?;
    let client = Client::with_config(config).with_http_service(service);

    let answer = client.chat().create(question("What is the answer?")?).await?;
    println!("{}", answer.choices[0].message.content.as_deref().unwrap_or_default());

    let mut request = question("And as a stream?")?;
    request.stream_options =
        Some(ChatCompletionStreamOptions { include_usage: Some(true), include_obfuscation: None });
    let mut stream = client.chat().create_stream(request).await?;
    while let Some(chunk) = stream.next().await {
        for choice in chunk?.choices {
            print!("{}", choice.delta.content.unwrap_or_default());
        }
    }
    println!("\n");
    Ok(print_users(&users, &[("alice", 2)])?)
}

fn question(text: &str) -> Result<CreateChatCompletionRequest, OpenAIError> {
    let message = ChatCompletionRequestUserMessageArgs::default().content(text).build()?;
    CreateChatCompletionRequestArgs::default().model("gpt-5-mini").messages([message.into()]).build()
}
