//! The cells of one row.

use super::chunks::{Chunks, Key, Keyed};
use super::days::DaySet;
use super::gather::{CellRef, Span};
use super::horizon::Rolling;
use crate::record::Record;
use crate::report::Totals;
use crate::report::instant::{QUARTERS_PER_DAY, quarter_of};
use std::sync::Arc;

/// Calls of one kind within one quarter of an hour.
#[derive(Clone, Debug, Default)]
struct QuarterCell {
    quarter: i32,
    facet: u32,
    totals: Totals,
}

impl QuarterCell {
    fn cell_ref(&self) -> CellRef<'_> {
        CellRef { span: Span::Quarter(self.quarter), facet: self.facet, totals: &self.totals }
    }
}

impl Keyed for QuarterCell {
    fn key(&self) -> Key {
        (self.quarter, self.facet)
    }
}

/// Calls of one kind within one day of UTC, or without a date.
#[derive(Clone, Debug)]
struct DayCell {
    // `EVER` for calls without a date.
    day: i32,
    facet: u32,
    // The quarters of the day in which there were calls.
    quarters: u128,
    // The days on which there were calls without a date.
    days: DaySet,
    totals: Totals,
}

impl Keyed for DayCell {
    fn key(&self) -> Key {
        (self.day, self.facet)
    }
}

const EVER: i32 = i32::MIN;

/// The cells of one row. The one touched last needs no allocation: most users of a large service have no other. A clone shares
/// the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    // The cell touched last; without calls if there is none.
    current: QuarterCell,
    // Few rows have older cells, and the others are smaller by 88 bytes.
    rest: Option<Arc<OlderCells>>,
}

#[derive(Clone, Debug, Default)]
struct OlderCells {
    older: Chunks<QuarterCell>,
    // Few rows have rolled cells.
    rolled: Option<Box<Chunks<DayCell>>>,
}

impl History {
    fn current(&self) -> Option<&QuarterCell> {
        Some(&self.current).filter(|cell| !cell.totals.is_empty())
    }

    fn older(&self) -> impl Iterator<Item = &QuarterCell> {
        self.rest.iter().flat_map(|rest| rest.older.iter())
    }

    fn rolled_chunks(&self) -> Option<&Chunks<DayCell>> {
        self.rest.as_ref()?.rolled.as_deref()
    }

    fn rolled(&self) -> impl Iterator<Item = &DayCell> {
        self.rolled_chunks().into_iter().flat_map(Chunks::iter)
    }

    fn rest_mut(&mut self) -> &mut OlderCells {
        Arc::make_mut(self.rest.get_or_insert_default())
    }

    /// Returns the facet of the cell touched last, or of the last day, which the next call is likely to have.
    #[inline]
    pub(crate) fn likely_facet(&self) -> Option<u32> {
        let rolled = || Some(self.rolled_chunks()?.last()?.facet);
        self.current().map(|cell| cell.facet).or_else(rolled)
    }

    /// Adds one call and returns whether that took a new cell.
    #[inline]
    pub(crate) fn add(
        &mut self,
        (quarter, facet): Key,
        rolling: &Rolling,
        durations: bool,
        record: &Record,
        micros: i64,
    ) -> bool {
        if quarter < rolling.horizon.quarters_from {
            return self.change_rolled(quarter.div_euclid(QUARTERS_PER_DAY), facet, rolling, |rolled| {
                rolled.mark(quarter);
                rolled.totals.add_at(record, micros, durations);
            });
        }
        let new = !self.is_at_hand(quarter, facet) && self.turn_to(quarter, facet);
        self.current.totals.add_at(record, micros, durations);
        new
    }

    #[inline]
    fn is_at_hand(&self, quarter: i32, facet: u32) -> bool {
        self.current().is_some_and(|cell| cell.quarter == quarter && cell.facet == facet)
    }

    /// Makes a cell the current one, and returns whether it is new. The previous one goes to the older cells.
    fn turn_to(&mut self, quarter: i32, facet: u32) -> bool {
        let known = self.rest.as_ref().and_then(|rest| rest.older.find((quarter, facet)).ok());
        let known = known.and_then(|place| self.rest_mut().older.remove(place));
        let new = known.is_none();
        let next = known.unwrap_or(QuarterCell { quarter, facet, totals: Totals::default() });
        let last = std::mem::replace(&mut self.current, next);
        if !last.totals.is_empty() {
            let older = &mut self.rest_mut().older;
            if let Err(place) = older.find(last.key()) {
                older.insert(place, last);
            }
        }
        new
    }

    /// Changes the rolled cell of a day and a kind, and returns whether it is new.
    fn change_rolled(
        &mut self,
        day: i32,
        facet: u32,
        rolling: &Rolling,
        change: impl FnOnce(&mut DayCell),
    ) -> bool {
        let day = rolling.roll(day).unwrap_or(EVER);
        let rolled = self.rest_mut().rolled.get_or_insert_default();
        match rolled.find((day, facet)) {
            Ok(place) => {
                if let Some(cell) = rolled.get_mut(place) {
                    change(cell);
                }
                false
            }
            Err(place) => {
                let (quarters, days, totals) = (0, DaySet::default(), Totals::default());
                let mut cell = DayCell { day, facet, quarters, days, totals };
                change(&mut cell);
                rolled.insert(place, cell);
                true
            }
        }
    }

