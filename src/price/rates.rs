//! Rates, and when they hold.

use crate::record::{Rate, Unit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// The rate of one unit: a base, and others for requests whose input is larger than a threshold. `None` is a rate that is
/// known to be missing, which is not the same as one that nobody mentions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct TieredRate {
    pub(super) base: Option<Rate>,
    /// Threshold and rate, by rising threshold.
    pub(super) above: Box<[(u64, Option<Rate>)]>,
}

impl TieredRate {
    /// Creates a rate for requests of all sizes.
    pub(super) fn flat(rate: Rate) -> Self {
        Self { base: Some(rate), above: Box::default() }
    }

    /// Returns the rate for a request of that much input.
    pub(super) fn at(&self, input: u64) -> Option<Rate> {
        self.above.iter().rev().find(|(start, _)| input > *start).map_or(self.base, |(_, rate)| *rate)
    }

    /// Sets the rate for requests of more than `start`; 0 is the base.
    pub(super) fn set(&mut self, start: u64, rate: Option<Rate>) {
        if start == 0 {
            self.base = rate;
        } else {
            let mut above = std::mem::take(&mut self.above).into_vec();
            above.insert(above.partition_point(|(other, _)| *other <= start), (start, rate));
            self.above = above.into();
        }
    }

    fn rates(&self) -> impl Iterator<Item = Rate> + '_ {
        self.base.into_iter().chain(self.above.iter().filter_map(|(_, rate)| *rate))
    }
}

/// The rates of one price, in the order of the units.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "RatesText", into = "RatesText")]
pub(super) struct Rates(Vec<(Unit, TieredRate)>);

/// What is known of the rate of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The rate.
    Rate(Rate),
    /// The data has the unit, but not for this tier.
    Missing,
    /// The data does not know the unit.
    Absent,
}

impl Rates {
    /// Returns the rates that are there.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (Unit, &TieredRate)> {
        self.0.iter().map(|(unit, rate)| (*unit, rate))
    }

    /// Returns the rate of a unit.
    pub(super) fn get(&self, unit: Unit) -> Option<&TieredRate> {
        self.iter().find(|(of, _)| *of == unit).map(|(_, rate)| rate)
    }

    /// Returns the rate of a unit for a request of that much input.
    pub(super) fn at(&self, unit: Unit, input: u64) -> Lookup {
        match self.get(unit).map(|rate| rate.at(input)) {
            Some(Some(rate)) => Lookup::Rate(rate),
            Some(None) => Lookup::Missing,
            None => Lookup::Absent,
        }
    }

    /// Sets the rate of a unit for requests of more than `start`; 0 is the base.
    pub(super) fn set(&mut self, unit: Unit, start: u64, rate: Option<Rate>) {
        let at = self.0.binary_search_by_key(&unit, |(of, _)| *of).unwrap_or_else(|at| {
            self.0.insert(at, (unit, TieredRate::default()));
            at
        });
        if let Some((_, tiered)) = self.0.get_mut(at) {
            tiered.set(start, rate);
        }
    }

    /// Sets all of the rate of a unit.
    pub(super) fn insert(&mut self, unit: Unit, rate: TieredRate) {
        self.retain(|of, _| of != unit);
        let at = self.0.partition_point(|(of, _)| *of < unit);
        self.0.insert(at, (unit, rate));
    }

    /// Takes out the rates for which `keep` does not hold.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(Unit, &TieredRate) -> bool) {
        self.0.retain(|(unit, rate)| keep(*unit, rate));
    }

    /// Returns whether there is no rate.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the rates of tokens times a factor, and the others; `None` where the digits do not fit.
    pub(super) fn times(&self, factor: Rate) -> Option<Self> {
        let mut scaled = self.clone();
        for (_, tiered) in scaled.0.iter_mut().filter(|(unit, _)| unit.is_token()) {
            let bases = tiered.base.iter_mut();
            for rate in bases.chain(tiered.above.iter_mut().filter_map(|(_, rate)| rate.as_mut())) {
                *rate = rate.times(factor)?;
            }
        }
        Some(scaled)
    }

    /// Returns the first unit with a rate above what can be right.
    pub(super) fn above_ceiling(&self) -> Option<Unit> {
        self.iter()
            .find(|(unit, tiered)| tiered.rates().any(|rate| rate > unit.row().ceiling))
            .map(|(unit, _)| unit)
    }

    /// Returns the thresholds at which rates change, 0 first.
    pub(super) fn thresholds(&self) -> impl Iterator<Item = u64> {
        [0].into_iter().chain(self.0.iter().flat_map(|(_, rate)| rate.above.iter().map(|(start, _)| *start)))
    }
}

/// Rates as a snapshot has them: `{"input": "1e-6", "input>200000": "2e-6"}`, `null` for one that is known to be missing.
type RatesText = BTreeMap<String, Option<String>>;

