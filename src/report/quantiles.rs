//! Quantiles of durations, within 1 %.

use std::sync::Arc;
use std::time::Duration;

/// The number of leading bits of a value, after the first, that its bucket keeps.
const BITS: u32 = 6;
/// The number of buckets per doubling. A bucket is at most 1/64 of its lower end wide, so that its middle is within 1/128
/// (0.8 %) of everything in it.
const STEPS: u64 = 1 << BITS;

/// A histogram of durations in logarithmic buckets of microseconds, from which quantiles are known to within 0.8 %.
///
/// Durations below 128 µs are exact to the microsecond. There are at most 3,776 buckets; real latencies fill some hundreds.
/// Merging loses nothing, because all histograms have the same buckets.
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantiles(Buckets);

impl Quantiles {
    /// Adds a duration. It saturates at 584,000 years.
    pub fn add(&mut self, duration: Duration) {
        self.0.add(bucket(duration));
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// Returns the number of durations.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| u64::from(count)).sum()
    }

    /// Returns the quantile at `percent` (0 to 100), within 1 %: of `n` durations in order, the one at place
    /// `⌈percent · n / 100⌉`, counted from 1. `None` if there are no durations. More than 100 counts as 100.
    pub fn at(&self, percent: u8) -> Option<Duration> {
        let mut sorted: Vec<(u16, u32)> = self.0.iter().collect();
        sorted.sort_unstable();
        let count: u64 = sorted.iter().map(|&(_, count)| u64::from(count)).sum();
        let rank = (u128::from(count) * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut seen = 0u128;
        sorted.into_iter().find_map(|(bucket, count)| {
            seen += u128::from(count);
            (seen >= rank).then(|| Duration::from_micros(middle(bucket)))
        })
    }
}

/// Latencies and times to the first token in one histogram, so that adding both touches one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Durations(Buckets);

/// Set in the buckets of times to the first token.
const FIRST_TOKEN: u16 = 1 << 15;

impl Durations {
    #[inline]
    pub(crate) fn add(&mut self, latency: Duration, first_token: Option<Duration>) {
        self.0.add(bucket(latency));
        if let Some(first_token) = first_token {
            self.0.add(bucket(first_token) | FIRST_TOKEN);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    pub(crate) fn latency(&self) -> Quantiles {
        self.only(0)
    }

    pub(crate) fn first_token(&self) -> Quantiles {
        self.only(FIRST_TOKEN)
    }

    fn only(&self, kind: u16) -> Quantiles {
        let mut quantiles = Quantiles::default();
        for (bucket, count) in self.0.iter().filter(|(bucket, _)| bucket & FIRST_TOKEN == kind) {
            quantiles.0.add_many(bucket & !FIRST_TOKEN, count);
        }
        quantiles
    }

    /// Whether there are so many that merging them takes long.
    #[inline]
    pub(crate) fn are_many(&self) -> bool {
        self.0.sorted.is_some()
    }

    /// Returns the number of bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

/// Buckets and how often they occurred. The latest ones wait side by side and are sorted in together, so that most
/// additions touch nothing on the heap, and the cells of users with a handful of calls have nothing there.
#[derive(Clone, Debug, Default)]
struct Buckets {
    waiting: [u16; WAITING],
    len: u8,
    // Nothing for most. Sorted by bucket. Shared with the copies that questions are answered from.
    sorted: Option<Arc<Vec<BucketCount>>>,
}

const WAITING: usize = 11;

/// A bucket and the number of durations in it, in six bytes.
#[derive(Clone, Copy, Debug)]
struct BucketCount {
    bucket: u16,
    count: [u16; 2],
}

impl BucketCount {
    fn new(bucket: u16, count: u32) -> Self {
        Self { bucket, count: [count as u16, (count >> 16) as u16] }
    }

    fn count(self) -> u32 {
        let [low, high] = self.count;
        u32::from(low) | u32::from(high) << 16
    }
}

impl Buckets {
    #[inline]
    fn add(&mut self, bucket: u16) {
        if usize::from(self.len) == WAITING {
            self.sort_in();
        }
        if let Some(slot) = self.waiting.get_mut(usize::from(self.len)) {
            *slot = bucket;
            self.len += 1;
        }
    }

    #[cold]
    fn sort_in(&mut self) {
        let waiting = self.waiting;
        let waiting = waiting.get(..usize::from(self.len)).unwrap_or_default();
        self.len = 0;
        let sorted = self.sorted_mut();
        waiting.iter().for_each(|&bucket| Self::add_to(sorted, bucket, 1));
    }

    fn add_many(&mut self, bucket: u16, count: u32) {
        Self::add_to(self.sorted_mut(), bucket, count);
    }

    fn sorted_mut(&mut self) -> &mut Vec<BucketCount> {
        Arc::make_mut(self.sorted.get_or_insert_with(|| Arc::new(Vec::with_capacity(WAITING))))
    }

    fn add_to(sorted: &mut Vec<BucketCount>, bucket: u16, count: u32) {
        let at = sorted.partition_point(|entry| entry.bucket < bucket);
        match sorted.get_mut(at) {
            Some(entry) if entry.bucket == bucket => {
                *entry = BucketCount::new(bucket, entry.count().saturating_add(count));
            }
            _ => sorted.insert(at, BucketCount::new(bucket, count)),
        }
    }

    fn merge(&mut self, other: &Self) {
        for &bucket in other.waiting() {
            self.add(bucket);
        }
        if !other.sorted().is_empty() {
            let sorted = self.sorted_mut();
            other.sorted().iter().for_each(|entry| Self::add_to(sorted, entry.bucket, entry.count()));
        }
    }

    fn waiting(&self) -> &[u16] {
        self.waiting.get(..usize::from(self.len)).unwrap_or_default()
    }

    fn sorted(&self) -> &[BucketCount] {
        self.sorted.as_ref().map_or(&[], |sorted| sorted)
    }

    /// Iterates over the buckets in no order. A bucket may come several times.
    fn iter(&self) -> impl Iterator<Item = (u16, u32)> + '_ {
        let waiting = self.waiting().iter().map(|&bucket| (bucket, 1));
        waiting.chain(self.sorted().iter().map(|entry| (entry.bucket, entry.count())))
    }

    fn heap_bytes(&self) -> usize {
        let sorted = |sorted: &Vec<BucketCount>| {
            size_of::<Vec<BucketCount>>() + sorted.capacity() * size_of::<BucketCount>()
        };
        self.sorted.as_deref().map_or(0, sorted)
    }
}

/// Histograms are equal if they have the same durations, in whatever order these were added.
impl PartialEq for Buckets {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |of: &Self| {
            let mut all = Self::default();
            of.iter().for_each(|(bucket, count)| all.add_many(bucket, count));
            all.iter().collect::<Vec<_>>()
        };
        sorted(self) == sorted(other)
    }
}

impl Eq for Buckets {}

/// Returns the bucket of a duration.
fn bucket(duration: Duration) -> u16 {
    let micros = duration.as_secs().saturating_mul(1_000_000);
    bucket_of(micros.saturating_add(duration.subsec_micros().into()))
}

/// Returns the bucket of a value in microseconds.
fn bucket_of(micros: u64) -> u16 {
    let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(BITS + 1);
    // At most 57 · 64 + 127.
    (u64::from(shift) * STEPS + (micros >> shift)) as u16
}

/// Returns the middle of a bucket.
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
                let shown = middle(bucket_of(near));
                assert!(
                    u128::from(shown.abs_diff(near)) * 100 <= u128::from(near),
                    "{near} shown as {shown}"
                );
            }
            value += value / 97 + 1;
        }
        assert_eq!(bucket_of(u64::MAX), 57 * 64 + 127);
        assert!(middle(bucket_of(u64::MAX)) > u64::MAX / 100 * 99);
    }

    #[test]
    fn buckets_follow_the_order_of_values() {
        let mut last = 0;
        for value in (0..5_000).chain((1..56).flat_map(|bit| [(1 << bit) * 100, (1 << bit) * 101])) {
            if value >= last {
                assert!(bucket_of(last) <= bucket_of(value), "{last} {value}");
                last = value;
            }
        }
    }

    #[test]
    fn small_durations_are_exact() {
        for micros in 0..128 {
            assert_eq!(middle(bucket_of(micros)), micros);
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
        assert!(of.0.heap_bytes() <= 2 * 3_776 * 6, "{}", of.0.heap_bytes());
    }

    #[test]
    fn latencies_and_first_tokens_do_not_mix() {
        let mut durations = Durations::default();
        for micros in 0..20 {
            durations.add(Duration::from_micros(micros + 50), Some(Duration::from_micros(micros)));
        }
        durations.add(Duration::from_micros(100), None);
        let (latency, first_token) = (durations.latency(), durations.first_token());
        assert_eq!((latency.count(), first_token.count()), (21, 20));
        assert_eq!(latency.at(0), Some(Duration::from_micros(50)));
        assert_eq!(first_token.at(100), Some(Duration::from_micros(19)));
    }
}
