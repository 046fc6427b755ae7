//! Our own questions: the answers of the report, as they are exported.

use super::answer;
use super::body::DashboardBody;
use super::export::{Format, users};
use super::json::{Object, array, rows, string};
use super::params::one_of;
use super::pause::{pause, pieces};
use super::problem::Problem;
use super::question::{MAX_OFFSET, Question};
use super::range;
use super::route::Api;
use super::{amount, export};
use crate::record::{Record, Text};
use crate::report::{
    Breakdown, Gaps, Group, GroupBy, GroupName, HistogramQuery, Measure, Overview, Point, Report, Retention,
    Scope, Series, Step, Sums, Table, UserPage, UserQuery, UserSummary, Who,
};
use http::{Response, StatusCode};
use std::slice::from_ref;
use std::time::SystemTime;

/// The most rows of one answer that is not an export.
pub(super) const MAX_LIMIT: usize = 1_000;

pub(super) async fn answer<R: Report + Clone + 'static>(
    api: Api,
    question: Question<R>,
) -> Result<Response<DashboardBody>, Problem> {
    match api {
        Api::Users => all_users(question).await,
        Api::User => Ok(answer::json(user(&question).await?)),
        Api::Series => {
            let step = step(&question).await?;
            let series = question.series(step).await?;
            let part = |points: &[Point]| Series { points: points.to_vec(), ..series };
            table(&question, &pieces(&series.points, part), Some(series.gaps), export::SERIES).await
        }
        Api::Breakdown => {
            let breakdown = question.breakdown(&group_by(&question)?).await?;
            let part = |groups: &[Group]| {
                let by = breakdown.by.clone();
                Breakdown { by, groups: groups.to_vec(), gaps: breakdown.gaps }
            };
            table(&question, &pieces(&breakdown.groups, part), Some(breakdown.gaps), export::BREAKDOWN).await
        }
        Api::Retention => {
            let retention = question.retention().await?;
            let Retention { cohorts, gaps } = retention;
            let mut each: Vec<_> =
                cohorts.into_iter().map(|cohort| Retention { cohorts: vec![cohort], gaps }).collect();
            if each.is_empty() {
                each.push(Retention { cohorts: Vec::new(), gaps });
            }
            table(&question, &each, Some(gaps), export::RETENTION).await
        }
        Api::Histogram => histogram(&question).await,
        Api::Overview => {
            let overview = question.overview().await?;
            table(&question, from_ref(&overview), Some(overview.gaps), export::OVERVIEW).await
        }
        Api::Calls => {
            let limit = question.params.number("limit", 100, MAX_LIMIT)?;
            let calls = question.last_calls(limit).await?;
            match Format::of(&question.params)? {
                Format::Json => Ok(answer::json(records(&calls))),
                // A record's own JSON says more than its row.
                Format::JsonLines => {
                    let lines: String = calls.iter().map(|call| call.to_json() + "\n").collect();
                    Ok(answer::download(Format::JsonLines.kind(), export::CALLS.json_lines, lines.into()))
                }
                Format::Csv => Ok(answer::download(
                    Format::Csv.kind(),
                    export::CALLS.csv,
                    calls.as_slice().to_csv().into(),
                )),
            }
        }
        Api::Health => Ok(answer::json(health(&question).await?)),
    }
}

/// A table in the form that is asked for, of which there is at least one piece.
async fn table<R: Report, T: Table + Sync>(
    question: &Question<R>,
    pieces: &[T],
    gaps: Option<Gaps>,
    names: export::Names,
) -> Result<Response<DashboardBody>, Problem> {
    let format = Format::of(&question.params)?;
    if format == Format::Json {
        let mut all = Vec::new();
        for piece in pieces {
            all.extend(rows(piece));
            pause().await;
        }
        let object = Object::new().raw("rows", array(all));
        return Ok(answer::json(envelope(question, object, gaps)));
    }
    let mut text = String::new();
    pieces.iter().take(1).for_each(|piece| export::write_head(piece, format, &mut text));
    for piece in pieces {
        export::write(piece, format, &mut text);
        pause().await;
    }
    let name = if format == Format::Csv { names.csv } else { names.json_lines };
    Ok(answer::download(format.kind(), name, text.into()))
}

/// What goes with the rows of each answer.
fn envelope<R: Report>(question: &Question<R>, object: Object, gaps: Option<Gaps>) -> String {
    let gaps = gaps.map(|gaps| {
        let object = Object::new().raw("other_users", gaps.other_users);
        object.raw("undecided", gaps.undecided).finish()
    });
    object
        .maybe("gaps", gaps)
        .raw("widened", question.is_widened())
        .text("zone", &question.zone.to_string())
        .finish()
}

