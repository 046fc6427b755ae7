//! What calls were.

use super::totals::Totals;
use super::users::Gaps;
use crate::record::Text;
use std::fmt;

/// What calls are grouped by.
///
/// ```
/// use tower_llm_metrics::record::Text;
/// use tower_llm_metrics::report::GroupBy;
///
/// assert_eq!(GroupBy::Property(Text::new("team").unwrap()).to_string(), "property team");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupBy {
    /// The model that answered, or else the one asked for.
    Model,
    /// The provider.
    Provider,
    /// The operation, by its value in a record.
    Operation,
    /// The value of a property.
    Property(Text),
    /// Why the usage is absent, by its value in a record. Calls whose usage is there have no such name.
    AbsentUsage,
}

impl fmt::Display for GroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model => f.write_str("model"),
            Self::Provider => f.write_str("provider"),
            Self::Operation => f.write_str("operation"),
            Self::Property(name) => write!(f, "property {name}"),
            Self::AbsentUsage => f.write_str("absent usage"),
        }
    }
}

/// The name of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum GroupName {
    /// Calls of this name.
    Is(Text),
    /// Calls without one.
    Absent,
    /// Calls whose name was not kept apart from others.
    Other,
}

impl GroupName {
    /// Which kind of group it is, in exports: `name`, `absent`, `other`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Is(_) => "name",
            Self::Absent => "absent",
            Self::Other => "other",
        }
    }
}

/// Calls of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// Their name.
    pub name: GroupName,
    /// What they add up to.
    pub totals: Totals,
    /// How many users made them. Calls without a user are no user's.
    pub users: u64,
}

/// Calls by what they were. The groups share nothing and add up to all calls that count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breakdown {
    /// What they are grouped by.
    pub by: GroupBy,
    /// The groups, the one with most requests first.
    pub groups: Vec<Group>,
    /// What is missing. Calls in the row of the other users are in the groups, and none of its users is counted.
    pub gaps: Gaps,
}
