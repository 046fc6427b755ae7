//! The layer over a `reqwest::Client`, of the version that the module above names.

use super::reqwest;
use crate::body::{RequestBody, ResponseBody};
use crate::exchange::ExchangeGuard;
use crate::future::GuardedCall;
use crate::meter::Meter;
use crate::service::{UserMetrics, hide_caller, open_unchanged};
use http::{Extensions, Response};
use pin_project_lite::pin_project;
use reqwest::ResponseBuilderExt;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// Over `reqwest::Client`, or any other service of its requests.
///
/// A body in memory is read where it is and stays as it was, so that redirects and `try_clone` replay it; a streamed one
/// is tapped. The final URL of the answer is kept. The headers that name the caller are removed where the request faces a
/// provider: see [`faces_provider`](crate::UserMetricsLayer::faces_provider). A `reqwest::Request` has extensions, and so a
/// verified [`User`](crate::User), only if it was made from an `http::Request`.
impl<S> Service<reqwest::Request> for UserMetrics<S>
where
    S: Service<reqwest::Request, Response = reqwest::Response>,
{
    type Response = reqwest::Response;
    type Error = S::Error;
    type Future = ReqwestFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: reqwest::Request) -> Self::Future {
        let guard = open(&self.meter, &mut request, &mut Extensions::new());
        ReqwestFuture::new(self.inner.call(request), guard)
    }
}

/// Sends what a `reqwest::RequestBuilder` has built through a service: `send()` would go around it.
///
/// The service is a [`UserMetrics`] over a client, or a stack with one in it. It is cloned for the call, which is cheap for
/// both. The client that began the request builds it and is not asked to send it.
pub trait SendThrough {
    /// Builds the request and makes the call, when the service is ready for it.
    ///
    /// # Errors
    /// That of building the request, as `send` has it, or the service's.
    fn send_through<S>(
        self,
        service: &S,
    ) -> impl Future<Output = Result<reqwest::Response, S::Error>> + use<Self, S>
    where
        S: Service<reqwest::Request, Response = reqwest::Response> + Clone,
        S::Error: From<reqwest::Error>;
}

impl SendThrough for reqwest::RequestBuilder {
    fn send_through<S>(
        self,
        service: &S,
    ) -> impl Future<Output = Result<reqwest::Response, S::Error>> + use<S>
    where
        S: Service<reqwest::Request, Response = reqwest::Response> + Clone,
        S::Error: From<reqwest::Error>,
    {
        let mut service = service.clone();
        async move {
            let request = self.build()?;
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        }
    }
}

/// Opens the exchange of a request, if it is metered, and takes out of the request what does not go on. `beside` are the
/// extensions that the caller has put beside the request.
pub(crate) fn open(
    meter: &Arc<Meter>,
    request: &mut reqwest::Request,
    beside: &mut Extensions,
) -> Option<ExchangeGuard> {
    let mut parts = head(request);
    parts.extensions.extend(beside.clone());
    let guard = open_unchanged(meter, &parts);
    if let Some(guard) = &guard {
        tap(request, guard);
    }
    if hide_caller(meter, guard.as_ref(), &mut parts) {
        #[cfg(feature = "reqwest-middleware")]
        crate::identify::pass_on(&parts.extensions, beside);
        *request.headers_mut() = parts.headers.clone();
        replace_extensions(request, parts);
    }
    guard
}

/// Converts the head of a request to `http`'s types. A URL that is no `Uri` leaves the host unknown.
fn head(request: &mut reqwest::Request) -> http::request::Parts {
    // Only a conversion shows the extensions, and it wants a request of its own. Without a body there always is a copy.
    let body = request.body_mut().take();
    let copy = request.try_clone();
    *request.body_mut() = body;
    let converted = copy.and_then(|copy| http::Request::<reqwest::Body>::try_from(copy).ok());
    if let Some(converted) = converted {
        return converted.into_parts().0;
    }
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = request.method().clone();
    parts.version = request.version();
    parts.headers = request.headers().clone();
    parts
}

/// Gives the request the extensions of `head`, which only a conversion does.
fn replace_extensions(request: &mut reqwest::Request, head: http::request::Parts) {
    let head = http::Request::from_parts(head, reqwest::Body::default());
    let Ok(mut with) = reqwest::Request::try_from(head) else { return };
    *with.url_mut() = request.url().clone();
    *with.body_mut() = request.body_mut().take();
    *with.timeout_mut() = request.timeout().copied();
    *request = with;
}

/// Reads a body that is in memory, or puts the tap around one that is not.
fn tap(request: &mut reqwest::Request, guard: &ExchangeGuard) {
    let exchange = guard.exchange();
    if let Some(bytes) = request.body().and_then(reqwest::Body::as_bytes) {
        exchange.read(request.headers(), bytes);
        return;
    }
    if let Some(body) = request.body_mut().take() {
        let tapped = RequestBody::new(body, Some(exchange), request.headers());
        *request.body_mut() = Some(reqwest::Body::wrap(tapped));
    }
}

pin_project! {
    /// The future of [`UserMetrics`] over a reqwest client.
    ///
    /// Dropped before it is ready, it leaves a record of a cancelled call.
    pub struct ReqwestFuture<F> {
        #[pin]
        call: GuardedCall<F>,
    }
}

impl<F> ReqwestFuture<F> {
    pub(crate) fn new(inner: F, guard: Option<ExchangeGuard>) -> Self {
        Self { call: GuardedCall::new(inner, guard) }
    }
}

impl<F, E> Future for ReqwestFuture<F>
where
    F: Future<Output = Result<reqwest::Response, E>>,
{
    type Output = Result<reqwest::Response, E>;

    /// Polls the call. After it was ready, it stays pending.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().call.poll_tapped(cx, |response, guard| match guard {
            Some(guard) => tapped(response, guard),
            None => response,
        })
    }
}

/// Taps the body of an answer and keeps its final URL.
fn tapped(response: reqwest::Response, guard: ExchangeGuard) -> reqwest::Response {
    let url = response.url().clone();
    let (mut parts, body) = Response::<reqwest::Body>::from(response).into_parts();
    // Only reqwest's own extension carries a URL into a response that is made from `http`'s types.
    if let Ok(with_url) = Response::builder().url(url).body(()) {
        parts.extensions.extend(with_url.into_parts().0.extensions);
    }
    let body = ResponseBody::new(body, Some(guard), parts.status, &parts.headers);
    Response::from_parts(parts, reqwest::Body::wrap(body)).into()
}

impl<F> fmt::Debug for ReqwestFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestFuture").finish_non_exhaustive()
    }
}
