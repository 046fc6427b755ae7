//! Calls whose usage is still to come.

use crate::record::Text;
use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

/// The ids of answers that ended without usage: a background response that is still being made, a stream that was left
/// early. The first answer that brings the figures settles the call; any later one repeats them.
///
/// Bounded: the oldest id is forgotten when a new one does not fit, and its figures count as repeated then.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<Ids>);

#[derive(Debug, Default)]
struct Ids {
    known: HashSet<Text>,
    by_age: VecDeque<Text>,
}

impl Pending {
    const MAX: usize = 4096;

    /// Notes that the answer `id` ended without usage.
    pub(crate) fn insert(&self, id: Text) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !ids.known.insert(id.clone()) {
            return;
        }
        ids.by_age.push_back(id);
        if ids.by_age.len() > Self::MAX
            && let Some(oldest) = ids.by_age.pop_front()
        {
            ids.known.remove(&oldest);
        }
    }

    /// Whether the figures of the answer `id` were still to come; from now on they are not.
    pub(crate) fn settle(&self, id: &Text) -> bool {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = ids.known.remove(id);
        if pending {
            ids.by_age.retain(|known| known != id);
        }
        pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> Text {
        Text::new(&format!("resp_{n}")).unwrap()
    }

    #[test]
    fn an_id_is_settled_once() {
        let pending = Pending::default();
        assert!(!pending.settle(&id(1)));
        pending.insert(id(1));
        pending.insert(id(1));
        assert!(pending.settle(&id(1)));
        assert!(!pending.settle(&id(1)));
    }

    #[test]
    fn the_oldest_id_is_forgotten_when_there_are_too_many() {
        let pending = Pending::default();
        for n in 0..=Pending::MAX {
            pending.insert(id(n));
        }
        assert!(!pending.settle(&id(0)));
        assert!(pending.settle(&id(1)));
        let ids = pending.0.lock().unwrap();
        assert_eq!((ids.known.len(), ids.by_age.len()), (Pending::MAX - 1, Pending::MAX - 1));
    }
}
