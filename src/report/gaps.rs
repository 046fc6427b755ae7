//! What is missing from an answer.

use serde::Serialize;

/// What is missing from an answer because of a store's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Gaps {
    /// Requests that are in the totals and in the row of the other users, but no longer attributed to a user.
    pub other_users: u64,
    /// Requests that are not counted because the store kept too little of them to decide whether the filter matches.
    pub undecided: u64,
}

impl Gaps {
    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
