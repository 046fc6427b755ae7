//! The layer, alone and among others: what passes through it, and the one record that each call leaves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "they are tests"
)]

#[path = "../support/capture.rs"]
mod capture;
#[path = "../../examples/support/exchange.rs"]
mod exchange;
#[path = "../support/mod.rs"]
mod support;
#[path = "../../examples/support/upstream/mod.rs"]
mod upstream;

mod calls;
mod chaos;
mod endings;
mod estimates;
mod field;
mod headers_only;
mod hostile;
mod hyper;
mod identity;
mod polled;
mod provider;
mod stack;
mod stack_server;
mod stream_usage;
mod transparency;
mod wire;
