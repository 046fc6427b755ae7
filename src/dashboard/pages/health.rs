//! The page of health: what is not known, what was lost, and the state of the sinks.

use super::super::composite::Health;
use super::super::question::Question;
use super::super::rejection::Rejection;
use super::super::route::{Api, Page};
use super::format::{Figure, grouped};
use super::frame::{Frame, gap_notes};
use crate::report::{Ratio, Report, Totals};
use askama::Template;

#[derive(Debug, Template)]
#[template(path = "health.html")]
pub(super) struct HealthPage {
    pub(super) frame: Frame,
    tiles: Vec<Sign>,
    unpriced: Vec<CountRow>,
    absent: Vec<CountRow>,
    outcomes: Vec<CountRow>,
    sees_all: bool,
    sinks: Vec<SinkTable>,
    api: String,
}

/// A figure, and whether it is a bad sign.
#[derive(Debug)]
struct Sign {
    label: &'static str,
    figure: Figure,
    note: &'static str,
    is_bad: bool,
}

#[derive(Debug)]
struct CountRow {
    name: String,
    what: &'static str,
    count: String,
    share: Figure,
}

#[derive(Debug)]
struct SinkTable {
    name: String,
    counts: Vec<(&'static str, String)>,
    lost: String,
    is_bad: bool,
    last_error: Option<String>,
}

pub(super) async fn page<R: Report>(question: &Question<R>) -> Result<HealthPage, Rejection> {
    let Health { overview, absent } = Health::of(question).await?;
    let totals = &overview.totals;
    let all = totals.requests();
    let counted = |name: String, what: &'static str, count: u64| CountRow {
        name,
        what,
        count: grouped(count.into()),
        share: Figure::share(Ratio::new(count, all)),
    };
    let sees_all = question.sees_all();
    let mut tiles = vec![
        sign(
            "Cost known",
            Figure::share(totals.coverage()),
            "of the requests that used something",
            totals.unpriced() != 0,
        ),
        sign(
            "Without a price",
            Figure::count(totals.unpriced()),
            "requests with usage",
            totals.unpriced() != 0,
        ),
        sign(
            "Without usage",
            Figure::count(totals.without_usage()),
            "requests that did not report it",
            totals.without_usage() != 0,
        ),
        sign(
            "Error rate",
            Figure::share(totals.error_rate()),
            "failed and broken requests",
            totals.error_rate().sum != 0,
        ),
    ];
    if sees_all {
        tiles.push(sign(
            "Dropped",
            Figure::count(overview.dropped),
            "records before they were counted",
            overview.dropped != 0,
        ));
    }
    let mut frame = Frame::new(question, Page::Health);
    frame.notes.extend(gap_notes(overview.gaps));
    let models = overview.unpriced_models.iter();
    Ok(HealthPage {
        frame,
        tiles,
        unpriced: models
            .map(|(model, count)| {
                let name = model.as_ref().map_or("(model not known)", |model| model.as_str());
                counted(name.to_owned(), "", *count)
            })
            .collect(),
        absent: absent
            .into_iter()
            .map(|(reason, count)| {
                let what = meaning(&reason);
                counted(reason, what, count)
            })
            .collect(),
        outcomes: outcomes(totals).map(|(name, what, count)| counted(name.to_owned(), what, count)).collect(),
        sees_all,
        sinks: if sees_all { sinks(question) } else { Vec::new() },
        api: question.params.link(Api::Health),
    })
}

fn sign(label: &'static str, figure: Figure, note: &'static str, is_bad: bool) -> Sign {
    Sign { label, figure, note, is_bad }
}

fn outcomes(totals: &Totals) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
    [
        ("completed", "The answer was read to its end", totals.completed()),
        ("failed", "The server refused, or broke off with an error of its own", totals.failed()),
        ("aborted", "The caller dropped the answer before its end", totals.aborted()),
        ("cancelled", "The caller left before there was an answer", totals.cancelled()),
        ("broken", "The transport failed", totals.broken()),
    ]
    .into_iter()
}

fn sinks<R: Report>(question: &Question<R>) -> Vec<SinkTable> {
    let tables = question.settings.sinks.iter().map(|sink| {
        let counts = (sink.counts)();
        SinkTable {
            name: sink.name.clone(),
            is_bad: counts.lost != 0 || counts.last_error.is_some(),
            lost: grouped(counts.lost.into()),
            counts: counts.counts.iter().map(|&(name, count)| (name, grouped(count.into()))).collect(),
            last_error: counts.last_error,
        }
    });
    tables.collect()
}

/// Explains a reason, with a remedy if there is one.
fn meaning(reason: &str) -> &'static str {
    match reason {
        "not_requested" => {
            "A stream that was not asked for its usage: StreamUsageLayer asks, or stream_options.include_usage"
        }
        "not_reported" => "The provider answered and did not say",
        "aborted" => "The caller left before the figures came",
        "no_response" => "There was no answer, or it broke off before the figures came",
        "error_response" => "The provider answered with an error",
        "unrecognized" => "The answer has no shape that is known",
        "encoded" => {
            "The answer is compressed: stand outside of decompression, or build with gzip, brotli, zstd"
        }
        "too_large" => "The usage, or the decoded body, is over the limit",
        "malformed" => "The answer is not well-formed",
        "upgraded" => "The connection became another protocol\u{2019}s",
        "not_consumption" => "Nothing was consumed: a list, a token count",
        "unread" => "Something was counted, or may have been, and is not understood",
        "batch_results" => "The results of a batch, whose calls are not metered one by one",
        "not_kept" => "The store did not keep these reasons apart",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::UsageReason;

    #[test]
    fn every_reason_for_absent_usage_is_explained() {
        let present = ["part_exceeds_whole", "unread"];
        for reason in UsageReason::ALL.iter().map(|reason| reason.as_str()) {
            assert!(!meaning(reason).is_empty() || present.contains(&reason), "{reason}");
        }
    }
}
