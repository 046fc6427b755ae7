//! The headers that callers name themselves and their calls with.

use http::header::{HeaderMap, HeaderName};

/// The end user, by default.
pub(crate) const USER: HeaderName = HeaderName::from_static("helicone-user-id");
/// What all of these headers begin with.
pub(super) const PREFIX: &str = "helicone-";
/// Behind it: the caller's session.
pub(super) const SESSION: &str = "session-id";
/// Behind it: the caller's own id of the request.
pub(super) const REQUEST: &str = "request-id";
/// Behind it: what the header of a property goes on with.
pub(super) const PROPERTY_PREFIX: &str = "property-";

/// Takes out every `Helicone-*` header, `Helicone-Auth` included. The others keep their order.
pub(crate) fn remove_helicone_headers(headers: &mut HeaderMap) {
    let for_us = |name: &HeaderName| name.as_str().starts_with(PREFIX);
    if !headers.keys().any(for_us) {
        return;
    }
    // `HeaderMap::remove` would move the last header into the gap.
    let mut kept = HeaderMap::with_capacity(headers.len());
    let mut current = None;
    for (name, value) in headers.drain() {
        current = name.or(current);
        if let Some(name) = current.as_ref().filter(|name| !for_us(name)) {
            kept.append(name, value);
        }
    }
    *headers = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn removal_takes_all_helicone_headers_and_leaves_the_order_of_the_others() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("helicone-auth", "Bearer key"),
            ("x-first", "1"),
            ("helicone-user-id", "alice"),
            ("helicone-user-id", "bob"),
            ("x-second", "2"),
            ("x-second", "2b"),
            ("helicone-property-team", "search"),
            ("heliconette", "kept"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        remove_helicone_headers(&mut headers);
        let left: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(left, [("x-first", "1"), ("x-second", "2"), ("x-second", "2b"), ("heliconette", "kept")]);
    }
}
