//! Records: their JSON, and what recorded exchanges yield.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "they are tests"
)]

#[path = "../../examples/support/exchange.rs"]
mod exchange;
#[path = "../support/records.rs"]
mod records;

mod corpus;
mod json;
