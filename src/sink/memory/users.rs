//! The table of users.

use super::Store;
use super::gather::{CellFilter, CellRef, Depth, Gather};
use super::pace::Pace;
use super::quarters::Quarters;
use super::ranking::Ranking;
use super::row::UserRow;
use super::visit::{RowRef, Visit, Visitor};
use crate::report::{
    Amount, Gaps, Measure, QueryError, Scope, Selection, Sums, Totals, UserFilter, UserPage, UserQuery,
    UserSummary, Who, Zone,
};

/// The rows that are no user's, added up across the shards.
#[derive(Default)]
struct SharedRows {
    nobody: Gather,
    other: Gather,
}

/// Ranks the users that a query shows.
struct UserTable<'a> {
    query: &'a UserQuery,
    zone: &'a Zone,
    depth: Depth,
    ranking: Ranking<'a>,
    row: Gather,
    shared: SharedRows,
    sums: Sums,
    undecided: u64,
}

impl Visitor for UserTable<'_> {
    fn cell(&mut self, row: RowRef<'_>, filter: &CellFilter<'_>, cell: CellRef<'_>) {
        let (gather, depth) = match row {
            RowRef::User(_) => (&mut self.row, self.depth),
            RowRef::Nobody(_) => (&mut self.shared.nobody, Depth::WHOLE),
            RowRef::Other(_) => (&mut self.shared.other, Depth::WHOLE),
        };
        gather.add(filter, self.zone, depth, cell);
    }

    fn end(&mut self, row: RowRef<'_>, _: &CellFilter<'_>) {
        let RowRef::User(row) = row else { return };
        let gather = std::mem::take(&mut self.row);
        self.undecided = self.undecided.saturating_add(gather.undecided);
        let summary = gather.finish(who(row), row.in_other);
        if !summary.totals.is_empty() {
            self.offer(row, &summary.totals, &|measure| summary.measure(measure));
        }
    }

    fn only(&mut self, row: RowRef<'_>, filter: &CellFilter<'_>, cell: CellRef<'_>) {
        match row {
            // Most rows have one cell. Unless days or models matter, they are ranked without copying its totals.
            RowRef::User(row) if !self.depth.days && filter.takes(cell) == Some(true) => {
                self.offer(row, cell.totals, &|measure| cell.totals.measure(measure));
            }
            _ => {
                self.cell(row, filter, cell);
                self.end(row, filter);
            }
        }
    }
}

impl UserTable<'_> {
    /// Ranks a row, whose measures `amount` returns, if it is shown.
    fn offer(&mut self, row: &UserRow, totals: &Totals, amount: &dyn Fn(Measure) -> Option<Amount>) {
        let filter = &self.query.filter;
        if *filter == UserFilter::All || filter.shows(&who(row), amount) {
            if self.query.sums {
                self.sums.add_totals(true, totals);
            }
            self.ranking.offer(self.query.order.by.and_then(amount), || who(row));
        }
    }
}

/// Adds up one row with everything that a page shows.
struct Whole<'a> {
    zone: &'a Zone,
    gather: Gather,
    in_other: u64,
}

impl Visitor for Whole<'_> {
    fn cell(&mut self, _: RowRef<'_>, filter: &CellFilter<'_>, cell: CellRef<'_>) {
        self.gather.add(filter, self.zone, Depth::WHOLE, cell);
    }

    fn end(&mut self, row: RowRef<'_>, _: &CellFilter<'_>) {
        if let RowRef::User(row) = row {
            self.in_other = row.in_other;
        }
    }
}

impl Store {
    pub(super) async fn users_in(
        &self,
        selection: &Selection,
        query: &UserQuery,
    ) -> Result<UserPage, QueryError> {
        let window = self.opened(selection.window.quarters()?);
        self.answer(&[window.start, window.end], self.users(selection, window, query)).await
    }

    pub(super) async fn users(&self, selection: &Selection, window: Quarters, query: &UserQuery) -> UserPage {
        let depth = Depth {
            durations: query.compares(Measure::needs_durations),
            days: query.compares(Measure::needs_cells),
        };
        let limit = query.offset.saturating_add(query.limit);
        let mut visitor = UserTable {
            query,
            zone: &selection.zone,
            depth,
            ranking: Ranking::new(query.order, limit, query.after.as_ref()),
            row: Gather::default(),
            shared: SharedRows::default(),
            sums: Sums::default(),
            undecided: 0,
        };
        let mut pace = Pace::default();
        self.visit(Visit::of(selection, window), &mut visitor, &mut pace).await;
        let UserTable { mut ranking, shared: SharedRows { nobody, other }, mut sums, undecided, .. } =
            visitor;
        let undecided = undecided.saturating_add(nobody.undecided).saturating_add(other.undecided);
        let nobody = nobody.finish(Who::Nobody, 0);
        let other = Some(other.finish(Who::Other, 0)).filter(|other| !other.totals.is_empty());
        let gaps = Gaps { other_users: other.as_ref().map_or(0, |other| other.totals.requests()), undecided };
        if is_shown(&nobody, &query.filter) {
            sums.add(&nobody);
            ranking.offer(query.order.by.and_then(|by| nobody.measure(by)), || Who::Nobody);
        }
        let matching = ranking.offered;
        let (ranked, next) = ranking.finish(query.offset).await;
        let mut rows = Vec::with_capacity(ranked.len());
        for who in ranked {
            pace.next(ROW).await;
            match who {
                Who::User(_) => rows.extend(self.row(who, selection, window, &mut pace).await),
                Who::Nobody | Who::Other => rows.push(nobody.clone()),
            }
        }
        UserPage { rows, matching, sums: query.sums.then_some(sums), other, gaps, next }
    }

    /// Returns a row of the page, unless it has gone since it was ranked.
    async fn row(
        &self,
        who: Who,
        selection: &Selection,
        window: Quarters,
        pace: &mut Pace,
    ) -> Option<UserSummary> {
        let scope = Scope::Only(who);
        let mut row = Whole { zone: &selection.zone, gather: Gather::default(), in_other: 0 };
        self.visit(Visit { scope: &scope, calls: &selection.calls, window }, &mut row, pace).await;
        let Scope::Only(who) = scope else { return None };
        let row = row.gather.finish(who, row.in_other);
        (!row.totals.is_empty()).then_some(row)
    }
}

/// The cost of a row of a page beside its cells, in cells.
const ROW: usize = 8;

fn who(row: &UserRow) -> Who {
    Who::User(row.id.clone())
}

/// Returns whether a row has calls that count and passes the filter.
fn is_shown(summary: &UserSummary, filter: &UserFilter) -> bool {
    !summary.totals.is_empty() && filter.matches(summary)
}
