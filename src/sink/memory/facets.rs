//! The kinds of calls that a shard keeps apart, each kept once.
//!
//! Cells refer to their kind by its place in a list. When there are too many kinds, calls of a new one are counted with a
//! coarser one: without the properties, then without the model, and finally with [`Facet::OTHER`]. Existing kinds keep their
//! places, and each sort has its share of them, so that no flood of values or names takes all.

use super::facet::{Dimensions, Facet, Name};
use super::pieces::Pieces;
use crate::record::{Outcome, Record};
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// The kinds of calls that a shard keeps apart.
#[derive(Debug)]
pub(crate) struct Facets {
    list: Pieces<Facet>,
    // Places in the list.
    table: HashTable<u32>,
    // Places that no call refers to.
    free: Vec<u32>,
    // Seeded at random in each process, against names chosen to collide.
    hasher: RandomState,
    keep: Dimensions,
    limit: usize,
}

impl Facets {
    /// The place of [`Facet::OTHER`].
    pub(crate) const OTHER: u32 = 0;

    pub(crate) fn new(keep: Dimensions, limit: usize, hasher: RandomState) -> Self {
        let mut list = Pieces::default();
        list.push(Facet::OTHER);
        Self { list, table: HashTable::new(), free: Vec::new(), hasher, keep, limit }
    }

    /// Returns the place of the kind of `record`. `likely` is tried first, without hashing.
    #[inline]
    pub(crate) fn place(&mut self, record: &Record, likely: Option<u32>) -> u32 {
        let is_of = |place: &u32| self.get(*place).is_some_and(|facet| facet.is_of(record, self.keep));
        likely.filter(is_of).unwrap_or_else(|| {
            let answered = record.response_model.is_some() || record.outcome == Outcome::Completed;
            self.settle(Facet::of(record, self.keep), answered)
        })
    }

    /// Returns the place for a kind of another list. `answered` says whether its calls were.
    pub(crate) fn adopt(&mut self, kinds: &Pieces<Facet>, place: u32, answered: bool) -> u32 {
        let facet = kinds.get(place as usize).cloned().unwrap_or(Facet::OTHER);
        self.settle(facet, answered)
    }

    /// Returns the place of a kind without its properties.
    pub(crate) fn without_properties(&mut self, place: u32, answered: bool) -> u32 {
        match self.get(place) {
            Some(facet) if !facet.properties.is_empty() => {
                let facet = Facet { properties: Vec::new(), more_properties: true, ..facet.clone() };
                self.settle(facet, answered)
            }
            _ => place,
        }
    }

    /// Returns the place of a kind, or else of the finest coarser one that has a place.
    fn settle(&mut self, mut facet: Facet, answered: bool) -> u32 {
        loop {
            if let Some(place) = self.known(&facet).or_else(|| self.admit(&facet, answered)) {
                return place;
            }
            let Some(coarser) = facet.coarser() else { return Self::OTHER };
            facet = coarser;
        }
    }

    fn known(&self, facet: &Facet) -> Option<u32> {
        if *facet == Facet::OTHER {
            return Some(Self::OTHER);
        }
        let same = |&place: &u32| self.get(place) == Some(facet);
        self.table.find(self.hasher.hash_one(facet), same).copied()
    }

    /// Returns a place for a new kind, if there is room.
    fn admit(&mut self, facet: &Facet, answered: bool) -> Option<u32> {
        // Callers make up the values of properties, and the names of models that did not answer.
        let room = match (&facet.model, facet.properties.is_empty()) {
            (Name::Is(_), _) if !answered => self.limit / 4,
            (_, false) => self.limit / 2,
            (Name::Is(_), true) => self.limit - self.limit / 4,
            (Name::Absent | Name::Other, true) => self.limit,
        };
        if self.table.len() >= room {
            return None;
        }
        let place = match self.free.pop() {
            Some(place) => {
                *self.list.get_mut(place as usize)? = facet.clone();
                place
            }
            None => {
                let place = u32::try_from(self.list.len()).ok()?;
                self.list.push(facet.clone());
                place
            }
        };
        let hash = |place: u32| self.list.get(place as usize).map_or(0, |facet| self.hasher.hash_one(facet));
        self.table.insert_unique(hash(place), place, |&place| hash(place));
        Some(place)
    }

