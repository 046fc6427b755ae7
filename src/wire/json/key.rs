//! Keys of members.

use super::super::select::{NOWHERE, Select};
use super::super::skip;
use super::{ScanState, Scanner, string};

impl Scanner {
    /// Reads on in a key whose first `seen` bytes were looked at.
    pub(super) fn key<'a>(&mut self, select: &Select, bytes: &'a [u8], seen: usize) -> &'a [u8] {
        let inside = bytes.get(seen..).unwrap_or_default();
        let slowly = || inside.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        let stop = skip::near_quote(inside).or_else(slowly);
        let rest = match stop.and_then(|stop| inside.split_at_checked(stop)) {
            // What nearly every key is: in one piece and without escapes.
            Some((key, [b'"', rest @ ..])) if seen == 1 => {
                self.target = select.node(self.node).member(key).unwrap_or(NOWHERE);
                rest
            }
            _ => match self.assemble_key(select, bytes, seen) {
                Some(rest) => rest,
                None => return b"",
            },
        };
        // The colon is mostly next.
        if let Some((b':', rest)) = rest.split_first() {
            self.state = ScanState::Value;
            return rest;
        }
        self.state = ScanState::Colon;
        rest
    }

    /// Reads a key that has escapes or comes in pieces. `None` when it does not end here.
    #[cold]
    fn assemble_key<'a>(&mut self, select: &Select, bytes: &'a [u8], seen: usize) -> Option<&'a [u8]> {
        // With every byte written as an escape of six, and the quotes.
        let room = 6 * select.longest_key() + 2;
        let end = bytes.get(seen..).and_then(|rest| skip::string_end(rest, &mut self.nesting.escaped));
        let (piece, rest) = end.map_or((bytes, None), |end| match bytes.split_at_checked(seen + end) {
            Some((piece, rest)) => (piece, Some(rest)),
            None => (bytes, None),
        });
        self.hold(piece, room);
        if rest.is_some() {
            let key = if self.too_long { None } else { string(&self.held) };
            let member = key.and_then(|key| select.node(self.node).member(key.as_bytes()));
            self.target = member.unwrap_or(NOWHERE);
            self.release();
        }
        rest
    }

    pub(super) fn colon<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let rest = skip::space(bytes);
        match rest.split_first() {
            Some((b':', rest)) => {
                self.state = ScanState::Value;
                rest
            }
            Some(_) => {
                self.state = ScanState::Malformed;
                rest
            }
            None => rest,
        }
    }
}
