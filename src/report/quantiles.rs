//! Quantiles of durations, within 1 %.

use std::time::Duration;

/// Leading bits of a value that its bucket keeps, beside the first.
const BITS: u32 = 6;
/// Buckets per doubling. A bucket is at most 1/64 of its lower end wide, so that its middle is within 1/128 (0.8 %)
/// of everything in it.
const STEPS: u64 = 1 << BITS;

/// How often each duration occurred, to within 0.8 %: a histogram of logarithmic buckets over microseconds.
///
/// Durations below 128 µs are exact to the microsecond. It holds at most 3,776 buckets, whatever is put in; real
/// latencies fill some hundreds. Merging loses nothing: the buckets are the same everywhere.
///
/// ```
/// use std::time::Duration;
/// use tower_llm_metrics::report::Quantiles;
///
/// let mut latency = Quantiles::default();
/// for ms in 1..=100 {
///     latency.add(Duration::from_millis(ms));
/// }
/// let median = latency.at(50).unwrap();
/// assert!(median.abs_diff(Duration::from_millis(50)) < Duration::from_micros(500));
/// assert_eq!(Quantiles::default().at(50), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Quantiles(Buckets);

// Most cells of a report hold a handful of calls: these stay without an allocation.
#[derive(Clone, Debug)]
enum Buckets {
    Few { len: u8, of: [u16; FEW] },
    // Sorted by bucket.
    Many(Vec<(u16, u32)>),
}

const FEW: usize = 7;

impl Default for Buckets {
    fn default() -> Self {
        Self::Few { len: 0, of: [0; FEW] }
    }
}

impl Quantiles {
    /// Adds one duration. What is beyond 584,000 years counts as that.
    pub fn add(&mut self, duration: Duration) {
        self.add_bucket(bucket(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)), 1);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in other.iter() {
            self.add_bucket(bucket, count);
        }
    }

    fn add_bucket(&mut self, bucket: u16, count: u32) {
        if let Buckets::Few { len, of } = &mut self.0 {
            if let (1, Some(slot)) = (count, of.get_mut(usize::from(*len))) {
                *slot = bucket;
                *len += 1;
                return;
            }
            let mut few = *of;
            let used = few.get_mut(..usize::from(*len)).unwrap_or_default();
            used.sort_unstable();
            let mut many: Vec<(u16, u32)> = Vec::with_capacity(2 * FEW);
            for &mut bucket in used {
                match many.last_mut() {
                    Some(last) if last.0 == bucket => last.1 += 1,
                    _ => many.push((bucket, 1)),
                }
            }
            self.0 = Buckets::Many(many);
        }
        if let Buckets::Many(many) = &mut self.0 {
            match many.binary_search_by_key(&bucket, |entry| entry.0) {
                Ok(at) => {
                    if let Some(entry) = many.get_mut(at) {
                        entry.1 = entry.1.saturating_add(count);
                    }
                }
                Err(at) => many.insert(at, (bucket, count)),
            }
        }
    }

    /// How many durations were added.
    pub fn count(&self) -> u64 {
        self.iter().map(|(_, count)| u64::from(count)).sum()
    }

    /// The duration at `percent` (0 to 100) of all, within 1 %: of `n` durations in order, the one at place
    /// `⌈percent · n / 100⌉`, counted from 1. `None` when there are none. More than 100 counts as 100.
    pub fn at(&self, percent: u8) -> Option<Duration> {
        let mut sorted: Vec<(u16, u32)> = self.iter().collect();
        sorted.sort_unstable();
        let count: u64 = sorted.iter().map(|&(_, count)| u64::from(count)).sum();
        let rank = (u128::from(count) * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut seen = 0u128;
        sorted.into_iter().find_map(|(bucket, count)| {
            seen += u128::from(count);
            (seen >= rank).then(|| Duration::from_micros(middle(bucket)))
        })
    }

    fn iter(&self) -> impl Iterator<Item = (u16, u32)> + '_ {
        let (few, many) = match &self.0 {
            Buckets::Few { len, of } => (of.get(..usize::from(*len)).unwrap_or_default(), &[][..]),
            Buckets::Many(many) => (&[][..], many.as_slice()),
        };
        few.iter().map(|&bucket| (bucket, 1)).chain(many.iter().copied())
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.0 {
            Buckets::Few { .. } => 0,
            Buckets::Many(many) => many.capacity() * size_of::<(u16, u32)>(),
        }
    }
}

