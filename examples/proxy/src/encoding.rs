//! Which encodings of an answer the upstream may choose from.

use axum::http::{HeaderMap, HeaderValue, header};

/// The encodings that the library can read. What it cannot read would pass unmetered.
const READABLE: [&str; 6] = ["identity", "gzip", "x-gzip", "deflate", "br", "zstd"];

/// Leaves of the client's `Accept-Encoding` what can be read (RFC 9110, 12.5.3: an intermediary may). Where all of
/// it is readable it stays as it was.
pub(crate) fn accept_only_readable(headers: &mut HeaderMap) {
    let asked: Vec<&str> = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|coding| !coding.is_empty())
        .collect();
    let readable = |coding: &&&str| {
        let name = coding.split(';').next().unwrap_or_default().trim();
        READABLE.iter().any(|readable| readable.eq_ignore_ascii_case(name))
    };
    let kept: Vec<&str> = asked.iter().filter(readable).copied().collect();
    if kept.len() == asked.len() {
        return;
    }
    let kept = if kept.is_empty() { "identity".to_owned() } else { kept.join(", ") };
    if let Ok(value) = HeaderValue::try_from(kept) {
        headers.insert(header::ACCEPT_ENCODING, value);
    }
}
