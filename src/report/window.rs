//! From when to when, and in which steps.

use super::error::QueryError;
use super::instant::{QUARTER_MICROS, from_micros, to_micros};
use super::zone::Zone;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use std::time::SystemTime;

/// From when to when: half-open, so that adjacent windows neither overlap nor leave a gap. A call belongs to the moment
/// at which it started. All time is spelled [`Window::ALL`].
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_llm_metrics::report::{Step, Window, Zone};
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_323_200 + 3_700); // 2026-03-01T01:01:40Z
/// let today = Window::current(Step::Day, &Zone::UTC, now).unwrap();
/// assert!(today.contains(now));
/// assert!(!today.contains(today.end().unwrap()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    start: i64,
    end: i64,
}

impl Window {
    /// All time.
    pub const ALL: Self = Self { start: i64::MIN, end: i64::MAX };

    /// Creates the window from `start` until before `end`, which is empty if it ends before it starts.
    pub fn new(start: SystemTime, end: SystemTime) -> Self {
        Self::of(to_micros(start), to_micros(end))
    }

    pub(crate) fn of(start: i64, end: i64) -> Self {
        Self { start, end: end.max(start) }
    }

    /// Creates the window from `start` on.
    pub fn since(start: SystemTime) -> Self {
        Self { start: to_micros(start), ..Self::ALL }
    }

    /// Creates the window of everything before `end`.
    pub fn until(end: SystemTime) -> Self {
        Self { end: to_micros(end), ..Self::ALL }
    }

    /// Creates the window of the whole hour, day, week or month of `zone` that `now` falls into.
    ///
    /// # Errors
    /// When a calendar has no such day.
    pub fn current(step: Step, zone: &Zone, now: SystemTime) -> Result<Self, QueryError> {
        Self::last(1, step, zone, now)
    }

    /// Creates the window of the last `count` hours, days, weeks or months of `zone`, up to and including the whole one that
    /// `now` falls into.
    ///
    /// # Errors
    /// When a calendar has no such day.
    pub fn last(count: u32, step: Step, zone: &Zone, now: SystemTime) -> Result<Self, QueryError> {
        let now = to_micros(now);
        let end = step.next(zone, now)?;
        let mut start = step.floor(zone, now)?;
        for _ in 1..count {
            start = step.floor(zone, start - 1)?;
        }
        Ok(Self { start, end })
    }

    /// Returns the start; `None` if it has none.
    pub fn start(&self) -> Option<SystemTime> {
        (self.start != i64::MIN).then(|| from_micros(self.start))
    }

    /// Returns the end; `None` if it has none.
    pub fn end(&self) -> Option<SystemTime> {
        (self.end != i64::MAX).then(|| from_micros(self.end))
    }

    /// Whether a moment is within.
    pub fn contains(&self, moment: SystemTime) -> bool {
        (self.start..self.end).contains(&to_micros(moment))
    }

    /// Returns the part that both windows share.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self::of(self.start.max(other.start), self.end.min(other.end))
    }

    /// Widens it to whole quarters of an hour (UTC), the finest that stores keep.
    #[must_use]
    pub fn to_quarters(self) -> Self {
        self.widened(QUARTER_MICROS, i64::MAX)
    }

    /// Widens it to whole days of UTC where it begins or ends before `quarters_from`: to what a store can answer that found
    /// it [`TooFine`](QueryError::TooFine).
    #[must_use]
    pub fn to_days_before(self, quarters_from: SystemTime) -> Self {
        self.widened(24 * HOUR, to_micros(quarters_from))
    }

    /// Rounds the bounds that are before `until` outwards to multiples of `unit`.
    fn widened(self, unit: i64, until: i64) -> Self {
        let round = |micros: i64, up: i64| match micros {
            i64::MIN | i64::MAX => micros,
            micros if micros >= until => micros,
            micros => (micros + up).div_euclid(unit) * unit,
        };
        Self::of(round(self.start, 0), round(self.end, unit - 1))
    }

    /// Returns the bounds in microseconds, the least and the largest number where it has none.
    pub(crate) fn bounds(&self) -> (i64, i64) {
        (self.start, self.end)
    }
}

