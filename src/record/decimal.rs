//! Decimals as JSON spells numbers, and the rounding of all that is divided.

use std::cmp::Ordering;

/// A decimal, taken apart.
pub(super) struct Decimal<'a> {
    pub(super) is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i32,
}

impl<'a> Decimal<'a> {
    /// Takes `0.000112` or `1.12e-4` apart; `None` for what JSON would not call a number. Zeros before the first digit are taken too.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (is_negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
        let digits_only = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if !digits_only(whole) || !fraction.is_none_or(digits_only) {
            return None;
        }
        // Zeros at the end say nothing.
        let fraction = fraction.unwrap_or("").trim_end_matches('0');
        Some(Self { is_negative, whole, fraction, exponent })
    }

    /// The digits.
    pub(super) fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.bytes()).map(|digit| digit - b'0')
    }

    /// How many of the digits stand behind the point, below 0 for zeros that follow them.
    pub(super) fn scale(&self) -> i64 {
        let places = i64::try_from(self.fraction.len()).unwrap_or(i64::MAX);
        places.saturating_sub(self.exponent.into())
    }
}

/// `whole` and a rest, rounded to the nearest whole number; to the even one where the rest is a half.
pub(crate) fn round_half_even(whole: u128, rest_to_half: Ordering) -> Option<u128> {
    match rest_to_half {
        Ordering::Greater => whole.checked_add(1),
        Ordering::Equal => whole.checked_add(whole % 2),
        Ordering::Less => Some(whole),
    }
}

/// `value` divided and rounded half-even; `None` for a division by zero.
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
        for bad in ["", "-", ".5", "5.", "1e", "e1", "NaN", "0x1", "1_000", "+1", "1e99999999999", " 1"] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
    }
}
