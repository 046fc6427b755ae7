//! The extra chunk in the answer.

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// An event that grows beyond this is passed on without a look.
const LIMIT: usize = 64 * 1024;

/// Passes a stream of events on, event by event, without the one that only carries usage.
#[derive(Debug, Default)]
pub(super) struct UsageChunkFilter {
    /// The event that is under way.
    event: BytesMut,
    /// The event under way is too long to be held: it passes as it comes.
    passing: bool,
    line: LinePosition,
    removed: bool,
}

/// Where in a line the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LinePosition {
    #[default]
    Start,
    Within,
    /// After a CR that ended a line; an LF still belongs to it. The line was blank or not.
    Cr {
        blank: bool,
    },
}

impl UsageChunkFilter {
    /// Takes the next bytes. Returns what may go on.
    pub(super) fn push(&mut self, bytes: &Bytes) -> Bytes {
        let mut passed = BytesMut::new();
        let mut start = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let (line, event_ends) = match (self.line, byte) {
                (LinePosition::Start | LinePosition::Cr { blank: true }, b'\n') => {
                    (LinePosition::Start, true)
                }
                (LinePosition::Cr { blank: false }, b'\n') => (LinePosition::Start, false),
                (LinePosition::Cr { blank: true }, _) => {
                    // The event ended before this byte.
                    self.close(bytes.get(start..at).unwrap_or_default(), &mut passed);
                    start = at;
                    (after(LinePosition::Start, byte), false)
                }
                (line, byte) => (after(line, byte), false),
            };
            self.line = line;
            if event_ends {
                self.close(bytes.get(start..=at).unwrap_or_default(), &mut passed);
                start = at + 1;
            }
        }
        self.hold(bytes.get(start..).unwrap_or_default(), &mut passed);
        passed.freeze()
    }

    /// Ends the stream. Returns what is left.
    pub(super) fn finish(&mut self) -> Bytes {
        let mut passed = BytesMut::new();
        self.close(b"", &mut passed);
        passed.freeze()
    }

    /// Returns how many bytes are held back.
    pub(super) fn held(&self) -> usize {
        self.event.len()
    }

    /// Ends the event with `rest`.
    fn close(&mut self, rest: &[u8], passed: &mut BytesMut) {
        self.hold(rest, passed);
        self.passing = false;
        let event = self.event.split();
        if self.removed || !carries_only_usage(&event) {
            passed.extend_from_slice(&event);
            return;
        }
        self.removed = true;
        // Comments and the like are not the chunk's.
        let others =
            || event.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !is_data(line));
        if others().any(|line| !line.trim_ascii().is_empty()) {
            others().for_each(|line| passed.extend_from_slice(line));
        }
    }

    fn hold(&mut self, bytes: &[u8], passed: &mut BytesMut) {
        if !self.passing && self.event.len() + bytes.len() > LIMIT {
            self.passing = true;
            passed.extend_from_slice(&self.event.split());
        }
        if self.passing { passed.extend_from_slice(bytes) } else { self.event.extend_from_slice(bytes) }
    }
}

/// Returns where in a line the stream is after `byte`, which does not end an event.
fn after(line: LinePosition, byte: u8) -> LinePosition {
    match byte {
        b'\r' => LinePosition::Cr { blank: matches!(line, LinePosition::Start | LinePosition::Cr { .. }) },
        b'\n' => LinePosition::Start,
        _ => LinePosition::Within,
    }
}

fn is_data(line: &[u8]) -> bool {
    line.starts_with(b"data:")
}

/// Whether an event is the chunk that `include_usage` adds: no choices, but usage.
fn carries_only_usage(event: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct UsageChunk {
        choices: [IgnoredAny; 0],
        #[serde(rename = "usage")]
        _usage: ChunkUsage,
    }
    #[derive(Deserialize)]
    struct ChunkUsage {
        #[serde(rename = "prompt_tokens")]
        _prompt_tokens: u64,
    }
    let data: Option<Vec<&str>> = std::str::from_utf8(event)
        .ok()
        .map(|event| event.split(['\r', '\n']).filter_map(|line| line.strip_prefix("data:")).collect());
    data.is_some_and(|data| {
        serde_json::from_str::<UsageChunk>(&data.join("\n")).is_ok_and(|chunk| chunk.choices.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: &str = r#"data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    const CHUNK: &str = r#"data: {"choices":[{"delta":{"content":"hi"}}],"usage":null}"#;

    fn filtered(stream: &str, size: usize) -> String {
        let mut filter = UsageChunkFilter::default();
        let mut passed = Vec::new();
        for piece in stream.as_bytes().chunks(size) {
            passed.extend_from_slice(&filter.push(&Bytes::copy_from_slice(piece)));
        }
        passed.extend_from_slice(&filter.finish());
        String::from_utf8(passed).unwrap()
    }

    #[test]
    fn only_the_chunk_with_usage_is_taken_out_at_every_chunking_and_line_end() {
        for end in ["\n", "\r\n", "\r"] {
            let others = [": comment", CHUNK, r#"data: {"choices":[],"prompt_filter_results":[]}"#];
            let before: String = others.iter().map(|line| format!("{line}{end}{end}")).collect();
            let after = format!("data: [DONE]{end}{end}");
            let stream = format!("{before}{USAGE}{end}{end}{after}");
            for size in 1..=stream.len() {
                assert_eq!(
                    filtered(&stream, size),
                    format!("{before}{after}"),
                    "{end:?} in pieces of {size}"
                );
            }
        }
    }

    #[test]
    fn a_comment_beside_the_chunk_stays() {
        assert_eq!(filtered(&format!(": note\n{USAGE}\n\n{CHUNK}\n\n"), 5), format!(": note\n\n{CHUNK}\n\n"));
    }

    #[test]
    fn an_event_passes_as_soon_as_it_is_whole() {
        let mut filter = UsageChunkFilter::default();
        let event = format!("{CHUNK}\n\n");
        assert_eq!(filter.push(&Bytes::from(event.clone())), event);
        assert_eq!(filter.held(), 0);
    }

    #[test]
    fn an_event_without_an_end_is_not_held_beyond_the_limit() {
        let mut filter = UsageChunkFilter::default();
        let piece = Bytes::from("x".repeat(LIMIT / 2 + 1));
        assert_eq!(filter.push(&piece).len(), 0);
        assert_eq!(filter.push(&piece).len(), 2 * piece.len());
        assert_eq!(filter.push(&piece).len(), piece.len());
        assert_eq!(filter.held(), 0);
    }

    #[test]
    fn a_stream_that_ends_within_an_event_loses_nothing() {
        assert_eq!(filtered("data: {\"choi", 3), "data: {\"choi");
    }
}