/// The length of the steps of a series, by the clock and the calendar of the question's zone.
///
/// Days, weeks (from Monday, as in ISO 8601) and months begin at the first moment of their first day. An hour begins when
/// the clock shows a full one, and also when the clock jumps within an hour. So every moment is in exactly one step, and the
/// steps of a window add up to it, also on days on which the clock changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// An hour of the clock.
    Hour,
    /// A day of the calendar, usually of 23 to 25 hours.
    Day,
    /// Seven days from Monday.
    Week,
    /// A month of the calendar.
    Month,
}

impl Step {
    /// Returns the name: `hour`, `day`, `week`, `month`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Returns the local date of a moment as `2026-03-01`, with the hour (`2026-03-01T17:00`) for steps of an hour and without
    /// the day (`2026-03`) for those of a month.
    pub fn label(self, zone: &Zone, moment: SystemTime) -> String {
        let Ok(timestamp) = timestamp(to_micros(moment)) else { return String::new() };
        let local = zone.tz().to_datetime(timestamp);
        match self {
            Self::Hour => format!("{}T{:02}:{:02}", local.date(), local.hour(), local.minute()),
            Self::Day | Self::Week => local.date().to_string(),
            Self::Month => format!("{:04}-{:02}", local.year(), local.month()),
        }
    }

    /// Returns the start of the step that a moment falls into.
    pub(crate) fn floor(self, zone: &Zone, micros: i64) -> Result<i64, QueryError> {
        if self == Self::Hour {
            let local = into_hour(zone, micros)?;
            let start = micros - local;
            // The clock may have jumped since the full hour.
            let jump = last_jump(zone, start, micros)?;
            return Ok(jump.unwrap_or(start));
        }
        let day = self.first_day(date_of(zone, micros)?)?;
        start_of(zone, day)
    }

    /// Returns the start of the step after the one that a moment falls into.
    pub(crate) fn next(self, zone: &Zone, micros: i64) -> Result<i64, QueryError> {
        if self == Self::Hour {
            let start = self.floor(zone, micros)?;
            let end = start + HOUR - into_hour(zone, start)?;
            let mut at = start + QUARTER_MICROS;
            while at < end {
                if offset_of(zone, at)? != offset_of(zone, start)? {
                    return Ok(at);
                }
                at += QUARTER_MICROS;
            }
            return Ok(end);
        }
        let mut day = self.first_day(date_of(zone, micros)?)?;
        loop {
            let span = match self {
                Self::Hour | Self::Day => 1.day(),
                Self::Week => 1.week(),
                Self::Month => 1.month(),
            };
            day = day.checked_add(span).map_err(|_| QueryError::OutOfRange)?;
            let start = start_of(zone, day)?;
            // A zone that moves across the date line leaves a day out.
            if start > micros {
                return Ok(start);
            }
        }
    }

    fn first_day(self, day: Date) -> Result<Date, QueryError> {
        match self {
            Self::Hour | Self::Day => Ok(day),
            Self::Week => {
                let since = i64::from(day.weekday().to_monday_zero_offset());
                day.checked_sub(since.days()).map_err(|_| QueryError::OutOfRange)
            }
            Self::Month => Ok(day.first_of_month()),
        }
    }

    /// Returns the edges of all steps within `start..end`, these two included: one more than there are steps. The first and
    /// the last step are cut off at the bounds of the window.
    pub(crate) fn edges(
        self,
        zone: &Zone,
        (start, end): (i64, i64),
        limit: usize,
    ) -> Result<Vec<i64>, QueryError> {
        let mut edges = vec![start];
        let mut at = start;
        while at < end {
            if edges.len() > limit {
                return Err(QueryError::TooManyPoints { limit });
            }
            at = self.next(zone, at)?.min(end);
            edges.push(at);
        }
        Ok(edges)
    }
}

const HOUR: i64 = 4 * QUARTER_MICROS;

