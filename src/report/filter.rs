//! Which calls and which users a question is about.

use super::measure::{Amount, Measure};
use super::pattern::Pattern;
use super::who::Who;
use crate::record::{Operation, Provider, Record, Text, UserId};

/// Whose calls a question may see at all. A guard that decides who sees whom sets it; no filter widens it.
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
    /// Everybody's.
    #[default]
    All,
    /// One row's.
    Only(Who),
    /// No one's.
    Nothing,
}

impl Scope {
    /// Whether the calls of `who` are within.
    pub fn sees(&self, who: &Who) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only == who,
            Self::Nothing => false,
        }
    }

    /// What both allow.
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

/// Which calls count. Everything counts only when that is said: there is no empty list of conditions.
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
    /// Calls of models like this.
    ModelLike(Pattern),
    /// Calls of this provider.
    Provider(Provider),
    /// Calls of this kind.
    Operation(Operation),
    /// Calls with this property, whatever its value.
    HasProperty(Text),
    /// Calls with this property of this value.
    Property(Text, Text),
    /// Calls that both count.
    And(Box<(Self, Self)>),
    /// Calls that at least one counts.
    Or(Box<(Self, Self)>),
    /// Calls that it does not count.
    Not(Box<Self>),
}

impl CallFilter {
    /// The calls that both count.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::And(Box::new((self, other)))
    }

    /// The calls that at least one counts.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::Or(Box::new((self, other)))
    }

    /// The calls that it does not count.
    #[must_use]
    pub fn negate(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Whether the call of `record` counts.
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

    /// Whether calls count of which `one` decides each single condition; `None` where that can't be said.
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

/// Which rows are shown, by id and by what their calls add up to.
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
    /// Users whose id begins with this, exactly as it is spelt.
    Prefix(Text),
    /// Users whose id holds this, exactly as it is spelt.
    Contains(Text),
    /// Users whose id is like this.
    Like(Pattern),
    /// Rows of which the measure is known and at least the amount. An amount of another kind (a count against a
    /// cost) fits no row.
    AtLeast(Measure, Amount),
    /// Rows of which the measure is known and at most the amount.
    AtMost(Measure, Amount),
    /// Rows that both show.
    And(Box<(Self, Self)>),
    /// Rows that at least one shows.
    Or(Box<(Self, Self)>),
    /// Rows that it does not show.
    Not(Box<Self>),
}

impl UserFilter {
    /// The rows that both show.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::And(Box::new((self, other)))
    }

    /// The rows that at least one shows.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::Or(Box::new((self, other)))
    }

    /// The rows that it does not show.
    #[must_use]
    pub fn negate(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Whether a row is shown; `amount` tells its measures.
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

    /// Whether it asks for a measure that `wanted` names.
    pub(crate) fn asks(&self, wanted: fn(Measure) -> bool) -> bool {
        match self {
            Self::All | Self::Is(_) | Self::Nobody | Self::Prefix(_) | Self::Contains(_) | Self::Like(_) => {
                false
            }
            Self::AtLeast(measure, _) | Self::AtMost(measure, _) => wanted(*measure),
            Self::And(both) | Self::Or(both) => both.0.asks(wanted) || both.1.asks(wanted),
            Self::Not(filter) => filter.asks(wanted),
        }
    }
}
