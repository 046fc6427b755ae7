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
mod service;
