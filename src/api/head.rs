//! What the head of an answer says.

use super::{bedrock, cohere};
use crate::record::{Text, Usage};
use http::{HeaderMap, header};

/// Where providers put their id of a request, the surest first.
const REQUEST_IDS: [&str; 7] = [
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-ms-request-id",
    "x-goog-request-id",
    "x-generation-id",
];

/// Where providers put the tier that served.
const TIERS: [&str; 2] = ["x-gemini-service-tier", "azureai-processed-tier"];

/// The provider's id of the request.
pub(super) fn request_id(headers: &HeaderMap) -> Option<Text> {
    first(headers, &REQUEST_IDS)
}

/// The service tier.
pub(super) fn service_tier(headers: &HeaderMap) -> Option<Text> {
    first(headers, &TIERS)
}

/// The usage, for answers whose bodies say nothing of it.
pub(super) fn usage(headers: &HeaderMap) -> Option<Usage> {
    bedrock::read_headers(headers).or_else(|| cohere::read_headers(headers))
}

/// The value of `name`, where it is text.
pub(super) fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").trim()
}

/// Whether the media type of `content_type` is `media_type`, whatever its parameters.
pub(super) fn is_media_type(content_type: &str, media_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case(media_type)
}

/// Whether `content_type` is JSON, by its name or its suffix (RFC 6839).
pub(super) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

fn first(headers: &HeaderMap, names: &[&str]) -> Option<Text> {
    names.iter().find_map(|name| Text::new(headers.get(*name)?.to_str().ok()?.trim()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surest_header_with_a_usable_value_is_taken() {
        let mut headers = HeaderMap::new();
        assert_eq!(request_id(&headers), None);
        headers.insert("x-request-id", " ".parse().unwrap());
        headers.insert("apim-request-id", "a-1".parse().unwrap());
        headers.insert("x-gemini-service-tier", "flex".parse().unwrap());
        assert_eq!(request_id(&headers).unwrap(), "a-1");
        assert_eq!(service_tier(&headers).unwrap(), "flex");
    }

    #[test]
    fn a_media_type_is_compared_without_its_parameters() {
        assert!(is_media_type("Text/Event-Stream; charset=utf-8", "text/event-stream"));
        assert!(!is_media_type("text/event-stream-ish", "text/event-stream"));
        assert!(!is_media_type("", "text/event-stream"));
    }
}
