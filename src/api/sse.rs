//! An answer that is a stream of server-sent events.

use super::interest::Interest;
use super::late::{LateApi, LateSearch};
use super::response_state::{BeforeLate, ResponseState};
use crate::record::Api;
use crate::wire::json::{Scanner, Status};
use crate::wire::sse::{Piece, SseEvents, SseParser};

/// Reads the JSON in the data of events.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    parser: SseParser,
    stream: StreamState,
}

/// What the stream has come to.
#[derive(Debug, Default)]
struct StreamState {
    scanner: Scanner,
    sentinel: Sentinel,
    /// There was an event: data, or an error.
    any: bool,
    ended: bool,
    /// The sentinel has been seen, after which nothing counts.
    closed: bool,
    /// There was data that is not JSON, or something that is not an event.
    malformed: bool,
    /// How the current event is read, once its first piece has come.
    event: Option<CurrentRead>,
}

/// How an event is read. It stays the same until the event is over.
#[derive(Debug)]
struct CurrentRead {
    interest: Interest,
    late: Option<Late>,
}

/// A late event that comes in pieces is scanned before it is known whether it counts.
#[derive(Debug)]
struct Late {
    search: LateSearch,
    before: BeforeLate,
}

impl EventReader {
    /// Takes the next piece. `api` is the one that the path names.
    pub(super) fn push(&mut self, bytes: &[u8], api: Option<Api>, answer: &mut ResponseState) {
        let rest = self.pass_over(bytes, api, answer);
        if !rest.is_empty() {
            self.parser.push(rest, &mut Events { stream: &mut self.stream, api, answer });
        }
    }

    /// Passes over the late events at the beginning of `bytes` that do not matter. Returns what follows them.
    #[inline]
    fn pass_over<'a>(&mut self, bytes: &'a [u8], api: Option<Api>, answer: &mut ResponseState) -> &'a [u8] {
        let mut rest = bytes;
        if let Some(late) = late(answer, api) {
            while let Some(event) = self.parser.plain_event(rest)
                && event.data.first() == Some(&b'{')
                && event.name != ERROR
                && !late.matters_with(event.data, event.has_backslash)
            {
                self.stream.any = true;
                answer.end_event();
                rest = event.rest;
            }
        }
        rest
    }

    /// Ends the stream.
    pub(super) fn finish(&mut self, api: Option<Api>, answer: &mut ResponseState) {
        let stream = &mut self.stream;
        // An event that is cut off may have held anything.
        let cut = stream.event.is_some() && stream.scanner.status() == Status::Within;
        stream.malformed |= cut && !stream.closed;
        self.parser.finish(&mut Events { stream, api, answer });
    }

    /// Whether there was any event.
    pub(super) fn any(&self) -> bool {
        self.stream.any
    }

    /// Whether some of it was not an event, or its data not JSON.
    pub(super) fn malformed(&self) -> bool {
        self.stream.malformed
    }

    /// Whether the last event has been seen.
    pub(super) fn ended(&self) -> bool {
        self.stream.ended
    }
}

struct Events<'a> {
    stream: &'a mut StreamState,
    api: Option<Api>,
    answer: &'a mut ResponseState,
}

