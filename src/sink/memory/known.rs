//! Which records were seen.

use crate::record::RecordId;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// The ids of the records that were seen.
#[derive(Debug)]
pub(super) struct Known {
    ids: HashTable<u128>,
    /// Random in each set.
    key: u64,
}

impl Default for Known {
    fn default() -> Self {
        Self { ids: HashTable::new(), key: RandomState::new().hash_one(0) | 1 }
    }
}

impl Known {
    /// Adds an id. Whether it is new.
    #[inline]
    pub(super) fn insert(&mut self, id: RecordId) -> bool {
        let id = id.as_u128();
        let key = self.key;
        let hash = |id: &u128| hash(*id, key);
        match self.ids.entry(hash(&id), |known| *known == id, hash) {
            hashbrown::hash_table::Entry::Occupied(_) => false,
            hashbrown::hash_table::Entry::Vacant(place) => {
                place.insert(id);
                true
            }
        }
    }
}

/// Ids are mostly random already, so that one multiplication by a secret, folded, spreads them well enough.
fn hash(id: u128, key: u64) -> u64 {
    let product = u128::from((id >> 64) as u64 ^ id as u64) * u128::from(key);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::time::{Duration, SystemTime};

    #[test]
    fn an_id_is_new_once() {
        let mut known = Known::default();
        let ids: Vec<_> = (0..10_000)
            .map(|second| RecordId::new(SystemTime::UNIX_EPOCH + Duration::from_secs(second)))
            .collect();
        assert!(ids.iter().all(|id| known.insert(*id)));
        assert!(!ids.iter().any(|id| known.insert(*id)));
    }

    #[test]
    fn ids_that_are_counted_up_do_not_collide() {
        let key = 0x9e37_79b9_7f4a_7c15;
        let low: HashSet<u64> = (0..4096).map(|id| hash(id, key) & 0xffff).collect();
        assert!(low.len() > 3000, "{}", low.len());
    }
}
