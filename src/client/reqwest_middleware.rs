//! The layer as a middleware of reqwest-middleware 0.5.

use super::reqwest::{ReqwestFuture, open};
use crate::layer::UserMetricsLayer;
use ::reqwest_middleware::{Middleware, Next, Result};
use async_trait::async_trait;
use http::Extensions;

/// In a client of [reqwest-middleware](::reqwest_middleware) 0.5 (feature `reqwest-middleware`), so that
/// `client.post(url).json(&body).send()` stays as it is.
///
/// It behaves as over a `reqwest::Client`, and reads a [`User`](crate::User) from the extensions of the request too. Standing
/// before a middleware that retries, it makes one record for each logical call; behind it, one for each attempt.
///
/// ```no_run
/// use reqwest_middleware::ClientBuilder;
/// use tower_llm_metrics::{MemorySink, User, UserId, UserMetricsLayer};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let users = MemorySink::new();
/// let client = ClientBuilder::new(reqwest::Client::new()).with(UserMetricsLayer::new(users.clone())).build();
///
/// let response = client
///     .post("https://api.openai.com/v1/chat/completions")
///     .body(r#"{"model": "gpt-5-mini", "messages": []}"#)
///     .with_extension(User::verified(UserId::new("alice")?)) // or a header, or the body
///     .send()
///     .await?;
/// println!("{}", response.text().await?);
/// # Ok(()) }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest-middleware")))]
#[async_trait]
impl Middleware for UserMetricsLayer {
    async fn handle(
        &self,
        mut request: ::reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<::reqwest::Response> {
        let guard = open(&self.meter, &mut request, extensions);
        ReqwestFuture::new(next.run(request, extensions), guard).await
    }
}
