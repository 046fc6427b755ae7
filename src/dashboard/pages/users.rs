//! The table of users.

use super::super::condition;
use super::super::params::{CALLS, Params, RANGE};
use super::super::question::{MAX_OFFSET, Question, order};
use super::super::rejection::Rejection;
use super::super::route::{Api, Page};
use super::columns;
use super::format::{Figure, grouped};
use super::frame::{Frame, Tile, gap_notes, in_and_out};
use crate::record::Operation;
use crate::report::{Measure, Report, Sums, UserSummary, Who};
use askama::Template;
use std::collections::BTreeSet;

#[derive(Debug, Template)]
#[template(path = "users.html")]
pub(super) struct UsersPage {
    pub(super) frame: Frame,
    tiles: Vec<Tile>,
    search: Search,
    columns: Vec<ColumnChoice>,
    columns_kept: Vec<(String, String)>,
    heads: Vec<ColumnHead>,
    rows: Vec<UserRow>,
    other: Option<UserRow>,
    pager: Pager,
    csv: String,
    json_lines: String,
    api: String,
}

#[derive(Debug)]
struct Search {
    kept: Vec<(String, String)>,
    text: String,
    model: String,
    models: Vec<String>,
    provider: String,
    operations: Vec<(&'static str, bool)>,
    has_more: bool,
    measures: Vec<(&'static str, &'static str)>,
    chips: Vec<Chip>,
}

/// A filter that is on, and the link that takes it off.
#[derive(Debug)]
struct Chip {
    text: String,
    href: String,
}

#[derive(Debug)]
struct ColumnChoice {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    is_on: bool,
}

#[derive(Debug)]
struct ColumnHead {
    label: &'static str,
    hint: &'static str,
    href: String,
    /// `ascending`, `descending`, or `none`.
    sorted: &'static str,
    is_user: bool,
}

#[derive(Debug)]
struct UserRow {
    who: String,
    href: String,
    is_user: bool,
    cells: Vec<FigureCell>,
}

#[derive(Debug)]
struct FigureCell {
    figure: Figure,
    is_sorted: bool,
}

#[derive(Debug)]
struct Pager {
    from: String,
    to: String,
    matching: String,
    is_empty: bool,
    before: Option<String>,
    after: Option<String>,
    kept: Vec<(String, String)>,
    sizes: Vec<(usize, bool)>,
}

const SIZES: [usize; 4] = [25, 50, 100, 250];

pub(super) async fn page<R: Report>(question: &Question<R>) -> Result<UsersPage, Rejection> {
    let params = &question.params;
    let size = params.number("per", 50, 250)?.max(1);
    let number = params.number("page", 1, MAX_OFFSET / size)?.max(1);
    let offset = (number - 1) * size;
    let columns = columns::chosen(params)?;
    let sort = order(params)?;
    let query = question.user_query()?;
    let answer = question.users(&query.offset(offset).limit(size).sums()).await?;
    let row = |summary: &UserSummary| row(question, summary, &columns, sort.0);
    let rows: Vec<_> = answer.rows.iter().map(row).collect();
    let files = params.without(&["page", "per", "columns"]);
    let mut frame = Frame::new(question, Page::Users);
    frame.notes.extend(gap_notes(answer.gaps));
    let shown = offset + rows.len();
    let to_page = |number: usize| params.with("page", [number.to_string().as_str()]).link(Page::Users);
    let more = (shown as u64) < answer.matching && !rows.is_empty();
    Ok(UsersPage {
        frame,
        tiles: tiles(answer.matching, answer.sums.unwrap_or_default()),
        search: search(params, &answer.rows),
        columns_kept: params.without(&["columns"]).fields(),
        columns: choices(&columns),
        heads: heads(params, &columns, sort),
        other: answer.other.as_ref().map(row),
        pager: Pager {
            from: grouped((offset + usize::from(!rows.is_empty())) as u128),
            to: grouped(shown as u128),
            matching: grouped(answer.matching.into()),
            is_empty: rows.is_empty(),
            before: (number > 1).then(|| to_page(number - 1)),
            after: (more && number < MAX_OFFSET / size).then(|| to_page(number + 1)),
            kept: params.without(&["per", "page"]).fields(),
            sizes: SIZES.map(|choice| (choice, choice == size)).to_vec(),
        },
        rows,
        csv: files.with("format", ["csv"]).link(Api::Users),
        json_lines: files.with("format", ["jsonl"]).link(Api::Users),
        api: files.link(Api::Users),
    })
}

fn tiles(matching: u64, sums: Sums) -> Vec<Tile> {
    let tile = |label, figure, note| Tile { label, figure, note };
    let tokens = match (sums.input_tokens, sums.output_tokens) {
        (None, None) => None,
        (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
    };
    vec![
        tile("Users", Figure::count(sums.users), "that match".to_owned()),
        tile("Requests", Figure::count(sums.requests), format!("in {} rows", grouped(matching.into()))),
        tile("Tokens", Figure::maybe_count(tokens), in_and_out(sums.input_tokens, sums.output_tokens)),
        tile("Cost", Figure::cost(sums.cost), "of the priced requests".to_owned()),
    ]
}

fn search(params: &Params, rows: &[UserSummary]) -> Search {
    const MOST: usize = 50;
    // Only the models of the rows that are shown, as all of them would take another question.
    let value = |name: &str| params.get(name).unwrap_or_default().to_owned();
    let models: BTreeSet<_> = rows.iter().flat_map(|row| &row.models).collect();
    let mut chips = Vec::new();
    for (name, what) in
        [("q", "id has"), ("model", "model is"), ("provider", "provider is"), ("operation", "operation is")]
    {
        if let Some(value) = params.get(name) {
            let text = format!("{what} \u{201c}{value}\u{201d}");
            chips.push(Chip { text, href: params.without(&[name, "page"]).link(Page::Users) });
        }
    }
    for name in ["filter", "property"] {
        for value in params.all(name) {
            let others = params.all(name).filter(|other| *other != value);
            let href = params.without(&["page"]).with(name, others).link(Page::Users);
            chips.push(Chip { text: in_words(name, value), href });
        }
    }
    Search {
        kept: params.without(&["q", "model", "provider", "operation", "page"]).fields(),
        text: value("q"),
        model: value("model"),
        provider: value("provider"),
        operations: Operation::ALL
            .iter()
            .map(|operation| (operation.as_str(), params.get("operation") == Some(operation.as_str())))
            .collect(),
        has_more: ["provider", "operation", "property"].iter().any(|name| params.get(name).is_some()),
        models: models.into_iter().take(MOST).map(ToString::to_string).collect(),
        measures: columns::all().map(|measure| (measure.as_str(), measure.label())).collect(),
        chips,
    }
}

/// Puts a condition into words.
fn in_words(name: &str, value: &str) -> String {
    let measured = condition::parts(value).and_then(|(column, at_least, amount)| {
        let measure = Measure::named(column)?;
        Some(format!("{} {} {amount}", measure.label(), if at_least { "\u{2265}" } else { "\u{2264}" }))
    });
    measured.filter(|_| name == "filter").unwrap_or_else(|| format!("{name}: {value}"))
}

fn choices(columns: &[Measure]) -> Vec<ColumnChoice> {
    let choice = |measure: Measure| ColumnChoice {
        name: measure.as_str(),
        label: measure.label(),
        hint: measure.hint(),
        is_on: columns.contains(&measure),
    };
    columns::all().map(choice).collect()
}

fn heads(params: &Params, columns: &[Measure], (by, ascending): (Option<Measure>, bool)) -> Vec<ColumnHead> {
    let all = std::iter::once(None).chain(columns.iter().copied().map(Some));
    let head = |column: Option<Measure>| {
        let is_sorted = column == by;
        // Figures are sorted from the largest down and ids from the first letter on; if they are already, the other way round.
        let next_ascending = if is_sorted { !ascending } else { column.is_none() };
        let name = column.map_or("user", Measure::as_str);
        let next = params.without(&["page"]).with("sort", [name]);
        let next = next.with("order", [if next_ascending { "asc" } else { "desc" }]);
        ColumnHead {
            label: column.map_or("User", Measure::label),
            hint: column.map_or("The id that the calls were made with", Measure::hint),
            href: next.link(Page::Users),
            sorted: match (is_sorted, ascending) {
                (false, _) => "none",
                (true, true) => "ascending",
                (true, false) => "descending",
            },
            is_user: column.is_none(),
        }
    };
    all.map(head).collect()
}

fn row<R: Report>(
    question: &Question<R>,
    summary: &UserSummary,
    columns: &[Measure],
    sorted: Option<Measure>,
) -> UserRow {
    let cell = |&measure: &Measure| {
        let mut figure = Figure::measure(measure, summary.measure(measure), &question.zone);
        if measure == Measure::Models {
            figure.whole = summary.models.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
        }
        FigureCell { figure, is_sorted: sorted == Some(measure) }
    };
    UserRow {
        who: summary.who.to_string(),
        href: href(question, &summary.who),
        is_user: summary.who.user().is_some(),
        cells: columns.iter().map(cell).collect(),
    }
}

/// Returns the link to the page of a row.
fn href<R: Report>(question: &Question<R>, who: &Who) -> String {
    let shared = question.params.only(&[RANGE, CALLS].concat());
    let own = match who.user() {
        Some(id) => shared.with("id", [id.as_str()]),
        None => shared.with("row", [who.kind()]),
    };
    own.link(Page::User)
}
