//! A sink that keeps what calls add up to and answers questions about users at once.
//!
//! # How it is kept
//!
//! The calls of a user are added up in *cells*: one for each quarter of an hour in which there was a call and each
//! kind of call (model, provider, operation, properties) in it. A question's window, zone and filter choose from the cells, so
//! that answers are exact for every zone, including those of half and quarter hours and the days on which clocks change. A
//! store is cut into shards by a keyed hash of the id, each under a lock of its own; the keys are random in each
//! process, so that ids can't be chosen to collide.
//!
//! A question is answered from a snapshot of each shard, which shares the rows: making it increments one reference count for
//! each 256 rows, and a call that changes a row meanwhile copies those 256, and up to 128 cells of a busy row. So no call waits
//! for an answer.
//!
//! # What it takes
//!
//! Bytes per user, of 100,000 users or more, counted by the allocator:
//!
//! | | bytes |
//! |---|---|
//! | a user with calls of one kind within one quarter of an hour, with all dimensions | 280 |
//! | each further cell: another quarter of an hour, or another model, operation or property in it | 200 to 280 |
//! | the first further cell of a user, in addition | 72 |
//! | a cell that is rolled up into a day | 250 |
//! | durations, from the sixth call of a cell on | 6 for each that is different, and at most 46 KB |
//! | an alert | 220, each further one 190, and one for spikes up to a kilobyte more |
//!
//! A dimension costs nothing where users make calls of one kind: models, operations and properties are kept apart in cells,
//! and switching one off saves the cells that differ in nothing else. A kept record takes about a kilobyte. Each shard
//! of a full store takes up to half a megabyte for its kinds and for its estimates of newcomers. `benches/stores` measures
//! this with `cargo run --release -- 1000000`.
//!
//! # What it costs
//!
//! A call of a known user takes 100 ns among 1,000 users, 280 among 100,000 and 500 among 1,000,000, drawn evenly and with all
//! aggregates on, on two virtual cores of an AMD EPYC that were busy with other things. All beyond 100 is spent waiting for
//! memory, since each row is on a page of its own. A record that is kept whole takes 140 ns more, and the threads that keep
//! them wait for one lock.
//!
//! A page of 50 by cost takes 3 to 6 ms among 100,000 users and 30 to 60 ms among 1,000,000, since it reads all rows. Calls do
//! not wait for it.
//!
//! # Its limits
//!
//! Everything is bounded by the options of [`MemorySinkBuilder`], and every answer says what is missing for that reason
//! ([`Gaps`](crate::report::Gaps), [`QueryError::TooFine`](crate::report::QueryError::TooFine)):
//!
//! | too many | what happens |
//! |---|---|
//! | users | the least active ones share a row, in which totals stay exact |
//! | kinds of calls | new ones lose their properties, then their model, and share a kind with others; totals stay exact |
//! | days | quarters of an hour become days of UTC, and these one cell without a date; totals and active days stay exact |
//! | cells | as with too many days, but sooner, for everybody alike |
//! | records kept whole | the oldest go |
//!
//! A flood of new ids gains nothing and pushes out nobody: a newcomer has to be more active than the user whose place it
//! takes. The activity of newcomers is estimated under keys that are random in each process, less what a flood adds to all
//! estimates alike. Kinds of calls keep the place that they have; those with properties take at most half of all places, and
//! those of a model that did not answer a quarter, since callers can make up its name.

mod alert;
mod alerts;
mod builder;
mod chunks;
mod days;
mod facet;
mod facets;
mod gather;
mod groups;
mod history;
mod horizon;
mod options;
mod over_time;
mod overview;
mod pace;
mod pieces;
mod quarters;
mod ranking;
mod recent;
mod report;
mod restore;
mod row;
mod shard;
mod sieve;
mod users;
mod visit;

pub use alert::{Alert, Fired, Watch};
pub use builder::MemorySinkBuilder;
pub use report::MemoryReport;

