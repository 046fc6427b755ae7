//! Names spelt in full, by hash.
//!
//! The table is filled while price data is loaded and never after. Its keys come from the data and not from callers, so
//! that no choice of model names can make its chains long. The hash is seeded all the same: the memory of names that the data does
//! not spell in full uses it too, and nobody should choose which of them fall together.

use super::catalog::{EntryId, ProviderId, Run, Source};
use std::hash::{BuildHasher, RandomState};

/// The entry of a name that has none.
pub(super) const NO_ENTRY: EntryId = EntryId::MAX;

/// The hash table of all names.
#[derive(Clone, Default)]
pub(super) struct Index {
    seed: Seed,
    keys: Vec<Key>,
    /// Part of the hash and the place of the key, counted from 1; 0 is free. The length is a power of two.
    slots: Vec<(u32, u32)>,
}

/// Two random numbers, which are other ones in each index.
#[derive(Clone, Copy)]
struct Seed(u64, u64);

impl Default for Seed {
    fn default() -> Self {
        let random = RandomState::new();
        Self(random.hash_one(1), random.hash_one(2))
    }
}

/// A name of one provider.
#[derive(Clone, Copy)]
pub(super) struct Key {
    /// The name, in lower case.
    pub(super) name: Run,
    pub(super) provider: ProviderId,
    /// Whether these entries are all that is known of the name.
    pub(super) complete: bool,
    /// The entries of that name, by source.
    pub(super) entries: [EntryId; Source::ALL.len()],
}

impl Key {
    /// The entry that a source has under this name.
    #[inline]
    pub(super) fn entry(&self, source: Source) -> Option<EntryId> {
        let [by_override, genai, litellm] = self.entries;
        let entry = match source {
            Source::Override => by_override,
            Source::GenAi => genai,
            Source::LiteLlm => litellm,
        };
        (entry != NO_ENTRY).then_some(entry)
    }
}

impl Index {
    /// The hash of a name, which is in lower case, within a provider and a region.
    #[inline]
    pub(super) fn hash(&self, provider: &str, region: &str, name: &str) -> u64 {
        let Seed(one, other) = self.seed;
        let mut hash = write(one, other, provider);
        if !region.is_empty() {
            // In other places than the provider and the name, so that the three do not run into each other.
            hash = write(hash.rotate_left(32), one, region);
        }
        write(hash, other, name)
    }

    /// The key for which `same` holds, among those of that hash.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut same: impl FnMut(&Key) -> bool) -> Option<&Key> {
        let mask = self.slots.len().checked_sub(1)?;
        let (tag, mut at) = split(hash, mask);
        loop {
            let (found, place) = *self.slots.get(at)?;
            let key = self.keys.get(usize::try_from(place).ok()?.checked_sub(1)?)?;
            if found == tag && same(key) {
                return Some(key);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds a name; `false` where the source has an entry of that name already, which stays unless it is the application's.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        key: (ProviderId, Run),
        (source, entry): (Source, EntryId),
        mut same: impl FnMut(&Key) -> bool,
        hash_of: impl Fn(&Self, &Key) -> u64,
    ) -> bool {
        if (self.keys.len() + 1) * 2 > self.slots.len() {
            self.grow(hash_of);
        }
        let Some(mask) = self.slots.len().checked_sub(1) else { return false };
        let (tag, mut at) = split(hash, mask);
        while let Some((found, place)) = self.slots.get(at).copied().filter(|(_, place)| *place != 0) {
            let key = usize::try_from(place - 1).ok().and_then(|place| self.keys.get_mut(place));
            if let Some(key) = key.filter(|_| found == tag)
                && same(key)
            {
                let Some(held) = key.entries.get_mut(source as usize) else { return false };
                // The application's own prices replace each other.
                let free = *held == NO_ENTRY || source == Source::Override;
                if free {
                    *held = entry;
                }
                return free;
            }
            at = (at + 1) & mask;
        }
        let mut entries = [NO_ENTRY; Source::ALL.len()];
        if let Some(held) = entries.get_mut(source as usize) {
            *held = entry;
        }
        self.keys.push(Key { name: key.1, provider: key.0, complete: false, entries });
        if let (Some(slot), Ok(place)) = (self.slots.get_mut(at), u32::try_from(self.keys.len())) {
            *slot = (tag, place);
        }
        true
    }

    /// Makes room for `names` without growing on the way.
    pub(super) fn reserve(&mut self, names: usize) {
        if self.slots.is_empty() {
            self.keys.reserve(names);
            self.slots = vec![(0, 0); (names * 2 + 2).next_power_of_two()];
        }
    }

    fn grow(&mut self, hash_of: impl Fn(&Self, &Key) -> u64) {
        let mut slots = vec![(0, 0); (self.slots.len() * 2).max(64)];
        let mask = slots.len() - 1;
        for (place, key) in (1u32..).zip(&self.keys) {
            let (tag, mut at) = split(hash_of(self, key), mask);
            while slots.get(at).is_some_and(|(_, place)| *place != 0) {
                at = (at + 1) & mask;
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = (tag, place);
            }
        }
        self.slots = slots;
    }

    /// Notes of every name whether its entries are all that is known of it.
    pub(super) fn complete(&mut self, complete: impl IntoIterator<Item = bool>) {
        for (key, complete) in self.keys.iter_mut().zip(complete) {
            key.complete = complete;
        }
    }

    /// All names.
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }
}

/// The halves of a product, one over the other: every bit of the factors tells in every bit of this.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// Goes on with a hash over a text and its length.
fn write(mut hash: u64, seed: u64, text: &str) -> u64 {
    let bytes = text.as_bytes();
    hash ^= bytes.len() as u64;
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let half = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    // The last word overlaps the one before it where the length is no multiple of eight.
    if let Some(last) = bytes.last_chunk::<8>() {
        let (words, _) = bytes.as_chunks::<8>();
        for each in words {
            hash = fold(hash ^ word(each), seed);
        }
        return fold(hash ^ word(last), seed.rotate_left(17));
    }
    let rest = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => half(first) << 32 | half(last),
        _ => bytes.iter().fold(0, |rest, byte| rest << 8 | u64::from(*byte)),
    };
    fold(hash ^ rest, seed)
}

/// The part of a hash that is kept beside a key, and where the search for it begins.
#[inline]
fn split(hash: u64, mask: usize) -> (u32, usize) {
    ((hash >> 32) as u32, hash as usize & mask)
}
