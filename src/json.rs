//! A small pull reader of JSON that is at hand as a whole: usage objects, errors, stored records.
//!
//! It reads values in place and allocates only for strings with escapes, which it leaves to `serde_json`.

use crate::wire::json::{near_quote, number_length};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// The text is not the JSON that was expected here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unexpected;

/// What was read, or that it is not what was expected.
pub(crate) type Scanned<T> = Result<T, Unexpected>;

/// Reads one value after the other.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    /// Where the next value is looked for.
    at: usize,
    /// How many objects and arrays are open.
    depth: u8,
}

/// What a value is, by its first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    Boolean,
    Null,
}

/// The members of an object that has been gone into.
#[derive(Debug)]
pub(crate) struct Members(Nested);

/// The elements of an array that has been gone into.
#[derive(Debug)]
pub(crate) struct Elements(Nested);

#[derive(Debug)]
struct Nested {
    close: u8,
    /// Whether there was one before.
    any: bool,
}

impl Members {
    /// Reads the next key, after which its value is to be read; `None` at the end of the object.
    #[inline]
    pub(crate) fn next<'a>(&mut self, reader: &mut Reader<'a>) -> Scanned<Option<Cow<'a, str>>> {
        if !self.0.next(reader)? {
            return Ok(None);
        }
        let key = reader.string()?;
        if reader.take(b':') { Ok(Some(key)) } else { Err(Unexpected) }
    }
}

impl Elements {
    /// Returns whether another element follows, which is to be read next.
    #[inline]
    pub(crate) fn next(&mut self, reader: &mut Reader<'_>) -> Scanned<bool> {
        self.0.next(reader)
    }
}

impl Nested {
    #[inline]
    fn next(&mut self, reader: &mut Reader<'_>) -> Scanned<bool> {
        if reader.take(self.close) {
            reader.depth -= 1;
            return Ok(false);
        }
        // After the last comma comes an item, and what it is not is refused where it is read.
        if std::mem::replace(&mut self.any, true) && !reader.take(b',') {
            return Err(Unexpected);
        }
        Ok(true)
    }
}

