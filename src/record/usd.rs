//! Money.

use super::decimal::{Decimal, FixedPoint, divide_half_even, round_half_even};
use super::rate::Rate;
use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

/// An amount of US dollars, exact to 1e-12 (a pico-dollar).
///
/// Sums saturate at ±1.7e26 dollars. It is shown, parsed and serialised as an exact decimal, never through a
/// float.
///
/// ```
/// use tower_llm_metrics::Usd;
///
/// let cost: Usd = "0.000112".parse().unwrap();
/// assert_eq!(cost, Usd::from_picos(112_000_000));
/// assert_eq!((cost + cost).to_string(), "0.000224");
/// assert_eq!(format!("{cost:.2}"), "0.00");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Usd(i128);

const PICOS_PER_DOLLAR: i128 = 1_000_000_000_000;
const DIGITS: usize = 12;

impl Usd {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Creates an amount in pico-dollars (1e-12 USD).
    pub const fn from_picos(picos: i128) -> Self {
        Self(picos)
    }

    /// Returns the amount in pico-dollars (1e-12 USD).
    pub const fn picos(self) -> i128 {
        self.0
    }

    /// Creates an amount in whole dollars.
    pub const fn from_dollars(dollars: i64) -> Self {
        Self(dollars as i128 * PICOS_PER_DOLLAR)
    }

    /// Multiplies the amount by a factor, rounded half-even to 1e-12; `None` where that overflows.
    pub(crate) fn times(self, factor: Rate) -> Option<Self> {
        let (mantissa, scale) = factor.parts();
        let product = self.0.checked_mul(mantissa.into())?;
        let divisor = 10i128.checked_pow(scale.into())?;
        let amount = divide_half_even(product.unsigned_abs(), divisor.unsigned_abs())?;
        i128::try_from(amount).ok().map(|amount| Self(amount * product.signum()))
    }

    /// Reads a decimal as JSON spells numbers (`0.000112`, `1.12e-4`), rounding half-even to 1e-12 what is finer:
    /// the figure that a provider reports.
    ///
    /// # Errors
    /// When `text` is not a JSON number, or is beyond what fits.
    pub fn from_decimal(text: &str) -> Result<Self, ParseUsdError> {
        decimal(text).map(Self)
    }
}

/// Reads an amount in pico-dollars, rounded half-even.
fn decimal(text: &str) -> Result<i128, ParseUsdError> {
    const ERROR: ParseUsdError = ParseUsdError(());
    let decimal = Decimal::parse(text).ok_or(ERROR)?;
    // How many of the digits are beyond a pico-dollar, below 0 for zeros that are missing.
    let beyond = decimal.scale() - DIGITS as i64;
    let written = i64::try_from(decimal.digits().count()).map_err(|_| ERROR)?;
    let mut picos: u128 = 0;
    let mut rest_to_half = Ordering::Less;
    for (place, digit) in (0i64..).zip(decimal.digits()) {
        match place.cmp(&(written - beyond)) {
            Ordering::Less => {
                picos = picos.checked_mul(10).and_then(|p| p.checked_add(digit.into())).ok_or(ERROR)?;
            }
            Ordering::Equal => rest_to_half = digit.cmp(&5),
            Ordering::Greater if digit != 0 && rest_to_half == Ordering::Equal => {
                rest_to_half = Ordering::Greater;
            }
            Ordering::Greater => {}
        }
    }
    if picos != 0 {
        let missing = u32::try_from((-beyond).max(0)).map_err(|_| ERROR)?;
        picos = 10u128.checked_pow(missing).and_then(|scale| picos.checked_mul(scale)).ok_or(ERROR)?;
    }
    let picos =
        round_half_even(picos, rest_to_half).and_then(|picos| i128::try_from(picos).ok()).ok_or(ERROR)?;
    Ok(if decimal.is_negative { -picos } else { picos })
}

/// The text was not a decimal amount that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseUsdError(());

