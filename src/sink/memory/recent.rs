//! The last records that are kept whole.

use super::pace::{Pace, at_once};
use crate::record::Record;
use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The last records in the order of their arrival.
#[derive(Debug)]
pub(crate) struct Recent {
    kept: Mutex<Kept>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Kept {
    /// With the number of their arrival. They are shared with whoever reads them, so that reading takes the lock only briefly.
    records: VecDeque<(u64, Arc<Record>)>,
    arrivals: u64,
}

/// The number of records that are taken under one lock.
const AT_ONCE: usize = 64;

impl Recent {
    /// Keeps the last `limit` records.
    pub(crate) fn new(limit: usize) -> Self {
        Self { kept: Mutex::default(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a record, in place of the oldest one if there are enough.
    pub(crate) fn add(&self, record: Cow<'_, Record>) {
        if self.limit == 0 {
            return;
        }
        let oldest = {
            let mut kept = self.lock();
            if kept.records.len() >= self.limit { kept.records.pop_front() } else { None }
        };
        // The allocation of the oldest is used again, unless somebody reads it. This is done without the lock.
        let mut room = oldest.map(|(_, oldest)| oldest);
        let record = match room.as_mut().and_then(Arc::get_mut) {
            Some(place) => {
                *place = record.into_owned();
                room
            }
            None => Some(Arc::new(record.into_owned())),
        };
        let mut kept = self.lock();
        kept.arrivals += 1;
        let arrival = kept.arrivals;
        kept.records.extend(record.map(|record| (arrival, record)));
    }

    /// Returns some of the last records that arrived before `before`, the latest first.
    fn before(&self, before: u64) -> Vec<(u64, Arc<Record>)> {
        let kept = self.lock();
        let end = kept.records.partition_point(|(arrival, _)| *arrival < before);
        kept.records.range(end.saturating_sub(AT_ONCE)..end).rev().cloned().collect()
    }

    /// Returns the last `limit` of the records that `wanted` accepts, the oldest first.
    pub(crate) async fn last(&self, limit: usize, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        let mut pace = Pace::default();
        let mut found = Vec::new();
        let mut before = u64::MAX;
        while found.len() < limit {
            let records = self.before(before);
            let Some((earliest, _)) = records.last() else { break };
            before = *earliest;
            for (_, record) in records {
                pace.next(RECORD).await;
                if found.len() < limit && wanted(&record) {
                    found.push((*record).clone());
                }
            }
        }
        found.reverse();
        found
    }

    /// Adds the records of another store that are not here yet.
    pub(crate) fn join(&self, other: &Self) {
        let known: HashSet<_> =
            at_once(self.last(usize::MAX, |_| true)).iter().map(|record| record.id).collect();
        let new = at_once(other.last(usize::MAX, |record| !known.contains(&record.id)));
        new.into_iter().for_each(|record| self.add(Cow::Owned(record)));
    }

    /// Removes the records that `unwanted` accepts.
    pub(crate) fn remove(&self, unwanted: impl Fn(&Record) -> bool) {
        self.lock().records.retain(|(_, record)| !unwanted(record));
    }
}

/// The cost of a record, in cells.
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
