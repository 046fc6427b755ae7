//! Between which times records lie, without reading all of them.

use super::run::place_of;
use crate::record::{Head, TIME, parse_time};

/// The earliest and the latest of times.
#[derive(Debug, Default)]
pub(super) struct Span {
    times: Option<(u64, u64)>,
    /// Those that are written as we write them: such texts sort as the times do.
    texts: Option<([u8; TIME], [u8; TIME])>,
}

impl Span {
    /// Takes in a record, if `text` is one.
    #[inline]
    pub(super) fn add(&mut self, text: &[u8]) {
        match Head::texts(text) {
            Some((_, time)) if is_own_form(time) => self.join_text(time),
            _ => self.join(place_of(text.trim_ascii_end()).ok().map(|place| place.order.0)),
        }
    }

    fn join(&mut self, time: Option<u64>) {
        let Some(time) = time else { return };
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((time.min(first), time.max(last)));
    }

    #[inline]
    fn join_text(&mut self, text: &[u8; TIME]) {
        match &mut self.texts {
            Some((first, last)) => {
                *first = *text.min(first);
                *last = *text.max(last);
            }
            None => self.texts = Some((*text, *text)),
        }
    }

    /// The first and the last time, in microseconds; `None` when there was no record. A text that is no time after all
    /// may have been any.
    pub(super) fn finish(mut self) -> Option<(u64, u64)> {
        if let Some((first, last)) = self.texts {
            self.join(Some(micros_of(&first).unwrap_or(0)));
            self.join(Some(micros_of(&last).unwrap_or(u64::MAX)));
        }
        self.times
    }
}

/// Whether the marks of a time stand where we write them and all else are digits, so that texts sort as times do; and it
/// is no leap second, which is read as the one before.
fn is_own_form(text: &[u8; TIME]) -> bool {
    let marks = [text[4], text[7], text[10], text[13], text[16], text[19], text[26]];
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    marks == *b"--T::.Z" && digits == TIME - marks.len() && text[17] < b'6'
}

fn micros_of(text: &[u8; TIME]) -> Option<u64> {
    Some(u64::try_from(parse_time(text)?.as_microsecond()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_takes_in_a_text_that_is_no_time_as_any_time() {
        let mut span = Span::default();
        span.join_text(b"2026-02-28T23:59:59.000042Z");
        span.join(Some(5));
        span.join_text(b"2026-02-28T23:59:58.000000Z");
        assert_eq!(span.finish(), Some((5, 1_772_323_199_000_042)));
        let mut span = Span::default();
        span.join_text(b"2026-02-28T23:59:59.000042Z");
        span.join_text(b"2026-02-99T23:59:59.000042Z");
        assert_eq!(span.finish(), Some((1_772_323_199_000_042, u64::MAX)));
        assert_eq!(Span::default().finish(), None);
        assert!(is_own_form(b"2026-02-28T23:59:59.000000Z"));
        assert!(!is_own_form(b"2026-02-28T23:59:59.0+02:00"));
        assert!(!is_own_form(b"2026-12-31T23:59:60.000000Z"));
        assert!(!is_own_form(br"2026-02-28T23:59:59.\u0030Z"));
    }
}
