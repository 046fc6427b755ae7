//! The dashboard, through its service. In a browser it is tested by `run`, beside this file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "they are tests"
)]

mod helicone;
mod own_report;
mod service;

// The dashboard stands on the public API alone: its source compiles in another crate too, where nothing else of the library exists.
#[path = "../../src/dashboard/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "it is compiled, and not used")]
mod dashboard;
use tower_llm_metrics::{Record, record, report, sink};
