//! Amounts of measures as people and programs write them.

use super::problem::Problem;
use crate::record::{Rate, Usd};
use crate::report::instant::from_micros;
use crate::report::{Amount, Measure, Ratio, UserFilter};
use jiff::Timestamp;
use std::time::Duration;

/// What a measure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Number,
    /// A share of one.
    Share,
    Dollars,
    Microseconds,
    Moment,
}

pub(super) fn unit(measure: Measure) -> Unit {
    match measure {
        Measure::Cost | Measure::CostPerRequest => Unit::Dollars,
        Measure::ErrorRate => Unit::Share,
        Measure::MedianLatency | Measure::P95Latency | Measure::MedianFirstToken | Measure::P95FirstToken => {
            Unit::Microseconds
        }
        Measure::FirstActive | Measure::LastActive => Unit::Moment,
        _ => Unit::Number,
    }
}

/// An amount to compare a measure with. Numbers are decimals and not negative; moments are RFC 3339.
pub(super) fn read(field: &str, measure: Measure, text: &str) -> Result<Amount, Problem> {
    let wrong = |what| Problem::of(field, what);
    match unit(measure) {
        Unit::Dollars => Usd::from_decimal(text)
            .map(Amount::from)
            .map_err(|_| wrong("must be an amount of dollars, as a decimal number")),
        Unit::Moment => text
            .parse::<Timestamp>()
            .map(|time| from_micros(time.as_microsecond()).into())
            .map_err(|_| wrong("must be a time with an offset (2026-03-01T00:00:00Z)")),
        Unit::Microseconds => {
            let micros = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
            micros
                .map(|micros| Duration::from_micros(micros).into())
                .ok_or_else(|| wrong("must be a whole number of microseconds"))
        }
        Unit::Number | Unit::Share => number(text)
            .map(Amount::from)
            .ok_or_else(|| wrong("must be a decimal number that is not negative, of at most 19 digits")),
    }
}

fn number(text: &str) -> Option<Ratio> {
    let (digits, places) = Rate::from_decimal(text).ok()?.parts();
    Some(Ratio::new(digits, 10u64.checked_pow(places.into())?))
}

/// A condition as `cost_usd>=0.5`, `requests<=10`.
pub(super) fn condition(text: &str) -> Result<UserFilter, Problem> {
    let (name, at_least, amount) = parts(text).ok_or_else(|| {
        Problem::of("filter", "must be a column, >= or <=, and an amount, as in cost_usd>=0.5")
    })?;
    let measure = measure("filter", name)?;
    let amount = read("filter", measure, amount)?;
    Ok(if at_least { UserFilter::AtLeast(measure, amount) } else { UserFilter::AtMost(measure, amount) })
}

/// The column, whether it is the least amount, and the amount of a condition.
pub(super) fn parts(text: &str) -> Option<(&str, bool, &str)> {
    let at_least = text.split_once(">=").map(|(name, amount)| (name, true, amount));
    at_least.or_else(|| text.split_once("<=").map(|(name, amount)| (name, false, amount)))
}

/// A measure by the name of its column.
pub(super) fn measure(field: &'static str, name: &str) -> Result<Measure, Problem> {
    Measure::named(name).ok_or_else(|| {
        let names: Vec<_> = Measure::ALL.iter().map(|measure| measure.as_str()).collect();
        Problem::of(field, format_args!("must name one of the columns {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_exactly_in_the_unit_of_their_measure() {
        let least = |measure, amount| UserFilter::AtLeast(measure, amount);
        assert_eq!(condition("requests>=10").unwrap(), least(Measure::Requests, 10.into()));
        assert_eq!(
            condition("cost_usd<=0.1").unwrap(),
            UserFilter::AtMost(Measure::Cost, Usd::from_picos(100_000_000_000).into())
        );
        assert_eq!(
            condition("error_rate>=0.25").unwrap(),
            least(Measure::ErrorRate, Ratio::new(1, 4).into())
        );
        assert_eq!(
            condition("latency_p50_us>=1500").unwrap(),
            least(Measure::MedianLatency, Duration::from_micros(1_500).into())
        );
        assert_eq!(
            condition("last_active>=1970-01-01T00:00:00Z").unwrap(),
            least(Measure::LastActive, std::time::SystemTime::UNIX_EPOCH.into())
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
            assert_eq!(condition(bad).unwrap_err().field.as_deref(), Some("filter"), "{bad}");
        }
    }
}
