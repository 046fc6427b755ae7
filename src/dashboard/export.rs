//! Answers as files.

use super::body::{Next, Part};
use super::params::{Params, one_of};
use super::pause::{ROWS, pause};
use super::problem::Problem;
use super::question::Question;
use crate::report::export::{csv_line, json_object};
use crate::report::{QueryError, Report, Table, UserPage, UserQuery, UserSummary};
use bytes::Bytes;

/// In which form an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
    JsonLines,
}

impl Format {
    pub(super) fn of(params: &Params) -> Result<Self, Problem> {
        let names = [("json", Self::Json), ("csv", Self::Csv), ("jsonl", Self::JsonLines)];
        params.get("format").map_or(Ok(Self::Json), |name| one_of("format", name, names))
    }

    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/jsonl",
        }
    }
}

/// What files are called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    pub(super) csv: &'static str,
    pub(super) json_lines: &'static str,
}

macro_rules! names {
    ($($name:ident = $file:literal;)*) => {
        $(pub(super) const $name: Names = Names {
            csv: concat!("attachment; filename=\"", $file, ".csv\""),
            json_lines: concat!("attachment; filename=\"", $file, ".jsonl\""),
        };)*
    };
}

names! {
    USERS = "users";
    SERIES = "series";
    BREAKDOWN = "breakdown";
    RETENTION = "retention";
    HISTOGRAM = "histogram";
    OVERVIEW = "overview";
    CALLS = "calls";
}

/// How many rows of users are in memory at a time.
const PART: usize = 20_000;

/// All users that a question shows, in parts of [`PART`] rows of which each is made when it is read, and written in pieces. The
/// row of the other users is the last one.
pub(super) async fn users<R: Report + 'static>(
    question: Question<R>,
    query: UserQuery,
    format: Format,
) -> Result<Part, Problem> {
    let page = question.users(&query.clone().limit(PART)).await?;
    let mut text = String::new();
    write_head(&page, format, &mut text);
    Ok(piece(question, query, format, text, Rest::of(page)))
}

/// What is left to be written of a page.
struct Rest {
    rows: std::vec::IntoIter<UserSummary>,
    /// The page without its rows.
    page: UserPage,
}

impl Rest {
    fn of(mut page: UserPage) -> Self {
        if page.next.is_some() {
            page.other = None;
        }
        Self { rows: std::mem::take(&mut page.rows).into_iter(), page }
    }

    /// The next rows as a page of their own.
    fn take(&mut self) -> UserPage {
        let rows: Vec<_> = self.rows.by_ref().take(ROWS).collect();
        let other = if self.rows.len() == 0 { self.page.other.take() } else { None };
        UserPage { rows, other, ..self.page.clone() }
    }
}

/// The next piece of a page, and what makes the one after it.
fn piece<R: Report + 'static>(
    question: Question<R>,
    query: UserQuery,
    format: Format,
    mut text: String,
    mut rest: Rest,
) -> Part {
    write(&rest.take(), format, &mut text);
    let is_whole = rest.rows.len() == 0;
    if is_whole && rest.page.next.is_none() {
        return Part { bytes: Bytes::from(text), next: None };
    }
    let next: Next = Box::pin(async move {
        pause().await;
        if is_whole && let Some(cursor) = rest.page.next.take() {
            let page = question.users(&query.clone().after(cursor).limit(PART)).await;
            rest = Rest::of(page.map_err(|problem| QueryError::Store(problem.to_string().into()))?);
        }
        Ok(piece(question, query, format, String::new(), rest))
    });
    Part { bytes: Bytes::from(text), next: Some(next) }
}

/// What comes before the rows of a table.
pub(super) fn write_head(table: &impl Table, format: Format, text: &mut String) {
    if format == Format::Csv {
        text.push_str(&table.columns().join(","));
        text.push_str("\r\n");
    }
}

/// The rows of a table.
pub(super) fn write(table: &impl Table, format: Format, text: &mut String) {
    let columns = table.columns();
    // Memory takes everything.
    let _ = table.rows(&mut |row| {
        match format {
            Format::Csv => text.push_str(&csv_line(&row)),
            Format::Json | Format::JsonLines => {
                text.push_str(&json_object(&columns, &row)?);
                text.push('\n');
            }
        }
        Ok(())
    });
}
