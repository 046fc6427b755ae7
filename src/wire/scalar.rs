//! Reads single JSON values from their raw text.

use std::borrow::Cow;

/// Returns the text of a JSON string with its escapes decoded. `None` for anything else, including strings with lone surrogates,
/// control characters or bytes that are not UTF-8.
pub(crate) fn string(raw: &[u8]) -> Option<Cow<'_, str>> {
    let [b'"', inside @ .., b'"'] = raw else { return None };
    // No early exit, so that the loop vectorizes.
    let special = |byte: &u8| matches!(byte, b'\\' | b'"' | 0..b' ');
    if inside.iter().fold(false, |found, byte| found | special(byte)) {
        return serde_json::from_slice(raw).ok().map(Cow::Owned);
    }
    std::str::from_utf8(inside).ok().map(Cow::Borrowed)
}

/// Returns the text of a JSON number as it was written, when `raw` is one.
pub(crate) fn number(raw: &[u8]) -> Option<&str> {
    std::str::from_utf8(raw).ok().filter(|text| number_length(text.as_bytes()) == Some(text.len()))
}

/// Returns the length of the JSON number at the start of `text`, if there is one.
#[inline]
pub(crate) fn number_length(text: &[u8]) -> Option<usize> {
    // Returns the end of the digits from `start` on; there must be at least one.
    let digits = |start: usize| {
        let count = text.get(start..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(start + count)
    };
    let start = usize::from(text.first() == Some(&b'-'));
    let mut end = digits(start)?;
    if text.get(start) == Some(&b'0') && end > start + 1 {
        return None;
    }
    if text.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        end = digits(end + 1 + sign)?;
    }
    Some(end)
}

/// Returns the value of a JSON `true` or `false`.
pub(crate) fn boolean(raw: &[u8]) -> Option<bool> {
    match raw {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// Returns whether `raw` is a JSON `null`.
pub(crate) fn is_null(raw: &[u8]) -> bool {
    raw == b"null"
}

/// Returns whether `raw` is a number or a literal, including the `NaN` and `Infinity` that Python writes.
pub(super) fn is_scalar(raw: &[u8]) -> bool {
    boolean(raw).is_some()
        || is_null(raw)
        || number(raw).is_some()
        || matches!(raw, b"NaN" | b"Infinity" | b"-Infinity")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_without_escapes_is_borrowed() {
        assert!(matches!(string(br#""alice""#), Some(Cow::Borrowed("alice"))));
        assert!(matches!(string("\"ålice\"".as_bytes()), Some(Cow::Borrowed("ålice"))));
        assert_eq!(string(b"\"\"").as_deref(), Some(""));
    }

    #[test]
    fn escapes_and_surrogate_pairs_are_decoded() {
        assert_eq!(string(br#""\u0061\"\\\/\b\f\n\r\t""#).as_deref(), Some("a\"\\/\u{8}\u{c}\n\r\t"));
        assert_eq!(string(br#""\ud83d\ude00""#).as_deref(), Some("😀"));
    }

    #[test]
    fn what_is_no_string_is_nothing() {
        for raw in [
            &br#""\ud83d""#[..],
            br#""\ude00x""#,
            br#""\x""#,
            b"\"\\\"",
            b"\"a\nb\"",
            b"\"\xff\"",
            b"\"a\"b\"",
            b"\"a",
            b"\"",
            b"12",
            b"null",
            b"",
        ] {
            assert_eq!(string(raw), None, "{raw:?}");
        }
    }

    #[test]
    fn numbers_are_those_of_the_standard() {
        for raw in ["0", "-0", "12", "-12.50", "1e3", "1E+3", "1.0e-3", "123456789012345678901234567890"] {
            assert_eq!(number(raw.as_bytes()), Some(raw));
            assert!(serde_json::from_str::<serde_json::Value>(raw).is_ok());
        }
        for raw in ["", "-", "01", ".5", "1.", "1e", "1e+", "+1", "1x", "0x1", "NaN", "1 ", "--1"] {
            assert_eq!(number(raw.as_bytes()), None, "{raw}");
        }
    }

    #[test]
    fn literals_are_told_apart() {
        assert_eq!(boolean(b"true"), Some(true));
        assert_eq!(boolean(b"false"), Some(false));
        assert_eq!(boolean(b"\"true\""), None);
        assert!(is_null(b"null"));
        assert!(is_scalar(b"NaN"));
        assert!(!is_scalar(b"nul"));
    }
}
