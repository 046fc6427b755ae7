//! A shard of the store.

use super::facet::Facet;
use super::facets::Facets;
use super::gather::CellRef;
use super::history::History;
use super::horizon::{Edges, Horizon, Rolling};
use super::options::MemoryOptions;
use super::pieces::Pieces;
use super::row::UserRow;
use super::sieve::{PER_REQUEST, Sieve, activity, activity_of};
use crate::record::{Record, UserId};
use crate::report::Totals;
use hashbrown::HashTable;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The users whose ids hash to this shard, and a share of the calls without a user.
#[derive(Debug)]
pub(crate) struct Shard {
    // The places of rows, by id.
    table: HashTable<u32>,
    pub(crate) rows: Pieces<UserRow>,
    pub(crate) nobody: History,
    pub(crate) other: History,
    pub(crate) facets: Facets,
    // Made when the store is full for the first time.
    sieve: Option<Sieve>,
    hasher: RandomState,
    // How often a row was chosen at random.
    choices: u64,
    durations: bool,
    // What the rows before the place `tidy` are rolled up to.
    rolling: Rolling,
    tidy: usize,
    cells: usize,
    max_cells: usize,
    max_users: usize,
}

/// What a shard needs to know of a call beside its record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) micros: i64,
    pub(crate) quarter: i32,
    /// The hash of the user's id, or a random one for calls without a user.
    pub(crate) hash: u64,
    pub(crate) horizon: Horizon,
}

/// Returns the hash of an id under keys that are random in each process. Nothing else is hashed, so it needs no end mark.
#[inline]
pub(crate) fn hash_of(keys: &RandomState, id: &UserId) -> u64 {
    let mut hasher = keys.build_hasher();
    hasher.write(id.as_str().as_bytes());
    hasher.finish()
}

/// How many rows each call tidies up while there are any left, so that no call waits for all of them.
const TIDIED_AT_ONCE: usize = 4;

/// How many rows are candidates for making room; the least active one does.
const CANDIDATES: usize = 8;

impl Shard {
    pub(crate) fn new(options: &MemoryOptions, hasher: &RandomState, edges: &Arc<Edges>) -> Self {
        Self {
            table: HashTable::new(),
            rows: Pieces::default(),
            nobody: History::default(),
            other: History::default(),
            facets: Facets::new(options.keep, options.max_kinds, hasher.clone()),
            sieve: None,
            choices: 0,
            hasher: hasher.clone(),
            durations: options.durations,
            rolling: Rolling { horizon: Horizon::NONE, edges: Arc::clone(edges) },
            tidy: 0,
            cells: 0,
            max_cells: options.max_cells.div_ceil(options.shards),
            max_users: options.max_users,
        }
    }

    /// Adds a call and returns to which row. `users` counts the rows of all shards.
    pub(crate) fn add(&mut self, record: &Record, arrival: Arrival, users: &AtomicUsize) -> RowKind {
        self.tidy_up(arrival.horizon);
        let activity = activity_of(record);
        let place = match record.user_id() {
            None => Err(RowKind::Nobody),
            Some(id) => self.place(id, activity, arrival.hash, users).ok_or(RowKind::Other),
        };
        let history = match place {
            Err(RowKind::Nobody) => &mut self.nobody,
            Err(_) => &mut self.other,
            Ok(place) => match self.rows.get_mut(place) {
                Some(row) => {
                    row.count(activity);
                    &mut row.history
                }
                None => &mut self.other,
            },
        };
        let facet = self.facets.place(record, history.likely_facet());
        let at = (arrival.quarter, facet);
        let new = history.add(at, &self.rolling, self.durations, record, arrival.micros);
        self.cells += usize::from(new);
        place.map_or_else(|kind| kind, RowKind::User)
    }

