//! The bytes on the wire of reqwest 0.13.

#[path = "support/reqwest_wire.rs"]
mod cases;
mod support;

use ::reqwest;
use tower_llm_metrics::client::reqwest::SendThrough;
