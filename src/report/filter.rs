//! Which calls and which users a question is about.

use super::amount::Amount;
use super::measure::Measure;
use super::pattern::Pattern;
use super::summary::UserSummary;
use super::who::Who;
use crate::record::{Operation, Provider, Record, Text, UserId};

/// Whose calls a question may see at all. It is set by a guard that decides who sees whom; no filter widens it.
///
/// ```
/// use tower_llm_metrics::UserId;
/// use tower_llm_metrics::report::{Scope, Who};
///
/// let (alice, bob) = (UserId::new("alice").unwrap(), UserId::new("bob").unwrap());
/// let own = Scope::Only(Who::User(alice.clone()));
/// assert!(own.sees(&Who::User(alice)));
/// assert!(!own.sees(&Who::User(bob)) && !own.sees(&Who::Nobody) && !own.sees(&Who::Other));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's calls.
    #[default]
    All,
    /// The calls of one row.
    Only(Who),
    /// No calls.
    Nothing,
}

impl Scope {
    /// Whether it includes the calls of `who`.
    pub fn sees(&self, who: &Who) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only == who,
            Self::Nothing => false,
        }
    }

    /// Returns the scope that both allow.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, scope) | (scope, Self::All) => scope.clone(),
            (Self::Only(one), Self::Only(other)) if one == other => Self::Only(one.clone()),
            _ => Self::Nothing,
        }
    }
}

impl From<UserId> for Scope {
    fn from(id: UserId) -> Self {
        Self::Only(Who::User(id))
    }
}

macro_rules! combinators {
    ($($filter:ty)*) => {
        $(impl $filter {
            /// Combines two filters into one that matches what both match.
            #[must_use]
            pub fn and(self, other: Self) -> Self {
                match (self, other) {
                    (Self::All, filter) | (filter, Self::All) => filter,
                    both => Self::And(Box::new(both)),
                }
            }

            /// Combines two filters into one that matches what at least one of them matches.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self::Or(Box::new((self, other)))
            }

            /// Inverts the filter.
            #[must_use]
            pub fn negate(self) -> Self {
                Self::Not(Box::new(self))
            }
        })*
    };
}

combinators! { CallFilter UserFilter }

/// Which calls count. There is no empty list of conditions: all calls are spelled [`All`](Self::All).
///
/// The model of a call is the one that answered, or else the one asked for.
///
/// ```
/// use tower_llm_metrics::{Operation, Provider, Record};
/// use tower_llm_metrics::report::CallFilter;
///
/// let mut record = Record::new(std::time::SystemTime::now());
/// record.provider = Some(Provider::OPENAI);
/// let chats = CallFilter::Operation(Operation::Chat);
/// let filter = CallFilter::Provider(Provider::OPENAI).and(chats.negate());
/// assert!(filter.matches(&record));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallFilter {
    /// Every call.
    #[default]
    All,
    /// Calls of this model.
    Model(Text),
    /// Calls of models that match this pattern.
    ModelLike(Pattern),
    /// Calls of this provider.
    Provider(Provider),
    /// Calls of this operation.
    Operation(Operation),
    /// Calls with this property, whatever its value.
    HasProperty(Text),
    /// Calls with this property of this value.
    Property(Text, Text),
    /// Calls that both filters match.
    And(Box<(Self, Self)>),
    /// Calls that at least one of the filters matches.
    Or(Box<(Self, Self)>),
    /// Calls that the filter does not match.
    Not(Box<Self>),
}

impl CallFilter {
    /// Whether the call of `record` counts. A property that the record dropped matches neither a condition nor its negation.
    pub fn matches(&self, record: &Record) -> bool {
        let properties = &record.properties;
        let has = |name: &str| match properties.get(name) {
            None if properties.dropped() != 0 => None,
            value => Some(value),
        };
        let model = record.answering_model();
        self.decide(&|filter| match filter {
            Self::Model(wanted) => Some(model == Some(wanted)),
            Self::ModelLike(pattern) => Some(model.is_some_and(|model| pattern.matches(model))),
            Self::Provider(provider) => Some(record.provider.as_ref() == Some(provider)),
            Self::Operation(operation) => Some(record.operation == *operation),
            Self::HasProperty(name) => has(name).map(|value| value.is_some()),
            Self::Property(name, wanted) => has(name).map(|value| value == Some(wanted.as_str())),
            Self::All | Self::And(_) | Self::Or(_) | Self::Not(_) => None,
        }) == Some(true)
    }

