//! What a member of a request says, in JSON or in a form.

use crate::record::{Text, UserId, UserIssue};
use crate::wire::json::{Value, boolean, number, string};
use crate::wire::multipart;
use std::borrow::Cow;

/// The value of a member.
#[derive(Clone, Copy, Debug)]
pub(super) enum Said<'a> {
    Json(Value<'a>),
    Form(multipart::FieldText<'a>),
}

/// What a field for the user said last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Candidate {
    /// Nothing, or nothing that is an id.
    #[default]
    None,
    Usable(UserId),
    Refused(UserIssue),
}

impl<'a> Said<'a> {
    /// The short text that it is.
    pub(super) fn text(self) -> Option<Text> {
        let text: Cow<'_, str> = match self {
            Self::Json(Value::Json(raw)) => string(raw)?,
            Self::Form(multipart::FieldText::Whole(text)) => std::str::from_utf8(text).ok()?.trim().into(),
            Self::Json(Value::TooLong { .. } | Value::Piece { .. })
            | Self::Form(multipart::FieldText::TooLong) => return None,
        };
        Text::new(&text).ok()
    }

    /// The truth value that it is.
    pub(super) fn boolean(self) -> Option<bool> {
        match self {
            Self::Json(Value::Json(raw)) => boolean(raw),
            Self::Form(multipart::FieldText::Whole(text)) => boolean(&text.trim_ascii().to_ascii_lowercase()),
            Self::Json(Value::TooLong { .. } | Value::Piece { .. })
            | Self::Form(multipart::FieldText::TooLong) => None,
        }
    }

    /// The id that it may be: a string, trimmed, or an integer as it is written.
    pub(super) fn candidate(self) -> Candidate {
        match self {
            Self::Json(Value::Json(raw)) => of_json(raw),
            Self::Json(Value::TooLong { first: b'"' | b'-' | b'0'..=b'9' })
            | Self::Form(multipart::FieldText::TooLong) => Candidate::Refused(UserIssue::TooLong),
            Self::Json(Value::TooLong { .. } | Value::Piece { .. }) => Candidate::None,
            Self::Form(multipart::FieldText::Whole(text)) => match std::str::from_utf8(text) {
                Ok(text) => of_text(text),
                Err(_) => Candidate::Refused(UserIssue::NotUtf8),
            },
        }
    }
}

fn of_json(raw: &[u8]) -> Candidate {
    if raw.first() != Some(&b'"') {
        let is_integer = |text: &&str| text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
        return number(raw).filter(is_integer).map_or(Candidate::None, of_text);
    }
    match string(raw) {
        Some(text) => of_text(&text),
        // A string that holds what JSON does not allow.
        None if raw.iter().any(u8::is_ascii_control) => Candidate::Refused(UserIssue::ControlCharacter),
        None => Candidate::Refused(UserIssue::NotUtf8),
    }
}

fn of_text(text: &str) -> Candidate {
    match UserId::verbatim(text.trim()) {
        Ok(id) => Candidate::Usable(id),
        Err(error) => UserIssue::from_error(error).map_or(Candidate::None, Candidate::Refused),
    }
}
