//! Whose row it is.

use crate::record::UserId;
use std::fmt;

/// Whose calls a row is about.
///
/// Calls without a user have a row of their own, which cannot be mistaken for any id; so have the users that a store no
/// longer tells apart.
///
/// ```
/// use tower_llm_metrics::UserId;
/// use tower_llm_metrics::report::Who;
///
/// let claimed = Who::User(UserId::new("(no user)").unwrap());
/// assert_ne!(claimed, Who::Nobody);
/// assert_ne!(claimed.to_string(), Who::Nobody.to_string());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Who {
    /// A user.
    User(UserId),
    /// All calls without a user.
    Nobody,
    /// The users beyond the store's limit, the least active ones, in one row.
    Other,
}

impl Who {
    /// Returns the user's id, if it is a user.
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Nobody | Self::Other => None,
        }
    }

    /// Returns the kind of row, as in exports: `user`, `nobody`, `other`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Nobody => "nobody",
            Self::Other => "other",
        }
    }
}

impl From<UserId> for Who {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

/// Displays the id as it is, in quotes if it could be mistaken for something else; `(no user)`; `(other users)`.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) if id.as_str().starts_with(['(', '"']) => write!(f, "{:?}", id.as_str()),
            Self::User(id) => f.pad(id.as_str()),
            Self::Nobody => f.pad("(no user)"),
            Self::Other => f.pad("(other users)"),
        }
    }
}
