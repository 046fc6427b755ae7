//! Thresholds that somebody wants to know of when a user crosses one.

use crate::record::Usd;
use crate::report::{Step, Totals, Who, Zone};
use std::fmt;
use std::time::SystemTime;

/// What an alert watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Watch {
    /// The cost of priced requests, in pico-dollars (1e-12 USD).
    Cost,
    /// All requests.
    Requests,
    /// Tokens in and out.
    Tokens,
}

impl Watch {
    /// Returns what calls add up to in what is watched.
    pub(super) fn of(self, totals: &Totals) -> i128 {
        match self {
            Self::Cost => totals.cost().unwrap_or_default().picos(),
            Self::Requests => totals.requests().into(),
            Self::Tokens => totals.tokens().unwrap_or(0).into(),
        }
    }
}

/// A threshold for what one user does within an hour, a day, a week or a month.
///
/// It fires at the edge: with the call that brings the sum of a window to the limit or above it, once per user and
/// window. The row of calls without a user, and that of users beyond the store's limit, are watched as one user each.
/// A call counts in the window of its start as long as that window is the user's latest or the one before. Restored
/// records count and do not fire, since they may have fired before; merged ones do not count. A spike is measured against the
/// days before as they were known when the first call of the day was added.
///
/// ```
/// use tower_llm_metrics::report::Step;
/// use tower_llm_metrics::sink::memory::{Alert, Watch};
/// use tower_llm_metrics::{MemorySink, Usd};
///
/// let users = MemorySink::builder()
///     .alert(Alert::cost(Usd::from_dollars(20)).per(Step::Month), |fired| eprintln!("{fired}"))
///     .alert(Alert::spike(Watch::Requests, 10), |fired| eprintln!("{fired}"))
///     .build();
/// # drop(users);
/// ```
#[derive(Clone, Debug)]
pub struct Alert {
    pub(super) watch: Watch,
    pub(super) step: Step,
    pub(super) zone: Zone,
    pub(super) rule: Rule,
}

/// When an alert fires.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// At a sum.
    Limit(i128),
    /// At so many times the median of the days before, and at no less than `floor`.
    Spike { times: u32, floor: i128 },
}

impl Alert {
    fn new(watch: Watch, rule: Rule) -> Self {
        Self { watch, step: Step::Day, zone: Zone::UTC, rule }
    }

    /// Watches the cost per day.
    pub fn cost(limit: Usd) -> Self {
        Self::new(Watch::Cost, Rule::Limit(limit.picos()))
    }

    /// Watches the requests per day.
    pub fn requests(limit: u64) -> Self {
        Self::new(Watch::Requests, Rule::Limit(limit.into()))
    }

    /// Watches the tokens per day.
    pub fn tokens(limit: u64) -> Self {
        Self::new(Watch::Tokens, Rule::Limit(limit.into()))
    }

    /// Watches for days of at least `times` the user's own median day. The median is that of the active days among the 28
    /// before, which must be three or more, and is taken with the first call of the day.
    pub fn spike(watch: Watch, times: u32) -> Self {
        Self::new(watch, Rule::Spike { times, floor: 1 })
    }

    /// Sets the smallest sum that is a spike, in the unit of what is watched (pico-dollars for cost): ten times next to
    /// nothing is nothing.
    #[must_use]
    pub fn at_least(mut self, sum: i128) -> Self {
        if let Rule::Spike { floor, .. } = &mut self.rule {
            *floor = sum.max(1);
        }
        self
    }

    /// Sets the length of the window. Defaults to a day; a spike is always one of a day.
    #[must_use]
    pub fn per(mut self, step: Step) -> Self {
        if let Rule::Limit(_) = self.rule {
            self.step = step;
        }
        self
    }

    /// Sets the zone of days, weeks and months. Defaults to UTC.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }
}

/// An alert that fired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fired {
    /// Whose calls.
    pub who: Who,
    /// What was watched.
    pub watch: Watch,
    /// The length of the window.
    pub step: Step,
    /// Where the window begins.
    pub start: SystemTime,
    /// Where it ends.
    pub end: SystemTime,
    /// What the window adds up to with the call that fired; pico-dollars for cost.
    pub sum: i128,
    /// The limit that it reached.
    pub limit: i128,
}

/// One line: `alice: cost 20.01 of 20 in the month from 2026-03-01T00:00:00Z`.
impl fmt::Display for Fired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.who)?;
        match self.watch {
            Watch::Cost => {
                write!(f, "cost {} of {}", Usd::from_picos(self.sum), Usd::from_picos(self.limit))?;
            }
            Watch::Requests => write!(f, "requests {} of {}", self.sum, self.limit)?,
            Watch::Tokens => write!(f, "tokens {} of {}", self.sum, self.limit)?,
        }
        let start = crate::report::instant::rfc3339(self.start);
        write!(f, " in the {} from {start}", self.step.as_str())
    }
}
