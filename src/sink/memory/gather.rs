//! Adds up the cells of one row into its answer.

use super::days::DaySet;
use super::facet::{Facet, Name};
use super::pieces::Pieces;
use super::quarters::Quarters;
use crate::record::Text;
use crate::report::instant::QUARTERS_PER_DAY;
use crate::report::{CallFilter, Totals, UserSummary, Who, Zone};

/// The time that a cell covers, and when within it there were calls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Span<'a> {
    /// A quarter of an hour.
    Quarter(i32),
    /// A day of UTC; a bit for each of its quarters.
    Day(i32, u128),
    /// Everything before that; the days of UTC.
    Ever(&'a DaySet),
}

impl Span<'_> {
    /// Whether all of it is within. A window's bounds fall between the spans that are kept.
    pub(crate) fn is_within(self, window: Quarters) -> bool {
        match self {
            Self::Quarter(quarter) => window.holds(quarter),
            Self::Day(day, _) => window.holds_day(day),
            Self::Ever(_) => window.start == i32::MIN,
        }
    }
}

/// Calls of one kind within one span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellRef<'a> {
    pub(crate) span: Span<'a>,
    pub(crate) facet: u32,
    pub(crate) totals: &'a Totals,
}

/// How much of a row is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depth {
    /// The histograms of durations.
    pub(crate) durations: bool,
    /// The days and the models.
    pub(crate) days: bool,
}

impl Depth {
    pub(crate) const WHOLE: Self = Self { durations: true, days: true };
}

/// Which calls count, for the kinds of calls in a list.
#[derive(Debug)]
pub(crate) struct CellFilter<'a> {
    filter: &'a CallFilter,
    facets: &'a Pieces<Facet>,
    /// Decided once for all rows, or empty where there is one row.
    counts: Vec<Option<bool>>,
    window: Quarters,
}

impl<'a> CellFilter<'a> {
    /// For many rows.
    pub(crate) fn new(filter: &'a CallFilter, window: Quarters, facets: &'a Pieces<Facet>) -> Self {
        let counts = facets.iter().map(|facet| facet.counts(filter)).collect();
        Self { filter, facets, counts, window }
    }

    /// For one row, whose calls are of a few of the kinds.
    pub(crate) fn of_one(filter: &'a CallFilter, window: Quarters, facets: &'a Pieces<Facet>) -> Self {
        Self { filter, facets, counts: Vec::new(), window }
    }

    /// Whether the calls of a part count; `None` where too little was kept to say.
    #[inline]
    pub(crate) fn takes(&self, part: CellRef<'_>) -> Option<bool> {
        if !part.span.is_within(self.window) {
            return Some(false);
        }
        self.counts(part.facet)
    }

    /// Whether calls of a kind count, at any time.
    #[inline]
    pub(crate) fn counts(&self, facet: u32) -> Option<bool> {
        match self.counts.get(facet as usize) {
            Some(counts) => *counts,
            None => self.facet(facet).counts(self.filter),
        }
    }

    pub(crate) fn facet(&self, facet: u32) -> &Facet {
        const OTHER: &Facet = &Facet::OTHER;
        self.facets.get(facet as usize).unwrap_or(OTHER)
    }
}

/// The answer for one row in the making.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    pub(crate) totals: Totals,
    days: DaySet,
    models: Vec<Text>,
    other_models: u64,
    /// Requests of which too little was kept to say whether they count.
    pub(crate) undecided: u64,
}

impl Gather {
    /// Adds a part, if it counts.
    pub(crate) fn add(&mut self, choice: &CellFilter<'_>, zone: &Zone, depth: Depth, part: CellRef<'_>) {
        match choice.takes(part) {
            Some(false) => return,
            None => {
                self.undecided = self.undecided.saturating_add(part.totals.requests());
                return;
            }
            Some(true) => {}
        }
        if depth.durations {
            self.totals.merge(part.totals);
        } else {
            self.totals.merge_sums(part.totals);
        }
        if depth.days {
            add_days(&mut self.days, zone, part.span);
            match &choice.facet(part.facet).model {
                Name::Absent => {}
                Name::Is(model) if self.models.contains(model) => {}
                Name::Is(model) => self.models.push(model.clone()),
                Name::Other => self.other_models = self.other_models.saturating_add(part.totals.requests()),
            }
        }
    }

    /// The row.
    pub(crate) fn finish(mut self, who: Who, in_other: u64) -> UserSummary {
        self.models.sort_unstable();
        UserSummary {
            who,
            totals: self.totals,
            active_days: self.days.len(),
            models: self.models,
            other_models: self.other_models,
            in_other,
        }
    }
}

/// Adds the local days of a span on which there were calls.
pub(crate) fn add_days(days: &mut DaySet, zone: &Zone, span: Span<'_>) {
    match span {
        Span::Quarter(quarter) => days.insert(zone.day_of(quarter)),
        Span::Day(day, _) if *zone == Zone::UTC => days.insert(day),
        Span::Day(day, quarters) => {
            let start = day.saturating_mul(QUARTERS_PER_DAY);
            let active = (0..QUARTERS_PER_DAY).filter(|quarter| quarters >> quarter & 1 == 1);
            active.for_each(|quarter| days.insert(zone.day_of(start.saturating_add(quarter))));
        }
        Span::Ever(utc) => days.merge(utc),
    }
}
