//! The way of a request to the upstream and of its answer back.

use super::encoding::accept_only_readable;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tower::{Layer, ServiceExt};
use tower_llm_metrics::{RequestBody, UserMetrics, UserMetricsLayer};

type HttpClient = Client<HttpsConnector<HttpConnector>, RequestBody<Body>>;

#[derive(Clone)]
pub(crate) struct Proxy {
    client: UserMetrics<HttpClient>,
    upstream: Uri,
}

impl Proxy {
    pub(crate) fn new(layer: &UserMetricsLayer, upstream: Uri) -> Self {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_all_versions();
        let client =
            Client::builder(TokioExecutor::new()).http1_preserve_header_case(true).build(connector.build());
        Self { client: layer.layer(client), upstream }
    }
}

/// Sends the request on to the upstream, and its answer back, both as they stream.
pub(crate) async fn forward(State(proxy): State<Proxy>, mut request: Request) -> Response {
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
        Err(_) => refuse(StatusCode::BAD_GATEWAY, "the upstream broke off"),
    }
}

/// The request's path and query below the upstream's path.
fn upstream_uri(upstream: &Uri, request: &Uri) -> Option<Uri> {
    let base = upstream.path().trim_end_matches('/');
    let path = request.path_and_query().map_or("/", |path| path.as_str());
    let mut parts = upstream.clone().into_parts();
    parts.path_and_query = Some(format!("{base}{path}").parse().ok()?);
    Uri::from_parts(parts).ok()
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