    /// Returns whether there are cells to roll up.
    pub(crate) fn is_beyond(&self, rolling: &Rolling) -> bool {
        let horizon = rolling.horizon;
        self.current().into_iter().chain(self.older().next()).any(|cell| cell.quarter < horizon.quarters_from)
            || self.rolled().find(|cell| cell.day != EVER).is_some_and(|cell| cell.day < horizon.days_from)
    }

    /// Rolls up what is beyond the horizon and returns how many cells that saved.
    pub(crate) fn roll_up(&mut self, rolling: &Rolling) -> usize {
        if !self.is_beyond(rolling) {
            return 0;
        }
        let (horizon, before) = (rolling.horizon, self.cells());
        if self.current().is_some_and(|cell| cell.quarter < horizon.quarters_from) {
            let cell = std::mem::take(&mut self.current);
            self.roll_cell(&cell, rolling);
        }
        let rest = self.rest_mut();
        let cells = rest.older.take(i32::MIN..horizon.quarters_from);
        let days = rest.rolled.as_mut().map(|rolled| rolled.take(EVER + 1..horizon.days_from));
        cells.iter().for_each(|cell| self.roll_cell(cell, rolling));
        for cell in days.iter().flatten() {
            self.change_rolled(cell.day, cell.facet, rolling, |ever| {
                ever.days.insert(cell.day);
                ever.totals.merge(&cell.totals);
            });
        }
        before.saturating_sub(self.cells())
    }

    fn roll_cell(&mut self, cell: &QuarterCell, rolling: &Rolling) {
        self.change_rolled(cell.quarter.div_euclid(QUARTERS_PER_DAY), cell.facet, rolling, |rolled| {
            rolled.mark(cell.quarter);
            rolled.totals.merge(&cell.totals);
        });
    }

    /// Adds another history, whose facets `facet` translates, and returns how many cells were added.
    pub(crate) fn absorb(
        &mut self,
        other: &Self,
        rolling: &Rolling,
        mut facet: impl FnMut(u32, &Totals) -> u32,
    ) -> usize {
        let before = self.cells();
        for cell in other.older().chain(other.current()) {
            let facet = facet(cell.facet, &cell.totals);
            if cell.quarter < rolling.horizon.quarters_from {
                self.roll_cell(&QuarterCell { facet, ..cell.clone() }, rolling);
            } else {
                self.merge_cell(cell, facet);
            }
        }
        for cell in other.rolled() {
            if let (EVER, Some(last)) = (cell.day, cell.totals.last_micros()) {
                rolling.has_no_date(quarter_of(last).div_euclid(QUARTERS_PER_DAY));
            }
            self.change_rolled(cell.day, facet(cell.facet, &cell.totals), rolling, |rolled| {
                if rolled.day != EVER {
                    rolled.quarters |= cell.quarters;
                } else if cell.day == EVER {
                    rolled.days.merge(&cell.days);
                } else {
                    rolled.days.insert(cell.day);
                }
                rolled.totals.merge(&cell.totals);
            });
        }
        self.cells() - before
    }

    fn merge_cell(&mut self, cell: &QuarterCell, facet: u32) {
        if !self.is_at_hand(cell.quarter, facet) {
            self.turn_to(cell.quarter, facet);
        }
        self.current.totals.merge(&cell.totals);
    }

    /// Returns all cells: those without a date, by day, and by quarter.
    pub(crate) fn iter(&self) -> impl Iterator<Item = CellRef<'_>> {
        let rolled = self.rolled().map(|cell| {
            let span =
                if cell.day == EVER { Span::Ever(&cell.days) } else { Span::Day(cell.day, cell.quarters) };
            CellRef { span, facet: cell.facet, totals: &cell.totals }
        });
        rolled.chain(self.older().chain(self.current()).map(QuarterCell::cell_ref))
    }

    /// Returns the cell of a history with one cell that is not rolled up.
    #[inline]
    pub(crate) fn only(&self) -> Option<CellRef<'_>> {
        self.current().filter(|_| self.rest.is_none()).map(QuarterCell::cell_ref)
    }

    /// Returns the number of cells.
    pub(crate) fn cells(&self) -> usize {
        let older = self.rest.as_ref().map_or(0, |rest| rest.older.len());
        older + usize::from(self.current().is_some()) + self.rolled_chunks().map_or(0, Chunks::len)
    }

    /// Returns the bytes on the heap, without those of the cells.
    pub(crate) fn heap_bytes(&self) -> usize {
        let rolled = |rolled: &Chunks<DayCell>| size_of::<Chunks<DayCell>>() + rolled.heap_bytes();
        self.rest.as_ref().map_or(0, |rest| {
            let counts = 2 * size_of::<usize>();
            counts
                + size_of::<OlderCells>()
                + rest.older.heap_bytes()
                + rest.rolled.as_deref().map_or(0, rolled)
        })
    }
}

