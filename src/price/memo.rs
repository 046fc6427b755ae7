//! Remembers what names resolved to.
//!
//! Names that the data spells in full are found by hash; all others, those that nobody knows included, take a few
//! microseconds of patterns. Callers choose such names, so what is remembered is bounded: a table of fixed size, four places
//! for the names that fall together, in which a new name takes the place of the oldest. Reading takes no lock.

use super::resolved::Resolved;
use arc_swap::ArcSwapOption;
use std::fmt;
use std::sync::Arc;

/// How many names fall together.
const WAYS: usize = 4;
/// How many groups of names there are; a power of two.
const SETS: usize = 2048;

/// What names resolved to.
pub(super) struct Memo {
    sets: Box<[ArcSwapOption<Set>]>,
}

/// Names that fall together, the newest first.
type Set = [Option<Remembered>; WAYS];

#[derive(Clone)]
struct Remembered {
    hash: u64,
    /// Provider, region and name in one allocation.
    text: Arc<str>,
    provider: usize,
    region: usize,
    resolved: Resolved,
}

impl Remembered {
    #[inline]
    fn is(&self, hash: u64, provider: &str, region: &str, name: &str) -> bool {
        self.hash == hash
            && self.provider == provider.len()
            && self.region == region.len()
            && self.text.get(self.provider + self.region..) == Some(name)
            && self.text.get(..self.provider) == Some(provider)
            && (region.is_empty()
                || self.text.get(self.provider..self.provider + self.region) == Some(region))
    }
}

impl Default for Memo {
    fn default() -> Self {
        Self { sets: (0..SETS).map(|_| ArcSwapOption::empty()).collect() }
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").field("sets", &self.sets.len()).finish_non_exhaustive()
    }
}

impl Memo {
    /// What the name resolved to before, or what `resolve` says now.
    #[inline]
    pub(super) fn get_or(
        &self,
        hash: u64,
        (provider, region, name): (&str, &str, &str),
        resolve: impl FnOnce() -> Resolved,
    ) -> Resolved {
        let Some(place) = self.sets.get(hash as usize & (SETS - 1)) else { return resolve() };
        let set = place.load();
        for known in set.iter().flat_map(|set| set.iter().flatten()) {
            if known.is(hash, provider, region, name) {
                return known.resolved;
            }
        }
        let resolved = resolve();
        let text = [provider, region, name].concat().into();
        let new = Remembered { hash, text, provider: provider.len(), region: region.len(), resolved };
        // The oldest goes. Of two threads that come at once one is forgotten, and comes again.
        let [first, second, third, _] = set.as_deref().cloned().unwrap_or_default();
        place.store(Some(Arc::new([Some(new), first, second, third])));
        resolved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_resolved_once_and_told_from_others_of_the_same_hash() {
        let memo = Memo::default();
        let mut known = Resolved::default();
        known.provider = true;
        assert_eq!(memo.get_or(7, ("a", "", "bc"), || known), known);
        assert_eq!(memo.get_or(7, ("a", "", "bc"), || panic!("resolved twice")), known);
        for other in [("ab", "", "c"), ("a", "b", "c"), ("", "a", "bc")] {
            assert_eq!(memo.get_or(7, other, Resolved::default), Resolved::default());
        }
    }

    #[test]
    fn a_flood_of_names_takes_no_more_than_the_fixed_places() {
        let memo = Memo::default();
        for hash in 0..100_000 {
            memo.get_or(hash % 5, ("p", "", &hash.to_string()), Resolved::default);
        }
        let sets = memo.sets.iter().filter_map(arc_swap::ArcSwapAny::load_full);
        assert_eq!(sets.map(|set| set.iter().flatten().count()).collect::<Vec<_>>(), [WAYS; 5]);
    }
}
