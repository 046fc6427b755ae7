//! Answers as files.

use super::body::{Next, Part};
use super::params::{Params, one_of};
use super::problem::Problem;
use super::question::Question;
use crate::report::export::{csv_line, json_object};
use crate::report::{QueryError, Report, Table, UserPage, UserQuery};
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

/// All users that a question shows, in parts of [`PART`] rows of which each is made when it is read. The row of the other users
/// is the last one.
pub(super) async fn users<R: Report + 'static>(
    question: Question<R>,
    query: UserQuery,
    format: Format,
) -> Result<Part, Problem> {
    let page = question.users(&query.clone().limit(PART)).await?;
    let mut text = String::new();
    if format == Format::Csv {
        text.push_str(&page.columns().join(","));
        text.push_str("\r\n");
    }
    Ok(part(question, query, format, text, page))
}

/// The part of a page, and what makes the next one.
fn part<R: Report + 'static>(
    question: Question<R>,
    query: UserQuery,
    format: Format,
    mut text: String,
    mut page: UserPage,
) -> Part {
    let cursor = page.next.take();
    if cursor.is_some() {
        page.other = None;
    }
    write(&page, format, &mut text);
    let next = cursor.map(|cursor| -> Next {
        Box::pin(async move {
            let page = question.users(&query.clone().after(cursor).limit(PART)).await;
            let page = page.map_err(|problem| QueryError::Store(problem.to_string().into()))?;
            Ok(part(question, query, format, String::new(), page))
        })
    });
    Part { bytes: Bytes::from(text), next }
}

fn write(page: &UserPage, format: Format, text: &mut String) {
    let columns = page.columns();
    // Memory takes everything.
    let _ = page.rows(&mut |row| {
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
