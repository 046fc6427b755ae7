//! The table of users.

use super::gaps::Gaps;
use super::summary::UserSummary;
use super::totals::Totals;
use super::user_query::Cursor;
use crate::record::Usd;

/// A page of users, which iterates over its rows.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct UserPage {
    /// The rows, in the order of the query.
    pub rows: Vec<UserSummary>,
    /// The number of rows on all pages.
    pub matching: u64,
    /// What the rows of all pages add up to, if [`UserQuery::sums`](super::UserQuery::sums) was asked for.
    pub sums: Option<Sums>,
    /// The users beyond the store's limit in one row, if there are any and the scope sees everybody. It is not among
    /// `rows`.
    pub other: Option<UserSummary>,
    /// What is missing.
    pub gaps: Gaps,
    /// The end of this page, from which [`UserQuery::after`](super::UserQuery::after) goes on; `None` on the last page.
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

/// What the rows of all pages add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sums {
    /// The number of rows that are users'.
    pub users: u64,
    /// Their requests.
    pub requests: u64,
    /// Tokens in, if known of any row.
    pub input_tokens: Option<u64>,
    /// Tokens out, if known of any row.
    pub output_tokens: Option<u64>,
    /// The cost of the priced requests.
    pub cost: Option<Usd>,
}

impl Sums {
    /// Adds a row.
    pub fn add(&mut self, row: &UserSummary) {
        self.add_totals(row.who.user().is_some(), &row.totals);
    }

    /// Adds the totals of a row.
    pub(crate) fn add_totals(&mut self, is_user: bool, totals: &Totals) {
        let add = |sum: &mut Option<u64>, tokens: Option<u64>| {
            if let Some(tokens) = tokens {
                *sum = Some(sum.unwrap_or(0).saturating_add(tokens));
            }
        };
        self.users += u64::from(is_user);
        self.requests = self.requests.saturating_add(totals.requests());
        add(&mut self.input_tokens, totals.input_tokens());
        add(&mut self.output_tokens, totals.output_tokens());
        if let Some(cost) = totals.cost() {
            self.cost = Some(self.cost.unwrap_or(Usd::ZERO) + cost);
        }
    }
}
