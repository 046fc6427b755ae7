//! The price book.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "they are tests"
)]

mod book;
mod call;
mod cases;
mod lists;
mod models;
mod properties;
mod snapshot;
#[cfg(feature = "tracing")]
mod stale;
