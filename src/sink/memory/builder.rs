//! Setting up a store.

use super::MemorySink;
use super::alert::{Alert, Fired};
use super::options::{Callback, MemoryOptions};
use std::sync::Arc;
use std::time::SystemTime;

/// Sets up a [`MemorySink`]; made by [`MemorySink::builder`].
///
/// ```
/// use tower_llm_metrics::MemorySink;
///
/// let users = MemorySink::builder().max_users(10_000).recent(100).build();
/// assert!(users.records().is_empty());
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is kept before `build`"]
pub struct MemorySinkBuilder {
    options: MemoryOptions,
}

impl MemorySinkBuilder {
    pub(super) fn new() -> Self {
        Self { options: MemoryOptions::default() }
    }

    /// Sets how many users have a row of their own. Defaults to 100,000.
    ///
    /// When there are more, the least active ones share a row, whose totals stay exact, and answers say so. Activity
    /// is requests, tokens and cost together. A newcomer takes the row of a less active user once the newcomer's own
    /// activity, including that in the shared row, is larger: no flood of new ids hides somebody, and nobody hides by
    /// dropping out again and again.
    pub fn max_users(mut self, users: usize) -> Self {
        self.options.max_users = users;
        self
    }

    /// Sets how many of the last records are kept whole. Defaults to 1,000; each takes about a kilobyte.
    pub fn recent(mut self, records: usize) -> Self {
        self.options.recent = records;
        self
    }

    /// Sets how many kinds of calls (model, provider, operation and properties together) each of the up to 256 shards keeps
    /// apart. Defaults to 1,024.
    ///
    /// When there are more, new ones lose their properties, then the name of their model, and are counted with others that
    /// look the same then: totals stay exact, and answers say how many requests they could not decide on. Kinds with
    /// properties take at most half of the places, those of a model that did not answer a quarter, and all that name a model
    /// three quarters.
    pub fn max_kinds(mut self, kinds: usize) -> Self {
        self.options.max_kinds = kinds;
        self
    }

    /// Sets how many cells are kept. Defaults to 4,000,000. A cell adds up one user's calls of one kind within a quarter of an
    /// hour, and takes about 200 bytes. When there are more, the past is kept less finely, the same for everybody.
    pub fn max_cells(mut self, cells: usize) -> Self {
        self.options.max_cells = cells;
        self
    }

    /// Sets for how many days quarters of an hour are kept apart. Defaults to 62; older calls are kept by days of UTC.
    pub fn keep_quarters(mut self, days: u32) -> Self {
        self.options.keep_quarters = days;
        self
    }

    /// Sets for how many days calls are kept by day, which is never less than quarters are. Defaults to 800. What is older
    /// stays in the totals, with its active days in UTC.
    pub fn keep_days(mut self, days: u32) -> Self {
        self.options.keep_days = days;
        self
    }

    /// Sets the clock that says what is today and what is old. Defaults to the system's; others are for tests, and for
    /// reading old logs as of their time.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.options.clock = Callback::new(clock);
        self
    }

    /// Sets where the overview's count of records comes from that were lost before they reached the store, in a queue for
    /// instance.
    pub fn dropped(mut self, count: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.options.dropped = Callback::new(count);
        self
    }

    /// Adds an alert, which calls back when a user crosses a threshold. The callback runs on the task that drove the call, as
    /// [`MetricsSink::record`](crate::MetricsSink::record) does: it must not block. Its panics are caught and counted.
    pub fn alert(mut self, alert: Alert, callback: impl Fn(&Fired) + Send + Sync + 'static) -> Self {
        self.options.alerts.push(alert, Arc::new(callback));
        self
    }

    /// Sets whether models and providers are kept apart. Defaults to true.
    pub fn models(mut self, keep: bool) -> Self {
        self.options.keep.models = keep;
        self
    }

    /// Sets whether operations are kept apart. Defaults to true.
    pub fn operations(mut self, keep: bool) -> Self {
        self.options.keep.operations = keep;
        self
    }

    /// Sets whether properties are kept apart. Defaults to true.
    pub fn properties(mut self, keep: bool) -> Self {
        self.options.keep.properties = keep;
        self
    }

    /// Sets whether latencies and times to the first token are kept. Defaults to true.
    pub fn durations(mut self, keep: bool) -> Self {
        self.options.durations = keep;
        self
    }

    /// Makes the store.
    pub fn build(mut self) -> MemorySink {
        // A few users in many shards would fill one shard before the others.
        let parts = (self.options.max_users / 16).max(1);
        self.options.shards = self.options.shards.min(1 << parts.ilog2());
        MemorySink::with(self.options)
    }
}
