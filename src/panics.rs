//! Panics in the application's code.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    /// Panics that [`apart`] has caught on this thread, for whoever called to count.
    static CAUGHT: Cell<u64> = const { Cell::new(0) };
}

/// Runs one of several pieces of code of the application, so that its panic keeps none of the others from running. It is counted
/// where all of them are called from, by [`Panics::catch`].
pub(crate) fn apart<T>(code: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(code))
        .map_err(|value| {
            CAUGHT.set(CAUGHT.get().saturating_add(1));
            drop_quietly(value);
        })
        .ok()
}

/// Drops the value of a panic, which may panic in turn; what that panic brings is not dropped any more.
fn drop_quietly(value: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        std::mem::forget(again);
    }
}

/// Runs code of the application (sink, pricer, identifier, filter) and counts its panics, which go no further: the
/// traffic is not ours to stop.
#[derive(Debug, Default)]
pub(crate) struct Panics(AtomicU64);

impl Panics {
    /// Returns what `code` returns, or `None` when it panicked.
    pub(crate) fn catch<T>(&self, code: impl FnOnce() -> T) -> Option<T> {
        let before = CAUGHT.get();
        let result = apart(code);
        let caught = CAUGHT.replace(before).wrapping_sub(before);
        if caught != 0 {
            self.0.fetch_add(caught, Ordering::Relaxed);
        }
        result
    }

    /// Returns how many were caught.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
