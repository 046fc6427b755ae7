//! Going through the store.

use super::history::History;
use super::row::Row;
use super::shard::Shard;
use super::{Store, lock};
use crate::report::gather::Choice;
use crate::report::window::Quarters;
use crate::report::{CallFilter, QueryError, Scope, Who};

/// One row on the way. The rows that are no users' come once for each shard.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'a> {
    User(&'a Row),
    Nobody(&'a History),
    Other(&'a History),
}

impl<'a> Seen<'a> {
    pub(crate) fn history(self) -> &'a History {
        match self {
            Self::User(row) => &row.history,
            Self::Nobody(history) | Self::Other(history) => history,
        }
    }
}

impl Store {
    /// Goes through the rows that `scope` sees. Each shard is locked while its rows are seen.
    pub(super) fn visit(
        &self,
        scope: &Scope,
        calls: &CallFilter,
        window: Quarters,
        mut see: impl FnMut(Seen<'_>, &Choice<'_>),
    ) {
        let mut in_shard = |shard: &Shard| {
            let choice = Choice::new(calls, window, shard.facets.list());
            match scope {
                Scope::Only(Who::User(id)) => {
                    let row = shard.find(id, self.hash(id)).and_then(|place| shard.rows.get(place));
                    row.into_iter().for_each(|row| see(Seen::User(row), &choice));
                }
                Scope::All => shard.rows.iter().for_each(|row| see(Seen::User(row), &choice)),
                Scope::Only(Who::Nobody | Who::Other) | Scope::Nothing => {}
            }
            if scope.sees(&Who::Nobody) {
                see(Seen::Nobody(&shard.nobody), &choice);
            }
            if scope.sees(&Who::Other) {
                see(Seen::Other(&shard.other), &choice);
            }
        };
        match scope {
            Scope::Nothing => {}
            Scope::Only(Who::User(id)) => {
                if let Some(shard) = self.shard(self.hash(id)) {
                    in_shard(&shard);
                }
            }
            Scope::All | Scope::Only(_) => self.shards.iter().for_each(|shard| in_shard(&lock(shard))),
        }
    }

    /// Answers a question about a window as a whole, if the past can be parted at its edges and at `others`. A window that
    /// begins before the first call has no beginning that could part anything; an older call that comes while it is
    /// answered may be within.
    pub(super) fn answer_window<T>(
        &self,
        window: Quarters,
        others: &[i32],
        answer: impl FnOnce(Quarters) -> T,
    ) -> Result<T, QueryError> {
        let window = self.horizons.now().opened(window);
        self.answer(&[&[window.start, window.end], others].concat(), || answer(window))
    }

    /// Answers a question, if the past can be parted at all of `edges` before and after.
    pub(super) fn answer<T>(&self, edges: &[i32], answer: impl FnOnce() -> T) -> Result<T, QueryError> {
        let check = || self.horizons.now().check(edges.iter().copied());
        check()?;
        let answer = answer();
        // The past may have been rolled up meanwhile.
        check().map(|()| answer)
    }
}
