//! One row per user.

use super::filter::{CallFilter, Scope, UserFilter};
use super::instant::rfc3339;
use super::measure::{Amount, Measure};
use super::ratio::Ratio;
use super::totals::Totals;
use super::who::Who;
use super::zone::Zone;
use crate::record::{Text, Usd};
use std::cmp::Ordering;
use std::fmt;

/// Asks for one row per user: which calls count, which rows are shown, in which order and how many.
///
/// Without more it asks for [`All`](CallFilter::All) calls of [`All`](Scope::All) users, days in UTC, the hundred
/// with the most requests.
///
/// ```
/// use tower_llm_metrics::report::{SortBy, UserQuery, Zone};
///
/// let query = UserQuery::new().sort(SortBy::Cost).zone(Zone::fixed(60).unwrap()).limit(10);
/// # let _ = query;
/// ```
#[derive(Clone, Debug)]
pub struct UserQuery {
    pub(crate) scope: Scope,
    pub(crate) calls: CallFilter,
    pub(crate) users: UserFilter,
    pub(crate) zone: Zone,
    pub(crate) order: Order,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
    pub(crate) after: Option<Cursor>,
    pub(crate) sums: bool,
}

impl Default for UserQuery {
    fn default() -> Self {
        Self {
            scope: Scope::All,
            calls: CallFilter::All,
            users: UserFilter::All,
            zone: Zone::UTC,
            order: Order { by: Some(Measure::Requests), ascending: false },
            offset: 0,
            limit: 100,
            after: None,
            sums: false,
        }
    }
}

impl UserQuery {
    /// All calls of all users.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whose calls may be seen at all.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Scope>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Which calls count. A user of whom none counts has no row.
    #[must_use]
    pub fn calls(mut self, filter: CallFilter) -> Self {
        self.calls = filter;
        self
    }

    /// Which rows are shown.
    #[must_use]
    pub fn filter(mut self, filter: UserFilter) -> Self {
        self.users = filter;
        self
    }

    /// The zone whose days are counted.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }

    /// The largest first. Rows of which the measure is not known come last; equal ones come by id.
    #[must_use]
    pub fn sort(mut self, by: Measure) -> Self {
        self.order = Order { by: Some(by), ascending: false };
        self
    }

    /// The smallest first. Rows of which the measure is not known come last; equal ones come by id.
    #[must_use]
    pub fn sort_ascending(mut self, by: Measure) -> Self {
        self.order = Order { by: Some(by), ascending: true };
        self
    }

    /// By id, in the order of its bytes.
    #[must_use]
    pub fn sort_by_id(mut self) -> Self {
        self.order = Order { by: None, ascending: true };
        self
    }

    /// By id, in the opposite order of its bytes.
    #[must_use]
    pub fn sort_by_id_descending(mut self) -> Self {
        self.order = Order { by: None, ascending: false };
        self
    }

    /// Leaves out so many of the first rows: for pages that have a number. Between two questions rows may come and go, so that
    /// one is on both pages or on none; [`after`](Self::after) does not have that.
    #[must_use]
    pub fn offset(mut self, rows: usize) -> Self {
        self.offset = rows;
        self
    }

    /// At most so many rows. An answer with more of them takes as much memory as its rows do.
    #[must_use]
    pub fn limit(mut self, rows: usize) -> Self {
        self.limit = rows;
        self
    }

    /// Adds up the rows of all pages: [`UserPage::sums`].
    #[must_use]
    pub fn sums(mut self) -> Self {
        self.sums = true;
        self
    }

    /// The rows after those of an earlier page, in the order of that page, whatever was asked for here.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.order = cursor.order;
        self.after = Some(cursor);
        self
    }

    /// Whether `what` is something that a row, its order or its filter needs.
    pub(crate) fn compares(&self, wanted: fn(Measure) -> bool) -> bool {
        self.order.by.is_some_and(wanted) || self.users.asks(wanted)
    }
}

/// The order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    // By id where `None`.
    pub(crate) by: Option<Measure>,
    pub(crate) ascending: bool,
}

impl Order {
    /// Which of two rows comes first.
    pub(crate) fn compare(self, left: (Option<Amount>, &Who), right: (Option<Amount>, &Who)) -> Ordering {
        self.compare_amounts(left.0, right.0).then_with(|| self.compare_ids(left.1, right.1))
    }

