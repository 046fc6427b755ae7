//! What a store keeps, and how much of it.

use super::MemorySink;
use super::alert::{Alert, Fired};
use super::options::{Callback, MemoryOptions};
use std::sync::Arc;
use std::time::SystemTime;

/// The limits of a [`MemorySink`].
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

    /// How many users have a row of their own: 100,000 unless told.
    ///
    /// When there are more, the least active ones share a row, whose totals stay exact, and answers say so. Activity
    /// is requests, tokens and cost together. A newcomer takes the row of a less active user once the newcomer's own
    /// activity, that in the shared row included, is larger: no flood of new ids hides somebody, and nobody hides by
    /// dropping out again and again.
    pub fn max_users(mut self, users: usize) -> Self {
        self.options.max_users = users;
        self
    }

    /// How many of the last records are kept whole: 1,000 unless told. Each takes about a kilobyte.
    pub fn recent(mut self, records: usize) -> Self {
        self.options.recent = records;
        self
    }

    /// How many kinds of calls (model, provider, operation and properties together) are kept apart: 1,024 unless told,
    /// in each of the up to 256 parts of the store.
    ///
    /// When there are more, new ones lose their properties, then the name of their model, and are counted with others of which as
    /// much is known: totals stay exact, and answers say how many requests they could not decide on. Kinds with properties take
    /// at most half of the places, those of a model that did not answer a quarter, and all that name a model three quarters.
    pub fn max_kinds(mut self, kinds: usize) -> Self {
        self.options.max_kinds = kinds;
        self
    }

    /// How many cells are kept: 4,000,000 unless told. A cell adds up one user's calls of one kind within a quarter of an hour,
    /// and takes about 200 bytes. When there are more, the past is kept less fine, the same for everybody.
    pub fn max_cells(mut self, cells: usize) -> Self {
        self.options.max_cells = cells;
        self
    }

    /// For how many days quarters of an hour are told apart: 62 unless told. Before that, days of UTC are.
    pub fn keep_quarters(mut self, days: u32) -> Self {
        self.options.keep_quarters = days;
        self
    }

    /// For how many days any times are told apart: 800 unless told, and never less than quarters are. What is older stays in the
    /// totals, with its active days by UTC.
    pub fn keep_days(mut self, days: u32) -> Self {
        self.options.keep_days = days;
        self
    }

    /// The clock by which the past is rolled up and "today" is meant: the system's unless told. It is for tests, and
    /// for reading old logs as of their time.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.options.clock = Callback::new(clock);
        self
    }

    /// Tells how many records were lost on their way to the store, in a queue before it for instance: the number
    /// travels with the overview.
    pub fn dropped(mut self, count: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.options.dropped = Callback::new(count);
        self
    }

    /// Calls back when a user crosses a threshold. The callback runs on the task that drove the call, as
    /// [`MetricsSink::record`](crate::MetricsSink::record) does: it must not block. Its panics are caught and counted.
    pub fn alert(mut self, alert: Alert, callback: impl Fn(&Fired) + Send + Sync + 'static) -> Self {
        self.options.alerts.push(alert, Arc::new(callback));
        self
    }

    /// Whether models and providers are kept apart: yes unless told.
    pub fn models(mut self, keep: bool) -> Self {
        self.options.keep.models = keep;
        self
    }

    /// Whether operations are kept apart: yes unless told.
    pub fn operations(mut self, keep: bool) -> Self {
        self.options.keep.operations = keep;
        self
    }

    /// Whether properties are kept apart: yes unless told.
    pub fn properties(mut self, keep: bool) -> Self {
        self.options.keep.properties = keep;
        self
    }

    /// Whether latencies and times to the first token are kept: yes unless told.
    pub fn durations(mut self, keep: bool) -> Self {
        self.options.durations = keep;
        self
    }

    /// The store.
    pub fn build(mut self) -> MemorySink {
        // Few users in many parts would fill one part before the others.
        let parts = (self.options.max_users / 16).max(1);
        self.options.shards = self.options.shards.min(1 << parts.ilog2());
        MemorySink::with(self.options)
    }
}
