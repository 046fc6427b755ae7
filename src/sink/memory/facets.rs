//! The kinds of calls that a shard has seen, each kept once.

use crate::record::Record;
use crate::report::facet::{Dimensions, Facet};
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// The kinds of calls that a shard has seen.
#[derive(Debug)]
pub(crate) struct Facets {
    list: Vec<Facet>,
    // Places in the list.
    table: HashTable<u32>,
    // Seeded anew in each process, against ids chosen to collide.
    hasher: RandomState,
    keep: Dimensions,
    limit: usize,
}

impl Facets {
    /// The place of the kind that stands for all that are beyond the limit.
    pub(crate) const OTHER: u32 = 0;

    pub(crate) fn new(keep: Dimensions, limit: usize, hasher: RandomState) -> Self {
        Self { list: vec![Facet::OTHER], table: HashTable::new(), hasher, keep, limit }
    }

    /// The place of the kind of `record`; `likely` is tried first, without hashing.
    #[inline]
    pub(crate) fn place(&mut self, record: &Record, likely: Option<u32>) -> u32 {
        if let Some(likely) = likely
            && self.get(likely).is_some_and(|facet| facet.is_of(record, self.keep))
        {
            return likely;
        }
        self.intern(Facet::of(record, self.keep))
    }

    fn intern(&mut self, facet: Facet) -> u32 {
        let hash = self.hasher.hash_one(&facet);
        let list = &self.list;
        let same = |&place: &u32| list.get(place as usize) == Some(&facet);
        if let Some(&place) = self.table.find(hash, same) {
            return place;
        }
        if facet == Facet::OTHER || self.list.len() > self.limit {
            return Self::OTHER;
        }
        let Ok(place) = u32::try_from(self.list.len()) else { return Self::OTHER };
        self.list.push(facet);
        let (list, hasher) = (&self.list, &self.hasher);
        self.table.insert_unique(hash, place, |&place| {
            list.get(place as usize).map_or(0, |facet| hasher.hash_one(facet))
        });
        place
    }

    pub(crate) fn get(&self, place: u32) -> Option<&Facet> {
        self.list.get(place as usize)
    }

    pub(crate) fn list(&self) -> &[Facet] {
        &self.list
    }
}
