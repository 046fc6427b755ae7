//! Moments as integers, for the arithmetic of reports.

use jiff::Timestamp;
use std::time::{Duration, SystemTime};

/// The microseconds of a quarter of an hour.
pub(crate) const QUARTER_MICROS: i64 = 15 * 60 * 1_000_000;
/// The seconds of a quarter of an hour.
pub(crate) const QUARTER_SECONDS: i64 = 15 * 60;
/// The quarters of an hour in a day of UTC.
pub(crate) const QUARTERS_PER_DAY: i32 = 96;

/// Returns the whole microseconds from 1970 to `time`, rounded down: the resolution of a record's JSON. It saturates at the
/// years -9999 and 9999.
pub(crate) fn to_micros(time: SystemTime) -> i64 {
    // A quarter less, so that the start of every quarter is a timestamp too.
    let min = Timestamp::MIN.as_microsecond() + QUARTER_MICROS;
    let max = Timestamp::MAX.as_microsecond() - QUARTER_MICROS;
    let micros = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => {
            let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
            seconds.saturating_mul(1_000_000).saturating_add(since.subsec_micros().into())
        }
        Err(error) => {
            let before = error.duration().as_nanos().div_ceil(1_000);
            i64::try_from(before).map_or(min, |micros| -micros)
        }
    };
    micros.clamp(min, max)
}

/// Returns the moment `micros` after 1970.
pub(crate) fn from_micros(micros: i64) -> SystemTime {
    let distance = Duration::from_micros(micros.unsigned_abs());
    let moment = if micros < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    };
    moment.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Returns the quarter of an hour that a moment falls into, counted from 1970.
pub(crate) fn quarter_of(micros: i64) -> i32 {
    // The clamp of `to_micros` keeps this far within range.
    i32::try_from(micros.div_euclid(QUARTER_MICROS)).unwrap_or(i32::MAX)
}

/// Returns the start of a quarter.
pub(crate) fn quarter_start(quarter: i32) -> i64 {
    i64::from(quarter) * QUARTER_MICROS
}

/// Formats a moment as RFC 3339 in UTC, with a fraction of a second only if there is one.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    Timestamp::from_microsecond(to_micros(time)).map(|time| time.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_before_1970_round_down_too() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_nanos(1);
        assert_eq!(to_micros(before), -1);
        assert_eq!(quarter_of(-1), -1);
        assert_eq!(quarter_of(0), 0);
        assert_eq!(from_micros(-1), SystemTime::UNIX_EPOCH - Duration::from_micros(1));
    }

    #[test]
    fn the_edges_are_the_years_that_a_timestamp_can_hold() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert!(rfc3339(far).starts_with("9999-12-3"), "{}", rfc3339(far));
        let early = SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 40);
        assert!(rfc3339(early).starts_with("-009999-"), "{}", rfc3339(early));
        assert!(quarter_of(to_micros(far)) < i32::MAX && quarter_of(to_micros(early)) > i32::MIN);
    }
}
