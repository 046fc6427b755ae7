//! What rows are compared by.

use super::ratio::{MeanCost, Ratio};
use crate::record::Usd;
use std::cmp::Ordering;
use std::time::{Duration, SystemTime};

macro_rules! measures {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// A figure of a row: what rows are sorted and filtered by, and a column of an export.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Measure {
            $($(#[$doc])* $variant,)*
        }

        impl Measure {
            /// All of them, in the order of an export's columns.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name of the column.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

measures! {
    /// All requests, however they ended.
    Requests = "requests",
    /// Requests whose answer was read to its end.
    Completed = "completed",
    /// Requests that the server failed.
    Failed = "failed",
    /// Requests whose answer the caller dropped.
    Aborted = "aborted",
    /// Requests that the caller dropped before there was an answer.
    Cancelled = "cancelled",
    /// Requests that the transport failed.
    Broken = "broken",
    /// Failed and broken requests over all requests.
    ErrorRate = "error_rate",
    /// The start of the earliest request.
    FirstActive = "first_active",
    /// The start of the latest request.
    LastActive = "last_active",
    /// Distinct days in the question's zone with at least one request.
    ActiveDays = "active_days",
    /// Requests over active days.
    RequestsPerActiveDay = "requests_per_active_day",
    /// Tokens in and out.
    Tokens = "tokens",
    /// Tokens in, cached ones included.
    InputTokens = "input_tokens",
    /// Of the input: read from a cache.
    CacheReadTokens = "cache_read_tokens",
    /// Of the input: written to a cache.
    CacheWriteTokens = "cache_write_tokens",
    /// Tokens out, reasoning included.
    OutputTokens = "output_tokens",
    /// Of the output: reasoning.
    ReasoningTokens = "reasoning_tokens",
    /// Tokens over the requests that spoke of them.
    TokensPerRequest = "tokens_per_request",
    /// What the priced requests cost.
    Cost = "cost_usd",
    /// Their cost over their number.
    CostPerRequest = "cost_usd_per_priced_request",
    /// How many models answered.
    Models = "models",
    /// Half of the requests took no longer.
    MedianLatency = "latency_p50_us",
    /// 95 % of the requests took no longer.
    P95Latency = "latency_p95_us",
    /// For half of the requests the first frame with content took no longer.
    MedianFirstToken = "first_token_p50_us",
    /// For 95 % of the requests the first frame with content took no longer.
    P95FirstToken = "first_token_p95_us",
    /// Requests with a cost.
    Priced = "priced",
    /// Requests with usage and no price.
    Unpriced = "unpriced",
    /// Requests of which neither usage nor cost is known.
    WithoutUsage = "without_usage",
    /// Requests whose tokens are an estimate.
    Estimated = "estimated",
    /// Requests that consumed nothing.
    Free = "free",
    /// Requests that repeat what another record carries.
    Repeated = "repeated",
}

impl Measure {
    /// The measure of a column's name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|measure| measure.as_str() == name)
    }

    /// Whether telling it takes the histograms of durations.
    pub(crate) fn needs_durations(self) -> bool {
        matches!(self, Self::MedianLatency | Self::P95Latency | Self::MedianFirstToken | Self::P95FirstToken)
    }

    /// Whether telling it takes a look at each cell: the days, the models.
    pub(crate) fn needs_cells(self) -> bool {
        matches!(self, Self::ActiveDays | Self::RequestsPerActiveDay | Self::Models)
    }
}

/// An amount of a [`Measure`]. Amounts of one kind have an order; averages are compared exactly.
///
/// ```
/// use tower_llm_metrics::Usd;
/// use tower_llm_metrics::report::{Amount, Ratio};
///
/// assert!(Amount::from(Ratio::new(2, 3)) > Ratio::new(1, 2).into());
/// assert_eq!(Amount::from(Usd::ZERO).partial_cmp(&Amount::from(0)), None);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Amount {
    /// A number of things.
    Count(u64),
    /// An average, or a share of one.
    Ratio(Ratio),
    /// Money.
    Cost(Usd),
    /// Money on average.
    MeanCost(MeanCost),
    /// A length of time.
    Duration(Duration),
    /// A moment.
    Time(SystemTime),
}

impl Amount {
    /// The value in the smallest unit of its kind, where it is whole.
    pub(crate) fn whole(self) -> Option<i128> {
        self.fraction().filter(|fraction| fraction.2 == 1).map(|fraction| fraction.1)
    }

    /// The kind, and the value as a fraction over something above 0. An average over nothing is no amount.
    fn fraction(self) -> Option<(u8, i128, u64)> {
        Some(match self {
            Self::Count(count) => (0, count.into(), 1),
            Self::Ratio(ratio) => (0, ratio.sum.into(), ratio.over),
            Self::Cost(cost) => (1, cost.picos(), 1),
            Self::MeanCost(mean) => (1, mean.sum.picos(), mean.over),
            Self::Duration(duration) => (2, i128::try_from(duration.as_micros()).unwrap_or(i128::MAX), 1),
            Self::Time(time) => (3, super::instant::to_micros(time).into(), 1),
        })
        .filter(|fraction| fraction.2 != 0)
    }
}

impl PartialOrd for Amount {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            // What a million rows are mostly sorted by.
            (Self::Count(left), Self::Count(right)) => Some(left.cmp(right)),
            (Self::Cost(left), Self::Cost(right)) => Some(left.cmp(right)),
            _ => self.compare_fractions(*other),
        }
    }
}

