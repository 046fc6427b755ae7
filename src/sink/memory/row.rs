//! One row of the store.

use super::alerts::State;
use super::history::History;
use super::sieve::{PER_REQUEST, activity};
use crate::record::{Record, UsageState, Usd, UserId};
use crate::report::instant::from_micros;
use crate::report::{Amount, Measure, Totals};

/// A user and the user's calls: exactly four lines of a processor's cache, which a call touches together.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct Row {
    pub(crate) id: UserId,
    pub(crate) history: History,
    /// At most so many earlier requests are in the row of the others.
    pub(crate) in_other: u64,
    /// Of the store's alerts, from the first call after there is one.
    #[allow(clippy::box_collection)] // A row is smaller by 16 bytes.
    pub(crate) alerts: Option<Box<Vec<State>>>,
}

impl Row {
    pub(crate) fn new(id: UserId, in_other: u64) -> Self {
        Self { id, history: History::default(), in_other, alerts: None }
    }
}

/// What a row has added up to since it began: what the common questions compare, in as few bytes as can be, so that
/// a million rows are read in milliseconds. One line of a processor's cache.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(crate) struct Brief {
    cost: i128,
    requests: u64,
    input: u64,
    output: u64,
    first: i64,
    last: i64,
    /// Requests of which the user is likely to have had the activity before the row began.
    earlier: u32,
    known: u8,
}

const INPUT: u8 = 1;
const OUTPUT: u8 = 1 << 1;
const COST: u8 = 1 << 2;

impl Brief {
    /// What one call adds up to. It says the same as [`Totals::add`].
    #[inline]
    pub(crate) fn of(record: &Record, micros: i64) -> Self {
        let mut brief = Self { requests: 1, first: micros, last: micros, ..Self::default() };
        brief.add_figures(record);
        brief
    }

    #[inline]
    fn add_figures(&mut self, record: &Record) {
        if record.usage_state == UsageState::Repeated {
            return;
        }
        if let Some(cost) = record.cost.total() {
            self.cost = self.cost.saturating_add(cost.picos());
            self.known |= COST;
        }
        if record.usage_state == UsageState::Absent {
            return;
        }
        let usage = &record.usage;
        self.add_tokens(usage.input_tokens, usage.output_tokens);
        for pass in &usage.passes {
            self.add_tokens(pass.input_tokens, pass.output_tokens);
        }
    }

    #[inline]
    fn add_tokens(&mut self, input: Option<u64>, output: Option<u64>) {
        if let Some(tokens) = input {
            self.input = self.input.saturating_add(tokens);
            self.known |= INPUT;
        }
        if let Some(tokens) = output {
            self.output = self.output.saturating_add(tokens);
            self.known |= OUTPUT;
        }
    }

    /// Adds the totals of further calls.
    pub(crate) fn merge(&mut self, totals: &Totals) {
        let (Some(first), Some(last)) = (totals.first_micros(), totals.last_micros()) else { return };
        self.span(first, last);
        self.requests = self.requests.saturating_add(totals.requests());
        self.add_tokens(totals.input_tokens(), totals.output_tokens());
        if let Some(cost) = totals.cost() {
            self.cost = self.cost.saturating_add(cost.picos());
            self.known |= COST;
        }
    }

    /// Adds another brief.
    #[inline]
    pub(crate) fn join(&mut self, other: &Self) {
        if other.requests == 0 {
            return;
        }
        self.span(other.first, other.last);
        self.requests = self.requests.saturating_add(other.requests);
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cost = self.cost.saturating_add(other.cost);
        self.known |= other.known;
    }

    fn span(&mut self, first: i64, last: i64) {
        let empty = self.requests == 0;
        self.first = if empty { first } else { self.first.min(first) };
        self.last = if empty { last } else { self.last.max(last) };
    }

    /// Of a user who was likely to be so active before.
    pub(crate) fn after(activity: u64) -> Self {
        let earlier = u32::try_from(activity / PER_REQUEST).unwrap_or(u32::MAX);
        Self { earlier, ..Self::default() }
    }

    /// What users are compared by when there are too many: an active one who comes back does not begin anew.
    pub(crate) fn standing(&self) -> u64 {
        self.activity().saturating_add(u64::from(self.earlier) * PER_REQUEST)
    }

    /// How active the user is since the row began.
    #[inline]
    pub(crate) fn activity(&self) -> u64 {
        activity(self.requests, self.input.saturating_add(self.output), self.cost)
    }

    /// Whether a row's brief can tell the measure.
    pub(crate) fn tells(measure: Measure) -> bool {
        matches!(
            measure,
            Measure::Requests
                | Measure::Tokens
                | Measure::InputTokens
                | Measure::OutputTokens
                | Measure::Cost
                | Measure::FirstActive
                | Measure::LastActive
        )
    }

    /// A measure that it tells, in the smallest unit of its kind.
    #[inline]
    pub(crate) fn whole(&self, measure: Measure) -> Option<i128> {
        let known = |kind: u8| self.known & kind != 0;
        match measure {
            Measure::Requests => Some(self.requests.into()),
            Measure::Tokens => known(INPUT | OUTPUT).then(|| self.input.saturating_add(self.output).into()),
            Measure::InputTokens => known(INPUT).then(|| self.input.into()),
            Measure::OutputTokens => known(OUTPUT).then(|| self.output.into()),
            Measure::Cost => known(COST).then_some(self.cost),
            Measure::FirstActive => Some(self.first.into()),
            Measure::LastActive => Some(self.last.into()),
            _ => None,
        }
    }

    pub(crate) fn measure(&self, measure: Measure) -> Option<Amount> {
        let whole = self.whole(measure)?;
        Some(match measure {
            Measure::Cost => Usd::from_picos(whole).into(),
            Measure::FirstActive => from_micros(self.first).into(),
            Measure::LastActive => from_micros(self.last).into(),
            _ => u64::try_from(whole).ok()?.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Where pointers are smaller, so is a row.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_row_and_its_brief_take_no_more_lines_of_a_cache_than_they_say() {
        assert_eq!((size_of::<Row>(), size_of::<Brief>()), (256, 64));
    }
}
