//! Newline-delimited text: each line on its own, so that a bad one does not hurt its neighbours.

use super::sse::Piece;

/// What happens in newline-delimited text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Bytes of the current line. They are all of it where [`Piece::whole`] is set.
    Piece(Piece<'a>),
    /// The current line, which had some bytes, is over.
    End,
}

/// Splits text at line feeds, with or without a carriage return before them. Empty lines are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineParser {
    /// Some of the current line has been handed out.
    begun: bool,
    /// The last byte was a carriage return, which belongs to the line unless a line feed follows.
    after_return: bool,
}

impl LineParser {
    /// Takes the next piece, of any length.
    pub(crate) fn push(&mut self, bytes: &[u8], found: &mut impl FnMut(Line<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let (line, after) = end.and_then(|end| rest.split_at_checked(end)).unwrap_or((rest, b""));
            if std::mem::take(&mut self.after_return) && !line.is_empty() {
                self.piece(b"\r", false, found);
            }
            let line = match line.strip_suffix(b"\r") {
                Some(line) => {
                    self.after_return = end.is_none();
                    line
                }
                None => line,
            };
            self.piece(line, end.is_some(), found);
            if end.is_some() {
                self.finish(found);
            }
            rest = after.get(1..).unwrap_or_default();
        }
    }

    /// Ends the input, and with it the last line. The parser is ready for other input.
    pub(crate) fn finish(&mut self, found: &mut impl FnMut(Line<'_>)) {
        if self.begun {
            found(Line::End);
        }
        *self = Self::default();
    }

    fn piece(&mut self, bytes: &[u8], ends: bool, found: &mut impl FnMut(Line<'_>)) {
        if !bytes.is_empty() {
            found(Line::Piece(Piece { bytes, whole: ends && !self.begun }));
            self.begun = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunking_tests::{cut, lengths};
    use super::super::json::{Scanner, Value};
    use super::super::select::Select;
    use super::*;
    use proptest::prelude::*;

    fn lines<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
        let (mut parser, mut lines, mut line) = (LineParser::default(), Vec::new(), Vec::new());
        let mut found = |event: Line<'_>| match event {
            Line::Piece(piece) => {
                assert!(!piece.bytes.is_empty() && (!piece.whole || line.is_empty()));
                line.extend_from_slice(piece.bytes);
            }
            Line::End => lines.push(std::mem::take(&mut line)),
        };
        for piece in pieces {
            parser.push(piece, &mut found);
        }
        parser.finish(&mut found);
        lines
    }

    #[test]
    fn a_bad_line_does_not_hurt_its_neighbours() {
        let select = Select::new([("done", 1, 10)]);
        let (mut parser, mut scanner, mut done) = (LineParser::default(), Scanner::default(), Vec::new());
        for piece in b"{\"done\":1}\r\n\r\n{\"done\":x}\n<html>\n{\"done\":2".chunks(4).chain([&b"}"[..]]) {
            parser.push(piece, &mut |line| match line {
                Line::Piece(piece) => scanner.push(&select, piece.bytes, &mut |_, value| {
                    if let Value::Json(raw) = value {
                        done.push(raw.to_vec());
                    }
                }),
                Line::End => scanner.reset(),
            });
        }
        assert_eq!(done, [b"1", b"2"]);
    }

    #[test]
    fn a_line_in_one_piece_is_called_whole() {
        let mut seen = Vec::new();
        LineParser::default().push(b"ab\r\n\ncd\nef", &mut |line| {
            seen.push(match line {
                Line::Piece(piece) => piece.whole,
                Line::End => false,
            });
        });
        assert_eq!(seen, [true, false, true, false, false]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn lines_are_those_of_the_whole_text_however_it_is_cut(text in "[a\r\n]{0,40}", lengths in lengths()) {
            let expected: Vec<&[u8]> = text
                .split('\n')
                .map(|line| line.strip_suffix('\r').unwrap_or(line))
                .filter(|line| !line.is_empty())
                .map(str::as_bytes)
                .collect();
            prop_assert_eq!(lines(cut(text.as_bytes(), &lengths)), expected);
        }
    }
}
