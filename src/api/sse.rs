//! An answer that is a stream of server-sent events.

use super::body::scan;
use super::fields::Interest;
use super::found::Found;
use crate::record::Api;
use crate::wire::json::{Scanner, Status};
use crate::wire::sse::{Piece, SseEvents, SseParser};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// Reads the JSON in the data of events.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    parser: SseParser,
    scanner: Scanner,
    sentinel: Sentinel,
    progress: Progress,
}

/// What the stream has come to.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// There was an event: data, or an error.
    any: bool,
    ended: bool,
    /// The sentinel has been seen, after which nothing counts.
    closed: bool,
    /// There was data that is not JSON, or something that is no event.
    malformed: bool,
    /// What is looked for in the current event: it stays the same until the event is over.
    interest: Option<Interest>,
}

impl EventReader {
    /// Takes the next piece. `api`: what the path said.
    pub(super) fn push(&mut self, bytes: &[u8], api: Option<Api>, found: &mut Found) {
        let Self { parser, scanner, sentinel, progress } = self;
        parser.push(bytes, &mut Events { scanner, sentinel, progress, api, found });
    }

    /// The stream has ended.
    pub(super) fn finish(&mut self, api: Option<Api>, found: &mut Found) {
        let Self { parser, scanner, sentinel, progress } = self;
        parser.finish(&mut Events { scanner, sentinel, progress, api, found });
    }

    /// Whether there was any event.
    pub(super) fn any(&self) -> bool {
        self.progress.any
    }

    /// Whether some of it was no event, or its data not JSON.
    pub(super) fn malformed(&self) -> bool {
        self.progress.malformed
    }

    /// Whether the last event has been seen.
    pub(super) fn ended(&self) -> bool {
        self.progress.ended
    }
}

struct Events<'a> {
    scanner: &'a mut Scanner,
    sentinel: &'a mut Sentinel,
    progress: &'a mut Progress,
    api: Option<Api>,
    found: &'a mut Found,
}

impl SseEvents for Events<'_> {
    fn data(&mut self, piece: Piece<'_>) {
        let Some(held) = self.sentinel.compare(piece.bytes) else { return };
        if self.progress.closed || (piece.whole && self.can_pass_over(piece.bytes)) {
            return;
        }
        let interest =
            *self.progress.interest.get_or_insert(if self.found.content && self.found.texts.is_none() {
                Interest::Members
            } else {
                self.found.interest_in_stream()
            });
        self.scan(interest, held);
        self.scan(interest, piece.bytes);
    }

    fn end(&mut self, name: &[u8], had_data: bool) {
        let Self { progress, .. } = self;
        if had_data && name == b"error" {
            self.found.failed = true;
        }
        let sentinel = self.sentinel.is_complete();
        let unread =
            matches!(self.scanner.status(), Status::Malformed | Status::Within) || self.sentinel.is_cut();
        // Only an error may be a field of its own.
        let is_event = had_data || progress.interest == Some(Interest::ErrorObject);
        progress.any |= is_event;
        progress.malformed |= !progress.closed && (unread || !is_event);
        progress.closed |= sentinel;
        progress.ended |= sentinel || std::mem::take(&mut self.found.last_event);
        progress.interest = None;
        *self.sentinel = Sentinel::default();
        self.scanner.reset();
    }

    /// llama.cpp's server sends errors as a field of their own.
    fn other_field(&mut self, name: &[u8], piece: Piece<'_>) {
        if name == b"error" {
            self.found.failed = true;
            let interest = *self.progress.interest.get_or_insert(Interest::ErrorObject);
            self.scan(interest, piece.bytes);
        }
    }
}

impl Events<'_> {
    fn scan(&mut self, interest: Interest, bytes: &[u8]) {
        scan(self.scanner, interest, bytes, self.found);
    }

    /// Whether one look shows that the data has nothing that is still wanted. That is so for nearly all events of a
    /// stream, once its model and its first content are known.
    fn can_pass_over(&self, data: &[u8]) -> bool {
        let known = self.found.content && self.found.model.is_some() && self.found.texts.is_none();
        let told_by_keys = matches!(
            self.api.or(self.found.api()),
            Some(Api::ChatCompletions | Api::Completions | Api::Responses | Api::Messages)
        );
        known && told_by_keys && data.len() > SHORT && !states_usage(data) && ERROR.find(data).is_none()
    }
}

