//! The change in the request.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{Method, request};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::ops::Range;

const OPTION: &str = r#""include_usage":true"#;

/// Hosts whose streams state their usage without being asked, and that refuse a request that asks for it.
const REFUSING: [&str; 2] = ["api.mistral.ai", "codestral.mistral.ai"];

/// Whether a request may be one that lacks the option.
pub(super) fn may_lack_option(head: &request::Parts) -> bool {
    if head.uri.host().is_some_and(|host| REFUSING.iter().any(|refusing| host.eq_ignore_ascii_case(refusing)))
    {
        return false;
    }
    let json = head.headers.get(CONTENT_TYPE).is_none_or(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.trim_start().to_ascii_lowercase().starts_with("application/json"))
    });
    head.method == Method::POST
        && head.uri.path().trim_end_matches('/').ends_with("/completions")
        && json
        && !head.headers.contains_key(CONTENT_ENCODING)
}

/// Puts the option into the body. `None` where it does not stream, has the option, or is not plain JSON.
pub(super) fn with_option(body: &[u8]) -> Option<Bytes> {
    let (replaced, text) = change(std::str::from_utf8(body).ok()?)?;
    let (before, after) = (body.get(..replaced.start)?, body.get(replaced.end..)?);
    Some([before, text.as_bytes(), after].concat().into())
}

#[derive(Deserialize)]
struct Envelope<'a> {
    stream: Option<bool>,
    #[serde(borrow, default, deserialize_with = "raw")]
    stream_options: Option<&'a RawValue>,
    /// Azure's, beside which it refuses the option.
    data_sources: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Options<'a> {
    #[serde(borrow, default, deserialize_with = "raw")]
    include_usage: Option<&'a RawValue>,
}

/// Keeps the value as written. `null` is a value too, unlike for a plain `Option`.
fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Returns which bytes give way to which text.
fn change(body: &str) -> Option<(Range<usize>, String)> {
    // Of a list, serde would take the elements for the fields.
    let is_object = |json: &str| json.trim_start().starts_with('{');
    let envelope: Envelope<'_> = serde_json::from_str(body).ok().filter(|_| is_object(body))?;
    if envelope.stream != Some(true) || envelope.data_sources.is_some() {
        return None;
    }
    let Some(options) = envelope.stream_options.map(RawValue::get) else {
        let close = body.rfind('}')?;
        return Some((close..close, format!(r#","stream_options":{{{OPTION}}}"#)));
    };
    // A borrowed raw value is a slice of the body, so that its address shows its place.
    let start = (options.as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
    if options == "null" {
        return Some((start..start + options.len(), format!("{{{OPTION}}}")));
    }
    let present: Options<'_> = serde_json::from_str(options).ok().filter(|_| is_object(options))?;
    if present.include_usage.is_some() {
        return None;
    }
    let inside = start + 1;
    let empty = options.get(1..)?.trim_start().starts_with('}');
    Some((inside..inside, format!("{OPTION}{}", if empty { "" } else { "," })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(body: &str) -> Option<String> {
        with_option(body.as_bytes()).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn the_option_is_put_where_it_lacks_and_nothing_else_changes() {
        for (body, with_option) in [
            (r#"{"stream":true}"#, r#"{"stream":true,"stream_options":{"include_usage":true}}"#),
            (r#" { "stream" : true } "#, r#" { "stream" : true ,"stream_options":{"include_usage":true}} "#),
            (
                r#"{"stream_options":null,"stream":true}"#,
                r#"{"stream_options":{"include_usage":true},"stream":true}"#,
            ),
            (
                r#"{"stream_options":{ },"stream":true}"#,
                r#"{"stream_options":{"include_usage":true },"stream":true}"#,
            ),
            (
                r#"{"stream_options":{"include_obfuscation":false},"stream":true}"#,
                r#"{"stream_options":{"include_usage":true,"include_obfuscation":false},"stream":true}"#,
            ),
        ] {
            assert_eq!(changed(body).as_deref(), Some(with_option));
        }
    }

    #[test]
    fn an_api_that_refuses_the_option_is_not_asked_for_it() {
        let may_lack = |uri: &str| {
            let (head, ()) = http::Request::post(uri).body(()).unwrap().into_parts();
            may_lack_option(&head)
        };
        assert!(may_lack("https://api.openai.com/v1/chat/completions"));
        assert!(!may_lack("https://API.Mistral.ai/v1/chat/completions"));
    }

    #[test]
    fn what_does_not_stream_has_the_option_or_is_no_json_stays() {
        for body in [
            "",
            "{}",
            r#"{"stream":false}"#,
            r#"{"stream":"true"}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":false}}"#,
            r#"{"stream":true,"stream_options":7}"#,
            r#"{"stream":true,"stream":true}"#,
            r#"{"stream":true,}"#,
            r#"[{"stream":true}]"#,
            "[true,null]",
            r#"{"stream":true,"stream_options":[]}"#,
            r#"{"stream":true,"data_sources":[{"type":"azure_search"}]}"#,
        ] {
            assert_eq!(changed(body), None, "{body}");
        }
    }
}
