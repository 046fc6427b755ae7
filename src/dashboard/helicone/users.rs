//! The answers.

use super::super::json::{Object, array};
use super::super::params::one_of;
use super::super::problem::Problem;
use super::super::question::MAX_OFFSET;
use super::super::range;
use super::fields::{Fields, seconds, text};
use super::filter::{self, Filter};
use crate::record::Usd;
use crate::report::instant::rfc3339;
use crate::report::{
    Histogram, HistogramQuery, Measure, QueryError, Ratio, Report, Scope, Scoped, Selection, UserFilter,
    UserPage, UserQuery, UserSummary, Who, Window, Zone,
};
use serde_json::value::RawValue;

/// As many users as one answer may hold.
const MAX_LIMIT: i64 = 1_000;

/// `POST /v1/user/metrics/query`
pub(super) async fn metrics<R: Report>(report: &Scoped<R>, fields: &Fields<'_>) -> Result<String, Problem> {
    let Filter { calls, users, window } = filter::read("filter", fields.required("filter")?)?;
    let offset = fields.whole("offset", 0, MAX_OFFSET as i64)?;
    let limit = fields.whole("limit", 0, MAX_LIMIT)?;
    let window = meet(window, time_filter(fields)?);
    let query = UserQuery::new().calls(calls).filter(users).zone(zone(fields)?);
    let query = sorted(query, fields)?.offset(place(offset)).limit(place(limit));
    let page = ask(report, window, &query).await?;
    let any = report.users(Window::ALL, &UserQuery::new().limit(1)).await?;
    let users = array(page.rows.iter().map(user));
    Ok(Object::new()
        .raw("users", users)
        .raw("count", page.matching)
        .raw("hasUsers", any.matching != 0 || any.other.is_some())
        .finish())
}

fn user(row: &UserSummary) -> String {
    let totals = &row.totals;
    let id = row.who.user().map_or("", |id| id.as_str());
    let moment = |time: Option<_>| time.map(rfc3339).unwrap_or_default();
    Object::new()
        .text("id", id)
        .text("user_id", id)
        .raw("active_for", row.active_days)
        .text("first_active", &moment(totals.first()))
        .text("last_active", &moment(totals.last()))
        .raw("total_requests", totals.requests())
        .raw("average_requests_per_day_active", decimal(row.requests_per_active_day()))
        .raw("average_tokens_per_request", decimal(totals.tokens_per_request()))
        .raw("total_completion_tokens", totals.output_tokens().unwrap_or(0))
        .raw("total_prompt_tokens", totals.input_tokens().unwrap_or(0))
        .raw("cost", totals.cost().unwrap_or(Usd::ZERO))
        .finish()
}

fn decimal(ratio: Ratio) -> String {
    if ratio.over == 0 { "0".to_owned() } else { format!("{ratio:.6}") }
}

/// `POST /v1/user/metrics-overview/query`
pub(super) async fn overview<R: Report>(report: &Scoped<R>, fields: &Fields<'_>) -> Result<String, Problem> {
    const SIZES: [(&str, u16); 5] = [("p50", 500), ("p75", 750), ("p95", 950), ("p99", 990), ("p99.9", 999)];
    let Filter { calls, users, window } = filter::read("filter", fields.required("filter")?)?;
    let scope = match users {
        UserFilter::All => Scope::All,
        UserFilter::Is(id) => Scope::from(id),
        UserFilter::Nobody => Scope::Only(Who::Nobody),
        _ => {
            let what = "of users, only user_id equals applies to an overview";
            return Err(Problem::of("filter", what));
        }
    };
    let permille = one_of("pSize", &fields.text("pSize")?, SIZES)?;
    let from = if fields.flag("useInterquartile")? { 1_000 - permille } else { 0 };
    let selection = Selection::new().scope(scope).calls(calls).window(window);
    let mut histograms = Object::new();
    for (name, measure) in [("request_count", Measure::Requests), ("user_cost", Measure::Cost)] {
        let query = HistogramQuery::new(measure).from_permille(from.min(permille)).up_to_permille(permille);
        let histogram = match report.histogram(&selection, query).await {
            Err(QueryError::TooFine { quarters_from, .. }) => {
                let coarse = range::coarsened(window, quarters_from);
                report.histogram(&selection.clone().window(coarse), query).await
            }
            histogram => histogram,
        };
        let histogram = histogram.map_err(|error| Problem::of_window("filter", error))?;
        histograms = histograms.raw(name, array(rows(&histogram)));
    }
    Ok(histograms.finish())
}

fn rows(histogram: &Histogram) -> impl Iterator<Item = String> + '_ {
    let value = |value: i128| match histogram.measure {
        Measure::Cost => Usd::from_picos(value).to_string(),
        _ => value.to_string(),
    };
    histogram.bins.iter().map(move |bin| {
        let row = Object::new().text("range_start", &value(bin.from)).text("range_end", &value(bin.to));
        row.raw("value", bin.users).finish()
    })
}

