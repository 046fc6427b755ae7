//! One row of the store.

use super::alerts::AlertState;
use super::history::History;
use super::sieve::PER_REQUEST;
use crate::record::UserId;

/// A user and the user's calls.
#[derive(Clone, Debug)]
pub(crate) struct UserRow {
    pub(crate) id: UserId,
    pub(crate) history: History,
    /// How active the user was since the row began, and is likely to have been before.
    pub(crate) activity: u64,
    earlier: u64,
    /// At most so many earlier requests are in the row of the others.
    pub(crate) in_other: u64,
    /// Of the store's alerts, from the first call after there is one.
    #[allow(clippy::box_collection)] // A row is smaller by 16 bytes.
    pub(crate) alerts: Option<Box<Vec<AlertState>>>,
}

impl UserRow {
    /// Of a user who was likely to be so active before, with requests that are in the row of the others.
    pub(crate) fn new(id: UserId, earlier: u64, in_other: u64) -> Self {
        // In whole requests, so that nobody gains by what is below one.
        let earlier = earlier - earlier % PER_REQUEST;
        Self { id, history: History::default(), activity: 0, earlier, in_other, alerts: None }
    }

    /// Adds to the activity.
    #[inline]
    pub(crate) fn count(&mut self, activity: u64) {
        self.activity = self.activity.saturating_add(activity);
    }

    /// What users are compared by when there are too many: an active one who comes back does not begin anew.
    pub(crate) fn standing(&self) -> u64 {
        self.activity.saturating_add(self.earlier)
    }
}
