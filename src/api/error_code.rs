//! The type or code of an error, never its message.

use super::lenient::{self, ShortText, lenient};
use crate::record::Text;

/// Codes are at most this long.
const MAX_LEN: usize = 64;

lenient! {
    struct ErrorObject {
        code: ShortText = "code",
        kind: ShortText = "type",
        status: ShortText = "status",
        // Google's name for what its numeric code means; AWS.
        aws: ShortText = "__type",
        inner: InnerError = "error",
        metadata: ErrorMetadata = "metadata",
    }

    struct InnerError {
        code: ShortText = "code",
        kind: ShortText = "type",
    }

    /// What OpenRouter says about the provider behind it.
    struct ErrorMetadata {
        error_type: ShortText = "error_type",
    }
}

/// Reads the code in the value of an `error` member. A value that is a text is a message, and has none.
pub(super) fn of_object(json: &[u8]) -> Option<Text> {
    let (error, _): (ErrorObject, _) = lenient::read(json)?;
    let words = [error.code, error.kind, error.status, error.aws, error.metadata.error_type];
    let inner = [error.inner.code, error.inner.kind];
    let named = |word: &ShortText| match word {
        ShortText::Text(text) => of_text(text),
        ShortText::Absent | ShortText::Number(_) => None,
    };
    let numbered = |word: &ShortText| match word {
        ShortText::Number(number) => Text::new(&number.to_string()).ok(),
        ShortText::Absent | ShortText::Text(_) => None,
    };
    let all = || words.iter().chain(&inner);
    all().find_map(named).or_else(|| all().find_map(numbered))
}

/// Reads the code in AWS's header, which goes on with a URL after a colon.
pub(super) fn of_aws_header(value: &str) -> Option<Text> {
    of_text(value.split(':').next()?)
}

/// Takes `text` if it is a code and not a sentence. AWS puts a namespace and `#` before it.
pub(super) fn of_text(text: &str) -> Option<Text> {
    let code = text.rsplit('#').next()?.trim();
    let is_code = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    if is_code && code.len() <= MAX_LEN { Text::new(code).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_s_error_has_a_code() {
        let code = |json: &str| of_object(json.as_bytes()).map(|code| code.to_string());
        for (json, expected) in [
            (
                r#"{"message":"No","type":"invalid_request_error","code":"invalid_api_key"}"#,
                "invalid_api_key",
            ),
            (r#"{"message":"No","type":"invalid_request_error","code":null}"#, "invalid_request_error"),
            (r#"{"type":"overloaded_error","message":"Overloaded"}"#, "overloaded_error"),
            // Cut within a character.
            (r#"{"message":"Overloaded \ud83d","type":"overloaded_error"}"#, "overloaded_error"),
            (r#"{"code":400,"message":"Bad","status":"INVALID_ARGUMENT"}"#, "INVALID_ARGUMENT"),
            (r#"{"code":502,"message":"Provider returned error"}"#, "502"),
            (r#"{"__type":"com.amazon.coral.validate#ValidationException"}"#, "ValidationException"),
            (r#"{"error":{"type":"not_found"}}"#, "not_found"),
        ] {
            assert_eq!(code(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn a_message_is_never_a_code() {
        for json in [
            r#""model 'x' not found""#,
            r#"{"message":"secret"}"#,
            r#"{"code":"a b"}"#,
            r#"{"code":"über"}"#,
            r#"{"code":""}"#,
            "null",
            "true",
        ] {
            assert_eq!(of_object(json.as_bytes()), None, "{json}");
        }
        assert_eq!(of_text(&"x".repeat(MAX_LEN)).map(|code| code.len()), Some(MAX_LEN));
        assert_eq!(of_text(&"x".repeat(MAX_LEN + 1)), None);
    }

    #[test]
    fn the_header_of_aws_is_cut_before_its_namespace() {
        assert_eq!(of_aws_header("ThrottlingException:http://internal/").unwrap(), "ThrottlingException");
        assert_eq!(of_aws_header("no code at all"), None);
    }
}
