//! Asking for the usage of a stream.

mod body;
mod chunk;
mod future;
mod request;

pub use body::{StreamUsageRequestBody, StreamUsageResponseBody};
pub use future::StreamUsageFuture;

use http::{Request, Response};
use http_body::Body;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// Asks for the usage of OpenAI-style streams where the caller has not.
///
/// OpenAI's chat and completion streams tell their usage only when the request says
/// `"stream_options": {"include_usage": true}`
/// ([reference](https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options)). This layer puts
/// that into streaming requests that lack it, and takes the extra chunk with the usage out of what the caller sees. Stand
/// it *outside* of [`UserMetricsLayer`](crate::UserMetricsLayer): the meter sees the chunk, the caller does not.
///
/// It is the only part of this crate that touches bytes. It buffers the request's body, up to
/// [`limit`](Self::limit) bytes; a longer one is passed on as it is, and so is anything that is not a `POST` of plain JSON to
/// a path ending in `/completions`. Mistral's API and Azure's with `data_sources` refuse the option, so these are left alone
/// too. A caller who says `include_usage`, true or false, gets what was asked for. A stream
/// that comes compressed is passed on with the chunk in it.
///
/// ```
/// use tower::ServiceBuilder;
/// use tower_llm_metrics::{MemorySink, StreamUsageLayer, UserMetricsLayer};
///
/// let stack = ServiceBuilder::new()
///     .layer(StreamUsageLayer::new())
///     .layer(UserMetricsLayer::new(MemorySink::new()));
/// # drop(stack);
/// ```
#[derive(Clone, Debug)]
pub struct StreamUsageLayer {
    limit: usize,
}

impl StreamUsageLayer {
    /// The default limit: 4 MiB.
    pub const DEFAULT_LIMIT: usize = 4 << 20;

    /// Creates a layer with the default limit.
    pub fn new() -> Self {
        Self { limit: Self::DEFAULT_LIMIT }
    }

    /// Sets how many bytes of a request's body are buffered at most. Defaults to 4 MiB.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

impl Default for StreamUsageLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for StreamUsageLayer {
    type Service = StreamUsage<S>;

    fn layer(&self, inner: S) -> Self::Service {
        StreamUsage { inner, limit: self.limit }
    }
}

/// A service whose streams tell their usage: see [`StreamUsageLayer`].
#[derive(Clone, Debug)]
pub struct StreamUsage<S> {
    inner: S,
    limit: usize,
}

impl<S, B, R> Service<Request<B>> for StreamUsage<S>
where
    S: Service<Request<StreamUsageRequestBody<B>>, Response = Response<R>> + Clone,
    B: Body,
    R: Body,
{
    type Response = Response<StreamUsageResponseBody<R>>;
    type Error = S::Error;
    type Future = StreamUsageFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready makes the call; the clone stays for the next one.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        StreamUsageFuture::new(ready, request, self.limit)
    }
}
