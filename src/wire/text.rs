//! The text of a JSON string that comes in pieces.

/// Undoes the escapes of a JSON string that comes in pieces, and hands out its text. What is neither UTF-8 nor an escape
/// becomes U+FFFD.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unescape {
    /// The beginning of a character or of an escape that the last piece cut in two.
    cut: Vec<u8>,
}

/// The escape of a surrogate pair.
const LONGEST: usize = r"\ud83d\ude00".len();

impl Unescape {
    /// Takes the next piece of what is between the quotes, of any length.
    pub(crate) fn push(&mut self, raw: &[u8], text: &mut impl FnMut(&str)) {
        let mut rest = raw;
        while !self.cut.is_empty() && !rest.is_empty() {
            let (first, after) = rest.split_at_checked(LONGEST).unwrap_or((rest, b""));
            let joined = [&*std::mem::take(&mut self.cut), first].concat();
            self.cut.extend_from_slice(read(&joined, text));
            rest = after;
        }
        self.cut.extend_from_slice(read(rest, text));
    }

    /// Ends the string.
    pub(crate) fn finish(&mut self, text: &mut impl FnMut(&str)) {
        if !self.cut.is_empty() {
            self.cut.clear();
            text(BROKEN);
        }
    }
}

const BROKEN: &str = "\u{FFFD}";

/// Hands out the text of `raw` and returns what is cut off at its end.
fn read<'a>(raw: &'a [u8], text: &mut impl FnMut(&str)) -> &'a [u8] {
    let mut rest = raw;
    while let Some((plain, escaped)) = memchr::memchr(b'\\', rest).and_then(|at| rest.split_at_checked(at)) {
        if !read_plain(plain, text).is_empty() {
            text(BROKEN);
        }
        let Some((char, length)) = escape(escaped) else { return escaped };
        text(char.encode_utf8(&mut [0; 4]));
        rest = escaped.get(length..).unwrap_or_default();
    }
    read_plain(rest, text)
}

/// Reads text up to the next escape.
fn read_plain<'a>(raw: &'a [u8], text: &mut impl FnMut(&str)) -> &'a [u8] {
    let mut rest = raw;
    for chunk in raw.utf8_chunks() {
        if !chunk.valid().is_empty() {
            text(chunk.valid());
        }
        let invalid = chunk.invalid();
        rest = rest.get(chunk.valid().len() + invalid.len()..).unwrap_or_default();
        let may_go_on = std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
        if rest.is_empty() && may_go_on {
            return invalid;
        }
        if !invalid.is_empty() {
            text(BROKEN);
        }
    }
    b""
}

/// Returns the character that `escaped` begins with and the length of its escape. `None` when it may be cut off.
fn escape(escaped: &[u8]) -> Option<(char, usize)> {
    let short = |char| Some((char, 2));
    match escaped.get(1)? {
        b'n' => short('\n'),
        b't' => short('\t'),
        b'r' => short('\r'),
        b'b' => short('\u{8}'),
        b'f' => short('\u{C}'),
        b'u' => unicode(escaped),
        &other @ (b'"' | b'\\' | b'/') => short(char::from(other)),
        _ => Some((char::REPLACEMENT_CHARACTER, 1)),
    }
}

/// Reads an escape by number.
fn unicode(escaped: &[u8]) -> Option<(char, usize)> {
    let alone = |unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
    let first = match code_unit(escaped) {
        Ok(unit) => unit,
        Err(Cut::Maybe) => return None,
        Err(Cut::Never) => return Some((char::REPLACEMENT_CHARACTER, 2)),
    };
    if !(0xD800..0xDC00).contains(&first) {
        return Some((alone(first), 6));
    }
    match code_unit(escaped.get(6..).unwrap_or_default()) {
        Ok(second @ 0xDC00..0xE000) => {
            Some((alone(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)), LONGEST))
        }
        Err(Cut::Maybe) => None,
        Ok(_) | Err(Cut::Never) => Some((char::REPLACEMENT_CHARACTER, 6)),
    }
}

/// Whether more bytes could make it an escape.
enum Cut {
    Maybe,
    Never,
}

/// Returns the number in the four digits after `\u`.
fn code_unit(escaped: &[u8]) -> Result<u32, Cut> {
    let mut unit = 0;
    for (at, expected) in [Some(b'\\'), Some(b'u'), None, None, None, None].into_iter().enumerate() {
        let byte = *escaped.get(at).ok_or(Cut::Maybe)?;
        match (expected, char::from(byte).to_digit(16)) {
            (Some(expected), _) if byte == expected => {}
            (None, Some(digit)) => unit = unit << 4 | digit,
            _ => return Err(Cut::Never),
        }
    }
    Ok(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let (mut unescape, mut text) = (Unescape::default(), String::new());
        for piece in pieces {
            unescape.push(piece, &mut |piece| text.push_str(piece));
            assert!(unescape.cut.len() < LONGEST);
        }
        unescape.finish(&mut |piece| text.push_str(piece));
        text
    }

    #[test]
    fn every_escape_is_undone() {
        let raw = r#"a\"\\\/\b\f\n\r\t\u00eb\ud83d\ude00 ë 😀"#;
        assert_eq!(text([raw.as_bytes()]), "a\"\\/\u{8}\u{C}\n\r\të😀 ë 😀");
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        for (raw, expected) in [
            (&b"a\xFFb"[..], "a\u{FFFD}b"),
            (b"a\xC3", "a\u{FFFD}"),
            (b"\xC3\\n", "\u{FFFD}\n"),
            (br"\x", "\u{FFFD}x"),
            (br"\u12", "\u{FFFD}"),
            (br"\u12zz", "\u{FFFD}12zz"),
            (br"\ud83d", "\u{FFFD}"),
            (br"\ud83d!", "\u{FFFD}!"),
            (br"\ud83dA", "\u{FFFD}A"),
            (br"\ude00", "\u{FFFD}"),
            (b"\\\xE0u\xE0u", "\u{FFFD}\u{FFFD}u\u{FFFD}u"),
        ] {
            assert_eq!(text([raw]), expected, "{}", raw.escape_ascii());
            assert_eq!(text(raw.chunks(1)), expected, "{}", raw.escape_ascii());
            assert_eq!(text(raw.chunks(2)), expected, "{}", raw.escape_ascii());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn any_text_is_the_same_however_it_is_cut(string in ".{0,40}", escaped in any::<bool>(), size in 1usize..14) {
            let raw = if escaped {
                string.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
            } else {
                let json = serde_json::to_string(&string).unwrap();
                json[1..json.len() - 1].to_owned()
            };
            prop_assert_eq!(text(raw.as_bytes().chunks(size)), string);
        }

        #[test]
        fn any_bytes_are_the_same_however_they_are_cut(
            raw in proptest::collection::vec(prop_oneof![Just(b'\\'), Just(b'u'), Just(b'd'), Just(b'8'), Just(0xE0), any::<u8>()], 0..40),
            size in 1usize..14,
        ) {
            prop_assert_eq!(text(raw.chunks(size)), text([&*raw]));
        }
    }
}
