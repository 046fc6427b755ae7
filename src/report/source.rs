//! The questions that every store answers.

use super::{
    Breakdown, GroupBy, Histogram, HistogramQuery, Overview, QueryError, Retention, Scope, Selection, Series,
    Step, UserPage, UserQuery,
};
use crate::record::Record;
use std::future::Future;

/// The questions that a store answers, each about the calls of a [`Selection`].
///
/// The futures are `Send`, so that they can be awaited in a spawned task, and do nothing until they are polled. A store of
/// your own answers from whatever it keeps: questions have getters, and answers have constructors and public fields.
///
/// ```
/// use tower_llm_metrics::MemorySink;
/// use tower_llm_metrics::report::{QueryError, Report, Selection, SortBy, UserQuery};
///
/// async fn top(report: &impl Report) -> Result<Vec<String>, QueryError> {
///     let page = report.users(&Selection::new(), &UserQuery::new().sort(SortBy::Cost).limit(3)).await?;
///     Ok(page.rows.iter().map(|row| row.who.to_string()).collect())
/// }
/// # let _ = top(&MemorySink::new());
/// ```
pub trait Report: Send + Sync {
    /// Returns one row per user.
    ///
    /// # Errors
    /// Like all questions: when the selection is finer than what the store keeps, and when the store fails.
    fn users(
        &self,
        selection: &Selection,
        query: &UserQuery,
    ) -> impl Future<Output = Result<UserPage, QueryError>> + Send;

    /// Returns the activity over time. If the window has no bounds, the series goes from the step of the first call to that of
    /// the last one.
    ///
    /// # Errors
    /// Also when there are more than [`Series::MAX_POINTS`] steps.
    fn series(
        &self,
        selection: &Selection,
        step: Step,
    ) -> impl Future<Output = Result<Series, QueryError>> + Send;

    /// Returns the calls in groups, the one with most requests first.
    fn breakdown(
        &self,
        selection: &Selection,
        by: GroupBy,
    ) -> impl Future<Output = Result<Breakdown, QueryError>> + Send;

    /// Returns how many users came back, by the week of their first call.
    fn retention(&self, selection: &Selection) -> impl Future<Output = Result<Retention, QueryError>> + Send;

    /// Returns how a measure is spread over users.
    fn histogram(
        &self,
        selection: &Selection,
        query: HistogramQuery,
    ) -> impl Future<Output = Result<Histogram, QueryError>> + Send;

    /// Returns all calls at a glance. Today and this month are those of the selection's zone, by the store's clock; the window
    /// applies to everything else.
    fn overview(&self, selection: &Selection) -> impl Future<Output = Result<Overview, QueryError>> + Send;

    /// Returns the last calls that are kept whole, the latest first.
    fn calls(
        &self,
        selection: &Selection,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Record>, QueryError>> + Send;
}

/// A report that is narrowed to a scope, whatever it is asked: for a page about one's own usage.
///
/// ```
/// use tower_llm_metrics::report::{Report, Scope, Scoped};
/// use tower_llm_metrics::{MemorySink, UserId};
///
/// let users = MemorySink::new();
/// let own = Scoped::new(users, Scope::from(UserId::new("alice").unwrap()));
/// fn is_a_report(_: &impl Report) {}
/// is_a_report(&own);
/// ```
#[derive(Clone, Debug)]
pub struct Scoped<R> {
    inner: R,
    scope: Scope,
}

impl<R> Scoped<R> {
    /// Narrows `inner` to the calls within `scope`.
    pub fn new(inner: R, scope: Scope) -> Self {
        Self { inner, scope }
    }

    fn narrow(&self, selection: &Selection) -> Selection {
        selection.clone().scope(selection.scope.and(&self.scope))
    }
}

impl<R: Report> Report for Scoped<R> {
    async fn users(&self, selection: &Selection, query: &UserQuery) -> Result<UserPage, QueryError> {
        self.inner.users(&self.narrow(selection), query).await
    }

    async fn series(&self, selection: &Selection, step: Step) -> Result<Series, QueryError> {
        self.inner.series(&self.narrow(selection), step).await
    }

    async fn breakdown(&self, selection: &Selection, by: GroupBy) -> Result<Breakdown, QueryError> {
        self.inner.breakdown(&self.narrow(selection), by).await
    }

    async fn retention(&self, selection: &Selection) -> Result<Retention, QueryError> {
        self.inner.retention(&self.narrow(selection)).await
    }

    async fn histogram(&self, selection: &Selection, query: HistogramQuery) -> Result<Histogram, QueryError> {
        self.inner.histogram(&self.narrow(selection), query).await
    }

    async fn overview(&self, selection: &Selection) -> Result<Overview, QueryError> {
        self.inner.overview(&self.narrow(selection)).await
    }

    async fn calls(&self, selection: &Selection, limit: usize) -> Result<Vec<Record>, QueryError> {
        self.inner.calls(&self.narrow(selection), limit).await
    }
}
