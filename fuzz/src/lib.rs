//! What the fuzz targets have in common: how an input is cut, and how much is held while it is read.

use cap::Cap;
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// How many bytes are allocated now.
pub fn allocated() -> usize {
    ALLOCATOR.allocated()
}

/// Takes the first bytes of an input as lengths, by which the rest is cut.
pub fn split(input: &[u8]) -> Option<([u8; 4], &[u8])> {
    input.split_first_chunk::<4>().map(|(lengths, rest)| (*lengths, rest))
}

/// Cuts `bytes` into pieces of these lengths, over and over. Some are empty.
pub fn cut(mut bytes: &[u8], lengths: [u8; 4]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut lengths = lengths.into_iter().cycle();
    let endless = lengths.clone().take(4).all(|length| length == 0);
    std::iter::from_fn(move || {
        let length = usize::from(lengths.next().unwrap_or(1)).max(usize::from(endless)).min(bytes.len());
        let (piece, rest) = bytes.split_at(length);
        bytes = rest;
        (length > 0 || !rest.is_empty()).then_some(piece)
    })
}

/// Passes the pieces on and checks before each that what reads them holds no more than `bound` bytes by then. Nothing but
/// the reader may allocate meanwhile.
pub fn bounded<'a>(pieces: impl Iterator<Item = &'a [u8]>, bound: usize) -> impl Iterator<Item = &'a [u8]> {
    let before = allocated();
    pieces.inspect(move |_| {
        let held = allocated().saturating_sub(before);
        assert!(held <= bound, "{held} bytes are held, and {bound} are allowed");
    })
}

/// A binary event stream from a description: for each message a byte each for the lengths of headers and payload and for
/// what to damage, then the headers and the payload. The checksums are right unless they are to be damaged.
pub fn messages(mut description: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    while let Some(([headers, payload, damage], rest)) = description.split_first_chunk::<3>() {
        let (headers, rest) = rest.split_at(rest.len().min(usize::from(*headers)));
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*payload)));
        description = rest;
        let total = (headers.len() + payload.len() + 16) as u32;
        let mut message = [total.to_be_bytes(), (headers.len() as u32).to_be_bytes()].concat();
        message.extend(crc32fast::hash(&message).to_be_bytes());
        message.extend_from_slice(headers);
        message.extend_from_slice(payload);
        message.extend(crc32fast::hash(&message).to_be_bytes());
        // One message in eight or so.
        if *damage > 224 {
            let at = usize::from(*damage) % message.len();
            message[at] ^= 1;
        }
        stream.extend(message);
    }
    stream
}
