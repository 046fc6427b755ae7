//! The future of a metered call.

use crate::body::ResponseBody;
use crate::exchange::Guard;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The future of [`UserMetrics`](crate::UserMetrics): the inner service's, with the answer's body wrapped.
    ///
    /// Dropped before it is ready, it leaves a record of a cancelled call.
    pub struct ResponseFuture<F> {
        // Dropped before the guard: the request's body in it may still tell something about the call.
        #[pin]
        inner: Option<F>,
        guard: Option<Guard>,
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(inner: F, guard: Option<Guard>) -> Self {
        Self { inner: Some(inner), guard }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    /// Polled again after it was ready, it stays pending.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
        let result = ready!(inner.poll(cx));
        this.inner.set(None);
        let guard = this.guard.take();
        match result {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let body = match guard {
                    Some(guard) => ResponseBody::new(body, guard, parts.status, &parts.headers),
                    None => ResponseBody::unmetered(body),
                };
                Poll::Ready(Ok(Response::from_parts(parts, body)))
            }
            Err(error) => {
                if let Some(guard) = guard {
                    guard.broken();
                }
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