use super::MetricsSink;
use crate::record::{Record, UserId};
use crate::report::Who;
use crate::report::instant::{quarter_of, to_micros};
use alerts::AlertState;
use horizon::Horizons;
use options::MemoryOptions;
use pace::at_once;
use recent::Recent;
use row::UserRow;
use shard::{Arrival, RowKind, Shard, hash_of};
use std::borrow::Cow;
use std::fmt;
use std::hash::RandomState;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Adds up records in memory, by user, quarter of an hour and kind of call, and answers questions about them.
///
/// It is a handle: clones share one store. Its size is bounded; see [`MemorySink::builder`].
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
    // The number of users that have a row.
    users: AtomicUsize,
    horizons: Horizons,
    options: MemoryOptions,
    // The rows that are no user's are watched across all shards.
    nobody_alerts: Mutex<Vec<AlertState>>,
    other_alerts: Mutex<Vec<AlertState>>,
}

/// The size of a [`MemorySink`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryStats {
    /// Users with a row of their own.
    pub users: u64,
    /// Cells, each of which adds up calls of one user, one kind and one quarter of an hour (or day).
    pub cells: u64,
    /// Bytes on the heap, without the records that are kept whole. With more than 50,000 cells it is extrapolated from a
    /// random part of them.
    pub bytes: u64,
    /// Panics of alerts' callbacks.
    pub alert_panics: u64,
}

/// The number of cells that are measured to estimate the size of all.
const COUNTED: u64 = 50_000;

/// A shard on cache lines of its own, so that it does not slow down its neighbours.
#[repr(align(128))]
struct Locked(Mutex<Shard>);

impl MemorySink {
    /// Makes an empty store with the default limits.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder, which sets limits.
    pub fn builder() -> MemorySinkBuilder {
        MemorySinkBuilder::new()
    }

    fn with(options: MemoryOptions) -> Self {
        let hasher = RandomState::new();
        let horizons = Horizons::new(options.keep_quarters, options.keep_days);
        let shard = || Locked(Mutex::new(Shard::new(&options, &hasher, horizons.edges())));
        Self(Arc::new(Store {
            shards: (0..options.shards).map(|_| shard()).collect(),
            hasher,
            recent: Recent::new(options.recent),
            users: AtomicUsize::new(0),
            horizons,
            nobody_alerts: Mutex::default(),
            other_alerts: Mutex::default(),
            options,
        }))
    }

    /// Makes a store of all the records, with the default limits. A record that comes twice counts once.
    ///
    /// For other limits, see [`MemorySinkBuilder::restore`].
    pub fn restore(records: impl IntoIterator<Item = Record>) -> Self {
        Self::builder().restore(records)
    }

    /// Adds everything that another store holds. The two must have seen different records: what is added up can't be
    /// taken apart again. Where logs overlap, restore one store from all of them. Merging a store with itself does
    /// nothing.
    ///
    /// What the other store did not keep apart (times, kinds, users) is not kept apart here either.
    pub fn merge(&self, other: &Self) {
        if !Arc::ptr_eq(&self.0, &other.0) {
            self.0.merge(&other.0);
        }
    }

    /// Forgets a user, and returns whether the user had a row.
    ///
    /// The row is added to that of the other users, without the properties of its calls, so that all totals stay. The user's
    /// records are removed from those that are kept whole. Calls that were in the row of the others before cannot be told
    /// from those of others.
    pub fn forget(&self, user: &UserId) -> bool {
        self.0.recent.remove(|record| record.user_id() == Some(user));
        let hash = self.0.hash(user);
        self.0.shard(hash).is_some_and(|mut shard| shard.forget(user, hash, &self.0.users))
    }

    /// Returns the size of the store. It takes some milliseconds at most.
    pub fn stats(&self) -> MemoryStats {
        let mut stats =
            MemoryStats { alert_panics: self.0.options.alerts.panics(), ..MemoryStats::default() };
        let (mut cells, mut bytes) = (0, 0);
        for shard in &self.0.shards {
            let shard = lock(shard);
            stats.users += shard.rows.len() as u64;
            stats.cells += shard.cells() as u64;
            stats.bytes += shard.heap_bytes() as u64;
            if cells < COUNTED {
                cells += shard.cells() as u64;
                let snapshot = shard.snapshot();
                drop(shard);
                bytes += snapshot.cell_bytes() as u64;
            }
        }
        let all = u128::from(bytes) * u128::from(stats.cells) / u128::from(cells.max(1));
        stats.bytes += u64::try_from(all).unwrap_or(u64::MAX);
        stats
    }

