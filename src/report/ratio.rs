//! Averages that keep what they are made of.

use crate::record::{Rate, Usd, divide_half_even};
use std::fmt;

/// An average or a share: a number of one thing over a number of another. It is displayed rounded half-even to two
/// places (`{:.4}` for more), and compared exactly.
///
/// ```
/// use tower_llm_metrics::report::Ratio;
///
/// let per_day = Ratio::new(7, 3);
/// assert_eq!(per_day.to_string(), "2.33");
/// assert_eq!(Ratio::new(1, 0).value_in(100), None); // over nothing there is no average
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    /// The number.
    pub sum: u64,
    /// The number that it is divided by.
    pub over: u64,
}

impl Ratio {
    /// Creates the ratio of `sum` over `over`.
    pub const fn new(sum: u64, over: u64) -> Self {
        Self { sum, over }
    }

    /// Reads a decimal number that is not negative, of at most 19 digits (`0.25`, `1e3`). `None` if it is none.
    pub fn from_decimal(text: &str) -> Option<Self> {
        let (digits, places) = Rate::from_decimal(text).ok()?.parts();
        Some(Self::new(digits, 10u64.checked_pow(places.into())?))
    }

    /// Returns the value in parts of `scale` to one, rounded half-even: with 100, a share in percent. `None` over nothing.
    pub fn value_in(self, scale: u64) -> Option<u128> {
        let scaled = u128::from(self.sum) * u128::from(scale);
        divide_half_even(scaled, self.over.into())
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = f.precision().unwrap_or(2).min(12);
        let scale = 10u64.pow(places as u32);
        match self.value_in(scale) {
            None => f.pad("-"),
            Some(value) if places == 0 => f.pad_integral(true, "", &value.to_string()),
            Some(value) => {
                let (whole, fraction) = (value / u128::from(scale), value % u128::from(scale));
                f.pad_integral(true, "", &format!("{whole}.{fraction:0places$}"))
            }
        }
    }
}

/// A cost per request: money over a number of requests.
///
/// ```
/// use tower_llm_metrics::Usd;
/// use tower_llm_metrics::report::MeanCost;
///
/// let mean = MeanCost::new(Usd::from_picos(10), 4);
/// assert_eq!(mean.value(), Some(Usd::from_picos(2))); // 2.5, rounded half-even
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MeanCost {
    /// The money.
    pub sum: Usd,
    /// The number of requests.
    pub over: u64,
}

impl MeanCost {
    /// Creates the average of `sum` over `over` requests.
    pub const fn new(sum: Usd, over: u64) -> Self {
        Self { sum, over }
    }

    /// Returns the average, rounded half-even to 1e-12 dollars. `None` over no requests.
    pub fn value(self) -> Option<Usd> {
        let picos = self.sum.picos();
        let mean = divide_half_even(picos.unsigned_abs(), self.over.into())?;
        // No larger than the sum, so it fits.
        let mean = i128::try_from(mean).unwrap_or(i128::MAX);
        Some(Usd::from_picos(if picos < 0 { -mean } else { mean }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_round_half_even_and_never_divide_by_zero() {
        assert_eq!(Ratio::new(1, 8).to_string(), "0.12");
        assert_eq!(Ratio::new(3, 8).to_string(), "0.38");
        assert_eq!(format!("{:.4}", Ratio::new(2, 3)), "0.6667");
        assert_eq!(format!("{:.0}", Ratio::new(5, 2)), "2");
        assert_eq!(Ratio::new(0, 0).to_string(), "-");
        assert_eq!(format!("{:.12}", Ratio::new(u64::MAX, 1)), format!("{}.000000000000", u64::MAX));
    }

    #[test]
    fn mean_costs_round_half_even_on_both_sides_of_zero() {
        let mean = |picos, over| MeanCost::new(Usd::from_picos(picos), over).value().map(Usd::picos);
        assert_eq!(mean(5, 2), Some(2));
        assert_eq!(mean(-5, 2), Some(-2));
        assert_eq!(mean(7, 2), Some(4));
        assert_eq!(mean(5, 0), None);
    }
}
