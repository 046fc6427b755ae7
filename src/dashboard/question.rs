//! What a request asks of the report.

use super::amount;
use super::params::{Params, one_of};
use super::problem::Problem;
use super::range;
use super::settings::Settings;
use crate::record::{Operation, Provider, Record, Text, UserId};
use crate::report::{
    Breakdown, CallFilter, GroupBy, Histogram, HistogramQuery, Measure, Overview, Pattern, QueryError,
    Report, Retention, Scope, Scoped, Selection, Series, Step, UserFilter, UserPage, UserQuery, Who, Window,
    Zone,
};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// The last row that a page with a number can begin with. What is beyond is reached by a filter or an export.
pub(super) const MAX_OFFSET: usize = 1_000_000;

/// A request's question: which calls, and of the users which ones.
pub(super) struct Question<R> {
    pub(super) report: Scoped<R>,
    pub(super) settings: Arc<Settings>,
    /// Whose calls may be seen.
    pub(super) scope: Scope,
    pub(super) params: Params,
    pub(super) now: SystemTime,
    pub(super) zone: Zone,
    pub(super) window: Window,
    pub(super) calls: CallFilter,
    /// Whose calls are asked for, where it is about one row.
    pub(super) who: Option<Who>,
    widened: AtomicBool,
}

impl<R: Report> Question<R> {
    pub(super) fn new(
        report: Scoped<R>,
        settings: Arc<Settings>,
        scope: Scope,
        params: &Params,
    ) -> Result<Self, Problem> {
        let params = with_condition(params)?;
        let now = (settings.clock)();
        let zone = range::zone(&params, &settings.zone)?;
        let window = range::window(&params, &zone, now)?;
        let calls = calls(&params)?;
        let who = who(&params)?;
        Ok(Self {
            report,
            settings,
            scope,
            params,
            now,
            zone,
            window,
            calls,
            who,
            widened: AtomicBool::new(false),
        })
    }

    /// Whether everybody's calls may be seen: the counts of sinks are about all of them.
    pub(super) fn sees_all(&self) -> bool {
        self.scope == Scope::All
    }

    /// Whether part of the window is no longer kept as fine as it was asked for, so that the answer is about whole days of UTC.
    pub(super) fn is_widened(&self) -> bool {
        self.widened.load(Ordering::Relaxed)
    }

    /// The calls that are asked about.
    pub(super) fn selection(&self) -> Selection {
        let scope = self.who.clone().map_or(Scope::All, Scope::Only);
        Selection::new().scope(scope).calls(self.calls.clone()).window(self.window).zone(self.zone.clone())
    }

    /// The users that are asked about, in the order that is asked for.
    pub(super) fn user_query(&self) -> Result<UserQuery, Problem> {
        let scope = self.who.clone().map_or(Scope::All, Scope::Only);
        let query = UserQuery::new()
            .scope(scope)
            .calls(self.calls.clone())
            .zone(self.zone.clone())
            .filter(users(&self.params)?);
        let (by, ascending) = order(&self.params)?;
        Ok(match (by, ascending) {
            (None, true) => query.sort_by_id(),
            (None, false) => query.sort_by_id_descending(),
            (Some(by), true) => query.sort_ascending(by),
            (Some(by), false) => query.sort(by),
        })
    }

    pub(super) async fn users(&self, query: &UserQuery) -> Result<UserPage, Problem> {
        let ask = |window: Window| self.report.users(window, query);
        let widened = match ask(self.window).await {
            Err(QueryError::TooFine { quarters_from, .. }) => range::coarsened(self.window, quarters_from),
            answer => return Ok(answer?),
        };
        self.widened.store(true, Ordering::Relaxed);
        Ok(ask(widened).await?)
    }

    pub(super) async fn series(&self, step: Step) -> Result<Series, Problem> {
        self.ask(|selection| async move { self.report.series(&selection, step).await }).await
    }

    pub(super) async fn breakdown(&self, by: &GroupBy) -> Result<Breakdown, Problem> {
        self.ask(|selection| async move { self.report.breakdown(&selection, by.clone()).await }).await
    }

    pub(super) async fn retention(&self) -> Result<Retention, Problem> {
        self.ask(|selection| async move { self.report.retention(&selection).await }).await
    }

    pub(super) async fn histogram(&self, query: HistogramQuery) -> Result<Histogram, Problem> {
        self.ask(|selection| async move { self.report.histogram(&selection, query).await }).await
    }

    pub(super) async fn overview(&self) -> Result<Overview, Problem> {
        self.ask(|selection| async move { self.report.overview(&selection).await }).await
    }

