//! Charts and a table of the activity over time.

use super::chart::{BarData, Chart, short_label};
use super::format::{Figure, compact, grouped, round_money};
use crate::record::Usd;
use crate::report::Series;

/// A step in the table beside the charts.
#[derive(Debug)]
pub(super) struct StepRow {
    pub(super) label: String,
    pub(super) active: String,
    pub(super) new: String,
    pub(super) requests: String,
    pub(super) tokens: Figure,
    pub(super) cost: Figure,
}

pub(super) fn rows(series: &Series) -> Vec<StepRow> {
    let rows = series.points.iter().map(|point| StepRow {
        label: point.label.clone(),
        active: grouped(point.active_users.into()),
        new: grouped(point.new_users.into()),
        requests: grouped(point.totals.requests().into()),
        tokens: Figure::maybe_count(point.totals.tokens()),
        cost: Figure::cost(point.totals.cost()),
    });
    rows.collect()
}

fn count(value: i128) -> String {
    compact(u64::try_from(value).unwrap_or(0))
}

fn dollars(value: i128) -> String {
    round_money(Usd::from_picos(value))
}

/// Draws the active users, new ones in a part of their own.
pub(super) fn users(series: &Series) -> Chart {
    let points = series.points.iter().map(|point| {
        let (new, returning) = (point.new_users, point.returning_users());
        BarData {
            label: short_label(&point.label),
            parts: vec![returning.into(), new.into()],
            title: format!(
                "{}: {} returning, {} new",
                point.label,
                grouped(returning.into()),
                grouped(new.into())
            ),
        }
    });
    let title = format!("Active users by {}", series.step.as_str());
    Chart::new("chart-users", title, &["returning", "new"], points.collect(), count)
}

/// Draws the requests, failed ones in a part of their own.
pub(super) fn requests(series: &Series) -> Chart {
    let points = series.points.iter().map(|point| {
        let totals = &point.totals;
        let failed = totals.failed().saturating_add(totals.broken());
        BarData {
            label: short_label(&point.label),
            parts: vec![totals.requests().saturating_sub(failed).into(), 0, failed.into()],
            title: format!(
                "{}: {} requests, {} failed",
                point.label,
                grouped(totals.requests().into()),
                grouped(failed.into())
            ),
        }
    });
    let title = format!("Requests by {}", series.step.as_str());
    let chart = Chart::new("chart-requests", title, &[], points.collect(), count);
    let requests = series.points.iter().map(|point| point.totals.requests());
    chart.note(format!("{} in all", compact(requests.fold(0, u64::saturating_add))))
}

/// Draws the cost. A step without a known cost has no bar.
pub(super) fn cost(series: &Series) -> Chart {
    let points = series.points.iter().map(|point| {
        let cost = point.totals.cost();
        let figure = cost.map_or_else(|| "not known".to_owned(), |cost| format!("${cost}"));
        BarData {
            label: short_label(&point.label),
            parts: vec![cost.map_or(0, Usd::picos)],
            title: format!("{}: {figure}", point.label),
        }
    });
    let title = format!("Cost by {}", series.step.as_str());
    let chart = Chart::new("chart-cost", title, &[], points.collect(), dollars);
    let cost = series.points.iter().filter_map(|point| point.totals.cost()).reduce(|sum, cost| sum + cost);
    chart.note(format!("{} in all", Figure::cost(cost).short))
}

/// Draws the tokens, in and out.
pub(super) fn tokens(series: &Series) -> Chart {
    let points = series.points.iter().map(|point| {
        let (input, output) = (point.totals.input_tokens(), point.totals.output_tokens());
        let shown = |tokens: Option<u64>| tokens.map_or("?".to_owned(), |tokens| grouped(tokens.into()));
        BarData {
            label: short_label(&point.label),
            parts: vec![input.unwrap_or(0).into(), output.unwrap_or(0).into()],
            title: format!("{}: {} in, {} out", point.label, shown(input), shown(output)),
        }
    });
    let title = format!("Tokens by {}", series.step.as_str());
    Chart::new("chart-tokens", title, &["in", "out"], points.collect(), count)
}
