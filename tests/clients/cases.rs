//! What holds for the layer over a reqwest client, whatever reqwest's version: the module above says which `reqwest` it is.

use super::{SendThrough, reqwest};
use crate::support::{Records, Script};
use crate::upstream;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{any, post};
use serde_json::json;
use std::time::Duration;
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt};
use tower_llm_metrics::{Outcome, UserMetrics};

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
    let body = Script::chunked(chat(false).as_bytes().unwrap(), 5);
    let request =
        client.post(format!("{server}/v1/chat/completions")).body(reqwest::Body::wrap(body)).build().unwrap();
    layer.layer(client).oneshot(request).await.unwrap().bytes().await.unwrap();
    assert_eq!(records.only().user_id().map(AsRef::as_ref), Some("alice"));
}

/// A server that answers with the names of the headers that it got, and a client for which it is `api.openai.com`.
async fn openai() -> (String, reqwest::Client) {
    let echo =
        any(|request: Request| async move { format!("{:?}", request.headers().keys().collect::<Vec<_>>()) });
    let server = serve(Router::new().fallback(echo)).await;
    let address: std::net::SocketAddr = server.strip_prefix("http://").unwrap().parse().unwrap();
    let client = reqwest::Client::builder().resolve("api.openai.com", address).build().unwrap();
    (format!("http://api.openai.com:{}", address.port()), client)
}

#[tokio::test]
async fn helicone_headers_do_not_reach_the_provider_unless_they_are_kept_on_purpose() {
    let (server, client) = openai().await;
    let (layer, records) = Records::layer();
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
async fn a_gateway_gets_the_headers_unless_it_is_called_the_provider() {
    let (server, client) = openai().await;
    let gateway = server.replace("api.openai.com", "127.0.0.1");
    let (layer, records) = Records::layer();
    for (layer, kept) in [(layer.clone(), true), (layer.faces_provider(true), false)] {
        let request = client.get(&gateway).header("Helicone-User-Id", "alice").build().unwrap();
        let seen = layer.layer(client.clone()).oneshot(request).await.unwrap().text().await.unwrap();
        assert_eq!(seen.contains("helicone-user-id"), kept, "{seen}");
    }
    assert!(records.all().iter().all(|record| record.user_id().is_some()));
}

#[tokio::test]
async fn two_layers_both_see_the_caller_and_all_else_of_the_request_arrives() {
    let (server, client) = openai().await;
    let (outer, outer_records) = Records::layer();
    let (inner, inner_records) = Records::layer();
    let x_user = || [http::HeaderName::from_static("x-user")];
    let checked = tower::service_fn(move |request: reqwest::Request| {
        assert_eq!(request.timeout(), Some(&Duration::from_secs(77)));
        assert_eq!(request.url().fragment(), Some("part"));
        assert_eq!(request.body().and_then(reqwest::Body::as_bytes), chat(false).as_bytes());
        client.execute(request)
    });
    let stack = outer.user_headers(x_user()).layer(inner.user_headers(x_user()).layer(checked));
    let request = reqwest::Client::new()
        .post(format!("{server}/v1/chat/completions#part"))
        .header("X-User", "bob")
        .header("X-Kept", "1")
        .timeout(Duration::from_secs(77))
        .body(chat(false))
        .build()
        .unwrap();
    let seen = stack.oneshot(request).await.unwrap().text().await.unwrap();
    assert!(!seen.contains("x-user") && seen.contains("x-kept"), "{seen}");
    for records in [outer_records, inner_records] {
        let record = records.only();
        assert_eq!(record.user_id().map(AsRef::as_ref), Some("bob"));
        assert_eq!(record.host.as_deref(), Some("api.openai.com"));
    }
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

#[tokio::test]
async fn a_builder_is_sent_through_the_layer() {
    let server = serve(upstream::router()).await;
    let (layer, records) = Records::layer();
    let client = reqwest::Client::new();
    let metered: UserMetrics<reqwest::Client> = layer.layer(client.clone());
    let call = client.post(format!("{server}/v1/chat/completions")).body(chat(true)).send_through(&metered);
    // It may be spawned, as the future of `send` may.
    let response = tokio::spawn(call).await.unwrap().unwrap();
    assert!(response.text().await.unwrap().ends_with("[DONE]\n\n"));
    assert_eq!(records.only().user_id().map(AsRef::as_ref), Some("alice"));
}

#[tokio::test]
async fn a_builder_is_sent_through_a_stack_with_the_layer_in_it() {
    let server = serve(upstream::router()).await;
    let (layer, records) = Records::layer();
    let client = reqwest::Client::new();
    let stack = ServiceBuilder::new().timeout(Duration::from_secs(60)).layer(layer).service(client.clone());
    let stack: BoxCloneService<_, reqwest::Response, BoxError> = BoxCloneService::new(stack);
    let request = client.post(format!("{server}/v1/chat/completions")).body(chat(false));
    request.send_through(&stack).await.unwrap().bytes().await.unwrap();
    assert_eq!(records.only().outcome, Outcome::Completed);
}

#[tokio::test]
async fn a_builder_that_builds_nothing_fails_as_it_does_alone_and_makes_no_call() {
    let (layer, records) = Records::layer();
    let client = reqwest::Client::new();
    let metered = layer.layer(client.clone());
    let error = client.get("no url").send_through(&metered).await.unwrap_err();
    assert!(error.is_builder());
    assert_eq!(error.to_string(), client.get("no url").send().await.unwrap_err().to_string());
    assert!(records.all().is_empty());
}

#[tokio::test]
async fn what_the_inner_service_gets_can_be_cloned_for_a_retry() {
    let (layer, records) = Records::layer();
    let client = reqwest::Client::new();
    let service = layer.layer(tower::service_fn(async |request: reqwest::Request| {
        let clone = request.try_clone().unwrap();
        assert_eq!(clone.body().and_then(reqwest::Body::as_bytes), chat(false).as_bytes());
        Ok::<_, reqwest::Error>(http::Response::new("").into())
    }));
    let request = client.post("http://localhost/v1/chat/completions").body(chat(false)).build().unwrap();
    let response: reqwest::Response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(records.only().user_id().map(AsRef::as_ref), Some("alice"));
}

#[tokio::test]
async fn what_the_client_says_of_an_answer_is_said_through_the_layer() {
    let server = serve(upstream::router()).await;
    let (layer, _records) = Records::layer();
    let client = reqwest::Client::new();
    let metered = layer.layer(client.clone());
    let request = || client.post(format!("{server}/v1/chat/completions")).body(chat(false));
    let (bare, layered) = (request().send().await.unwrap(), request().send_through(&metered).await.unwrap());
    assert_eq!(bare.remote_addr(), layered.remote_addr());
    assert_eq!((bare.version(), bare.content_length()), (layered.version(), layered.content_length()));
    assert_eq!(bare.url(), layered.url());
    assert_eq!(bare.headers().get("content-type"), layered.headers().get("content-type"));
    assert!(layered.error_for_status_ref().is_ok());
    assert_eq!(bare.bytes().await.unwrap(), layered.bytes().await.unwrap());
}
