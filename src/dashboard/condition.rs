//! Conditions on figures, as people and programs write them.

use super::rejection::Rejection;
use crate::record::Usd;
use crate::report::{Amount, Measure, MeasureUnit, Ratio, UserFilter};
use jiff::Timestamp;
use std::time::{Duration, SystemTime};

/// Reads a condition: `cost_usd>=0.5`, `requests<=10`.
pub(super) fn read(text: &str) -> Result<UserFilter, Rejection> {
    let (name, at_least, text) = parts(text).ok_or_else(|| {
        Rejection::of("filter", "must be a column, >= or <=, and an amount, as in cost_usd>=0.5")
    })?;
    let measure = measure("filter", name)?;
    let amount = amount("filter", measure, text)?;
    Ok(if at_least { UserFilter::AtLeast(measure, amount) } else { UserFilter::AtMost(measure, amount) })
}

/// Splits a condition into its column, whether the amount is the least one, and the amount.
pub(super) fn parts(text: &str) -> Option<(&str, bool, &str)> {
    let at_least = text.split_once(">=").map(|(name, amount)| (name, true, amount));
    at_least.or_else(|| text.split_once("<=").map(|(name, amount)| (name, false, amount)))
}

/// Finds the measure of a column.
pub(super) fn measure(field: &'static str, name: &str) -> Result<Measure, Rejection> {
    Measure::named(name).ok_or_else(|| {
        let names: Vec<_> = Measure::ALL.iter().map(|measure| measure.as_str()).collect();
        Rejection::of(field, format_args!("must name one of the columns {}", names.join(", ")))
    })
}

/// Reads an amount in the unit of its measure. Numbers are decimals and not negative; times are RFC 3339.
pub(super) fn amount(field: &str, measure: Measure, text: &str) -> Result<Amount, Rejection> {
    let (amount, what): (Option<Amount>, _) = match measure.unit() {
        MeasureUnit::Dollars | MeasureUnit::AverageDollars => (
            Usd::from_decimal(text).ok().map(Amount::from),
            "must be an amount of dollars, as a decimal number",
        ),
        MeasureUnit::Time => {
            let time = text.parse::<Timestamp>().ok().and_then(|time| SystemTime::try_from(time).ok());
            (time.map(Amount::from), "must be a time with an offset (2026-03-01T00:00:00Z)")
        }
        MeasureUnit::Microseconds => {
            let micros = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
            let duration = micros.map(Duration::from_micros);
            (duration.map(Amount::from), "must be a whole number of microseconds")
        }
        _ => (
            Ratio::from_decimal(text).map(Amount::from),
            "must be a decimal number that is not negative, of at most 19 digits",
        ),
    };
    amount.ok_or_else(|| Rejection::of(field, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_exactly_in_the_unit_of_their_measure() {
        let least = |measure, amount| UserFilter::AtLeast(measure, amount);
        assert_eq!(read("requests>=10").unwrap(), least(Measure::Requests, 10.into()));
        assert_eq!(
            read("cost_usd<=0.1").unwrap(),
            UserFilter::AtMost(Measure::Cost, Usd::from_picos(100_000_000_000).into())
        );
        assert_eq!(read("error_rate>=0.25").unwrap(), least(Measure::ErrorRate, Ratio::new(1, 4).into()));
        assert_eq!(
            read("latency_p50_us>=1500").unwrap(),
            least(Measure::MedianLatency, Duration::from_micros(1_500).into())
        );
        assert_eq!(
            read("last_active>=1970-01-01T00:00:00Z").unwrap(),
            least(Measure::LastActive, SystemTime::UNIX_EPOCH.into())
        );
    }

    #[test]
    fn what_is_no_condition_is_told() {
        for bad in [
            "requests",
            "requests>10",
            "Requests>=1",
            "requests>=-1",
            "requests>=1e30",
            "cost_usd>=x",
            "last_active>=2026-01-01",
            "latency_p50_us>=1.5",
            "requests>=0.00000000000000000001",
        ] {
            assert_eq!(read(bad).unwrap_err().field.as_deref(), Some("filter"), "{bad}");
        }
    }
}