fn timestamp(micros: i64) -> Result<Timestamp, QueryError> {
    Timestamp::from_microsecond(micros).map_err(|_| QueryError::OutOfRange)
}

/// Returns how far local time is ahead of UTC, in microseconds.
fn offset_of(zone: &Zone, micros: i64) -> Result<i64, QueryError> {
    Ok(i64::from(zone.tz().to_offset(timestamp(micros)?).seconds()) * 1_000_000)
}

/// Returns how much of an hour has passed by the local clock.
fn into_hour(zone: &Zone, micros: i64) -> Result<i64, QueryError> {
    Ok((micros + offset_of(zone, micros)?).rem_euclid(HOUR))
}

/// Finds the last quarter after `start` and up to `end` at whose start the clock jumped.
fn last_jump(zone: &Zone, start: i64, end: i64) -> Result<Option<i64>, QueryError> {
    let now = offset_of(zone, end)?;
    let mut at = end - end.rem_euclid(QUARTER_MICROS);
    while at > start {
        if offset_of(zone, at - 1)? != now {
            return Ok(Some(at));
        }
        at -= QUARTER_MICROS;
    }
    Ok(None)
}

fn date_of(zone: &Zone, micros: i64) -> Result<Date, QueryError> {
    Ok(zone.tz().to_datetime(timestamp(micros)?).date())
}

