//! The wire parsers as plain functions, for the comparisons in `tests/` and for the fuzz targets in `fuzz/`.
//!
//! The library keeps its parsers to itself. They are compiled here from their sources, so that nothing has to be opened
//! in what is published. Each function takes a body in pieces and calls `found` with what the parser hands out.

pub mod corpus;
#[path = "../../../src/wire/mod.rs"]
#[allow(dead_code, unused_imports, unreachable_pub, reason = "the library uses more of it")]
mod wire;

use wire::encoding::{DecodeError, Decoder};
use wire::event_stream::{self, EventStreamEvents, EventStreamParser, Headers};
use wire::json::{self, Scanner};
use wire::lines::LineParser;
use wire::multipart::{FieldText, MultipartParser};
use wire::select::Select;
use wire::sse::{Piece, SseEvents, SseParser};

/// What happens in an event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sse<'a> {
    Data(&'a [u8]),
    /// The value of a field that the standard does not know.
    Other(&'a [u8]),
    /// The end of an event, with its name.
    End(&'a [u8]),
}

struct Handler<F>(F);

impl<F: FnMut(Sse<'_>)> SseEvents for Handler<F> {
    fn data(&mut self, piece: Piece<'_>) {
        (self.0)(Sse::Data(piece.bytes));
    }

    fn end(&mut self, event_name: &[u8], _: bool) {
        (self.0)(Sse::End(event_name));
    }

    fn other_field(&mut self, _: &[u8], piece: Piece<'_>) {
        (self.0)(Sse::Other(piece.bytes));
    }
}

/// Reads server-sent events.
pub fn sse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, found: impl FnMut(Sse<'_>)) {
    let (mut parser, mut found) = (SseParser::default(), Handler(found));
    for piece in pieces {
        parser.push(piece, &mut found);
    }
    parser.finish(&mut found);
}

/// What happens in a binary event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary<'a> {
    /// The values of `:message-type`, `:event-type`, `:exception-type` and `:error-code`.
    Begin([Option<&'a str>; 4]),
    Payload(&'a [u8]),
    /// Whether the checksum is right.
    End(bool),
}

/// Where a binary event stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryEnd {
    Between,
    Within,
    Damaged,
}

impl<F: FnMut(Binary<'_>)> EventStreamEvents for Handler<F> {
    fn begin(&mut self, headers: Headers<'_>) {
        let Headers { message_type, event_type, exception_type, error_code } = headers;
        (self.0)(Binary::Begin([message_type, event_type, exception_type, error_code]));
    }

    fn payload(&mut self, piece: Piece<'_>) {
        (self.0)(Binary::Payload(piece.bytes));
    }

    fn end(&mut self, intact: bool) {
        (self.0)(Binary::End(intact));
    }
}

/// Reads a binary event stream.
pub fn event_stream<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    found: impl FnMut(Binary<'_>),
) -> BinaryEnd {
    let (mut parser, mut found) = (EventStreamParser::default(), Handler(found));
    for piece in pieces {
        parser.push(piece, &mut found);
    }
    match parser.status() {
        event_stream::StreamStatus::Between => BinaryEnd::Between,
        event_stream::StreamStatus::Within => BinaryEnd::Within,
        event_stream::StreamStatus::Damaged => BinaryEnd::Damaged,
    }
}

/// Part of a line, or `None` for the end of one.
pub fn lines<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, mut found: impl FnMut(Option<&[u8]>)) {
    let mut parser = LineParser::default();
    let mut found = |line: wire::lines::Line<'_>| match line {
        wire::lines::Line::Piece(piece) => found(Some(piece.bytes)),
        wire::lines::Line::End => found(None),
    };
    for piece in pieces {
        parser.push(piece, &mut found);
    }
    parser.finish(&mut found);
}

/// Where a text that should be JSON ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonEnd {
    Empty,
    Within,
    Complete,
    Malformed,
}

/// Looks for the members at `paths` in JSON and hands out the place of the path among them with the raw text, or `None`
/// for one of more than `limit` bytes. Returns how many documents there were, and where it ended.
pub fn json<'a>(
    paths: &[&str],
    limit: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    mut found: impl FnMut(u8, Option<&[u8]>),
) -> (u64, JsonEnd) {
    let select = Select::new(paths.iter().zip(0..).map(|(path, field)| (*path, field, limit)));
    let mut scanner = Scanner::default();
    let mut found = |field, value: json::Value<'_>| match value {
        json::Value::Json(raw) => found(field, Some(raw)),
        json::Value::TooLong { .. } | json::Value::Piece { .. } => found(field, None),
    };
    for piece in pieces {
        scanner.push(&select, piece, &mut found);
    }
    let end = match scanner.status() {
        json::Status::Empty => JsonEnd::Empty,
        json::Status::Within => JsonEnd::Within,
        json::Status::Complete => JsonEnd::Complete,
        json::Status::Malformed => JsonEnd::Malformed,
    };
    (scanner.documents(), end)
}

/// Looks for text fields in a form and hands out the place of the name in `names` with the text, or `None` for one of more
/// than `limit` bytes. Returns whether the content type is a form's.
pub fn form<'a>(
    content_type: &str,
    names: &[&str],
    limit: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    mut found: impl FnMut(u8, Option<&[u8]>),
) -> bool {
    let Some(mut parser) = MultipartParser::new(content_type) else { return false };
    let fields: Vec<_> = names.iter().zip(0..).map(|(name, field)| (*name, field, limit)).collect();
    for piece in pieces {
        parser.push(&fields, piece, &mut |field, text| match text {
            FieldText::Whole(text) => found(field, Some(text)),
            FieldText::TooLong => found(field, None),
        });
    }
    true
}

/// Why a body could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecoded {
    Unsupported,
    Malformed,
    TooLarge,
}

/// Undoes the codings of a `content-encoding`, up to `limit` bytes. Whether the input was complete.
pub fn decode<'a>(
    content_encoding: &str,
    limit: u64,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    mut found: impl FnMut(&[u8]),
) -> Result<bool, Undecoded> {
    let reason = |error| match error {
        DecodeError::Unsupported => Undecoded::Unsupported,
        DecodeError::Malformed => Undecoded::Malformed,
        DecodeError::TooLarge => Undecoded::TooLarge,
    };
    let Some(mut decoder) = Decoder::new([content_encoding], limit).map_err(reason)? else {
        pieces.into_iter().for_each(found);
        return Ok(true);
    };
    for piece in pieces {
        decoder.push(piece, &mut found).map_err(reason)?;
    }
    Ok(decoder.is_complete())
}
