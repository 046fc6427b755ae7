//! Times as RFC 3339 text.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use std::time::SystemTime;

/// The last decimal digit of `value`.
#[inline]
fn digit(value: u64) -> u8 {
    b'0' + (value % 10) as u8
}

/// Writes `time` in quotes, in UTC and with microseconds.
pub(super) fn write_time(out: &mut Vec<u8>, time: SystemTime) {
    let time = Timestamp::try_from(time.max(SystemTime::UNIX_EPOCH)).unwrap_or(Timestamp::MAX);
    let at = Offset::UTC.to_datetime(time);
    let year = at.year().unsigned_abs().into();
    let two =
        |n: i8| -> (u8, u8) { (digit(u64::from(n.unsigned_abs()) / 10), digit(n.unsigned_abs().into())) };
    let (month, day, hour) = (two(at.month()), two(at.day()), two(at.hour()));
    let (minute, second) = (two(at.minute()), two(at.second()));
    let micros = u64::from(at.subsec_nanosecond().unsigned_abs() / 1000);
    out.extend_from_slice(&[
        b'"',
        digit(year / 1000),
        digit(year / 100),
        digit(year / 10),
        digit(year),
        b'-',
        month.0,
        month.1,
        b'-',
        day.0,
        day.1,
        b'T',
        hour.0,
        hour.1,
        b':',
        minute.0,
        minute.1,
        b':',
        second.0,
        second.1,
        b'.',
        digit(micros / 100_000),
        digit(micros / 10_000),
        digit(micros / 1000),
        digit(micros / 100),
        digit(micros / 10),
        digit(micros),
        b'Z',
        b'"',
    ]);
}

/// Reads a time: quickly as it is written here, and else in every form that RFC 3339 has.
pub(super) fn parse_time(text: &[u8]) -> Option<Timestamp> {
    let own = text.try_into().ok().and_then(parse_own_time);
    own.or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
}

/// The length of a time as it is written here.
const TIME: usize = "2026-02-28T23:59:59.000000Z".len();

/// Reads `2026-02-28T23:59:59.000000Z`, these places and no others.
fn parse_own_time(text: &[u8; TIME]) -> Option<Timestamp> {
    let marks = [text[4], text[7], text[10], text[13], text[16], text[19], text[26]];
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0i32, |number, digit| match digit {
            b'0'..=b'9' => Some(number * 10 + i32::from(digit - b'0')),
            _ => None,
        })
    };
    let small = |digits: [u8; 2]| i8::try_from(number(&digits)?).ok();
    if &marks != b"--T::.Z" {
        return None;
    }
    let year = i16::try_from(number(&[text[0], text[1], text[2], text[3]])?).ok()?;
    let micros = number(&[text[20], text[21], text[22], text[23], text[24], text[25]])?;
    let at = DateTime::new(
        year,
        small([text[5], text[6]])?,
        small([text[8], text[9]])?,
        small([text[11], text[12]])?,
        small([text[14], text[15]])?,
        small([text[17], text[18]])?,
        micros * 1000,
    );
    Offset::UTC.to_timestamp(at.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_time_out_of_range_is_written_as_the_nearest_within() {
        let epoch = SystemTime::UNIX_EPOCH;
        let written = |time| {
            let mut out = Vec::new();
            write_time(&mut out, time);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(epoch - Duration::from_secs(1)), "\"1970-01-01T00:00:00.000000Z\"");
        assert_eq!(written(epoch + Duration::from_nanos(1_999)), "\"1970-01-01T00:00:00.000001Z\"");
        assert_eq!(written(epoch + Duration::from_secs(1 << 50)), "\"9999-12-30T22:00:00.999999Z\"");
    }

    #[test]
    fn the_quick_way_reads_what_the_other_one_reads() {
        for text in
            ["2026-02-28T23:59:59.000042Z", "1970-01-01T00:00:00.000000Z", "2024-02-29T12:00:00.999999Z"]
        {
            assert_eq!(parse_own_time(text.as_bytes().try_into().unwrap()), text.parse().ok());
        }
        for bad in [
            b"2026-02-29T23:59:59.000042Z",
            b"2026-02-28T24:00:00.000000Z",
            b"2026-02-28 23:59:59.000042Z",
            b"2026-02-2:T23:59:59.000042Z",
        ] {
            assert_eq!(parse_own_time(bad), None, "{bad:?}");
        }
        assert_eq!(parse_time(b"2026-02-28T23:59:59+02:00"), "2026-02-28T21:59:59Z".parse().ok());
        assert_eq!(parse_time(b"yesterday"), None);
    }
}
