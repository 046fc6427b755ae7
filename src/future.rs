//! The future of a metered call.

use crate::body::ResponseBody;
use crate::exchange::ExchangeGuard;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// A call and the guard of its exchange. Dropped before it is ready, it leaves a record of a cancelled call.
    pub(crate) struct GuardedCall<F> {
        // Dropped before the guard: the request's body in it may still say something about the call.
        #[pin]
        inner: Option<F>,
        guard: Option<ExchangeGuard>,
    }
}

impl<F> GuardedCall<F> {
    pub(crate) fn new(inner: F, guard: Option<ExchangeGuard>) -> Self {
        Self { inner: Some(inner), guard }
    }

    /// Polls the call and hands its response with the guard to `tap`. Polled again after it was ready, it stays pending.
    pub(crate) fn poll_tapped<R, T, E>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        tap: impl FnOnce(R, Option<ExchangeGuard>) -> T,
    ) -> Poll<Result<T, E>>
    where
        F: Future<Output = Result<R, E>>,
    {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
        let result = ready!(inner.poll(cx));
        this.inner.set(None);
        let guard = this.guard.take();
        Poll::Ready(match (result, guard) {
            (Ok(response), guard) => Ok(tap(response, guard)),
            (Err(error), Some(guard)) => {
                guard.broken();
                Err(error)
            }
            (Err(error), None) => Err(error),
        })
    }
}

pin_project! {
    /// The future of [`UserMetrics`](crate::UserMetrics): the inner service's, with the answer's body wrapped.
    ///
    /// Dropped before it is ready, it leaves a record of a cancelled call.
    pub struct ResponseFuture<F> {
        #[pin]
        call: GuardedCall<F>,
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(inner: F, guard: Option<ExchangeGuard>) -> Self {
        Self { call: GuardedCall::new(inner, guard) }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    /// Polls the call. After it was ready, it stays pending.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().call.poll_tapped(cx, |response: Response<R>, guard| {
            let (parts, body) = response.into_parts();
            let body = ResponseBody::new(body, guard, parts.status, &parts.headers);
            Response::from_parts(parts, body)
        })
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
