//! Server-sent events beside two crates that read them: `eventsource-stream`, which many clients of LLM APIs use, and
//! `sse-stream`.
//!
//! What remains different, with the reason:
//! * A last event that no blank line closes is handed out by ours alone, since some servers leave the line out. The
//!   others get the text with the blank line.
//! * Fields unknown to the standard make an event for ours alone, since some servers send `error: {…}`. Events with
//!   empty data, which can't be told from these here, are left out.
//! * `eventsource-stream` 0.2.3 panics on a byte order mark, so it gets the text without one. `sse-stream` gets it.
//! * Names of events are cut to 64 bytes by ours, which compares them with short ones only.

use bytes::Bytes;
use differential::Sse;
use differential::corpus::exchanges;
use eventsource_stream::Eventsource;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use proptest::prelude::*;
use std::convert::Infallible;

/// The name and the data of an event.
type Event = (String, String);

/// The name of an event as far as ours keeps it; without one, the standard's.
fn named(name: &[u8]) -> String {
    let name = name.get(..64).unwrap_or(name);
    if name.is_empty() { "message".to_owned() } else { String::from_utf8_lossy(name).into_owned() }
}

fn ours(text: &str, chunk: usize) -> Vec<Event> {
    let (mut events, mut data) = (Vec::new(), Vec::new());
    let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    differential::sse(text.as_bytes().chunks(chunk), |event| match event {
        Sse::Data(piece) => data.extend_from_slice(piece),
        Sse::Other(_) => {}
        Sse::End(name) => events.push((named(name), string(&std::mem::take(&mut data)))),
    });
    events.retain(|(_, data)| !data.is_empty());
    events
}

fn closed(text: &str, chunk: usize) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let text = format!("{text}\n\n");
    let pieces: Vec<_> =
        text.as_bytes().chunks(chunk).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

fn eventsource_stream(text: &str, chunk: usize) -> Vec<Event> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let events = closed(text, chunk).eventsource().collect::<Vec<_>>().now_or_never().unwrap();
    let events = events.into_iter().map(|event| event.unwrap());
    events
        .map(|event| (named(event.event.as_bytes()), event.data))
        .filter(|(_, data)| !data.is_empty())
        .collect()
}

fn sse_stream(text: &str, chunk: usize) -> Vec<Event> {
    let events =
        sse_stream::SseByteStream::new(closed(text, chunk)).collect::<Vec<_>>().now_or_never().unwrap();
    let events = events.into_iter().map(|event| event.unwrap());
    let events = events
        .map(|event| (named(event.event.unwrap_or_default().as_bytes()), event.data.unwrap_or_default()));
    events.filter(|(_, data)| !data.is_empty()).collect()
}

#[test]
fn every_recorded_stream_has_the_same_events() {
    let mut count = 0;
    for exchange in exchanges("sse") {
        let Some(text) = exchange["response_body"].as_str() else { continue };
        for chunk in [7, 4096] {
            let ours = ours(text, chunk);
            assert_eq!(ours, eventsource_stream(text, chunk), "{}", exchange["id"]);
            assert_eq!(ours, sse_stream(text, chunk), "{}", exchange["id"]);
            count += ours.len();
        }
    }
    println!("{count} events compared");
}

/// What event streams are made of, and what they should not be made of.
const TOKENS: [&str; 20] = [
    "data",
    "data:",
    "data: ",
    "data:  two",
    "data: {\"a\":1}",
    "event: a",
    "event",
    "event:message_stop",
    "id: 1",
    "retry: 2",
    ": ping",
    "error: x",
    "é\u{feff}",
    ":",
    " ",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "\r\n\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

    #[test]
    fn random_streams_have_the_same_events(
        tokens in prop::collection::vec(prop::sample::select(&TOKENS[..]), 0..30),
        mark in any::<bool>(),
        chunk in 1_usize..40,
    ) {
        let text = format!("{}{}", if mark { "\u{feff}" } else { "" }, tokens.concat());
        let ours = ours(&text, chunk);
        prop_assert_eq!(&ours, &eventsource_stream(&text, chunk));
        prop_assert_eq!(&ours, &sse_stream(&text, chunk));
    }
}