async fn all_users<R: Report + Clone + 'static>(
    question: Question<R>,
) -> Result<Response<DashboardBody>, Problem> {
    let query = question.user_query()?;
    let format = Format::of(&question.params)?;
    if format != Format::Json {
        let first = users(question, query, format).await?;
        let name = if format == Format::Csv { export::USERS.csv } else { export::USERS.json_lines };
        return Ok(answer::download(format.kind(), name, DashboardBody::parts(first)));
    }
    let offset = question.params.number("offset", 0, MAX_OFFSET)?;
    let limit = question.params.number("limit", 100, MAX_LIMIT)?;
    let mut page = question.users(&query.offset(offset).limit(limit).sums()).await?;
    let other = page.other.take().map(|other| row_of(other, page.gaps));
    let object = Object::new()
        .raw("matching", page.matching)
        .raw("offset", offset)
        .raw("limit", limit)
        .raw("rows", array(rows(&page)))
        .maybe("sums", page.sums.map(sums))
        .maybe("other", other);
    Ok(answer::json(envelope(&question, object, Some(page.gaps))))
}

fn sums(sums: Sums) -> String {
    let object = Object::new().raw("users", sums.users).raw("requests", sums.requests);
    let object = object.maybe("input_tokens", sums.input_tokens).maybe("output_tokens", sums.output_tokens);
    object.maybe("cost_usd", sums.cost).finish()
}

fn row_of(summary: UserSummary, gaps: Gaps) -> String {
    let page = UserPage { rows: vec![summary], matching: 1, sums: None, other: None, gaps, next: None };
    rows(&page).pop().unwrap_or_default()
}

/// All that the page of one user shows.
#[derive(Debug)]
pub(super) struct OneUser {
    pub(super) summary: UserSummary,
    pub(super) gaps: Gaps,
    pub(super) models: Breakdown,
    pub(super) series: Series,
    pub(super) calls: Vec<Record>,
}

/// How many of the last calls of one user are shown.
const LAST_CALLS: usize = 20;

/// Whose calls a question about one row is about: the one that is asked for, or else the only one that may be seen.
pub(super) fn one_of_scope<R: Report>(question: &Question<R>) -> Option<Who> {
    match (&question.who, &question.scope) {
        (Some(who), _) | (None, Scope::Only(who)) => Some(who.clone()),
        _ => None,
    }
}

pub(super) async fn one_user<R: Report>(question: &Question<R>) -> Result<OneUser, Problem> {
    let who = one_of_scope(question)
        .ok_or_else(|| Problem::of("id", "must be the id of a user (or row must be nobody or other)"))?;
    let query = UserQuery::new().scope(Scope::Only(who)).calls(question.calls.clone());
    let mut page = question.users(&query.zone(question.zone.clone()).limit(1)).await?;
    let summary = page.rows.pop().or_else(|| page.other.take()).ok_or_else(|| Problem {
        status: StatusCode::NOT_FOUND,
        ..Problem::of("id", "no calls of this user in this range, or none that you may see")
    })?;
    let step = range::step(&question.params, question.window, span(&summary.totals))?;
    Ok(OneUser {
        summary,
        gaps: page.gaps,
        models: question.breakdown(&GroupBy::Model).await?,
        series: question.series(step).await?,
        calls: question.last_calls(LAST_CALLS).await?,
    })
}

pub(super) fn span(totals: &crate::report::Totals) -> Option<(SystemTime, SystemTime)> {
    totals.first().zip(totals.last())
}

async fn user<R: Report>(question: &Question<R>) -> Result<String, Problem> {
    let user = one_user(question).await?;
    Ok(user_json(question, user))
}

/// All that the page of one user shows, as JSON.
pub(super) fn user_json<R: Report>(question: &Question<R>, user: OneUser) -> String {
    let object = Object::new()
        .raw("totals", row_of(user.summary, user.gaps))
        .raw("by_model", array(rows(&user.models)))
        .raw("over_time", array(rows(&user.series)))
        .raw("last_calls", array(user.calls.iter().map(Record::to_json)));
    envelope(question, object, Some(user.gaps))
}

/// The step that is asked for, or one that suits the window.
async fn step<R: Report>(question: &Question<R>) -> Result<Step, Problem> {
    let is_open = question.window.start().is_none() || question.window.end().is_none();
    let told = if is_open { span(&question.overview().await?.totals) } else { None };
    range::step(&question.params, question.window, told)
}

fn group_by<R: Report>(question: &Question<R>) -> Result<GroupBy, Problem> {
    let names = [
        ("model", GroupBy::Model),
        ("provider", GroupBy::Provider),
        ("operation", GroupBy::Operation),
        ("absent_usage", GroupBy::AbsentUsage),
    ];
    let by = question.params.get("by").unwrap_or("model");
    if let Some(property) = by.strip_prefix("property:") {
        return Text::new(property).map(GroupBy::Property).map_err(|error| Problem::of("by", error));
    }
    let found = names.into_iter().find(|(name, _)| *name == by).map(|(_, by)| by);
    found.ok_or_else(|| {
        Problem::of("by", "must be one of model, provider, operation, absent_usage, property:<name>")
    })
}

