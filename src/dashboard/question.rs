//! What a request asks of the report.

use super::condition;
use super::params::{Params, one_of};
use super::range;
use super::rejection::Rejection;
use super::settings::DashboardSettings;
use crate::record::{Operation, Provider, Record, Text, UserId};
use crate::report::{
    Breakdown, CallFilter, GroupBy, Histogram, HistogramQuery, Measure, Overview, Pattern, QueryError,
    Report, Retention, Scope, Scoped, Selection, Series, Step, Totals, UserFilter, UserPage, UserQuery, Who,
    Window, Zone,
};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// The last row that a page with a number can begin with. Later rows are reached by a filter or an export.
pub(super) const MAX_OFFSET: usize = 1_000_000;

/// The percentiles at which a histogram can end.
pub(super) const PERCENTILES: [(&str, u16); 6] =
    [("p50", 500), ("p75", 750), ("p95", 950), ("p99", 990), ("p99.9", 999), ("p100", 1_000)];

/// The question of a request: which calls, and of these which users.
pub(super) struct Question<R> {
    pub(super) report: Scoped<R>,
    pub(super) settings: Arc<DashboardSettings>,
    /// Whose calls may be seen.
    pub(super) scope: Scope,
    pub(super) params: Params,
    pub(super) now: SystemTime,
    pub(super) zone: Zone,
    pub(super) window: Window,
    pub(super) calls: CallFilter,
    /// The row that the question is about, if it is about one.
    pub(super) who: Option<Who>,
    widened: AtomicBool,
}

impl<R: Report> Question<R> {
    pub(super) fn new(
        report: Scoped<R>,
        settings: Arc<DashboardSettings>,
        scope: Scope,
        params: &Params,
    ) -> Result<Self, Rejection> {
        let params = with_condition(params)?;
        let now = (settings.clock)();
        let zone = range::zone(&params, &settings.zone)?;
        let window = range::window(&params, &zone, now)?;
        let calls = calls(&params)?;
        let who = who(&params)?;
        let widened = AtomicBool::new(false);
        Ok(Self { report, settings, scope, params, now, zone, window, calls, who, widened })
    }

    /// Whether everybody's calls may be seen, as the counts of sinks are about all of them.
    pub(super) fn sees_all(&self) -> bool {
        self.scope == Scope::All
    }

    /// Whether part of the window is no longer kept as fine as it was asked for, so that the answer is about whole days of UTC.
    pub(super) fn is_widened(&self) -> bool {
        self.widened.load(Ordering::Relaxed)
    }

    /// Returns the row that the question is about: the one that is asked for, or the only one that may be seen.
    pub(super) fn only(&self) -> Option<Who> {
        match (&self.who, &self.scope) {
            (Some(who), _) | (None, Scope::Only(who)) => Some(who.clone()),
            _ => None,
        }
    }

    /// Returns the calls that are asked about.
    pub(super) fn selection(&self) -> Selection {
        let scope = self.only().map_or(Scope::All, Scope::Only);
        Selection::new().scope(scope).calls(self.calls.clone()).window(self.window).zone(self.zone.clone())
    }

    /// Returns the question for the table of users, with the filter and the order that are asked for.
    pub(super) fn user_query(&self) -> Result<UserQuery, Rejection> {
        let query = UserQuery::new().filter(users(&self.params)?);
        Ok(match order(&self.params)? {
            (None, true) => query.sort_by_id(),
            (None, false) => query.sort_by_id_descending(),
            (Some(by), true) => query.sort_ascending(by),
            (Some(by), false) => query.sort(by),
        })
    }

    /// Returns the question for a histogram, with the bins that are asked for.
    pub(super) fn histogram_query(&self, measure: Measure) -> Result<HistogramQuery, Rejection> {
        let bins = self.params.number("bins", 10, 100)?;
        let cut = self.params.get("percentile").unwrap_or("p99");
        let permille = one_of("percentile", cut, PERCENTILES)?;
        let bins = u16::try_from(bins.max(1)).unwrap_or(u16::MAX);
        Ok(HistogramQuery::new(measure).bins(bins).up_to_permille(permille))
    }

    /// Returns the step that is asked for, or one that suits the window or else the calls of `totals`.
    pub(super) fn step(&self, totals: &Totals) -> Result<Step, Rejection> {
        range::step(&self.params, self.window, totals.first().zip(totals.last()))
    }

    /// Returns the rows of the users.
    pub(super) async fn users(&self, query: &UserQuery) -> Result<UserPage, Rejection> {
        self.ask(|selection| async move { self.report.users(&selection, query).await }).await
    }

    pub(super) async fn series(&self, step: Step) -> Result<Series, Rejection> {
        self.ask(|selection| async move { self.report.series(&selection, step).await }).await
    }

    pub(super) async fn breakdown(&self, by: &GroupBy) -> Result<Breakdown, Rejection> {
        self.ask(|selection| async move { self.report.breakdown(&selection, by.clone()).await }).await
    }

    pub(super) async fn retention(&self) -> Result<Retention, Rejection> {
        self.ask(|selection| async move { self.report.retention(&selection).await }).await
    }

    pub(super) async fn histogram(&self, query: HistogramQuery) -> Result<Histogram, Rejection> {
        self.ask(|selection| async move { self.report.histogram(&selection, query).await }).await
    }

