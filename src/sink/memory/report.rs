//! The questions of [`crate::report`], asked of the store.

use super::pace::at_once;
use super::quarters::Quarters;
use super::{MemorySink, Store};
use crate::record::Record;
use crate::report::{
    Breakdown, GroupBy, Histogram, HistogramQuery, Overview, QueryError, Report, Retention, Selection,
    Series, Step, UserPage, UserQuery,
};
use std::fmt;

/// The questions of [`Report`], answered by a [`MemorySink`] at once instead of in a future.
///
/// Calls go on while an answer is made, so that it includes some of them and not others. In async code that other tasks share
/// the thread with, ask the sink itself, which implements [`Report`] and yields while a long answer is made.
#[derive(Clone, Copy)]
pub struct MemoryReport<'a> {
    store: &'a Store,
}

impl fmt::Debug for MemoryReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReport").finish_non_exhaustive()
    }
}

impl<'a> MemoryReport<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Returns one row per user, over all calls; days are those of UTC.
    pub fn users(&self, query: &UserQuery) -> UserPage {
        at_once(self.store.users(&Selection::new(), Quarters::ALL, query))
    }

    /// Returns one row per user with a call in the selection: [`Report::users`].
    ///
    /// # Errors
    /// When the window is finer than what is kept.
    pub fn users_in(&self, selection: &Selection, query: &UserQuery) -> Result<UserPage, QueryError> {
        at_once(self.store.users_in(selection, query))
    }

    /// Returns the activity over time: [`Report::series`].
    ///
    /// # Errors
    /// When the window or a step is finer than what is kept, and when there would be more than
    /// [`Series::MAX_POINTS`] steps.
    pub fn series(&self, selection: &Selection, step: Step) -> Result<Series, QueryError> {
        at_once(self.store.series(selection, step))
    }

    /// Returns the calls in groups: [`Report::breakdown`].
    ///
    /// # Errors
    /// When the window is finer than what is kept.
    pub fn breakdown(&self, selection: &Selection, by: GroupBy) -> Result<Breakdown, QueryError> {
        at_once(self.store.breakdown(selection, by))
    }

    /// Returns how many users came back, by the week of their first call: [`Report::retention`].
    ///
    /// # Errors
    /// When the window or its weeks are finer than what is kept.
    pub fn retention(&self, selection: &Selection) -> Result<Retention, QueryError> {
        at_once(self.store.retention(selection))
    }

    /// Returns how a measure is spread over users: [`Report::histogram`].
    ///
    /// # Errors
    /// When the window is finer than what is kept.
    pub fn histogram(&self, selection: &Selection, query: HistogramQuery) -> Result<Histogram, QueryError> {
        at_once(self.store.histogram(selection, query))
    }

    /// Returns all calls at a glance: [`Report::overview`].
    ///
    /// # Errors
    /// When today or this month is finer than what is kept.
    pub fn overview(&self, selection: &Selection) -> Result<Overview, QueryError> {
        at_once(self.store.overview(selection))
    }

    /// Returns the last `limit` calls that are kept whole, the latest first. Only the last calls of the whole store are, so
    /// that a user who was not active lately has none here.
    pub fn calls(&self, selection: &Selection, limit: usize) -> Vec<Record> {
        at_once(self.store.calls(selection, limit))
    }
}

impl Store {
    /// Returns the last calls that are kept whole, the latest first.
    async fn calls(&self, selection: &Selection, limit: usize) -> Vec<Record> {
        let mut calls = self.recent.last(limit, |record| selection.matches(record)).await;
        calls.reverse();
        calls
    }
}

impl Report for MemorySink {
    async fn users(&self, selection: &Selection, query: &UserQuery) -> Result<UserPage, QueryError> {
        self.0.users_in(selection, query).await
    }

    async fn series(&self, selection: &Selection, step: Step) -> Result<Series, QueryError> {
        self.0.series(selection, step).await
    }

    async fn breakdown(&self, selection: &Selection, by: GroupBy) -> Result<Breakdown, QueryError> {
        self.0.breakdown(selection, by).await
    }

    async fn retention(&self, selection: &Selection) -> Result<Retention, QueryError> {
        self.0.retention(selection).await
    }

    async fn histogram(&self, selection: &Selection, query: HistogramQuery) -> Result<Histogram, QueryError> {
        self.0.histogram(selection, query).await
    }

    async fn overview(&self, selection: &Selection) -> Result<Overview, QueryError> {
        self.0.overview(selection).await
    }

    async fn calls(&self, selection: &Selection, limit: usize) -> Result<Vec<Record>, QueryError> {
        Ok(self.0.calls(selection, limit).await)
    }
}
