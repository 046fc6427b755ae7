//! Panics in the application's code.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs code of the application (sink, pricer, identifier, filter) and counts its panics, which go no further: the
/// traffic is not ours to stop.
#[derive(Debug, Default)]
pub(crate) struct Panics(AtomicU64);

impl Panics {
    /// What `code` returns, or `None` when it panicked.
    pub(crate) fn catch<T>(&self, code: impl FnOnce() -> T) -> Option<T> {
        catch_unwind(AssertUnwindSafe(code)).map_err(|value| self.note(value)).ok()
    }

    /// Counts a panic and drops its value, which may panic in turn; what that panic brings is not dropped any more.
    fn note(&self, value: Box<dyn Any + Send>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            std::mem::forget(again);
        }
    }

    /// How many were caught.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