/// `POST /v1/user/query`
pub(super) async fn totals<R: Report>(report: &Scoped<R>, fields: &Fields<'_>) -> Result<String, Problem> {
    const UNLESS_NAMED: usize = 100;
    let ids = fields.get("userIds").map_or(Ok(Vec::new()), ids)?;
    let filter = ids.iter().cloned().reduce(UserFilter::or).unwrap_or(UserFilter::All);
    let query = UserQuery::new().filter(filter).limit(ids.len().max(UNLESS_NAMED));
    let page = ask(report, time_filter(fields)?, &query).await?;
    Ok(array(page.rows.iter().map(|row| {
        let totals = &row.totals;
        Object::new()
            .raw("count", totals.requests())
            .raw("prompt_tokens", totals.input_tokens().unwrap_or(0))
            .raw("completion_tokens", totals.output_tokens().unwrap_or(0))
            .text("user_id", row.who.user().map_or("", |id| id.as_str()))
            .raw("cost", totals.cost().unwrap_or(Usd::ZERO))
            .finish()
    })))
}

fn ids(value: &RawValue) -> Result<Vec<UserFilter>, Problem> {
    // A filter is asked for each user, so that it is short.
    const MAX_IDS: usize = 100;
    let ids: Result<Vec<&RawValue>, _> = serde_json::from_str(value.get());
    let ids = ids.ok().filter(|ids| ids.len() <= MAX_IDS);
    let ids = ids.ok_or_else(|| Problem::of("userIds", format_args!("must be at most {MAX_IDS} strings")))?;
    let each = ids.iter().enumerate().map(|(at, id)| {
        let path = format!("userIds[{at}]");
        filter::is(&path, &text(&path, id)?)
    });
    each.collect()
}

async fn ask<R: Report>(report: &Scoped<R>, window: Window, query: &UserQuery) -> Result<UserPage, Problem> {
    let page = match report.users(window, query).await {
        Err(QueryError::TooFine { quarters_from, .. }) => {
            report.users(range::coarsened(window, quarters_from), query).await
        }
        page => page,
    };
    page.map_err(|error| Problem::of_window("timeFilter", error))
}

fn time_filter(fields: &Fields<'_>) -> Result<Window, Problem> {
    let Some(time) = fields.get("timeFilter") else { return Ok(Window::ALL) };
    let time = Fields::of("timeFilter", time)?;
    let second = |name: &str, up| seconds(&time.path(name), time.required(name)?, up);
    Ok(range::around(second("startTimeUnixSeconds", false)?, second("endTimeUnixSeconds", true)?))
}

fn meet(left: Window, right: Window) -> Window {
    let ((start, end), (from, to)) = (left.bounds(), right.bounds());
    Window::of(start.max(from), end.min(to))
}

fn zone(fields: &Fields<'_>) -> Result<Zone, Problem> {
    const NAME: &str = "timeZoneDifferenceMinutes";
    if fields.get(NAME).is_none() {
        return Ok(Zone::UTC);
    }
    let minutes = fields.whole(NAME, -1_440, 1_440)?;
    let ahead = i32::try_from(-minutes).unwrap_or_default();
    Zone::fixed(ahead).map_err(|_| Problem::of(NAME, "must be in quarters of an hour"))
}

fn sorted(query: UserQuery, fields: &Fields<'_>) -> Result<UserQuery, Problem> {
    const COLUMNS: [(&str, Option<Measure>); 11] = [
        ("id", None),
        ("user_id", None),
        ("active_for", Some(Measure::ActiveDays)),
        ("first_active", Some(Measure::FirstActive)),
        ("last_active", Some(Measure::LastActive)),
        ("total_requests", Some(Measure::Requests)),
        ("average_requests_per_day_active", Some(Measure::RequestsPerActiveDay)),
        ("average_tokens_per_request", Some(Measure::TokensPerRequest)),
        ("total_completion_tokens", Some(Measure::OutputTokens)),
        ("total_prompt_tokens", Some(Measure::InputTokens)),
        ("cost", Some(Measure::Cost)),
    ];
    let Some(sort) = fields.get("sort") else { return Ok(query.sort(Measure::LastActive)) };
    let sort = Fields::of("sort", sort)?;
    let mut columns = sort.iter();
    let Some((column, _)) = columns.next() else { return Ok(query.sort(Measure::LastActive)) };
    if columns.next().is_some() {
        return Err(Problem::of("sort", "must name one column"));
    }
    let by = COLUMNS.iter().find(|(name, _)| *name == column).map(|(_, by)| *by);
    let by = by.ok_or_else(|| Problem::of(sort.path(column), "is no column to sort by"))?;
    Ok(match (by, sort.text(column)?.as_str()) {
        (Some(by), "desc") => query.sort(by),
        (Some(by), "asc") => query.sort_ascending(by),
        (None, "desc") => query.sort_by_id_descending(),
        (None, "asc") => query.sort_by_id(),
        _ => return Err(Problem::of(sort.path(column), "must be asc or desc")),
    })
}

fn place(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}
