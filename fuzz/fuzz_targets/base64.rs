//! Base64: the same however it is cut.

#![no_main]

use differential::base64;
use libfuzzer_sys::fuzz_target;
use tower_llm_metrics_fuzz::{bounded, cut, split};

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let is_base64 = base64(pieces, |piece| bytes.extend_from_slice(piece));
    (bytes, is_base64)
}

fuzz_target!(|input: &[u8]| {
    let Some((lengths, text)) = split(input) else { return };
    let whole = read([text].into_iter());
    assert_eq!(read(cut(text, lengths)), whole);
    assert!(whole.0.len() <= text.len() / 4 * 3 + 2);
    base64(bounded(cut(text, lengths), 0), |_| {});
});
