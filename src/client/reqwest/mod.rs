//! The layer over reqwest 0.13.
//!
//! ```no_run
//! use tower::Layer;
//! use tower_llm_metrics::client::reqwest::SendThrough;
//! use tower_llm_metrics::{MemorySink, UserMetricsLayer};
//!
//! # async fn run() -> Result<(), reqwest::Error> {
//! let users = MemorySink::new();
//! let client = reqwest::Client::new();
//! let metered = UserMetricsLayer::new(users.clone()).layer(client.clone());
//!
//! let response = client
//!     .post("https://api.openai.com/v1/chat/completions")
//!     .header("Helicone-User-Id", "alice") // taken out before the request goes on to a provider
//!     .body(r#"{"model": "gpt-5-mini", "messages": []}"#)
//!     .send_through(&metered) // `send()` would go around the layer
//!     .await?;
//! println!("{}", response.text().await?);
//! # Ok(()) }
//! ```

mod adapter;

#[cfg(feature = "reqwest-middleware")]
pub(super) use adapter::open;
pub use adapter::{ReqwestFuture, SendThrough};

// The version that the adapter is for.
use ::reqwest;
