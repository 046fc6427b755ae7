//! The kinds of calls that a shard keeps apart, each kept once.
//!
//! Cells name their kind by its place in a list. When there are too many kinds, the least active one loses its
//! properties, then its model, until it is the same as another one. A newcomer needs to be more active than that one,
//! by its own calls alone, so that no flood of names pushes out a busy one. The place that was given up then says what
//! the other one is, so that answers are right at once; and it is used again when no cell names it any more, which the
//! shard sees to on its way through the rows.

use super::sieve::{PER_REQUEST, Sieve};
use super::slab::Slab;
use crate::record::{Outcome, Record};
use crate::report::facet::{Dimensions, Facet};
use hashbrown::HashTable;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::hash::{BuildHasher, RandomState};

/// The kinds of calls that a shard keeps apart.
#[derive(Debug)]
pub(crate) struct Facets {
    list: Slab<Facet>,
    // Side by side with the list.
    uses: Vec<Use>,
    // Places in the list, of the kinds that are kept.
    table: HashTable<u32>,
    // The kept kinds, least active first, by what they had once.
    least: BinaryHeap<Reverse<(u64, u32)>>,
    // Places that were given up, those of them that the rows are being cleared of, and those that can be used again.
    given_up: Vec<u32>,
    leaving: Vec<u32>,
    free: Vec<u32>,
    // Made when there are too many kinds for the first time.
    sieve: Option<Sieve>,
    // Seeded anew in each process, against ids chosen to collide.
    hasher: RandomState,
    keep: Dimensions,
    limit: usize,
}

/// How a place in the list is used.
#[derive(Clone, Copy, Debug)]
struct Use {
    activity: u64,
    /// What the kind is likely to have had before it had the place.
    earlier: u64,
    kept: bool,
}

impl Use {
    /// What kinds are compared by.
    fn standing(self) -> u64 {
        self.activity.saturating_add(self.earlier)
    }
}

/// A kind with properties weighs a sixteenth of its activity: these are let go before the names of models.
const PROPERTIES_WEIGH: u64 = 16;

fn weigh(facet: &Facet, activity: u64) -> u64 {
    if facet.properties.is_empty() { activity } else { activity.div_ceil(PROPERTIES_WEIGH) }
}

/// How many kinds may become coarser to make room for one, so that no call takes long.
const COARSER_AT_ONCE: usize = 4;

impl Facets {
    /// The place of the kind of which nothing is told.
    pub(crate) const OTHER: u32 = 0;

    pub(crate) fn new(keep: Dimensions, limit: usize, hasher: RandomState) -> Self {
        let mut list = Slab::new();
        list.push(Facet::OTHER);
        Self {
            list,
            uses: vec![Use { activity: 0, earlier: 0, kept: true }],
            table: HashTable::new(),
            least: BinaryHeap::new(),
            given_up: Vec::new(),
            leaving: Vec::new(),
            free: Vec::new(),
            sieve: None,
            hasher,
            keep,
            limit,
        }
    }

    /// The place of the kind of `record`, a call of so much activity; `likely` is tried first, without hashing.
    #[inline]
    pub(crate) fn place(&mut self, record: &Record, activity: u64, likely: Option<u32>) -> u32 {
        // Names of models that did not answer are anybody's: a call that nobody answered hardly counts.
        let answered = record.response_model.is_some() || record.outcome == Outcome::Completed;
        let activity = if answered { activity } else { activity.saturating_sub(PER_REQUEST) + 1 };
        let is_of = |place: &u32| {
            self.is_kept(*place) && self.get(*place).is_some_and(|facet| facet.is_of(record, self.keep))
        };
        match likely.filter(is_of) {
            Some(place) => self.count(place, activity),
            None => self.settle(Facet::of(record, self.keep), activity),
        }
    }

    /// The place of a kind in another list, for calls of so much activity.
    pub(crate) fn adopt(&mut self, kinds: &Slab<Facet>, place: u32, activity: u64) -> u32 {
        let facet = kinds.get(place as usize).cloned().unwrap_or(Facet::OTHER);
        self.settle(facet, activity)
    }

    /// The place of a kind without its properties, for calls of so much activity.
    pub(crate) fn without_properties(&mut self, place: u32, activity: u64) -> u32 {
        match self.get(place) {
            Some(facet) if !facet.properties.is_empty() => {
                let facet = Facet { properties: Vec::new(), more_properties: true, ..facet.clone() };
                self.settle(facet, activity)
            }
            _ => self.current(place),
        }
    }

    /// The place of the finest kind that has one, of all that a kind is part of.
    fn settle(&mut self, mut facet: Facet, activity: u64) -> u32 {
        loop {
            if let Some(place) = self.known(&facet).or_else(|| self.admit(&facet, activity)) {
                return self.count(place, activity);
            }
            let Some(coarser) = facet.coarser() else { return self.count(Self::OTHER, activity) };
            facet = coarser;
        }
    }

