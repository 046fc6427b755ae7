//! Adapters for clients that are not services over `http` types, each behind a feature.
//!
//! | client | feature | how |
//! |---|---|---|
//! | reqwest 0.13 | `reqwest` | [`UserMetrics`](crate::UserMetrics) over a `reqwest::Client`, and `send_through` for a `RequestBuilder` |
//! | reqwest 0.12 | `reqwest-012` | the same |
//! | reqwest-middleware 0.5 | `reqwest-middleware` | [`UserMetricsLayer`](crate::UserMetricsLayer) is a `Middleware` |
//!
//! Any other client whose endpoint can be set is metered by the proxy among the examples. `examples/clients` shows
//! async-openai, rig and genai.

#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
pub mod reqwest;
#[cfg(feature = "reqwest-012")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest-012")))]
pub mod reqwest_012;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware;
