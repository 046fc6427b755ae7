//! The kinds of calls that a shard has seen, each kept once.

use crate::record::{Outcome, Record};
use crate::report::facet::{Dimensions, Facet, Name};
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
        let mut facet = Facet::of(record, self.keep);
        if self.known(&facet).is_none() {
            self.shorten(&mut facet, record);
        }
        self.intern(facet)
    }

    /// Names come from outside. A flood of them takes no more than its share: first those of models that never
    /// answered are let go, then properties, so that the models that did answer stay apart.
    fn shorten(&self, facet: &mut Facet, record: &Record) {
        let answered = record.response_model.is_some() || record.outcome == Outcome::Completed;
        if !answered && self.list.len() > self.limit / 4 && facet.model != Name::Absent {
            facet.model = Name::Other;
        }
        if self.list.len() > self.limit / 2 && !facet.properties.is_empty() {
            facet.properties.clear();
            facet.more_properties = true;
        }
    }

    fn known(&self, facet: &Facet) -> Option<u32> {
        let same = |&place: &u32| self.list.get(place as usize) == Some(facet);
        self.table.find(self.hasher.hash_one(facet), same).copied()
    }

    pub(crate) fn intern(&mut self, facet: Facet) -> u32 {
        if let Some(place) = self.known(&facet) {
            return place;
        }
        if facet == Facet::OTHER || self.list.len() > self.limit {
            return Self::OTHER;
        }
        let Ok(place) = u32::try_from(self.list.len()) else { return Self::OTHER };
        let hash = self.hasher.hash_one(&facet);
        self.list.push(facet);
        let (list, hasher) = (&self.list, &self.hasher);
        self.table.insert_unique(hash, place, |&place| {
            list.get(place as usize).map_or(0, |facet| hasher.hash_one(facet))
        });
        place
    }

    /// The place of a kind in another list.
    pub(crate) fn adopt(&mut self, kinds: &[Facet], place: u32) -> u32 {
        kinds.get(place as usize).map_or(Self::OTHER, |facet| self.intern(facet.clone()))
    }

    /// The place of a kind without its properties.
    pub(crate) fn without_properties(&mut self, place: u32) -> u32 {
        let Some(facet) = self.get(place).cloned() else { return Self::OTHER };
        if facet.properties.is_empty() {
            return place;
        }
        self.intern(Facet { properties: Vec::new(), more_properties: true, ..facet })
    }

    /// Lets go of the properties of a kind that no call is of any more.
    pub(crate) fn let_go(&mut self, place: u32) {
        let Some(facet) = self.list.get_mut(place as usize).filter(|facet| !facet.properties.is_empty())
        else {
            return;
        };
        let hash = self.hasher.hash_one(&*facet);
        if let Ok(entry) = self.table.find_entry(hash, |&at| at == place) {
            entry.remove();
        }
        *facet = Facet::OTHER;
    }

    pub(crate) fn get(&self, place: u32) -> Option<&Facet> {
        self.list.get(place as usize)
    }

    pub(crate) fn list(&self) -> &[Facet] {
        &self.list
    }
}
