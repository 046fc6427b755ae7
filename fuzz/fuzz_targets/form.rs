//! Forms: the same however they are cut.

#![no_main]

use differential::form;
use libfuzzer_sys::fuzz_target;
use tower_llm_metrics_fuzz::{bounded, cut, split};

const CONTENT_TYPE: &str = "multipart/form-data; boundary=b";
const NAMES: [&str; 2] = ["model", "user"];
const LIMIT: usize = 64;

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<(u8, Option<Vec<u8>>)> {
    let mut fields = Vec::new();
    let is_form = form(CONTENT_TYPE, &NAMES, LIMIT, pieces, |field, text| {
        fields.push((field, text.map(<[u8]>::to_vec)))
    });
    assert!(is_form);
    fields
}

fuzz_target!(|input: &[u8]| {
    let Some((lengths, body)) = split(input) else { return };
    let whole = read([body].into_iter());
    assert_eq!(read(cut(body, lengths)), whole);
    // The headers of a part have at most 4 KiB, in a buffer that may be twice as large; the boundary's finder comes on top.
    form(CONTENT_TYPE, &NAMES, LIMIT, bounded(cut(body, lengths), 10 << 10), |_, _| {});
});