impl fmt::Display for ParseUsdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a decimal amount of dollars within range")
    }
}

impl std::error::Error for ParseUsdError {}

impl FromStr for Usd {
    type Err = ParseUsdError;

    /// Does what [`Usd::from_decimal`] does.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_decimal(text)
    }
}

/// The exact decimal without trailing zeros; with a precision (`{:.2}`), rounded half-even to that many places.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = f.precision().unwrap_or(DIGITS).min(DIGITS);
        let unit = 10u128.pow((DIGITS - places) as u32);
        let picos = self.0.unsigned_abs();
        let scaled = divide_half_even(picos, unit).unwrap_or(picos);
        let shown = FixedPoint::new(scaled, places);
        let shown = if f.precision().is_some() { shown } else { shown.trimmed() };
        f.pad_integral(self.0 >= 0 || scaled == 0, "", &shown.to_string())
    }
}

impl fmt::Debug for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${self}")
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Usd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Usd {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Usd {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn decimals_are_read_exactly_however_they_are_spelt() {
        assert_eq!(usd("0.000112").picos(), 112_000_000);
        assert_eq!(usd("1.12e-4"), usd("0.000112"));
        assert_eq!(usd("112E-6"), usd("0.000112"));
        assert_eq!(usd("12"), Usd::from_dollars(12));
        assert_eq!(usd("-0.5").picos(), -500_000_000_000);
        assert_eq!(usd("0e99999"), Usd::ZERO);
        assert_eq!(usd("5e-999999999"), Usd::ZERO);
    }

    #[test]
    fn what_is_finer_than_a_pico_dollar_is_rounded_half_even() {
        assert_eq!(usd("0.0000000000005").picos(), 0);
        assert_eq!(usd("0.0000000000015").picos(), 2);
        assert_eq!(usd("0.00000000000050001").picos(), 1);
        assert_eq!(usd("0.0000000000025").picos(), 2);
        assert_eq!(usd("25e-13").picos(), 2);
        assert_eq!(usd("6e-13").picos(), 1);
        assert_eq!(usd("6e-14").picos(), 0);
    }

    #[test]
    fn an_amount_times_a_factor_is_rounded_half_even() {
        let times = |picos, factor| Usd::from_picos(picos).times(Rate::from_decimal(factor).unwrap());
        assert_eq!(times(100, "1.1"), Some(Usd::from_picos(110)));
        assert_eq!(times(5, "0.5"), Some(Usd::from_picos(2)));
        assert_eq!(times(7, "0.5"), Some(Usd::from_picos(4)));
        assert_eq!(times(-7, "0.5"), Some(Usd::from_picos(-4)));
        assert_eq!(times(i128::MAX, "1.1"), None);
    }

    #[test]
    fn what_is_no_amount_is_an_error() {
        for bad in ["", "-", ".5", "5.", "1e", "NaN", "0x1", "1_000", "+1", "1e99", "1e2147483647", " 1"] {
            assert!(Usd::from_decimal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_amount_is_shown_exactly_or_rounded_to_the_asked_places() {
        assert_eq!(usd("0.000112").to_string(), "0.000112");
        assert_eq!(usd("3").to_string(), "3");
        assert_eq!(usd("-0.10").to_string(), "-0.1");
        assert_eq!(format!("{:.2}", usd("1.005")), "1.00");
        assert_eq!(format!("{:.2}", usd("1.0051")), "1.01");
        assert_eq!(format!("{:.0}", usd("2.5")), "2");
        assert_eq!(format!("{:>8.1}", usd("-0.04")), "     0.0");
    }

    #[test]
    fn what_is_shown_reads_back_as_itself() {
        for picos in [0, 1, -1, 999_999_999_999, 1_000_000_000_000, i128::MAX, i128::MIN + 1] {
            assert_eq!(usd(&Usd::from_picos(picos).to_string()).picos(), picos);
        }
    }
}
