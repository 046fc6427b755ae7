//! The layer around hyper's client and around an axum router, over real connections.

use crate::support::Records;
use crate::upstream;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::{any, post};
use bytes::Bytes;
use http::{Method, Request, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tower::timeout::Timeout;
use tower::{Layer, ServiceExt};
use tower_llm_metrics::record::UsageState;
use tower_llm_metrics::{Outcome, Record, RequestBody, UserMetrics};

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

type Metered = UserMetrics<Client<HttpConnector, RequestBody<Full<Bytes>>>>;

/// A layered client that speaks `version`.
fn client(version: Version) -> (Metered, Records) {
    let (layer, records) = Records::layer();
    let client = Client::builder(TokioExecutor::new()).http2_only(version == Version::HTTP_2).build_http();
    (layer.layer(client), records)
}

fn chat(server: SocketAddr, version: Version, stream: bool) -> Request<Full<Bytes>> {
    let body = json!({
        "model": "gpt-5-mini", "messages": [{ "role": "user", "content": "hello" }], "user": "alice",
        "stream": stream, "stream_options": { "include_usage": true },
    });
    let request = Request::post(format!("http://{server}/v1/chat/completions")).version(version);
    request.body(Full::from(body.to_string())).unwrap()
}

fn is_metered(record: &Record, stream: bool) {
    assert_eq!((record.outcome, record.usage_state), (Outcome::Completed, UsageState::Reported));
    assert_eq!(record.user_id().map(AsRef::as_ref), Some("alice"));
    assert_eq!((record.status, record.stream), (Some(200), stream));
    assert!(record.cost.total().is_some());
}

const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

#[tokio::test]
async fn calls_of_hypers_client_are_metered_over_http_1_and_2() {
    let server = serve(upstream::router()).await;
    for version in VERSIONS {
        for stream in [false, true] {
            let (client, records) = client(version);
            let response = client.oneshot(chat(server, version, stream)).await.unwrap();
            assert_eq!(response.version(), version);
            assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty());
            is_metered(&records.only(), stream);
        }
    }
}

#[tokio::test]
async fn calls_of_an_axum_router_are_metered_over_http_1_and_2() {
    for version in VERSIONS {
        for stream in [false, true] {
            let (layer, records) = Records::layer();
            let server = serve(upstream::router().layer(layer)).await;
            let client =
                Client::builder(TokioExecutor::new()).http2_only(version == Version::HTTP_2).build_http();
            let response = client.request(chat(server, version, stream)).await.unwrap();
            response.into_body().collect().await.unwrap();
            // The server makes the record before it sends the last frame, or right after.
            while records.all().is_empty() {
                tokio::task::yield_now().await;
            }
            is_metered(&records.only(), stream);
        }
    }
}

#[tokio::test]
async fn the_length_of_a_body_is_told_as_without_the_layer() {
    let echo = any(|request: Request<Body>| async move {
        let length = request.headers().get("content-length").cloned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        format!("{length:?} {}", body.len())
    });
    let server = serve(Router::new().fallback(echo)).await;
    let (client, records) = client(Version::HTTP_11);
    let request = Request::post(format!("http://{server}/")).body(Full::from("12345")).unwrap();
    let response = client.oneshot(request).await.unwrap();
    assert!(response.headers().contains_key("content-length"));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), r#"Some("5") 5"#);
    records.only();
}

#[tokio::test]
async fn a_head_request_at_a_server_leaves_one_record() {
    for version in VERSIONS {
        let (layer, records) = Records::layer();
        let server = serve(Router::new().fallback(any(async || "never sent")).layer(layer)).await;
        let client =
            Client::builder(TokioExecutor::new()).http2_only(version == Version::HTTP_2).build_http();
        let request = Request::builder().method(Method::HEAD).uri(format!("http://{server}/v1/models"));
        let response =
            client.request(request.version(version).body(Full::<Bytes>::default()).unwrap()).await.unwrap();
        response.into_body().collect().await.unwrap();
        assert_eq!(records.only().outcome, Outcome::Completed);
    }
}