impl Amount {
    fn compare_fractions(self, other: Self) -> Option<Ordering> {
        let ((kind, sum, over), (other_kind, other_sum, other_over)) = (self.fraction()?, other.fraction()?);
        if kind != other_kind {
            return None;
        }
        if over == other_over {
            return Some(sum.cmp(&other_sum));
        }
        // Whole parts first, so that the cross products of the rests can't overflow.
        let whole = |sum: i128, over: u64| sum.div_euclid(i128::from(over));
        let rest = |sum: i128, over: u64| sum.rem_euclid(i128::from(over)).unsigned_abs();
        let by_whole = whole(sum, over).cmp(&whole(other_sum, other_over));
        Some(by_whole.then_with(|| {
            let left = rest(sum, over) * u128::from(other_over);
            left.cmp(&(rest(other_sum, other_over) * u128::from(over)))
        }))
    }
}

/// Equal in value, 2/4 and 1/2 included.
impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

macro_rules! from {
    ($($of:ty => $variant:ident,)*) => {
        $(impl From<$of> for Amount {
            fn from(amount: $of) -> Self {
                Self::$variant(amount)
            }
        })*
    };
}

from! {
    u64 => Count,
    Ratio => Ratio,
    Usd => Cost,
    MeanCost => MeanCost,
    Duration => Duration,
    SystemTime => Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_compared_exactly_however_large() {
        let close = [Ratio::new(u64::MAX - 1, u64::MAX), Ratio::new(u64::MAX - 2, u64::MAX - 1)];
        assert!(Amount::from(close[0]) > Amount::from(close[1]));
        assert_eq!(Amount::from(Ratio::new(2, 4)), Amount::from(Ratio::new(1, 2)));
        assert_eq!(Amount::from(Ratio::new(6, 2)), Amount::from(3));
        let mean = |picos, over| Amount::from(MeanCost::new(Usd::from_picos(picos), over));
        assert!(mean(i128::MAX, 1) > mean(i128::MAX, 2));
        assert!(mean(-1, 3) > mean(-1, 2));
        assert!(mean(i128::MIN, u64::MAX) < mean(0, 1));
    }

    #[test]
    fn an_average_over_nothing_and_another_kind_have_no_order() {
        assert_eq!(Amount::from(Ratio::new(0, 0)).partial_cmp(&Amount::from(0)), None);
        assert_eq!(Amount::from(Duration::ZERO).partial_cmp(&Amount::from(0)), None);
    }

    #[test]
    fn columns_have_distinct_names() {
        let mut names: Vec<_> = Measure::ALL.iter().map(|measure| measure.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Measure::ALL.len());
        assert!(Measure::ALL.iter().all(|&measure| Measure::named(measure.as_str()) == Some(measure)));
        assert_eq!(Measure::named("Requests"), None);
    }
}