impl TryFrom<RatesText> for Rates {
    type Error = &'static str;

    fn try_from(text: RatesText) -> Result<Self, Self::Error> {
        let mut rates = Self::default();
        for (key, rate) in &text {
            let (unit, start) = key.split_once('>').unwrap_or((key, "0"));
            let unit = Unit::from_name(unit).ok_or("no such unit")?;
            let rate = rate.as_deref().map(Rate::from_decimal).transpose();
            rates.set(unit, start.parse().map_err(|_| "no threshold")?, rate.map_err(|_| "no rate")?);
        }
        rates.0.shrink_to_fit();
        Ok(rates)
    }
}

impl From<Rates> for RatesText {
    fn from(rates: Rates) -> Self {
        let text = |rate: Option<Rate>| rate.map(|rate| format!("{}e-{}", rate.parts().0, rate.parts().1));
        let of_unit = |(unit, tiered): (Unit, &TieredRate)| {
            let above = tiered
                .above
                .iter()
                .map(move |(start, rate)| (format!("{}>{start}", unit.as_str()), text(*rate)));
            std::iter::once((unit.as_str().to_owned(), text(tiered.base))).chain(above).collect::<Vec<_>>()
        };
        rates.iter().flat_map(of_unit).collect()
    }
}

/// Seconds in a day.
const DAY: i64 = 86_400;

/// When a price holds. Times are UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Validity {
    /// At all times.
    #[default]
    Always,
    /// From a moment on, in seconds since 1970.
    From(i64),
    /// From one second of the day to before another, on some weekdays. Past midnight where the end is not after the
    /// start; an end equal to the start is the whole day.
    Daily {
        /// The weekdays as bits, Monday the lowest.
        days: u8,
        /// The first second of the day.
        start: u32,
        /// The second of the day before which it ends.
        end: u32,
        /// Seconds east of UTC of the zone in which the weekday is read; the seconds of the day are UTC all the same.
        zone: i32,
    },
}

impl Validity {
    /// Every weekday.
    pub(super) const ALL_DAYS: u8 = 0x7f;

    /// Returns whether the price holds at all times.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub(super) fn is_always(&self) -> bool {
        *self == Self::Always
    }

    /// Returns whether the price holds at `time`, in seconds since 1970.
    pub(super) fn holds(self, time: i64) -> bool {
        match self {
            Self::Always => true,
            Self::From(start) => time >= start,
            Self::Daily { days, start, end, zone } => {
                let second = time.rem_euclid(DAY);
                let (start, end) = (i64::from(start), i64::from(end));
                let within = if start < end {
                    (start..end).contains(&second)
                } else if start == end {
                    true
                } else {
                    second >= start || second < end
                };
                within && (days == Self::ALL_DAYS || days & (1 << weekday(time + i64::from(zone))) != 0)
            }
        }
    }
}

/// Returns the weekday of a moment, Monday 0. 1970-01-01 was a Thursday.
fn weekday(time: i64) -> u8 {
    u8::try_from((time.div_euclid(DAY) + 3).rem_euclid(7)).unwrap_or(0)
}

/// Whole seconds since 1970, rounded down.
pub(super) fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            -seconds - i64::from(before.subsec_nanos() > 0)
        }
    }
}

/// Returns the first second of a date spelt `YYYY-MM-DD`, in UTC.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
    Some(date.duration_since(jiff::civil::date(1970, 1, 1)).as_secs())
}

/// Returns the second of the day, in UTC, of a time spelt `HH:MM:SSZ` or with an offset.
pub(super) fn parse_time_of_day(text: &str) -> Option<u32> {
    let time: jiff::Timestamp =
        format!("1970-01-01T{text}").parse().ok().filter(|_| matches!(text.len(), 9 | 14))?;
    u32::try_from(time.as_second().rem_euclid(DAY)).ok()
}

