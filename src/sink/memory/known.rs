//! Which records were seen.

use crate::record::RecordId;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// The ids of the records that were seen.
#[derive(Debug)]
pub(super) struct Known {
    ids: HashTable<u128>,
    /// Random in each set.
    keys: [u64; 2],
}

impl Default for Known {
    fn default() -> Self {
        Self { ids: HashTable::new(), keys: [0, 1].map(|n| RandomState::new().hash_one(n)) }
    }
}

impl Known {
    /// Adds an id. Whether it is new.
    #[inline]
    pub(super) fn insert(&mut self, id: RecordId) -> bool {
        let id = id.as_u128();
        let keys = self.keys;
        let hash = |id: &u128| hash(*id, keys);
        match self.ids.entry(hash(&id), |known| *known == id, hash) {
            hashbrown::hash_table::Entry::Occupied(_) => false,
            hashbrown::hash_table::Entry::Vacant(place) => {
                place.insert(id);
                true
            }
        }
    }
}

/// Ids are mostly random already, so that one multiplication, folded, spreads them well enough. The keys are secret, so
/// that nobody can make ids that collide.
fn hash(id: u128, [high, low]: [u64; 2]) -> u64 {
    let product = u128::from((id >> 64) as u64 ^ high) * u128::from(id as u64 ^ low);
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
        let keys = [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9];
        let low: HashSet<u64> = (0..4096).map(|id| hash(id, keys) & 0xffff).collect();
        assert!(low.len() > 3000, "{}", low.len());
    }
}