    /// The last calls, whole.
    pub(super) async fn last_calls(&self, limit: usize) -> Result<Vec<Record>, Problem> {
        self.ask(|selection| async move { self.report.calls(&selection, limit).await }).await
    }

    /// Asks; and where the past is no longer kept so fine, asks again in whole days of UTC. What is older than the days that are
    /// kept is an error that says so.
    async fn ask<T, F>(&self, ask: impl Fn(Selection) -> F) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, QueryError>> + Send,
    {
        let selection = self.selection();
        let quarters_from = match ask(selection.clone()).await {
            Err(QueryError::TooFine { quarters_from, .. }) => quarters_from,
            answer => return Ok(answer?),
        };
        self.widened.store(true, Ordering::Relaxed);
        let coarse = selection.window(range::coarsened(self.window, quarters_from));
        match ask(coarse.clone()).await {
            Err(QueryError::TooFine { .. }) => Ok(ask(coarse.zone(Zone::UTC)).await?),
            answer => Ok(answer?),
        }
    }
}

/// Which calls count.
fn calls(params: &Params) -> Result<CallFilter, Problem> {
    let mut filter = CallFilter::All;
    let mut and = |one: CallFilter| {
        filter = match std::mem::take(&mut filter) {
            CallFilter::All => one,
            others => others.and(one),
        };
    };
    if let Some(model) = params.text("model")? {
        and(CallFilter::Model(model));
    }
    if let Some(provider) = params.get("provider") {
        and(CallFilter::Provider(Provider::new(provider).map_err(|error| Problem::of("provider", error))?));
    }
    if let Some(operation) = params.get("operation") {
        let names = Operation::ALL.iter().map(|operation| (operation.as_str(), *operation));
        and(CallFilter::Operation(one_of("operation", operation, names)?));
    }
    for property in bounded(params, "property")? {
        let text = |text| Text::new(text).map_err(|error| Problem::of("property", error));
        and(match property.split_once('=') {
            Some((name, value)) => CallFilter::Property(text(name)?, text(value)?),
            None => CallFilter::HasProperty(text(property)?),
        });
    }
    Ok(filter)
}

/// Which users are shown.
fn users(params: &Params) -> Result<UserFilter, Problem> {
    let mut filter = match params.text("q")? {
        Some(text) => UserFilter::Like(Pattern::containing(&text).ignore_case()),
        None => UserFilter::All,
    };
    for condition in bounded(params, "filter")? {
        let one = amount::condition(condition)?;
        filter = if filter == UserFilter::All { one } else { filter.and(one) };
    }
    Ok(filter)
}

/// A condition comes from a form in three fields; in addresses it is one.
fn with_condition(params: &Params) -> Result<Params, Problem> {
    let rest = params.without(&["measure", "at", "value"]);
    let Some(value) = params.get("value") else { return Ok(params.clone()) };
    let measure = amount::measure("measure", params.get("measure").unwrap_or_default())?;
    let sign = one_of("at", params.get("at").unwrap_or("least"), [("least", ">="), ("most", "<=")])?;
    let condition = format!("{}{sign}{}", measure.as_str(), value.trim());
    let known: Vec<_> = params.all("filter").filter(|known| *known != condition).collect();
    Ok(rest.with("filter", known.into_iter().chain([condition.as_str()])))
}

/// A parameter that may come several times.
fn bounded<'a>(params: &'a Params, name: &'static str) -> Result<Vec<&'a str>, Problem> {
    const LIMIT: usize = 16;
    let values: Vec<_> = params.all(name).collect();
    if values.len() > LIMIT {
        return Err(Problem::of(name, format_args!("may be given at most {LIMIT} times")));
    }
    Ok(values)
}

/// The measure that rows are sorted by, the id where there is none, and whether the smallest come first.
pub(super) fn order(params: &Params) -> Result<(Option<Measure>, bool), Problem> {
    let by = match params.get("sort") {
        None => Some(Measure::Requests),
        Some("user") => None,
        Some(name) => Some(amount::measure("sort", name)?),
    };
    let ascending = match params.get("order") {
        None => by.is_none(),
        Some(order) => one_of("order", order, [("asc", true), ("desc", false)])?,
    };
    Ok((by, ascending))
}

/// The row that is asked for: `id`, or `row=nobody`, `row=other`.
fn who(params: &Params) -> Result<Option<Who>, Problem> {
    if let Some(id) = params.get("id") {
        let id = UserId::verbatim(id).map_err(|error| Problem::of("id", error))?;
        return Ok(Some(Who::User(id)));
    }
    let names = [(Who::Nobody.kind(), false), (Who::Other.kind(), true)];
    let row = params.get("row").map(|row| one_of("row", row, names)).transpose()?;
    Ok(row.map(|other| if other { Who::Other } else { Who::Nobody }))
}
