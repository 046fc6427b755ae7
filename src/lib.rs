//! One [`tower::Layer`](tower_layer::Layer) around any HTTP client or server that talks to LLM APIs: which end user made which
//! call, with how many tokens, at what cost.
//!
//! ```
//! use tower::{ServiceBuilder, ServiceExt};
//! use tower_llm_metrics::report::{SortBy, UserQuery};
//! use tower_llm_metrics::{MemorySink, UserMetricsLayer};
//! # use http_body_util::{BodyExt, Full};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let client = tower::service_fn(|request: http::Request<tower_llm_metrics::RequestBody<Full<bytes::Bytes>>>| async {
//! #     request.into_body().collect().await.map(|_| http::Response::new(Full::new(bytes::Bytes::from("{}"))))
//! # });
//!
//! let users = MemorySink::new();
//! let client = ServiceBuilder::new()
//!     .layer(UserMetricsLayer::new(users.clone()))
//!     .service(client); // hyper's client, an axum router, or reqwest through the `reqwest` feature
//!
//! let request = http::Request::post("https://api.openai.com/v1/chat/completions")
//!     .header("Helicone-User-Id", "alice") // taken out on the way: it is a provider's host
//!     .body(Full::from(r#"{"model":"gpt-5-mini","messages":[]}"#))
//!     .unwrap();
//! client.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
//!
//! for user in users.report().users(&UserQuery::new().sort(SortBy::Cost).limit(10)) {
//!     println!("{user}");
//! }
//! # }
//! ```
//!
//! # The way of a call
//!
//! [`UserMetrics`] wraps the request's body in [`RequestBody`] and the answer's in [`ResponseBody`]. Both pass every frame on at
//! once and unchanged, and look at it in passing: push parsers pick the few fields that matter and keep nothing else. When the
//! call ends, in whatever way, the facts become one [`Record`], the [`Pricer`] says what it cost, and the [`MetricsSink`] gets it.
//!
//! [`docs::ordering`] explains its place among other layers.
//!
//! # Stability
//!
//! Types of these crates stand in the public API: `http`, `http-body`, `bytes`, `tower-layer`, `tower-service`, `serde`, and, behind
//! their features, `reqwest` and `reqwest-middleware`. Enums and structs that may grow are `non_exhaustive`. Keys of a record's JSON are added, never
//! changed, within version 1.
//!
//! # Cancel safety
//!
//! Dropping a future or a body at any time is an ending like any other: it leaves one record, and nothing else happens.
//!
//! # Panics in callbacks
//!
//! A panic of a sink, a pricer, an [`Identify`], a [`TokenCounter`] or a filter is caught and counted by [`UserMetricsLayer::panics`]. With
//! `panic = "abort"` it ends the process, as anything else that panics does.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `prices` | yes | the price snapshot that is compiled in |
//! | `tz` | | the time zone database, for reports in any zone |
//! | `gzip`, `zstd` | | compressed segments of [`FileSink`], and compressed answers are read |
//! | `tracing` | | events, once each: the first loss of a sink, price data that is too old |
//! | `reqwest`, `reqwest-012` | | the layer over `reqwest::Client`, 0.13 and 0.12: [`client`] |
//! | `reqwest-middleware` | | the layer as a middleware of reqwest-middleware 0.5 |
//! | `dashboard` | | pages and a JSON API over a report, as a service: [`dashboard`] |
//! | `pseudonym` | | user ids replaced by their keyed HMAC |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod body;
pub mod client;
#[cfg(feature = "dashboard")]
#[cfg_attr(docsrs, doc(cfg(feature = "dashboard")))]
pub mod dashboard;
pub mod docs;
mod exchange;
mod future;
mod headers_only;
mod identify;
mod json;
mod layer;
mod meter;
mod panics;
mod pending;
pub mod price;
pub mod record;
pub mod report;
mod service;
pub mod sink;
mod stream_usage;
mod token_counter;
mod wire;

pub use body::{RequestBody, ResponseBody};
pub use future::ResponseFuture;
pub use headers_only::{HeadersOnly, HeadersOnlyLayer};
pub use identify::Identify;
pub use layer::UserMetricsLayer;
pub use price::{PriceBook, PricedCall, Pricer};
pub use record::{Cost, Operation, Outcome, Provider, Record, Usage, Usd, User, UserId, UserSource};
pub use service::UserMetrics;
pub use sink::MetricsSink;
pub use sink::file::FileSink;
pub use sink::memory::MemorySink;
pub use stream_usage::{
    StreamUsage, StreamUsageFuture, StreamUsageLayer, StreamUsageRequestBody, StreamUsageResponseBody,
};
pub use token_counter::TokenCounter;

#[cfg(all(doctest, feature = "reqwest-middleware", feature = "dashboard"))]
#[doc = include_str!("../README.md")]
struct Readme;
