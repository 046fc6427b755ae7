//! Remembers what names resolved to.
//!
//! Names that the data spells in full are found by hash; all others, those that nobody knows included, take a few
//! microseconds of patterns. Callers choose such names, so what is remembered is bounded: a table of fixed size, four places
//! for each hash, in which a new name takes the place of an old one. Reading takes no lock.

use super::resolve::Resolved;
use arc_swap::ArcSwapOption;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many names fall together.
const WAYS: usize = 4;
/// How many groups of names there are; a power of two.
const SETS: usize = 2048;

/// What names resolved to.
pub(super) struct Memo {
    places: Box<[ArcSwapOption<Remembered>]>,
    turn: AtomicUsize,
}

struct Remembered {
    hash: u64,
    /// Provider, region and name in one allocation.
    text: Box<str>,
    provider: u16,
    region: u16,
    resolved: Resolved,
}

impl Remembered {
    fn is(&self, hash: u64, provider: &str, region: &str, name: &str) -> bool {
        self.hash == hash
            && self.text.len() == provider.len() + region.len() + name.len()
            && usize::from(self.provider) == provider.len()
            && usize::from(self.region) == region.len()
            && self.text.strip_prefix(provider).and_then(|rest| rest.strip_prefix(region)) == Some(name)
    }
}

impl Default for Memo {
    fn default() -> Self {
        Self { places: (0..SETS * WAYS).map(|_| ArcSwapOption::empty()).collect(), turn: AtomicUsize::new(0) }
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").field("places", &self.places.len()).finish_non_exhaustive()
    }
}

impl Memo {
    fn set(&self, hash: u64) -> &[ArcSwapOption<Remembered>] {
        let first = (hash as usize & (SETS - 1)) * WAYS;
        self.places.get(first..first + WAYS).unwrap_or_default()
    }

    /// What the name resolved to before, or what `resolve` says now.
    pub(super) fn get_or(
        &self,
        hash: u64,
        (provider, region, name): (&str, &str, &str),
        resolve: impl FnOnce() -> Resolved,
    ) -> Resolved {
        let set = self.set(hash);
        let mut free = None;
        for place in set {
            match place.load().as_deref() {
                Some(known) if known.is(hash, provider, region, name) => return known.resolved,
                Some(_) => {}
                None => free = free.or(Some(place)),
            }
        }
        let resolved = resolve();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % WAYS;
        let lengths = (u16::try_from(provider.len()), u16::try_from(region.len()));
        if let (Some(place), (Ok(provider_len), Ok(region_len))) = (free.or(set.get(turn)), lengths) {
            let text = [provider, region, name].concat().into_boxed_str();
            let known = Remembered { hash, text, provider: provider_len, region: region_len, resolved };
            place.store(Some(Arc::new(known)));
        }
        resolved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_resolved_once_and_told_from_others_of_the_same_hash() {
        let memo = Memo::default();
        let known = Resolved { provider: true, ..Resolved::default() };
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
        let held = memo.places.iter().filter(|place| place.load().is_some()).count();
        assert_eq!(held, 5 * WAYS);
    }
}
