//! The way of a request to the upstream and of its answer back.

use super::encoding::accept_only_readable;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::time::Duration;
use tower::{Layer, ServiceExt};
use tower_http::timeout::RequestBodyTimeoutLayer;
use tower_llm_metrics::{RequestBody, UserMetrics, UserMetricsLayer};

type HttpClient = Client<HttpsConnector<HttpConnector>, RequestBody<Body>>;

/// A client of the upstream, with the layer around it.
#[derive(Clone, Debug)]
pub struct Proxy {
    client: UserMetrics<HttpClient>,
    upstream: Uri,
}

impl Proxy {
    /// Creates a client that calls `upstream` through `layer`.
    #[must_use]
    pub fn new(layer: &UserMetricsLayer, upstream: Uri) -> Self {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_all_versions();
        let client =
            Client::builder(TokioExecutor::new()).http1_preserve_header_case(true).build(connector.build());
        Self { client: layer.layer(client), upstream }
    }

    /// Sends every request on. One whose body comes to a halt for `idle` is given up.
    pub fn router(self, idle: Duration) -> Router {
        Router::new().fallback(forward).with_state(self).layer(RequestBodyTimeoutLayer::new(idle))
    }
}

/// The methods that are passed on, whatever else the upstream may know.
const ALLOW: [(HeaderName, &str); 1] = [(header::ALLOW, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")];

/// Sends the request on to the upstream, and its answer back, both as they stream.
async fn forward(State(proxy): State<Proxy>, mut request: Request) -> Response {
    if request.method() == Method::CONNECT {
        return (ALLOW, refuse(StatusCode::METHOD_NOT_ALLOWED, "this is no tunnel")).into_response();
    }
    if request.uri().path() == "*" {
        return match *request.method() {
            // It asks about the server itself (RFC 9110, 9.3.7).
            Method::OPTIONS => (StatusCode::NO_CONTENT, ALLOW).into_response(),
            _ => refuse(StatusCode::BAD_REQUEST, "only OPTIONS may ask for *"),
        };
    }
    let Some(uri) = upstream_uri(&proxy.upstream, request.uri()) else {
        return refuse(StatusCode::BAD_REQUEST, "the path cannot be appended to the upstream's");
    };
    *request.uri_mut() = uri;
    *request.version_mut() = Version::default();
    remove_connection_headers(request.headers_mut());
    // The client names the upstream's.
    remove(request.headers_mut(), |name| name == header::HOST);
    accept_only_readable(request.headers_mut());
    match proxy.client.oneshot(request).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            remove_connection_headers(response.headers_mut());
            response
        }
        Err(error) if error.is_connect() => {
            refuse(StatusCode::BAD_GATEWAY, "the upstream could not be reached")
        }
        Err(error) if is_the_caller_s(&error) => refuse(StatusCode::BAD_REQUEST, "the request broke off"),
        Err(_) => refuse(StatusCode::BAD_GATEWAY, "the upstream broke off"),
    }
}

/// Whether the body that could not be sent on was the caller's to send.
fn is_the_caller_s(error: &(dyn Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(one) = error {
        if one.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user) {
            return true;
        }
        error = one.source();
    }
    false
}

/// The request's path and query below the upstream's path, unless it leads out of that.
fn upstream_uri(upstream: &Uri, request: &Uri) -> Option<Uri> {
    let base = upstream.path().trim_end_matches('/');
    if !base.is_empty() && leads_up(request.path()) {
        return None;
    }
    let path = request.path_and_query().map_or("/", |path| path.as_str());
    let mut parts = upstream.clone().into_parts();
    parts.path_and_query = Some(format!("{base}{path}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Whether a segment of the path is `..`, in a way that some server takes for it.
fn leads_up(path: &str) -> bool {
    let decoded = percent_decoded(path);
    let mut segments = decoded.split(|byte| matches!(byte, b'/' | b'\\'));
    // What follows a semicolon is a parameter of the segment.
    segments.any(|segment| segment.split(|&byte| byte == b';').next() == Some(b".."))
}

fn percent_decoded(path: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = escaped(rest).unwrap_or((first, after));
        decoded.push(byte);
        rest = after;
    }
    decoded
}

/// The byte that `text` begins with as `%XX`, and what follows.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, rest @ ..] = text else { return None };
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    Some(((digit(high)? << 4 | digit(low)?) as u8, rest))
}

/// Takes out what belongs to one connection only (RFC 9110, 7.6.1).
fn remove_connection_headers(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    const HOP_BY_HOP: [HeaderName; 7] = [
        header::CONNECTION,
        header::PROXY_AUTHORIZATION,
        header::PROXY_AUTHENTICATE,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
    ];
    remove(headers, |name| named.contains(name) || HOP_BY_HOP.contains(name));
}

/// Takes headers out. The others keep their order: `HeaderMap::remove` would move the last one into the gap.
fn remove(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    if !headers.keys().any(&unwanted) {
        return;
    }
    let mut kept = HeaderMap::with_capacity(headers.len());
    let mut current = None;
    for (name, value) in headers.drain() {
        current = name.or(current);
        if let Some(name) = current.as_ref().filter(|name| !unwanted(name)) {
            kept.append(name, value);
        }
    }
    *headers = kept;
}

/// An answer of the proxy's own, in the form that the clients of most providers understand.
fn refuse(status: StatusCode, message: &str) -> Response {
    let error = serde_json::json!({ "error": { "message": message, "type": "proxy_error", "code": null } });
    (status, axum::Json(error)).into_response()
}
