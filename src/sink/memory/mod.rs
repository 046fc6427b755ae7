//! A sink that answers questions about users at once.

mod builder;
mod facets;
mod history;
mod ranking;
mod recent;
mod report;
mod row;
mod shard;
mod slab;

pub use builder::MemorySinkBuilder;
pub use report::MemoryReport;

use super::MetricsSink;
use crate::record::{Record, UserId};
use crate::report::instant::to_micros;
use builder::Settings;
use recent::Recent;
use shard::Shard;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Adds up records in memory, by user, quarter of an hour and kind of call, and answers questions about them.
///
/// It is a handle: clones share one store. Everything in it is bounded; see [`MemorySink::builder`].
///
/// ```
/// use std::time::SystemTime;
/// use tower_llm_metrics::report::{SortBy, UserQuery};
/// use tower_llm_metrics::{MemorySink, MetricsSink, Record, User, UserId};
///
/// let users = MemorySink::new();
/// let mut record = Record::new(SystemTime::now());
/// record.user = Some(User::verified(UserId::new("alice").unwrap()));
/// users.record(&record);
///
/// for user in users.report().users(&UserQuery::new().sort(SortBy::Cost).limit(10)) {
///     println!("{user}");
/// }
/// ```
#[derive(Clone)]
pub struct MemorySink(Arc<Store>);

struct Store {
    shards: Vec<Locked>,
    hasher: RandomState,
    recent: Recent,
}

/// A shard on cache lines of its own, so that one does not slow down its neighbours.
#[repr(align(128))]
struct Locked(Mutex<Shard>);

impl MemorySink {
    /// An empty store with the limits of [`MemorySink::builder`].
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Sets limits first.
    pub fn builder() -> MemorySinkBuilder {
        MemorySinkBuilder::new()
    }

    fn with(settings: Settings) -> Self {
        let hasher = RandomState::new();
        // Rounded up, so that no limit above 0 becomes one of 0.
        let limit = settings.max_users.div_ceil(settings.shards.max(1));
        let shard = || Locked(Mutex::new(Shard::new(&settings, limit, &hasher)));
        let shards = (0..settings.shards.max(1)).map(|_| shard()).collect();
        Self(Arc::new(Store { shards, recent: Recent::new(settings.recent), hasher }))
    }

    /// A store of all the records, each counted once.
    pub fn restore(records: impl IntoIterator<Item = Record>) -> Self {
        let sink = Self::new();
        records.into_iter().for_each(|record| sink.record(&record));
        sink
    }

    /// The questions.
    pub fn report(&self) -> MemoryReport<'_> {
        MemoryReport::new(&self.0)
    }

    /// The last `limit` of the records that are kept whole, the latest first.
    pub fn recent(&self, limit: usize) -> Vec<Record> {
        let mut records = self.0.recent.last(limit, |_| true);
        records.reverse();
        records
    }

    /// All records that are kept whole, in the order of their arrival.
    pub fn records(&self) -> Vec<Record> {
        self.0.recent.last(usize::MAX, |_| true)
    }
}

impl Default for MemorySink {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySink").finish_non_exhaustive()
    }
}

impl MetricsSink for MemorySink {
    fn record(&self, record: &Record) {
        self.0.add(record);
    }
}

impl Store {
    fn add(&self, record: &Record) {
        self.recent.add(record);
        // Calls without a user are spread by chance, so that they do not all wait for one lock.
        let hash = record.user_id().map_or(record.id.as_u128() as u64, |id| self.hash(id));
        if let Some(mut shard) = self.shard(hash) {
            shard.add(record, to_micros(record.time), hash, &self.hasher);
        }
    }

    fn hash(&self, id: &UserId) -> u64 {
        self.hasher.hash_one(id.as_str())
    }

    /// The shard of a hash. It is there for every hash.
    fn shard(&self, hash: u64) -> Option<MutexGuard<'_, Shard>> {
        // Bits that neither the table's place (the lowest) nor its marks (the highest seven) are made of.
        let at = (hash >> 40) as usize % self.shards.len();
        self.shards.get(at).map(lock)
    }

    fn shards(&self) -> impl Iterator<Item = MutexGuard<'_, Shard>> {
        self.shards.iter().map(lock)
    }
}

/// A panic while a shard was locked can only have come from the allocator: what the shard holds is whole.
fn lock(shard: &Locked) -> MutexGuard<'_, Shard> {
    shard.0.lock().unwrap_or_else(PoisonError::into_inner)
}
