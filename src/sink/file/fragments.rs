//! Splitting lines into records.

use memchr::Memchr2;

/// Returns whether `text` begins with a record, that is with the number of its version. This cannot be within a JSON string,
/// where the quotes would be escaped, nor within properties, whose values are strings.
fn begins(text: &[u8]) -> bool {
    text.strip_prefix(b"{\"v\":").and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
}

/// A record, or what should be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment<'a> {
    pub(super) text: &'a [u8],
    /// Where it begins.
    pub(super) start: usize,
    /// The number of its line, from 1.
    pub(super) line: u32,
}

/// The fragments of lines: one record each, unless the end of a line was lost and several are glued together.
pub(super) struct Fragments<'a> {
    bytes: &'a [u8],
    marks: Memchr2<'a>,
    start: usize,
    line: u32,
}

/// Splits `bytes`, which begin with a line.
pub(super) fn fragments(bytes: &[u8]) -> Fragments<'_> {
    fragments_from(bytes, 1)
}

/// Splits `bytes`, which begin with the line of this number.
pub(super) fn fragments_from(bytes: &[u8], line: u32) -> Fragments<'_> {
    Fragments { bytes, marks: memchr::memchr2_iter(b'\n', b'{', bytes), start: 0, line }
}

impl<'a> Fragments<'a> {
    /// Returns the number of the next line.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// Returns where the next fragment begins.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    fn fragment(&self, end: usize) -> Option<Fragment<'a>> {
        let text = self.bytes.get(self.start..end).filter(|text| !text.is_empty())?;
        Some(Fragment { text, start: self.start, line: self.line })
    }
}

impl<'a> Iterator for Fragments<'a> {
    type Item = Fragment<'a>;

    #[inline]
    fn next(&mut self) -> Option<Fragment<'a>> {
        loop {
            let Some(at) = self.marks.next() else {
                let last = self.fragment(self.bytes.len());
                self.start = self.bytes.len();
                return last;
            };
            let rest = self.bytes.get(at..).unwrap_or_default();
            let ends_line = rest.first() == Some(&b'\n');
            if !ends_line && !begins(rest) {
                continue;
            }
            let fragment = self.fragment(at);
            self.start = at + usize::from(ends_line);
            self.line = self.line.saturating_add(u32::from(ends_line));
            if fragment.is_some() {
                return fragment;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glued_lines_come_apart_and_no_byte_is_lost() {
        let split = |line: &'static [u8]| fragments(line).map(|fragment| fragment.text).collect::<Vec<_>>();
        assert_eq!(split(b"{\"v\":1,\"a\":{\"v\":1}}"), [&b"{\"v\":1,\"a\":"[..], b"{\"v\":1}}"]);
        assert_eq!(split(b"torn{\"v\":1}"), [&b"torn"[..], b"{\"v\":1}"]);
        assert_eq!(split(b"{\"v\":1,\"s\":\"{\\\"v\\\":\"}").len(), 1);
        assert_eq!(split(b"{\"v\":1,\"properties\":{\"v\":\"2\"}}").len(), 1, "a property may be named so");
        assert!(split(b"").is_empty());
    }

    #[test]
    fn each_fragment_knows_its_place_and_its_line() {
        let lines = b"{\"v\":1}\n\n{\"v\":2}{\"v\":3}\r\n {x}";
        let found: Vec<_> =
            fragments(lines).map(|fragment| (fragment.start, fragment.line, fragment.text)).collect();
        let expected: [(usize, u32, &[u8]); 4] =
            [(0, 1, b"{\"v\":1}"), (9, 3, b"{\"v\":2}"), (16, 3, b"{\"v\":3}\r"), (25, 4, b" {x}")];
        assert_eq!(found, expected);
    }
}
