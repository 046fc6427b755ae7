//! The layer over a client of reqwest 0.13, against a real server.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]
#![cfg(feature = "reqwest")]

#[path = "support/reqwest_cases.rs"]
mod cases;
mod support;
#[path = "../examples/support/upstream/mod.rs"]
mod upstream;

use ::reqwest;
use tower_llm_metrics::client::reqwest::SendThrough;
