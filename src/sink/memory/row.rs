//! The row of one user.

use super::alerts::AlertState;
use super::history::History;
use super::sieve::PER_REQUEST;
use crate::record::UserId;

/// A user and the user's calls.
#[derive(Clone, Debug)]
pub(crate) struct UserRow {
    pub(crate) id: UserId,
    pub(crate) history: History,
    /// The user's activity since the row began.
    pub(crate) activity: u64,
    // The likely activity before.
    earlier: u64,
    /// The most earlier requests of the user that can be in the row of the others.
    pub(crate) in_other: u64,
    /// One for each alert of the store.
    #[allow(clippy::box_collection)] // A row is smaller by 16 bytes.
    pub(crate) alerts: Option<Box<Vec<AlertState>>>,
}

impl UserRow {
    /// Makes the row of a user with a likely earlier activity, and with requests in the row of the others.
    pub(crate) fn new(id: UserId, earlier: u64, in_other: u64) -> Self {
        // In whole requests, so that nobody gains from a fraction of one.
        let earlier = earlier - earlier % PER_REQUEST;
        Self { id, history: History::default(), activity: 0, earlier, in_other, alerts: None }
    }

    /// Adds to the activity.
    #[inline]
    pub(crate) fn count(&mut self, activity: u64) {
        self.activity = self.activity.saturating_add(activity);
    }

    /// Returns what users are compared by when there are too many. It includes the earlier activity, so that an active user
    /// who comes back does not start from nothing.
    pub(crate) fn standing(&self) -> u64 {
        self.activity.saturating_add(self.earlier)
    }
}