    /// Which of two rows of the same amount comes first.
    pub(crate) fn compare_ids(self, left: &Who, right: &Who) -> Ordering {
        if self.by.is_none() && !self.ascending { right.cmp(left) } else { left.cmp(right) }
    }

    #[inline]
    pub(crate) fn compare_amounts(self, left: Option<Amount>, right: Option<Amount>) -> Ordering {
        match (left, right) {
            (Some(left), Some(right)) => {
                let order = left.partial_cmp(&right).unwrap_or(Ordering::Equal);
                if self.ascending { order } else { order.reverse() }
            }
            (left, right) => right.is_some().cmp(&left.is_some()),
        }
    }
}

/// Where a page ended: what [`UserQuery::after`] goes on from. It is a place in the order and no number of rows, so
/// that rows which come or go meanwhile shift nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    pub(crate) order: Order,
    pub(crate) amount: Option<Amount>,
    pub(crate) who: Who,
}

impl Cursor {
    /// Whether a row comes after it.
    pub(crate) fn is_before(&self, row: (Option<Amount>, &Who)) -> bool {
        self.order.compare((self.amount, &self.who), row) == Ordering::Less
    }
}

/// What the calls of one user add up to.
///
/// Shown as one line. Averages are in [`Totals`] and say their denominators there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserSummary {
    /// Whose row it is.
    pub who: Who,
    /// What the calls add up to; first and last activity are over all of them.
    pub totals: Totals,
    /// Distinct days, in the question's zone, with at least one of the calls.
    pub active_days: u64,
    /// The models that answered (asked for, where none did), in order.
    pub models: Vec<Text>,
    /// Requests whose model could not be kept apart from others, so that it is not among `models`.
    pub other_models: u64,
    /// At most so many earlier requests of this user are in the row of the other users, since the user was among
    /// the least active ones when the store was full.
    pub in_other: u64,
}

impl UserSummary {
    /// Requests, over active days.
    pub fn requests_per_active_day(&self) -> Ratio {
        Ratio::new(self.totals.requests(), self.active_days)
    }

    /// A figure of this row; `None` where it is not known.
    pub fn measure(&self, measure: Measure) -> Option<Amount> {
        match measure {
            Measure::ActiveDays => Some(self.active_days.into()),
            Measure::RequestsPerActiveDay => Some(self.requests_per_active_day().into()),
            Measure::Models => Some((self.models.len() as u64).into()),
            of_totals => self.totals.measure(of_totals),
        }
    }
}

impl Totals {
    /// A figure; `None` where it is not known, and for what takes more than totals to tell.
    pub(crate) fn measure(&self, measure: Measure) -> Option<Amount> {
        Some(match measure {
            Measure::Requests => self.requests().into(),
            Measure::Completed => self.completed().into(),
            Measure::Failed => self.failed().into(),
            Measure::Aborted => self.aborted().into(),
            Measure::Cancelled => self.cancelled().into(),
            Measure::Broken => self.broken().into(),
            Measure::ErrorRate => self.error_rate().into(),
            Measure::FirstActive => self.first()?.into(),
            Measure::LastActive => self.last()?.into(),
            Measure::Tokens => self.tokens()?.into(),
            Measure::InputTokens => self.input_tokens()?.into(),
            Measure::CacheReadTokens => self.cache_read_tokens()?.into(),
            Measure::CacheWriteTokens => self.cache_write_tokens()?.into(),
            Measure::OutputTokens => self.output_tokens()?.into(),
            Measure::ReasoningTokens => self.reasoning_tokens()?.into(),
            Measure::TokensPerRequest => known(self.tokens_per_request())?.into(),
            Measure::Cost => self.cost()?.into(),
            Measure::CostPerRequest => {
                self.cost_per_request().value().map(|_| self.cost_per_request())?.into()
            }
            Measure::MedianLatency => self.latency().at(50)?.into(),
            Measure::P95Latency => self.latency().at(95)?.into(),
            Measure::MedianFirstToken => self.first_token().at(50)?.into(),
            Measure::P95FirstToken => self.first_token().at(95)?.into(),
            Measure::Priced => self.priced().into(),
            Measure::Unpriced => self.unpriced().into(),
            Measure::WithoutUsage => self.without_usage().into(),
            Measure::Estimated => self.estimated().into(),
            Measure::Free => self.free().into(),
            Measure::Repeated => self.repeated().into(),
            Measure::ActiveDays | Measure::RequestsPerActiveDay | Measure::Models => return None,
        })
    }
}

