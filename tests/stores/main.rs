//! The store in memory with its reports, and the log in files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "they are tests"
)]

#[path = "../support/records.rs"]
mod records;

mod file_sink;
mod log_model;
mod memory_clock;
mod memory_limits;
mod memory_sink;
mod report_answers;
mod report_model;
mod report_one_user;
mod sql;