#[tokio::test]
async fn a_connection_that_fails_leaves_a_broken_call_with_its_user_and_model() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let (client, records) = client(Version::HTTP_11);
    assert!(client.oneshot(chat(nobody, Version::HTTP_11, false)).await.unwrap_err().is_connect());
    let record = records.only();
    assert_eq!(record.outcome, Outcome::Broken);
    assert_eq!(record.user_id().map(AsRef::as_ref), Some("alice"));
    assert_eq!(record.model.as_deref(), Some("gpt-5-mini"));
}

#[tokio::test]
async fn a_connection_cut_within_the_answer_is_broken() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert_ne!(connection.read(&mut request).await.unwrap(), 0);
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"model\":").await.unwrap();
    });
    let (client, records) = client(Version::HTTP_11);
    let response = client.oneshot(chat(server, Version::HTTP_11, false)).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(records.only().outcome, Outcome::Broken);
}

#[tokio::test]
async fn a_caller_that_goes_away_from_a_server_aborts_the_call() {
    let (layer, records) = Records::layer();
    let endless = post(async || {
        let (mut sender, body) = http_body_util::channel::Channel::<Bytes>::new(1);
        tokio::spawn(
            async move { while sender.send_data("data: {\"choices\":[]}\n\n".into()).await.is_ok() {} },
        );
        Body::new(body)
    });
    let server = serve(Router::new().route("/v1/chat/completions", endless).layer(layer)).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(chat(server, Version::HTTP_11, true)).await.unwrap();
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    drop((body, client));
    while records.all().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(records.only().outcome, Outcome::Aborted);
}

#[tokio::test(start_paused = true)]
async fn inside_of_a_timeout_the_meter_sees_a_cancel() {
    let (layer, records) = Records::layer();
    let service = tower::service_fn(|_: Request<RequestBody<Full<Bytes>>>| {
        std::future::pending::<Result<http::Response<Full<Bytes>>, std::convert::Infallible>>()
    });
    let service = Timeout::new(layer.layer(service), Duration::from_secs(1));
    let address = SocketAddr::from(([127, 0, 0, 1], 80));
    assert!(service.oneshot(chat(address, Version::HTTP_11, false)).await.is_err());
    assert_eq!(records.only().outcome, Outcome::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn outside_of_a_timeout_the_meter_sees_the_error() {
    let (layer, records) = Records::layer();
    let service = tower::service_fn(|_: Request<RequestBody<Full<Bytes>>>| {
        std::future::pending::<Result<http::Response<Full<Bytes>>, std::convert::Infallible>>()
    });
    let service = layer.layer(Timeout::new(service, Duration::from_secs(1)));
    let address = SocketAddr::from(([127, 0, 0, 1], 80));
    assert!(service.oneshot(chat(address, Version::HTTP_11, false)).await.is_err());
    assert_eq!(records.only().outcome, Outcome::Broken);
}

#[tokio::test]
async fn an_upgraded_connection_passes_and_its_usage_is_absent() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let upgrade = any(|mut request: Request<Body>| async move {
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
            let mut io = hyper_util::rt::TokioIo::new(upgraded);
            io.write_all(b"after the upgrade").await.unwrap();
        });
        (StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "test")])
    });
    let (layer, records) = Records::layer();
    let server = serve(Router::new().fallback(upgrade).layer(layer)).await;
    let (client, at_client) = client(Version::HTTP_11);
    let request = Request::get(format!("http://{server}/v1/realtime"));
    let request = request.header("connection", "upgrade").header("upgrade", "test");
    let mut response = client.oneshot(request.body(Full::default()).unwrap()).await.unwrap();
    let mut io = hyper_util::rt::TokioIo::new(hyper::upgrade::on(&mut response).await.unwrap());
    let mut seen = String::new();
    io.read_to_string(&mut seen).await.unwrap();
    assert_eq!(seen, "after the upgrade");
    for record in [records.only(), at_client.only()] {
        assert_eq!(record.usage_reason.map(tower_llm_metrics::record::UsageReason::as_str), Some("upgraded"));
    }
}
