//! What is taken of memory. The allocator counts for each thread, so that these tests may run at the same time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "they are tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod bounded;
#[cfg(feature = "prices")]
mod call;
mod long_lines;
#[cfg(feature = "prices")]
mod prices;
