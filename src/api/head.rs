//! What the head of an answer says.

use super::{dialects, error_code};
use crate::record::{Text, Usage, Usd};
use http::{HeaderMap, header};

/// What the head of an answer says of the call.
#[derive(Debug, Default)]
pub(super) struct ResponseHead {
    /// The provider's id of the request.
    pub(super) request_id: Option<Text>,
    /// The tier that served.
    pub(super) service_tier: Option<Text>,
    /// The code of an error.
    pub(super) error: Option<Text>,
    /// The usage, for answers whose bodies do not state it.
    pub(super) usage: Option<Box<Usage>>,
    /// What a gateway says that the call cost.
    pub(super) cost: Option<Usd>,
}

impl ResponseHead {
    /// Reads all headers in one pass, which is less work than to look each of them up.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut head = Self::default();
        let (mut id_rank, mut tells_usage) = (usize::MAX, false);
        for (name, value) in headers {
            let name = name.as_str();
            let text = || Text::new(value.to_str().ok()?.trim()).ok();
            if let Some(rank) = request_id_rank(name).filter(|rank| *rank < id_rank)
                && let Some(id) = text()
            {
                (head.request_id, id_rank) = (Some(id), rank);
            }
            match name {
                "x-gemini-service-tier" | "azureai-processed-tier" | "x-amzn-bedrock-service-tier" => {
                    head.service_tier = head.service_tier.or_else(text);
                }
                "x-amzn-bedrock-performanceconfig-latency" => {
                    let fast = text().filter(|latency| latency != &Text::from_static("standard"));
                    head.service_tier = fast.or(head.service_tier);
                }
                "x-amzn-errortype" => head.error = value.to_str().ok().and_then(error_code::of_aws_header),
                "num_tokens" | "num-tokens" | "character-cost" | "dg-char-count" => tells_usage = true,
                // LiteLLM's, which is 0 where it knows no price
                // (https://docs.litellm.ai/docs/proxy/response_headers).
                "x-litellm-response-cost" => {
                    let cost = value.to_str().ok().and_then(|cost| Usd::from_decimal(cost.trim()).ok());
                    head.cost = cost.filter(|cost| *cost > Usd::ZERO);
                }
                _ => tells_usage |= name.starts_with("x-amzn-bedrock-"),
            }
        }
        if tells_usage {
            head.usage = dialects::usage_in_head(headers).map(Box::new);
        }
        head
    }
}

/// Ranks the headers in which providers put their id of a request, the surest first.
fn request_id_rank(name: &str) -> Option<usize> {
    Some(match name {
        "x-request-id" => 0,
        "request-id" => 1,
        "x-amzn-requestid" => 2,
        "apim-request-id" => 3,
        "x-ms-request-id" => 4,
        "x-goog-request-id" => 5,
        "x-generation-id" => 6,
        _ => return None,
    })
}

/// Returns the value of `name`, or an empty text.
pub(super) fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").trim_ascii()
}

/// Returns the media type of a `content_type`, without its parameters.
pub(super) fn media_type(content_type: &str) -> &[u8] {
    content_type.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// Whether a media type is JSON, by its name or its suffix (RFC 6839).
pub(super) fn is_json(media_type: &[u8]) -> bool {
    let suffix =
        media_type.iter().rposition(|byte| *byte == b'+').and_then(|plus| media_type.get(plus + 1..));
    media_type.eq_ignore_ascii_case(b"application/json")
        || media_type.eq_ignore_ascii_case(b"text/json")
        || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surest_header_with_a_usable_value_is_taken() {
        let mut headers = HeaderMap::new();
        assert_eq!(ResponseHead::of(&headers).request_id, None);
        headers.insert("x-request-id", " ".parse().unwrap());
        headers.insert("x-generation-id", "g-1".parse().unwrap());
        headers.insert("apim-request-id", "a-1".parse().unwrap());
        headers.insert("x-gemini-service-tier", "flex".parse().unwrap());
        headers.insert("x-amzn-errortype", "ThrottlingException:http://internal/".parse().unwrap());
        let head = ResponseHead::of(&headers);
        assert_eq!(head.request_id.unwrap(), "a-1");
        assert_eq!(head.service_tier.unwrap(), "flex");
        assert_eq!((head.error.as_deref(), head.usage), (Some("ThrottlingException"), None));
        headers.insert("x-amzn-bedrock-input-token-count", "12".parse().unwrap());
        assert_eq!(ResponseHead::of(&headers).usage.unwrap().input_tokens, Some(12));
    }

    #[test]
    fn characters_and_costs_stand_in_headers_too() {
        let mut headers = HeaderMap::new();
        headers.insert("character-cost", "26".parse().unwrap());
        headers.insert("x-litellm-response-cost", "5.85e-06".parse().unwrap());
        let head = ResponseHead::of(&headers);
        assert_eq!(head.usage.unwrap().characters, Some(26));
        assert_eq!(head.cost.unwrap().to_string(), "0.00000585");
        for unknown in ["0.0", "None", "-1", ""] {
            headers.insert("x-litellm-response-cost", unknown.parse().unwrap());
            assert_eq!(ResponseHead::of(&headers).cost, None, "{unknown}");
        }
    }

    #[test]
    fn json_is_known_by_its_name_and_by_its_suffix() {
        for content_type in
            ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"]
        {
            assert!(is_json(media_type(content_type)), "{content_type}");
        }
        for content_type in ["", "text/html", "application/x-ndjson", "application/jsonl", "+xml"] {
            assert!(!is_json(media_type(content_type)), "{content_type}");
        }
    }

    #[test]
    fn a_media_type_is_read_without_its_parameters() {
        assert_eq!(media_type(" text/event-stream ; charset=utf-8"), b"text/event-stream");
        assert_eq!(media_type("text/event-stream-ish"), b"text/event-stream-ish");
        assert_eq!(media_type(""), b"");
    }
}
