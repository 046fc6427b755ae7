//! A part of the store, under a lock of its own.

use super::builder::Settings;
use super::facets::Facets;
use super::history::History;
use super::row::{Brief, Row};
use super::slab::Slab;
use crate::record::{Record, UserId};
use crate::report::Who;
use crate::report::instant::quarter_of;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// A part of the store: the users whose ids hash to it, and a share of the calls without a user.
#[derive(Debug)]
pub(crate) struct Shard {
    // Where a user's row is; a part of the hash stands beside it, so that a search seldom looks at a wrong row.
    table: HashTable<(u32, u32)>,
    // Side by side, at the same places.
    pub(crate) briefs: Slab<Brief>,
    pub(crate) rows: Slab<Row>,
    pub(crate) nobody: History,
    pub(crate) other: History,
    pub(crate) facets: Facets,
    limit: usize,
    durations: bool,
}

/// Some bits of a hash that the table does not use itself.
fn tag(hash: u64) -> u32 {
    (hash >> 24) as u32
}

impl Shard {
    pub(crate) fn new(settings: &Settings, limit: usize, hasher: &RandomState) -> Self {
        Self {
            table: HashTable::new(),
            briefs: Slab::new(),
            rows: Slab::new(),
            nobody: History::default(),
            other: History::default(),
            facets: Facets::new(settings.keep, settings.max_kinds, hasher.clone()),
            limit,
            durations: settings.durations,
        }
    }

    /// Adds the record of a user with the given hash, or of nobody.
    pub(crate) fn add(&mut self, record: &Record, micros: i64, hash: u64, hasher: &RandomState) {
        let place = record.user_id().map(|id| self.place(id, hash, hasher));
        let history = match place {
            None => &mut self.nobody,
            Some(None) => &mut self.other,
            Some(Some(place)) => match self.rows.get_mut(place) {
                Some(row) => &mut row.history,
                None => &mut self.other,
            },
        };
        let facet = self.facets.place(record, history.current_facet());
        history.add(quarter_of(micros), facet, record, micros, self.durations);
        if let Some(brief) = place.flatten().and_then(|place| self.briefs.get_mut(place)) {
            brief.add(record, micros);
        }
    }

    /// The place of a user's row, which is made where there is room; `None` where there is none.
    #[inline]
    fn place(&mut self, id: &UserId, hash: u64, hasher: &RandomState) -> Option<usize> {
        if let Some(place) = self.find(id, hash) {
            return Some(place);
        }
        let place = self.rows.len();
        let at = u32::try_from(place).ok().filter(|_| place < self.limit)?;
        self.rows.push(Row { id: id.clone(), history: History::default(), in_other: 0 });
        self.briefs.push(Brief::default());
        let rows = &self.rows;
        self.table.insert_unique(hash, (tag(hash), at), |&(_, at)| {
            rows.get(at as usize).map_or(0, |row| hasher.hash_one(row.id.as_str()))
        });
        Some(place)
    }

    #[inline]
    pub(crate) fn find(&self, id: &UserId, hash: u64) -> Option<usize> {
        let rows = &self.rows;
        let same = |&(other, at): &(u32, u32)| {
            other == tag(hash) && rows.get(at as usize).is_some_and(|row| row.id == *id)
        };
        self.table.find(hash, same).map(|&(_, at)| at as usize)
    }

    /// The rows that are no users'.
    pub(crate) fn shared(&self) -> [(Who, &History); 2] {
        [(Who::Nobody, &self.nobody), (Who::Other, &self.other)]
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let rows: usize = self.rows.iter().map(|row| row.history.heap_bytes()).sum();
        let shared = self.nobody.heap_bytes() + self.other.heap_bytes();
        rows + shared + self.rows.heap_bytes() + self.briefs.heap_bytes() + self.table.allocation_size()
    }
}
