//! A push parser for binary event streams (`application/vnd.amazon.eventstream`).
//!
//! A message is a prelude of twelve bytes (total length, length of the headers, CRC of these two), the headers, the
//! payload, and a CRC of all before it; numbers are big-endian, CRCs those of gzip. The encoding is documented in AWS's
//! "Event stream encoding" and Smithy's "Amazon Event Stream Specification".

use super::sse::Piece;
use crc32fast::Hasher;

/// What happens in a binary event stream.
pub(crate) trait EventStreamEvents {
    /// Begins a message that has these headers.
    fn begin(&mut self, headers: Headers<'_>);

    /// Takes bytes of the payload of the current message.
    fn payload(&mut self, piece: Piece<'_>);

    /// Ends the current message, whose checksum is wrong when it is not `intact`.
    fn end(&mut self, intact: bool);
}

/// The headers that say what a message is. `None` where a header is missing or not a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers<'a> {
    /// `:message-type`: `event`, `exception` or `error`.
    pub(crate) message_type: Option<&'a str>,
    /// `:event-type`.
    pub(crate) event_type: Option<&'a str>,
    /// `:exception-type`.
    pub(crate) exception_type: Option<&'a str>,
    /// `:error-code`.
    pub(crate) error_code: Option<&'a str>,
}

/// How far the input has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamStatus {
    /// Between messages.
    Between,
    /// Inside a message.
    Within,
    /// A prelude or headers that can't be right: no length after it can be trusted, and nothing more is handed out.
    Damaged,
}

/// Takes messages in pieces. The payload is handed out as it flows; only the prelude and headers are ever held.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventStreamParser {
    state: MessageState,
    /// What earlier pieces held of the prelude, the headers or the checksum.
    held: Vec<u8>,
    /// The checksum of the message so far.
    checksum: Hasher,
    headers_len: usize,
    payload_len: usize,
    /// How much of the payload is to come.
    payload_left: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum MessageState {
    #[default]
    Prelude,
    Headers,
    Payload,
    Checksum,
    Damaged,
}

const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;
/// The most that AWS's own clients take for the headers.
const MAX_HEADERS: usize = 128 << 10;
/// Of a message, some of them take 16 MiB and some 24.
const MAX_PAYLOAD: usize = 24 << 20;

impl EventStreamParser {
    /// Takes the next piece, of any length.
    pub(crate) fn push(&mut self, bytes: &[u8], events: &mut impl EventStreamEvents) {
        let mut rest = bytes;
        loop {
            let wanted = match self.state {
                MessageState::Prelude => PRELUDE,
                MessageState::Headers => self.headers_len,
                MessageState::Checksum => CHECKSUM,
                MessageState::Payload => {
                    rest = self.payload(rest, events);
                    if self.payload_left > 0 {
                        return;
                    }
                    self.state = MessageState::Checksum;
                    continue;
                }
                MessageState::Damaged => return,
            };
            let take = (wanted - self.held.len()).min(rest.len());
            let Some((part, after)) = rest.split_at_checked(take) else { return };
            rest = after;
            if self.held.is_empty() && take == wanted {
                self.part(part, events);
                continue;
            }
            self.held.extend_from_slice(part);
            if self.held.len() < wanted {
                return;
            }
            let held = std::mem::take(&mut self.held);
            self.part(&held, events);
            self.held = held;
            self.held.clear();
        }
    }

    /// Returns how far the input has come. At the end of the input, anything but [`StreamStatus::Between`] is a loss.
    pub(crate) fn status(&self) -> StreamStatus {
        match self.state {
            MessageState::Damaged => StreamStatus::Damaged,
            MessageState::Prelude if self.held.is_empty() => StreamStatus::Between,
            _ => StreamStatus::Within,
        }
    }