    fn count(&mut self, place: u32, activity: u64) -> u32 {
        if let (Some(used), Some(facet)) = (self.uses.get_mut(place as usize), self.list.get(place as usize))
        {
            used.activity = used.activity.saturating_add(weigh(facet, activity));
        }
        place
    }

    fn known(&self, facet: &Facet) -> Option<u32> {
        if *facet == Facet::OTHER {
            return Some(Self::OTHER);
        }
        let same = |&place: &u32| self.get(place) == Some(facet);
        self.table.find(self.hasher.hash_one(facet), same).copied()
    }

    /// A place for a new kind, where there is one, or where the kind is more active than one that has a place.
    fn admit(&mut self, facet: &Facet, activity: u64) -> Option<u32> {
        let mut earlier = 0;
        if self.table.len() >= self.limit {
            let activity = weigh(facet, activity);
            let sieve = self.sieve.get_or_insert_with(|| Sieve::new(self.limit));
            let likely = sieve.add(self.hasher.hash_one(facet), activity).likely;
            // Places that were given up and are not free yet can't be more than the kinds.
            let places_left = !self.free.is_empty() || self.list.len() <= self.limit.saturating_mul(2);
            let room = places_left && self.make_room(likely);
            // One that became coarser may be the very same now.
            let known = self.known(facet);
            if known.is_some() || !room {
                return known;
            }
            earlier = likely.saturating_sub(activity);
        }
        let new = Use { activity: 0, earlier, kept: true };
        let place = if let Some(place) = self.free.pop() {
            *self.list.get_mut(place as usize)? = facet.clone();
            *self.uses.get_mut(place as usize)? = new;
            place
        } else {
            let place = u32::try_from(self.list.len()).ok()?;
            self.list.push(facet.clone());
            self.uses.push(new);
            place
        };
        self.enter(place);
        self.order(place);
        Some(place)
    }

    /// Lets a kind that has a place be found.
    fn enter(&mut self, place: u32) {
        let hash = |place: u32| self.list.get(place as usize).map_or(0, |facet| self.hasher.hash_one(facet));
        self.table.insert_unique(hash(place), place, |&place| hash(place));
    }

    /// Puts a kind into the order.
    fn order(&mut self, place: u32) {
        let standing = self.uses.get(place as usize).map_or(0, |used| used.standing());
        self.least.push(Reverse((standing, place)));
    }

    /// Makes kinds coarser that are less active than `activity`, the least active ones first and each by one step, until
    /// there is room for one; whether there is.
    fn make_room(&mut self, activity: u64) -> bool {
        let mut coarser = [None; COARSER_AT_ONCE];
        let room = coarser.iter_mut().any(|coarser| {
            self.take_least(activity).is_some_and(|place| {
                *coarser = Some(place).filter(|&place| !self.make_coarser(place));
                coarser.is_none()
            })
        });
        coarser.into_iter().flatten().for_each(|place| self.order(place));
        room
    }

    /// Takes the least active kind out of the order, if it is less active than `below`.
    fn take_least(&mut self, below: u64) -> Option<u32> {
        loop {
            let mut top = self.least.peek_mut()?;
            let Reverse((before, place)) = *top;
            let now = self.uses.get(place as usize)?.standing();
            if now != before {
                // Back to where it belongs by now.
                *top = Reverse((now, place));
                continue;
            }
            return (now < below).then(|| {
                PeekMut::pop(top);
                place
            });
        }
    }

    /// Lets go of a part of what a kind tells, and of the kind if there is another one like that already; whether it
    /// was. It is not in the order.
    fn make_coarser(&mut self, place: u32) -> bool {
        let at = place as usize;
        let Some(coarser) = self.get(place).and_then(Facet::coarser) else { return false };
        let Some(facet) = self.list.get_mut(at) else { return false };
        let facet = std::mem::replace(facet, coarser.clone());
        let hash = self.hasher.hash_one(&facet);
        if let Ok(entry) = self.table.find_entry(hash, |&known| known == place) {
            entry.remove();
        }
        if let Some(used) = self.uses.get_mut(at) {
            if let Some(sieve) = &mut self.sieve {
                sieve.add(hash, used.activity);
            }
            used.earlier = 0;
            if !facet.properties.is_empty() {
                used.activity = used.activity.saturating_mul(PROPERTIES_WEIGH);
            }
        }
        let Some(onto) = self.known(&coarser) else {
            self.enter(place);
            return false;
        };
        if let Some(used) = self.uses.get_mut(at) {
            used.kept = false;
            let activity = used.activity;
            self.count(onto, activity);
        }
        self.given_up.push(place);
        true
    }

