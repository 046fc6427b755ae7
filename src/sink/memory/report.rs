//! The questions of [`crate::report`], asked of the store.

use super::{MemorySink, Store};
use crate::record::Record;
use crate::report::instant::to_micros;
use crate::report::window::Quarters;
use crate::report::{
    Breakdown, GroupBy, Histogram, HistogramQuery, Overview, QueryError, Report, Retention, Selection,
    Series, Step, UserPage, UserQuery, Who, Window,
};
use std::fmt;

/// The questions that a [`MemorySink`] answers.
///
/// Answers are of the moment: while one is made, each part of the store is locked in turn, and calls go on. The same
/// questions with answers that are awaited are in [`Report`], which [`MemorySink`] implements.
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
        self.store.users(Quarters::ALL, query)
    }

    /// One row per user who made a call within the window.
    ///
    /// # Errors
    /// When the window is finer than what is kept.
    pub fn users_in(&self, window: Window, query: &UserQuery) -> Result<UserPage, QueryError> {
        let window = window.quarters()?;
        self.store.answer_window(window, &[], |window| self.store.users(window, query))
    }

    /// Activity over time. Where the window has no bounds, the series goes from the step of the first call to that of the last.
    ///
    /// # Errors
    /// When the window or a step is finer than what is kept, and when there would be more than
    /// [`Series::MAX_POINTS`] steps.
    pub fn series(&self, selection: &Selection, step: Step) -> Result<Series, QueryError> {
        self.store.series(selection, step)
    }

    /// Calls by what they were.
    ///
    /// # Errors
    /// When the window is finer than what is kept.
    pub fn breakdown(&self, selection: &Selection, by: GroupBy) -> Result<Breakdown, QueryError> {
        self.store.breakdown(selection, by)
    }

    /// Who came back, by the week of the first call.
    ///
    /// # Errors
    /// When the window or its weeks are finer than what is kept.
    pub fn retention(&self, selection: &Selection) -> Result<Retention, QueryError> {
        self.store.retention(selection)
    }

    /// How a measure is spread over users.
    ///
    /// # Errors
    /// When the window is finer than what is kept.
    pub fn histogram(&self, selection: &Selection, query: HistogramQuery) -> Result<Histogram, QueryError> {
        self.store.histogram(selection, query)
    }

    /// All of it at a glance. Today and this month are those of the selection's zone, by the store's clock; its window is
    /// that of everything else.
    ///
    /// # Errors
    /// When today or this month is finer than what is kept.
    pub fn overview(&self, selection: &Selection) -> Result<Overview, QueryError> {
        self.store.overview(selection)
    }

    /// The last `limit` calls that are kept whole, the latest first. Only the last ones of the whole store are, so
    /// that a user who was not active lately has none here.
    pub fn calls(&self, selection: &Selection, limit: usize) -> Vec<Record> {
        let (start, end) = selection.window.bounds();
        let wanted = |record: &Record| {
            let who = record.user_id().cloned().map_or(Who::Nobody, Who::User);
            selection.scope.sees(&who)
                && selection.calls.matches(record)
                && (start..end).contains(&to_micros(record.time))
        };
        let mut calls = self.store.recent.last(limit, wanted);
        calls.reverse();
        calls
    }
}

impl Report for MemorySink {
    async fn users(&self, window: Window, query: &UserQuery) -> Result<UserPage, QueryError> {
        self.report().users_in(window, query)
    }

    async fn series(&self, selection: &Selection, step: Step) -> Result<Series, QueryError> {
        self.report().series(selection, step)
    }

    async fn breakdown(&self, selection: &Selection, by: GroupBy) -> Result<Breakdown, QueryError> {
        self.report().breakdown(selection, by)
    }

    async fn retention(&self, selection: &Selection) -> Result<Retention, QueryError> {
        self.report().retention(selection)
    }

    async fn histogram(&self, selection: &Selection, query: HistogramQuery) -> Result<Histogram, QueryError> {
        self.report().histogram(selection, query)
    }

    async fn overview(&self, selection: &Selection) -> Result<Overview, QueryError> {
        self.report().overview(selection)
    }

    async fn calls(&self, selection: &Selection, limit: usize) -> Result<Vec<Record>, QueryError> {
        Ok(self.report().calls(selection, limit))
    }
}
