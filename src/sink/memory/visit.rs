//! Visiting the rows of the store.

use super::facet::Facet;
use super::gather::{CellFilter, CellRef};
use super::history::History;
use super::pace::Pace;
use super::pieces::Pieces;
use super::quarters::Quarters;
use super::row::UserRow;
use super::shard::Snapshot;
use super::{Store, lock};
use crate::record::UserId;
use crate::report::{CallFilter, Gaps, QueryError, Scope, Selection, Who};
use std::future::Future;

/// One row. The rows that are no user's come once for each shard.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowRef<'a> {
    User(&'a UserRow),
    Nobody(&'a History),
    Other(&'a History),
}

impl<'a> RowRef<'a> {
    pub(crate) fn history(self) -> &'a History {
        match self {
            Self::User(row) => &row.history,
            Self::Nobody(history) | Self::Other(history) => history,
        }
    }
}

/// Which rows are visited, and which of their calls count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit<'a> {
    pub(super) scope: &'a Scope,
    pub(super) calls: &'a CallFilter,
    pub(super) window: Quarters,
}

impl<'a> Visit<'a> {
    /// Visits what a selection selects, within a window in its place.
    pub(super) fn of(selection: &'a Selection, window: Quarters) -> Self {
        Self { scope: &selection.scope, calls: &selection.calls, window }
    }
}

/// Gathers something from the rows.
pub(super) trait Visitor {
    /// Takes a cell of a row, whether it counts or not.
    fn cell(&mut self, row: RowRef<'_>, filter: &CellFilter<'_>, cell: CellRef<'_>);

    /// Ends a row, all of whose cells have been visited.
    fn end(&mut self, row: RowRef<'_>, filter: &CellFilter<'_>);

    /// Takes a row that has one cell.
    fn only(&mut self, row: RowRef<'_>, filter: &CellFilter<'_>, cell: CellRef<'_>) {
        self.cell(row, filter, cell);
        self.end(row, filter);
    }
}

impl Store {
    /// Visits the rows that a scope sees, each shard as it is at one moment.
    pub(super) async fn visit(&self, what: Visit<'_>, visitor: &mut (impl Visitor + Send), pace: &mut Pace) {
        match what.scope {
            Scope::Nothing => {}
            Scope::Only(Who::User(id)) => {
                if let Some((row, facets)) = self.row_of(id) {
                    let filter = CellFilter::of_one(what.calls, what.window, &facets);
                    visit_row(RowRef::User(&row), &filter, visitor, pace).await;
                }
            }
            Scope::All | Scope::Only(_) => {
                for shard in &self.shards {
                    let all = *what.scope == Scope::All;
                    let snapshot = {
                        let shard = lock(shard);
                        if all { shard.snapshot() } else { shard.snapshot_of_shared() }
                    };
                    visit_shard(&snapshot, what, visitor, pace).await;
                }
            }
        }
    }

    /// Returns a user's row as it is now, and the kinds of its calls.
    pub(super) fn row_of(&self, id: &UserId) -> Option<(UserRow, Pieces<Facet>)> {
        let hash = self.hash(id);
        self.shard(hash)?.snapshot_of(id, hash)
    }

    /// Returns the window of a question, without its start if all calls are after that. Then an older call that arrives while
    /// the question is answered may be counted.
    pub(super) fn opened(&self, window: Quarters) -> Quarters {
        self.horizons.resolution().opened(window)
    }

    /// Answers a question, if the past can be divided at all of `edges` both before and after that.
    pub(super) async fn answer<T>(
        &self,
        edges: &[i32],
        answer: impl Future<Output = T>,
    ) -> Result<T, QueryError> {
        let check = || self.horizons.resolution().check(edges.iter().copied());
        check()?;
        let answer = answer.await;
        // The past may have been rolled up meanwhile.
        check().map(|()| answer)
    }
}

async fn visit_shard(
    snapshot: &Snapshot,
    what: Visit<'_>,
    visitor: &mut (impl Visitor + Send),
    pace: &mut Pace,
) {
    let filter = CellFilter::new(what.calls, what.window, &snapshot.facets);
    pace.next(snapshot.facets.len()).await;
    for rows in snapshot.rows.slices() {
        pace.next(rows.len()).await;
        let mut rows = rows.iter();
        while let Some(row) = visit_short(&mut rows, &filter, visitor) {
            visit_row(RowRef::User(row), &filter, visitor, pace).await;
        }
    }
    if what.scope.sees(&Who::Nobody) {
        visit_row(RowRef::Nobody(&snapshot.nobody), &filter, visitor, pace).await;
    }
    if what.scope.sees(&Who::Other) {
        visit_row(RowRef::Other(&snapshot.other), &filter, visitor, pace).await;
    }
}

/// Visits rows of one cell, up to the first one with more, which it returns.
fn visit_short<'a>(
    rows: &mut impl Iterator<Item = &'a UserRow>,
    filter: &CellFilter<'_>,
    visitor: &mut impl Visitor,
) -> Option<&'a UserRow> {
    rows.find(|row| match row.history.only() {
        Some(cell) => {
            visitor.only(RowRef::User(row), filter, cell);
            false
        }
        None => true,
    })
}

/// Returns the cost of a cell, in cells with few durations.
fn weight(cell: CellRef<'_>) -> usize {
    if cell.totals.have_many_durations() { 4 } else { 1 }
}

