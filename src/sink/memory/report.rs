//! The questions of [`crate::report`], asked of the store.

use super::pace::at_once;
use super::quarters::Quarters;
use super::{MemorySink, Store};
use crate::record::Record;
use crate::report::instant::to_micros;
use crate::report::{
    Breakdown, GroupBy, Histogram, HistogramQuery, Overview, QueryError, Report, Retention, Scope, Selection,
    Series, Step, UserPage, UserQuery, Who, Window,
};
use std::fmt;

/// The questions that a [`MemorySink`] answers.
///
/// Answers are of the moment: each part of the store is taken as it is when the answer comes to it, and calls go on meanwhile
/// without waiting for the answer. The same questions with answers that are awaited are in [`Report`], which [`MemorySink`]
/// implements; there, others on the same thread have their turn while a long answer is made.
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

    /// One row per user, over all time.
    pub fn users(&self, query: &UserQuery) -> UserPage {
        at_once(self.store.users(Quarters::ALL, query))
    }

    /// One row per user who made a call within the window.
    ///
    /// # Errors
    /// When the window is finer than what is kept.
    pub fn users_in(&self, window: Window, query: &UserQuery) -> Result<UserPage, QueryError> {
        at_once(self.store.users_in(window, query))
    }

    /// Activity over time. Where the window has no bounds, the series goes from the step of the first call to that of the last.
    ///
    /// # Errors
    /// When the window or a step is finer than what is kept, and when there would be more than
    /// [`Series::MAX_POINTS`] steps.
    pub fn series(&self, selection: &Selection, step: Step) -> Result<Series, QueryError> {
        at_once(self.store.series(selection, step))
    }

    /// Calls by what they were.
    ///
    /// # Errors
    /// When the window is finer than what is kept.
    pub fn breakdown(&self, selection: &Selection, by: GroupBy) -> Result<Breakdown, QueryError> {
        at_once(self.store.breakdown(selection, by))
    }

    /// Who came back, by the week of the first call.
    ///
    /// # Errors
    /// When the window or its weeks are finer than what is kept.
    pub fn retention(&self, selection: &Selection) -> Result<Retention, QueryError> {
        at_once(self.store.retention(selection))
    }

    /// How a measure is spread over users.
    ///
    /// # Errors
    /// When the window is finer than what is kept.
    pub fn histogram(&self, selection: &Selection, query: HistogramQuery) -> Result<Histogram, QueryError> {
        at_once(self.store.histogram(selection, query))
    }

    /// All of it at a glance. Today and this month are those of the selection's zone, by the store's clock; its window is
    /// that of everything else.
    ///
    /// # Errors
    /// When today or this month is finer than what is kept.
    pub fn overview(&self, selection: &Selection) -> Result<Overview, QueryError> {
        at_once(self.store.overview(selection))
    }

    /// The last `limit` calls that are kept whole, the latest first. Only the last ones of the whole store are, so
    /// that a user who was not active lately has none here.
    pub fn calls(&self, selection: &Selection, limit: usize) -> Vec<Record> {
        at_once(self.store.calls(selection, limit))
    }
}

impl Store {
    /// The last calls that are kept whole, the latest first.
    async fn calls(&self, selection: &Selection, limit: usize) -> Vec<Record> {
        let (start, end) = selection.window.bounds();
        let wanted = |record: &Record| {
            let sees = match (&selection.scope, record.user_id()) {
                (Scope::Only(Who::User(id)), user) => user == Some(id),
                (Scope::Only(Who::Nobody), user) => user.is_none(),
                (Scope::Only(Who::Other) | Scope::Nothing, _) => false,
                (Scope::All, _) => true,
            };
            sees && (start..end).contains(&to_micros(record.time)) && selection.calls.matches(record)
        };
        let mut calls = self.recent.last(limit, wanted).await;
        calls.reverse();
        calls
    }
}

impl Report for MemorySink {
    async fn users(&self, window: Window, query: &UserQuery) -> Result<UserPage, QueryError> {
        self.0.users_in(window, query).await
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
