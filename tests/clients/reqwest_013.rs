//! The layer over a client of reqwest 0.13, against a real server.

#[path = "cases.rs"]
mod cases;

use ::reqwest;
use tower_llm_metrics::client::reqwest::SendThrough;