/// Values that are nested deeper are only stepped over, so that no input can exhaust the stack.
const MAX_DEPTH: u8 = 128;

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// Returns whether nothing but white space is left.
    pub(crate) fn is_done(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Returns the kind of the next value; `None` when none begins here.
    #[inline]
    pub(crate) fn kind(&mut self) -> Option<Kind> {
        match self.peek()? {
            b'{' => Some(Kind::Object),
            b'[' => Some(Kind::Array),
            b'"' => Some(Kind::String),
            b'-' | b'0'..=b'9' => Some(Kind::Number),
            b't' | b'f' => Some(Kind::Boolean),
            b'n' => Some(Kind::Null),
            _ => None,
        }
    }

    /// Returns the next byte that is not white space.
    #[inline(always)]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// Takes `byte`, which is ASCII, if it comes next.
    #[inline(always)]
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

    /// Goes into the object that comes next.
    #[inline]
    pub(crate) fn members(&mut self) -> Scanned<Members> {
        self.open(b'{').map(|()| Members(Nested { close: b'}', any: false }))
    }

    /// Goes into the array that comes next.
    #[inline]
    pub(crate) fn elements(&mut self) -> Scanned<Elements> {
        self.open(b'[').map(|()| Elements(Nested { close: b']', any: false }))
    }

    fn open(&mut self, bracket: u8) -> Scanned<()> {
        if self.depth == MAX_DEPTH || !self.take(bracket) {
            return Err(Unexpected);
        }
        self.depth += 1;
        Ok(())
    }

    /// Reads an object: `member` is called with each key and must read its value.
    #[inline]
    pub(crate) fn object<E: From<Unexpected>>(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut members = self.members()?;
        while let Some(key) = members.next(self)? {
            member(self, &key)?;
        }
        Ok(())
    }

    /// Reads an array: `item` must read each value.
    #[inline]
    pub(crate) fn array<E: From<Unexpected>>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut elements = self.elements()?;
        while elements.next(self)? {
            item(self)?;
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn string(&mut self) -> Scanned<Cow<'a, str>> {
        self.peek();
        match self.plain_string() {
            Some(string) => Ok(Cow::Borrowed(string)),
            None => self.escaped().map(Cow::Owned),
        }
    }

    /// Takes a string without escapes, if one begins here.
    #[inline(always)]
    fn plain_string(&mut self) -> Option<&'a str> {
        let inside = self.text.as_bytes().get(self.at..)?.strip_prefix(b"\"")?;
        let slowly = || inside.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '));
        let length = near_quote(inside).or_else(slowly)?;
        if inside.get(length) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    /// Reads a string with escapes.
    #[cold]
    fn escaped(&mut self) -> Scanned<String> {
        self.foreign()
    }

    /// Reads a number and returns its text.
    #[inline]
    pub(crate) fn number(&mut self) -> Scanned<&'a str> {
        self.peek();
        let rest = self.rest();
        let number =
            number_length(rest.as_bytes()).and_then(|length| rest.get(..length)).ok_or(Unexpected)?;
        self.at += number.len();
        Ok(number)
    }

    /// Reads a natural number that is written in digits alone. When the next value is something else, nothing is taken.
    #[inline]
    pub(crate) fn integer(&mut self) -> Scanned<u64> {
        self.peek();
        let text = self.rest().as_bytes();
        let (mut number, mut length) = (0u64, 0);
        while let Some(&digit @ b'0'..=b'9') = text.get(length) {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            length += 1;
        }
        // As many digits always fit.
        if length > u64::MAX.ilog10() as usize {
            let digits = self.rest().get(..length).unwrap_or_default();
            number = digits.parse().map_err(|_| Unexpected)?;
        }
        match text {
            [b'0'..=b'9', ..] if length == 1 => {}
            [b'1'..=b'9', ..] => {}
            _ => return Err(Unexpected),
        }
        if matches!(text.get(length), Some(b'.' | b'e' | b'E')) {
            return Err(Unexpected);
        }
        self.at += length;
        Ok(number)
    }

    pub(crate) fn boolean(&mut self) -> Scanned<bool> {
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
    pub(crate) fn null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.take_word("null")
    }

    /// Steps over any value and returns its text. What no key or value is made of is not decoded: it may hold half of a
    /// surrogate pair, and be nested in any depth.
    pub(crate) fn skip(&mut self) -> Scanned<&'a str> {
        self.peek();
        let start = self.at;
        match self.kind().ok_or(Unexpected)? {
            Kind::Object | Kind::Array if self.depth == MAX_DEPTH => self.ignore()?,
            Kind::Object => {
                let mut members = self.members()?;
                while members.0.next(self)? {
                    self.skip_string()?;
                    if !self.take(b':') {
                        return Err(Unexpected);
                    }
                    self.skip()?;
                }
            }
            Kind::Array => self.array(|reader| reader.skip().map(drop))?,
            Kind::String => self.skip_string()?,
            Kind::Number => drop(self.number()?),
            Kind::Boolean => drop(self.boolean()?),
            Kind::Null if self.null() => {}
            Kind::Null => return Err(Unexpected),
        }
        self.text.get(start..self.at).ok_or(Unexpected)
    }

    #[inline]
    fn skip_string(&mut self) -> Scanned<()> {
        match self.kind() {
            Some(Kind::String) if self.plain_string().is_some() => Ok(()),
            Some(Kind::String) => self.ignore(),
            _ => Err(Unexpected),
        }
    }

    /// Lets `serde_json` step over the next value.
    #[cold]
    fn ignore(&mut self) -> Scanned<()> {
        self.foreign::<IgnoredAny>().map(drop)
    }

    /// Lets `serde_json` read the next value.
    fn foreign<T: Deserialize<'a>>(&mut self) -> Scanned<T> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter();
        let value = values.next().and_then(Result::ok).ok_or(Unexpected)?;
        self.at += values.byte_offset();
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_whole_numbers_that_fit_are_integers() {
        for (text, expected) in [("0", 0), ("7", 7), ("18446744073709551615", u64::MAX)] {
            assert_eq!(Reader::new(text).integer(), Ok(expected));
        }
        for text in ["", "-1", "+1", "01", "1.0", "1e3", "18446744073709551616", "x", "\"1\""] {
            assert_eq!(Reader::new(text).integer(), Err(Unexpected), "{text}");
        }
    }

    #[test]
    fn any_value_can_be_stepped_over_and_its_text_kept() {
        let mut reader = Reader::new(" {\"a\":[1,\"}\\\"\"]} , -1.5e3,null");
        assert_eq!(reader.skip(), Ok("{\"a\":[1,\"}\\\"\"]}"));
        assert!(reader.take(b','));
        assert_eq!(reader.skip(), Ok("-1.5e3"));
        assert!(reader.take(b','));
        assert!(reader.null() && reader.is_done());
    }

    #[test]
    fn what_is_stepped_over_is_not_decoded() {
        for text in [r#""\ud83d""#, r#"{"\ud83d":["\ud83d"],"\\":"\u0041"}"#] {
            assert_eq!(Reader::new(text).skip(), Ok(text));
        }
        let deep = format!("{}7{}", "[".repeat(1000), "]".repeat(1000));
        assert_eq!(Reader::new(&deep).skip(), Ok(&*deep));
        for text in [r#""\x""#, r#"{"a" 1}"#, r#"{7:1}"#, "{\"a\":\"\n\"}", "[1 2]", "[1,]", "nul"] {
            assert_eq!(Reader::new(text).skip(), Err(Unexpected), "{text}");
        }
    }

    #[test]
    fn values_nested_beyond_reason_are_refused_without_a_stack_overflow() {
        assert_eq!(Reader::new(&"[".repeat(1 << 20)).skip(), Err(Unexpected));
    }

    #[test]
    fn strings_are_borrowed_unless_something_in_them_is_escaped() {
        assert!(matches!(Reader::new("\"plain\"").string(), Ok(Cow::Borrowed("plain"))));
        assert_eq!(Reader::new(r#" "a\"\u00e9" "#).string().as_deref(), Ok("a\"é"));
        for text in ["", "\"", "\"open", "\"a\\", "\"raw\nbreak\"", "plain"] {
            assert_eq!(Reader::new(text).string(), Err(Unexpected), "{text}");
        }
    }
}