/// Returns the first moment of a day, or of the next day if the zone leaves this one out.
fn start_of(zone: &Zone, day: Date) -> Result<i64, QueryError> {
    let start = zone.tz().to_timestamp(day.at(0, 0, 0, 0)).map_err(|_| QueryError::OutOfRange)?;
    Ok(start.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn edges(step: Step, zone: &Zone, start: &str, end: &str) -> Vec<String> {
        let edges = step.edges(zone, (micros(start), micros(end)), 1_000).unwrap();
        edges.into_iter().map(|edge| timestamp(edge).unwrap().to_string()).collect()
    }

    #[test]
    fn days_weeks_and_months_begin_by_the_calendar_of_the_zone() {
        let nepal = Zone::fixed(345).unwrap();
        assert_eq!(
            edges(Step::Day, &nepal, "2026-03-01T00:00:00Z", "2026-03-02T18:30:00Z"),
            ["2026-03-01T00:00:00Z", "2026-03-01T18:15:00Z", "2026-03-02T18:15:00Z", "2026-03-02T18:30:00Z"]
        );
        assert_eq!(
            edges(Step::Week, &Zone::UTC, "2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z"),
            ["2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"]
        );
        assert_eq!(
            edges(Step::Month, &Zone::UTC, "2024-01-31T00:00:00Z", "2024-03-01T00:00:00Z"),
            ["2024-01-31T00:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"]
        );
        assert_eq!(edges(Step::Day, &nepal, "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z").len(), 1);
    }

    #[test]
    fn an_answer_with_too_many_points_is_an_error() {
        let bounds = (0, 10 * HOUR);
        assert!(Step::Hour.edges(&Zone::UTC, bounds, 10).is_ok());
        let error = Step::Hour.edges(&Zone::UTC, bounds, 9);
        assert!(matches!(error, Err(QueryError::TooManyPoints { limit: 9 })));
    }

    #[test]
    fn windows_are_half_open() {
        let window = Window::of(0, QUARTER_MICROS);
        assert!(window.contains(from_micros(0)) && window.contains(from_micros(QUARTER_MICROS - 1)));
        assert!(!window.contains(from_micros(QUARTER_MICROS)) && !window.contains(from_micros(-1)));
        let backwards = Window::new(from_micros(5), from_micros(3));
        assert!(!backwards.contains(from_micros(4)) && !backwards.contains(from_micros(5)));
    }

    #[test]
    fn windows_are_widened_to_quarters_however_far_away() {
        let second = |second: i64| from_micros(second * 1_000_000);
        let edges = |start, end| {
            let (start, end) = Window::new(second(start), second(end)).to_quarters().bounds();
            (start / 1_000_000, end / 1_000_000)
        };
        assert_eq!(edges(1, 899), (0, 900));
        assert_eq!(edges(900, 900), (900, 900));
        assert_eq!(edges(-1, 1), (-900, 900));
        let (start, end) = Window::new(second(-1 << 40), second(1 << 40)).to_quarters().bounds();
        assert!(start % QUARTER_MICROS == 0 && end % QUARTER_MICROS == 0);
        assert!(timestamp(start).is_ok() && timestamp(end).is_ok());
        assert_eq!(Window::ALL.to_quarters(), Window::ALL);
    }

    #[test]
    fn only_the_edges_that_are_too_fine_are_widened_to_days() {
        let at = |text: &str| from_micros(micros(text));
        let window = Window::new(at("2026-01-01T05:00:00Z"), at("2026-03-01T05:00:00Z"));
        let coarse = window.to_days_before(at("2026-02-01T00:00:00Z"));
        assert_eq!(coarse, Window::new(at("2026-01-01T00:00:00Z"), at("2026-03-01T05:00:00Z")));
        assert_eq!(Window::ALL.to_days_before(at("2026-02-01T00:00:00Z")), Window::ALL);
    }

    #[cfg(feature = "tz")]
    mod named {
        use super::*;

        #[test]
        fn days_on_which_the_clock_changes_are_as_long_as_they_are() {
            let berlin = Zone::named("Europe/Berlin").unwrap();
            let long = edges(Step::Day, &berlin, "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z");
            assert_eq!(long, ["2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z"]);
            let hours = Step::Hour.edges(
                &berlin,
                (micros("2025-10-25T22:00:00Z"), micros("2025-10-26T23:00:00Z")),
                99,
            );
            assert_eq!(hours.unwrap().len(), 26);
            let hours = Step::Hour.edges(
                &berlin,
                (micros("2026-03-28T23:00:00Z"), micros("2026-03-29T22:00:00Z")),
                99,
            );
            assert_eq!(hours.unwrap().len(), 24);
        }

        #[test]
        fn a_day_without_a_midnight_begins_at_its_first_moment() {
            let sao_paulo = Zone::named("America/Sao_Paulo").unwrap();
            assert_eq!(
                edges(Step::Day, &sao_paulo, "2018-11-03T03:00:00Z", "2018-11-05T02:00:00Z"),
                ["2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]
            );
        }

        #[test]
        fn a_day_that_a_zone_leaves_out_is_no_step() {
            let apia = Zone::named("Pacific/Apia").unwrap();
            assert_eq!(
                edges(Step::Day, &apia, "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z"),
                ["2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"]
            );
        }

        #[test]
        fn a_jump_of_half_an_hour_begins_an_hour_of_its_own() {
            // Clocks go from 02:00 to 01:30 at 15:00 UTC.
            let lord_howe = Zone::named("Australia/Lord_Howe").unwrap();
            let (start, end) = ("2026-04-04T13:00:00Z", "2026-04-04T16:30:00Z");
            assert_eq!(
                edges(Step::Hour, &lord_howe, start, end),
                [start, "2026-04-04T14:00:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z", end]
            );
        }

        #[test]
        fn steps_follow_each_other_and_each_moment_is_within_its_own() {
            for name in
                ["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"]
            {
                let zone = Zone::named(name).unwrap();
                for step in [Step::Hour, Step::Day, Step::Week, Step::Month] {
                    let mut at = micros("2011-12-01T00:00:00Z");
                    for _ in 0..1_500 {
                        let (floor, next) = (step.floor(&zone, at).unwrap(), step.next(&zone, at).unwrap());
                        assert!(floor <= at && at < next, "{name} {step:?} {at}");
                        assert_eq!(step.floor(&zone, next).unwrap(), next, "{name} {step:?} {at}");
                        assert_eq!(step.next(&zone, floor).unwrap(), next, "{name} {step:?} {at}");
                        assert_eq!(next % QUARTER_MICROS, 0);
                        at += 7 * QUARTER_MICROS;
                    }
                }
            }
        }
    }
}
