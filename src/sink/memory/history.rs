//! What one row holds: its calls, added up by time and kind.

use super::horizon::Horizon;
use crate::record::Record;
use crate::report::Totals;
use crate::report::days::DaySet;
use crate::report::gather::{Part, Span};
use crate::report::instant::QUARTERS_PER_DAY;

/// Calls of one kind within one quarter of an hour.
#[derive(Clone, Debug, Default)]
struct Cell {
    quarter: i32,
    facet: u32,
    totals: Totals,
}

/// Calls of one kind within one day of UTC, or before all days.
#[derive(Clone, Debug)]
struct Rolled {
    // `EVER` for what is before all days.
    day: i32,
    facet: u32,
    // In which quarters of the day there were calls.
    quarters: u128,
    // On which days there were calls, before all days.
    days: DaySet,
    totals: Totals,
}

const EVER: i32 = i32::MIN;

/// The cells of one row. The one touched last is at hand, without an allocation: most users of a large service have
/// no other.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    // Without calls where there is none.
    current: Cell,
    // Boxed, since few rows have any: a row is smaller by 40 bytes.
    rest: Option<Box<Rest>>,
}

#[derive(Clone, Debug, Default)]
struct Rest {
    // Sorted by quarter; those of one quarter in no order.
    older: Vec<Cell>,
    // Sorted by day and facet.
    rolled: Vec<Rolled>,
}

impl History {
    fn current(&self) -> Option<&Cell> {
        Some(&self.current).filter(|cell| !cell.totals.is_empty())
    }

    fn older(&self) -> &[Cell] {
        self.rest.as_ref().map_or(&[], |rest| &rest.older)
    }

    fn rolled(&self) -> &[Rolled] {
        self.rest.as_ref().map_or(&[], |rest| &rest.rolled)
    }

    /// The facet of the cell touched last, or of the last day: the likeliest one of the next call.
    #[inline]
    pub(crate) fn likely_facet(&self) -> Option<u32> {
        let rolled = || self.rolled().last().map(|cell| cell.facet);
        self.current().map(|cell| cell.facet).or_else(rolled)
    }

