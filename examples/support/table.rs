//! The per-user table, for people and for programs.

use serde::Serialize;
use serde_json::value::RawValue;
use std::fmt::Display;
use std::time::SystemTime;
use tower_llm_metrics::report::{UserPage, UserSummary};

const HEADS: [&str; 9] =
    ["USER", "REQUESTS", "FAILED", "TOKENS IN", "TOKENS OUT", "COST USD", "DAYS", "FIRST SEEN", "LAST SEEN"];

/// The table as text. What is not known is `-`, which is not 0.
#[allow(dead_code, reason = "the proxy answers JSON only")]
pub(crate) fn text(page: &UserPage) -> String {
    let rows: Vec<[String; HEADS.len()]> = page.rows.iter().chain(&page.other).map(cells).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(HEADS.get(column).map(|head| head.len())).max().unwrap_or_default()
    };
    let line = |cells: &[String]| {
        let cell = |(column, cell): (usize, &String)| {
            let width = width(column);
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        };
        cells.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ") + "\n"
    };
    let heads = HEADS.map(ToOwned::to_owned);
    std::iter::once(line(&heads)).chain(rows.iter().map(|row| line(row))).collect()
}

fn cells(user: &UserSummary) -> [String; HEADS.len()] {
    let totals = &user.totals;
    // A `*` says that some of the calls have no price, or did not say what they used; a `~`, that some are estimates.
    let about = if totals.estimated() > 0 { "~" } else { "" };
    let cost = match (totals.cost(), totals.unpriced() + totals.without_usage()) {
        (None, _) => "-".to_owned(),
        (Some(cost), 0) => format!("{about}{cost}"),
        (Some(cost), _) => format!("{about}{cost}*"),
    };
    [
        user.who.to_string(),
        totals.requests().to_string(),
        (totals.failed() + totals.broken()).to_string(),
        known(totals.input_tokens()),
        known(totals.output_tokens()),
        cost,
        user.active_days.to_string(),
        known(totals.first().and_then(time)),
        known(totals.last().and_then(time)),
    ]
}

fn known(figure: Option<impl Display>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| figure.to_string())
}

/// To the second, as people read it.
fn time(time: SystemTime) -> Option<String> {
    let time = jiff::Timestamp::try_from(time).ok()?;
    Some(time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// The table as JSON: an array with an object for each user. What is not known is absent; `user` is absent for the calls
/// that named none. A cost is an exact decimal.
#[allow(dead_code, reason = "only the proxy answers JSON")]
pub(crate) fn json(page: &UserPage) -> Vec<Row<'_>> {
    page.rows.iter().chain(&page.other).map(Row::of).collect()
}

#[derive(Serialize)]
pub(crate) struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    /// Whether it is a user, nobody, or the users that did not fit.
    kind: &'static str,
    requests: u64,
    completed: u64,
    failed: u64,
    aborted: u64,
    cancelled: u64,
    broken: u64,
    unpriced: u64,
    without_usage: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<Box<RawValue>>,
    active_days: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_active: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_active: Option<String>,
    models: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn of(user: &'a UserSummary) -> Self {
        let totals = &user.totals;
        let rfc3339 = |time: SystemTime| jiff::Timestamp::try_from(time).ok().map(|time| time.to_string());
        Self {
            user: user.who.user().map(AsRef::as_ref),
            kind: user.who.kind(),
            requests: totals.requests(),
            completed: totals.completed(),
            failed: totals.failed(),
            aborted: totals.aborted(),
            cancelled: totals.cancelled(),
            broken: totals.broken(),
            unpriced: totals.unpriced(),
            without_usage: totals.without_usage(),
            input_tokens: totals.input_tokens(),
            cache_read_tokens: totals.cache_read_tokens(),
            output_tokens: totals.output_tokens(),
            reasoning_tokens: totals.reasoning_tokens(),
            cost_usd: totals.cost().and_then(|cost| RawValue::from_string(cost.to_string()).ok()),
            active_days: user.active_days,
            first_active: totals.first().and_then(rfc3339),
            last_active: totals.last().and_then(rfc3339),
            models: user.models.iter().map(AsRef::as_ref).collect(),
        }
    }
}
