//! The layer over clients, against a real server.

#![cfg(any(feature = "reqwest", feature = "reqwest-012"))]
#![allow(clippy::duplicate_mod, reason = "both versions of reqwest have the same cases")]
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
#[path = "../../examples/support/upstream/mod.rs"]
mod upstream;

#[cfg(feature = "reqwest-012")]
mod reqwest_012;
#[cfg(feature = "reqwest")]
mod reqwest_013;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware;
