//! The page of activity: who was active, how much, and who came back.

use super::super::question::{PERCENTILES, Question};
use super::super::rejection::Rejection;
use super::super::route::{Api, Page};
use super::chart::{BarData, Chart};
use super::format::{Figure, compact, grouped, round_money};
use super::frame::{Frame, Tile, gap_notes, in_and_out};
use super::over_time::{self, StepRow};
use crate::record::Usd;
use crate::report::{Histogram, Measure, Overview, Ratio, Report, Retention};
use askama::Template;

#[derive(Debug, Template)]
#[template(path = "activity.html")]
pub(super) struct ActivityPage {
    pub(super) frame: Frame,
    tiles: Vec<Tile>,
    charts: Vec<Chart>,
    steps: Vec<StepRow>,
    cut: Vec<(&'static str, bool)>,
    cut_kept: Vec<(String, String)>,
    spreads: Vec<Spread>,
    weeks: Vec<u64>,
    cohorts: Vec<CohortRow>,
    earlier_cohorts: usize,
    csv: String,
}

/// How a measure is spread over users.
#[derive(Debug)]
struct Spread {
    chart: Chart,
    quartiles: String,
    beyond: String,
    rows: Vec<(String, String)>,
}

#[derive(Debug)]
struct CohortRow {
    label: String,
    users: String,
    cells: Vec<CohortCell>,
}

#[derive(Debug)]
struct CohortCell {
    share: String,
    title: String,
    /// From 0 to 10.
    heat: u64,
}

pub(super) async fn page<R: Report>(question: &Question<R>) -> Result<ActivityPage, Rejection> {
    let overview = question.overview().await?;
    let series = question.series(question.step(&overview.totals)?).await?;
    let retention = question.retention().await?;
    let mut spreads = Vec::new();
    for (id, title, measure) in [
        ("spread-requests", "Users by requests", Measure::Requests),
        ("spread-cost", "Users by cost", Measure::Cost),
    ] {
        let histogram = question.histogram(question.histogram_query(measure)?.bins(20)).await?;
        spreads.push(spread(id, title, &histogram));
    }
    let mut frame = Frame::new(question, Page::Activity);
    frame.notes.extend(gap_notes(series.gaps));
    let cut = question.params.get("percentile").unwrap_or("p99");
    let (cohorts, weeks, earlier_cohorts) = cohorts(&retention);
    Ok(ActivityPage {
        frame,
        tiles: tiles(&overview),
        charts: vec![over_time::users(&series), over_time::requests(&series), over_time::cost(&series)],
        steps: over_time::rows(&series),
        cut: PERCENTILES.map(|(name, _)| (name, name == cut)).to_vec(),
        cut_kept: question.params.without(&["percentile"]).fields(),
        spreads,
        weeks,
        cohorts,
        earlier_cohorts,
        csv: question.params.with("format", ["csv"]).link(Api::Series),
    })
}

fn tiles(overview: &Overview) -> Vec<Tile> {
    let totals = &overview.totals;
    let tile = |label, figure, note| Tile { label, figure, note };
    let coverage = Figure::share(totals.coverage());
    let today = |figure: Figure| format!("{} today", figure.short);
    vec![
        tile("Users", Figure::count(overview.users), today(Figure::count(overview.users_today))),
        tile("Requests", Figure::count(totals.requests()), today(Figure::count(overview.today.requests()))),
        tile(
            "Tokens",
            Figure::maybe_count(totals.tokens()),
            in_and_out(totals.input_tokens(), totals.output_tokens()),
        ),
        tile("Cost", Figure::cost(totals.cost()), format!("{} of it is known", coverage.short)),
        tile(
            "This month",
            Figure::cost(overview.month.cost()),
            format!("{} if it goes on so", Figure::cost(overview.month_projection).short),
        ),
        tile(
            "Error rate",
            Figure::share(totals.error_rate()),
            format!("{} failed", Figure::count(totals.failed().saturating_add(totals.broken())).short),
        ),
    ]
}

fn spread(id: &'static str, title: &'static str, histogram: &Histogram) -> Spread {
    let show = |value: i128| match histogram.measure {
        Measure::Cost => round_money(Usd::from_picos(value)),
        _ => compact(u64::try_from(value).unwrap_or(0)),
    };
    let range = |from: i128, to: i128| {
        if from == to { show(from) } else { format!("{} to {}", show(from), show(to)) }
    };
    let points = histogram.bins.iter().map(|bin| BarData {
        label: show(bin.from),
        parts: vec![bin.users.into()],
        title: format!("{}: {} users", range(bin.from, bin.to), grouped(bin.users.into())),
    });
    let count = |value: i128| compact(u64::try_from(value).unwrap_or(0));
    let unknown = match histogram.unknown {
        0 => String::new(),
        unknown => format!(" It is not known for {} users.", grouped(unknown.into())),
    };
    let beyond = match histogram.beyond {
        0 => String::new(),
        beyond => format!(" {} users are above the cut.", grouped(beyond.into())),
    };
    Spread {
        chart: Chart::new(id, title, &[], points.collect(), count),
        quartiles: histogram.quartiles.map_or_else(String::new, |[low, middle, high]| {
            format!(
                "A quarter of the users have up to {}, half up to {}, three quarters up to {}.",
                show(low),
                show(middle),
                show(high)
            )
        }),
        beyond: format!("{beyond}{unknown}"),
        rows: histogram.bins.iter().map(|bin| (range(bin.from, bin.to), grouped(bin.users.into()))).collect(),
    }
}

/// Returns the last cohorts with their first weeks, the weeks, and the number of cohorts that are left out.
fn cohorts(retention: &Retention) -> (Vec<CohortRow>, Vec<u64>, usize) {
    const MOST: usize = 12;
    let earlier = retention.cohorts.len().saturating_sub(MOST);
    let rows = retention.cohorts.iter().skip(earlier).map(|cohort| CohortRow {
        label: cohort.label.clone(),
        users: grouped(cohort.users.into()),
        cells: cohort.active.iter().take(MOST).map(|&active| cell(active, cohort.users)).collect(),
    });
    let rows: Vec<_> = rows.collect();
    let weeks = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0) as u64;
    (rows, (0..weeks).collect(), earlier)
}

fn cell(active: u64, users: u64) -> CohortCell {
    let ratio = Ratio::new(active, users);
    CohortCell {
        share: ratio.value_in(100).map_or_else(String::new, |percent| format!("{percent} %")),
        title: format!("{} of {} users", grouped(active.into()), grouped(users.into())),
        heat: ratio.value_in(10).and_then(|tenths| u64::try_from(tenths).ok()).unwrap_or(0),
    }
}
