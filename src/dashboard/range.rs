//! From when to when, as people and programs say it.

use super::params::{Params, one_of};
use super::problem::Problem;
use crate::report::instant::{QUARTER_MICROS, QUARTERS_PER_DAY, from_micros, quarter_start, to_micros};
use crate::report::window::start_of;
use crate::report::{QueryError, Step, Window, Zone};
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan};
use std::time::SystemTime;

/// Ranges that have a name: the last so many steps, of which the last one is the current one.
const NAMED: [(&str, Option<(u32, Step)>); 6] = [
    ("24h", Some((24, Step::Hour))),
    ("7d", Some((7, Step::Day))),
    ("30d", Some((30, Step::Day))),
    ("90d", Some((90, Step::Day))),
    ("12m", Some((12, Step::Month))),
    ("all", None),
];

/// The names and what people call them.
pub(super) const LABELS: [(&str, &str); 6] = [
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
    ("90d", "Last 90 days"),
    ("12m", "Last 12 months"),
    ("all", "All time"),
];

/// The window that `range`, or else `from` and `to`, ask for; all time unless told.
pub(super) fn window(params: &Params, zone: &Zone, now: SystemTime) -> Result<Window, Problem> {
    if let Some(name) = params.get("range") {
        return Ok(match one_of("range", name, NAMED)? {
            Some((count, step)) => Window::last(count, step, zone, now)?,
            None => Window::ALL,
        });
    }
    let from = params.get("from").map(|text| moment("from", text, zone, false)).transpose()?;
    let to = params.get("to").map(|text| moment("to", text, zone, true)).transpose()?;
    match (from, to) {
        (Some(from), Some(to)) if to <= from => Err(Problem::of("to", "must be after from")),
        (from, to) => Ok(Window::of(from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX))),
    }
}

/// A moment: RFC 3339, or a local date, or a local date and time. A date to end with is within.
fn moment(field: &'static str, text: &str, zone: &Zone, end: bool) -> Result<i64, Problem> {
    let wrong = || {
        let what = "must be a date (2026-03-01), a date and time (2026-03-01T17:00), or one with an offset";
        Problem::of(field, what)
    };
    let micros = if let Ok(time) = text.parse::<Timestamp>() {
        time.as_microsecond()
    } else if text.contains(['T', 't', ' ']) {
        let local: DateTime = text.parse().map_err(|_| wrong())?;
        zone.tz().to_timestamp(local).map_err(|_| wrong())?.as_microsecond()
    } else {
        let day: Date = text.parse().map_err(|_| wrong())?;
        let day = if end { day.checked_add(1.day()).map_err(|_| wrong())? } else { day };
        start_of(zone, day).map_err(|_| wrong())?
    };
    if micros % QUARTER_MICROS != 0 {
        return Err(Problem::of(field, QueryError::WithinQuarter));
    }
    Ok(micros)
}

/// The zone of a question.
pub(super) fn zone(params: &Params, unless: &Zone) -> Result<Zone, Problem> {
    params.get("zone").map_or_else(|| Ok(unless.clone()), read_zone)
}

/// A zone by its name, `UTC`, or its offset, `+05:45`.
fn read_zone(text: &str) -> Result<Zone, Problem> {
    if text == "UTC" {
        return Ok(Zone::UTC);
    }
    let offset = || {
        // In a query string that was written by hand, a plus is a space.
        let (sign, digits) = match text.split_at_checked(1)? {
            ("+" | " ", digits) => (1, digits),
            ("-", digits) => (-1, digits),
            _ => return None,
        };
        let (hours, minutes) = digits.split_once(':')?;
        let number = |text: &str| {
            let two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<i32>().ok().filter(|_| two)
        };
        Zone::fixed(sign * (number(hours)? * 60 + number(minutes)?)).ok()
    };
    let zone = offset().or_else(|| Zone::named(text).ok());
    zone.ok_or_else(|| {
        Problem::of("zone", "must be UTC, an IANA name (Europe/Berlin), or an offset (+05:45)")
    })
}

/// The steps in which a window is best looked at: some twenty-four to some hundred of them.
pub(super) fn step(
    params: &Params,
    window: Window,
    told: Option<(SystemTime, SystemTime)>,
) -> Result<Step, Problem> {
    const STEPS: [(&str, Step); 4] =
        [("hour", Step::Hour), ("day", Step::Day), ("week", Step::Week), ("month", Step::Month)];
    if let Some(name) = params.get("step") {
        return one_of("step", name, STEPS);
    }
    const HOUR: i64 = 4 * QUARTER_MICROS;
    let first = window.start().or(told.map(|(first, _)| first)).map(to_micros);
    let last = window.end().or(told.map(|(_, last)| last)).map(to_micros);
    let Some(length) = first.zip(last).map(|(first, last)| last.saturating_sub(first)) else {
        return Ok(Step::Day);
    };
    Ok(match length / HOUR {
        ..=49 => Step::Hour,
        50..=2_400 => Step::Day,
        2_401..=17_520 => Step::Week,
        _ => Step::Month,
    })
}

