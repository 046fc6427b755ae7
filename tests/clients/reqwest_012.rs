//! The layer over a client of reqwest 0.12, against a real server.

#[path = "cases.rs"]
mod cases;

use reqwest012 as reqwest;
use tower_llm_metrics::client::reqwest_012::SendThrough;
