//! How the body of an answer is built: one JSON document or several, events, lines, or a binary event stream.

use super::binary::BinaryReader;
use super::fields::Interest;
use super::found::Found;
use super::head;
use super::sse::EventReader;
use crate::record::Api;
use crate::wire::json::{Scanner, Status};
use crate::wire::lines::{Line, LineParser};

/// Finds what a body says, whatever it turns out to be.
#[derive(Debug)]
pub(super) struct BodyReader {
    /// What the path said.
    api: Option<Api>,
    announced: Announced,
    /// The path announces a stream.
    stream: bool,
    framing: Framing,
}

/// What the content type announces. The first byte has the last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Announced {
    Events,
    Binary,
    Lines,
    Json,
    /// Pictures, sound, and bytes of any kind.
    Media,
    /// Text of some other kind, or nothing.
    Other,
}

#[derive(Debug)]
enum Framing {
    /// Only white space has been seen, of which the last byte may make a difference.
    Undecided(Option<u8>),
    /// One document, or several that follow one another or stand in an array.
    Json(Scanner),
    /// A document on each line.
    Lines(LineReader),
    /// Boxed, so that the many answers that are no streams stay small.
    Events(Box<EventReader>),
    Binary(Box<BinaryReader>),
    /// Nothing that can be read.
    Opaque,
}

impl BodyReader {
    pub(super) fn new(api: Option<Api>, stream: bool, content_type: &str) -> Self {
        let is = |media_type: &&str| head::is_media_type(content_type, media_type);
        let announced = if is(&"text/event-stream") {
            Announced::Events
        } else if is(&"application/vnd.amazon.eventstream") {
            Announced::Binary
        } else if ["application/x-ndjson", "application/stream+json", "application/x-jsonl"].iter().any(is) {
            Announced::Lines
        } else if head::is_json(content_type) {
            Announced::Json
        } else if ["audio/", "image/", "video/"].iter().any(|kind| content_type.starts_with(kind))
            || is(&"application/octet-stream")
        {
            Announced::Media
        } else {
            Announced::Other
        };
        Self { api, announced, stream, framing: Framing::Undecided(None) }
    }

    /// Takes the next piece, of any length.
    pub(super) fn push(&mut self, bytes: &[u8], found: &mut Found) {
        let mut bytes = bytes;
        if let Framing::Undecided(last) = self.framing {
            let begun = bytes.trim_ascii_start();
            let Some(&first) = begun.first() else {
                self.framing = Framing::Undecided(bytes.last().copied().or(last));
                return;
            };
            self.framing = self.framing_by(first);
            // A line that begins with a space is another field. More than one make no difference.
            match bytes.len() - begun.len() {
                0 => {
                    if let Some(last) = last {
                        self.read(&[last], found);
                    }
                }
                spaces => bytes = bytes.get(spaces - 1..).unwrap_or_default(),
            }
        }
        self.read(bytes, found);
    }

    fn framing_by(&self, first: u8) -> Framing {
        // Without a content type, the first byte of a message's length tells.
        let binary = self.announced == Announced::Binary
            || (first == 0 && matches!(self.api, Some(Api::Converse | Api::Invoke)));
        // A transcription may begin with any word.
        let may_be_text = self.api == Some(Api::Audio);
        match (first, self.announced) {
            (b'{', Announced::Lines) => Framing::Lines(LineReader::default()),
            (b'{' | b'[', _) => Framing::Json(Scanner::default()),
            _ if binary => Framing::Binary(Box::default()),
            // Some servers send events under another content type: `data:`, `event:`, `id:`, `retry:`, a comment.
            (_, Announced::Events) => Framing::Events(Box::default()),
            (b'd' | b'e' | b'i' | b'r' | b':', _) if !may_be_text => Framing::Events(Box::default()),
            // A byte order mark, or a document that is a single value.
            (0xEF | b'"' | b'n' | b't' | b'f' | b'-' | b'0'..=b'9', _) => Framing::Json(Scanner::default()),
            _ => Framing::Opaque,
        }
    }

    fn read(&mut self, bytes: &[u8], found: &mut Found) {
        match &mut self.framing {
            Framing::Events(events) => events.push(bytes, self.api, found),
            Framing::Json(scanner) => {
                let interest = interest(self.api, self.stream, found);
                scan(scanner, interest, bytes, found);
            }
            Framing::Lines(lines) => lines.push(bytes, found),
            Framing::Binary(messages) => messages.push(bytes, found),
            Framing::Undecided(_) | Framing::Opaque => {}
        }
    }

