//! An answer of Amazon Bedrock's that is a binary event stream: `ConverseStream` and `InvokeModelWithResponseStream`.

use super::error_code;
use super::response_state::ResponseState;
use crate::wire::event_stream::{EventStreamEvents, EventStreamParser, Headers, StreamStatus};
use crate::wire::json::{Scanner, Value, string};
use crate::wire::select::Select;
use crate::wire::sse::Piece;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};
use std::sync::LazyLock;

/// Reads the JSON in the messages of a stream.
#[derive(Debug, Default)]
pub(super) struct BinaryReader {
    parser: EventStreamParser,
    message: Message,
}

/// The message that passes, and what the stream has come to.
#[derive(Debug, Default)]
struct Message {
    kind: PayloadKind,
    /// Scans the payload.
    scanner: Scanner,
    /// Scans what is in the payload of a chunk.
    inner: Scanner,
    /// Room for what is in a payload.
    buffer: Vec<u8>,
    /// How many members with figures there were before this message.
    figures_before: u32,
    damaged: bool,
    ended: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum PayloadKind {
    /// The payload is an event in JSON.
    #[default]
    Event,
    /// The payload wraps an event of the model's own shape: `{"bytes":"eyJ0…","p":"abcd"}`.
    Chunk,
    /// The payload explains an error to people.
    Error,
}

/// The largest wrapped event that is read. Figures come in small ones.
const WRAPPED: usize = 24 * 1024;

/// The alphabet of RFC 4648, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

static WRAPPER: LazyLock<Select> = LazyLock::new(|| Select::new([("bytes", 0, WRAPPED)]));

impl BinaryReader {
    /// Takes the next piece, of any length.
    pub(super) fn push(&mut self, bytes: &[u8], answer: &mut ResponseState) {
        self.parser.push(bytes, &mut Messages { message: &mut self.message, answer });
    }

    /// Whether the last message has been seen.
    pub(super) fn ended(&self) -> bool {
        self.message.ended
    }

    /// Ends the stream. Returns whether it broke off within a message, or a message was not as it was sent.
    pub(super) fn finish(&mut self, answer: &mut ResponseState) -> bool {
        let broken_off = self.parser.status() != StreamStatus::Between;
        if broken_off {
            self.message.distrust(answer);
        }
        broken_off || self.message.damaged
    }
}

impl Message {
    /// Drops all figures if this message, whose checksum is wrong or missing, brought any: they may be wrong, and
    /// those before them are not the last.
    fn distrust(&self, answer: &mut ResponseState) {
        if answer.usage.members() != self.figures_before {
            answer.usage.forget();
        }
    }
}

struct Messages<'a> {
    message: &'a mut Message,
    answer: &'a mut ResponseState,
}

impl EventStreamEvents for Messages<'_> {
    fn begin(&mut self, headers: Headers<'_>) {
        let (message, answer) = (&mut *self.message, &mut *self.answer);
        message.figures_before = answer.usage.members();
        message.kind = match (headers.message_type, headers.event_type) {
            (Some("exception" | "error"), _) => {
                let code = headers.exception_type.or(headers.error_code);
                answer.fail(code.and_then(error_code::of_text));
                PayloadKind::Error
            }
            (_, Some("chunk")) => PayloadKind::Chunk,
            (_, Some(name)) => {
                if name == "metadata" {
                    answer.set_last_event();
                }
                answer.content |= name == "contentBlockDelta";
                PayloadKind::Event
            }
            (_, None) => PayloadKind::Event,
        };
    }

    fn payload(&mut self, piece: Piece<'_>) {
        let Message { kind, scanner, inner, buffer, .. } = &mut *self.message;
        let answer = &mut *self.answer;
        match kind {
            PayloadKind::Event => answer.scan(scanner, answer.interest_in_stream(), piece.bytes),
            PayloadKind::Chunk => scanner.push(&WRAPPER, piece.bytes, &mut |_, value| {
                if let Value::Json(text) = value
                    && let Some(text) = string(text)
                {
                    buffer.clear();
                    // What is not base64 is not read.
                    if BASE64.decode_vec(&*text, buffer).is_ok() {
                        answer.scan(inner, answer.interest_in_stream(), buffer);
                    }
                }
            }),
            PayloadKind::Error => {}
        }
    }

    fn end(&mut self, intact: bool) {
        let (message, answer) = (&mut *self.message, &mut *self.answer);
        message.scanner.reset();
        message.inner.reset();
        let last = answer.end_event();
        if intact {
            message.figures_before = answer.usage.members();
            message.ended |= last;
        } else {
            message.damaged = true;
            message.distrust(answer);
        }
    }
}
