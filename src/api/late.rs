//! Late events, which need no scan.
//!
//! Once the model of a stream and its first content are known, nearly all events bring more content and nothing else.
//! Such a *late* event matters only when it holds one of a few texts. Everything that is still wanted has one of them
//! in it. Whether an event holds one does not depend on how it is cut into pieces.

use crate::record::Api;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// Searches a late event that comes in pieces.
#[derive(Clone, Debug)]
pub(super) struct LateSearch {
    api: LateApi,
    hit: bool,
    /// The end of the last piece, as a text may be cut in two.
    tail: [u8; TAIL],
    tail_len: usize,
}

/// An API whose late events are known by a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LateApi {
    /// OpenAI's chat and text completions.
    Completions,
    Messages,
    Responses,
}

/// One less than the longest text.
const TAIL: usize = "message_stop".len() - 1;

/// The end of the key that figures stand under. OpenAI's events have `"usage":null` until the last.
static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("usage\""));
const NULL: &[u8] = b":null";
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("error"));
/// The escape of an ASCII character, which a key could be spelled with.
static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(r"\u00"));

static MESSAGE_STOP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("message_stop"));
/// `response.completed` and `response.incomplete`.
static COMPLETE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("complete"));
/// The names of the items of hosted tools.
/// The key of Groq's tools.
static EXECUTED_TOOLS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("executed_too"));
static TOOL_RESULT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("_tool_result"));
static CALL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("_call\""));
static FAILED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("failed"));

impl LateApi {
    pub(super) fn of(api: Api) -> Option<Self> {
        match api {
            Api::ChatCompletions | Api::Completions => Some(Self::Completions),
            Api::Messages => Some(Self::Messages),
            Api::Responses => Some(Self::Responses),
            _ => None,
        }
    }

    /// Whether an event of this name is the last of a stream.
    pub(super) fn is_last_event(self, name: &str) -> bool {
        match self {
            Self::Completions => false,
            Self::Messages => name == "message_stop",
            Self::Responses => {
                matches!(name, "response.completed" | "response.incomplete" | "response.failed")
            }
        }
    }

    /// Whether the data of a whole event can hold anything that is still wanted.
    pub(super) fn matters(self, data: &[u8]) -> bool {
        self.finds(data, true)
    }

    /// Whether the data of a whole event matter, where it is known whether there is a backslash in them.
    #[inline]
    pub(super) fn matters_with(self, data: &[u8], has_backslash: bool) -> bool {
        self.names_it(data, true) || (has_backslash && has_escape(data))
    }

    /// Whether one of the texts is in `data`. `last` says that nothing follows, so that the end of `data` is not cut off.
    fn finds(self, data: &[u8], last: bool) -> bool {
        self.names_it(data, last) || has_escape(data)
    }

    /// Whether one of the texts is in `data` without an escape.
    #[inline]
    fn names_it(self, data: &[u8], last: bool) -> bool {
        let by_its_name = match self {
            Self::Completions => EXECUTED_TOOLS.find(data).is_some(),
            Self::Messages => MESSAGE_STOP.find(data).is_some() || TOOL_RESULT.find(data).is_some(),
            Self::Responses => [&COMPLETE, &FAILED, &CALL].iter().any(|text| text.find(data).is_some()),
        };
        by_its_name || states_usage(data, last) || ERROR.find(data).is_some()
    }
}

fn has_escape(data: &[u8]) -> bool {
    let first = memchr::memchr(b'\\', data);
    first.and_then(|at| data.get(at..)).is_some_and(|rest| ESCAPE.find(rest).is_some())
}

/// Whether there is a member `usage` that is not `null`.
fn states_usage(data: &[u8], last: bool) -> bool {
    let mut rest = data;
    while let Some(at) = USAGE.find(rest) {
        rest = rest.get(at + USAGE.needle().len()..).unwrap_or_default();
        let may_be_null = rest.starts_with(NULL) || (!last && NULL.starts_with(rest));
        if !may_be_null {
            return true;
        }
    }
    false
}

impl LateSearch {
    pub(super) fn new(api: LateApi) -> Self {
        Self { api, hit: false, tail: [0; TAIL], tail_len: 0 }
    }

