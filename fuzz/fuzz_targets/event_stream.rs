//! Binary event streams: the same however they are cut, as they come and with their checksums put right.

#![no_main]

use differential::{Binary, BinaryEnd, event_stream};
use libfuzzer_sys::fuzz_target;
use tower_llm_metrics_fuzz::{bounded, cut, messages, split};

/// The headers, the payload, and whether the checksum is right, which is not known where the input ends before.
type Message = ([Option<String>; 4], Vec<u8>, Option<bool>);

/// The most that is held: headers of 128 KiB, in a buffer that may be twice as large.
const BOUND: usize = 256 << 10;

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Message>, BinaryEnd) {
    let mut messages: Vec<Message> = Vec::new();
    let end = event_stream(pieces, |event| match (event, messages.last_mut()) {
        (Binary::Begin(headers), _) => {
            messages.push((headers.map(|header| header.map(str::to_owned)), Vec::new(), None));
        }
        (Binary::Payload(piece), Some(message)) => message.1.extend_from_slice(piece),
        (Binary::End(intact), Some(message)) => message.2 = Some(intact),
        (event, None) => panic!("{event:?} without a beginning"),
    });
    (messages, end)
}

fuzz_target!(|input: &[u8]| {
    let Some((lengths, description)) = split(input) else { return };
    for stream in [description, &messages(description)] {
        let (messages, end) = read([stream].into_iter());
        assert_eq!(read(cut(stream, lengths)), (messages.clone(), end));
        event_stream(bounded(cut(stream, lengths), BOUND), |_| {});
        // Only the last message may lack its end, and does when the input breaks off behind its headers.
        let ended = messages.iter().filter(|message| message.2.is_some()).count();
        assert!(ended + 1 >= messages.len() && (ended == messages.len() || end == BinaryEnd::Within));
    }
});
