//! How a measure is spread over users.

use super::gaps::Gaps;
use super::measure::Measure;

/// How a measure is spread over users: how many users have how much.
///
/// Values are whole numbers: counts, and pico-dollars (1e-12 USD) for costs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Histogram {
    /// The measure.
    pub measure: Measure,
    /// The bins from the least value up, of equal width (the last one may be narrower).
    pub bins: Vec<Bin>,
    /// The number of users below the percentile at which the bins begin.
    pub below: u64,
    /// The number of users above the percentile at which the bins end.
    pub beyond: u64,
    /// The number of users whose value is not known.
    pub unknown: u64,
    /// The values at 25, 50 and 75 % of the users, by nearest rank; `None` without users.
    pub quartiles: Option<[i128; 3]>,
    /// What is missing. The users beyond the store's limit are in no bin.
    pub gaps: Gaps,
}

/// The number of users within a range of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bin {
    /// The least value.
    pub from: i128,
    /// The largest value.
    pub to: i128,
    /// The number of users.
    pub users: u64,
}

/// A question for a [`Histogram`]: its measure, the number of its bins and the part of the users.
///
/// ```
/// use tower_llm_metrics::report::{HistogramQuery, Measure};
///
/// let query = HistogramQuery::new(Measure::Requests).bins(2).up_to_permille(750); // p75
/// let histogram = query.histogram(vec![1, 1, 2, 1_000], 0);
/// assert_eq!((histogram.bins[0].users, histogram.beyond), (2, 1));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HistogramQuery {
    measure: Measure,
    bins: u16,
    from_permille: u16,
    up_to_permille: u16,
}

impl HistogramQuery {
    /// Creates the question for ten bins of all users. The values of a measure without a histogram
    /// ([`Measure::has_histogram`]) are not known.
    pub const fn new(measure: Measure) -> Self {
        Self { measure, bins: 10, from_permille: 0, up_to_permille: 1_000 }
    }

    /// Sets the most bins, at least one. Defaults to ten.
    #[must_use]
    pub const fn bins(mut self, bins: u16) -> Self {
        self.bins = if bins == 0 { 1 } else { bins };
        self
    }

    /// Ends the bins at a percentile of the users, in tenths: 950 is p95, 999 is p99.9. Defaults to 1,000.
    #[must_use]
    pub const fn up_to_permille(mut self, permille: u16) -> Self {
        self.up_to_permille = if permille > 1_000 { 1_000 } else { permille };
        self
    }

    /// Begins the bins at a percentile of the users, in tenths: with 250 and [`up_to_permille`](Self::up_to_permille) of 750, they
    /// show the interquartile range. Defaults to 0.
    #[must_use]
    pub const fn from_permille(mut self, permille: u16) -> Self {
        self.from_permille = if permille > 1_000 { 1_000 } else { permille };
        self
    }

    /// Returns the measure.
    pub const fn get_measure(&self) -> Measure {
        self.measure
    }

    /// Returns the most bins.
    pub const fn get_bins(&self) -> u16 {
        self.bins
    }

    /// Returns the percentile at which the bins begin, in tenths.
    pub const fn get_from_permille(&self) -> u16 {
        self.from_permille
    }

    /// Returns the percentile at which the bins end, in tenths.
    pub const fn get_up_to_permille(&self) -> u16 {
        self.up_to_permille
    }

    /// Makes the answer from the values of the users whose measure is known, and the number of those whose is not.
    pub fn histogram(&self, mut values: Vec<i128>, unknown: u64) -> Histogram {
        values.sort_unstable();
        let at = |permille: u16| {
            let rank = (values.len() as u128 * u128::from(permille)).div_ceil(1_000).max(1);
            values.get(usize::try_from(rank - 1).unwrap_or(usize::MAX)).copied()
        };
        let quartiles = [at(250), at(500), at(750)];
        let mut histogram = Histogram {
            measure: self.measure,
            bins: Vec::new(),
            below: 0,
            beyond: 0,
            unknown,
            quartiles: match quartiles {
                [Some(low), Some(middle), Some(high)] => Some([low, middle, high]),
                _ => None,
            },
            gaps: Gaps::default(),
        };
        let (Some(least), Some(cut)) = (at(self.from_permille), at(self.up_to_permille)) else {
            return histogram;
        };
        let below = values.partition_point(|&value| value < least);
        histogram.below = below as u64;
        let within = values.partition_point(|&value| value <= cut);
        histogram.beyond = (values.len() - within) as u64;
        // Costs can be negative, and then the range takes all 128 bits.
        let width = (cut.wrapping_sub(least) as u128) / u128::from(self.bins) + 1;
        let (mut from, mut counted) = (least, below);
        while from <= cut {
            let to = from.saturating_add_unsigned(width - 1).min(cut);
            let until = values.partition_point(|&value| value <= to);
            histogram.bins.push(Bin { from, to, users: (until - counted) as u64 });
            counted = until;
            let Some(next) = to.checked_add(1) else { break };
            from = next;
        }
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: HistogramQuery, values: &[i128]) -> (Vec<(i128, i128, u64)>, u64) {
        let histogram = query.histogram(values.to_vec(), 0);
        (histogram.bins.iter().map(|bin| (bin.from, bin.to, bin.users)).collect(), histogram.beyond)
    }

    #[test]
    fn bins_cover_all_values_up_to_the_cut_and_count_each_user_once() {
        let query = HistogramQuery::new(Measure::Requests).bins(2);
        assert_eq!(of(query, &[4, 1, 2, 3]), (vec![(1, 2, 2), (3, 4, 2)], 0));
        assert_eq!(of(query, &[1, 1, 1_000, 2]).0, [(1, 500, 3), (501, 1_000, 1)]);
        assert_eq!(of(query.up_to_permille(750), &[1, 1, 1_000, 2]), (vec![(1, 1, 2), (2, 2, 1)], 1));
        let middle = query.from_permille(250).up_to_permille(750);
        assert_eq!(middle.histogram(vec![9, 1, 2, 3, 4, 5, 6, 7], 0).below, 1);
        assert_eq!(of(middle, &[9, 1, 2, 3, 4, 5, 6, 7]), (vec![(2, 4, 3), (5, 6, 2)], 2));
        assert_eq!(of(query.from_permille(900).up_to_permille(100), &[1, 2, 3]), (vec![], 2));
        assert_eq!(of(query, &[7, 7]), (vec![(7, 7, 2)], 0));
        assert_eq!(of(query, &[]), (vec![], 0));
    }

    #[test]
    fn extreme_values_do_not_overflow() {
        let (bins, beyond) = of(HistogramQuery::new(Measure::Cost).bins(3), &[i128::MIN, 0, i128::MAX]);
        assert_eq!((bins.iter().map(|bin| bin.2).sum::<u64>(), beyond), (3, 0));
        assert_eq!(bins.len(), 3);
    }

    #[test]
    fn quartiles_are_by_nearest_rank() {
        let histogram = HistogramQuery::new(Measure::Requests).histogram((1..=10).collect(), 2);
        assert_eq!((histogram.quartiles, histogram.unknown), (Some([3, 5, 8]), 2));
    }
}
