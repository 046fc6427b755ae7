//! Prices per unit.

use super::decimal::{Decimal, FixedPoint};
use std::cmp::Ordering;
use std::fmt;

/// A price per unit in US dollars: an exact decimal that keeps every digit of its source text.
///
/// A rate is never negative. At most 19 significant digits are held, which is more than any price list has; a text
/// with more is refused rather than rounded.
///
/// ```
/// use tower_llm_metrics::record::Rate;
///
/// // What a price list calls 2.5 dollars per million tokens is 0.0000025 per token.
/// let listed = Rate::from_decimal("2.5").unwrap();
/// assert_eq!(listed.per_power_of_ten(6), Rate::from_decimal("2.5e-6").ok());
/// assert_eq!(Rate::from_decimal("1.8518518518518518e-08").unwrap().to_string(), "0.000000018518518518518518");
/// assert!(Rate::from_decimal("-1").is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rate {
    /// The digits, without trailing zeros.
    mantissa: u64,
    /// How many of the digits stand behind the decimal point.
    scale: u8,
}

impl Rate {
    /// Free of charge.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };
    /// One dollar per unit; as a factor, no change.
    pub const ONE: Self = Self { mantissa: 1, scale: 0 };

    /// More places behind the point than this make no sense in a price and are refused.
    const MAX_SCALE: u8 = 36;

    /// Reads a decimal as JSON spells numbers (`2.5`, `1.85e-08`).
    ///
    /// # Errors
    /// When `text` is not a JSON number, is negative, or has more digits than fit.
    pub fn from_decimal(text: &str) -> Result<Self, ParseRateError> {
        if text.starts_with('-') {
            return Err(ParseRateError::Negative);
        }
        let decimal = Decimal::parse(text).ok_or(ParseRateError::NotANumber)?;
        let append = |mantissa: u64, digit| mantissa.checked_mul(10)?.checked_add(u64::from(digit));
        let mantissa = decimal.digits().try_fold(0, append).ok_or(ParseRateError::TooManyDigits)?;
        let scale = i32::try_from(decimal.scale()).map_err(|_| ParseRateError::TooManyDigits);
        if mantissa == 0 {
            Ok(Self::ZERO)
        } else {
            Self::normalised(mantissa, scale?).ok_or(ParseRateError::TooManyDigits)
        }
    }

    /// Reads the price of a million, as price lists for tokens have it.
    ///
    /// # Errors
    /// As [`Rate::from_decimal`].
    pub fn per_million(text: &str) -> Result<Self, ParseRateError> {
        Self::from_decimal(text)?.per_power_of_ten(6).ok_or(ParseRateError::TooManyDigits)
    }

    /// Creates a rate from its [`parts`](Self::parts).
    pub(crate) const fn from_parts(mantissa: u64, scale: u8) -> Self {
        Self { mantissa, scale }
    }

    fn normalised(mut mantissa: u64, mut scale: i32) -> Option<Self> {
        if mantissa == 0 {
            return Some(Self::ZERO);
        }
        while mantissa.is_multiple_of(10) {
            mantissa /= 10;
            scale -= 1;
        }
        while scale < 0 {
            mantissa = mantissa.checked_mul(10)?;
            scale += 1;
        }
        let scale = u8::try_from(scale).ok().filter(|&scale| scale <= Self::MAX_SCALE)?;
        Some(Self { mantissa, scale })
    }

    /// Returns the price of one, where this is the price of ten to the power of `power`: 6 for "per million". `None` where
    /// that has more places than fit.
    pub fn per_power_of_ten(self, power: u8) -> Option<Self> {
        Self::normalised(self.mantissa, i32::from(self.scale) + i32::from(power))
    }

    /// Multiplies the rate by a factor, exactly; `None` where the digits do not fit.
    pub fn times(self, factor: Self) -> Option<Self> {
        let mantissa = u128::from(self.mantissa) * u128::from(factor.mantissa);
        let scale = i32::from(self.scale) + i32::from(factor.scale);
        if let Ok(mantissa) = u64::try_from(mantissa) {
            return Self::normalised(mantissa, scale);
        }
        // The product of two odd digits can end in zeros that make it fit.
        let (mut mantissa, mut scale) = (mantissa, scale);
        while mantissa.is_multiple_of(10) {
            mantissa /= 10;
            scale -= 1;
        }
        Self::normalised(u64::try_from(mantissa).ok()?, scale)
    }

    /// Adds another rate, exactly; `None` where the digits do not fit.
    pub fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let at = |rate: Self| 10u64.checked_pow(u32::from(scale - rate.scale))?.checked_mul(rate.mantissa);
        Self::normalised(at(self)?.checked_add(at(other)?)?, scale.into())
    }

    /// Returns the digits, and how many of them stand behind the decimal point.
    pub(crate) const fn parts(self) -> (u64, u8) {
        (self.mantissa, self.scale)
    }

    /// Returns whether it is free of charge.
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }
}

impl Ord for Rate {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        // A product beyond 128 bits is beyond every other one that is not.
        let at = |rate: &Self| {
            10u128
                .checked_pow(u32::from(scale - rate.scale))
                .and_then(|p| p.checked_mul(rate.mantissa.into()))
        };
        match (at(self), at(other)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (None, None) => Ordering::Equal,
        }
    }
}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The exact decimal.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad_integral(true, "", &FixedPoint::new(self.mantissa.into(), self.scale.into()).to_string())
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${self}")
    }
}

/// Why a text is not a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseRateError {
    /// It is not a number as JSON spells it, such as `NaN`.
    NotANumber,
    /// It is below zero.
    Negative,
    /// It has more digits than are held exactly.
    TooManyDigits,
}

impl fmt::Display for ParseRateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "not a number",
            Self::Negative => "below zero",
            Self::TooManyDigits => "more digits than can be held exactly",
        })
    }
}

impl std::error::Error for ParseRateError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        Rate::from_decimal(text).unwrap()
    }

    #[test]
    fn every_digit_of_the_source_is_kept() {
        assert_eq!(rate("1.8518518518518518e-08").parts(), (18_518_518_518_518_518, 24));
        assert_eq!(rate("0.18000000000000002").parts(), (18_000_000_000_000_002, 17));
        assert_eq!(rate("2.50").parts(), (25, 1));
        assert_eq!(rate("1e3").parts(), (1000, 0));
        assert_eq!(rate("0.0"), Rate::ZERO);
        assert_eq!(rate("0e-99999"), Rate::ZERO);
    }

    #[test]
    fn what_is_no_rate_is_refused_with_the_reason() {
        for (text, error) in [
            ("-0.1", ParseRateError::Negative),
            ("NaN", ParseRateError::NotANumber),
            ("", ParseRateError::NotANumber),
            (".5", ParseRateError::NotANumber),
            ("+1", ParseRateError::NotANumber),
            ("1e", ParseRateError::NotANumber),
            ("1.00000000000000000001", ParseRateError::TooManyDigits),
            ("1e40", ParseRateError::TooManyDigits),
            ("1e-40", ParseRateError::TooManyDigits),
        ] {
            assert_eq!(Rate::from_decimal(text), Err(error), "{text}");
        }
    }

    #[test]
    fn rates_are_shown_in_full_and_compared_by_value() {
        assert_eq!(rate("0.0000025").to_string(), "0.0000025");
        assert_eq!(rate("10").to_string(), "10");
        assert!(rate("0.3") > rate("0.29999"));
        assert!(rate("1e15") > rate("1e-36"));
        assert_eq!(rate("5e-7").times(rate("1.1")), Some(rate("5.5e-7")));
    }
}
