//! The layer over reqwest 0.12, as [over 0.13](super::reqwest).
//!
//! ```no_run
//! # use reqwest012 as reqwest;
//! use tower::Layer;
//! use tower_llm_metrics::client::reqwest_012::SendThrough;
//! use tower_llm_metrics::{MemorySink, UserMetricsLayer};
//!
//! # async fn run() -> Result<(), reqwest::Error> {
//! let client = reqwest::Client::new();
//! let metered = UserMetricsLayer::new(MemorySink::new()).layer(client.clone());
//! let response = client.get("https://api.openai.com/v1/models").send_through(&metered).await?;
//! # drop(response);
//! # Ok(()) }
//! ```
//!
//! In a client of reqwest-middleware 0.4, a middleware of one's own puts the layer around the rest of the chain:
//!
//! ```ignore
//! // A middleware holds `self.0`, a `UserMetricsLayer`; in its `handle`:
//! let rest = tower::service_fn(|request| {
//!     let (next, mut extensions) = (next.clone(), extensions.clone());
//!     async move { next.run(request, &mut extensions).await }
//! });
//! self.0.layer(rest).oneshot(request).await
//! ```

// The two versions have the same API and no common type.
#[allow(clippy::duplicate_mod, reason = "compiled once for each version of reqwest")]
#[path = "reqwest/adapter.rs"]
mod adapter;

pub use adapter::{ReqwestFuture, SendThrough};

// The version that the adapter is for.
use ::reqwest012 as reqwest;
