//! Our own questions: the answers of the report, as they are exported.

use super::answer;
use super::body::DashboardBody;
use super::composite::{Health, OneUser};
use super::condition;
use super::export::{self, FileFormat, FileNames};
use super::json::{FlatObject, number, set};
use super::pause::{pause, pieces};
use super::question::{MAX_OFFSET, Question};
use super::rejection::Rejection;
use super::route::Api;
use crate::record::{Record, Text, Usd};
use crate::report::{
    Breakdown, Cohort, Gaps, Group, GroupBy, Measure, Point, Report, Retention, Series, Sums, Table, Totals,
    UserPage, UserSummary, Value,
};
use http::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use std::slice::from_ref;

/// The most rows of an answer that is not an export.
const MAX_LIMIT: usize = 1_000;

type Answered = Result<Response<DashboardBody>, Rejection>;

pub(super) async fn answer<R: Report + Clone + 'static>(api: Api, question: Question<R>) -> Answered {
    match api {
        Api::Users => users(question).await,
        Api::User => answer::json(&user(&question, OneUser::of(&question).await?)),
        Api::Series => {
            // An open window is as long as its calls.
            let is_open = question.window.start().is_none() || question.window.end().is_none();
            let totals = if is_open { question.overview().await?.totals } else { Totals::default() };
            let series = question.series(question.step(&totals)?).await?;
            let piece = |points: &[Point]| {
                let mut piece = Series::new(series.step);
                piece.points.extend_from_slice(points);
                piece
            };
            table(&question, &pieces(&series.points, piece), series.gaps, export::SERIES).await
        }
        Api::Breakdown => {
            let breakdown = question.breakdown(&group_by(&question)?).await?;
            let piece = |groups: &[Group]| {
                let mut piece = Breakdown::new(breakdown.by.clone());
                piece.groups.extend_from_slice(groups);
                piece
            };
            table(&question, &pieces(&breakdown.groups, piece), breakdown.gaps, export::BREAKDOWN).await
        }
        Api::Retention => {
            let retention = question.retention().await?;
            let piece = |cohorts: &[Cohort]| {
                let mut piece = Retention::default();
                piece.cohorts.extend_from_slice(cohorts);
                piece
            };
            table(&question, &pieces(&retention.cohorts, piece), retention.gaps, export::RETENTION).await
        }
        Api::Histogram => histogram(&question).await,
        Api::Overview => {
            let overview = question.overview().await?;
            table(&question, from_ref(&overview), overview.gaps, export::OVERVIEW).await
        }
        Api::Calls => {
            let calls = question.last_calls(question.params.number("limit", 100, MAX_LIMIT)?).await?;
            match FileFormat::of(&question.params)? {
                None => answer::json(&json!({"rows": calls})),
                // The JSON of a record holds more than its row.
                Some(FileFormat::JsonLines) => {
                    let lines: String = calls.iter().map(|call| call.to_json() + "\n").collect();
                    Ok(FileFormat::JsonLines.download(export::CALLS, lines.into()))
                }
                Some(FileFormat::Csv) => {
                    Ok(FileFormat::Csv.download(export::CALLS, calls.as_slice().to_csv().into()))
                }
            }
        }
        Api::Health => health(&question).await,
    }
}

/// An answer as JSON, with the members that all answers have.
#[derive(Serialize)]
struct ReportAnswer<T> {
    #[serde(flatten)]
    answer: T,
    gaps: Gaps,
    widened: bool,
    zone: String,
}

impl<T> ReportAnswer<T> {
    fn new<R: Report>(question: &Question<R>, answer: T, gaps: Gaps) -> Self {
        Self { answer, gaps, widened: question.is_widened(), zone: question.zone.to_string() }
    }
}

/// The rows of a table, as in its export as JSON lines.
#[derive(Serialize)]
struct Rows {
    rows: Vec<Box<RawValue>>,
}

fn rows(table: &impl Table) -> Vec<Box<RawValue>> {
    raw(table.to_json_lines().lines().map(str::to_owned)).collect()
}

/// Takes JSON as it is, whose numbers are exact decimals.
fn raw(json: impl Iterator<Item = String>) -> impl Iterator<Item = Box<RawValue>> {
    json.filter_map(|json| RawValue::from_string(json).ok())
}

/// Returns a table, split into at least one piece, in the form that is asked for.
async fn table<R: Report, T: Table + Sync>(
    question: &Question<R>,
    pieces: &[T],
    gaps: Gaps,
    names: FileNames,
) -> Answered {
    let Some(format) = FileFormat::of(&question.params)? else {
        let mut all = Vec::new();
        for piece in pieces {
            all.extend(rows(piece));
            pause().await;
        }
        return answer::json(&ReportAnswer::new(question, Rows { rows: all }, gaps));
    };
    let mut text = String::new();
    for piece in pieces {
        format.write(piece, text.is_empty(), &mut text);
        pause().await;
    }
    Ok(format.download(names, text.into()))
}

#[derive(Serialize)]
struct UsersAnswer {
    matching: u64,
    offset: usize,
    limit: usize,
    rows: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sums: Option<FlatObject<5>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<Box<RawValue>>,
}

