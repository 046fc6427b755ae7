//! What the raw text of a JSON value says.

use std::borrow::Cow;

/// The text of a JSON string, escapes decoded. `None` for anything that is not a string: lone surrogates, control
/// characters and bytes that are no UTF-8 included.
pub(crate) fn string(raw: &[u8]) -> Option<Cow<'_, str>> {
    let [b'"', inside @ .., b'"'] = raw else { return None };
    // All bytes are looked at, for that is done many at a time.
    let special = |byte: &u8| matches!(byte, b'\\' | b'"' | 0..b' ');
    if inside.iter().fold(false, |found, byte| found | special(byte)) {
        return serde_json::from_slice(raw).ok().map(Cow::Owned);
    }
    std::str::from_utf8(inside).ok().map(Cow::Borrowed)
}

/// The text of a JSON number as it was written.
pub(crate) fn number(raw: &[u8]) -> Option<&str> {
    let unsigned = raw.strip_prefix(b"-").unwrap_or(raw);
    let (whole, rest) = digits(unsigned);
    if whole.is_empty() || (whole.len() > 1 && whole.first() == Some(&b'0')) {
        return None;
    }
    let rest = match rest.strip_prefix(b".") {
        Some(rest) => some_digits(rest)?,
        None => rest,
    };
    let rest = match rest.split_first() {
        Some((b'e' | b'E', rest)) => {
            some_digits(rest.strip_prefix(b"+").or(rest.strip_prefix(b"-")).unwrap_or(rest))?
        }
        _ => rest,
    };
    if rest.is_empty() { std::str::from_utf8(raw).ok() } else { None }
}

/// A JSON `true` or `false`.
pub(crate) fn boolean(raw: &[u8]) -> Option<bool> {
    match raw {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// Whether it is a JSON `null`.
pub(crate) fn is_null(raw: &[u8]) -> bool {
    raw == b"null"
}

/// Whether it is a number or a word that stands for a value. Python writes `NaN` and `Infinity` too.
pub(super) fn is_scalar(raw: &[u8]) -> bool {
    boolean(raw).is_some()
        || is_null(raw)
        || number(raw).is_some()
        || matches!(raw, b"NaN" | b"Infinity" | b"-Infinity")
}

fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or((bytes, b""))
}

/// What follows one digit or more.
fn some_digits(bytes: &[u8]) -> Option<&[u8]> {
    let (digits, rest) = digits(bytes);
    if digits.is_empty() { None } else { Some(rest) }
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
    fn words_are_told_from_each_other() {
        assert_eq!(boolean(b"true"), Some(true));
        assert_eq!(boolean(b"false"), Some(false));
        assert_eq!(boolean(b"\"true\""), None);
        assert!(is_null(b"null"));
        assert!(is_scalar(b"NaN"));
        assert!(!is_scalar(b"nul"));
    }
}
