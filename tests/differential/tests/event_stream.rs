//! Binary event streams beside `aws-smithy-eventstream`, the reader of Amazon's own SDK.
//!
//! What remains different, with the reason:
//! * A message whose last checksum is wrong ends the other's reading. Ours says so and goes on, since the lengths have a
//!   checksum of their own.
//! * Ours reads the four headers that tell what a message is and checks of the others no more than their lengths.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder, write_message_to};
use aws_smithy_types::DateTime;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use differential::corpus::exchanges;
use differential::{Binary, BinaryEnd};
use proptest::prelude::*;

const NAMES: [&str; 4] = [":message-type", ":event-type", ":exception-type", ":error-code"];

/// The headers that ours reads, and the payload.
type Read = ([Option<String>; 4], Vec<u8>);

/// The intact messages up to the first that is not, and whether the whole input was such messages.
fn ours(bytes: &[u8], chunk: usize) -> (Vec<Read>, bool) {
    let (mut messages, mut all_intact) = (Vec::new(), true);
    let mut current = Read::default();
    let end = differential::event_stream(bytes.chunks(chunk), |event| match event {
        Binary::Begin(headers) => current = (headers.map(|header| header.map(str::to_owned)), Vec::new()),
        Binary::Payload(piece) => current.1.extend_from_slice(piece),
        Binary::End(intact) => {
            all_intact &= intact;
            if all_intact {
                messages.push(std::mem::take(&mut current));
            }
        }
    });
    (messages, all_intact && end == BinaryEnd::Between)
}

fn theirs(bytes: &[u8]) -> (Vec<Read>, bool) {
    let (mut decoder, mut buffer) = (MessageFrameDecoder::new(), BytesMut::from(bytes));
    let mut messages = Vec::new();
    loop {
        let before = buffer.len();
        match decoder.decode_frame(&mut buffer) {
            Ok(DecodedFrame::Complete(message)) => messages.push(read(&message)),
            // It takes the prelude of the next message at once.
            Ok(DecodedFrame::Incomplete) => return (messages, before == 0),
            Err(_) => return (messages, false),
        }
    }
}

fn read(message: &Message) -> Read {
    // Of a repeated header the last counts.
    let header = |name| {
        let header = message.headers().iter().rev().find(|header| header.name().as_str() == name)?;
        Some(header.value().as_string().ok()?.as_str().to_owned())
    };
    (NAMES.map(header), message.payload().to_vec())
}

fn written(messages: &[Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        write_message_to(message, &mut bytes).unwrap();
    }
    bytes
}

#[test]
fn every_recorded_stream_has_the_same_messages() {
    let mut count = 0;
    for exchange in exchanges("aws-eventstream") {
        let Some(body) = exchange["response_body_b64"].as_str() else { continue };
        let body = STANDARD.decode(body).unwrap();
        for chunk in [1, 1024] {
            let ours = ours(&body, chunk);
            count += ours.0.len();
            assert_eq!(ours, theirs(&body), "{}", exchange["id"]);
        }
    }
    println!("{count} messages compared");
}

fn value() -> impl Strategy<Value = HeaderValue> {
    prop_oneof![
        5 => "\\PC{0,20}".prop_map(|text| HeaderValue::String(text.into())),
        1 => any::<bool>().prop_map(HeaderValue::Bool),
        1 => any::<i8>().prop_map(HeaderValue::Byte),
        1 => any::<i16>().prop_map(HeaderValue::Int16),
        1 => any::<i32>().prop_map(HeaderValue::Int32),
        1 => any::<i64>().prop_map(HeaderValue::Int64),
        1 => prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| HeaderValue::ByteArray(bytes.into())),
        1 => any::<i32>().prop_map(|secs| HeaderValue::Timestamp(DateTime::from_secs(secs.into()))),
        1 => any::<u128>().prop_map(HeaderValue::Uuid),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let name =
        prop_oneof![3 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => "[a-z:-]{1,12}"];
    let header = (name, value()).prop_map(|(name, value)| Header::new(name, value));
    let payload = prop::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from);
    (prop::collection::vec(header, 0..6), payload)
        .prop_map(|(headers, payload)| Message::new_from_parts(headers, payload))
}

fn messages() -> impl Strategy<Value = Vec<Message>> {
    prop::collection::vec(message(), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

    #[test]
    fn what_the_sdk_writes_is_read(messages in messages(), chunk in 1_usize..200) {
        let expected: Vec<Read> = messages.iter().map(read).collect();
        prop_assert_eq!(ours(&written(&messages), chunk), (expected, true));
    }

    #[test]
    fn a_stream_that_breaks_off_or_is_damaged_is_believed_as_far_as_the_sdk_believes_it(
        messages in messages(),
        chunk in 1_usize..200,
        end in any::<prop::sample::Index>(),
        bit in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = written(&messages);
        if let Some(bit) = bit {
            let bit = bit.index(8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        bytes.truncate(end.index(bytes.len() + 1));
        prop_assert_eq!(ours(&bytes, chunk), theirs(&bytes));
    }
}