    pub(super) async fn overview(&self) -> Result<Overview, Rejection> {
        self.ask(|selection| async move { self.report.overview(&selection).await }).await
    }

    /// Returns the last calls, whole.
    pub(super) async fn last_calls(&self, limit: usize) -> Result<Vec<Record>, Rejection> {
        self.ask(|selection| async move { self.report.calls(&selection, limit).await }).await
    }

    async fn ask<T, F>(&self, ask: impl Fn(Selection) -> F) -> Result<T, Rejection>
    where
        F: Future<Output = Result<T, QueryError>> + Send,
    {
        let (answer, widened) = ask_as_kept(self.selection(), ask).await?;
        self.widened.fetch_or(widened, Ordering::Relaxed);
        Ok(answer)
    }
}

/// Asks, and asks again for whole days of UTC if the past is no longer kept as fine as that; the flag is whether it did. It is an
/// error if even these days are no longer kept.
pub(super) async fn ask_as_kept<T, F>(
    selection: Selection,
    ask: impl Fn(Selection) -> F,
) -> Result<(T, bool), QueryError>
where
    F: Future<Output = Result<T, QueryError>> + Send,
{
    let quarters_from = match ask(selection.clone()).await {
        Err(QueryError::TooFine { quarters_from, .. }) => quarters_from,
        answer => return Ok((answer?, false)),
    };
    let window = selection.get_window().to_days_before(quarters_from);
    let coarse = selection.window(window);
    match ask(coarse.clone()).await {
        Err(QueryError::TooFine { .. }) => Ok((ask(coarse.zone(Zone::UTC)).await?, true)),
        answer => Ok((answer?, true)),
    }
}

/// Reads which calls count.
fn calls(params: &Params) -> Result<CallFilter, Rejection> {
    let mut filter = CallFilter::All;
    if let Some(model) = params.text("model")? {
        filter = filter.and(CallFilter::Model(model));
    }
    if let Some(provider) = params.get("provider") {
        let provider = Provider::new(provider).map_err(|error| Rejection::of("provider", error))?;
        filter = filter.and(CallFilter::Provider(provider));
    }
    if let Some(operation) = params.get("operation") {
        let names = Operation::ALL.iter().map(|operation| (operation.as_str(), *operation));
        filter = filter.and(CallFilter::Operation(one_of("operation", operation, names)?));
    }
    for property in bounded(params, "property")? {
        let text = |text| Text::new(text).map_err(|error| Rejection::of("property", error));
        filter = filter.and(match property.split_once('=') {
            Some((name, value)) => CallFilter::Property(text(name)?, text(value)?),
            None => CallFilter::HasProperty(text(property)?),
        });
    }
    Ok(filter)
}

/// Reads which users are shown.
fn users(params: &Params) -> Result<UserFilter, Rejection> {
    let mut filter = match params.text("q")? {
        Some(text) => UserFilter::Like(Pattern::containing(&text).ignore_case()),
        None => UserFilter::All,
    };
    for text in bounded(params, "filter")? {
        filter = filter.and(condition::read(text)?);
    }
    Ok(filter)
}

/// Joins the three fields in which a form sends a condition into the one that it is in addresses.
fn with_condition(params: &Params) -> Result<Params, Rejection> {
    let rest = params.without(&["measure", "at", "value"]);
    let Some(value) = params.get("value") else { return Ok(params.clone()) };
    let measure = condition::measure("measure", params.get("measure").unwrap_or_default())?;
    let sign = one_of("at", params.get("at").unwrap_or("least"), [("least", ">="), ("most", "<=")])?;
    let condition = format!("{}{sign}{}", measure.as_str(), value.trim());
    let known: Vec<_> = params.all("filter").filter(|known| *known != condition).collect();
    Ok(rest.with("filter", known.into_iter().chain([condition.as_str()])))
}

/// Returns the values of a parameter that may be given several times.
fn bounded<'a>(params: &'a Params, name: &'static str) -> Result<Vec<&'a str>, Rejection> {
    const LIMIT: usize = 16;
    let values: Vec<_> = params.all(name).collect();
    if values.len() > LIMIT {
        return Err(Rejection::of(name, format_args!("may be given at most {LIMIT} times")));
    }
    Ok(values)
}

/// Reads the measure that rows are sorted by, `None` for the id, and whether the smallest come first.
pub(super) fn order(params: &Params) -> Result<(Option<Measure>, bool), Rejection> {
    let by = match params.get("sort") {
        None => Some(Measure::Requests),
        Some("user") => None,
        Some(name) => Some(condition::measure("sort", name)?),
    };
    let ascending = match params.get("order") {
        None => by.is_none(),
        Some(order) => one_of("order", order, [("asc", true), ("desc", false)])?,
    };
    Ok((by, ascending))
}

/// Reads the row that is asked for: `id`, or `row=nobody`, `row=other`.
fn who(params: &Params) -> Result<Option<Who>, Rejection> {
    if let Some(id) = params.get("id") {
        let id = UserId::verbatim(id).map_err(|error| Rejection::of("id", error))?;
        return Ok(Some(Who::User(id)));
    }
    let names = [(Who::Nobody.kind(), false), (Who::Other.kind(), true)];
    let row = params.get("row").map(|row| one_of("row", row, names)).transpose()?;
    Ok(row.map(|other| if other { Who::Other } else { Who::Nobody }))
}
