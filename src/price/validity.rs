//! When a price holds.

use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

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

    /// Whether the price holds at all times.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub(super) fn is_always(&self) -> bool {
        *self == Self::Always
    }

    /// Whether the price holds at `time`, in seconds since 1970.
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

/// The weekday of a moment, Monday 0. 1970-01-01 was a Thursday.
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

/// The first second of a date spelt `YYYY-MM-DD`, in UTC.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
    Some(date.duration_since(jiff::civil::date(1970, 1, 1)).as_secs())
}

/// The second of the day, in UTC, of a time spelt `HH:MM:SSZ` or with an offset.
pub(super) fn parse_time_of_day(text: &str) -> Option<u32> {
    let time: jiff::Timestamp =
        format!("1970-01-01T{text}").parse().ok().filter(|_| matches!(text.len(), 9 | 14))?;
    u32::try_from(time.as_second().rem_euclid(DAY)).ok()
}

/// The second of the day of a time spelt `HH:MM` or `HH:MM:SS`.
pub(super) fn clock_seconds(text: &str) -> Option<u32> {
    let time: jiff::civil::Time = text.parse().ok().filter(|_| matches!(text.len(), 5 | 8))?;
    u32::try_from(time.duration_since(jiff::civil::Time::midnight()).as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
