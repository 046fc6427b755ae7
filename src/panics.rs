//! Panics in the application's code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs code of the application (sink, pricer, identifier, filter) and counts its panics, which go no further: the
/// traffic is not ours to stop.
#[derive(Debug, Default)]
pub(crate) struct Panics(AtomicU64);

impl Panics {
    /// What `code` returns, or `None` when it panicked.
    pub(crate) fn catch<T>(&self, code: impl FnOnce() -> T) -> Option<T> {
        let result = catch_unwind(AssertUnwindSafe(code));
        if result.is_err() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        result.ok()
    }

    /// How many were caught.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
