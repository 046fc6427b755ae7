//! The fields of a request's body that may name the end user.

use super::caller::Claim;
use crate::record::{Api, UserId, UserIssue};
use crate::wire::json::{Value, number, string};
use crate::wire::multipart;

/// The fields of a body that may hold the end user's id, in order.
#[derive(Debug)]
pub(crate) struct UserFields(Vec<UserField>);

#[derive(Debug)]
struct UserField {
    path: Box<str>,
    only_for: Option<Api>,
}

impl UserFields {
    /// How many fields are looked at. Further ones are left out.
    pub(crate) const MAX: usize = 16;

    /// Looks at `fields` in this order. Those with an [`Api`] count in its requests only.
    pub(crate) fn new<P: Into<Box<str>>>(fields: impl IntoIterator<Item = (P, Option<Api>)>) -> Self {
        let fields = fields.into_iter().take(Self::MAX);
        Self(fields.map(|(path, only_for)| UserField { path: path.into(), only_for }).collect())
    }

    /// Returns the number of fields.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the path of each field.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|field| &*field.path)
    }

    /// Returns the claim of the first field with a usable id. `claims` holds the last value of each field, and `speaks` says
    /// whether the request is one of an API.
    pub(crate) fn claim(&self, claims: &[Claim], speaks: impl Fn(Api) -> bool) -> Claim {
        let counting = self.0.iter().zip(claims).filter(|(field, _)| field.only_for.is_none_or(&speaks));
        counting.fold(Claim::default(), |claim, (_, next)| claim.or_else(|| next.clone()))
    }
}

impl Default for UserFields {
    /// Reads `user` and `safety_identifier`, as OpenAI has them, and `metadata.user_id` in Anthropic's messages: elsewhere
    /// `metadata` holds free-form tags.
    fn default() -> Self {
        Self::new([("user", None), ("safety_identifier", None), ("metadata.user_id", Some(Api::Messages))])
    }
}

impl Claim {
    /// Reads a JSON value: a string, trimmed, or an integer as it is written. Any other value names nobody.
    pub(crate) fn of_json(value: Value<'_>) -> Self {
        let raw = match value {
            Value::Json(raw) => raw,
            Value::TooLong { first: b'"' | b'-' | b'0'..=b'9' } => return Self::refused(UserIssue::TooLong),
            Value::TooLong { .. } | Value::Piece { .. } => return Self::default(),
        };
        if raw.first() != Some(&b'"') {
            let is_integer = |text: &&str| text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
            return number(raw).filter(is_integer).map(of_text).unwrap_or_default();
        }
        match string(raw) {
            Some(text) => of_text(&text),
            // JSON does not allow control characters in a string.
            None if raw.iter().any(u8::is_ascii_control) => Self::refused(UserIssue::ControlCharacter),
            None => Self::refused(UserIssue::NotUtf8),
        }
    }

    /// Reads a field of a form.
    pub(crate) fn of_form(text: multipart::FieldText<'_>) -> Self {
        match text {
            multipart::FieldText::Whole(text) => match std::str::from_utf8(text) {
                Ok(text) => of_text(text),
                Err(_) => Self::refused(UserIssue::NotUtf8),
            },
            multipart::FieldText::TooLong => Self::refused(UserIssue::TooLong),
        }
    }
}

fn of_text(text: &str) -> Claim {
    Claim::of(UserId::verbatim(text.trim()))
}
