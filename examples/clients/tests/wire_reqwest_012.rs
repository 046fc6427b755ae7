//! The bytes on the wire of reqwest 0.12.

#[path = "support/reqwest_wire.rs"]
mod cases;
mod support;

use reqwest012 as reqwest;
use tower_llm_metrics::client::reqwest_012::SendThrough;