    /// Takes the next piece of the event's data.
    pub(super) fn take(&mut self, piece: &[u8]) {
        if self.hit || piece.is_empty() {
            return;
        }
        let mut seam = [0; 2 * TAIL];
        let head = piece.get(..TAIL).unwrap_or(piece);
        let mut seam_len = 0;
        for (place, byte) in seam.iter_mut().zip(self.tail().iter().chain(head)) {
            *place = *byte;
            seam_len += 1;
        }
        let seam = seam.get(..seam_len).unwrap_or_default();
        self.hit = self.api.finds(seam, false) || self.api.finds(piece, false);
        // A short piece is within the seam.
        let end = if piece.len() < TAIL { seam } else { piece };
        let end = end.get(end.len().saturating_sub(TAIL)..).unwrap_or_default();
        self.tail_len = end.len();
        self.tail.iter_mut().zip(end).for_each(|(place, byte)| *place = *byte);
    }

    /// Ends the event. Returns whether it matters.
    pub(super) fn matters(&self) -> bool {
        self.hit || self.api.finds(self.tail(), true)
    }

    fn tail(&self) -> &[u8] {
        self.tail.get(..self.tail_len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn in_pieces<'a>(api: LateApi, pieces: impl IntoIterator<Item = &'a [u8]>) -> bool {
        let mut search = LateSearch::new(api);
        pieces.into_iter().for_each(|piece| search.take(piece));
        search.matters()
    }

    #[test]
    fn one_look_tells_events_that_matter_however_they_are_cut() {
        use LateApi::{Completions, Messages, Responses};
        for (api, data, expected) in [
            (Completions, r#"{"choices":[],"usage":null}"#, false),
            (Completions, r#"{"choices":[]}"#, false),
            (Completions, r#"{"usage":{"prompt_tokens":1}}"#, true),
            (Completions, r#"{"usage":null,"x_groq":{"usage":{}}}"#, true),
            (Completions, r#"{"usage" : 7}"#, true),
            (Completions, r#"{"usage":nul"#, true),
            (Completions, r#"{"text":"the \"usage\" of it"}"#, false),
            (Completions, r#"{"us\u0061ge":{}}"#, true),
            (Completions, r#"{"text":"\u2019"}"#, false),
            (Completions, r#"{"error":{}}"#, true),
            (Completions, r#"{"type":"message_stop"}"#, false),
            (Messages, r#"{"type":"message_stop"}"#, true),
            (Messages, r#"{"type":"response.failed"}"#, false),
            (Responses, r#"{"type":"response.incomplete"}"#, true),
            (Responses, r#"{"type":"response.completed"}"#, true),
            (Responses, r#"{"type":"response.failed"}"#, true),
            (Responses, r#"{"type":"response.output_text.delta"}"#, false),
        ] {
            assert_eq!(api.matters(data.as_bytes()), expected, "{data}");
            for size in 1..=data.len() {
                assert_eq!(
                    in_pieces(api, data.as_bytes().chunks(size)),
                    expected,
                    "{data} in pieces of {size}"
                );
            }
            for at in 0..data.len() {
                let (a, b) = data.as_bytes().split_at(at);
                assert_eq!(in_pieces(api, [a, b"", b]), expected, "{data} cut at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_look_at_pieces_is_a_look_at_the_whole(
            words in proptest::collection::vec(
                proptest::sample::select(&["usage\"", ":null", ":", "nul", "l", "err", "or", "\\u", "00", "mess", "age_stop", "fail", "ed", "x", "comp", "lete"][..]),
                0..8,
            ),
            cuts in proptest::collection::vec(1usize..8, 0..20),
            api in proptest::sample::select(&[LateApi::Completions, LateApi::Messages, LateApi::Responses][..]),
        ) {
            let data = words.concat();
            let mut rest = data.as_bytes();
            let pieces = cuts.iter().map_while(|cut| {
                let (piece, after) = rest.split_at_checked(*cut)?;
                rest = after;
                Some(piece)
            });
            let mut pieces: Vec<&[u8]> = pieces.collect();
            let seen: usize = pieces.iter().map(|piece| piece.len()).sum();
            pieces.push(&data.as_bytes()[seen..]);
            prop_assert_eq!(in_pieces(api, pieces), api.matters(data.as_bytes()));
        }
    }
}
