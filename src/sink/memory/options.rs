//! The limits of a store, and what it asks of the application.

use super::alerts::Alerts;
use super::facet::Dimensions;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// What [`MemorySinkBuilder`](super::MemorySinkBuilder) sets.
#[derive(Clone, Debug)]
pub(crate) struct MemoryOptions {
    pub(crate) max_users: usize,
    pub(crate) max_kinds: usize,
    pub(crate) recent: usize,
    pub(crate) keep: Dimensions,
    pub(crate) durations: bool,
    pub(crate) shards: usize,
    pub(crate) max_cells: usize,
    pub(crate) keep_quarters: u32,
    pub(crate) keep_days: u32,
    /// The time.
    pub(crate) clock: Callback<SystemTime>,
    /// How many records were lost before they came here.
    pub(crate) dropped: Callback<u64>,
    pub(crate) alerts: Alerts,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            max_users: 100_000,
            max_kinds: 1_024,
            recent: 1_000,
            keep: Dimensions { models: true, operations: true, properties: true },
            durations: true,
            shards: (threads * 32).next_power_of_two().clamp(32, 256),
            max_cells: 4_000_000,
            keep_quarters: 62,
            keep_days: 800,
            clock: Callback::new(SystemTime::now),
            dropped: Callback::new(|| 0),
            alerts: Alerts::default(),
        }
    }
}

/// A question that the application answers.
#[derive(Clone)]
pub(crate) struct Callback<T>(Arc<dyn Fn() -> T + Send + Sync>);

impl<T> Callback<T> {
    pub(crate) fn new(callback: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(callback))
    }

    pub(crate) fn call(&self) -> T {
        (self.0)()
    }
}

impl<T> fmt::Debug for Callback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}
