//! Values: those that are gone into, taken or skipped.

use super::super::scalar::is_scalar;
use super::super::select::{DOCUMENT, Field, InPieces, NOWHERE, OUTSIDE, Select};
use super::super::skip;
use super::{ScanState, Scanner, Value};

/// A number or a word at the root is checked up to this length even when it is not wanted: a text that is not JSON
/// mostly begins with a word.
const CHECKED_SCALAR: usize = 32;

impl Scanner {
    /// Reads on at the start of a value that leads to `self.target`.
    pub(super) fn value<'a>(
        &mut self,
        select: &Select,
        bytes: &'a [u8],
        found: &mut impl FnMut(Field, Value<'_>),
    ) -> &'a [u8] {
        let bytes = skip::space(bytes);
        let Some((&first, rest)) = bytes.split_first() else { return bytes };
        if self.node == OUTSIDE {
            self.complete = false;
        }
        let node = select.node(self.target);
        self.in_pieces = node.pieces.is_some_and(|(_, which)| which == InPieces::All || first == b'"');
        let descends = node.capture.is_none() && !self.in_pieces;
        if self.single && self.in_object && descends {
            select.each_wanted_below(self.target, &mut |field| found(field, Value::Json(b"null")));
        }
        let (state, seen) = match first {
            b'"' => (ScanState::String, 1),
            b'[' if self.target == DOCUMENT && !self.in_root_array && !self.single => {
                self.in_root_array = true;
                return rest;
            }
            b'{' if descends && node.has_members() => return self.enter(true, rest),
            b'[' if descends && node.elements.is_some() => return self.enter(false, rest),
            b'{' | b'[' => {
                self.nesting.depth = 1;
                (ScanState::Nested, 1)
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' | b'N' | b'I' => (ScanState::Scalar, 0),
            _ => {
                self.state = ScanState::Malformed;
                return b"";
            }
        };
        self.first = first;
        self.state = state;
        self.token(select, bytes, seen, found)
    }

    /// Goes into the container at `self.target`.
    fn enter<'a>(&mut self, in_object: bool, rest: &'a [u8]) -> &'a [u8] {
        self.node = self.target;
        self.in_object = in_object;
        self.state = ScanState::Between;
        rest
    }

    /// Reads on in a value that is taken or skipped as a whole, and whose first `seen` bytes were looked at.
    pub(super) fn token<'a>(
        &mut self,
        select: &Select,
        bytes: &'a [u8],
        seen: usize,
        found: &mut impl FnMut(Field, Value<'_>),
    ) -> &'a [u8] {
        let end = bytes.get(seen..).and_then(|rest| match self.state {
            ScanState::String => skip::string_end(rest, &mut self.nesting.escaped),
            ScanState::Nested => self.nesting.end(rest),
            _ => skip::scalar_end(rest),
        });
        if let Some((piece, rest)) = end.and_then(|end| bytes.split_at_checked(seen + end)) {
            if self.target == NOWHERE {
                self.release();
                self.value_closes();
            } else if self.in_pieces {
                self.piece(select, piece, seen, true, found);
                self.value_closes();
            } else {
                self.value_ends(select, piece, found);
            }
            rest
        } else {
            if self.in_pieces {
                self.piece(select, bytes, seen, false, found);
            } else {
                self.hold(bytes, self.room(select));
            }
            b""
        }
    }

    /// Hands out a piece of the value that is under way.
    fn piece(
        &self,
        select: &Select,
        piece: &[u8],
        seen: usize,
        last: bool,
        found: &mut impl FnMut(Field, Value<'_>),
    ) {
        let raw = match (self.state, piece.get(seen..)) {
            (ScanState::String, Some([inside @ .., b'"'])) if last => inside,
            (ScanState::String, Some(inside)) => inside,
            _ => piece,
        };
        if let Some((field, _)) = select.node(self.target).pieces {
            found(field, Value::Piece { raw, last });
        }
    }

    /// Returns how much of the value that is under way may be held.
    fn room(&self, select: &Select) -> usize {
        let limit = select.node(self.target).capture.map_or(0, |(_, limit)| limit);
        if self.target == DOCUMENT && self.state == ScanState::Scalar {
            limit.max(CHECKED_SCALAR)
        } else {
            limit
        }
    }

    /// Ends the value that is under way with `piece`.
    pub(super) fn value_ends(
        &mut self,
        select: &Select,
        piece: &[u8],
        found: &mut impl FnMut(Field, Value<'_>),
    ) {
        let room = self.room(select);
        let held = if self.held.is_empty() && !self.too_long {
            self.too_long = piece.len() > room;
            None
        } else {
            self.hold(piece, room);
            Some(std::mem::take(&mut self.held))
        };
        let raw = held.as_deref().unwrap_or(piece);
        if self.state == ScanState::Scalar && !self.too_long && !is_scalar(raw) {
            self.state = ScanState::Malformed;
        } else {
            if let Some((field, limit)) = select.node(self.target).capture {
                if self.too_long || raw.len() > limit {
                    found(field, Value::TooLong { first: self.first });
                } else {
                    found(field, Value::Json(raw));
                    self.look_inside(select, raw, found);
                }
            }
            self.value_closes();
        }
        if let Some(held) = held {
            self.held = held;
        }
        self.release();
    }

    /// Looks for what is wanted inside a value that was itself handed out.
    fn look_inside(&self, select: &Select, raw: &[u8], found: &mut impl FnMut(Field, Value<'_>)) {
        let node = select.node(self.target);
        let in_object = self.first == b'{';
        let wanted =
            if in_object { node.has_members() } else { self.first == b'[' && node.elements.is_some() };
        if let (true, Some((_, inside))) = (wanted, raw.split_first()) {
            // It goes no deeper than the paths of `select` do.
            Self { node: self.target, in_object, ..Self::default() }.push(select, inside, found);
        }
    }

    /// Keeps a piece of what is under way, unless it gets longer than `room`.
    pub(super) fn hold(&mut self, piece: &[u8], room: usize) {
        self.too_long |= self.held.len() + piece.len() > room;
        if self.too_long {
            self.held.clear();
        } else {
            self.held.extend_from_slice(piece);
        }
    }

    /// Forgets the value or key that was under way.
    pub(super) fn release(&mut self) {
        self.held.clear();
        self.too_long = false;
    }
}
