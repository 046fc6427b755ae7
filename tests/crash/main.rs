//! What a log has left when its process is killed or its disk is full.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "they are tests"
)]

#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(unix)]
mod killed;
