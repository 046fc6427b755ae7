//! What every store can be asked.

use super::{
    Breakdown, GroupBy, Histogram, HistogramQuery, Overview, QueryError, Retention, Scope, Selection, Series,
    Step, UserPage, UserQuery, Window,
};
use crate::record::Record;
use std::future::Future;

/// The questions that a store answers. The futures are `Send`, so that they can be awaited in a spawned task; they
/// do nothing before they are.
///
/// ```
/// use tower_llm_metrics::MemorySink;
/// use tower_llm_metrics::report::{QueryError, Report, SortBy, UserQuery, Window};
///
/// async fn top(report: &impl Report) -> Result<Vec<String>, QueryError> {
///     let page = report.users(Window::ALL, &UserQuery::new().sort(SortBy::Cost).limit(3)).await?;
///     Ok(page.rows.iter().map(|row| row.who.to_string()).collect())
/// }
/// # let _ = top(&MemorySink::new());
/// ```
pub trait Report: Send + Sync {
    /// One row per user who made a call within the window.
    fn users(
        &self,
        window: Window,
        query: &UserQuery,
    ) -> impl Future<Output = Result<UserPage, QueryError>> + Send;

    /// Activity over time.
    fn series(
        &self,
        selection: &Selection,
        step: Step,
    ) -> impl Future<Output = Result<Series, QueryError>> + Send;

    /// Calls by what they were.
    fn breakdown(
        &self,
        selection: &Selection,
        by: GroupBy,
    ) -> impl Future<Output = Result<Breakdown, QueryError>> + Send;

    /// Who came back, by the week of the first call.
    fn retention(&self, selection: &Selection) -> impl Future<Output = Result<Retention, QueryError>> + Send;

    /// How a measure is spread over users.
    fn histogram(
        &self,
        selection: &Selection,
        query: HistogramQuery,
    ) -> impl Future<Output = Result<Histogram, QueryError>> + Send;

    /// All of it at a glance.
    fn overview(&self, selection: &Selection) -> impl Future<Output = Result<Overview, QueryError>> + Send;

    /// The last calls, whole, the latest first.
    fn calls(
        &self,
        selection: &Selection,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Record>, QueryError>> + Send;
}

/// A report that sees no more than a scope, whatever is asked of it: what a page about oneself is made of.
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
    /// What `inner` says of the calls within `scope`.
    pub fn new(inner: R, scope: Scope) -> Self {
        Self { inner, scope }
    }

    fn narrow(&self, selection: &Selection) -> Selection {
        selection.clone().scope(selection.scope.and(&self.scope))
    }
}

impl<R: Report> Report for Scoped<R> {
    async fn users(&self, window: Window, query: &UserQuery) -> Result<UserPage, QueryError> {
        let query = query.clone().scope(query.scope.and(&self.scope));
        self.inner.users(window, &query).await
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
