//! The question for the table of users.

use super::amount::Amount;
use super::filter::UserFilter;
use super::measure::Measure;
use super::summary::UserSummary;
use super::who::Who;
use std::cmp::Ordering;

/// A question for one row per user: which rows are shown, in which order and how many. Which calls count is up to a
/// [`Selection`](super::Selection).
///
/// By default, it asks for the hundred users with the most requests.
///
/// ```
/// use tower_llm_metrics::report::{SortBy, UserQuery};
///
/// let query = UserQuery::new().sort(SortBy::Cost).limit(10);
/// assert_eq!((query.get_sort(), query.is_ascending()), (Some(SortBy::Cost), false));
/// ```
#[derive(Clone, Debug)]
pub struct UserQuery {
    pub(crate) filter: UserFilter,
    pub(crate) order: RowOrder,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
    pub(crate) after: Option<Cursor>,
    pub(crate) sums: bool,
}

impl Default for UserQuery {
    fn default() -> Self {
        Self {
            filter: UserFilter::All,
            order: RowOrder { by: Some(Measure::Requests), ascending: false },
            offset: 0,
            limit: 100,
            after: None,
            sums: false,
        }
    }
}

impl UserQuery {
    /// Creates the question for the hundred users with the most requests.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets which rows are shown. Defaults to all.
    #[must_use]
    pub fn filter(mut self, filter: UserFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Sorts by a measure, the largest first. Rows whose amount is not known come last; equal ones are sorted by id.
    #[must_use]
    pub fn sort(self, by: Measure) -> Self {
        self.order_by(Some(by), false)
    }

    /// Sorts by a measure, the smallest first. Rows whose amount is not known come last; equal ones are sorted by id.
    #[must_use]
    pub fn sort_ascending(self, by: Measure) -> Self {
        self.order_by(Some(by), true)
    }

    /// Sorts by id, in the order of its bytes.
    #[must_use]
    pub fn sort_by_id(self) -> Self {
        self.order_by(None, true)
    }

    /// Sorts by id, in the opposite order of its bytes.
    #[must_use]
    pub fn sort_by_id_descending(self) -> Self {
        self.order_by(None, false)
    }

    fn order_by(mut self, by: Option<Measure>, ascending: bool) -> Self {
        self.order = RowOrder { by, ascending };
        self
    }

    /// Skips the first rows, for pages that have a number. Rows may come and go between two questions, so that one is on both
    /// pages or on neither; with [`after`](Self::after), that does not happen.
    #[must_use]
    pub fn offset(mut self, rows: usize) -> Self {
        self.offset = rows;
        self
    }

    /// Sets the most rows of the answer, which takes as much memory as its rows do. Defaults to 100.
    #[must_use]
    pub fn limit(mut self, rows: usize) -> Self {
        self.limit = rows;
        self
    }

    /// Adds up the rows of all pages in [`UserPage::sums`](super::UserPage::sums).
    #[must_use]
    pub fn sums(mut self) -> Self {
        self.sums = true;
        self
    }

    /// Goes on after an earlier page, in the order of that page.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.order = cursor.order;
        self.after = Some(cursor);
        self
    }

    /// Returns which rows are shown.
    pub fn get_filter(&self) -> &UserFilter {
        &self.filter
    }

    /// Returns the measure that rows are sorted by; `None` if they are sorted by id.
    pub fn get_sort(&self) -> Option<Measure> {
        self.order.by
    }

    /// Whether the smallest come first.
    pub fn is_ascending(&self) -> bool {
        self.order.ascending
    }

    /// Returns the number of rows to skip.
    pub fn get_offset(&self) -> usize {
        self.offset
    }

    /// Returns the most rows of the answer.
    pub fn get_limit(&self) -> usize {
        self.limit
    }

    /// Returns the end of the earlier page that this one goes on after.
    pub fn get_after(&self) -> Option<&Cursor> {
        self.after.as_ref()
    }

    /// Whether the rows of all pages are to be added up.
    pub fn wants_sums(&self) -> bool {
        self.sums
    }

    /// Compares two rows by the order of the query.
    pub fn compare(&self, left: &UserSummary, right: &UserSummary) -> Ordering {
        self.order.compare(self.order.key(left), self.order.key(right))
    }

    /// Returns the place of a row in the order of the query: where the next page begins if the row is the last of this one.
    pub fn cursor(&self, row: &UserSummary) -> Cursor {
        let (amount, who) = self.order.key(row);
        Cursor { order: self.order, amount, who: who.clone() }
    }

    /// Whether the order or the filter takes a measure of which `wanted` is true.
    pub(crate) fn compares(&self, wanted: fn(Measure) -> bool) -> bool {
        self.order.by.is_some_and(wanted) || self.filter.compares(wanted)
    }
}

/// The order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowOrder {
    /// The measure; by id if `None`.
    pub(crate) by: Option<Measure>,
    pub(crate) ascending: bool,
}

impl RowOrder {
    /// Returns what a row is compared by.
    fn key(self, row: &UserSummary) -> (Option<Amount>, &Who) {
        (self.by.and_then(|by| row.measure(by)), &row.who)
    }

    /// Compares two rows by their amounts, and by their ids if these are equal.
    pub(crate) fn compare(self, left: (Option<Amount>, &Who), right: (Option<Amount>, &Who)) -> Ordering {
        self.compare_amounts(left.0, right.0).then_with(|| self.compare_ids(left.1, right.1))
    }

    /// Compares two rows of the same amount.
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

/// The end of a page, from which [`UserQuery::after`] goes on. It is a place in the order and not a number of rows, so
/// that rows which come or go in the meantime shift nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    pub(crate) order: RowOrder,
    pub(crate) amount: Option<Amount>,
    pub(crate) who: Who,
}

impl Cursor {
    /// Whether a row comes after it.
    pub fn is_before(&self, row: &UserSummary) -> bool {
        self.precedes(self.order.key(row))
    }

    /// Whether a row with this amount and id comes after it.
    pub(crate) fn precedes(&self, row: (Option<Amount>, &Who)) -> bool {
        self.order.compare((self.amount, &self.who), row) == Ordering::Less
    }
}