    /// Adds one call; whether that took a new cell.
    #[inline]
    pub(crate) fn add(
        &mut self,
        (quarter, facet): (i32, u32),
        horizon: Horizon,
        durations: bool,
        record: &Record,
        micros: i64,
    ) -> bool {
        if quarter < horizon.quarters_from {
            return self.change_rolled(quarter.div_euclid(QUARTERS_PER_DAY), facet, horizon, |rolled| {
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

    /// Brings a cell to hand and puts the one that was there into its place; whether it is new.
    fn turn_to(&mut self, quarter: i32, facet: u32) -> bool {
        let older = self.older();
        let end = older.partition_point(|cell| cell.quarter <= quarter);
        let known = older.get(..end).unwrap_or_default().iter().rev();
        let known = known.take_while(|cell| cell.quarter == quarter).position(|cell| cell.facet == facet);
        let next = match (known, &mut self.rest) {
            (Some(back), Some(rest)) => rest.older.remove(end - 1 - back),
            _ => Cell { quarter, facet, totals: Totals::default() },
        };
        let last = std::mem::replace(&mut self.current, next);
        if !last.totals.is_empty() {
            let older = &mut self.rest.get_or_insert_default().older;
            let place = older.partition_point(|cell| cell.quarter <= last.quarter);
            make_room(older);
            older.insert(place, last);
        }
        known.is_none()
    }

    /// Changes the rolled cell of a day and a kind; whether it is new.
    fn change_rolled(
        &mut self,
        day: i32,
        facet: u32,
        horizon: Horizon,
        change: impl FnOnce(&mut Rolled),
    ) -> bool {
        let day = if day < horizon.days_from { EVER } else { day };
        let rolled = &mut self.rest.get_or_insert_default().rolled;
        let known = rolled.binary_search_by_key(&(day, facet), |cell| (cell.day, cell.facet));
        match known {
            Ok(at) => {
                if let Some(cell) = rolled.get_mut(at) {
                    change(cell);
                }
            }
            Err(at) => {
                let (quarters, days, totals) = (0, DaySet::default(), Totals::default());
                let mut cell = Rolled { day, facet, quarters, days, totals };
                change(&mut cell);
                make_room(rolled);
                rolled.insert(at, cell);
            }
        }
        known.is_err()
    }

    /// Rolls up what is beyond the horizon; how many cells that saved.
    pub(crate) fn roll_up(&mut self, horizon: Horizon) -> usize {
        let before = self.cells();
        if self.current().is_some_and(|cell| cell.quarter < horizon.quarters_from) {
            let cell = std::mem::take(&mut self.current);
            self.roll_cell(&cell, horizon);
        }
        let Some(rest) = &mut self.rest else { return before.saturating_sub(self.cells()) };
        let old = rest.older.partition_point(|cell| cell.quarter < horizon.quarters_from);
        let cells: Vec<_> = rest.older.drain(..old).collect();
        if old != 0 {
            rest.older.shrink_to_fit();
        }
        let first = rest.rolled.partition_point(|cell| cell.day == EVER);
        let end = rest.rolled.partition_point(|cell| cell.day < horizon.days_from);
        let days: Vec<_> = rest.rolled.drain(first.min(end)..end).collect();
        cells.iter().for_each(|cell| self.roll_cell(cell, horizon));
        for cell in &days {
            self.change_rolled(cell.day, cell.facet, horizon, |ever| {
                ever.days.insert(cell.day);
                ever.totals.merge(&cell.totals);
            });
        }
        before.saturating_sub(self.cells())
    }

    fn roll_cell(&mut self, cell: &Cell, horizon: Horizon) {
        self.change_rolled(cell.quarter.div_euclid(QUARTERS_PER_DAY), cell.facet, horizon, |rolled| {
            rolled.mark(cell.quarter);
            rolled.totals.merge(&cell.totals);
        });
    }

    /// Moves the calls of each facet to the one that `current` says; how many cells that saved.
    pub(crate) fn regroup(&mut self, horizon: Horizon, current: impl Fn(u32) -> u32) -> usize {
        if self.parts().all(|part| current(part.facet) == part.facet) {
            return 0;
        }
        let before = std::mem::take(self);
        self.absorb(&before, horizon, |facet, _| current(facet));
        before.cells().saturating_sub(self.cells())
    }

    /// Adds all of another history, whose facets `facet` translates. Both are of the same horizon, or this one's is
    /// the later.
    pub(crate) fn absorb(
        &mut self,
        other: &Self,
        horizon: Horizon,
        mut facet: impl FnMut(u32, &Totals) -> u32,
    ) {
        for cell in other.older().iter().chain(other.current()) {
            let facet = facet(cell.facet, &cell.totals);
            if cell.quarter < horizon.quarters_from {
                self.roll_cell(&Cell { facet, ..cell.clone() }, horizon);
            } else {
                self.merge_cell(cell, facet);
            }
        }
        for cell in other.rolled() {
            self.change_rolled(cell.day, facet(cell.facet, &cell.totals), horizon, |rolled| {
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
    }

    fn merge_cell(&mut self, cell: &Cell, facet: u32) {
        if !self.is_at_hand(cell.quarter, facet) {
            self.turn_to(cell.quarter, facet);
        }
        self.current.totals.merge(&cell.totals);
    }

    /// Everything, oldest spans first.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let rolled = self.rolled().iter().map(|cell| {
            let span =
                if cell.day == EVER { Span::Ever(&cell.days) } else { Span::Day(cell.day, cell.quarters) };
            Part { span, facet: cell.facet, totals: &cell.totals }
        });
        rolled.chain(self.older().iter().chain(self.current()).map(|cell| Part {
            span: Span::Quarter(cell.quarter),
            facet: cell.facet,
            totals: &cell.totals,
        }))
    }

    /// How many cells there are.
    pub(crate) fn cells(&self) -> usize {
        self.older().len() + usize::from(self.current().is_some()) + self.rolled().len()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let totals: usize = self.parts().map(|part| part.totals.heap_bytes()).sum();
        let rest = self.rest.as_ref().map_or(0, |rest| {
            let days: usize = rest.rolled.iter().map(|cell| cell.days.heap_bytes()).sum();
            let cells = rest.older.capacity() * size_of::<Cell>();
            days + cells + rest.rolled.capacity() * size_of::<Rolled>() + size_of::<Rest>()
        });
        totals + rest
    }
}

/// Grows by half rather than by doubling from four: most rows have one or two cells more.
fn make_room<T>(cells: &mut Vec<T>) {
    if cells.len() == cells.capacity() {
        cells.reserve_exact(cells.len() / 2 + 1);
    }
}

impl Rolled {
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
    use super::*;
    use crate::report::Zone;
    use crate::report::gather::add_days;
    use std::time::SystemTime;

    fn add(history: &mut History, quarter: i32, facet: u32, horizon: Horizon) {
        history.add((quarter, facet), horizon, true, &Record::new(SystemTime::UNIX_EPOCH), 0);
    }

    fn days(history: &History, zone: &Zone) -> u64 {
        let mut days = DaySet::default();
        history.parts().for_each(|part| add_days(&mut days, zone, part.span));
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
        let cells = history.older().iter().chain(history.current());
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
        assert_eq!(rolled.roll_up(Horizon { quarters_from: 96 * 5, days_from: i32::MIN + 1, oldest: 0 }), 2);
        rolled.roll_up(horizon);
        for history in [&rolled, &late] {
            assert_eq!(history.cells(), 5);
            assert_eq!(history.parts().map(|part| part.totals.requests()).sum::<u64>(), 7);
            // The days before all days are those of UTC; the later ones are any zone's.
            assert_eq!((days(history, &utc), days(history, &india)), (4, 5));
        }
        let mut both = History::default();
        both.absorb(&rolled, horizon, |facet, _| facet);
        both.absorb(&late, horizon, |facet, _| facet);
        assert_eq!((both.cells(), days(&both, &india)), (5, 5));
        assert_eq!(both.parts().map(|part| part.totals.requests()).sum::<u64>(), 14);
    }

    #[test]
    fn absorbing_a_rolled_day_keeps_the_hours_of_both() {
        let horizon = Horizon { quarters_from: 96 * 5, days_from: i32::MIN, oldest: 0 };
        let (mut morning, mut night) = (History::default(), History::default());
        add(&mut morning, 96 * 3, 0, horizon);
        add(&mut night, 96 * 3 + 95, 0, horizon);
        morning.absorb(&night, horizon, |facet, _| facet);
        assert_eq!((morning.cells(), days(&morning, &Zone::UTC)), (1, 1));
        assert_eq!(days(&morning, &Zone::fixed(330).unwrap()), 2);
    }
}