impl SseEvents for Events<'_> {
    fn data(&mut self, piece: Piece<'_>) {
        let Some(held) = self.stream.sentinel.compare(piece.bytes) else { return };
        if self.stream.closed {
            return;
        }
        if self.stream.event.is_none() {
            let late = late(self.answer, self.api);
            if let (Some(late), true) = (late, piece.whole)
                && !late.matters(piece.bytes)
            {
                return;
            }
            let interest = late.map_or_else(|| self.answer.interest_in_stream(), Interest::Late);
            let in_pieces = late.filter(|_| !piece.whole);
            let late = in_pieces
                .map(|late| Late { search: LateSearch::new(late), before: self.answer.before_late() });
            self.stream.event = Some(CurrentRead { interest, late });
        }
        self.read(held);
        self.read(piece.bytes);
    }

    fn end(&mut self, name: &[u8], had_data: bool) {
        let event = self.stream.event.take();
        if had_data && name == ERROR {
            self.answer.fail(None);
        }
        let sentinel = self.stream.sentinel.is_complete();
        let unread = matches!(self.stream.scanner.status(), Status::Malformed | Status::Within)
            || self.stream.sentinel.is_cut();
        // Only an error may be a field of its own.
        let is_event =
            had_data || event.as_ref().is_some_and(|event| event.interest == Interest::ErrorObject);
        let ignored = event.and_then(|event| event.late).filter(|late| !late.search.matters());
        let stream = &mut *self.stream;
        stream.any |= is_event;
        stream.malformed |= !stream.closed && ignored.is_none() && (unread || !is_event);
        if let Some(late) = ignored {
            self.answer.restore(late.before);
        }
        stream.closed |= sentinel;
        stream.ended |= self.answer.end_event() || sentinel;
        stream.sentinel = Sentinel::default();
        stream.scanner.reset();
    }

    /// Reads an error, which llama.cpp's server sends as a field of its own.
    fn other_field(&mut self, name: &[u8], piece: Piece<'_>) {
        if name == ERROR {
            self.answer.fail(None);
            self.stream.event.get_or_insert(CurrentRead { interest: Interest::ErrorObject, late: None });
            self.read(piece.bytes);
        }
    }
}

impl Events<'_> {
    /// Reads a piece of the current event.
    fn read(&mut self, bytes: &[u8]) {
        if let Some(event) = &mut self.stream.event {
            if let Some(late) = &mut event.late {
                late.search.take(bytes);
            }
            self.answer.scan(&mut self.stream.scanner, event.interest, bytes);
        }
    }
}

/// Returns the API of an event that begins now, if it is a late one. `api` is the one that the path names.
#[inline]
fn late(answer: &ResponseState, api: Option<Api>) -> Option<LateApi> {
    let known = answer.content && answer.model.is_some() && answer.texts.is_none();
    if known { answer.api().or(api).and_then(LateApi::of) } else { None }
}

/// The name of an event that is an error, and of a field that is one.
const ERROR: &[u8] = b"error";

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

    /// Compares the next bytes of the data, in which white space may stand around the sentinel. `None` while all of it
    /// may be the sentinel. Otherwise returns what was held back and is data after all.
    fn compare(&mut self, bytes: &[u8]) -> Option<&'static [u8]> {
        let Some(matched) = self.0 else { return Some(b"") };
        let within = matched > 0 && !self.is_complete();
        let bytes = if within { bytes } else { bytes.trim_ascii_start() };
        let text = Self::TEXT.get(matched..).unwrap_or_default();
        if text.starts_with(bytes) {
            self.0 = Some(matched + bytes.len());
        } else if bytes.strip_prefix(text).is_some_and(|after| after.trim_ascii().is_empty()) {
            self.0 = Some(Self::TEXT.len());
        } else {
            self.0 = None;
            return Some(Self::TEXT.get(..matched).unwrap_or_default());
        }
        None
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

    fn read(stream: &str, chunk: usize) -> (EventReader, ResponseState) {
        let (mut reader, mut answer) = (EventReader::default(), ResponseState::default());
        for bytes in stream.as_bytes().chunks(chunk) {
            reader.push(bytes, None, &mut answer);
        }
        reader.finish(None, &mut answer);
        (reader, answer)
    }

    #[test]
    fn the_sentinel_ends_a_stream_however_it_is_cut() {
        for chunk in 1..20 {
            let (reader, answer) = read("data: {\"model\":\"m\"}\n\ndata: [DONE]\n\n", chunk);
            assert!(reader.ended(), "{chunk}");
            assert_eq!(answer.model.as_deref(), Some("m"));
            assert!(!read("data: [DONE\n\n", chunk).0.ended());
            assert!(!read("data: [DONE]]\n\n", chunk).0.ended());
            assert!(read("data:  [DONE] \n\n", chunk).0.ended());
            assert!(!read("data: [DONE] x\n\n", chunk).0.ended());
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
            let (_, answer) =
                read("error: {\"code\":500,\"type\":\"server_error\",\"message\":\"x y\"}\n\n", chunk);
            assert!(answer.has_failed(None));
            assert_eq!(answer.error().as_deref(), Some("server_error"), "{chunk}");
        }
    }
}
