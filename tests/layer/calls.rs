//! A client, a server and their calls, for the tests of the layer among others.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as HyperError};
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tower::{BoxError, Service, ServiceExt};
use tower_llm_metrics::record::{UsageReason, UsageState};
use tower_llm_metrics::{Outcome, Record};

pub(crate) const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];
pub(crate) const SOON: Duration = Duration::from_millis(50);
pub(crate) const LATER: Duration = Duration::from_secs(60);

pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// hyper's client, for whatever body is around the request's. Its answers get a body that has a default, which layers ask for
/// that may answer themselves.
pub(crate) fn client<B>(
    version: Version,
) -> impl Service<Request<B>, Response = Response<Body>, Error = HyperError, Future: Send> + Clone
where
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let client: Client<HttpConnector, B> =
        Client::builder(TokioExecutor::new()).http2_only(version == Version::HTTP_2).build_http();
    client.map_response(|response: Response<hyper::body::Incoming>| response.map(Body::new))
}

pub(crate) fn chat_of(model: &str, server: SocketAddr, stream: bool) -> Request<Full<Bytes>> {
    let body = json!({
        "model": model, "messages": [{ "role": "user", "content": "hello" }], "user": "alice",
        "stream": stream, "stream_options": { "include_usage": true },
    });
    Request::post(format!("http://{server}/v1/chat/completions")).body(Full::from(body.to_string())).unwrap()
}

pub(crate) fn chat(server: SocketAddr, stream: bool) -> Request<Full<Bytes>> {
    chat_of("gpt-5-mini", server, stream)
}

/// Makes the call and reads the answer.
pub(crate) async fn call<S, R>(service: S, request: Request<Full<Bytes>>) -> Result<Bytes, BoxError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    R: http_body::Body,
    R::Error: Into<BoxError>,
{
    let response = service.oneshot(request).await.map_err(Into::into)?;
    Ok(response.into_body().collect().await.map_err(Into::into)?.to_bytes())
}

pub(crate) fn is_whole(record: &Record, stream: bool) {
    assert_eq!(
        (record.outcome, record.usage_state),
        (Outcome::Completed, UsageState::Reported),
        "{record:?}"
    );
    assert_eq!((record.user_id().map(AsRef::as_ref), record.stream), (Some("alice"), stream));
    assert!(record.cost.total().is_some());
}

/// Whether this build reads gzip.
pub(crate) fn reads_gzip(record: &Record) {
    if cfg!(feature = "gzip") {
        is_whole(record, record.stream);
    } else {
        assert_eq!(record.usage_reason, Some(UsageReason::Encoded));
        assert_eq!(record.outcome, Outcome::Completed);
    }
}
