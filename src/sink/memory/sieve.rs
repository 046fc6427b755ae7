//! Who gets a row when there are too many users.

use crate::record::{Record, UsageState, Usd};
use std::hash::{BuildHasher, RandomState};

/// Returns how active a user is: 10,000 for each request, and one for each token and each millionth of a dollar, so that
/// neither many small calls nor a few large ones go unnoticed. It never falls.
#[inline]
pub(crate) fn activity(requests: u64, tokens: u64, picos: i128) -> u64 {
    let micro_dollars = match i64::try_from(picos) {
        Ok(picos) => u64::try_from(picos / 1_000_000).unwrap_or(0),
        Err(_) => u64::try_from(picos / 1_000_000).unwrap_or(if picos < 0 { 0 } else { u64::MAX }),
    };
    requests.saturating_mul(PER_REQUEST).saturating_add(tokens).saturating_add(micro_dollars)
}

/// Returns the activity that one call adds.
#[inline]
pub(crate) fn activity_of(record: &Record) -> u64 {
    if record.usage_state == UsageState::Repeated {
        return PER_REQUEST;
    }
    let usage = &record.usage;
    let mut tokens = 0u64;
    if record.usage_state != UsageState::Absent {
        let passes = usage.passes.iter().map(|pass| (pass.input_tokens, pass.output_tokens));
        for (input, output) in passes.chain([(usage.input_tokens, usage.output_tokens)]) {
            tokens = tokens.saturating_add(input.unwrap_or(0)).saturating_add(output.unwrap_or(0));
        }
    }
    activity(1, tokens, record.cost.total().map_or(0, Usd::picos))
}

/// The activity of one request without tokens or cost.
pub(crate) const PER_REQUEST: u64 = 10_000;

/// Estimates of the activity of those without a row, in bounded memory: a count-min sketch (Cormode and
/// Muthukrishnan, 2005) with conservative updates (Estan and Varghese, 2002). Who shares counters with whom depends
/// on random keys, so that nobody can choose to.
#[derive(Debug)]
pub(crate) struct Sieve {
    rows: [(RandomState, Vec<u64>); DEPTH],
    // All counters together.
    sum: u64,
}

/// An estimate of a user's activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Estimate {
    /// Never below the truth.
    pub(crate) most: u64,
    /// The estimate less an average counter, which stands for what others are likely to have added. A flood of ids raises the
    /// average as much as its own counters and so gains nothing, while a user who is much more active stands out.
    pub(crate) likely: u64,
}

const DEPTH: usize = 4;

impl Sieve {
    /// Makes estimates for a store of `limit` rows.
    pub(crate) fn new(limit: usize) -> Self {
        let width = limit.saturating_mul(2).clamp(2_048, 1 << 17).next_power_of_two();
        Self { rows: std::array::from_fn(|_| (RandomState::new(), vec![0; width])), sum: 0 }
    }

    /// Adds to a user's activity and returns the estimate of all of it.
    pub(crate) fn add(&mut self, hash: u64, activity: u64) -> Estimate {
        let mut counters = self.rows.each_mut().map(|(hasher, counters)| {
            let at = hasher.hash_one(hash) as usize & (counters.len() - 1);
            counters.get_mut(at)
        });
        let least = counters.iter().flatten().map(|counter| **counter).min().unwrap_or(0);
        let most = least.saturating_add(activity);
        for counter in counters.iter_mut().flatten() {
            let more = most.saturating_sub(**counter);
            **counter += more;
            self.sum = self.sum.saturating_add(more);
        }
        let count: usize = self.rows.iter().map(|(_, counters)| counters.len()).sum();
        let average = self.sum.checked_div(count as u64).unwrap_or(0);
        Estimate { most, likely: most.saturating_sub(average).max(activity) }
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
                assert!(sieve.add(user, user).most >= user * round);
            }
        }
        let near = (0..2_000).filter(|&user| sieve.add(user, 0).most < user * 3 + 1_000).count();
        assert!(near > 1_900, "{near}");
    }

    #[test]
    fn a_flood_of_ids_gains_nothing_and_hides_nobody() {
        let mut sieve = Sieve::new(1_000);
        let (mut gained, mut busy) = (0, 0);
        for id in 0..1_000_000u64 {
            gained = gained.max(sieve.add(id + 1, 10).likely);
            // One of two hundred calls.
            if id % 200 == 0 {
                busy = sieve.add(0, 10).likely;
            }
        }
        assert!(gained < 100, "{gained}");
        assert!(busy > 1_000_000 / 200 * 10 / 2, "{busy}");
    }

    #[test]
    fn requests_tokens_and_cost_all_count_and_nothing_wraps() {
        assert_eq!(activity(2, 5, 7_000_000), 20_012);
        assert_eq!(activity(1, 0, i128::from(i64::MAX) + 1), 9_223_372_046_854);
        assert_eq!(activity(u64::MAX, u64::MAX, i128::MAX), u64::MAX);
        assert_eq!(activity(1, 0, i128::MIN), PER_REQUEST);
        assert_eq!(activity(1, 0, -1), PER_REQUEST);
    }
}
