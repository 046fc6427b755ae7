//! Adding up the cells of one row to its answer.

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
    /// A day of UTC, with a bit for each quarter in which there were calls.
    Day(i32, u128),
    /// All time before the kept days, with the days of UTC on which there were calls.
    Ever(&'a DaySet),
}

impl Span<'_> {
    /// Returns whether all of it is within `window`, whose bounds always fall between two spans.
    pub(crate) fn is_within(self, window: Quarters) -> bool {
        match self {
            Self::Quarter(quarter) => window.holds(quarter),
            Self::Day(day, _) => window.holds_day(day),
            Self::Ever(_) => window.start == i32::MIN,
        }
    }
}

/// A cell: calls of one kind within one span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellRef<'a> {
    pub(crate) span: Span<'a>,
    pub(crate) facet: u32,
    pub(crate) totals: &'a Totals,
}

/// How much of a row is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depth {
    /// Whether the histograms of durations are.
    pub(crate) durations: bool,
    /// Whether the days and the models are.
    pub(crate) days: bool,
}

impl Depth {
    pub(crate) const WHOLE: Self = Self { durations: true, days: true };
}

/// Decides which cells count, by their times and the kinds in a list.
#[derive(Debug)]
pub(crate) struct CellFilter<'a> {
    filter: &'a CallFilter,
    facets: &'a Pieces<Facet>,
    /// Whether each kind counts, decided once for all rows; empty for a single row.
    counts: Vec<Option<bool>>,
    window: Quarters,
}

impl<'a> CellFilter<'a> {
    /// Makes a filter for many rows.
    pub(crate) fn new(filter: &'a CallFilter, window: Quarters, facets: &'a Pieces<Facet>) -> Self {
        let counts = facets.iter().map(|facet| facet.counts(filter)).collect();
        Self { filter, facets, counts, window }
    }

    /// Makes a filter for one row, whose calls are of a few of the kinds.
    pub(crate) fn of_one(filter: &'a CallFilter, window: Quarters, facets: &'a Pieces<Facet>) -> Self {
        Self { filter, facets, counts: Vec::new(), window }
    }

    /// Returns whether the calls of a cell count; `None` where too little was kept to say.
    #[inline]
    pub(crate) fn takes(&self, cell: CellRef<'_>) -> Option<bool> {
        if !cell.span.is_within(self.window) {
            return Some(false);
        }
        self.counts(cell.facet)
    }

    /// Returns whether calls of a kind count, at any time.
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
    /// Requests for which too little was kept to say whether they count.
    pub(crate) undecided: u64,
}

impl Gather {
    /// Adds a cell, if it counts.
    pub(crate) fn add(&mut self, filter: &CellFilter<'_>, zone: &Zone, depth: Depth, cell: CellRef<'_>) {
        match filter.takes(cell) {
            Some(false) => return,
            None => {
                self.undecided = self.undecided.saturating_add(cell.totals.requests());
                return;
            }
            Some(true) => {}
        }
        if depth.durations {
            self.totals.merge(cell.totals);
        } else {
            self.totals.merge_sums(cell.totals);
        }
        if depth.days {
            add_days(&mut self.days, zone, cell.span);
            match &filter.facet(cell.facet).model {
                Name::Absent => {}
                Name::Is(model) if self.models.contains(model) => {}
                Name::Is(model) => self.models.push(model.clone()),
                Name::Other => self.other_models = self.other_models.saturating_add(cell.totals.requests()),
            }
        }
    }

    /// Returns the answer for the row.
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

/// Adds the days of `zone` on which there were calls.
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
