//! Calls in groups.

use super::gaps::Gaps;
use super::totals::Totals;
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
    /// The reason why the usage is absent, by its value in a record. Calls with usage have no name.
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

/// The name of a [`Group`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum GroupName {
    /// The calls of this name.
    Is(Text),
    /// The calls without a name.
    Absent,
    /// The calls whose name the store did not keep apart from others.
    Other,
}

impl GroupName {
    /// Returns the kind of group, as in exports: `name`, `absent`, `other`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Is(_) => "name",
            Self::Absent => "absent",
            Self::Other => "other",
        }
    }
}

/// What the calls of one name add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The name.
    pub name: GroupName,
    /// What the calls add up to.
    pub totals: Totals,
    /// The number of users who made them. Calls without a user are not a user's.
    pub users: u64,
}

impl Group {
    /// Creates a group without calls.
    pub fn new(name: GroupName) -> Self {
        Self { name, totals: Totals::default(), users: 0 }
    }
}

/// Calls in groups, which are disjoint and add up to all calls that count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breakdown {
    /// What the calls are grouped by.
    pub by: GroupBy,
    /// The groups, the one with most requests first.
    pub groups: Vec<Group>,
    /// What is missing. The calls of users beyond the store's limit are in the groups, and these users are not counted.
    pub gaps: Gaps,
}

impl Breakdown {
    /// Creates a breakdown without groups.
    pub fn new(by: GroupBy) -> Self {
        Self { by, groups: Vec::new(), gaps: Gaps::default() }
    }
}
