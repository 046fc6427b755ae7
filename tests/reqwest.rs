//! The layer over a reqwest client, against a real server.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]
#![cfg(feature = "reqwest")]

mod support;

#[path = "../examples/support/upstream.rs"]
mod upstream;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{any, post};
use serde_json::json;
use support::Records;
use tower::{Layer, ServiceExt};
use tower_llm_metrics::Outcome;

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn chat(stream: bool) -> reqwest::Body {
    let mut body = json!({ "model": "gpt-5-mini", "messages": [{ "role": "user", "content": "hello" }], "user": "alice" });
    if stream {
        body["stream"] = true.into();
        body["stream_options"] = json!({ "include_usage": true });
    }
    body.to_string().into()
}

#[tokio::test]
async fn a_json_call_and_a_stream_are_metered() {
    let server = serve(upstream::router()).await;
    let (layer, records) = Records::layer();
    let client = reqwest::Client::new();
    for stream in [false, true] {
        let request =
            client.post(format!("{server}/v1/chat/completions")).body(chat(stream)).build().unwrap();
        let response = layer.layer(client.clone()).oneshot(request).await.unwrap();
        assert!(response.text().await.unwrap().contains("completion_tokens"));
    }
    for record in records.all() {
        assert_eq!(record.user_id().map(AsRef::as_ref), Some("alice"));
        assert!(record.usage.output_tokens.is_some());
        assert_eq!(record.outcome, Outcome::Completed);
    }
    assert_eq!(records.all().iter().map(|record| record.stream).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn a_redirect_replays_a_body_in_memory_and_the_final_url_is_kept() {
    let redirect = post(|| async {
        (StatusCode::TEMPORARY_REDIRECT, [("location", "/v1/chat/completions")]).into_response()
    });
    let server = serve(upstream::router().route("/moved", redirect)).await;
    let (layer, records) = Records::layer();
    let client = reqwest::Client::new();
    let request = client.post(format!("{server}/moved")).body(chat(false)).build().unwrap();
    let response = layer.layer(client).oneshot(request).await.unwrap();
    assert_eq!(response.url().path(), "/v1/chat/completions");
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap();
    assert_eq!(records.only().user_id().map(AsRef::as_ref), Some("alice"));
}

#[tokio::test]
async fn a_streamed_body_is_tapped() {
    let server = serve(upstream::router()).await;
    let (layer, records) = Records::layer();
    let client = reqwest::Client::new();
    let body = support::Script::chunked(chat(false).as_bytes().unwrap(), 5);
    let request =
        client.post(format!("{server}/v1/chat/completions")).body(reqwest::Body::wrap(body)).build().unwrap();
    layer.layer(client).oneshot(request).await.unwrap().bytes().await.unwrap();
    assert_eq!(records.only().user_id().map(AsRef::as_ref), Some("alice"));
}

#[tokio::test]
async fn helicone_headers_do_not_reach_the_provider_unless_they_are_kept_on_purpose() {
    let echo =
        any(|request: Request| async move { format!("{:?}", request.headers().keys().collect::<Vec<_>>()) });
    let server = serve(Router::new().fallback(echo)).await;
    let (layer, records) = Records::layer();
    let client = reqwest::Client::new();
    let request = || {
        client
            .get(&server)
            .header("Helicone-User-Id", "alice")
            .header("Helicone-Auth", "key")
            .build()
            .unwrap()
    };
    let seen = layer.layer(client.clone()).oneshot(request()).await.unwrap().text().await.unwrap();
    assert!(!seen.contains("helicone"), "{seen}");
    let kept = layer.clone().faces_provider(false).layer(client.clone()).oneshot(request()).await.unwrap();
    assert!(kept.text().await.unwrap().contains("helicone-auth"));
    assert!(records.all().iter().all(|record| record.user_id().is_some()));
}

#[tokio::test]
async fn a_connection_that_fails_leaves_a_broken_call_with_its_user() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let (layer, records) = Records::layer();
    let client = reqwest::Client::new();
    let request =
        client.post(format!("http://{nobody}/v1/chat/completions")).body(chat(false)).build().unwrap();
    assert!(layer.layer(client).oneshot(request).await.unwrap_err().is_connect());
    let record = records.only();
    assert_eq!((record.outcome, record.user_id().map(AsRef::as_ref)), (Outcome::Broken, Some("alice")));
}
