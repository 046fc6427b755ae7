//! genai, which has no place for a middleware: its endpoint is a metering proxy on the loopback interface, in this process.
//!
//! The same goes for any client whose endpoint can be set.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use futures_util::StreamExt;
use genai::chat::{ChatMessage, ChatOptions, ChatRequest};
use genai::resolver::{AuthData, Endpoint};
use genai::{Client, ServiceTarget};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::net::SocketAddr;
use tower::{Layer, ServiceExt};
use tower_llm_metrics::{MemorySink, RequestBody, UserMetrics, UserMetricsLayer};
use tower_llm_metrics_clients::{print_users, start_upstream};

type HttpClient = hyper_util::client::legacy::Client<HttpConnector, RequestBody<Body>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = start_upstream().await?;
    let users = MemorySink::new();
    let proxy = start_proxy(server, UserMetricsLayer::new(users.clone()).faces_provider(true)).await?;

    let client = Client::builder()
        .with_service_target_resolver_fn(move |target: ServiceTarget| {
            let endpoint = Endpoint::from_owned(format!("http://{proxy}/v1/"));
            Ok(ServiceTarget { endpoint, auth: AuthData::from_single("key"), ..target })
        })
        .build()?;
    let as_alice =
        ChatOptions::default().with_extra_headers([("Helicone-User-Id", "alice")]).with_capture_usage(true);
    let question = |text: &str| ChatRequest::new(vec![ChatMessage::user(text)]);

    for model in ["gpt-4o-mini", "claude-haiku-4-5"] {
        let answer = client.exec_chat(model, question("What is the answer?"), Some(&as_alice)).await?;
        println!("{model}: {}", answer.first_text().unwrap_or_default());
        let mut answer =
            client.exec_chat_stream(model, question("And as a stream?"), Some(&as_alice)).await?;
        while let Some(event) = answer.stream.next().await {
            event?;
        }
    }
    println!();
    Ok(print_users(&users, &[("alice", 4)])?)
}

/// Passes everything on to `upstream`, through the layer.
async fn start_proxy(upstream: SocketAddr, layer: UserMetricsLayer) -> std::io::Result<SocketAddr> {
    let client: UserMetrics<HttpClient> =
        layer.layer(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http());
    let forward = move |mut request: Request| {
        let client = client.clone();
        async move {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            *request.uri_mut() = format!("http://{upstream}{path}").parse::<Uri>().unwrap_or_default();
            let answer = client.oneshot(request).await;
            answer.map(|answer| answer.map(Body::new)).map_err(|_| StatusCode::BAD_GATEWAY)
        }
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(forward)).await });
    Ok(address)
}
