//! Responses, and what is common to all of them.

use super::body::DashboardBody;
use super::openapi;
use super::rejection::Rejection;
use super::route::Asset;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde::Serialize;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll};

type Answering = Pin<Box<dyn Future<Output = Response<DashboardBody>> + Send>>;

/// The future of a [`Dashboard`](super::Dashboard).
pub struct DashboardFuture(Answering);

impl DashboardFuture {
    pub(super) fn new(answer: impl Future<Output = Response<DashboardBody>> + Send + 'static) -> Self {
        Self(Box::pin(answer))
    }
}

impl Future for DashboardFuture {
    type Output = Result<Response<DashboardBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for DashboardFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DashboardFuture").finish_non_exhaustive()
    }
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// Only files of the dashboard's own are loaded, and no script within a page runs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn html(text: String) -> Response<DashboardBody> {
    of(HTML, text)
}

fn of(kind: &'static str, body: impl Into<DashboardBody>) -> Response<DashboardBody> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

impl From<String> for DashboardBody {
    fn from(text: String) -> Self {
        Self::whole(text)
    }
}

impl From<&'static str> for DashboardBody {
    fn from(text: &'static str) -> Self {
        Self::whole(text)
    }
}

/// Returns a page, with a tag by which a browser that has it already is spared the transfer.
pub(super) fn page(html: String) -> Response<DashboardBody> {
    let mut hasher = DefaultHasher::new();
    html.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let mut response = self::html(html);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

pub(super) fn json(answer: &impl Serialize) -> Result<Response<DashboardBody>, Rejection> {
    let failed = |_| Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written");
    serde_json::to_string(answer).map(|text| of(JSON, text)).map_err(failed)
}

/// Returns a file to save.
pub(super) fn download(
    kind: &'static str,
    disposition: &'static str,
    body: DashboardBody,
) -> Response<DashboardBody> {
    let mut response = of(kind, body);
    response.headers_mut().insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    response
}

pub(super) fn asset(asset: Asset) -> Response<DashboardBody> {
    let (kind, text) = match asset {
        Asset::Style => ("text/css; charset=utf-8", include_str!("assets/dashboard.css")),
        Asset::Script => ("text/javascript; charset=utf-8", include_str!("assets/dashboard.js")),
        Asset::Icon => ("image/svg+xml", include_str!("assets/icon.svg")),
        Asset::OpenApi => (JSON, openapi::document()),
    };
    let mut response = of(kind, text);
    // Only a new release changes them, and the links to them carry the release.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    response
}

/// Redirects to a page beside the root. From a root without a slash at its end, only the whole path leads there.
pub(super) fn redirect(mount: Option<&str>, page: &str) -> Response<DashboardBody> {
    let location = match mount {
        Some(mount) => format!("{}/{page}", mount.trim_end_matches('/')),
        None => page.to_owned(),
    };
    let mut response = Response::new(DashboardBody::whole(""));
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Adds the common headers, and takes the body off for a `HEAD` request and for a browser that has the page already.
pub(super) fn finish(mut response: Response<DashboardBody>, request: &Parts) -> Response<DashboardBody> {
    const COMMON: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Addresses hold user ids.
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    for (name, value) in COMMON {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let known = request.headers.get(header::IF_NONE_MATCH);
    if known.is_some() && known == response.headers().get(header::ETAG) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = DashboardBody::whole("");
    }
    if request.method == Method::HEAD {
        if let Some(length) = http_body::Body::size_hint(response.body()).exact() {
            response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        }
        *response.body_mut() = DashboardBody::whole("");
    }
    response
}
