//! Metering that leaves the request's body type alone.

use crate::support::Records;
use crate::upstream;
use axum::body::Body;
use axum::middleware::Next;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use std::convert::Infallible;
use tower::buffer::Buffer;
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_llm_metrics::record::{UsageReason, UsageState};
use tower_llm_metrics::{HeadersOnlyLayer, Outcome, Provider, User, UserId, UserSource};

/// A service that takes one type of request and no other.
type Fixed = BoxCloneService<Request<Full<Bytes>>, Response<Body>, BoxError>;

fn upstream() -> Fixed {
    BoxCloneService::new(upstream::router().map_request(|r: Request<Full<Bytes>>| r).map_err(BoxError::from))
}

fn headers_only() -> (HeadersOnlyLayer, Records) {
    let (layer, records) = Records::layer();
    (HeadersOnlyLayer::new(layer.provider(Provider::OPENAI)), records)
}

fn chat(stream: bool, include_usage: bool) -> Request<Full<Bytes>> {
    let body = json!({
        "model": "gpt-5-mini", "messages": [{ "role": "user", "content": "hello" }], "user": "in the body",
        "stream": stream, "stream_options": { "include_usage": include_usage },
    });
    Request::post("http://localhost/v1/chat/completions").body(Full::from(body.to_string())).unwrap()
}

async fn read<B: http_body::Body<Data = Bytes>>(response: Response<B>) -> Bytes {
    response.into_body().collect().await.ok().unwrap().to_bytes()
}

#[tokio::test]
async fn a_service_with_a_fixed_request_type_is_metered() {
    for stream in [false, true] {
        let (layer, records) = headers_only();
        let mut request = chat(stream, true);
        request.headers_mut().insert("helicone-user-id", "alice".parse().unwrap());
        read(layer.layer(upstream()).oneshot(request).await.unwrap()).await;
        let record = records.only();
        assert_eq!(record.user_id().map(AsRef::as_ref), Some("alice"));
        assert_eq!((record.outcome, record.usage_state), (Outcome::Completed, UsageState::Reported));
        assert_eq!((record.stream, record.response_model.as_deref()), (stream, Some("gpt-5-mini")));
        assert!(record.cost.total().is_some(), "the answer's model has a price");
    }
}

#[tokio::test]
async fn the_body_of_the_request_is_not_read() {
    let (layer, records) = headers_only();
    read(layer.layer(upstream()).oneshot(chat(false, false)).await.unwrap()).await;
    let record = records.only();
    assert_eq!((record.user, record.model), (None, None));
}

#[tokio::test]
async fn an_extension_names_the_user_with_certainty() {
    let (layer, records) = headers_only();
    let mut request = chat(false, false);
    request.headers_mut().insert("helicone-user-id", "mallory".parse().unwrap());
    request.extensions_mut().insert(User::verified(UserId::new("alice").unwrap()));
    read(layer.layer(upstream()).oneshot(request).await.unwrap()).await;
    let user = records.only().user.unwrap();
    assert_eq!((user.id.as_str(), user.source), ("alice", UserSource::Verified));
}

#[tokio::test]
async fn the_application_is_asked_where_the_head_names_nobody() {
    let (layer, records) = Records::layer();
    let layer = layer.identify(|request: &http::request::Parts| UserId::new(request.uri.host()?).ok());
    read(HeadersOnlyLayer::new(layer).layer(upstream()).oneshot(chat(false, false)).await.unwrap()).await;
    let user = records.only().user.unwrap();
    assert_eq!((user.id.as_str(), user.source), ("localhost", UserSource::Custom));
}

#[tokio::test]
async fn a_stream_that_tells_no_usage_counts_as_not_asked_for() {
    let (layer, records) = headers_only();
    read(layer.layer(upstream()).oneshot(chat(true, false)).await.unwrap()).await;
    let record = records.only();
    assert_eq!(
        (record.usage_state, record.usage_reason),
        (UsageState::Absent, Some(UsageReason::NotRequested))
    );
}

#[tokio::test]
async fn helicone_headers_are_taken_out_when_asked_to() {
    let echo = tower::service_fn(async |request: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Body::from(format!("{:?}", request.headers()))))
    });
    for (faces_provider, kept) in [(false, true), (true, false)] {
        let (layer, records) = Records::layer();
        let service = HeadersOnlyLayer::new(layer.faces_provider(faces_provider)).layer(echo);
        let mut request = chat(false, false);
        request.headers_mut().insert("helicone-user-id", "alice".parse().unwrap());
        let seen = read(service.oneshot(request).await.unwrap()).await;
        assert_eq!(seen.windows(8).any(|word| word == b"helicone"), kept);
        assert_eq!(records.only().user_id().map(AsRef::as_ref), Some("alice"));
    }
}

#[tokio::test]
async fn a_provider_s_host_is_faced_unless_told_otherwise_and_a_layer_within_sees_the_caller() {
    let echo = tower::service_fn(async |request: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Body::from(format!("{:?}", request.headers()))))
    });
    for (uri, kept) in
        [("https://api.openai.com/v1/models", false), ("https://oai.helicone.ai/v1/models", true)]
    {
        let (outer, outer_records) = Records::layer();
        let (inner, inner_records) = Records::layer();
        let stack = HeadersOnlyLayer::new(outer).layer(HeadersOnlyLayer::new(inner).layer(echo));
        let request = Request::get(uri).header("Helicone-User-Id", "alice").body(Full::default()).unwrap();
        let seen = read(stack.oneshot(request).await.unwrap()).await;
        assert_eq!(seen.windows(8).any(|word| word == b"helicone"), kept, "{uri}");
        for records in [outer_records, inner_records] {
            assert_eq!(records.only().user_id().map(AsRef::as_ref), Some("alice"));
        }
    }
}

#[tokio::test]
async fn every_ending_leaves_one_record_and_what_is_filtered_out_leaves_none() {
    let (layer, records) = headers_only();
    let failing = tower::service_fn(async |_: Request<Full<Bytes>>| Err::<Response<Body>, _>("down"));
    assert_eq!(layer.layer(failing).oneshot(chat(false, false)).await.unwrap_err(), "down");
    drop(layer.layer(upstream()).oneshot(chat(true, true)).await.unwrap());
    drop(layer.layer(upstream()).call(chat(false, false)));
    let outcomes: Vec<Outcome> = records.all().iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::Broken, Outcome::Aborted, Outcome::Cancelled]);

    let (layer, records) = Records::layer();
    let layer = HeadersOnlyLayer::new(layer.filter(|request| request.method == http::Method::GET));
    read(layer.layer(upstream()).oneshot(chat(false, false)).await.unwrap()).await;
    assert!(records.all().is_empty());
}

#[tokio::test]
async fn a_buffer_of_fixed_requests_is_metered_on_both_sides() {
    let (outer, outer_records) = headers_only();
    let (inner, inner_records) = headers_only();
    let buffered = Buffer::new(inner.layer(upstream()), 8);
    read(outer.layer(buffered).oneshot(chat(false, false)).await.unwrap()).await;
    assert_eq!(outer_records.only().usage, inner_records.only().usage);
}

#[tokio::test]
async fn the_next_of_an_axum_middleware_is_metered() {
    let (layer, records) = headers_only();
    let metered = axum::middleware::from_fn(move |request: Request<Body>, next: Next| {
        let layer = layer.clone();
        async move { layer.layer(next).oneshot(request).await.map(|response| response.map(Body::new)) }
    });
    let app = upstream::router().layer(metered);
    let response = app.oneshot(chat(true, true)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    read(response).await;
    assert_eq!(records.only().usage_state, UsageState::Reported);
}
