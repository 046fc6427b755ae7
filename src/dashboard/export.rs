//! Answers as files.

use super::answer;
use super::body::{BodyPart, DashboardBody, NextPart};
use super::params::{Params, one_of};
use super::pause::{ROWS, pause};
use super::question::Question;
use super::rejection::Rejection;
use crate::report::{QueryError, Report, Table, UserPage, UserQuery, UserSummary};
use bytes::Bytes;
use http::Response;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileFormat {
    Csv,
    JsonLines,
}

impl FileFormat {
    /// Reads the form that is asked for; `None` for JSON, which is no file.
    pub(super) fn of(params: &Params) -> Result<Option<Self>, Rejection> {
        let names = [("json", None), ("csv", Some(Self::Csv)), ("jsonl", Some(Self::JsonLines))];
        params.get("format").map_or(Ok(None), |name| one_of("format", name, names))
    }

    /// Writes the rows of a table, for CSV after the names of the columns if they are the first ones.
    pub(super) fn write(self, table: &impl Table, first: bool, text: &mut String) {
        match self {
            Self::JsonLines => text.push_str(&table.to_json_lines()),
            Self::Csv => {
                let csv = table.to_csv();
                let rows = csv.split_once("\r\n").map_or("", |(_, rows)| rows);
                text.push_str(if first { &csv } else { rows });
            }
        }
    }

    pub(super) fn download(self, names: FileNames, body: DashboardBody) -> Response<DashboardBody> {
        match self {
            Self::Csv => answer::download("text/csv; charset=utf-8; header=present", names.csv, body),
            Self::JsonLines => answer::download("application/jsonl", names.json_lines, body),
        }
    }
}

/// The names of the files of an answer, as headers have them.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileNames {
    csv: &'static str,
    json_lines: &'static str,
}

macro_rules! names {
    ($($name:ident = $file:literal;)*) => {
        $(pub(super) const $name: FileNames = FileNames {
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

/// The number of users that are in memory at a time.
const PART: usize = 20_000;

/// Returns the file of all users that a question shows, asked for in parts of [`PART`] while it is read, and written in pieces.
/// The row of the other users is the last one.
pub(super) async fn users<R: Report + 'static>(
    question: Question<R>,
    query: UserQuery,
    format: FileFormat,
) -> Result<BodyPart, Rejection> {
    let page = question.users(&query.clone().limit(PART)).await?;
    Ok(piece(question, query, format, true, UnwrittenRows::of(page)))
}

/// The rows of a page that are still to be written.
struct UnwrittenRows {
    rows: std::vec::IntoIter<UserSummary>,
    /// The page without its rows.
    page: UserPage,
}

impl UnwrittenRows {
    fn of(mut page: UserPage) -> Self {
        if page.next.is_some() {
            page.other = None;
        }
        Self { rows: std::mem::take(&mut page.rows).into_iter(), page }
    }

    /// Takes the next rows, as a page of their own.
    fn take(&mut self) -> UserPage {
        let mut page = UserPage::default();
        page.rows.extend(self.rows.by_ref().take(ROWS));
        if self.is_empty() {
            page.other = self.page.other.take();
        }
        page
    }

    fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }
}

/// Returns the next piece of a file, and what makes the one after it.
fn piece<R: Report + 'static>(
    question: Question<R>,
    query: UserQuery,
    format: FileFormat,
    first: bool,
    mut unwritten: UnwrittenRows,
) -> BodyPart {
    let mut text = String::new();
    format.write(&unwritten.take(), first, &mut text);
    let bytes = Bytes::from(text);
    if unwritten.is_empty() && unwritten.page.next.is_none() {
        return BodyPart { bytes, next: None };
    }
    let next: NextPart = Box::pin(async move {
        pause().await;
        if unwritten.is_empty()
            && let Some(cursor) = unwritten.page.next.take()
        {
            let page = question.users(&query.clone().after(cursor).limit(PART)).await;
            let failed = |rejection: Rejection| QueryError::Store(rejection.to_string().into());
            unwritten = UnwrittenRows::of(page.map_err(failed)?);
        }
        Ok(piece(question, query, format, false, unwritten))
    });
    BodyPart { bytes, next: Some(next) }
}
