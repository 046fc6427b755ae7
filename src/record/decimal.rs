//! Decimals: read as JSON spells numbers, rounded half-even, and shown.

use crate::wire::json::number;
use std::cmp::Ordering;
use std::fmt;

/// A decimal, taken apart.
pub(super) struct Decimal<'a> {
    pub(super) is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i32,
}

impl<'a> Decimal<'a> {
    /// Takes `0.000112` or `1.12e-4` apart; `None` for what is not a JSON number.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let number = number(text.as_bytes())?;
        let (is_negative, unsigned) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        Some(Self { is_negative, whole, fraction: fraction.trim_end_matches('0'), exponent })
    }

    /// Returns the digits, from the first to the last.
    pub(super) fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.bytes()).map(|digit| digit - b'0')
    }

    /// Returns how many of the digits stand behind the point; below 0 for zeros that follow the digits.
    pub(super) fn scale(&self) -> i64 {
        let places = i64::try_from(self.fraction.len()).unwrap_or(i64::MAX);
        places.saturating_sub(self.exponent.into())
    }
}

/// A number that is shown with a decimal point.
pub(super) struct FixedPoint {
    whole: u128,
    fraction: u128,
    places: usize,
}

impl FixedPoint {
    /// Creates a number from all of its digits, the last `places` of which stand behind the point: 38 at most.
    pub(super) const fn new(value: u128, places: usize) -> Self {
        let unit = 10u128.pow(places as u32);
        Self { whole: value / unit, fraction: value % unit, places }
    }

    /// Leaves out zeros at the end of the fraction.
    pub(super) const fn trimmed(mut self) -> Self {
        while self.places > 0 && self.fraction.is_multiple_of(10) {
            self.fraction /= 10;
            self.places -= 1;
        }
        self
    }
}

impl fmt::Display for FixedPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.places {
            0 => write!(f, "{}", self.whole),
            places => write!(f, "{}.{:0places$}", self.whole, self.fraction),
        }
    }
}

/// Rounds `whole` and a rest to the nearest whole number, and to the even one where the rest is a half.
pub(crate) fn round_half_even(whole: u128, rest_to_half: Ordering) -> Option<u128> {
    match rest_to_half {
        Ordering::Greater => whole.checked_add(1),
        Ordering::Equal => whole.checked_add(whole % 2),
        Ordering::Less => Some(whole),
    }
}

/// Divides and rounds half-even; `None` for a division by zero.
pub(crate) fn divide_half_even(value: u128, by: u128) -> Option<u128> {
    let rest = value.checked_rem(by)?;
    round_half_even(value / by, rest.cmp(&(by - rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_is_rounded_to_the_even_neighbour() {
        for (value, by, rounded) in [(5, 2, 2), (7, 2, 4), (5, 3, 2), (4, 3, 1), (6, 3, 2), (0, 7, 0)] {
            assert_eq!(divide_half_even(value, by), Some(rounded), "{value}/{by}");
        }
        assert_eq!(divide_half_even(1, 0), None);
        assert_eq!(divide_half_even(u128::MAX, u128::MAX), Some(1));
    }

    #[test]
    fn a_decimal_is_its_digits_and_the_place_of_the_point() {
        for (text, digits, scale) in
            [("1.50", &[1, 5][..], 1), ("-2e3", &[2], -3), ("0.07E-1", &[0, 0, 7], 3), ("10", &[1, 0], 0)]
        {
            let decimal = Decimal::parse(text).unwrap();
            assert_eq!(
                (decimal.digits().collect::<Vec<_>>(), decimal.scale()),
                (digits.to_vec(), scale),
                "{text}"
            );
        }
        for bad in [
            "",
            "-",
            "00",
            "01.5",
            ".5",
            "5.",
            "1e",
            "e1",
            "NaN",
            "0x1",
            "1_000",
            "+1",
            "1e99999999999",
            " 1",
        ] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
    }
}