/// Percentiles up to which a histogram is cut.
pub(super) const PERCENTILES: [(&str, u16); 6] =
    [("p50", 500), ("p75", 750), ("p95", 950), ("p99", 990), ("p99.9", 999), ("p100", 1_000)];

/// What the histograms of a request show.
pub(super) fn histogram_query<R: Report>(
    question: &Question<R>,
    measure: Measure,
) -> Result<HistogramQuery, Problem> {
    let bins = question.params.number("bins", 10, 100)?;
    let cut = question.params.get("percentile").unwrap_or("p99");
    let permille = one_of("percentile", cut, PERCENTILES)?;
    let bins = u16::try_from(bins.max(1)).unwrap_or(u16::MAX);
    Ok(HistogramQuery::new(measure).bins(bins).up_to_permille(permille))
}

/// The measures that histograms know.
pub(super) fn is_spread(measure: Measure) -> bool {
    let counted = matches!(amount::unit(measure), amount::Unit::Number | amount::Unit::Dollars);
    let average = matches!(
        measure,
        Measure::RequestsPerActiveDay | Measure::TokensPerRequest | Measure::CostPerRequest
    );
    counted && !average && !measure.needs_cells()
}

async fn histogram<R: Report>(question: &Question<R>) -> Result<Response<DashboardBody>, Problem> {
    let name = question.params.get("measure").unwrap_or(Measure::Requests.as_str());
    let measure = amount::measure("measure", name)?;
    if !is_spread(measure) {
        return Err(Problem::of("measure", "must be a count, tokens, or the cost"));
    }
    let histogram = question.histogram(histogram_query(question, measure)?).await?;
    if Format::of(&question.params)? != Format::Json {
        return table(question, from_ref(&histogram), None, export::HISTOGRAM).await;
    }
    let quartile = |value: i128| match measure {
        Measure::Cost => crate::record::Usd::from_picos(value).to_string(),
        _ => value.to_string(),
    };
    let object = Object::new()
        .raw("rows", array(rows(&histogram)))
        .raw("beyond", histogram.beyond)
        .raw("unknown", histogram.unknown)
        .maybe("quartiles", histogram.quartiles.map(|quartiles| array(quartiles.map(quartile))));
    Ok(answer::json(envelope(question, object, Some(histogram.gaps))))
}

fn records(calls: &[Record]) -> String {
    Object::new().raw("rows", array(calls.iter().map(Record::to_json))).finish()
}

/// What the *Health* page is about.
#[derive(Debug)]
pub(super) struct Health {
    pub(super) overview: Overview,
    /// Why usage is absent, and of how many calls.
    pub(super) absent: Vec<(String, u64)>,
}

pub(super) async fn health_of<R: Report>(question: &Question<R>) -> Result<Health, Problem> {
    let overview = question.overview().await?;
    let absent = question.breakdown(&GroupBy::AbsentUsage).await?.groups.into_iter();
    let absent = absent.filter_map(|group| {
        let reason = match group.name {
            GroupName::Is(reason) => reason.to_string(),
            GroupName::Other => "not_kept".to_owned(),
            GroupName::Absent => return None,
        };
        Some((reason, group.totals.requests()))
    });
    Ok(Health { absent: absent.collect(), overview })
}

async fn health<R: Report>(question: &Question<R>) -> Result<String, Problem> {
    let Health { overview, absent } = health_of(question).await?;
    let counted = |name: &str, named: Option<&str>, requests: u64| {
        Object::new().maybe(name, named.map(string)).raw("requests", requests).finish()
    };
    let unpriced = overview.unpriced_models.iter();
    let unpriced = unpriced.map(|(model, count)| counted("model", model.as_ref().map(Text::as_str), *count));
    let totals = &overview.totals;
    let object = Object::new()
        .raw("requests", totals.requests())
        .raw("priced", totals.priced())
        .raw("unpriced", totals.unpriced())
        .raw("without_usage", totals.without_usage())
        .raw("free", totals.free())
        .raw("repeated", totals.repeated())
        .raw("unpriced_models", array(unpriced))
        .raw("absent_usage", array(absent.iter().map(|(reason, n)| counted("reason", Some(reason), *n))));
    let object = if question.sees_all() {
        let sinks = question.settings.sinks.iter().map(|sink| {
            let counts = (sink.counts)();
            let each = counts.counts.iter();
            let each =
                each.map(|(name, count)| Object::new().text("name", name).raw("count", count).finish());
            Object::new()
                .text("name", &sink.name)
                .raw("counts", array(each))
                .raw("lost", counts.lost)
                .maybe("last_error", counts.last_error.as_deref().map(string))
                .finish()
        });
        object.raw("dropped_records", overview.dropped).raw("sinks", array(sinks))
    } else {
        object
    };
    Ok(envelope(question, object, Some(overview.gaps)))
}
