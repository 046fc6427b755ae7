//! Calls whose usage is still to come.

use crate::record::{Text, User};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// The ids of answers that ended without usage: a background response that is still being made, a stream that was left
/// early. The first answer that brings the figures settles the call; any later one repeats them.
///
/// Bounded: the oldest id is forgotten when a new one does not fit, and its figures count as repeated then.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<Ids>);

#[derive(Debug, Default)]
struct Ids {
    /// For whom each call was.
    known: HashMap<Text, Option<User>>,
    by_age: VecDeque<Text>,
}

impl Pending {
    const MAX: usize = 4096;

    /// Notes that the answer `id` to a call of `user` ended without usage.
    pub(crate) fn insert(&self, id: Text, user: Option<User>) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.known.contains_key(&id) {
            return;
        }
        ids.known.insert(id.clone(), user);
        ids.by_age.push_back(id);
        if ids.by_age.len() > Self::MAX
            && let Some(oldest) = ids.by_age.pop_front()
        {
            ids.known.remove(&oldest);
        }
    }

    /// If the figures of the answer `id` were still to come, for whom the call was; from now on they are not.
    pub(crate) fn settle(&self, id: &Text) -> Option<Option<User>> {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let user = ids.known.remove(id)?;
        ids.by_age.retain(|known| known != id);
        Some(user)
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
        let alice = User::verified(crate::record::UserId::new("alice").unwrap());
        assert_eq!(pending.settle(&id(1)), None);
        pending.insert(id(1), Some(alice.clone()));
        pending.insert(id(1), None);
        assert_eq!(pending.settle(&id(1)), Some(Some(alice)));
        assert_eq!(pending.settle(&id(1)), None);
    }

    #[test]
    fn the_oldest_id_is_forgotten_when_there_are_too_many() {
        let pending = Pending::default();
        for n in 0..=Pending::MAX {
            pending.insert(id(n), None);
        }
        assert_eq!(pending.settle(&id(0)), None);
        assert_eq!(pending.settle(&id(1)), Some(None));
        let ids = pending.0.lock().unwrap();
        assert_eq!((ids.known.len(), ids.by_age.len()), (Pending::MAX - 1, Pending::MAX - 1));
    }
}