    /// Reads one whole part of a message that is not its payload.
    fn part(&mut self, part: &[u8], events: &mut impl EventStreamEvents) {
        self.state = match self.state {
            MessageState::Prelude => self.prelude(part).map(|()| MessageState::Headers),
            MessageState::Headers => {
                self.checksum.update(part);
                headers(part).map(|headers| {
                    events.begin(headers);
                    MessageState::Payload
                })
            }
            _ => {
                let checksum = std::mem::take(&mut self.checksum).finalize();
                events.end(part == checksum.to_be_bytes());
                Some(MessageState::Prelude)
            }
        }
        .unwrap_or(MessageState::Damaged);
    }

    fn prelude(&mut self, part: &[u8]) -> Option<()> {
        let (lengths, checksum) = part.split_at_checked(8)?;
        if crc32fast::hash(lengths).to_be_bytes() != checksum {
            return None;
        }
        let (total, headers) = lengths.split_first_chunk::<4>()?;
        let total = u32::from_be_bytes(*total) as usize;
        let headers_len = u32::from_be_bytes(*headers.first_chunk::<4>()?) as usize;
        let payload_len = total.checked_sub(PRELUDE + CHECKSUM)?.checked_sub(headers_len)?;
        if headers_len > MAX_HEADERS || payload_len > MAX_PAYLOAD {
            return None;
        }
        self.checksum = Hasher::new();
        self.checksum.update(part);
        self.headers_len = headers_len;
        self.payload_len = payload_len;
        self.payload_left = payload_len;
        Some(())
    }

    fn payload<'a>(&mut self, bytes: &'a [u8], events: &mut impl EventStreamEvents) -> &'a [u8] {
        let take = self.payload_left.min(bytes.len());
        let (piece, rest) = bytes.split_at_checked(take).unwrap_or_default();
        if !piece.is_empty() {
            self.checksum.update(piece);
            self.payload_left -= take;
            events.payload(Piece { bytes: piece, whole: take == self.payload_len });
        }
        rest
    }
}

/// Reads the headers of a message: for each the length of its name, its name, its type and its value.
fn headers(mut rest: &[u8]) -> Option<Headers<'_>> {
    let mut headers = Headers::default();
    while let Some((&name_len, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(usize::from(name_len))?;
        let (&kind, after) = after.split_first()?;
        let (len, after) = match kind {
            // The two booleans, a byte, a short, an integer, a long, and later a time stamp and a UUID.
            0 | 1 => (0, after),
            2 => (1, after),
            3 => (2, after),
            4 => (4, after),
            5 | 8 => (8, after),
            9 => (16, after),
            // Bytes and strings, with their length.
            6 | STRING => {
                let (len, after) = after.split_first_chunk::<2>()?;
                (usize::from(u16::from_be_bytes(*len)), after)
            }
            _ => return None,
        };
        let (value, after) = after.split_at_checked(len)?;
        rest = after;
        let wanted = match name {
            b":message-type" => &mut headers.message_type,
            b":event-type" => &mut headers.event_type,
            b":exception-type" => &mut headers.exception_type,
            b":error-code" => &mut headers.error_code,
            _ => continue,
        };
        *wanted = if kind == STRING { std::str::from_utf8(value).ok() } else { None };
    }
    Some(headers)
}

const STRING: u8 = 7;

#[cfg(test)]
mod tests {
    use super::super::chunking_tests::{cut, lengths};
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Seen {
        messages: Vec<Message>,
        status: Option<StreamStatus>,
    }

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Message {
        headers: Vec<Option<String>>,
        payload: Vec<u8>,
        intact: Option<bool>,
    }

    impl EventStreamEvents for Seen {
        fn begin(&mut self, headers: Headers<'_>) {
            let headers =
                [headers.message_type, headers.event_type, headers.exception_type, headers.error_code];
            let headers = headers.map(|header| header.map(str::to_owned)).to_vec();
            self.messages.push(Message { headers, ..Message::default() });
        }

