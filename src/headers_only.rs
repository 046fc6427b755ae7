//! Metering without a look at the request's body.

use crate::body::ResponseBody;
use crate::future::ResponseFuture;
use crate::layer::UserMetricsLayer;
use crate::service::{UserMetrics, open};
use http::{Request, Response};
use http_body::Body;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// Meters a service with a fixed request type: a boxed service, a channel, a middleware's `Next`.
///
/// [`UserMetricsLayer`] wraps the body of the request, which such a service does not take. This layer leaves the request as it
/// is and reads its head only. The answer's body is wrapped and read like any other. So a record has
///
/// * the user of the extensions, the headers or [`Identify`](crate::Identify), never the body's;
/// * the model that the path or the answer names. A model that was refused, which the answer does not repeat, is absent;
/// * no estimate of a [`TokenCounter`](crate::TokenCounter), which would have to read the request;
/// * the outcome `broken` too where the caller's own body of the request failed, which is not seen here;
/// * `not_requested` for every chat stream that ends without usage: whether it was asked for is not known here.
///
/// It is made from a [`UserMetricsLayer`], whose settings, sink and counts it shares.
///
/// ```
/// use tower::{Layer, ServiceExt};
/// use tower::util::BoxCloneService;
/// use tower_llm_metrics::{HeadersOnlyLayer, MemorySink, UserMetricsLayer};
/// # use http_body_util::{BodyExt, Full};
/// # use bytes::Bytes;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let client = tower::service_fn(|_: http::Request<Full<Bytes>>| async {
/// #     Ok::<_, std::convert::Infallible>(http::Response::new(Full::<Bytes>::from(
/// #         r#"{"model":"gpt-5-mini","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}"#,
/// #     )))
/// # });
/// // The type says which body it takes, and no other will do.
/// let client: BoxCloneService<http::Request<Full<Bytes>>, _, _> = BoxCloneService::new(client);
///
/// let users = MemorySink::new();
/// let client = HeadersOnlyLayer::new(UserMetricsLayer::new(users.clone())).layer(client);
///
/// let request = http::Request::post("https://api.openai.com/v1/chat/completions")
///     .header("Helicone-User-Id", "alice")
///     .body(Full::from(r#"{"model":"gpt-5-mini","user":"not read","messages":[]}"#))
///     .unwrap();
/// client.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
///
/// let record = users.recent(1).pop().unwrap();
/// assert_eq!(record.user_id().unwrap().as_str(), "alice");
/// assert_eq!(record.usage.output_tokens, Some(5));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HeadersOnlyLayer(UserMetricsLayer);

impl HeadersOnlyLayer {
    /// Creates a layer with the settings, the sink and the counts of `layer`, whose body fields have no meaning here.
    pub fn new(layer: UserMetricsLayer) -> Self {
        Self(layer)
    }
}

impl<S> Layer<S> for HeadersOnlyLayer {
    type Service = HeadersOnly<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HeadersOnly(self.0.layer(inner))
    }
}

/// A service whose calls are metered by their heads and answers: see [`HeadersOnlyLayer`].
#[derive(Clone, Debug)]
pub struct HeadersOnly<S>(UserMetrics<S>);

impl<S> HeadersOnly<S> {
    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        self.0.get_ref()
    }

    /// Returns the inner service, which can be changed.
    pub fn get_mut(&mut self) -> &mut S {
        self.0.get_mut()
    }

    /// Returns the inner service without the layer.
    pub fn into_inner(self) -> S {
        self.0.into_inner()
    }
}

impl<S, B, R> Service<Request<B>> for HeadersOnly<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let guard = open(&self.0.meter, &mut parts);
        ResponseFuture::new(self.0.inner.call(Request::from_parts(parts, body)), guard)
    }
}
