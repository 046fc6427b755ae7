//! The future that reads the request first.

use super::body::{StreamUsageRequestBody, StreamUsageResponseBody};
use super::chunk::UsageChunkFilter;
use super::request::{may_lack_option, with_option};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, request};
use http_body::Body;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower_service::Service;

pin_project! {
    /// The future of [`StreamUsage`](super::StreamUsage): reads the request as far as it has to, then makes the call.
    pub struct StreamUsageFuture<S, B>
    where
        S: Service<Request<StreamUsageRequestBody<B>>>,
        B: Body,
    {
        service: S,
        limit: usize,
        // What is still to be sent; taken when the call is made.
        request: Option<(request::Parts, StreamUsageRequestBody<B>)>,
        #[pin]
        call: Option<S::Future>,
        // Whether the option is ours, and the chunk with it.
        ours: bool,
    }
}

impl<S, B> StreamUsageFuture<S, B>
where
    S: Service<Request<StreamUsageRequestBody<B>>>,
    B: Body,
{
    pub(super) fn new(service: S, request: Request<B>, limit: usize) -> Self {
        let (head, body) = request.into_parts();
        Self {
            service,
            limit,
            request: Some((head, StreamUsageRequestBody::new(body))),
            call: None,
            ours: false,
        }
    }
}

impl<S, B, R> Future for StreamUsageFuture<S, B>
where
    S: Service<Request<StreamUsageRequestBody<B>>, Response = Response<R>>,
    B: Body,
    R: Body,
{
    type Output = Result<Response<StreamUsageResponseBody<R>>, S::Error>;

    /// Polls the call. After it was ready, it stays pending.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some((head, body)) = this.request
            && may_lack_option(head)
        {
            ready!(body.poll_buffer(*this.limit, cx));
        }
        if let Some((mut head, mut body)) = this.request.take() {
            if let Some(changed) = body.whole().as_deref().and_then(with_option) {
                if head.headers.contains_key(CONTENT_LENGTH) {
                    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(changed.len()));
                }
                body.replace(changed);
                *this.ours = true;
            }
            this.call.set(Some(this.service.call(Request::from_parts(head, body))));
        }
        let Some(call) = this.call.as_mut().as_pin_mut() else { return Poll::Pending };
        let result = ready!(call.poll(cx));
        this.call.set(None);
        Poll::Ready(result.map(|response| {
            let (mut head, body) = response.into_parts();
            let filter = (*this.ours && is_plain_event_stream(&head.headers)).then(UsageChunkFilter::default);
            if filter.is_some() {
                head.headers.remove(CONTENT_LENGTH);
            }
            Response::from_parts(head, StreamUsageResponseBody::new(body, filter))
        }))
    }
}

fn is_plain_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
        && !headers.contains_key(CONTENT_ENCODING)
}

impl<S, B> fmt::Debug for StreamUsageFuture<S, B>
where
    S: Service<Request<StreamUsageRequestBody<B>>>,
    B: Body,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamUsageFuture").finish_non_exhaustive()
    }
}
