//! Warning once that something is being lost.

use super::channel::Pushed;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// A warning that is given once, with the feature `tracing`. The counts of sinks show what comes after it.
#[derive(Debug, Default)]
pub(crate) struct WarnOnce(AtomicBool);

impl WarnOnce {
    pub(crate) fn warn(&self, what: &'static str, reason: &dyn fmt::Display) {
        if self.0.load(Ordering::Relaxed) || self.0.swap(true, Ordering::Relaxed) {
            return;
        }
        #[cfg(feature = "tracing")]
        tracing::warn!(%reason, "{what}; this is said once, the sink's counts tell the rest");
        #[cfg(not(feature = "tracing"))]
        let _ = (what, reason);
    }

    /// Warns of a record that a queue did not take.
    pub(super) fn dropped(&self, pushed: Pushed) {
        match pushed {
            Pushed::Queued => {}
            Pushed::Full => self.warn("records are dropped", &"the sink's queue is full"),
            Pushed::Closed => self.warn("records are dropped", &"the sink was closed"),
        }
    }
}
