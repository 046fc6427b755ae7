//! The table of users.

use super::ranking::Ranking;
use super::row::{Brief, Row};
use super::visit::Seen;
use super::{Store, lock};
use crate::report::gather::{Choice, Depth, Gather};
use crate::report::window::Quarters;
use crate::report::{
    Amount, CallFilter, Gaps, Measure, Scope, Sums, UserFilter, UserPage, UserQuery, UserSummary, Who, Zone,
};

/// The rows that are no users', added up over the shards.
#[derive(Default)]
struct Shared {
    nobody: Gather,
    other: Gather,
    sums: Sums,
}

impl Store {
    pub(super) fn users(&self, window: Quarters, query: &UserQuery) -> UserPage {
        let mut ranking =
            Ranking::new(query.order, query.offset.saturating_add(query.limit), query.after.as_ref());
        let by_brief = window == Quarters::ALL
            && query.scope == Scope::All
            && query.calls == CallFilter::All
            && query.users == UserFilter::All
            && query.order.by.is_none_or(Brief::tells);
        let (shared, undecided) = if by_brief {
            (self.rank_by_brief(query, &mut ranking), 0)
        } else {
            self.rank(window, query, &mut ranking)
        };
        let Shared { nobody, other, mut sums } = shared;
        let undecided = undecided.saturating_add(nobody.undecided).saturating_add(other.undecided);
        let nobody = nobody.finish(Who::Nobody, 0);
        let other = Some(other.finish(Who::Other, 0)).filter(|other| !other.totals.is_empty());
        let gaps = Gaps { other_users: other.as_ref().map_or(0, |other| other.totals.requests()), undecided };
        if is_shown(&nobody, &query.users) {
            sums.add(false, |measure| nobody.measure(measure).and_then(Amount::whole));
            ranking.offer(query.order.by.and_then(|by| nobody.measure(by)), || Who::Nobody);
        }
        let matching = ranking.offered;
        let (ranked, next) = ranking.finish();
        let rows = ranked.into_iter().skip(query.offset).filter_map(|who| match who {
            Who::User(_) => self.row(who, window, query),
            Who::Nobody | Who::Other => Some(nobody.clone()),
        });
        UserPage { rows: rows.collect(), matching, sums: query.sums.then_some(sums), other, gaps, next }
    }

    /// Ranks all users by what is at hand of each.
    fn rank_by_brief(&self, query: &UserQuery, ranking: &mut Ranking<'_>) -> Shared {
        let mut shared = Shared::default();
        for shard in self.shards.iter().map(lock) {
            let choice = Choice::new(&query.calls, Quarters::ALL, shard.facets.list());
            let by = query.order.by;
            // From within, which is twice as fast as a loop around an iterator of slices.
            shard.briefs.iter().enumerate().for_each(|(place, brief)| {
                if !ranking.refuses(by.and_then(|by| brief.whole(by))) {
                    ranking.offer(by.and_then(|by| brief.measure(by)), || {
                        shard.rows.get(place).map_or(Who::Other, who)
                    });
                }
            });
            shared.add(Seen::Nobody(&shard.nobody), &choice, &query.zone);
            shared.add(Seen::Other(&shard.other), &choice, &query.zone);
            if query.sums {
                shard.briefs.iter().for_each(|brief| shared.sums.add(true, |measure| brief.whole(measure)));
            }
        }
        shared
    }

    /// Ranks the users whom the query shows, by all that they did.
    fn rank(&self, window: Quarters, query: &UserQuery, ranking: &mut Ranking<'_>) -> (Shared, u64) {
        let (mut shared, mut undecided) = (Shared::default(), 0u64);
        let depth = Depth {
            durations: query.compares(Measure::needs_durations),
            days: query.compares(Measure::needs_cells),
        };
        self.visit(&query.scope, &query.calls, window, |seen, choice| {
            let Seen::User(row) = seen else { return shared.add(seen, choice, &query.zone) };
            let gather = gather(row, choice, &query.zone, depth);
            undecided = undecided.saturating_add(gather.undecided);
            let summary = gather.finish(who(row), row.in_other);
            if is_shown(&summary, &query.users) {
                if query.sums {
                    shared.sums.add(true, |measure| summary.measure(measure).and_then(Amount::whole));
                }
                let amount = query.order.by.and_then(|by| summary.measure(by));
                ranking.offer(amount, || summary.who.clone());
            }
        });
        (shared, undecided)
    }

    /// A row of the page, whole. It may have gone since it was ranked.
    fn row(&self, who: Who, window: Quarters, query: &UserQuery) -> Option<UserSummary> {
        let id = who.user()?;
        let hash = self.hash(id);
        let shard = self.shard(hash)?;
        let row = shard.find(id, hash).and_then(|place| shard.rows.get(place))?;
        let choice = Choice::new(&query.calls, window, shard.facets.list());
        let in_other = row.in_other;
        Some(gather(row, &choice, &query.zone, Depth::WHOLE).finish(who, in_other))
    }
}

impl Shared {
    fn add(&mut self, seen: Seen<'_>, choice: &Choice<'_>, zone: &Zone) {
        let gather = match seen {
            Seen::Nobody(_) => &mut self.nobody,
            Seen::Other(_) | Seen::User(_) => &mut self.other,
        };
        seen.history().parts().for_each(|part| gather.add(choice, zone, Depth::WHOLE, part));
    }
}

fn who(row: &Row) -> Who {
    Who::User(row.id.clone())
}

fn gather(row: &Row, choice: &Choice<'_>, zone: &Zone, depth: Depth) -> Gather {
    let mut gather = Gather::default();
    row.history.parts().for_each(|part| gather.add(choice, zone, depth, part));
    gather
}

/// Whether a row has calls that count and is asked for.
fn is_shown(summary: &UserSummary, filter: &UserFilter) -> bool {
    !summary.totals.is_empty() && filter.shows(&summary.who, &|measure| summary.measure(measure))
}