fn known(ratio: Ratio) -> Option<Ratio> {
    (ratio.over != 0).then_some(ratio)
}

/// One line: `alice: 3 requests (1 failed), 120 tokens in, 45 out, $0.0012, 2 active days, 2026-01-01T… to …`. What
/// is not known is a dash.
impl fmt::Display for UserSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct OrDash<T>(Option<T>);
        impl<T: fmt::Display> fmt::Display for OrDash<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match &self.0 {
                    Some(value) => value.fmt(f),
                    None => f.write_str("-"),
                }
            }
        }
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let totals = &self.totals;
        write!(f, "{}: {} request{}", self.who, totals.requests(), plural(totals.requests()))?;
        let errors = totals.failed().saturating_add(totals.broken());
        if errors != 0 {
            write!(f, " ({errors} failed)")?;
        }
        write!(f, ", {} tokens in, {} out", OrDash(totals.input_tokens()), OrDash(totals.output_tokens()))?;
        match totals.cost() {
            Some(cost) => write!(f, ", ${cost}")?,
            None => f.write_str(", cost -")?,
        }
        let not_priced = totals.unpriced().saturating_add(totals.without_usage());
        if not_priced != 0 {
            write!(f, " ({not_priced} without a price)")?;
        }
        write!(f, ", {} active day{}", self.active_days, plural(self.active_days))?;
        write!(f, ", {}", OrDash(totals.first().map(rfc3339)))?;
        write!(f, " to {}", OrDash(totals.last().map(rfc3339)))
    }
}

/// What a store's limits took out of an answer. [`is_empty`](Self::is_empty) says that nothing is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gaps {
    /// Requests that are only in the row of the other users, and in the totals: whose they are is not known any more.
    pub other_users: u64,
    /// Requests of which the store kept too little to say whether the filter counts them. They are not counted.
    pub undecided: u64,
}

impl Gaps {
    /// Whether the answer is whole.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the rows of all pages add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sums {
    /// How many of them are users.
    pub users: u64,
    /// Their requests.
    pub requests: u64,
    /// Tokens in, where anybody spoke of them.
    pub input_tokens: Option<u64>,
    /// Tokens out, where anybody spoke of them.
    pub output_tokens: Option<u64>,
    /// What the priced requests cost.
    pub cost: Option<Usd>,
}

impl Sums {
    /// Adds a row, of which `whole` tells measures in the smallest unit of their kind.
    pub(crate) fn add(&mut self, is_user: bool, whole: impl Fn(Measure) -> Option<i128>) {
        let count = |measure| whole(measure).map(|count| u64::try_from(count).unwrap_or(u64::MAX));
        let add = |sum: &mut Option<u64>, count: Option<u64>| {
            if let Some(count) = count {
                *sum = Some(sum.unwrap_or(0).saturating_add(count));
            }
        };
        self.users += u64::from(is_user);
        self.requests = self.requests.saturating_add(count(Measure::Requests).unwrap_or(0));
        add(&mut self.input_tokens, count(Measure::InputTokens));
        add(&mut self.output_tokens, count(Measure::OutputTokens));
        if let Some(cost) = whole(Measure::Cost) {
            self.cost = Some(self.cost.unwrap_or(Usd::ZERO) + Usd::from_picos(cost));
        }
    }
}

/// A page of users.
///
/// It iterates over its rows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UserPage {
    /// The rows, in the order asked for.
    pub rows: Vec<UserSummary>,
    /// How many rows there are on all pages.
    pub matching: u64,
    /// What the rows of all pages add up to, where that was asked for.
    pub sums: Option<Sums>,
    /// The users beyond the store's limit in one row, where there are any and the scope sees everybody. It is none of
    /// the rows above.
    pub other: Option<UserSummary>,
    /// What is missing.
    pub gaps: Gaps,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

impl IntoIterator for UserPage {
    type Item = UserSummary;
    type IntoIter = std::vec::IntoIter<UserSummary>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

impl<'a> IntoIterator for &'a UserPage {
    type Item = &'a UserSummary;
    type IntoIter = std::slice::Iter<'a, UserSummary>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}