impl CellRef<'_> {
    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let days = if let Span::Ever(days) = self.span { days.heap_bytes() } else { 0 };
        days + self.totals.heap_bytes()
    }
}

impl DayCell {
    fn mark(&mut self, quarter: i32) {
        if self.day == EVER {
            self.days.insert(quarter.div_euclid(QUARTERS_PER_DAY));
        } else {
            self.quarters |= 1 << quarter.rem_euclid(QUARTERS_PER_DAY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gather::add_days;
    use super::super::horizon::Horizon;
    use super::*;
    use crate::report::Zone;
    use std::time::SystemTime;

    fn add(history: &mut History, quarter: i32, facet: u32, horizon: Horizon) {
        let rolling = Rolling { horizon, edges: Arc::default() };
        history.add((quarter, facet), &rolling, true, &Record::new(SystemTime::UNIX_EPOCH), 0);
    }

    fn absorb(history: &mut History, other: &History, horizon: Horizon) {
        history.absorb(other, &Rolling { horizon, edges: Arc::default() }, |facet, _| facet);
    }

    fn roll_up(history: &mut History, horizon: Horizon) -> usize {
        history.roll_up(&Rolling { horizon, edges: Arc::default() })
    }

    fn days(history: &History, zone: &Zone) -> u64 {
        let mut days = DaySet::default();
        history.iter().for_each(|part| add_days(&mut days, zone, part.span));
        days.len()
    }

    #[test]
    fn cells_are_found_again_in_whatever_order_calls_arrive() {
        let mut history = History::default();
        let calls = [(5, 0), (5, 1), (5, 0), (3, 2), (9, 0), (5, 1), (3, 2), (4, 0), (9, 0), (5, 2)];
        for (quarter, facet) in calls {
            add(&mut history, quarter, facet, Horizon::NONE);
            assert_eq!(history.likely_facet(), Some(facet));
            assert!(history.older().is_sorted_by_key(|cell| cell.quarter));
        }
        let cells = history.older().chain(history.current());
        let mut cells: Vec<_> =
            cells.map(|cell| (cell.quarter, cell.facet, cell.totals.requests())).collect();
        cells.sort_unstable();
        assert_eq!(cells, [(3, 2, 2), (4, 0, 1), (5, 0, 2), (5, 1, 2), (5, 2, 1), (9, 0, 2)]);
    }

    #[test]
    fn rolling_up_by_age_and_arriving_late_come_to_the_same() {
        let horizon = Horizon { quarters_from: 96 * 5, days_from: 3, oldest: 0 };
        let calls = [(0, 0), (95, 0), (96, 1), (96 * 3, 0), (96 * 3 + 95, 0), (96 * 5, 0), (96 * 5 + 1, 0)];
        let (mut rolled, mut late) = (History::default(), History::default());
        for (quarter, facet) in calls {
            add(&mut rolled, quarter, facet, Horizon::NONE);
            add(&mut late, quarter, facet, horizon);
        }
        let (utc, india) = (Zone::UTC, Zone::fixed(330).unwrap());
        assert_eq!((days(&rolled, &utc), days(&rolled, &india)), (4, 5));
        assert_eq!(
            roll_up(&mut rolled, Horizon { quarters_from: 96 * 5, days_from: i32::MIN + 1, oldest: 0 }),
            2
        );
        roll_up(&mut rolled, horizon);
        for history in [&rolled, &late] {
            assert_eq!(history.cells(), 5);
            assert_eq!(history.iter().map(|part| part.totals.requests()).sum::<u64>(), 7);
            // The days before all days are those of UTC; the later ones are any zone's.
            assert_eq!((days(history, &utc), days(history, &india)), (4, 5));
        }
        let mut both = History::default();
        absorb(&mut both, &rolled, horizon);
        absorb(&mut both, &late, horizon);
        assert_eq!((both.cells(), days(&both, &india)), (5, 5));
        assert_eq!(both.iter().map(|part| part.totals.requests()).sum::<u64>(), 14);
    }

    #[test]
    fn absorbing_a_rolled_day_keeps_the_hours_of_both() {
        let horizon = Horizon { quarters_from: 96 * 5, days_from: i32::MIN, oldest: 0 };
        let (mut morning, mut night) = (History::default(), History::default());
        add(&mut morning, 96 * 3, 0, horizon);
        add(&mut night, 96 * 3 + 95, 0, horizon);
        absorb(&mut morning, &night, horizon);
        assert_eq!((morning.cells(), days(&morning, &Zone::UTC)), (1, 1));
        assert_eq!(days(&morning, &Zone::fixed(330).unwrap()), 2);
    }
}
