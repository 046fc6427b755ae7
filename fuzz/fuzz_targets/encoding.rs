//! Content codings: what is decoded is the same however the input is cut, and no more than the limit.

#![no_main]

use differential::{Undecoded, decode};
use libfuzzer_sys::fuzz_target;
use tower_llm_metrics_fuzz::{bounded, cut, split};

const CODINGS: [&str; 6] = ["gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate"];
const LIMIT: u64 = 1 << 20;

fn read<'a>(coding: &str, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Result<bool, Undecoded>) {
    let mut decoded = Vec::new();
    let end = decode(coding, LIMIT, pieces, |piece| decoded.extend_from_slice(piece));
    assert!(decoded.len() as u64 <= LIMIT);
    (decoded, end)
}

fuzz_target!(|input: &[u8]| {
    let Some((lengths, [coding, body @ ..])) = split(input) else { return };
    let coding = CODINGS[usize::from(*coding) % CODINGS.len()];
    let whole = read(coding, [body].into_iter());
    let pieces = read(coding, cut(body, lengths));
    assert_eq!(pieces.1, whole.1);
    // Where it is damaged, how much comes out before depends on the pieces.
    let common = pieces.0.len().min(whole.0.len());
    assert!(pieces.0[..common] == whole.0[..common] && (whole.1.is_err() || pieces.0.len() == whole.0.len()));
    // The windows of two codings: 16 MiB is the largest, brotli's, which is allocated with its ring around it.
    let _ = decode(coding, LIMIT, bounded(cut(body, lengths), 50 << 20), |_| {});
});
