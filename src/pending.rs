//! Calls whose usage is still to come.

use crate::record::{Text, User};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// The ids of answers that ended without usage: a background response that is still being made, a stream that was left
/// early. The first answer that brings the figures settles the call; any later one repeats them.
///
/// Bounded: the oldest id is forgotten when a new one does not fit, and its figures count as repeated then.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<Ids>);

#[derive(Debug, Default)]
struct Ids {
    /// The age of each id, and for whom its call was.
    known: HashMap<Text, (u64, Option<User>)>,
    /// The number of the next id; lower ones are older.
    next: u64,
    by_age: BTreeMap<u64, Text>,
}

impl Pending {
    const MAX: usize = 4096;

    /// Remembers that the answer `id` to a call of `user` ended without usage.
    pub(crate) fn insert(&self, id: Text, user: Option<User>) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.known.contains_key(&id) {
            return;
        }
        let age = ids.next;
        ids.next += 1;
        ids.known.insert(id.clone(), (age, user));
        ids.by_age.insert(age, id);
        if ids.by_age.len() > Self::MAX
            && let Some((_, oldest)) = ids.by_age.pop_first()
        {
            ids.known.remove(&oldest);
        }
    }

    /// Settles the answer `id`. Returns the user of its call, if its figures were still to come.
    pub(crate) fn settle(&self, id: &Text) -> Option<Option<User>> {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (age, user) = ids.known.remove(id)?;
        ids.by_age.remove(&age);
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

    #[test]
    fn an_id_that_was_settled_and_comes_again_is_the_youngest() {
        let pending = Pending::default();
        pending.insert(id(0), None);
        pending.insert(id(1), None);
        assert_eq!(pending.settle(&id(0)), Some(None));
        pending.insert(id(0), None);
        for n in 2..=Pending::MAX {
            pending.insert(id(n), None);
        }
        assert_eq!((pending.settle(&id(1)), pending.settle(&id(0))), (None, Some(None)));
    }
}