/// Events up to this length are always scanned: those that only say that the stream is over.
const SHORT: usize = 64;

static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("usage\""));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("error"));

/// Whether a member `usage` with something in it may be there. OpenAI's events have `"usage":null` until the last.
fn states_usage(data: &[u8]) -> bool {
    let mut rest = data;
    while let Some(at) = USAGE.find(rest) {
        rest = rest.get(at + USAGE.needle().len()..).unwrap_or_default();
        let value = rest.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start);
        if !value.is_some_and(|value| value.starts_with(b"null")) {
            return true;
        }
    }
    false
}

/// How much of the data so far is `[DONE]`, which OpenAI and its followers end their streams with.
#[derive(Clone, Copy, Debug)]
struct Sentinel(Option<usize>);

impl Default for Sentinel {
    fn default() -> Self {
        Self(Some(0))
    }
}

impl Sentinel {
    const TEXT: &'static [u8] = b"[DONE]";

    /// Compares the next bytes of the data. `None` while all of it may be the sentinel; otherwise what was held back
    /// and is something else after all.
    fn compare(&mut self, bytes: &[u8]) -> Option<&'static [u8]> {
        let Some(matched) = self.0 else { return Some(b"") };
        let expected = Self::TEXT.get(matched..).unwrap_or_default();
        if !bytes.is_empty() && expected.starts_with(bytes) {
            self.0 = Some(matched + bytes.len());
            return None;
        }
        self.0 = None;
        Some(Self::TEXT.get(..matched).unwrap_or_default())
    }

    fn is_complete(self) -> bool {
        self.0 == Some(Self::TEXT.len())
    }

    /// Whether it has begun and is not complete.
    fn is_cut(self) -> bool {
        matches!(self.0, Some(1..)) && !self.is_complete()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &str, chunk: usize) -> (EventReader, Found) {
        let (mut reader, mut found) = (EventReader::default(), Found::default());
        for bytes in stream.as_bytes().chunks(chunk) {
            reader.push(bytes, None, &mut found);
        }
        reader.finish(None, &mut found);
        (reader, found)
    }

    #[test]
    fn the_sentinel_ends_a_stream_however_it_is_cut() {
        for chunk in 1..20 {
            let (reader, found) = read("data: {\"model\":\"m\"}\n\ndata: [DONE]\n\n", chunk);
            assert!(reader.ended(), "{chunk}");
            assert_eq!(found.model.as_deref(), Some("m"));
            assert!(!read("data: [DONE\n\n", chunk).0.ended());
            assert!(!read("data: [DONE]]\n\n", chunk).0.ended());
        }
    }

    #[test]
    fn what_only_begins_like_the_sentinel_is_data() {
        for chunk in 1..20 {
            assert_eq!(read("data: [{\"model\":\"m\"}]\n\n", chunk).1.model.as_deref(), Some("m"), "{chunk}");
        }
    }

    #[test]
    fn an_error_may_be_a_field_of_its_own() {
        for chunk in 1..60 {
            let (_, found) =
                read("error: {\"code\":500,\"type\":\"server_error\",\"message\":\"x y\"}\n\n", chunk);
            assert!(found.failed);
            assert_eq!(found.error().as_deref(), Some("server_error"), "{chunk}");
        }
    }

    #[test]
    fn one_look_tells_events_that_state_usage() {
        for (data, expected) in [
            (r#"{"choices":[],"usage":null}"#, false),
            (r#"{"choices":[],"usage" : null }"#, false),
            (r#"{"choices":[]}"#, false),
            (r#"{"usage":{"prompt_tokens":1}}"#, true),
            (r#"{"usage":null,"x_groq":{"usage":{}}}"#, true),
            (r#"{"text":"the \"usage\" of it"}"#, false),
            (r#"{"usage":"#, true),
        ] {
            assert_eq!(states_usage(data.as_bytes()), expected, "{data}");
        }
    }
}