    /// Returns the place of a user's row. One is made if there is room, or if the user is more active than another one whose
    /// place it can take.
    #[inline]
    fn place(&mut self, id: &UserId, activity: u64, hash: u64, users: &AtomicUsize) -> Option<usize> {
        if let Some(place) = self.find(id, hash) {
            return Some(place);
        }
        let free = |count: usize| (count < self.max_users).then_some(count + 1);
        if users.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).is_ok() {
            return self.push(UserRow::new(id.clone(), 0, 0), hash);
        }
        let limit = self.rows.len();
        let sieve = self.sieve.get_or_insert_with(|| Sieve::new(limit));
        let estimate = sieve.add(hash, activity);
        let victim = self.least_active()?;
        if self.rows.get(victim)?.standing() >= estimate.likely {
            return None;
        }
        self.evict(victim);
        let in_other = estimate.most.saturating_sub(activity) / PER_REQUEST;
        self.push(UserRow::new(id.clone(), estimate.likely.saturating_sub(activity), in_other), hash)
    }

    fn push(&mut self, row: UserRow, hash: u64) -> Option<usize> {
        let place = self.rows.len();
        let at = u32::try_from(place).ok()?;
        self.rows.push(row);
        let (rows, hasher) = (&self.rows, &self.hasher);
        let hash_at = |at: &u32| rows.get(*at as usize).map_or(0, |row| hash_of(hasher, &row.id));
        self.table.insert_unique(hash, at, hash_at);
        Some(place)
    }

    #[inline]
    pub(crate) fn find(&self, id: &UserId, hash: u64) -> Option<usize> {
        let same = |at: &u32| self.rows.get(*at as usize).is_some_and(|row| row.id == *id);
        self.table.find(hash, same).map(|at| *at as usize)
    }

    /// Returns the place of the least active of some random rows.
    fn least_active(&mut self) -> Option<usize> {
        let count = self.rows.len() as u64;
        let mut next = || {
            self.choices += 1;
            // Nobody outside of the process knows the keys.
            self.hasher.hash_one(self.choices).checked_rem(count)
        };
        let candidates: [Option<u64>; CANDIDATES] = std::array::from_fn(|_| next());
        let places = candidates.into_iter().flatten().map(|place| place as usize);
        places.min_by_key(|&place| self.rows.get(place).map(UserRow::standing))
    }

    /// Adds a row to that of the others.
    fn evict(&mut self, place: usize) {
        let Some(row) = self.remove(place) else { return };
        let hash = hash_of(&self.hasher, &row.id);
        if let Some(sieve) = &mut self.sieve {
            sieve.add(hash, row.activity);
        }
        self.cells += self.other.absorb(&row.history, &self.rolling, |kind, _| kind);
    }

    /// Adds what another store holds of a user.
    pub(crate) fn absorb(
        &mut self,
        id: &UserId,
        more: &History,
        kinds: &Pieces<Facet>,
        arrival: Arrival,
        users: &AtomicUsize,
    ) {
        self.tidy_up(arrival.horizon);
        let activity = more.iter().fold(0u64, |sum, CellRef { totals, .. }| {
            let (tokens, cost) = (totals.tokens().unwrap_or(0), totals.cost().unwrap_or_default());
            sum.saturating_add(activity(totals.requests(), tokens, cost.picos()))
        });
        let place = self.place(id, activity, arrival.hash, users);
        let history = match place.and_then(|place| self.rows.get_mut(place)) {
            Some(row) => {
                row.count(activity);
                &mut row.history
            }
            None => &mut self.other,
        };
        let adopt = |kind, of: &Totals| self.facets.adopt(kinds, kind, is_answered(of));
        self.cells += history.absorb(more, &self.rolling, adopt);
    }

    /// Adds what another store holds of calls without a user, and of the users it did not keep apart.
    pub(crate) fn absorb_shared(
        &mut self,
        nobody: &History,
        other: &History,
        kinds: &Pieces<Facet>,
        horizon: Horizon,
    ) {
        self.tidy_up(horizon);
        for (history, more) in [(&mut self.nobody, nobody), (&mut self.other, other)] {
            let adopt = |kind, of: &Totals| self.facets.adopt(kinds, kind, is_answered(of));
            self.cells += history.absorb(more, &self.rolling, adopt);
        }
    }

    /// Adds a user's row to that of the others, without the properties of its calls, and returns whether there was one.
    pub(crate) fn forget(&mut self, id: &UserId, hash: u64, users: &AtomicUsize) -> bool {
        let Some(row) = self.find(id, hash).and_then(|place| self.remove(place)) else { return false };
        users.fetch_sub(1, Ordering::Relaxed);
        let bare = |kind, of: &Totals| self.facets.without_properties(kind, is_answered(of));
        self.cells += self.other.absorb(&row.history, &self.rolling, bare);
        // The values of properties may say who it was: those that no other call has are removed as well.
        let mut kinds: Vec<_> = row.history.iter().map(|cell| cell.facet).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let rest = self.rows.iter().map(|row| &row.history).chain([&self.nobody, &self.other]);
        let used: HashSet<u32> = rest.flat_map(|history| history.iter().map(|cell| cell.facet)).collect();
        kinds.into_iter().filter(|kind| !used.contains(kind)).for_each(|kind| self.facets.remove(kind));
        true
    }

    /// Removes a row and puts the last one in its place.
    pub(crate) fn remove(&mut self, place: usize) -> Option<UserRow> {
        let row = self.rows.get(place)?;
        let hash = hash_of(&self.hasher, &row.id);
        if let Ok(entry) = self.table.find_entry(hash, |at| *at as usize == place) {
            entry.remove();
        }
        let removed = self.rows.swap_remove(place)?;
        self.cells = self.cells.saturating_sub(removed.history.cells());
        let last = self.rows.len();
        // Tidying up may have passed the place already.
        if let Some(moved) = self.rows.get_mut(place) {
            self.cells = self.cells.saturating_sub(moved.history.roll_up(&self.rolling));
            let hash = hash_of(&self.hasher, &moved.id);
            let entry = self.table.find_mut(hash, |at| *at as usize == last);
            if let (Some(entry), Ok(at)) = (entry, u32::try_from(place)) {
                *entry = at;
            }
        }
        Some(removed)
    }

    /// Rolls up what is beyond the horizon in the next few rows.
    #[inline]
    fn tidy_up(&mut self, horizon: Horizon) {
        // What is rolled up does not depend on the first call.
        let horizon = Horizon { oldest: self.rolling.horizon.oldest, ..horizon };
        if self.rolling.horizon != horizon {
            self.begin_to_tidy_up(horizon);
        }
        for _ in 0..TIDIED_AT_ONCE {
            let Some(row) = self.rows.get(self.tidy) else { return };
            // A row with nothing to roll up stays shared with the snapshots of questions.
            if row.history.is_beyond(&self.rolling)
                && let Some(row) = self.rows.get_mut(self.tidy)
            {
                self.cells = self.cells.saturating_sub(row.history.roll_up(&self.rolling));
            }
            self.tidy += 1;
        }
    }

    #[cold]
    fn begin_to_tidy_up(&mut self, horizon: Horizon) {
        self.rolling.horizon = horizon;
        self.tidy = 0;
        for history in [&mut self.nobody, &mut self.other] {
            self.cells = self.cells.saturating_sub(history.roll_up(&self.rolling));
        }
    }

    /// Returns whether there are too many cells even though all is rolled up that is beyond the horizon.
    pub(crate) fn is_too_large(&self) -> bool {
        self.cells > self.max_cells && self.tidy >= self.rows.len()
    }

    pub(crate) fn cells(&self) -> usize {
        self.cells
    }

    /// Returns what it holds at this moment.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { rows: self.rows.clone(), ..self.snapshot_of_shared() }
    }

    /// Returns what it holds at this moment without the users.
    pub(crate) fn snapshot_of_shared(&self) -> Snapshot {
        Snapshot {
            rows: Pieces::default(),
            nobody: self.nobody.clone(),
            other: self.other.clone(),
            facets: self.facets.list().clone(),
        }
    }

    /// Returns one user's row, and the kinds of calls.
    pub(crate) fn snapshot_of(&self, id: &UserId, hash: u64) -> Option<(UserRow, Pieces<Facet>)> {
        let row = self.find(id, hash).and_then(|place| self.rows.get(place))?.clone();
        Some((row, self.facets.list().clone()))
    }

    /// Returns the bytes on the heap, without those of the cells.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.sieve.as_ref().map_or(0, Sieve::heap_bytes)
            + self.rows.heap_bytes()
            + self.table.allocation_size()
            + self.facets.heap_bytes()
    }
}

/// Returns whether calls were answered, which [`Facets`] asks for.
fn is_answered(totals: &Totals) -> bool {
    totals.completed() > 0
}

/// What a shard held at one moment. Questions are answered from it, so that no call waits for an answer: making it increments
/// one reference count for each 256 rows, and a call that changes a row meanwhile copies these first.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) rows: Pieces<UserRow>,
    pub(crate) nobody: History,
    pub(crate) other: History,
    pub(crate) facets: Pieces<Facet>,
}

impl Snapshot {
    /// Returns the bytes of the cells on the heap, beside those in the rows.
    pub(crate) fn cell_bytes(&self) -> usize {
        let rows = self.rows.iter().map(|row| &row.history);
        let of = |history: &History| {
            history.heap_bytes() + history.iter().map(|cell| cell.heap_bytes()).sum::<usize>()
        };
        rows.chain([&self.nobody, &self.other]).map(of).sum()
    }
}

/// The row that a call was added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    User(usize),
    Nobody,
    Other,
}
