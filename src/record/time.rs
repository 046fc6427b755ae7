//! Times as RFC 3339 text.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use std::time::SystemTime;

/// Writes `time` in UTC, cut to microseconds. A time before 1970 or after 9999 is written as the nearest within.
pub(super) fn write_time(out: &mut Vec<u8>, time: SystemTime) {
    static MICROSECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
    let time = Timestamp::try_from(time.max(SystemTime::UNIX_EPOCH)).unwrap_or(Timestamp::MAX);
    // Writing to a `Vec` does not fail.
    let _ = MICROSECONDS.print_timestamp(&time, out);
}

/// Reads a time in any form of RFC 3339.
pub(super) fn parse_time(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok()?.try_into().ok()
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
        assert_eq!(written(epoch - Duration::from_secs(1)), "1970-01-01T00:00:00.000000Z");
        assert_eq!(written(epoch + Duration::from_nanos(1_999)), "1970-01-01T00:00:00.000001Z");
        assert_eq!(written(epoch + Duration::from_secs(1 << 50)), "9999-12-30T22:00:00.999999Z");
    }

    #[test]
    fn a_time_is_read_in_any_form_of_rfc_3339() {
        let time = parse_time("2026-02-28T21:59:59Z");
        assert!(time.is_some());
        assert_eq!(parse_time("2026-02-28T23:59:59+02:00"), time);
        assert_eq!(parse_time("2026-02-28 21:59:59.000000Z"), time);
        for bad in ["2026-02-29T23:59:59.000042Z", "2026-02-28T24:00:00.000000Z", "2026-02-28", "yesterday"] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }
}
