//! The answers in Helicone's forms.

use super::super::json::{FlatObject, number};
use super::super::params::one_of;
use super::super::question::{MAX_OFFSET, PERCENTILES, ask_as_kept};
use super::super::rejection::Rejection;
use super::fields::{JsonMembers, seconds, text};
use super::filter::{self, FilterTree};
use crate::record::Usd;
use crate::report::{
    Bin, HistogramQuery, Measure, Ratio, Report, Scope, Scoped, Selection, UserFilter, UserPage, UserQuery,
    UserSummary, Value, Who, Window, Zone,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::{Duration, SystemTime};

/// The most users of an answer.
const MAX_LIMIT: i64 = 1_000;

/// `POST /v1/user/metrics/query`
pub(super) async fn metrics<R: Report>(
    report: &Scoped<R>,
    fields: &JsonMembers<'_>,
) -> Result<Metrics, Rejection> {
    let FilterTree { calls, users, window } = filter::read("filter", fields.required("filter")?)?;
    let offset = fields.whole("offset", 0, MAX_OFFSET as i64)?;
    let limit = fields.whole("limit", 0, MAX_LIMIT)?;
    let window = window.and(&time_filter(fields)?);
    let selection = Selection::new().calls(calls).zone(zone(fields)?).window(window);
    let query = sorted(UserQuery::new().filter(users), fields)?.offset(place(offset)).limit(place(limit));
    let page = ask(report, selection, &query).await?;
    let any = report.users(&Selection::new(), &UserQuery::new().limit(1)).await?;
    Ok(Metrics {
        users: page.rows.iter().map(metrics_of).collect(),
        count: page.matching,
        has_users: any.matching != 0 || any.other.is_some(),
    })
}

/// The answer to `POST /v1/user/metrics/query`.
#[derive(Serialize)]
pub(super) struct Metrics {
    users: Vec<FlatObject<11>>,
    count: u64,
    #[serde(rename = "hasUsers")]
    has_users: bool,
}

fn metrics_of(row: &UserSummary) -> FlatObject<11> {
    let totals = &row.totals;
    FlatObject([
        ("id", id(row)),
        ("user_id", id(row)),
        ("active_for", number(row.active_days)),
        ("first_active", rfc3339(totals.first())),
        ("last_active", rfc3339(totals.last())),
        ("total_requests", number(totals.requests())),
        ("average_requests_per_day_active", average(row.requests_per_active_day())),
        ("average_tokens_per_request", average(totals.tokens_per_request())),
        ("total_completion_tokens", number(totals.output_tokens().unwrap_or(0))),
        ("total_prompt_tokens", number(totals.input_tokens().unwrap_or(0))),
        ("cost", number(totals.cost().unwrap_or(Usd::ZERO))),
    ])
}

fn id(row: &UserSummary) -> Value {
    Value::Text(row.who.user().map(ToString::to_string).unwrap_or_default())
}

fn rfc3339(time: Option<SystemTime>) -> Value {
    let time = time.and_then(|time| Timestamp::try_from(time).ok());
    Value::Text(time.map(|time| time.to_string()).unwrap_or_default())
}

fn average(ratio: Ratio) -> Value {
    if ratio.over == 0 { number(0) } else { number(format_args!("{ratio:.6}")) }
}

/// `POST /v1/user/metrics-overview/query`
pub(super) async fn overview<R: Report>(
    report: &Scoped<R>,
    fields: &JsonMembers<'_>,
) -> Result<MetricsOverview, Rejection> {
    let FilterTree { calls, users, window } = filter::read("filter", fields.required("filter")?)?;
    let scope = match users {
        UserFilter::All => Scope::All,
        UserFilter::Is(id) => Scope::from(id),
        UserFilter::Nobody => Scope::Only(Who::Nobody),
        _ => {
            let what = "of users, only user_id equals applies to an overview";
            return Err(Rejection::of("filter", what));
        }
    };
    let permille =
        one_of("pSize", &fields.text("pSize")?, PERCENTILES.into_iter().filter(|size| size.1 < 1_000))?;
    let from = if fields.flag("useInterquartile")? { 1_000 - permille } else { 0 };
    let selection = Selection::new().scope(scope).calls(calls).window(window);
    let query =
        |measure| HistogramQuery::new(measure).from_permille(from.min(permille)).up_to_permille(permille);
    let requests = bins(report, &selection, query(Measure::Requests)).await?;
    let costs = bins(report, &selection, query(Measure::Cost)).await?;
    Ok(MetricsOverview {
        request_count: rows(&requests, |count| count.to_string()),
        user_cost: rows(&costs, |picos| Usd::from_picos(picos).to_string()),
    })
}

async fn bins<R: Report>(
    report: &Scoped<R>,
    selection: &Selection,
    query: HistogramQuery,
) -> Result<Vec<Bin>, Rejection> {
    let ask = |selection: Selection| async move { report.histogram(&selection, query).await };
    let answer = ask_as_kept(selection.clone(), ask).await;
    answer.map(|(histogram, _)| histogram.bins).map_err(|error| Rejection::of_window("filter", error))
}

/// The answer to `POST /v1/user/metrics-overview/query`.
#[derive(Serialize)]
pub(super) struct MetricsOverview {
    request_count: Vec<FlatObject<3>>,
    user_cost: Vec<FlatObject<3>>,
}

fn rows(bins: &[Bin], show: impl Fn(i128) -> String) -> Vec<FlatObject<3>> {
    let row = |bin: &Bin| {
        FlatObject([
            ("range_start", Value::Text(show(bin.from))),
            ("range_end", Value::Text(show(bin.to))),
            ("value", number(bin.users)),
        ])
    };
    bins.iter().map(row).collect()
}

/// `POST /v1/user/query`
pub(super) async fn totals<R: Report>(
    report: &Scoped<R>,
    fields: &JsonMembers<'_>,
) -> Result<Vec<FlatObject<5>>, Rejection> {
    const DEFAULT_LIMIT: usize = 100;
    let ids = fields.get("userIds").map_or(Ok(Vec::new()), ids)?;
    let filter = ids.iter().cloned().reduce(UserFilter::or).unwrap_or(UserFilter::All);
    let query = UserQuery::new().filter(filter).limit(ids.len().max(DEFAULT_LIMIT));
    let page = ask(report, Selection::new().window(time_filter(fields)?), &query).await?;
    Ok(page.rows.iter().map(totals_of).collect())
}

fn totals_of(row: &UserSummary) -> FlatObject<5> {
    let totals = &row.totals;
    FlatObject([
        ("count", number(totals.requests())),
        ("prompt_tokens", number(totals.input_tokens().unwrap_or(0))),
        ("completion_tokens", number(totals.output_tokens().unwrap_or(0))),
        ("user_id", id(row)),
        ("cost", number(totals.cost().unwrap_or(Usd::ZERO))),
    ])
}

fn ids(value: &RawValue) -> Result<Vec<UserFilter>, Rejection> {
    // Every user is compared with every id.
    const MAX_IDS: usize = 100;
    let ids: Result<Vec<&RawValue>, _> = serde_json::from_str(value.get());
    let ids = ids.ok().filter(|ids| ids.len() <= MAX_IDS);
    let ids =
        ids.ok_or_else(|| Rejection::of("userIds", format_args!("must be at most {MAX_IDS} strings")))?;
    let each = ids.iter().enumerate().map(|(at, id)| {
        let path = format!("userIds[{at}]");
        filter::is(&path, &text(&path, id)?)
    });
    each.collect()
}

async fn ask<R: Report>(
    report: &Scoped<R>,
    selection: Selection,
    query: &UserQuery,
) -> Result<UserPage, Rejection> {
    let ask = |selection: Selection| async move { report.users(&selection, query).await };
    let answer = ask_as_kept(selection, ask).await;
    answer.map(|(page, _)| page).map_err(|error| Rejection::of_window("timeFilter", error))
}

fn time_filter(fields: &JsonMembers<'_>) -> Result<Window, Rejection> {
    let Some(time) = fields.get("timeFilter") else { return Ok(Window::ALL) };
    let time = JsonMembers::of("timeFilter", time)?;
    let moment = |name: &str, up| -> Result<SystemTime, Rejection> {
        // Further than any calendar, and not so far that a time could overflow.
        const FAR: i64 = 1 << 40;
        let seconds = seconds(&time.path(name), time.required(name)?, up)?.clamp(-FAR, FAR);
        let distance = Duration::from_secs(seconds.unsigned_abs());
        Ok(if seconds < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance })
    };
    let window = Window::new(moment("startTimeUnixSeconds", false)?, moment("endTimeUnixSeconds", true)?);
    Ok(window.to_quarters())
}

