//! What is around every page.

use super::super::params::Params;
use super::super::question::Question;
use super::super::range::LABELS;
use super::super::settings::Settings;
use super::format::minute;
use crate::report::{Report, Scope};

/// The head, the way to the other pages, and the range and the zone that a page is about.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) version: &'static str,
    pub(super) refresh_ms: u128,
    pub(super) links: Vec<Link>,
    pub(super) range: Option<Range>,
    /// What the reader should know before the figures.
    pub(super) notes: Vec<String>,
}

/// A way to another page.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) href: String,
    pub(super) label: &'static str,
    pub(super) is_here: bool,
}

/// The form for the range and the zone.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) page: &'static str,
    /// The other parameters, which stay as they are.
    pub(super) kept: Vec<(String, String)>,
    pub(super) choices: Vec<(&'static str, &'static str, bool)>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) is_custom: bool,
    pub(super) zone: String,
    pub(super) now: String,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What goes along from page to page.
const SHARED: [&str; 4] = ["range", "from", "to", "zone"];

impl Frame {
    /// A page without figures.
    pub(super) fn bare(settings: &Settings) -> Self {
        Self {
            title: settings.title.clone(),
            version: VERSION,
            refresh_ms: 0,
            links: Vec::new(),
            range: None,
            notes: Vec::new(),
        }
    }

    /// The frame of `page`. It is made when all has been asked, so that it can tell of what was widened.
    pub(super) fn new<R: Report>(question: &Question<R>, page: &'static str) -> Self {
        let params = &question.params;
        let shared = params.only(&SHARED);
        let pages: &[(&str, &str)] = match question.scope {
            Scope::Only(_) => &[("user", "My usage")],
            Scope::All | Scope::Nothing => {
                &[("users", "Users"), ("activity", "Activity"), ("health", "Health")]
            }
        };
        // The page of one user belongs to the users.
        let is_here = |name: &str| name == page || (name == "users" && page == "user");
        let links = pages.iter();
        let links =
            links.map(|(name, label)| Link { href: shared.link(name), label, is_here: is_here(name) });
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
            range: Some(Range::new(question, page)),
            notes,
            ..Self::bare(&question.settings)
        }
    }
}

impl Range {
    fn new<R: Report>(question: &Question<R>, page: &'static str) -> Self {
        let params = &question.params;
        let named = params.get("range");
        let (from, to) = match named {
            Some(_) => ("", ""),
            None => (params.get("from").unwrap_or_default(), params.get("to").unwrap_or_default()),
        };
        let is_custom = !from.is_empty() || !to.is_empty();
        let chosen = named.unwrap_or("all");
        Self {
            page,
            kept: owned(&params.without(&SHARED).without(&["page"])),
            choices: LABELS
                .iter()
                .map(|&(value, label)| (value, label, value == chosen && !is_custom))
                .collect(),
            from: from.to_owned(),
            to: to.to_owned(),
            is_custom,
            zone: question.zone.to_string(),
            now: minute(question.now, &question.zone),
        }
    }
}

/// Parameters as the hidden fields of a form.
pub(super) fn owned(params: &Params) -> Vec<(String, String)> {
    params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What a store's limits took out of the figures, in words.
pub(super) fn gap_notes(gaps: crate::report::Gaps) -> Vec<String> {
    let mut notes = Vec::new();
    if gaps.other_users != 0 {
        notes.push(format!(
            "{} requests are those of users beyond the store\u{2019}s limit: they are in the totals and in the row of the other users, \
             and these users are not counted.",
            super::format::grouped(gaps.other_users.into())
        ));
    }
    if gaps.undecided != 0 {
        notes.push(format!(
            "Of {} requests too little is kept to say whether they match: they are not counted.",
            super::format::grouped(gaps.undecided.into())
        ));
    }
    notes
}
