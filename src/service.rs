//! The metered service.

use crate::body::{RequestBody, ResponseBody};
use crate::exchange::ExchangeGuard;
use crate::future::ResponseFuture;
use crate::identify::{as_called, names_caller, take_out};
use crate::meter::Meter;
use http::{Request, Response};
use http_body::Body;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// A service whose calls are metered: see [`UserMetricsLayer`](crate::UserMetricsLayer).
///
/// Requests, answers, errors and readiness are the inner service's; only the bodies are wrapped.
#[derive(Clone, Debug)]
pub struct UserMetrics<S> {
    pub(crate) inner: S,
    pub(crate) meter: Arc<Meter>,
}

impl<S> UserMetrics<S> {
    pub(crate) fn new(inner: S, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, which can be changed.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service without the layer.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, R> Service<Request<B>> for UserMetrics<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
    B: Body,
    R: Body,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let guard = open(&self.meter, &mut parts);
        let body = RequestBody::new(body, guard.as_ref().map(ExchangeGuard::exchange), &parts.headers);
        ResponseFuture::new(self.inner.call(Request::from_parts(parts, body)), guard)
    }
}

/// Opens the exchange of a request, if it is metered, and takes out of its head what does not go on.
pub(crate) fn open(meter: &Arc<Meter>, head: &mut http::request::Parts) -> Option<ExchangeGuard> {
    let guard = open_unchanged(meter, head);
    hide_caller(meter, guard.as_ref(), head);
    guard
}

/// Opens the exchange of a request, if it is metered.
pub(crate) fn open_unchanged(meter: &Arc<Meter>, head: &http::request::Parts) -> Option<ExchangeGuard> {
    let called = as_called(head);
    meter.wants(&called).then(|| ExchangeGuard::open(meter, &called))
}

/// Takes the caller's ids out of the headers of a request that faces a provider. Returns whether there were any.
pub(crate) fn hide_caller(
    meter: &Meter,
    guard: Option<&ExchangeGuard>,
    parts: &mut http::request::Parts,
) -> bool {
    let users = &meter.identity.headers;
    if meter.faces_provider == Some(false) || !names_caller(users, &parts.headers) {
        return false;
    }
    let by_host = || match guard {
        Some(guard) => guard.exchange().route().faces_provider,
        None => meter.routes.of(parts, meter.provider.as_ref()).faces_provider,
    };
    let hides = meter.faces_provider.unwrap_or_else(by_host);
    if hides {
        take_out(users, parts);
    }
    hides
}
