//! Newline-delimited text: the lines of the whole text, however it is cut.

#![no_main]

use differential::lines;
use libfuzzer_sys::fuzz_target;
use tower_llm_metrics_fuzz::{bounded, cut, split};

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let (mut all, mut line) = (Vec::new(), Vec::new());
    lines(pieces, |piece| match piece {
        Some(piece) => line.extend_from_slice(piece),
        None => all.push(std::mem::take(&mut line)),
    });
    assert!(line.is_empty(), "every line has an end");
    all
}

fuzz_target!(|input: &[u8]| {
    let Some((lengths, text)) = split(input) else { return };
    let expected: Vec<&[u8]> = text
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(read([text].into_iter()), expected);
    assert_eq!(read(cut(text, lengths)), expected);
    lines(bounded(cut(text, lengths), 0), |_| {});
});
