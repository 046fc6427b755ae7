//! From when to when, in the words of people and programs.

use super::params::{Params, one_of};
use super::rejection::Rejection;
use crate::report::{QueryError, Step, Window, Zone};
use std::time::{Duration, SystemTime};

/// The number and the length of the steps of a range; all time if it has none.
type RangeSteps = Option<(u32, Step)>;

/// The ranges with a name: the label for people, and the number of steps, up to and including the current one.
pub(super) const RANGES: [(&str, &str, RangeSteps); 6] = [
    ("24h", "Last 24 hours", Some((24, Step::Hour))),
    ("7d", "Last 7 days", Some((7, Step::Day))),
    ("30d", "Last 30 days", Some((30, Step::Day))),
    ("90d", "Last 90 days", Some((90, Step::Day))),
    ("12m", "Last 12 months", Some((12, Step::Month))),
    ("all", "All time", None),
];

/// Reads the window that `range`, or else `from` and `to`, ask for. Defaults to all time.
pub(super) fn window(params: &Params, zone: &Zone, now: SystemTime) -> Result<Window, Rejection> {
    if let Some(name) = params.get("range") {
        let named = RANGES.map(|(name, _, steps)| (name, steps));
        return Ok(match one_of("range", name, named)? {
            Some((count, step)) => Window::last(count, step, zone, now)?,
            None => Window::ALL,
        });
    }
    let from = params.get("from").map(|text| moment("from", text, zone)).transpose()?;
    let to = params.get("to").map(|text| end("to", text, zone)).transpose()?;
    if from.zip(to).is_some_and(|(from, to)| to <= from) {
        return Err(Rejection::of("to", "must be after from"));
    }
    Ok(from.map_or(Window::ALL, Window::since).and(&to.map_or(Window::ALL, Window::until)))
}

fn moment(field: &'static str, text: &str, zone: &Zone) -> Result<SystemTime, Rejection> {
    let moment = zone.moment(text).ok_or_else(|| {
        let what = "must be a date (2026-03-01), a date and time (2026-03-01T17:00), or one with an offset";
        Rejection::of(field, what)
    })?;
    let window = Window::since(moment);
    if window.to_quarters() == window {
        Ok(moment)
    } else {
        Err(Rejection::of(field, QueryError::WithinQuarter))
    }
}

/// Reads the moment of an end. A date to end with is included.
fn end(field: &'static str, text: &str, zone: &Zone) -> Result<SystemTime, Rejection> {
    let moment = moment(field, text, zone)?;
    if text.contains(['T', 't', ' ']) {
        return Ok(moment);
    }
    let day = Window::current(Step::Day, zone, moment).map_err(|error| Rejection::of(field, error))?;
    Ok(day.end().unwrap_or(moment))
}

/// Reads the zone of a question.
pub(super) fn zone(params: &Params, default: &Zone) -> Result<Zone, Rejection> {
    let Some(text) = params.get("zone") else { return Ok(default.clone()) };
    text.parse().map_err(|_| {
        Rejection::of("zone", "must be UTC, an IANA name (Europe/Berlin), or an offset (+05:45)")
    })
}

/// Reads the length of the steps. Defaults to one with which a window has between some twenty and some hundred steps; what it
/// leaves open is from the first to the last call.
pub(super) fn step(
    params: &Params,
    window: Window,
    calls: Option<(SystemTime, SystemTime)>,
) -> Result<Step, Rejection> {
    const STEPS: [Step; 4] = [Step::Hour, Step::Day, Step::Week, Step::Month];
    const HOUR: u64 = 3_600;
    if let Some(name) = params.get("step") {
        return one_of("step", name, STEPS.map(|step| (step.as_str(), step)));
    }
    let first = window.start().or(calls.map(|(first, _)| first));
    let last = window.end().or(calls.map(|(_, last)| last));
    let Some((first, last)) = first.zip(last) else { return Ok(Step::Day) };
    let length = last.duration_since(first).unwrap_or(Duration::ZERO);
    Ok(match length.as_secs() / HOUR {
        ..=49 => Step::Hour,
        50..=2_400 => Step::Day,
        2_401..=17_520 => Step::Week,
        _ => Step::Month,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn read(query: &str) -> Result<(Option<String>, Option<String>), Rejection> {
        let params = Params::parse(query);
        let zone = zone(&params, &Zone::UTC)?;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_323_200 + 3_700); // 2026-03-01T01:01:40Z
        let window = window(&params, &zone, now)?;
        let text = |time: Option<SystemTime>| time.map(|time| Timestamp::try_from(time).unwrap().to_string());
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
