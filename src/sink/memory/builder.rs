//! What a store keeps, and how much of it.

use super::MemorySink;
use crate::report::facet::Dimensions;

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
    settings: Settings,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) max_users: usize,
    pub(crate) max_kinds: usize,
    pub(crate) recent: usize,
    pub(crate) keep: Dimensions,
    pub(crate) durations: bool,
    pub(crate) shards: usize,
}

impl MemorySinkBuilder {
    pub(super) fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            settings: Settings {
                max_users: 100_000,
                max_kinds: 4_096,
                recent: 1_000,
                keep: Dimensions { models: true, operations: true, properties: true },
                durations: true,
                shards: (threads * 32).next_power_of_two().clamp(32, 256),
            },
        }
    }

    /// How many users have a row of their own: 100,000 unless told. Others share one, and answers say so.
    pub fn max_users(mut self, users: usize) -> Self {
        self.settings.max_users = users;
        self
    }

    /// How many of the last records are kept whole: 1,000 unless told. Each takes about a kilobyte.
    pub fn recent(mut self, records: usize) -> Self {
        self.settings.recent = records;
        self
    }

    /// Whether models and providers are kept apart: yes unless told.
    pub fn models(mut self, keep: bool) -> Self {
        self.settings.keep.models = keep;
        self
    }

    /// Whether operations are kept apart: yes unless told.
    pub fn operations(mut self, keep: bool) -> Self {
        self.settings.keep.operations = keep;
        self
    }

    /// Whether properties are kept apart: yes unless told.
    pub fn properties(mut self, keep: bool) -> Self {
        self.settings.keep.properties = keep;
        self
    }

    /// Whether latencies and times to the first token are kept: yes unless told.
    pub fn durations(mut self, keep: bool) -> Self {
        self.settings.durations = keep;
        self
    }

    /// The store.
    pub fn build(self) -> MemorySink {
        MemorySink::with(self.settings)
    }
}