        fn payload(&mut self, piece: Piece<'_>) {
            assert!(!piece.bytes.is_empty());
            let message = self.messages.last_mut().unwrap();
            assert!(!piece.whole || message.payload.is_empty());
            message.payload.extend_from_slice(piece.bytes);
        }

        fn end(&mut self, intact: bool) {
            self.messages.last_mut().unwrap().intact = Some(intact);
        }
    }

    fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
        let (mut parser, mut seen) = (EventStreamParser::default(), Seen::default());
        for piece in pieces {
            parser.push(piece, &mut seen);
            assert!(parser.held.capacity() <= 2 * MAX_HEADERS);
        }
        seen.status = Some(parser.status());
        seen
    }

    fn string_header(name: &str, value: &str) -> Vec<u8> {
        let len = (value.len() as u16).to_be_bytes();
        [&[name.len() as u8], name.as_bytes(), &[7], &len, value.as_bytes()].concat()
    }

    fn message(headers: &[u8], payload: &[u8]) -> Vec<u8> {
        let total = (headers.len() + payload.len() + 16) as u32;
        let mut bytes = [total.to_be_bytes(), (headers.len() as u32).to_be_bytes()].concat();
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes.extend_from_slice(headers);
        bytes.extend_from_slice(payload);
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    fn chunk(payload: &[u8]) -> Vec<u8> {
        let headers =
            [string_header(":event-type", "chunk"), string_header(":message-type", "event")].concat();
        message(&headers, payload)
    }

    #[test]
    fn the_test_vectors_of_the_specification_are_read() {
        // "empty_message" and "payload_no_headers".
        let empty = [0, 0, 0, 0x10, 0, 0, 0, 0, 5, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
        let seen = parse([&empty[..]]);
        assert_eq!(seen.messages, [Message { headers: vec![None; 4], payload: vec![], intact: Some(true) }]);
        assert_eq!(seen.status, Some(StreamStatus::Between));

        let mut no_headers = vec![0, 0, 0, 0x1d, 0, 0, 0, 0, 0xfd, 0x52, 0x8c, 0x5a];
        no_headers.extend(b"{'foo':'bar'}");
        no_headers.extend([0xc3, 0x65, 0x39, 0x36]);
        let seen = parse([&no_headers[..]]);
        assert_eq!(
            (&seen.messages[0].payload[..], seen.messages[0].intact),
            (&b"{'foo':'bar'}"[..], Some(true))
        );
    }

    #[test]
    fn the_headers_that_tell_what_a_message_is_are_handed_out() {
        let other = [
            &b"\x01a\x00\x01b\x01\x01c\x02x\x01d\x03xx\x01e\x04xxxx\x01f\x05xxxxxxxx\x01g\x06\x00\x03xxx"[..],
            b"\x01h\x08xxxxxxxx\x01i\x09xxxxxxxxxxxxxxxx",
        ]
        .concat();
        let headers = [
            string_header(":message-type", "exception"),
            other,
            string_header(":exception-type", "throttlingException"),
        ]
        .concat();
        let seen = parse([&message(&headers, b"{}")[..]]);
        let expected = [Some("exception"), None, Some("throttlingException"), None];
        assert_eq!(seen.messages[0].headers, expected.map(|header| header.map(str::to_owned)));

        let seen = parse([&message(b"\x0d:message-type\x04xxxx\x0b:event-type\x07\x00\x01\xff", b"")[..]]);
        assert_eq!(seen.messages[0].headers, vec![None; 4]);
    }

    #[test]
    fn a_wrong_checksum_of_a_message_is_reported_and_the_next_is_read() {
        let mut bytes = chunk(b"first");
        let last = bytes.len() - 6;
        bytes[last] ^= 1;
        bytes.extend(chunk(b"second"));
        let seen = parse([&bytes[..]]);
        assert_eq!(
            seen.messages.iter().map(|message| message.intact).collect::<Vec<_>>(),
            [Some(false), Some(true)]
        );
        assert_eq!(seen.status, Some(StreamStatus::Between));
    }

    #[test]
    fn every_damaged_bit_is_noticed() {
        let bytes = chunk(b"{\"bytes\":\"e30=\"}");
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let seen = parse([&damaged[..]]);
            let noticed = seen.status == Some(StreamStatus::Damaged)
                || seen.messages.iter().all(|message| message.intact == Some(false));
            assert!(noticed, "bit {bit}");
        }
    }

    #[test]
    fn hostile_lengths_are_refused_even_with_a_right_checksum() {
        for (total, headers) in [
            (0_u32, 0_u32),
            (15, 0),
            (16, 1),
            (u32::MAX, 0),
            (u32::MAX, u32::MAX),
            (17, u32::MAX),
            ((MAX_HEADERS + 17) as u32, (MAX_HEADERS + 1) as u32),
            ((MAX_PAYLOAD + 17) as u32, 0),
        ] {
            let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
            bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
            bytes.extend([0; 100]);
            let seen = parse([&bytes[..]]);
            assert_eq!(
                (seen.messages, seen.status),
                (vec![], Some(StreamStatus::Damaged)),
                "{total} {headers}"
            );
        }
    }

    #[test]
    fn hostile_headers_are_refused() {
        for headers in [
            &b"\x05a"[..],
            b"\x01a",
            b"\x01a\x0a",
            b"\x01a\x07\x00",
            b"\x01a\x07\xff\xffx",
            b"\x01a\x09x",
            b"\xff",
        ] {
            let seen = parse([&message(headers, b"x")[..]]);
            assert_eq!((seen.messages, seen.status), (vec![], Some(StreamStatus::Damaged)), "{headers:?}");
        }
    }

    #[test]
    fn headers_up_to_the_limit_are_read_and_a_large_payload_is_not_held() {
        let filler = string_header("x", &"y".repeat(60_000));
        let headers = [&filler[..], &filler, &string_header(":event-type", "chunk")].concat();
        let payload = vec![b'z'; 1 << 20];
        let bytes = message(&headers, &payload);
        let whole = parse([&bytes[..]]);
        assert_eq!(whole.messages[0].headers[1].as_deref(), Some("chunk"));
        assert_eq!((whole.messages[0].payload.len(), whole.messages[0].intact), (1 << 20, Some(true)));
        assert_eq!(parse(bytes.chunks(1000)), whole);
    }

    #[test]
    fn input_that_ends_within_a_message_is_told_from_input_that_does_not() {
        let bytes = chunk(b"abc");
        for end in 0..=bytes.len() {
            let expected =
                if end == 0 || end == bytes.len() { StreamStatus::Between } else { StreamStatus::Within };
            assert_eq!(parse([&bytes[..end]]).status, Some(expected));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn messages_are_read_back_however_they_are_cut(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..5),
            damage in prop::option::of(any::<(prop::sample::Index, u8)>()),
            lengths in lengths(),
        ) {
            let mut bytes: Vec<u8> = payloads.iter().flat_map(|payload| chunk(payload)).collect();
            if let (Some((at, by)), false) = (damage, bytes.is_empty()) {
                let at = at.index(bytes.len());
                bytes[at] ^= by;
            } else {
                let whole = parse([&bytes[..]]);
                let read: Vec<_> = whole.messages.iter().map(|message| message.payload.clone()).collect();
                prop_assert_eq!(read, payloads);
                prop_assert!(whole.messages.iter().all(|message| message.intact == Some(true)));
            }
            prop_assert_eq!(parse(cut(&bytes, &lengths)), parse([&bytes[..]]));
        }

        #[test]
        fn no_bytes_at_all_disturb_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..100), lengths in lengths()) {
            prop_assert_eq!(parse(cut(&bytes, &lengths)), parse([&bytes[..]]));
        }
    }
}
