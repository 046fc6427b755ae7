//! A small pull reader of JSON text: what a stored record is read with.
//!
//! It reads values in place and allocates only for strings with escapes. What stored records hold rarely (escapes,
//! values of unknown keys) is left to `serde_json`.

use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// The text is not the JSON that was expected here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unexpected;

type Scanned<T> = Result<T, Unexpected>;

#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// Where the next value is looked for.
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_done(&mut self) -> bool {
        self.peek().is_none()
    }

    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// Takes `byte`, which is ASCII, if it comes next.
    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes `word` if it comes next.
    fn take_word(&mut self, word: &str) -> bool {
        self.peek();
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Steps through `open … close` and calls `item` where each item begins.
    fn items<E: From<Unexpected>>(
        &mut self,
        (open, close): (u8, u8),
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.take(open) {
            return Err(Unexpected.into());
        }
        if self.take(close) {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.take(close) {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(Unexpected.into());
            }
        }
    }

    /// Reads an object: `member` is called with each key and must read its value.
    pub(super) fn object<E: From<Unexpected>>(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        self.items((b'{', b'}'), |scanner| {
            let key = scanner.string()?;
            if !scanner.take(b':') {
                return Err(Unexpected.into());
            }
            member(scanner, &key)
        })
    }

    /// Reads an array: `item` must read each value.
    pub(super) fn array<E: From<Unexpected>>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.items((b'[', b']'), item)
    }

    #[inline]
    pub(super) fn string(&mut self) -> Scanned<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return Err(Unexpected);
        }
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let end = start + plain_length(bytes.get(start..).unwrap_or_default());
        if bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            self.text.get(start..end).map(Cow::Borrowed).ok_or(Unexpected)
        } else {
            self.foreign::<String>().map(Cow::Owned)
        }
    }

    /// The text of a number: its characters, and no zero before another digit. Whoever makes a number of it decides the
    /// rest.
    pub(super) fn number(&mut self) -> Scanned<&'a str> {
        self.peek();
        let number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        let rest = self.rest();
        let text = rest.get(..rest.bytes().take_while(number).count()).unwrap_or_default();
        self.at += text.len();
        match text.as_bytes() {
            [] | [b'0', b'0'..=b'9', ..] | [b'-', b'0', b'0'..=b'9', ..] => Err(Unexpected),
            _ => Ok(text),
        }
    }

    /// A whole number that is not negative.
    pub(super) fn integer(&mut self) -> Scanned<u64> {
        self.number()?.bytes().try_fold(0u64, |number, byte| {
            let digit = byte.wrapping_sub(b'0');
            let digit = if digit < 10 { digit } else { return Err(Unexpected) };
            number.checked_mul(10).and_then(|number| number.checked_add(digit.into())).ok_or(Unexpected)
        })
    }

    pub(super) fn boolean(&mut self) -> Scanned<bool> {
        if self.take_word("true") {
            Ok(true)
        } else if self.take_word("false") {
            Ok(false)
        } else {
            Err(Unexpected)
        }
    }

    /// Takes `null` if it comes next.
    #[inline]
    pub(super) fn null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.take_word("null")
    }

    /// Steps over any value and returns its text.
    pub(super) fn skip(&mut self) -> Scanned<&'a str> {
        self.peek();
        let start = self.at;
        self.foreign::<IgnoredAny>()?;
        self.text.get(start..self.at).ok_or(Unexpected)
    }

    /// Lets `serde_json` read the next value.
    fn foreign<T: Deserialize<'a>>(&mut self) -> Scanned<T> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter();
        let value = values.next().and_then(Result::ok).ok_or(Unexpected)?;
        self.at += values.byte_offset();
        Ok(value)
    }
}

/// How many bytes come before the first one that cannot stand in a JSON string as it is: a quote, a backslash or a
/// control character. Eight bytes at a time, because the strings of records are short.
#[inline]
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // The high bit of each byte of `word` that is below `limit`. Bytes after the first such may be marked wrongly.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHS;
    let mut length = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for &word in words {
        let word = u64::from_le_bytes(word);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = below(word, b' ') | quote | backslash;
        if found != 0 {
            return length + found.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + rest.iter().take_while(|&&byte| byte >= b' ' && byte != b'"' && byte != b'\\').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_part_of_a_string_ends_at_the_first_special_byte_wherever_it_stands() {
        for special in 0..=255u8 {
            for at in 0..20 {
                let mut bytes = [b'a'; 24];
                bytes[at] = special;
                bytes[at + 1] = b'"';
                let plain = special >= b' ' && special != b'"' && special != b'\\';
                assert_eq!(plain_length(&bytes), at + usize::from(plain), "{special} at {at}");
            }
        }
        assert_eq!(plain_length("Zoë 😀 \u{7f}".as_bytes()), "Zoë 😀 \u{7f}".len());
        assert_eq!(plain_length(b""), 0);
    }

    #[test]
    fn only_plain_whole_numbers_that_fit_are_integers() {
        for (text, expected) in [("0", 0), ("7", 7), ("18446744073709551615", u64::MAX)] {
            assert_eq!(Scanner::new(text).integer(), Ok(expected));
        }
        for text in ["", "-1", "+1", "01", "1.0", "1e3", "18446744073709551616", "x", "\"1\""] {
            assert_eq!(Scanner::new(text).integer(), Err(Unexpected), "{text}");
        }
    }

    #[test]
    fn any_value_can_be_stepped_over_and_its_text_kept() {
        let mut scanner = Scanner::new(" {\"a\":[1,\"}\\\"\"]} , -1.5e3,null");
        assert_eq!(scanner.skip(), Ok("{\"a\":[1,\"}\\\"\"]}"));
        assert!(scanner.take(b','));
        assert_eq!(scanner.skip(), Ok("-1.5e3"));
        assert!(scanner.take(b','));
        assert!(scanner.null() && scanner.is_done());
    }

    #[test]
    fn values_nested_beyond_reason_are_refused_without_a_stack_overflow() {
        assert_eq!(Scanner::new(&"[".repeat(1 << 20)).skip(), Err(Unexpected));
    }

    #[test]
    fn strings_are_borrowed_unless_something_in_them_is_escaped() {
        assert!(matches!(Scanner::new("\"plain\"").string(), Ok(Cow::Borrowed("plain"))));
        assert_eq!(Scanner::new(r#" "a\"\u00e9" "#).string().as_deref(), Ok("a\"é"));
        for text in ["", "\"", "\"open", "\"a\\", "\"raw\nbreak\"", "plain"] {
            assert_eq!(Scanner::new(text).string(), Err(Unexpected), "{text}");
        }
    }
}