    /// Decides whether calls count, given the decision on each single condition; `None` if it cannot be decided.
    pub(crate) fn decide(&self, one: &impl Fn(&Self) -> Option<bool>) -> Option<bool> {
        match self {
            Self::All => Some(true),
            Self::And(both) => match (both.0.decide(one), both.1.decide(one)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(both) => match (both.0.decide(one), both.1.decide(one)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(filter) => filter.decide(one).map(|counts| !counts),
            single => one(single),
        }
    }
}

/// Which rows are shown, by their id and by their figures.
///
/// ```
/// use tower_llm_metrics::Usd;
/// use tower_llm_metrics::report::{Measure, UserFilter};
///
/// let costly = UserFilter::AtLeast(Measure::Cost, Usd::from_dollars(5).into());
/// let busy = UserFilter::AtLeast(Measure::Requests, 1_000.into());
/// let either = costly.or(busy);
/// # let _ = either;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum UserFilter {
    /// Every row.
    #[default]
    All,
    /// This user.
    Is(UserId),
    /// The row of the calls without a user.
    Nobody,
    /// Users whose id begins with this text, case included.
    Prefix(Text),
    /// Users whose id contains this text, case included.
    Contains(Text),
    /// Users whose id matches this pattern.
    Like(Pattern),
    /// Rows whose measure is known and at least the amount. An amount of another kind (a count for a cost) matches no row.
    AtLeast(Measure, Amount),
    /// Rows whose measure is known and at most the amount.
    AtMost(Measure, Amount),
    /// Rows that both filters match.
    And(Box<(Self, Self)>),
    /// Rows that at least one of the filters matches.
    Or(Box<(Self, Self)>),
    /// Rows that the filter does not match.
    Not(Box<Self>),
}

impl UserFilter {
    /// Whether a row is shown.
    pub fn matches(&self, row: &UserSummary) -> bool {
        self.shows(&row.who, &|measure| row.measure(measure))
    }

    /// Whether a row with these measures is shown.
    pub(crate) fn shows(&self, who: &Who, amount: &dyn Fn(Measure) -> Option<Amount>) -> bool {
        let id = who.user().map(UserId::as_str);
        match self {
            Self::All => true,
            Self::Is(only) => who.user() == Some(only),
            Self::Nobody => *who == Who::Nobody,
            Self::Prefix(text) => id.is_some_and(|id| id.starts_with(text.as_str())),
            Self::Contains(text) => id.is_some_and(|id| id.contains(text.as_str())),
            Self::Like(pattern) => id.is_some_and(|id| pattern.matches(id)),
            Self::AtLeast(measure, bound) => amount(*measure).is_some_and(|amount| amount >= *bound),
            Self::AtMost(measure, bound) => amount(*measure).is_some_and(|amount| amount <= *bound),
            Self::And(both) => both.0.shows(who, amount) && both.1.shows(who, amount),
            Self::Or(both) => both.0.shows(who, amount) || both.1.shows(who, amount),
            Self::Not(filter) => !filter.shows(who, amount),
        }
    }

    /// Whether it compares a measure of which `wanted` is true.
    pub(crate) fn compares(&self, wanted: fn(Measure) -> bool) -> bool {
        match self {
            Self::AtLeast(measure, _) | Self::AtMost(measure, _) => wanted(*measure),
            Self::And(both) | Self::Or(both) => both.0.compares(wanted) || both.1.compares(wanted),
            Self::Not(filter) => filter.compares(wanted),
            Self::All | Self::Is(_) | Self::Nobody | Self::Prefix(_) | Self::Contains(_) | Self::Like(_) => {
                false
            }
        }
    }
}
