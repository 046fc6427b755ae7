//! What surrounds every page, and what several pages have.

use super::super::params::RANGE;
use super::super::question::Question;
use super::super::range::RANGES;
use super::super::route::{DashboardRoute, Page};
use super::super::settings::DashboardSettings;
use super::format::{Figure, grouped, minute};
use crate::report::{Gaps, Report, Scope};

/// The head, the links to the other pages, and the form for the range and the zone.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) version: &'static str,
    pub(super) refresh_ms: u128,
    pub(super) links: Vec<Link>,
    pub(super) range: Option<RangeForm>,
    /// What the reader should know before the figures.
    pub(super) notes: Vec<String>,
}

/// A link to a page.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) href: String,
    pub(super) label: &'static str,
    pub(super) is_here: bool,
}

/// The form for the range and the zone.
#[derive(Debug)]
pub(super) struct RangeForm {
    pub(super) page: &'static str,
    /// The other parameters, which the form keeps.
    pub(super) kept: Vec<(String, String)>,
    pub(super) choices: Vec<(&'static str, &'static str, bool)>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) is_custom: bool,
    pub(super) zone: String,
    pub(super) now: String,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Frame {
    /// Creates the frame of a page without figures.
    pub(super) fn bare(settings: &DashboardSettings) -> Self {
        Self {
            title: settings.title.clone(),
            version: VERSION,
            refresh_ms: 0,
            links: Vec::new(),
            range: None,
            notes: Vec::new(),
        }
    }

    /// Creates the frame of a page, after all questions, so that it can say whether their window was widened.
    pub(super) fn new<R: Report>(question: &Question<R>, page: Page) -> Self {
        let params = &question.params;
        let shared = params.only(&RANGE);
        let pages: &[(Page, &str)] = match question.scope {
            Scope::Only(_) => &[(Page::User, "My usage")],
            Scope::All | Scope::Nothing => {
                &[(Page::Users, "Users"), (Page::Activity, "Activity"), (Page::Health, "Health")]
            }
        };
        // The page of one user belongs to the users.
        let is_here = |link: Page| link == page || (link == Page::Users && page == Page::User);
        let links = pages.iter().map(|&(page, label)| Link {
            href: shared.link(page),
            label,
            is_here: is_here(page),
        });
        let mut notes = Vec::new();
        if question.is_widened() {
            notes.push(
                "Part of this range is long ago, where only whole days of UTC are kept: its edges and steps are those of UTC."
                    .to_owned(),
            );
        }
        Self {
            links: links.collect(),
            refresh_ms: question.settings.refresh.as_millis(),
            range: Some(RangeForm::new(question, page)),
            notes,
            ..Self::bare(&question.settings)
        }
    }
}

impl RangeForm {
    fn new<R: Report>(question: &Question<R>, page: Page) -> Self {
        let params = &question.params;
        let named = params.get("range");
        let (from, to) = match named {
            Some(_) => ("", ""),
            None => (params.get("from").unwrap_or_default(), params.get("to").unwrap_or_default()),
        };
        let is_custom = !from.is_empty() || !to.is_empty();
        let chosen = named.unwrap_or("all");
        Self {
            page: DashboardRoute::from(page).relative(),
            kept: params.without(&RANGE).without(&["page"]).fields(),
            choices: RANGES.map(|(value, label, _)| (value, label, value == chosen && !is_custom)).to_vec(),
            from: from.to_owned(),
            to: to.to_owned(),
            is_custom,
            zone: question.zone.to_string(),
            now: minute(question.now, &question.zone),
        }
    }
}

/// A figure with a label.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) label: &'static str,
    pub(super) figure: Figure,
    pub(super) note: String,
}

pub(super) fn in_and_out(input: Option<u64>, output: Option<u64>) -> String {
    format!("{} in, {} out", Figure::maybe_count(input).short, Figure::maybe_count(output).short)
}

/// Describes what is missing from the figures because of a store's limits.
pub(super) fn gap_notes(gaps: Gaps) -> Vec<String> {
    let mut notes = Vec::new();
    if gaps.other_users != 0 {
        notes.push(format!(
            "{} requests are those of users beyond the store\u{2019}s limit: they are in the totals and in the row of the other users, \
             and these users are not counted.",
            grouped(gaps.other_users.into())
        ));
    }
    if gaps.undecided != 0 {
        notes.push(format!(
            "Too little is kept of {} requests to decide whether they match: they are not counted.",
            grouped(gaps.undecided.into())
        ));
    }
    notes
}
