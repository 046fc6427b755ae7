//! The questions of [`crate::report`], asked of the store.

use super::Store;
use super::history::History;
use super::ranking::Ranking;
use super::row::{Brief, Row};
use super::shard::Shard;
use crate::report::gather::{Decisions, Depth, Gather};
use crate::report::{CallFilter, Gaps, Measure, Scope, UserFilter, UserPage, UserQuery, UserSummary, Who};
use std::fmt;

/// The questions that a [`MemorySink`](crate::MemorySink) answers.
///
/// Answers are of the moment: while one is made, each part of the store is locked in turn, and calls go on.
#[derive(Clone, Copy)]
pub struct MemoryReport<'a> {
    store: &'a Store,
}

impl fmt::Debug for MemoryReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReport").finish_non_exhaustive()
    }
}

impl<'a> MemoryReport<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// One row per user, over everything that is kept.
    pub fn users(&self, query: &UserQuery) -> UserPage {
        let mut ranking = Ranking::new(query.order, query.limit, query.after.as_ref());
        let mut gaps = Gaps::default();
        let (mut nobody, mut other) = (Gather::default(), Gather::default());
        for (at, shard) in self.store.shards().enumerate() {
            let decisions = Decisions::new(&query.calls, shard.facets.list());
            rank_users(&shard, at, &decisions, query, &mut ranking, &mut gaps);
            for (who, gather, history) in
                [(Who::Nobody, &mut nobody, &shard.nobody), (Who::Other, &mut other, &shard.other)]
            {
                if query.scope.sees(&who) {
                    gather_into(gather, history, &decisions, query, Depth::WHOLE);
                }
            }
        }
        gaps.undecided += nobody.undecided + other.undecided;
        let nobody = nobody.finish(Who::Nobody, 0);
        let other = Some(other.finish(Who::Other, 0)).filter(|other| !other.totals.is_empty());
        gaps.other_users = other.as_ref().map_or(0, |other| other.totals.requests());
        if is_shown(&nobody, &query.users) {
            let amount = query.order.by.and_then(|by| nobody.measure(by));
            ranking.offer(amount, (0, usize::MAX), || Who::Nobody);
        }
        let matching = ranking.offered;
        let (ranked, next) = ranking.finish();
        let rows = ranked.into_iter().filter_map(|ranked| match ranked.who {
            Who::User(_) => self.row(ranked.at, &ranked.who, query),
            Who::Nobody | Who::Other => Some(nobody.clone()),
        });
        UserPage { rows: rows.collect(), matching, other, gaps, next }
    }

    /// A row of the page. It may have gone since it was ranked.
    fn row(&self, (shard, place): (usize, usize), who: &Who, query: &UserQuery) -> Option<UserSummary> {
        let shard = self.store.shards.get(shard).map(super::lock)?;
        let row = shard.rows.get(place).filter(|row| who.user() == Some(&row.id))?;
        let mut gather = Gather::default();
        let decisions = Decisions::new(&query.calls, shard.facets.list());
        gather_into(&mut gather, &row.history, &decisions, query, Depth::WHOLE);
        Some(gather.finish(who.clone(), row.in_other))
    }
}

/// Offers the users of one shard.
fn rank_users(
    shard: &Shard,
    at: usize,
    decisions: &Decisions<'_>,
    query: &UserQuery,
    ranking: &mut Ranking<'_>,
    gaps: &mut Gaps,
) {
    let who = |row: &Row| Who::User(row.id.clone());
    let by_brief = query.scope == Scope::All
        && query.calls == CallFilter::All
        && query.users == UserFilter::All
        && query.order.by.is_none_or(Brief::tells);
    if by_brief {
        for (place, brief) in shard.briefs.iter().enumerate() {
            let amount = query.order.by.and_then(|by| brief.measure(by));
            ranking.offer(amount, (at, place), || shard.rows.get(place).map_or(Who::Other, who));
        }
        return;
    }
    let depth = Depth {
        durations: query.compares(Measure::needs_durations),
        days: query.compares(Measure::needs_cells),
    };
    for (place, row) in shard.rows.iter().enumerate() {
        let who = who(row);
        if !query.scope.sees(&who) {
            continue;
        }
        let mut gather = Gather::default();
        gather_into(&mut gather, &row.history, decisions, query, depth);
        gaps.undecided = gaps.undecided.saturating_add(gather.undecided);
        let summary = gather.finish(who, row.in_other);
        if is_shown(&summary, &query.users) {
            let amount = query.order.by.and_then(|by| summary.measure(by));
            ranking.offer(amount, (at, place), || summary.who.clone());
        }
    }
}

/// Whether a row has calls that count and is asked for.
fn is_shown(summary: &UserSummary, filter: &UserFilter) -> bool {
    !summary.totals.is_empty() && filter.shows(&summary.who, &|measure| summary.measure(measure))
}

fn gather_into(
    gather: &mut Gather,
    history: &History,
    decisions: &Decisions<'_>,
    query: &UserQuery,
    depth: Depth,
) {
    for cell in history.cells() {
        gather.add(decisions, &query.zone, depth, (cell.quarter, cell.facet), &cell.totals);
    }
}