/// Returns the second of the day of a time spelt `HH:MM` or `HH:MM:SS`.
pub(super) fn clock_seconds(text: &str) -> Option<u32> {
    let time: jiff::civil::Time = text.parse().ok().filter(|_| matches!(text.len(), 5 | 8))?;
    u32::try_from(time.duration_since(jiff::civil::Time::midnight()).as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn rate(text: &str) -> Rate {
        Rate::from_decimal(text).unwrap()
    }

    #[test]
    fn each_threshold_has_the_rates_that_hold_beyond_it() {
        let mut rates = Rates::default();
        rates.set(Unit::Output, 0, Some(rate("3e-6")));
        for (start, price) in [(256_000, None), (0, Some(rate("1e-6"))), (128_000, Some(rate("2e-6")))] {
            rates.set(Unit::Input, start, price);
        }
        for (input, expected) in [
            (0, Lookup::Rate(rate("1e-6"))),
            (128_000, Lookup::Rate(rate("1e-6"))),
            (128_001, Lookup::Rate(rate("2e-6"))),
            (256_001, Lookup::Missing),
        ] {
            assert_eq!(rates.at(Unit::Input, input), expected, "{input}");
            assert_eq!(rates.at(Unit::Output, input), Lookup::Rate(rate("3e-6")));
        }
        assert_eq!(rates.at(Unit::Pages, 1), Lookup::Absent);
        assert_eq!(RatesText::from(rates.clone()).try_into(), Ok(rates));
    }

    #[test]
    fn a_rate_a_thousand_times_too_high_is_noticed_in_every_tier() {
        let mut rates = Rates::default();
        rates.set(Unit::Output, 0, Some(rate("0.0006")));
        assert_eq!(rates.above_ceiling(), None);
        rates.set(Unit::Output, 1, Some(rate("0.0032")));
        assert_eq!(rates.above_ceiling(), Some(Unit::Output));
    }

    #[test]
    fn a_factor_applies_to_tokens_only() {
        let mut rates = Rates::default();
        rates.insert(Unit::WebSearches, TieredRate::flat(rate("0.01")));
        rates.insert(Unit::Input, TieredRate::flat(rate("2e-6")));
        let scaled = rates.times(rate("1.1")).unwrap();
        assert_eq!(scaled.at(Unit::Input, 1), Lookup::Rate(rate("2.2e-6")));
        assert_eq!(scaled.at(Unit::WebSearches, 1), Lookup::Rate(rate("0.01")));
    }

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    }

    #[test]
    fn a_start_date_holds_from_its_first_second() {
        let window = Validity::From(parse_date("2026-10-14").unwrap());
        assert!(!window.holds(at("2026-10-13T23:59:59Z")));
        assert!(window.holds(at("2026-10-14T00:00:00Z")));
    }

    #[test]
    fn hours_are_half_open_and_may_pass_midnight() {
        let hours = |start, end| Validity::Daily {
            days: Validity::ALL_DAYS,
            start: parse_time_of_day(start).unwrap(),
            end: parse_time_of_day(end).unwrap(),
            zone: 0,
        };
        let day = hours("00:30:00Z", "16:30:00Z");
        assert!(day.holds(at("2026-11-23T00:30:00Z")) && !day.holds(at("2026-11-23T16:30:00Z")));
        let night = hours("22:00:00Z", "04:00:00Z");
        assert!(night.holds(at("2026-11-23T23:00:00Z")) && night.holds(at("2026-11-23T03:59:59Z")));
        assert!(!night.holds(at("2026-11-23T04:00:00Z")));
        assert!(hours("00:00:00Z", "00:00:00Z").holds(at("2026-11-23T12:00:00Z")));
    }

    #[test]
    fn weekdays_are_read_in_the_zone_that_the_price_names() {
        let weekend = |zone| Validity::Daily { days: 0b110_0000, start: 0, end: 0, zone };
        // 2026-11-20 was a Friday; at 17:00 UTC it is Saturday in Shanghai.
        let friday = at("2026-11-20T17:00:00Z");
        assert!(!weekend(0).holds(friday));
        assert!(weekend(8 * 3600).holds(friday));
        assert!(weekend(0).holds(at("2026-11-21T00:00:00Z")));
        assert!(weekend(0).holds(at("1969-12-28T00:00:00Z")));
    }

    #[test]
    fn times_of_day_are_read_with_their_offset() {
        assert_eq!(parse_time_of_day("23:00:00+01:00"), Some(79_200));
        assert_eq!(parse_time_of_day("00:30:00+01:00"), Some(84_600));
        for bad in
            ["", "24:00:00Z", "12:00:00", "12:00Z", "12:60:00Z", "1:00:00Z", "12:00:00+0100", "-1:00:00Z"]
        {
            assert_eq!(parse_time_of_day(bad), None, "{bad}");
        }
        assert_eq!((clock_seconds("16:30"), clock_seconds("00:00:09")), (Some(59_400), Some(9)));
        for bad in ["", "24:00", "1:00", "12:60", "12", "12:00Z", "T1:00"] {
            assert_eq!(clock_seconds(bad), None, "{bad}");
        }
        for bad in ["", "2026-13-01", "2026-02-30", "2026-1-01", "20260101"] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn seconds_are_rounded_down_on_both_sides_of_1970() {
        assert_eq!(unix_seconds(UNIX_EPOCH + Duration::from_millis(1500)), 1);
        assert_eq!(unix_seconds(UNIX_EPOCH - Duration::from_millis(1500)), -2);
        assert_eq!(unix_seconds(UNIX_EPOCH - Duration::from_secs(2)), -2);
    }
}