    /// Removes a kind with properties that no call refers to any more.
    pub(crate) fn remove(&mut self, place: u32) {
        let Some(facet) = self.list.get_mut(place as usize).filter(|facet| !facet.properties.is_empty())
        else {
            return;
        };
        let facet = std::mem::replace(facet, Facet::OTHER);
        if let Ok(entry) = self.table.find_entry(self.hasher.hash_one(&facet), |&known| known == place) {
            entry.remove();
        }
        self.free.push(place);
    }

    fn get(&self, place: u32) -> Option<&Facet> {
        self.list.get(place as usize)
    }

    /// Returns the kinds by their places.
    pub(crate) fn list(&self) -> &Pieces<Facet> {
        &self.list
    }

    /// Returns the bytes on the heap, without those of long names.
    pub(crate) fn heap_bytes(&self) -> usize {
        let properties: usize = self.list.iter().map(|facet| size_of_val(facet.properties.as_slice())).sum();
        properties + self.list.heap_bytes() + self.table.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Provider, Text};
    use crate::report::CallFilter;
    use std::time::SystemTime;

    const KEEP: Dimensions = Dimensions { models: true, operations: true, properties: true };

    fn call(model: u64, tag: Option<u64>, outcome: Outcome) -> Record {
        let mut record = Record::new(SystemTime::UNIX_EPOCH);
        record.provider = Some(Provider::OPENAI);
        record.outcome = outcome;
        record.model = Text::new(&format!("model-{model}")).ok();
        if let Some(tag) = tag {
            record.properties.insert("tag", &tag.to_string());
        }
        record
    }

    #[test]
    fn each_kind_has_one_place_and_there_are_no_more_than_may_be_whatever_comes() {
        for limit in [0, 1, 3, 8, 16] {
            let mut facets = Facets::new(KEEP, limit, RandomState::new());
            let mut random = 42u64;
            for n in 0..5_000u64 {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let model = if random >> 62 == 0 { n } else { (random >> 40) % 4 };
                let tag = (random >> 20 & 3 != 0).then_some(random >> 30 & 63);
                let record = call(model, tag, Outcome::Completed);
                let place = facets.place(&record, Some((random >> 50) as u32 % 20));
                let facet = facets.get(place).unwrap().clone();
                assert_eq!(facets.known(&facet), Some(place));
                assert_ne!(facet.has_model(&format!("model-{model}")), Some(false));
                if n % 50 == 10 {
                    facets.remove(place);
                }
                assert!(facets.table.len() <= limit);
                assert_eq!(facets.list.len(), 1 + facets.table.len() + facets.free.len());
            }
        }
    }

    #[test]
    fn neither_values_nor_names_that_nobody_answered_to_take_all_places() {
        let mut facets = Facets::new(KEEP, 16, RandomState::new());
        for n in 0..100 {
            facets.place(&call(n, None, Outcome::Failed), None);
            facets.place(&call(0, Some(n), Outcome::Completed), None);
        }
        let answered = facets.place(&call(1_000, None, Outcome::Completed), None);
        assert_eq!(facets.get(answered).unwrap().has_model("model-1000"), Some(true));
        for n in 0..100 {
            facets.place(&call(n, None, Outcome::Completed), None);
        }
        let mut other = call(1_001, None, Outcome::Completed);
        other.provider = Some(Provider::ANTHROPIC);
        let place = facets.place(&other, None);
        let facet = facets.get(place).unwrap();
        assert_eq!(
            (facet.counts(&CallFilter::Provider(Provider::ANTHROPIC)), facet.has_model("model-1001")),
            (Some(true), None)
        );
    }
}