    /// The body has ended. Whether it was not what it began as.
    pub(super) fn finish(&mut self, found: &mut Found) -> bool {
        let interest = interest(self.api, self.stream, found);
        match &mut self.framing {
            // A number or a word at the root ends only here, and is nothing that is looked for.
            Framing::Json(scanner) => {
                scanner.finish(interest.select(), &mut |_, _| ());
                matches!(scanner.status(), Status::Malformed | Status::Within) && self.promised_json(found)
            }
            Framing::Lines(lines) => lines.finish(found),
            Framing::Events(events) => {
                events.finish(self.api, found);
                // What only began like an event is a text like any other.
                if events.any() || self.announced == Announced::Events {
                    events.malformed()
                } else {
                    self.promised_json(found)
                }
            }
            Framing::Binary(messages) => messages.finish(found),
            Framing::Opaque => self.promised_json(found),
            Framing::Undecided(_) => false,
        }
    }

    /// Whether the head of the answer, or else the API, says that it is JSON in some form.
    fn promised_json(&self, found: &Found) -> bool {
        match self.announced {
            Announced::Events | Announced::Binary | Announced::Lines | Announced::Json => true,
            Announced::Media => false,
            Announced::Other => {
                !matches!(self.api.or(found.api()), None | Some(Api::Audio | Api::Management))
            }
        }
    }

    /// Whether it has said all that it has to say.
    pub(super) fn ended(&self, found: &Found) -> bool {
        match &self.framing {
            Framing::Json(scanner) => {
                scanner.status() == Status::Complete
                    && (found.last_event || !(self.stream || found.expects_more()))
            }
            Framing::Lines(lines) => lines.ended,
            Framing::Events(events) => events.ended(),
            Framing::Binary(messages) => messages.ended(),
            Framing::Undecided(_) | Framing::Opaque => false,
        }
    }

    fn announces_stream(&self) -> bool {
        matches!(self.announced, Announced::Events | Announced::Binary | Announced::Lines)
    }

    /// Whether it is a stream of events or documents.
    pub(super) fn is_stream(&self) -> bool {
        match &self.framing {
            Framing::Json(scanner) => self.stream || scanner.documents() > 1,
            Framing::Lines(_) | Framing::Binary(_) => true,
            Framing::Events(events) => events.any() || self.announced == Announced::Events,
            Framing::Undecided(_) => self.announces_stream(),
            Framing::Opaque => false,
        }
    }
}

/// What to look for in JSON documents that are no events.
fn interest(api: Option<Api>, is_stream: bool, found: &Found) -> Interest {
    match api {
        _ if found.texts.is_some() && is_stream => Interest::TextOfStream,
        _ if found.texts.is_some() => Interest::TextOfDocument,
        _ if is_stream => Interest::Content,
        Some(Api::Images | Api::Predict) => Interest::Images,
        _ => Interest::Members,
    }
}

/// Hands what `bytes` say to `found`.
pub(super) fn scan(scanner: &mut Scanner, interest: Interest, bytes: &[u8], found: &mut Found) {
    scanner.push(interest.select(), bytes, &mut |field, value| {
        if let Some(member) = interest.member(field) {
            found.note(member, value);
        }
    });
}

/// Reads a JSON document from each line. A line that is none does not hurt the others.
#[derive(Debug, Default)]
struct LineReader {
    parser: LineParser,
    scanner: Scanner,
    malformed: bool,
    ended: bool,
}

impl LineReader {
    fn push(&mut self, bytes: &[u8], found: &mut Found) {
        let Self { parser, scanner, malformed, ended } = self;
        parser.push(bytes, &mut |line| note_line(line, scanner, malformed, ended, found));
    }

    /// Whether some line was no document.
    fn finish(&mut self, found: &mut Found) -> bool {
        let Self { parser, scanner, malformed, ended } = self;
        parser.finish(&mut |line| note_line(line, scanner, malformed, ended, found));
        self.malformed
    }
}

fn note_line(
    line: Line<'_>,
    scanner: &mut Scanner,
    malformed: &mut bool,
    ended: &mut bool,
    found: &mut Found,
) {
    match line {
        Line::Piece(piece) => scan(scanner, found.interest_in_stream(), piece.bytes, found),
        Line::End => {
            *malformed |= matches!(scanner.status(), Status::Malformed | Status::Within);
            *ended |= std::mem::take(&mut found.last_event);
            scanner.reset();
            found.end_event();
        }
    }
}
