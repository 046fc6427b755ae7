//! What one row holds: its calls, added up by quarter of an hour and kind.

use crate::record::Record;
use crate::report::Totals;

/// Calls of one kind within one quarter of an hour.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// Counted from 1970.
    pub(crate) quarter: i32,
    /// A place in the shard's list of facets.
    pub(crate) facet: u32,
    pub(crate) totals: Totals,
}

/// The cells of one row. The one touched last is at hand, without an allocation: most users of a large service have
/// no other.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    current: Option<Cell>,
    // Sorted by quarter; those of one quarter in no order.
    older: Vec<Cell>,
}

impl History {
    /// The facet of the cell touched last: the likeliest one of the next call.
    #[inline]
    pub(crate) fn current_facet(&self) -> Option<u32> {
        self.current.as_ref().map(|cell| cell.facet)
    }

    /// Adds one call.
    #[inline]
    pub(crate) fn add(&mut self, quarter: i32, facet: u32, record: &Record, micros: i64, durations: bool) {
        self.cell(quarter, facet).totals.add_at(record, micros, durations);
    }

    /// The cell of a quarter and a kind, which becomes the current one.
    #[inline]
    fn cell(&mut self, quarter: i32, facet: u32) -> &mut Cell {
        let at_hand =
            self.current.as_ref().is_some_and(|cell| cell.quarter == quarter && cell.facet == facet);
        if !at_hand {
            self.turn_to(quarter, facet);
        }
        self.current.get_or_insert_with(|| Cell { quarter, facet, totals: Totals::default() })
    }

    /// Brings a cell to hand and puts the one that was there into its place.
    fn turn_to(&mut self, quarter: i32, facet: u32) {
        let end = self.older.partition_point(|cell| cell.quarter <= quarter);
        let known = self.older.get(..end).unwrap_or_default().iter().rev();
        let known = known.take_while(|cell| cell.quarter == quarter).position(|cell| cell.facet == facet);
        let next = match known {
            Some(back) => self.older.remove(end - 1 - back),
            None => Cell { quarter, facet, totals: Totals::default() },
        };
        if let Some(last) = self.current.replace(next) {
            let place = self.older.partition_point(|cell| cell.quarter <= last.quarter);
            self.older.insert(place, last);
        }
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.older.iter().chain(&self.current)
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let cells: usize = self.cells().map(|cell| cell.totals.heap_bytes()).sum();
        cells + self.older.capacity() * size_of::<Cell>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn cells_are_found_again_in_whatever_order_calls_arrive() {
        let record = Record::new(SystemTime::UNIX_EPOCH);
        let mut history = History::default();
        let calls = [(5, 0), (5, 1), (5, 0), (3, 2), (9, 0), (5, 1), (3, 2), (4, 0), (9, 0), (5, 2)];
        for (quarter, facet) in calls {
            history.add(quarter, facet, &record, 0, true);
            assert_eq!(history.current_facet(), Some(facet));
            assert!(history.older.is_sorted_by_key(|cell| cell.quarter));
        }
        let mut cells: Vec<_> =
            history.cells().map(|cell| (cell.quarter, cell.facet, cell.totals.requests())).collect();
        cells.sort_unstable();
        assert_eq!(cells, [(3, 2, 2), (4, 0, 1), (5, 0, 2), (5, 1, 2), (5, 2, 1), (9, 0, 2)]);
    }
}
