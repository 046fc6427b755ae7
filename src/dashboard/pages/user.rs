//! The page of one user.

use super::super::api;
use super::super::composite::OneUser;
use super::super::question::Question;
use super::super::rejection::Rejection;
use super::super::route::{Api, Page};
use super::chart::Chart;
use super::columns;
use super::format::{Figure, UNKNOWN, length, minute, second};
use super::frame::{Frame, gap_notes};
use super::over_time::{self, StepRow};
use crate::record::{Outcome, Record, Text};
use crate::report::{Breakdown, GroupName, Measure, Report, Zone};
use askama::Template;

#[derive(Debug, Template)]
#[template(path = "user.html")]
pub(super) struct OneUserPage {
    pub(super) frame: Frame,
    who: String,
    is_user: bool,
    span: String,
    tiles: Vec<LabelledFigure>,
    rest: Vec<LabelledFigure>,
    charts: Vec<Chart>,
    steps: Vec<StepRow>,
    models: Vec<ModelRow>,
    calls: Vec<CallRow>,
    in_other: u64,
    json: String,
    api: String,
}

#[derive(Debug)]
struct LabelledFigure {
    label: &'static str,
    hint: &'static str,
    figure: Figure,
}

#[derive(Debug)]
struct ModelRow {
    name: String,
    requests: Figure,
    tokens: Figure,
    cost: Figure,
    error_rate: Figure,
    latency: Figure,
}

#[derive(Debug)]
struct CallRow {
    time: Figure,
    model: String,
    outcome: &'static str,
    is_bad: bool,
    status: String,
    input: Figure,
    output: Figure,
    cost: Figure,
    latency: String,
}

const TILES: [Measure; 6] = [
    Measure::Requests,
    Measure::Tokens,
    Measure::Cost,
    Measure::ActiveDays,
    Measure::ErrorRate,
    Measure::MedianLatency,
];

pub(super) async fn page<R: Report>(question: &Question<R>) -> Result<OneUserPage, Rejection> {
    let user = OneUser::of(question).await?;
    let mut frame = Frame::new(question, Page::User);
    frame.notes.extend(gap_notes(user.gaps));
    let zone = &question.zone;
    let summary = &user.summary;
    let labelled = |measure: Measure| LabelledFigure {
        label: measure.label(),
        hint: measure.hint(),
        figure: Figure::measure(measure, summary.measure(measure), zone),
    };
    let span = |measure| Figure::measure(measure, summary.measure(measure), zone).short;
    Ok(OneUserPage {
        frame,
        who: summary.who.to_string(),
        is_user: summary.who.user().is_some(),
        span: format!("{} to {}", span(Measure::FirstActive), span(Measure::LastActive)),
        tiles: TILES.into_iter().map(labelled).collect(),
        rest: columns::all().filter(|measure| !TILES.contains(measure)).map(labelled).collect(),
        charts: vec![
            over_time::requests(&user.series),
            over_time::cost(&user.series),
            over_time::tokens(&user.series),
        ],
        steps: over_time::rows(&user.series),
        models: models(&user.models),
        calls: user.calls.iter().map(|call| call_row(call, zone)).collect(),
        in_other: summary.in_other,
        api: question.params.link(Api::User),
        json: indented(question, user),
    })
}

/// Returns what the page shows as JSON, a line for each row.
fn indented<R: Report>(question: &Question<R>, user: OneUser) -> String {
    serde_json::to_string_pretty(&api::user(question, user)).unwrap_or_default()
}

fn models(breakdown: &Breakdown) -> Vec<ModelRow> {
    let rows = breakdown.groups.iter().map(|group| ModelRow {
        name: match &group.name {
            GroupName::Is(name) => name.to_string(),
            GroupName::Absent => "(no model)".to_owned(),
            _ => "(models not kept apart)".to_owned(),
        },
        requests: Figure::count(group.totals.requests()),
        tokens: Figure::maybe_count(group.totals.tokens()),
        cost: Figure::cost(group.totals.cost()),
        error_rate: Figure::share(group.totals.error_rate()),
        latency: Figure::measure(
            Measure::MedianLatency,
            group.totals.latency().at(50).map(Into::into),
            &Zone::UTC,
        ),
    });
    rows.collect()
}

fn call_row(call: &Record, zone: &Zone) -> CallRow {
    let model = call.response_model.as_ref().or(call.model.as_ref());
    CallRow {
        time: Figure { short: minute(call.time, zone), whole: second(call.time, zone) },
        model: model.map_or(UNKNOWN, Text::as_str).to_owned(),
        outcome: call.outcome.as_str(),
        is_bad: matches!(call.outcome, Outcome::Failed | Outcome::Broken),
        status: call.status.map_or_else(|| UNKNOWN.to_owned(), |status| status.to_string()),
        input: Figure::maybe_count(call.usage.input_tokens),
        output: Figure::maybe_count(call.usage.output_tokens),
        cost: Figure::cost(call.cost.total()),
        latency: length(call.latency.as_micros()),
    }
}
