//! The proxy: as a process of its own, and in parts.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "they are tests"
)]

#[path = "../../../../tests/support/capture.rs"]
mod capture;

mod edges;
mod errors;
mod jobs;
mod process;
