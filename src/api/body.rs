//! How the body of an answer is built: one JSON document or several, events, lines, or a binary event stream.

use super::binary::BinaryReader;
use super::head;
use super::interest::Interest;
use super::response_state::ResponseState;
use super::sse::EventReader;
use crate::record::Api;
use crate::wire::json::{Scanner, Status};
use crate::wire::lines::{Line, LineParser};

/// Reads the body of an answer in whatever framing it comes.
#[derive(Debug)]
pub(super) struct BodyReader {
    /// The API that the path names.
    api: Option<Api>,
    announced: Announced,
    /// The path announces a stream.
    stream: bool,
    framing: BodyFraming,
}

/// What the content type announces. The first byte of the body overrides it.
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
enum BodyFraming {
    /// Only white space has been seen. Its last byte may make a difference.
    Undecided(Option<u8>),
    /// One document, or several that follow one another or stand in an array.
    Json(Scanner),
    /// A document on each line.
    Lines(LineReader),
    /// Boxed, so that the many answers that are not streams stay small.
    Events(Box<EventReader>),
    Binary(Box<BinaryReader>),
    /// Something that cannot be read.
    Opaque,
}

impl BodyReader {
    pub(super) fn new(api: Option<Api>, stream: bool, content_type: &str) -> Self {
        let media_type = head::media_type(content_type);
        let is = |known: &&str| media_type.eq_ignore_ascii_case(known.as_bytes());
        let announced = if is(&"text/event-stream") {
            Announced::Events
        } else if is(&"application/vnd.amazon.eventstream") {
            Announced::Binary
        } else if ["application/x-ndjson", "application/stream+json", "application/x-jsonl"].iter().any(is) {
            Announced::Lines
        } else if head::is_json(media_type) {
            Announced::Json
        } else if ["audio/", "image/", "video/"].iter().any(|kind| media_type.starts_with(kind.as_bytes()))
            || is(&"application/octet-stream")
        {
            Announced::Media
        } else {
            Announced::Other
        };
        Self { api, announced, stream, framing: BodyFraming::Undecided(None) }
    }

    /// Takes the next piece, of any length.
    pub(super) fn push(&mut self, bytes: &[u8], answer: &mut ResponseState) {
        let mut bytes = bytes;
        if let BodyFraming::Undecided(last) = self.framing {
            let begun = bytes.trim_ascii_start();
            let Some(&first) = begun.first() else {
                self.framing = BodyFraming::Undecided(bytes.last().copied().or(last));
                return;
            };
            self.framing = self.framing_by(first);
            // A line that begins with a space is another field. Further spaces make no difference.
            match bytes.len() - begun.len() {
                0 => {
                    if let Some(last) = last {
                        self.read(&[last], answer);
                    }
                }
                spaces => bytes = bytes.get(spaces - 1..).unwrap_or_default(),
            }
        }
        self.read(bytes, answer);
    }

    fn framing_by(&self, first: u8) -> BodyFraming {
        // Without a content type, the first byte of a message's length shows it.
        let binary = self.announced == Announced::Binary
            || (first == 0 && matches!(self.api, Some(Api::Converse | Api::Invoke)));
        // A transcription may begin with any word.
        let may_be_text = self.api == Some(Api::Audio);
        match (first, self.announced) {
            (b'{', Announced::Lines) => BodyFraming::Lines(LineReader::default()),
            (b'{' | b'[', _) => BodyFraming::Json(Scanner::default()),
            _ if binary => BodyFraming::Binary(Box::default()),
            // Some servers send events under another content type: `data:`, `event:`, `id:`, `retry:`, a comment.
            (_, Announced::Events) => BodyFraming::Events(Box::default()),
            (b'd' | b'e' | b'i' | b'r' | b':', _) if !may_be_text => BodyFraming::Events(Box::default()),
            // A byte order mark, or a document that is a single value.
            (0xEF | b'"' | b'n' | b't' | b'f' | b'-' | b'0'..=b'9', _) => {
                BodyFraming::Json(Scanner::default())
            }
            _ => BodyFraming::Opaque,
        }
    }

    fn read(&mut self, bytes: &[u8], answer: &mut ResponseState) {
        match &mut self.framing {
            BodyFraming::Events(events) => events.push(bytes, self.api, answer),
            BodyFraming::Json(scanner) => {
                let interest = interest(self.api, self.stream, answer);
                answer.scan(scanner, interest, bytes);
            }
            BodyFraming::Lines(lines) => lines.push(bytes, answer),
            BodyFraming::Binary(messages) => messages.push(bytes, answer),
            BodyFraming::Undecided(_) | BodyFraming::Opaque => {}
        }
    }