/// The window with what of it is finer than what is kept widened to whole days of UTC. A store tells days apart from
/// `days_from`, quarters of an hour from `quarters_from`.
pub(super) fn coarsened(window: Window, quarters_from: SystemTime) -> Window {
    const DAY: i64 = QUARTER_MICROS * QUARTERS_PER_DAY as i64;
    let fine = to_micros(quarters_from);
    let (start, end) = window.bounds();
    let round = |micros: i64, up: i64| match micros {
        i64::MIN | i64::MAX => micros,
        micros if micros >= fine => micros,
        micros => (micros + up).div_euclid(DAY) * DAY,
    };
    Window::of(round(start, 0), round(end, DAY - 1))
}

/// The window that is at least from `start` until `end` in seconds since 1970, with edges at whole quarters of an hour.
pub(super) fn around(start: i64, end: i64) -> Window {
    let quarter = |seconds: i64, up: i64| {
        let quarter = seconds.saturating_add(up).div_euclid(QUARTER_MICROS / 1_000_000);
        i32::try_from(quarter).map_or(if quarter < 0 { i64::MIN } else { i64::MAX }, quarter_start)
    };
    let (start, end) = (quarter(start, 0), quarter(end, QUARTER_MICROS / 1_000_000 - 1));
    Window::of(inside(start), inside(end))
}

/// The moment itself, at a whole quarter of an hour, or the last such moment towards it that a calendar has.
pub(super) fn inside(micros: i64) -> i64 {
    let edge = to_micros(from_micros(micros));
    let towards = if edge < 0 { QUARTER_MICROS - 1 } else { 0 };
    (edge + towards).div_euclid(QUARTER_MICROS) * QUARTER_MICROS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(query: &str) -> Result<(Option<String>, Option<String>), Problem> {
        let params = Params::parse(query);
        let zone = zone(&params, &Zone::UTC)?;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_323_200 + 3_700); // 2026-03-01T01:01:40Z
        let window = window(&params, &zone, now)?;
        let text = |time: Option<SystemTime>| time.map(crate::report::instant::rfc3339);
        Ok((text(window.start()), text(window.end())))
    }

    fn bounds(from: &str, to: &str) -> (Option<String>, Option<String>) {
        (Some(from.to_owned()), Some(to.to_owned()))
    }

    #[test]
    fn ranges_are_whole_steps_of_the_zone() {
        assert_eq!(read("range=all").unwrap(), (None, None));
        assert_eq!(read("range=7d").unwrap(), bounds("2026-02-23T00:00:00Z", "2026-03-02T00:00:00Z"));
        assert_eq!(
            read("range=24h&zone=Asia/Kathmandu").unwrap(),
            bounds("2026-02-28T01:15:00Z", "2026-03-01T01:15:00Z")
        );
        assert_eq!(
            read("from=2026-02-01&to=2026-02-01&zone=%2B05:45").unwrap(),
            bounds("2026-01-31T18:15:00Z", "2026-02-01T18:15:00Z")
        );
        assert_eq!(
            read("from=2026-02-01T10:15&to=2026-02-01T10:30:00%2B01:00&zone=Europe/London")
                .unwrap_err()
                .field,
            Some("to".to_owned())
        );
    }

    #[test]
    fn what_is_no_range_is_told_by_its_field() {
        for (query, field) in [
            ("range=7x", "range"),
            ("from=yesterday", "from"),
            ("to=2026-02-30", "to"),
            ("from=2026-02-01T10:01", "from"),
            ("to=9999-12-31", "to"),
            ("zone=Mars/Olympus", "zone"),
            ("zone=%2B00:07", "zone"),
            ("zone=é", "zone"),
        ] {
            assert_eq!(read(query).unwrap_err().field.as_deref(), Some(field), "{query}");
        }
    }

    #[test]
    fn seconds_are_widened_to_quarters_however_far_away() {
        let edges = |start, end| {
            let (start, end) = around(start, end).bounds();
            (start / 1_000_000, end / 1_000_000)
        };
        assert_eq!(edges(1, 899), (0, 900));
        assert_eq!(edges(900, 900), (900, 900));
        assert_eq!(edges(-1, 1), (-900, 900));
        for (start, end) in [(i64::MIN, i64::MAX), (-1 << 40, 1 << 40), (-1 << 38, 1 << 38)] {
            assert!(around(start, end).quarters().is_ok(), "{start} {end}");
        }
    }

    #[test]
    fn only_the_edges_that_are_too_fine_are_widened() {
        let at = |text: &str| from_micros(text.parse::<Timestamp>().unwrap().as_microsecond());
        let window = Window::new(at("2026-01-01T05:00:00Z"), at("2026-03-01T05:00:00Z"));
        let coarse = coarsened(window, at("2026-02-01T00:00:00Z"));
        assert_eq!(coarse, Window::new(at("2026-01-01T00:00:00Z"), at("2026-03-01T05:00:00Z")));
        assert_eq!(coarsened(Window::ALL, at("2026-02-01T00:00:00Z")), Window::ALL);
    }

    #[test]
    fn steps_suit_the_length_of_the_window() {
        let day = |days: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(days * 86_400);
        let step = |query, days| step(&Params::parse(query), Window::ALL, Some((day(0), day(days)))).unwrap();
        assert_eq!(
            [step("", 1), step("", 30), step("", 400), step("", 4_000)],
            [Step::Hour, Step::Day, Step::Week, Step::Month]
        );
        assert_eq!(step("step=hour", 4_000), Step::Hour);
    }
}
