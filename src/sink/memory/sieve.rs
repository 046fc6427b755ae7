//! Who gets a row when there are too many users.

use crate::record::Record;
use crate::report::Totals;
use std::hash::{BuildHasher, RandomState};

/// How active somebody is: 10,000 for each request, and one for each token and each millionth of a dollar. It only
/// grows, so that neither many small calls nor a few large ones go unseen.
pub(crate) fn activity(requests: u64, tokens: u64, picos: i128) -> u64 {
    let micro_dollars = u64::try_from(picos / 1_000_000).unwrap_or(if picos < 0 { 0 } else { u64::MAX });
    requests.saturating_mul(PER_REQUEST).saturating_add(tokens).saturating_add(micro_dollars)
}

/// The activity of one request without tokens or cost.
pub(crate) const PER_REQUEST: u64 = 10_000;

/// The activity of one call.
pub(crate) fn activity_of(record: &Record) -> u64 {
    let totals: Totals = [record].into_iter().collect();
    activity(1, totals.tokens().unwrap_or(0), totals.cost().unwrap_or_default().picos())
}

/// Estimates of the activity of users without a row, in bounded memory: a count-min sketch (Cormode and
/// Muthukrishnan, 2005). An estimate is never below the truth, so that nobody stays unseen by dropping out of the store
/// again and again; and which users share counters depends on random keys, so that nobody can choose to.
#[derive(Debug)]
pub(crate) struct Sieve {
    rows: [(RandomState, Vec<u64>); DEPTH],
}

const DEPTH: usize = 4;

impl Sieve {
    /// For a store of so many rows.
    pub(crate) fn new(limit: usize) -> Self {
        let width = limit.saturating_mul(2).clamp(256, 1 << 17).next_power_of_two();
        Self { rows: std::array::from_fn(|_| (RandomState::new(), vec![0; width])) }
    }

    /// Adds to the activity of a user; the estimate of all of it.
    pub(crate) fn add(&mut self, hash: u64, activity: u64) -> u64 {
        let mut least = u64::MAX;
        for (hasher, counters) in &mut self.rows {
            let at = hasher.hash_one(hash) as usize & (counters.len() - 1);
            if let Some(counter) = counters.get_mut(at) {
                *counter = counter.saturating_add(activity);
                least = least.min(*counter);
            }
        }
        least
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.rows.iter().map(|(_, counters)| counters.capacity() * size_of::<u64>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_never_below_the_truth_and_mostly_near_it() {
        let mut sieve = Sieve::new(1_000);
        for round in 1..=3u64 {
            for user in 0..2_000 {
                assert!(sieve.add(user, user) >= user * round);
            }
        }
        let near = (0..2_000).filter(|&user| sieve.add(user, 0) < user * 3 + 6_000).count();
        assert!(near > 1_800, "{near}");
    }

    #[test]
    fn requests_tokens_and_cost_all_count_and_nothing_wraps() {
        assert_eq!(activity(2, 5, 7_000_000), 20_012);
        assert_eq!(activity(u64::MAX, u64::MAX, i128::MAX), u64::MAX);
        assert_eq!(activity(1, 0, i128::MIN), PER_REQUEST);
    }
}
