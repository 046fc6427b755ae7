//! The table of users.

use super::Store;
use super::gather::{Choice, Depth, Gather, Part};
use super::over_time::way;
use super::pace::Pace;
use super::quarters::Quarters;
use super::ranking::Ranking;
use super::row::Row;
use super::visit::{Seen, Visitor, Way};
use crate::report::{
    Gaps, Measure, QueryError, Scope, Selection, Sums, UserFilter, UserPage, UserQuery, UserSummary, Who,
    Zone,
};

/// The rows that are no users', added up over the shards.
#[derive(Default)]
struct Shared {
    nobody: Gather,
    other: Gather,
}

/// The users whom a query shows, ranked by all that they did.
struct Ranked<'a> {
    query: &'a UserQuery,
    zone: &'a Zone,
    depth: Depth,
    ranking: Ranking<'a>,
    row: Gather,
    shared: Shared,
    sums: Sums,
    undecided: u64,
}

impl Visitor for Ranked<'_> {
    fn part(&mut self, seen: Seen<'_>, choice: &Choice<'_>, part: Part<'_>) {
        let (gather, depth) = match seen {
            Seen::User(_) => (&mut self.row, self.depth),
            Seen::Nobody(_) => (&mut self.shared.nobody, Depth::WHOLE),
            Seen::Other(_) => (&mut self.shared.other, Depth::WHOLE),
        };
        gather.add(choice, self.zone, depth, part);
    }

    fn end(&mut self, seen: Seen<'_>, _: &Choice<'_>) {
        let Seen::User(row) = seen else { return };
        let gather = std::mem::take(&mut self.row);
        self.undecided = self.undecided.saturating_add(gather.undecided);
        let summary = gather.finish(who(row), row.in_other);
        if is_shown(&summary, &self.query.filter) {
            if self.query.sums {
                self.sums.add(&summary);
            }
            let amount = self.query.order.by.and_then(|by| summary.measure(by));
            self.ranking.offer(amount, || summary.who.clone());
        }
    }
}

/// One row, whole.
struct Whole<'a> {
    zone: &'a Zone,
    gather: Gather,
    in_other: u64,
}

impl Visitor for Whole<'_> {
    fn part(&mut self, _: Seen<'_>, choice: &Choice<'_>, part: Part<'_>) {
        self.gather.add(choice, self.zone, Depth::WHOLE, part);
    }

    fn end(&mut self, seen: Seen<'_>, _: &Choice<'_>) {
        if let Seen::User(row) = seen {
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
        let mut seen = Ranked {
            query,
            zone: &selection.zone,
            depth,
            ranking: Ranking::new(query.order, limit, query.after.as_ref()),
            row: Gather::default(),
            shared: Shared::default(),
            sums: Sums::default(),
            undecided: 0,
        };
        let mut pace = Pace::default();
        self.visit(way(selection, window), &mut seen, &mut pace).await;
        let Ranked { mut ranking, shared: Shared { nobody, other }, mut sums, undecided, .. } = seen;
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
            match who {
                Who::User(_) => rows.extend(self.row(who, selection, window, &mut pace).await),
                Who::Nobody | Who::Other => rows.push(nobody.clone()),
            }
            pace.went(ROW).await;
        }
        UserPage { rows, matching, sums: query.sums.then_some(sums), other, gaps, next }
    }

    /// A row of the page, whole. It may have gone since it was ranked.
    async fn row(
        &self,
        who: Who,
        selection: &Selection,
        window: Quarters,
        pace: &mut Pace,
    ) -> Option<UserSummary> {
        let scope = Scope::Only(who);
        let mut row = Whole { zone: &selection.zone, gather: Gather::default(), in_other: 0 };
        self.visit(Way { scope: &scope, calls: &selection.calls, window }, &mut row, pace).await;
        let Scope::Only(who) = scope else { return None };
        let row = row.gather.finish(who, row.in_other);
        (!row.totals.is_empty()).then_some(row)
    }
}

/// What a row of a page takes beside its cells.
const ROW: usize = 8;

fn who(row: &Row) -> Who {
    Who::User(row.id.clone())
}

/// Whether a row has calls that count and is asked for.
fn is_shown(summary: &UserSummary, filter: &UserFilter) -> bool {
    !summary.totals.is_empty() && filter.matches(summary)
}