    /// Ends the body. Returns whether it was not what it began as.
    pub(super) fn finish(&mut self, answer: &mut ResponseState) -> bool {
        let interest = interest(self.api, self.stream, answer);
        match &mut self.framing {
            // A number or a word at the root ends only here, and is not looked for.
            BodyFraming::Json(scanner) => {
                scanner.finish(interest.select(), &mut |_, _| ());
                matches!(scanner.status(), Status::Malformed | Status::Within) && self.promised_json(answer)
            }
            BodyFraming::Lines(lines) => lines.finish(answer),
            BodyFraming::Events(events) => {
                events.finish(self.api, answer);
                // What only began like an event is plain text.
                if events.any() || self.announced == Announced::Events {
                    events.malformed()
                } else {
                    self.promised_json(answer)
                }
            }
            BodyFraming::Binary(messages) => messages.finish(answer),
            BodyFraming::Opaque => self.promised_json(answer),
            BodyFraming::Undecided(_) => false,
        }
    }

    /// Whether the head of the answer, or else the API, says that it is JSON in some form.
    fn promised_json(&self, answer: &ResponseState) -> bool {
        match self.announced {
            Announced::Events | Announced::Binary | Announced::Lines | Announced::Json => true,
            Announced::Media => false,
            Announced::Other => {
                !matches!(self.api.or(answer.api()), None | Some(Api::Audio | Api::Management))
            }
        }
    }

    /// Whether nothing of interest is still to come.
    pub(super) fn ended(&self, answer: &ResponseState) -> bool {
        match &self.framing {
            BodyFraming::Json(scanner) => {
                scanner.status() == Status::Complete
                    && (answer.is_last_event() || !(self.stream || answer.expects_more()))
            }
            BodyFraming::Lines(lines) => lines.lines.ended,
            BodyFraming::Events(events) => events.ended(),
            BodyFraming::Binary(messages) => messages.ended(),
            BodyFraming::Undecided(_) | BodyFraming::Opaque => false,
        }
    }

    fn announces_stream(&self) -> bool {
        matches!(self.announced, Announced::Events | Announced::Binary | Announced::Lines)
    }

    /// Whether it is a stream of events or documents.
    pub(super) fn is_stream(&self) -> bool {
        match &self.framing {
            BodyFraming::Json(scanner) => self.stream || scanner.documents() > 1,
            BodyFraming::Lines(_) | BodyFraming::Binary(_) => true,
            BodyFraming::Events(events) => events.any() || self.announced == Announced::Events,
            BodyFraming::Undecided(_) => self.announces_stream(),
            BodyFraming::Opaque => false,
        }
    }
}

/// Returns what to look for in JSON documents that are not events.
fn interest(api: Option<Api>, is_stream: bool, answer: &ResponseState) -> Interest {
    match api {
        _ if answer.texts.is_some() && is_stream => Interest::TextOfStream,
        _ if answer.texts.is_some() => Interest::TextOfDocument,
        _ if is_stream => Interest::Content,
        Some(Api::Images | Api::Predict) => Interest::Images,
        _ => Interest::Members,
    }
}

/// Reads a JSON document from each line. A malformed line does not affect the others.
#[derive(Debug, Default)]
struct LineReader {
    parser: LineParser,
    lines: LineProgress,
}

/// The line that passes, and the outcome of those before.
#[derive(Debug, Default)]
struct LineProgress {
    scanner: Scanner,
    /// Whether some line was not a document.
    malformed: bool,
    ended: bool,
}

impl LineReader {
    fn push(&mut self, bytes: &[u8], answer: &mut ResponseState) {
        self.parser.push(bytes, &mut |line| self.lines.read(line, answer));
    }

    /// Ends the last line. Returns whether some line was not a document.
    fn finish(&mut self, answer: &mut ResponseState) -> bool {
        self.parser.finish(&mut |line| self.lines.read(line, answer));
        self.lines.malformed
    }
}

impl LineProgress {
    fn read(&mut self, line: Line<'_>, answer: &mut ResponseState) {
        match line {
            Line::Piece(piece) => {
                answer.scan(&mut self.scanner, answer.interest_in_stream(), piece.bytes);
            }
            Line::End => {
                self.malformed |= matches!(self.scanner.status(), Status::Malformed | Status::Within);
                self.ended |= answer.end_event();
                self.scanner.reset();
            }
        }
    }
}
