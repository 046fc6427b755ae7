//! Adds up the cells of one row into its answer.

use super::facet::{Facet, Name};
use super::filter::CallFilter;
use super::totals::Totals;
use super::users::UserSummary;
use super::who::Who;
use super::zone::Zone;
use crate::record::Text;

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

/// What a filter says of each kind of call in a list.
#[derive(Debug)]
pub(crate) struct Decisions<'a> {
    facets: &'a [Facet],
    counts: Vec<Option<bool>>,
}

impl<'a> Decisions<'a> {
    pub(crate) fn new(filter: &CallFilter, facets: &'a [Facet]) -> Self {
        Self { facets, counts: facets.iter().map(|facet| filter.decides(facet)).collect() }
    }

    pub(crate) fn of(&self, facet: u32) -> Option<bool> {
        self.counts.get(facet as usize).copied().flatten()
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
    days: Vec<i32>,
    models: Vec<Text>,
    other_models: u64,
    /// Requests of which too little was kept to say whether they count.
    pub(crate) undecided: u64,
}

impl Gather {
    /// Adds the calls of one kind within one quarter of an hour, if they count.
    pub(crate) fn add(
        &mut self,
        decisions: &Decisions<'_>,
        zone: &Zone,
        depth: Depth,
        (quarter, facet): (i32, u32),
        totals: &Totals,
    ) {
        match decisions.of(facet) {
            Some(false) => return,
            None => {
                self.undecided = self.undecided.saturating_add(totals.requests());
                return;
            }
            Some(true) => {}
        }
        if depth.durations {
            self.totals.merge(totals);
        } else {
            self.totals.merge_sums(totals);
        }
        if depth.days {
            let day = zone.day_of(quarter);
            if self.days.last() != Some(&day) {
                self.days.push(day);
            }
            match &decisions.facet(facet).model {
                Name::Absent => {}
                Name::Is(model) if self.models.contains(model) => {}
                Name::Is(model) => self.models.push(model.clone()),
                Name::Other => self.other_models = self.other_models.saturating_add(totals.requests()),
            }
        }
    }

    /// The row.
    pub(crate) fn finish(mut self, who: Who, in_other: u64) -> UserSummary {
        self.days.sort_unstable();
        self.days.dedup();
        self.models.sort_unstable();
        UserSummary {
            who,
            totals: self.totals,
            active_days: self.days.len() as u64,
            models: self.models,
            other_models: self.other_models,
            in_other,
        }
    }
}
