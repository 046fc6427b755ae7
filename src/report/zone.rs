//! The time zone of a question.

use super::instant::{QUARTER_SECONDS, quarter_of, quarter_start, to_micros};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

/// The time zone of a question, which decides when days, weeks and months begin. What is stored is in UTC.
///
/// ```
/// use tower_llm_metrics::report::Zone;
///
/// let nepal = Zone::fixed(5 * 60 + 45).unwrap();
/// assert_eq!(nepal.to_string(), "+05:45");
/// assert_eq!("+05:45".parse(), Ok(nepal));
/// assert_eq!(Zone::default(), Zone::UTC);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// Creates a zone that is always `minutes` ahead of UTC (behind, if negative).
    ///
    /// # Errors
    /// When it is not a multiple of 15, or more than a day.
    pub fn fixed(minutes: i32) -> Result<Self, ZoneError> {
        let seconds = minutes.checked_mul(60).filter(|s| s % 900 == 0 && s.abs() <= 86_400);
        let offset = seconds.and_then(|seconds| Offset::from_seconds(seconds).ok());
        offset.map(|offset| Self(TimeZone::fixed(offset))).ok_or(ZoneError(()))
    }

    /// Finds a zone by its IANA name (`Europe/Berlin`), daylight-saving time included, in the copy of the
    /// [time zone database](https://www.iana.org/time-zones) that is compiled in.
    ///
    /// # Errors
    /// When the database has no zone of that name.
    #[cfg(feature = "tz")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tz")))]
    pub fn named(name: &str) -> Result<Self, ZoneError> {
        TimeZone::get(name).map(Self).map_err(|_| ZoneError(()))
    }

    pub(crate) fn tz(&self) -> &TimeZone {
        &self.0
    }

    /// Returns how many seconds local time is ahead of UTC at a moment.
    pub fn offset(&self, moment: SystemTime) -> i32 {
        i32::try_from(self.offset_at(quarter_of(to_micros(moment)))).unwrap_or(0)
    }

    /// Reads a moment: a local date (`2026-03-01`, its first moment), a local date and time (`2026-03-01T17:00`), or a time with
    /// an offset ([RFC 3339](https://www.rfc-editor.org/rfc/rfc3339)). `None` if it is none of these.
    pub fn moment(&self, text: &str) -> Option<SystemTime> {
        let local = || {
            let date = || Some(text.parse::<Date>().ok()?.at(0, 0, 0, 0));
            text.parse::<DateTime>().ok().or_else(date)
        };
        let timestamp = text.parse::<Timestamp>().ok();
        timestamp.or_else(|| self.0.to_timestamp(local()?).ok())?.try_into().ok()
    }

    /// Returns how many seconds local time is ahead of UTC at the start of `quarter`.
    pub(crate) fn offset_at(&self, quarter: i32) -> i64 {
        if self.0 == TimeZone::UTC {
            return 0;
        }
        let time = Timestamp::from_microsecond(quarter_start(quarter)).unwrap_or_default();
        self.0.to_offset(time).seconds().into()
    }

    /// Returns the local day that `quarter` starts in, counted from 1970-01-01.
    pub(crate) fn day_of(&self, quarter: i32) -> i32 {
        let local = i64::from(quarter) * QUARTER_SECONDS + self.offset_at(quarter);
        i32::try_from(local.div_euclid(86_400)).unwrap_or(i32::MAX)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

/// Displays the IANA name, or the offset.
impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.0.iana_name() {
            return f.write_str(name);
        }
        let seconds = self.offset_at(0);
        let (sign, minutes) = if seconds < 0 { ('-', -seconds / 60) } else { ('+', seconds / 60) };
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads `UTC`, an IANA name (with the feature `tz`), or an offset (`+05:45`), whose plus may be a space: that is how a plus
/// arrives that stands in a query string as it is.
impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let two = |text: &str| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<i32>().ok().filter(|_| digits)
        };
        let (sign, offset) = match text.split_at_checked(1) {
            Some(("+" | " ", offset)) => (1, offset),
            Some(("-", offset)) => (-1, offset),
            _ if text == "UTC" => return Ok(Self::UTC),
            #[cfg(feature = "tz")]
            _ => return Self::named(text),
            #[cfg(not(feature = "tz"))]
            _ => return Err(ZoneError(())),
        };
        let minutes =
            offset.split_once(':').and_then(|(hours, minutes)| Some(two(hours)? * 60 + two(minutes)?));
        Self::fixed(sign * minutes.ok_or(ZoneError(()))?)
    }
}

/// The error of a time zone that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneError(());

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such time zone: an IANA name, or an offset in quarters of an hour of at most a day")
    }
}

impl std::error::Error for ZoneError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_offsets_of_whole_quarters_are_zones() {
        for bad in [1, 14, -7, 1_455, i32::MAX, i32::MIN] {
            assert!(Zone::fixed(bad).is_err(), "{bad}");
        }
        assert_eq!(Zone::fixed(-570).unwrap().to_string(), "-09:30");
    }

    #[test]
    fn zones_are_read_as_they_are_displayed() {
        for zone in [Zone::fixed(-570).unwrap(), Zone::fixed(345).unwrap(), Zone::UTC] {
            assert_eq!(zone.to_string().parse(), Ok(zone));
        }
        assert_eq!(" 05:45".parse(), Zone::fixed(345));
        for bad in ["", "+", "+5:45", "+00:07", "+05:60x", "-1:00", "é", "utc+1"] {
            assert!(bad.parse::<Zone>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_day_of_a_quarter_is_the_local_one() {
        assert_eq!(Zone::UTC.day_of(95), 0);
        assert_eq!(Zone::fixed(15).unwrap().day_of(95), 1);
        assert_eq!(Zone::UTC.day_of(-1), -1);
        assert_eq!(Zone::fixed(-15).unwrap().day_of(0), -1);
    }

    #[cfg(feature = "tz")]
    #[test]
    fn a_name_that_is_not_in_the_database_is_an_error() {
        assert!(Zone::named("Mars/Olympus").is_err());
        assert_eq!(Zone::named("Asia/Kathmandu").unwrap().to_string(), "Asia/Kathmandu");
    }
}