/// Equal when they hold the same buckets, in whichever order these came.
impl PartialEq for Quantiles {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |of: &Self| {
            let mut all = Self(Buckets::Many(Vec::new()));
            all.merge(of);
            all.iter().collect::<Vec<_>>()
        };
        sorted(self) == sorted(other)
    }
}

impl Eq for Quantiles {}

/// The bucket of a value in microseconds.
fn bucket(micros: u64) -> u16 {
    let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(BITS + 1);
    // At most 57 · 64 + 127.
    (u64::from(shift) * STEPS + (micros >> shift)) as u16
}

/// The middle of a bucket.
fn middle(bucket: u16) -> u64 {
    let shift = u64::from(bucket).checked_div(STEPS).unwrap_or(0).saturating_sub(1);
    let low = (u64::from(bucket) - shift * STEPS) << shift;
    low + ((1u64 << shift) - 1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_bucket_is_within_one_percent_of_all_that_falls_into_it() {
        let mut value = 1u64;
        while value < u64::MAX / 3 {
            for near in [value - 1, value, value + 1, value * 2 - 1] {
                let shown = middle(bucket(near));
                assert!(
                    u128::from(shown.abs_diff(near)) * 100 <= u128::from(near),
                    "{near} shown as {shown}"
                );
            }
            value += value / 97 + 1;
        }
        assert_eq!(bucket(u64::MAX), 57 * 64 + 127);
        assert!(middle(bucket(u64::MAX)) > u64::MAX / 100 * 99);
    }

    #[test]
    fn buckets_follow_the_order_of_values() {
        let mut last = 0;
        for value in (0..5_000).chain((1..56).flat_map(|bit| [(1 << bit) * 100, (1 << bit) * 101])) {
            if value >= last {
                assert!(bucket(last) <= bucket(value), "{last} {value}");
                last = value;
            }
        }
    }

    #[test]
    fn small_durations_are_exact() {
        for micros in 0..128 {
            assert_eq!(middle(bucket(micros)), micros);
        }
    }

    #[test]
    fn the_order_of_arrival_and_the_way_of_merging_make_no_difference() {
        let (mut forward, mut backward) = (Quantiles::default(), Quantiles::default());
        let (mut left, mut right) = (Quantiles::default(), Quantiles::default());
        for n in 0..40u64 {
            forward.add(Duration::from_micros(n * n));
            backward.add(Duration::from_micros((39 - n) * (39 - n)));
            if n % 3 == 0 { &mut left } else { &mut right }.add(Duration::from_micros(n * n));
        }
        left.merge(&right);
        assert_eq!(forward, backward);
        assert_eq!(forward, left);
        assert_eq!(forward.count(), 40);
        left.add(Duration::ZERO);
        assert_ne!(forward, left);
    }

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let mut of = Quantiles::default();
        for micros in [10, 20, 30, 40] {
            of.add(Duration::from_micros(micros));
        }
        let at = |percent| of.at(percent).unwrap().as_micros();
        assert_eq!((at(0), at(25), at(26), at(50), at(95), at(100), at(255)), (10, 10, 20, 20, 40, 40, 40));
    }

    #[test]
    fn what_it_takes_is_bounded_whatever_is_put_in() {
        let mut of = Quantiles::default();
        let mut value = 1u64;
        for _ in 0..100_000 {
            value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            of.add(Duration::from_micros(value >> (value % 64)));
        }
        assert!(of.heap_bytes() <= 2 * 3_776 * 8, "{}", of.heap_bytes());
    }
}
