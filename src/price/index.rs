//! Names spelt in full, by hash.
//!
//! The table is filled while price data is loaded and never after. Its keys come from the data and not from callers, so
//! that no choice of model names can make its chains long; the hash is seeded all the same.

use super::catalog::{EntryId, ProviderId, Run, Source};
use std::hash::{BuildHasher, Hasher, RandomState};

/// The entry of a name that has none.
const NONE: EntryId = EntryId::MAX;

/// The hash table of all names.
#[derive(Clone, Default)]
pub(super) struct Index {
    seed: RandomState,
    keys: Vec<Key>,
    /// Part of the hash and the place of the key, counted from 1; 0 is free. The length is a power of two.
    slots: Vec<(u32, u32)>,
}

/// A name of one provider.
#[derive(Clone, Copy)]
pub(super) struct Key {
    /// The name, in lower case.
    pub(super) name: Run,
    pub(super) provider: ProviderId,
    /// The entries of that name, by source.
    entries: [EntryId; Source::ALL.len()],
}

impl Key {
    /// The entry that a source has under this name.
    pub(super) fn entry(&self, source: Source) -> Option<EntryId> {
        let [by_override, genai, litellm] = self.entries;
        let entry = match source {
            Source::Override => by_override,
            Source::GenAi => genai,
            Source::LiteLlm => litellm,
        };
        (entry != NONE).then_some(entry)
    }
}

impl Index {
    /// The hash of a name, which is in lower case, within a provider and a region.
    pub(super) fn hash(&self, provider: &str, region: &str, name: &str) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write(provider.as_bytes());
        // A byte that no text has: "a" + "bc" is not "ab" + "c".
        hasher.write_u8(0xff);
        if !region.is_empty() {
            hasher.write(region.as_bytes());
            hasher.write_u8(0xfe);
        }
        hasher.write(name.as_bytes());
        hasher.finish()
    }

    /// The key for which `same` holds, among those of that hash.
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

    /// Adds a name; `false` where the source has an entry of that name already, which stays.
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
                let free = *held == NONE;
                if free {
                    *held = entry;
                }
                return free;
            }
            at = (at + 1) & mask;
        }
        let mut entries = [NONE; Source::ALL.len()];
        if let Some(held) = entries.get_mut(source as usize) {
            *held = entry;
        }
        self.keys.push(Key { name: key.1, provider: key.0, entries });
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

    /// All names.
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }
}

/// The part of a hash that is kept beside a key, and where the search for it begins.
fn split(hash: u64, mask: usize) -> (u32, usize) {
    ((hash >> 32) as u32, hash as usize & mask)
}