    /// Lets go of the properties of a kind that no call is of any more.
    pub(crate) fn let_go(&mut self, place: u32) {
        let has_properties = self.get(place).is_some_and(|facet| !facet.properties.is_empty());
        if has_properties && self.is_kept(place) {
            self.least.retain(|Reverse((_, known))| *known != place);
            if let Some(used) = self.uses.get_mut(place as usize) {
                (used.activity, used.earlier) = (0, 0);
            }
            if !self.make_coarser(place) {
                self.order(place);
            }
        }
    }

    /// Where calls belong that are at a place: there, or where the kind went that had it.
    pub(crate) fn current(&self, place: u32) -> u32 {
        if self.is_kept(place) {
            return place;
        }
        let mut facet = self.get(place).cloned();
        while let Some(of) = facet {
            if let Some(place) = self.known(&of) {
                return place;
            }
            facet = of.coarser();
        }
        Self::OTHER
    }

    /// Whether so many places were given up that the rows should be cleared of them.
    #[inline]
    pub(crate) fn wants_clearing(&self) -> bool {
        self.given_up.len() > self.limit / 4
    }

    /// All rows are gone through from here on.
    pub(crate) fn begin_clearing(&mut self) {
        self.leaving.append(&mut self.given_up);
    }

    /// All rows have been gone through: no cell is of the places that had been given up when that began.
    #[inline]
    pub(crate) fn end_clearing(&mut self) {
        if !self.leaving.is_empty() {
            self.free.append(&mut self.leaving);
        }
    }

    fn is_kept(&self, place: u32) -> bool {
        self.uses.get(place as usize).is_some_and(|used| used.kept)
    }

    fn get(&self, place: u32) -> Option<&Facet> {
        self.list.get(place as usize)
    }

    /// The kinds by their places, as of this moment.
    pub(crate) fn share(&mut self) -> Slab<Facet> {
        self.list.share()
    }

    /// Bytes on the heap, without those of long names.
    pub(crate) fn heap_bytes(&self) -> usize {
        let properties: usize = self.list.iter().map(|facet| size_of_val(facet.properties.as_slice())).sum();
        properties
            + self.list.heap_bytes()
            + self.uses.capacity() * size_of::<Use>()
            + self.least.capacity() * size_of::<Reverse<(u64, u32)>>()
            + self.table.allocation_size()
            + self.sieve.as_ref().map_or(0, Sieve::heap_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Provider, Text};
    use std::time::SystemTime;

    const KEEP: Dimensions = Dimensions { models: true, operations: true, properties: true };

    fn call(model: u64, tag: Option<u64>) -> Record {
        let mut record = Record::new(SystemTime::UNIX_EPOCH);
        record.provider = Some(Provider::OPENAI);
        record.outcome = Outcome::Completed;
        record.response_model = Text::new(&format!("model-{model}")).ok();
        if let Some(tag) = tag {
            record.properties.insert("tag", &tag.to_string());
        }
        record
    }

    fn check(facets: &Facets) {
        let kept: Vec<u32> =
            (1..).take(facets.list.len() - 1).filter(|&place| facets.is_kept(place)).collect();
        assert_eq!((facets.table.len(), facets.least.len()), (kept.len(), kept.len()));
        assert!(
            kept.iter().all(|&place| facets.get(place).and_then(|facet| facets.known(facet)) == Some(place))
        );
        assert!(kept.len() <= facets.limit && facets.list.len() <= facets.limit * 2 + 1);
        let unused = facets.given_up.len() + facets.leaving.len() + facets.free.len();
        assert_eq!(kept.len() + unused + 1, facets.list.len());
        assert!((0..).take(facets.list.len()).all(|place| facets.is_kept(facets.current(place))));
    }

    #[test]
    fn each_place_is_of_one_kind_or_waits_to_be_whatever_comes() {
        for limit in [0, 1, 3, 8] {
            let mut facets = Facets::new(KEEP, limit, RandomState::new());
            let mut random = 42u64;
            for n in 0..20_000u64 {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Few models are busy; others are of one call each.
                let model = if random >> 62 == 0 { n } else { (random >> 40) % 4 };
                let tag = (random >> 20 & 3 != 0).then_some(random >> 30 & 63);
                let record = call(model, tag);
                let place = facets.place(&record, PER_REQUEST, Some((random >> 50) as u32 % 20));
                assert!(facets.is_kept(place));
                let facet = facets.get(place).unwrap();
                assert_ne!(facet.has_model(&format!("model-{model}")), Some(false));
                match n % 50 {
                    10 => facets.let_go(place),
                    20 if facets.wants_clearing() => facets.begin_clearing(),
                    40 => facets.end_clearing(),
                    _ => {}
                }
                check(&facets);
            }
        }
    }
}
