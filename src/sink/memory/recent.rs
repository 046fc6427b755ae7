//! The last records, whole.

use super::pace::{Pace, at_once};
use crate::record::Record;
use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The last records in the order of their arrival. Neighbours are in different stripes, so that threads that record
/// at the same time seldom wait for each other.
#[derive(Debug)]
pub(crate) struct Recent {
    arrivals: Arrivals,
    stripes: Vec<Stripe>,
    limit: u64,
}

/// Records by their arrival. Shared with whoever looks at them, so that this takes no longer than counting.
type Kept = VecDeque<(u64, Arc<Record>)>;

/// A counter that all threads write, on cache lines of its own: what is beside it is only read.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Arrivals(AtomicU64);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(Mutex<Kept>);

impl Stripe {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last records that arrived before `before`, the latest first, and no more than are counted quickly.
    fn before(&self, before: u64) -> Vec<(u64, Arc<Record>)> {
        let stripe = self.lock();
        let end = stripe.partition_point(|(arrival, _)| *arrival < before);
        stripe.range(end.saturating_sub(AT_ONCE)..end).rev().cloned().collect()
    }
}

const STRIPES: u64 = 16;

/// Records that are looked at together. While they are counted, the stripe is locked.
const AT_ONCE: usize = 64;

impl Recent {
    /// Keeps the last `limit` records.
    pub(crate) fn new(limit: usize) -> Self {
        let stripes = (0..STRIPES).map(|_| Stripe::default()).collect();
        Self { arrivals: Arrivals::default(), stripes, limit: limit as u64 }
    }

    /// Keeps a record, in the room of the one that goes for it.
    pub(crate) fn add(&self, record: Cow<'_, Record>) {
        if self.limit == 0 {
            return;
        }
        let arrival = self.arrivals.0.fetch_add(1, Ordering::Relaxed);
        let Some(stripe) = usize::try_from(arrival % STRIPES).ok().and_then(|at| self.stripes.get(at)) else {
            return;
        };
        let mut record = record.into_owned();
        let mut stripe = stripe.lock();
        let mut room = None;
        while stripe.front().is_some_and(|(oldest, _)| arrival.saturating_sub(*oldest) >= self.limit) {
            room = stripe.pop_front();
        }
        let (kept, gone) = match room {
            Some((_, mut room)) => match Arc::get_mut(&mut room) {
                Some(unshared) => {
                    std::mem::swap(unshared, &mut record);
                    (room, Some(record))
                }
                None => (Arc::new(record), None),
            },
            None => (Arc::new(record), None),
        };
        // Two threads may have come in the other order.
        let place = stripe.iter().rev().take_while(|(before, _)| *before > arrival).count();
        let place = stripe.len().saturating_sub(place);
        stripe.insert(place, (arrival, kept));
        drop(stripe);
        // Nobody waits for what goes.
        drop(gone);
    }

    /// The kept records that `wanted` names, oldest first, and at most the last `limit` of them.
    pub(crate) async fn last(&self, limit: usize, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        let edge = self.arrivals.0.load(Ordering::Relaxed).saturating_sub(self.limit);
        let mut pace = Pace::default();
        let mut found = Vec::new();
        for stripe in &self.stripes {
            let (mut before, mut left) = (u64::MAX, limit);
            while left > 0 {
                let records = stripe.before(before);
                let Some((earliest, _)) = records.last() else { break };
                before = *earliest;
                for (arrival, record) in records {
                    if left > 0 && arrival >= edge && wanted(&record) {
                        found.push((arrival, record));
                        left -= 1;
                    }
                    pace.went(RECORD).await;
                }
                if before < edge {
                    break;
                }
            }
        }
        found.sort_unstable_by_key(|(arrival, _)| *arrival);
        let mut last = Vec::new();
        for (_, record) in found.drain(found.len().saturating_sub(limit)..) {
            last.push((*record).clone());
            pace.went(RECORD).await;
        }
        last
    }

    /// Adds the records of another that are not here yet.
    pub(crate) fn join(&self, other: &Self) {
        let known: HashSet<_> =
            at_once(self.last(usize::MAX, |_| true)).iter().map(|record| record.id).collect();
        let new = at_once(other.last(usize::MAX, |record| !known.contains(&record.id)));
        new.into_iter().for_each(|record| self.add(Cow::Owned(record)));
    }

    /// Drops the records that `unwanted` names.
    pub(crate) fn remove(&self, unwanted: impl Fn(&Record) -> bool) {
        for stripe in &self.stripes {
            let mut stripe = stripe.lock();
            stripe.retain(|(_, record)| !unwanted(record));
        }
    }
}

/// What a record takes, compared with a cell.
const RECORD: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    #[test]
    fn exactly_the_last_records_are_kept_in_the_order_of_arrival() {
        for limit in [0, 1, 2, 15, 16, 17, 40, usize::MAX] {
            let recent = Recent::new(limit);
            for second in 0..100 {
                recent.add(Cow::Owned(Record::new(at(second))));
            }
            let kept: Vec<_> =
                at_once(recent.last(usize::MAX, |_| true)).iter().map(|record| record.time).collect();
            let wanted: Vec<_> = (100 - limit.min(100) as u64..100).map(at).collect();
            assert_eq!(kept, wanted, "limit {limit}");
        }
    }

    #[test]
    fn the_last_ones_of_some_kind_can_be_asked_for() {
        let recent = Recent::new(50);
        for second in 0..60 {
            recent.add(Cow::Owned(Record::new(at(second))));
        }
        let even = |record: &Record| {
            record.time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().is_multiple_of(2)
        };
        let kept: Vec<_> = at_once(recent.last(3, even)).iter().map(|record| record.time).collect();
        assert_eq!(kept, [at(54), at(56), at(58)]);
        recent.remove(even);
        assert_eq!(at_once(recent.last(100, |_| true)).len(), 25);
    }
}