fn zone(fields: &JsonMembers<'_>) -> Result<Zone, Rejection> {
    const NAME: &str = "timeZoneDifferenceMinutes";
    if fields.get(NAME).is_none() {
        return Ok(Zone::UTC);
    }
    let minutes = fields.whole(NAME, -1_440, 1_440)?;
    let ahead = i32::try_from(-minutes).unwrap_or_default();
    Zone::fixed(ahead).map_err(|_| Rejection::of(NAME, "must be in quarters of an hour"))
}

fn sorted(query: UserQuery, fields: &JsonMembers<'_>) -> Result<UserQuery, Rejection> {
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
    let sort = JsonMembers::of("sort", sort)?;
    let mut columns = sort.iter();
    let Some((column, _)) = columns.next() else { return Ok(query.sort(Measure::LastActive)) };
    if columns.next().is_some() {
        return Err(Rejection::of("sort", "must name one column"));
    }
    let by = COLUMNS.iter().find(|(name, _)| *name == column).map(|(_, by)| *by);
    let by = by.ok_or_else(|| Rejection::of(sort.path(column), "is no column to sort by"))?;
    Ok(match (by, sort.text(column)?.as_str()) {
        (Some(by), "desc") => query.sort(by),
        (Some(by), "asc") => query.sort_ascending(by),
        (None, "desc") => query.sort_by_id_descending(),
        (None, "asc") => query.sort_by_id(),
        _ => return Err(Rejection::of(sort.path(column), "must be asc or desc")),
    })
}

fn place(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}
