//! Figures as people read them. A figure that is not known is a dash, never 0.

use crate::record::Usd;
use crate::report::{Amount, Measure, MeasureUnit, Ratio, Zone};
use jiff::Timestamp;
use jiff::tz::Offset;
use std::time::SystemTime;

/// Stands for what is not known.
pub(super) const UNKNOWN: &str = "\u{2013}";

/// A figure in a short and in its exact form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) short: String,
    /// Empty if it is the same.
    pub(super) whole: String,
}

impl Figure {
    fn of(short: String, whole: String) -> Self {
        Self { whole: if whole == short { String::new() } else { whole }, short }
    }

    pub(super) fn count(count: u64) -> Self {
        let whole = grouped(count.into());
        Self::of(compact(count), whole)
    }

    pub(super) fn maybe_count(count: Option<u64>) -> Self {
        count.map_or_else(Self::unknown, Self::count)
    }

    pub(super) fn cost(cost: Option<Usd>) -> Self {
        cost.map_or_else(Self::unknown, |cost| Self::of(money(cost), format!("${cost}")))
    }

    pub(super) fn unknown() -> Self {
        Self { short: UNKNOWN.to_owned(), whole: "not known".to_owned() }
    }

    pub(super) fn share(ratio: Ratio) -> Self {
        match ratio.value_in(1_000) {
            None => Self::unknown(),
            Some(permille) => Self::of(
                format!("{}.{} %", permille / 10, permille % 10),
                format!("{} of {}", grouped(ratio.sum.into()), grouped(ratio.over.into())),
            ),
        }
    }

    /// Formats the amount of a measure.
    pub(super) fn measure(measure: Measure, amount: Option<Amount>, zone: &Zone) -> Self {
        match amount {
            Some(Amount::Count(count)) => Self::count(count),
            Some(Amount::Ratio(ratio)) if measure.unit() == MeasureUnit::Share => Self::share(ratio),
            Some(Amount::Ratio(ratio)) if ratio.over == 0 => Self::unknown(),
            Some(Amount::Ratio(ratio)) => {
                let of = format!("{} over {}", grouped(ratio.sum.into()), grouped(ratio.over.into()));
                let short = match ratio.value_in(1) {
                    Some(whole) if whole >= 1_000 => grouped(whole),
                    _ => format!("{ratio:.1}"),
                };
                Self::of(short, of)
            }
            Some(Amount::Cost(cost)) => Self::cost(Some(cost)),
            Some(Amount::MeanCost(mean)) => Self::cost(mean.value()),
            Some(Amount::Duration(duration)) => {
                let micros = duration.as_micros();
                Self::of(length(micros), format!("{} \u{b5}s", grouped(micros)))
            }
            Some(Amount::Time(time)) => Self::of(minute(time, zone), second(time, zone)),
            _ => Self::unknown(),
        }
    }
}

/// Formats a number as `12,345`.
pub(super) fn grouped(count: u128) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Formats a number as `12,345`, and from a hundred thousand on with three digits: `1.23 M`.
pub(super) fn compact(count: u64) -> String {
    const UNITS: [(u64, &str); 5] = [
        (1_000_000_000_000_000, "P"),
        (1_000_000_000_000, "T"),
        (1_000_000_000, "B"),
        (1_000_000, "M"),
        (1_000, "k"),
    ];
    if count < 100_000 {
        return grouped(count.into());
    }
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| count >= *unit).unwrap_or((1, ""));
    let (whole, rest) = (count / unit, u128::from(count % unit));
    let hundredths = rest * 100 / u128::from(unit);
    match whole {
        ..10 => format!("{whole}.{hundredths:02} {name}"),
        10..100 => format!("{whole}.{} {name}", hundredths / 10),
        _ => format!("{} {name}", grouped(whole.into())),
    }
}