    /// Returns the questions that the store answers.
    pub fn report(&self) -> MemoryReport<'_> {
        MemoryReport::new(&self.0)
    }

    /// Returns the last `limit` of the records that are kept whole, the latest first.
    pub fn recent(&self, limit: usize) -> Vec<Record> {
        let mut records = at_once(self.0.recent.last(limit, |_| true));
        records.reverse();
        records
    }

    /// Returns all records that are kept whole, in the order of their arrival.
    pub fn records(&self) -> Vec<Record> {
        at_once(self.0.recent.last(usize::MAX, |_| true))
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
        self.0.recent.add(Cow::Borrowed(record));
        self.0.add(record, true);
    }
}

impl Store {
    fn add(&self, record: &Record, fire: bool) {
        // Calls without a user are spread over the shards at random, so that they do not all wait for one lock.
        let hash = record.user_id().map_or(record.id.as_u128() as u64, |id| self.hash(id));
        let micros = to_micros(record.time);
        let quarter = quarter_of(micros);
        self.horizons.observe(quarter, || self.clock());
        let arrival = Arrival { micros, quarter, hash, horizon: self.horizons.now() };
        let Some(mut shard) = self.shard(hash) else { return };
        let kind = shard.add(record, arrival, &self.users);
        let too_large = shard.is_too_large();
        let alerts = &self.options.alerts;
        let fired = if alerts.is_empty() { Vec::new() } else { self.count(&mut shard, kind, record) };
        drop(shard);
        if too_large {
            self.horizons.shorten();
        }
        if fire {
            alerts.fire(&fired);
        }
    }

    /// Counts a call for the alerts, and returns those that it fires.
    fn count(&self, shard: &mut Shard, kind: RowKind, record: &Record) -> Vec<(usize, Fired)> {
        let alerts = &self.options.alerts;
        let count = |states: &Mutex<Vec<AlertState>>, who: Who| {
            let mut states = states.lock().unwrap_or_else(PoisonError::into_inner);
            alerts.count(&mut states, || who.clone(), record)
        };
        match kind {
            RowKind::Nobody => count(&self.nobody_alerts, Who::Nobody),
            RowKind::Other => count(&self.other_alerts, Who::Other),
            RowKind::User(place) => match shard.rows.get_mut(place) {
                Some(UserRow { id, alerts: states, .. }) => {
                    alerts.count(states.get_or_insert_default(), || Who::User(id.clone()), record)
                }
                None => Vec::new(),
            },
        }
    }

    /// Adds what another store holds, shard by shard. It never holds a lock of each store, so that two stores can be merged
    /// with each other at the same time.
    fn merge(&self, other: &Self) {
        self.horizons.join(other.horizons.resolution());
        for (at, theirs) in other.shards.iter().enumerate() {
            let theirs = lock(theirs).snapshot();
            let horizon = self.horizons.now();
            for UserRow { id, history, .. } in theirs.rows.iter() {
                let hash = self.hash(id);
                if let Some(mut shard) = self.shard(hash) {
                    let arrival = Arrival { micros: 0, quarter: 0, hash, horizon };
                    shard.absorb(id, history, &theirs.facets, arrival, &self.users);
                }
            }
            if let Some(mut shard) = self.shard((at as u64) << 40) {
                shard.absorb_shared(&theirs.nobody, &theirs.other, &theirs.facets, horizon);
            }
        }
        self.recent.join(&other.recent);
    }

    fn clock(&self) -> SystemTime {
        self.options.clock.call()
    }

    fn hash(&self, id: &UserId) -> u64 {
        hash_of(&self.hasher, id)
    }

    /// Locks the shard of a hash. There is one for every hash.
    fn shard(&self, hash: u64) -> Option<MutexGuard<'_, Shard>> {
        // The hash table uses the lowest bits and the highest seven; these are others.
        let at = (hash >> 40) as usize % self.shards.len();
        self.shards.get(at).map(lock)
    }
}

/// Locks a shard. A panic while it was locked can only have come from the allocator, so what it holds is whole.
fn lock(shard: &Locked) -> MutexGuard<'_, Shard> {
    shard.0.lock().unwrap_or_else(PoisonError::into_inner)
}
