//! Amounts of measures, and their order.

use super::ratio::{MeanCost, Ratio};
use crate::record::Usd;
use std::cmp::Ordering;
use std::time::{Duration, SystemTime};

/// An amount of a [`Measure`](super::Measure). Amounts of one kind have an order; averages are compared exactly.
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
    /// A count.
    Count(u64),
    /// An average, or a share of a whole.
    Ratio(Ratio),
    /// Money.
    Cost(Usd),
    /// An average amount of money.
    MeanCost(MeanCost),
    /// A length of time.
    Duration(Duration),
    /// A moment.
    Time(SystemTime),
}

impl Amount {
    /// Whether it is an average over nothing, which is not known.
    #[inline]
    fn is_over_nothing(self) -> bool {
        matches!(self, Self::Ratio(Ratio { over: 0, .. }) | Self::MeanCost(MeanCost { over: 0, .. }))
    }

    /// Returns the kind, and the value as a fraction; `None` for an average over nothing, which is no amount.
    fn fraction(self) -> Option<(u8, i128, u64)> {
        (!self.is_over_nothing()).then(|| match self {
            Self::Count(count) => (0, count.into(), 1),
            Self::Ratio(ratio) => (0, ratio.sum.into(), ratio.over),
            Self::Cost(cost) => (1, cost.picos(), 1),
            Self::MeanCost(mean) => (1, mean.sum.picos(), mean.over),
            Self::Duration(duration) => (2, i128::try_from(duration.as_micros()).unwrap_or(i128::MAX), 1),
            Self::Time(time) => (3, super::instant::to_micros(time).into(), 1),
        })
    }
}

impl PartialOrd for Amount {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            // Tables of many users are mostly sorted by these two.
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
        // The whole parts are compared first, so that the cross products of the remainders cannot overflow.
        let whole = |sum: i128, over: u64| sum.div_euclid(i128::from(over));
        let rest = |sum: i128, over: u64| sum.rem_euclid(i128::from(over)).unsigned_abs();
        let by_whole = whole(sum, over).cmp(&whole(other_sum, other_over));
        Some(by_whole.then_with(|| {
            let left = rest(sum, over) * u128::from(other_over);
            left.cmp(&(rest(other_sum, other_over) * u128::from(over)))
        }))
    }
}

/// Amounts are equal if their values are: 2/4 equals 1/2.
impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

/// What the getter of a measure returns.
pub(super) trait Known {
    /// Converts into an amount; `None` if the figure is not known.
    fn known(self) -> Option<Amount>;
}

impl<T: Known> Known for Option<T> {
    #[inline]
    fn known(self) -> Option<Amount> {
        self?.known()
    }
}

macro_rules! amounts {
    ($($of:ty => $variant:ident,)*) => {
        $(
            impl From<$of> for Amount {
                fn from(amount: $of) -> Self {
                    Self::$variant(amount)
                }
            }

            impl Known for $of {
                #[inline]
                fn known(self) -> Option<Amount> {
                    Some(Amount::$variant(self)).filter(|amount| !amount.is_over_nothing())
                }
            }
        )*
    };
}

amounts! {
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
}