/// Formats money as `$1,234.50`, and below a dollar with three digits: `$0.00123`.
pub(super) fn money(cost: Usd) -> String {
    const DOLLAR: u128 = 1_000_000_000_000;
    let sign = if cost.picos() < 0 { "\u{2212}" } else { "" };
    let picos = cost.picos().unsigned_abs();
    if picos == 0 {
        return "$0".to_owned();
    }
    let zeros = 12usize.saturating_sub(picos.to_string().len());
    let places = if picos >= DOLLAR { 2 } else { (zeros + 3).min(12) };
    let text = format!("{cost:.places$}");
    let (whole, fraction) = text.trim_start_matches('-').split_once('.').unwrap_or((&text, "00"));
    format!("{sign}${}.{fraction}", grouped(whole.parse().unwrap_or_default()))
}

/// Formats money like [`money`], but without the zeros after the cents.
pub(super) fn round_money(cost: Usd) -> String {
    let text = money(cost);
    let Some((whole, fraction)) = text.split_once('.') else { return text };
    let fraction = fraction.trim_end_matches('0');
    format!("{whole}.{fraction:0<2}")
}

/// Formats a duration as `850 µs`, `320 ms`, `1.25 s`, `2 m 05 s`.
pub(super) fn length(micros: u128) -> String {
    match micros {
        ..1_000 => format!("{micros} \u{b5}s"),
        1_000..1_000_000 => format!("{} ms", micros / 1_000),
        1_000_000..60_000_000 => format!("{}.{:02} s", micros / 1_000_000, micros / 10_000 % 100),
        _ => format!("{} m {:02} s", micros / 60_000_000, micros / 1_000_000 % 60),
    }
}

/// Formats a time in the zone as `2026-03-01 17:05`.
pub(super) fn minute(time: SystemTime, zone: &Zone) -> String {
    local(time, zone, "%Y-%m-%d %H:%M")
}

/// Formats a time in the zone as `2026-03-01 17:05:42 +01:00`.
pub(super) fn second(time: SystemTime, zone: &Zone) -> String {
    let minutes = zone.offset(time) / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    format!("{} {sign}{hours:02}:{minutes:02}", local(time, zone, "%Y-%m-%d %H:%M:%S"))
}

fn local(time: SystemTime, zone: &Zone, form: &str) -> String {
    let offset = Offset::from_seconds(zone.offset(time)).ok();
    let local = offset.and_then(|offset| Some(offset.to_datetime(Timestamp::try_from(time).ok()?)));
    local.map(|local| local.strftime(form).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn counts_are_grouped_and_large_ones_shortened_downwards() {
        assert_eq!([0, 999, 1_000, 99_999].map(compact), ["0", "999", "1,000", "99,999"]);
        assert_eq!([100_000, 1_239_999, 12_345_678].map(compact), ["100 k", "1.23 M", "12.3 M"]);
        assert_eq!(compact(u64::MAX), "18,446 P");
        assert_eq!(Figure::count(1_239_999).whole, "1,239,999");
    }

    #[test]
    fn money_keeps_the_digits_that_matter() {
        let of = |text: &str| money(text.parse().unwrap());
        assert_eq!(
            ["0", "1234.5", "0.5", "0.000712", "0.0000000001234", "-2", "0.12345", "0.9999"].map(of),
            [
                "$0",
                "$1,234.50",
                "$0.500",
                "$0.000712",
                "$0.000000000123",
                "\u{2212}$2.00",
                "$0.123",
                "$1.000"
            ]
        );
    }

    #[test]
    fn round_money_has_no_zeros_but_those_of_cents() {
        let of = |text: &str| round_money(text.parse().unwrap());
        assert_eq!(["0", "0.5", "0.002", "1234.5"].map(of), ["$0", "$0.50", "$0.002", "$1,234.50"]);
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        assert_eq!(Figure::cost(None).short, UNKNOWN);
        assert_eq!(Figure::share(Ratio::new(0, 0)).short, UNKNOWN);
        assert_eq!(Figure::share(Ratio::new(1, 3)).short, "33.3 %");
    }

    #[test]
    fn times_are_those_of_the_zone() {
        let zone = Zone::fixed(345).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(59);
        assert_eq!(minute(time, &zone), "1970-01-01 05:45");
        assert_eq!(second(time, &zone), "1970-01-01 05:45:59 +05:45");
        assert_eq!(
            [850, 320_999, 1_254_000, 125_000_000].map(length),
            ["850 \u{b5}s", "320 ms", "1.25 s", "2 m 05 s"]
        );
    }
}