fn sums(sums: Sums) -> FlatObject<5> {
    FlatObject([
        ("users", number(sums.users)),
        ("requests", number(sums.requests)),
        ("input_tokens", sums.input_tokens.map_or(Value::Unknown, number)),
        ("output_tokens", sums.output_tokens.map_or(Value::Unknown, number)),
        ("cost_usd", sums.cost.map_or(Value::Unknown, number)),
    ])
}

async fn users<R: Report + Clone + 'static>(question: Question<R>) -> Answered {
    let query = question.user_query()?;
    if let Some(format) = FileFormat::of(&question.params)? {
        let first = export::users(question, query, format).await?;
        return Ok(format.download(export::USERS, DashboardBody::parts(first)));
    }
    let offset = question.params.number("offset", 0, MAX_OFFSET)?;
    let limit = question.params.number("limit", 100, MAX_LIMIT)?;
    let mut page = question.users(&query.offset(offset).limit(limit).sums()).await?;
    let other = page.other.take().and_then(row_of);
    let answer = UsersAnswer {
        matching: page.matching,
        offset,
        limit,
        rows: rows(&page),
        sums: page.sums.map(sums),
        other,
    };
    answer::json(&ReportAnswer::new(&question, answer, page.gaps))
}

fn row_of(summary: UserSummary) -> Option<Box<RawValue>> {
    let mut page = UserPage::default();
    page.rows.push(summary);
    rows(&page).pop()
}

#[derive(Serialize)]
struct UserAnswer {
    totals: Option<Box<RawValue>>,
    by_model: Vec<Box<RawValue>>,
    over_time: Vec<Box<RawValue>>,
    last_calls: Vec<Box<RawValue>>,
}

/// Returns what the page of one user shows, as JSON.
pub(super) fn user<R: Report>(question: &Question<R>, user: OneUser) -> impl Serialize + use<R> {
    let answer = UserAnswer {
        totals: row_of(user.summary),
        by_model: rows(&user.models),
        over_time: rows(&user.series),
        last_calls: raw(user.calls.iter().map(Record::to_json)).collect(),
    };
    ReportAnswer::new(question, answer, user.gaps)
}

fn group_by<R: Report>(question: &Question<R>) -> Result<GroupBy, Rejection> {
    let by = question.params.get("by").unwrap_or("model");
    if let Some(property) = by.strip_prefix("property:") {
        return Text::new(property).map(GroupBy::Property).map_err(|error| Rejection::of("by", error));
    }
    Ok(match by {
        "model" => GroupBy::Model,
        "provider" => GroupBy::Provider,
        "operation" => GroupBy::Operation,
        "absent_usage" => GroupBy::AbsentUsage,
        _ => {
            let what = "must be one of model, provider, operation, absent_usage, property:<name>";
            return Err(Rejection::of("by", what));
        }
    })
}

#[derive(Serialize)]
struct HistogramAnswer {
    rows: Vec<Box<RawValue>>,
    beyond: u64,
    unknown: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    quartiles: Option<[Value; 3]>,
}

async fn histogram<R: Report>(question: &Question<R>) -> Answered {
    let name = question.params.get("measure").unwrap_or(Measure::Requests.as_str());
    let measure = condition::measure("measure", name)?;
    if !measure.has_histogram() {
        return Err(Rejection::of("measure", "must be a count, tokens, or the cost"));
    }
    let histogram = question.histogram(question.histogram_query(measure)?).await?;
    if FileFormat::of(&question.params)?.is_some() {
        return table(question, from_ref(&histogram), histogram.gaps, export::HISTOGRAM).await;
    }
    let value = |value: i128| {
        if measure == Measure::Cost { number(Usd::from_picos(value)) } else { number(value) }
    };
    let answer = HistogramAnswer {
        rows: rows(&histogram),
        beyond: histogram.beyond,
        unknown: histogram.unknown,
        quartiles: histogram.quartiles.map(|quartiles| quartiles.map(value)),
    };
    answer::json(&ReportAnswer::new(question, answer, histogram.gaps))
}

async fn health<R: Report>(question: &Question<R>) -> Answered {
    let Health { overview, absent } = Health::of(question).await?;
    let unpriced = overview.unpriced_models.iter().map(|(model, requests)| match model {
        Some(model) => json!({"model": model.as_str(), "requests": requests}),
        None => json!({"requests": requests}),
    });
    let absent = absent.iter().map(|(reason, requests)| json!({"reason": reason, "requests": requests}));
    let totals = &overview.totals;
    let mut answer = json!({
        "requests": totals.requests(),
        "priced": totals.priced(),
        "unpriced": totals.unpriced(),
        "without_usage": totals.without_usage(),
        "free": totals.free(),
        "repeated": totals.repeated(),
        "unpriced_models": unpriced.collect::<Json>(),
        "absent_usage": absent.collect::<Json>(),
    });
    if question.sees_all() {
        let sinks = question.settings.sinks.iter().map(|sink| {
            let counts = (sink.counts)();
            let each = counts.counts.iter().map(|(name, count)| json!({"name": name, "count": count}));
            let mut answer =
                json!({"name": sink.name, "counts": each.collect::<Json>(), "lost": counts.lost});
            if let Some(error) = counts.last_error {
                set(&mut answer, "last_error", error);
            }
            answer
        });
        let sinks: Json = sinks.collect();
        set(&mut answer, "dropped_records", overview.dropped);
        set(&mut answer, "sinks", sinks);
    }
    answer::json(&ReportAnswer::new(question, answer, overview.gaps))
}
