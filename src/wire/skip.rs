//! Wide steps to the end of a JSON value. Nothing is checked on the way but what decides where the value ends.

/// Returns whether a byte is white space, by RFC 8259.
#[inline]
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// Returns what follows the white space at the start.
#[inline]
pub(super) fn space(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&byte| !is_space(byte)).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// Returns the offset just after the closing quote, for bytes inside a string. `escaped` is whether a backslash stands
/// before the first byte, and on return of `None` whether one stands after the last.
///
/// It looks for quotes alone and counts the backslashes before each: faster than stopping at every escape.
#[inline]
pub(super) fn string_end(bytes: &[u8], escaped: &mut bool) -> Option<usize> {
    let mut from = usize::from(*escaped);
    let mut rest = bytes.get(from..)?;
    *escaped = false;
    if let Some(quote) = near_quote(rest) {
        return Some(from + quote + 1);
    }
    while let Some(quote) = memchr::memchr(b'"', rest) {
        let (before, after) = rest.split_at_checked(quote)?;
        from += quote + 1;
        if !ends_escaped(before) {
            return Some(from);
        }
        rest = after.get(1..)?;
    }
    *escaped = ends_escaped(rest);
    None
}

/// Returns the offset of the closing quote of a short string in which nothing is escaped, as most keys and many values are.
/// `None` means that it has to be looked for byte by byte.
#[inline]
pub(crate) fn near_quote(bytes: &[u8]) -> Option<usize> {
    for (at, word) in bytes.as_chunks::<8>().0.iter().take(3).enumerate() {
        let word = u64::from_le_bytes(*word);
        let controls = word.wrapping_sub(every(b' ')) & !word & every(0x80);
        let stops = equal(word, b'"') | equal(word, b'\\') | controls;
        if stops != 0 {
            let at = 8 * at + first_hit(stops);
            return (bytes.get(at) == Some(&b'"')).then_some(at);
        }
    }
    None
}

/// Returns whether an odd number of backslashes stands at the end.
#[inline]
fn ends_escaped(bytes: &[u8]) -> bool {
    bytes.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

/// Returns the offset of the first byte that can't be part of a number or a word.
#[inline]
pub(super) fn scalar_end(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')))
}

/// Where we are inside an array or an object that is skipped as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Nesting {
    /// How many brackets are open. Their kinds are not compared.
    pub(super) depth: u64,
    pub(super) in_string: bool,
    pub(super) escaped: bool,
}

impl Nesting {
    /// Returns the offset just after the bracket that closes the outermost one.
    #[inline]
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut rest = bytes;
        loop {
            if self.in_string {
                let end = string_end(rest, &mut self.escaped)?;
                self.in_string = false;
                rest = rest.get(end..)?;
            }
            let at = structural(rest)?;
            let (&byte, after) = rest.get(at..)?.split_first()?;
            rest = after;
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                _ => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(bytes.len() - rest.len());
                    }
                }
            }
        }
    }
}

/// Returns the offset of the first quote or bracket of any kind.
#[inline]
fn structural(bytes: &[u8]) -> Option<usize> {
    // The next one is often very near: behind a comma or a colon.
    if let Some(at) = bytes.iter().take(6).position(|&byte| is_structural(byte)) {
        return Some(at);
    }
    // A block at a time: the loop inside has a fixed length and no exit, so it becomes a few vector instructions.
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let mut skipped = 0;
    for block in blocks {
        if block.iter().fold(false, |any, &byte| any | may_be_structural(byte))
            && let Some(at) = block.iter().position(|&byte| is_structural(byte))
        {
            return Some(skipped + at);
        }
        skipped += BLOCK;
    }
    bytes.get(skipped..)?.iter().position(|&byte| is_structural(byte)).map(|at| skipped + at)
}

const BLOCK: usize = 64;

/// Returns a word that consists of `byte` alone.
const fn every(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Returns the high bit of each byte of `word` that is `byte`. Bits above the first may be wrong.
#[inline]
fn equal(word: u64, byte: u8) -> u64 {
    let zero = word ^ every(byte);
    zero.wrapping_sub(every(1)) & !zero & every(0x80)
}

/// Returns the offset of the byte with the first high bit that is set.
#[inline]
fn first_hit(hits: u64) -> usize {
    hits.trailing_zeros() as usize / 8
}

#[inline]
fn is_structural(byte: u8) -> bool {
    matches!(byte, b'"' | b'{' | b'}' | b'[' | b']')
}

/// Returns true for those bytes and for four others that are rare outside strings: the brackets have in common that these
/// three bits make `0x7f` of them. One comparison for all brackets, and the compiler's vectors are eight times faster.
#[inline]
fn may_be_structural(byte: u8) -> bool {
    (byte | 0x26 == 0x7f) | (byte == b'"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_number_of_backslashes_does_not_hide_the_quote() {
        for (text, end) in
            [(&br#"a\\"b"#[..], Some(4)), (br#"a\\\"b""#, Some(7)), (br#"a\\\"b"#, None), (b"", None)]
        {
            assert_eq!(string_end(text, &mut false), end);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_near_quote_is_the_first_byte_that_is_not_plain(text in "[a-z\"\\\\\u{1}\n ä]{0,40}") {
            let first = text.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '));
            if let Some(quote) = near_quote(text.as_bytes()) {
                proptest::prop_assert_eq!(Some(quote), first);
                proptest::prop_assert_eq!(text.as_bytes()[quote], b'"');
            }
            let stops_in_words = first.filter(|at| *at < text.len().min(24) / 8 * 8);
            let is_quote = stops_in_words.is_some_and(|at| text.as_bytes()[at] == b'"');
            proptest::prop_assert_eq!(near_quote(text.as_bytes()).is_some(), is_quote);
        }
    }

    #[test]
    fn a_backslash_at_the_end_of_a_piece_is_remembered() {
        let mut escaped = false;
        assert_eq!(string_end(br"a\", &mut escaped), None);
        assert!(escaped);
        assert_eq!(string_end(b"", &mut escaped), None);
        assert!(escaped);
        assert_eq!(string_end(br#"""#, &mut escaped), None);
        assert!(!escaped);
        assert_eq!(string_end(br#"\\"#, &mut escaped), None);
        assert!(!escaped);
        assert_eq!(string_end(br#"""#, &mut escaped), Some(1));
    }

    #[test]
    fn no_bracket_is_missed_by_the_quick_look() {
        let found: Vec<u8> = (0..=255).filter(|&byte| is_structural(byte)).collect();
        assert_eq!(found, b"\"[]{}");
        let perhaps: Vec<u8> = (0..=255).filter(|&byte| may_be_structural(byte)).collect();
        assert_eq!(perhaps, b"\"Y[]_y{}\x7f");
    }

    #[test]
    fn a_bracket_is_found_wherever_it_stands_in_a_block() {
        for at in 0..200 {
            let mut bytes = b"7y".repeat(100);
            bytes[at] = b']';
            assert_eq!(structural(&bytes), Some(at));
            assert_eq!(structural(&bytes[..at]), None);
        }
    }
}