/// Visits all cells of a row.
pub(super) async fn visit_row(
    row: RowRef<'_>,
    filter: &CellFilter<'_>,
    visitor: &mut (impl Visitor + Send),
    pace: &mut Pace,
) {
    for cell in row.history().iter() {
        pace.next(weight(cell)).await;
        visitor.cell(row, filter, cell);
    }
    visitor.end(row, filter);
}

/// Returns whether a cell counts. What cannot be decided, and what others did, goes into the gaps.
pub(super) fn takes(filter: &CellFilter<'_>, cell: CellRef<'_>, row: RowRef<'_>, gaps: &mut Gaps) -> bool {
    let requests = || cell.totals.requests();
    match filter.takes(cell) {
        None => gaps.undecided = gaps.undecided.saturating_add(requests()),
        Some(false) => {}
        Some(true) => {
            if let RowRef::Other(_) = row {
                gaps.other_users = gaps.other_users.saturating_add(requests());
            }
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::pace::STRETCH;
    use super::*;
    use crate::record::{Record, User};
    use crate::report::instant::{QUARTER_MICROS, from_micros};
    use crate::report::{GroupBy, HistogramQuery, Measure, Report, Step, UserQuery, Window, Zone};
    use crate::{MemorySink, MetricsSink};
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Waker};

    const QUARTERS: i64 = 30 * 96;

    fn call(user: &str, number: i64) -> Record {
        // March 2026.
        let start = 1_772_323_200_000_000;
        let mut record = Record::new(from_micros(start + number % QUARTERS * QUARTER_MICROS));
        record.user = UserId::new(user).ok().map(User::verified);
        record
    }

    /// A user with 30,000 calls within a month, and a thousand users with a few.
    fn store() -> MemorySink {
        let users = MemorySink::builder().clock(|| call("", QUARTERS - 1).time).recent(3_000).build();
        (0..30_000).for_each(|number| users.record(&call("busy", number)));
        (0..4_000).for_each(|number| users.record(&call(&format!("user{}", number % 1_000), number * 7)));
        users
    }

    fn month() -> Window {
        Window::current(Step::Month, &Zone::UTC, call("", 0).time).unwrap()
    }

    /// Polls an answer to its end. Between two polls no part of the store is locked, and calls go on.
    fn poll<T>(users: &MemorySink, answer: impl Future<Output = T>, mut between: impl FnMut()) -> (T, usize) {
        let mut answer = pin!(answer);
        let mut context = Context::from_waker(Waker::noop());
        let mut turns = 0;
        loop {
            if let Poll::Ready(answer) = answer.as_mut().poll(&mut context) {
                return (answer, turns);
            }
            turns += 1;
            assert!(users.0.shards.iter().all(|shard| shard.0.try_lock().is_ok()));
            between();
        }
    }

    /// Counts parts.
    #[derive(Default)]
    struct Counting(Arc<AtomicUsize>);

    impl Visitor for Counting {
        fn cell(&mut self, _: RowRef<'_>, _: &CellFilter<'_>, _: CellRef<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn end(&mut self, _: RowRef<'_>, _: &CellFilter<'_>) {}
    }

    #[test]
    fn no_more_cells_than_a_stretch_are_looked_at_between_two_turns_of_others() {
        let users = store();
        let only = Scope::from(UserId::new("busy").unwrap());
        for scope in [only, Scope::All] {
            let mut counting = Counting::default();
            let seen = Arc::clone(&counting.0);
            let what = Visit { scope: &scope, calls: &CallFilter::All, window: Quarters::ALL };
            let mut pace = Pace::default();
            let mut before = 0;
            let visit = users.0.visit(what, &mut counting, &mut pace);
            let ((), turns) = poll(&users, visit, || {
                let now = seen.load(Ordering::Relaxed);
                assert!(now - before <= STRETCH, "{now} {before}");
                before = now;
            });
            assert!(seen.load(Ordering::Relaxed) as i64 >= QUARTERS);
            assert!(turns >= QUARTERS as usize / STRETCH, "{turns}");
        }
    }

    #[test]
    fn a_question_about_one_busy_user_is_answered_from_one_moment_while_calls_go_on() {
        let users = store();
        let busy = Selection::new().scope(UserId::new("busy").unwrap()).window(month());
        let query = UserQuery::new();
        let mut more = 0;
        let (page, turns) = poll(&users, users.users(&busy, &query), || {
            users.record(&call("busy", more * 101));
            more += 1;
        });
        let requests = page.unwrap().rows[0].totals.requests();
        assert!(turns > 5 && (30_000..=30_000 + turns as u64).contains(&requests), "{requests} {turns}");
        let after = users.report().users_in(&busy, &query).unwrap();
        assert_eq!(after.rows[0].totals.requests(), 30_000 + turns as u64);
    }

    #[test]
    fn every_question_lets_calls_and_other_tasks_go_on() {
        let users = store();
        let (all, month) = (Selection::new(), Selection::new().window(month()));
        let between = || users.record(&call("late", 1));
        let by_days = UserQuery::new().sort(Measure::ActiveDays).offset(400).limit(600);
        let histogram = HistogramQuery::new(Measure::Requests);
        for turns in [
            poll(&users, users.users(&all, &UserQuery::new()), between).1,
            poll(&users, users.users(&all, &by_days), between).1,
            poll(&users, users.series(&all, Step::Day), between).1,
            poll(&users, users.breakdown(&month, GroupBy::Model), between).1,
            poll(&users, users.retention(&all), between).1,
            poll(&users, users.histogram(&month, histogram), between).1,
            poll(&users, users.overview(&all), between).1,
            poll(&users, users.calls(&all, 2_000), between).1,
        ] {
            assert!(turns > 1, "{turns}");
        }
    }
}
