//! Base64 (RFC 4648) as it stands in a JSON string, decoded as it flows.

/// Decodes the raw text of a JSON string, quotes included or not, that holds base64 of either alphabet, padded or not.
///
/// JSON writers may escape the slash, so a backslash is skipped. A longer escape is no base64.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decoder {
    /// The bits of the characters that do not make three bytes yet.
    bits: u32,
    count: u8,
    ended: bool,
    malformed: bool,
}

const PIECE: usize = 768;

impl Decoder {
    /// Takes the next characters and hands out the bytes that they stand for, in pieces of at most 768.
    pub(crate) fn push(&mut self, text: &[u8], found: &mut impl FnMut(&[u8])) {
        let mut piece = [0; PIECE];
        let mut rest = text;
        while !rest.is_empty() && !self.malformed {
            let mut len = 0;
            for room in piece.as_chunks_mut::<3>().0 {
                let Some(after) = self.three(rest, room) else {
                    rest = b"";
                    break;
                };
                rest = after;
                len += 3;
            }
            if len > 0 {
                found(piece.get(..len).unwrap_or_default());
            }
        }
    }

    /// The text has ended: the last one or two bytes follow. `false` when it was not base64.
    pub(crate) fn finish(&mut self, found: &mut impl FnMut(&[u8])) -> bool {
        let (bits, count, malformed) = (self.bits, self.count, self.malformed);
        *self = Self::default();
        match count {
            _ if malformed => return false,
            0 => {}
            2 => found(&[(bits >> 4) as u8]),
            3 => found(&[(bits >> 10) as u8, (bits >> 2) as u8]),
            _ => return false,
        }
        true
    }

    /// Takes characters up to the next three bytes; `None` when they do not suffice.
    #[inline]
    fn three<'a>(&mut self, text: &'a [u8], room: &mut [u8; 3]) -> Option<&'a [u8]> {
        // What nearly all of it is: four characters of the alphabet.
        if let (0, false, Some((four, rest))) = (self.count, self.ended, text.split_first_chunk::<4>()) {
            let [a, b, c, d] = four.map(value);
            if a | b | c | d < 64 {
                let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
                [_, room[0], room[1], room[2]] = bits.to_be_bytes();
                return Some(rest);
            }
        }
        let mut rest = text;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match value(byte) {
                value @ ..64 if !self.ended => {
                    self.bits = self.bits << 6 | u32::from(value);
                    self.count += 1;
                }
                _ if byte == b'=' => self.ended = true,
                _ if matches!(byte, b'"' | b'\\') => {}
                _ => {
                    self.malformed = true;
                    return None;
                }
            }
            if self.count == 4 {
                [_, room[0], room[1], room[2]] = self.bits.to_be_bytes();
                (self.bits, self.count) = (0, 0);
                return Some(rest);
            }
        }
        None
    }
}

/// The six bits that a character stands for, 64 for any other byte.
#[inline]
fn value(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(64)
}

static VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut values = [64; 256];
    let mut rest = values.as_mut_slice();
    let mut byte = 0_u8;
    while let Some((value, after)) = rest.split_first_mut() {
        *value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => 64,
        };
        byte = byte.wrapping_add(1);
        rest = after;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::super::properties::{cut, lengths};
    use super::*;
    use proptest::prelude::*;

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
        let (mut decoder, mut bytes) = (Decoder::default(), Vec::new());
        let mut found = |piece: &[u8]| {
            assert!(!piece.is_empty() && piece.len() <= PIECE);
            bytes.extend_from_slice(piece);
        };
        for piece in pieces {
            decoder.push(piece, &mut found);
        }
        decoder.finish(&mut found).then_some(bytes)
    }

    /// A plain encoder, bit by bit.
    fn encode(bytes: &[u8]) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits: Vec<u8> =
            bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
        let mut text: String = bits
            .chunks(6)
            .map(|six| (0..6).fold(0, |value, bit| value << 1 | six.get(bit).copied().unwrap_or(0)))
            .map(|value: u8| char::from(alphabet[usize::from(value)]))
            .collect();
        while !text.len().is_multiple_of(4) {
            text.push('=');
        }
        text
    }

    #[test]
    fn the_examples_of_the_standard_are_decoded() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE", "fooba"),
        ] {
            assert_eq!(decode([text.as_bytes()]).as_deref(), Some(bytes.as_bytes()));
        }
    }

    #[test]
    fn quotes_escaped_slashes_and_the_other_alphabet_will_do() {
        let expected = Some(vec![0xff, 0xff, 0xfe]);
        for text in [r#""\/\/\/+""#, "__/-", "\"///+\"", "___-"] {
            assert_eq!(decode([text.as_bytes()]), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_base64_is_noticed() {
        for text in ["Z", "Zm9vY", "Zm 9", "Zm9\u{fc}", "Zg==Zg==", "{}", r"\u002b"] {
            assert_eq!(decode([text.as_bytes()]), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_encoded_comes_back_however_it_is_cut(bytes in prop::collection::vec(any::<u8>(), 0..2000), lengths in lengths()) {
            let text = encode(&bytes);
            prop_assert_eq!(decode(cut(text.as_bytes(), &lengths)), Some(bytes));
        }

        #[test]
        fn any_text_is_the_same_however_it_is_cut(text in "[AZaz09+/=\"\\\\é]{0,30}", lengths in lengths()) {
            prop_assert_eq!(decode(cut(text.as_bytes(), &lengths)), decode([text.as_bytes()]));
        }
    }
}
