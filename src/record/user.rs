//! Who made a call.

use super::listed::closed_list;
use super::text::{Text, TextError};
use std::fmt;

/// The id of an end user: at most 256 bytes, never empty, free of control characters.
///
/// An id is what a caller claims, unless its [`UserSource`] is [`Verified`](UserSource::Verified). Do not
/// grant anything on the strength of a claimed id.
///
/// ```
/// use tower_llm_metrics::UserId;
///
/// // Surrounding white space and one pair of double quotes are not part of an id.
/// assert_eq!(UserId::new("\"alicebob@gmail.com\""), UserId::new("alicebob@gmail.com"));
/// assert!(UserId::new("  ").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Text);

impl UserId {
    /// Reads an id: surrounding white space is trimmed and one pair of surrounding double quotes removed, as
    /// callers of curl send them.
    ///
    /// # Errors
    /// When nothing is left, or when [`Text::new`] refuses what is left.
    pub fn new(id: &str) -> Result<Self, TextError> {
        let id = id.trim();
        let id = id.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map_or(id, str::trim);
        Self::verbatim(id)
    }

    /// Takes an id as it is, quotes included: what a body's string or a stored record holds.
    ///
    /// # Errors
    /// When [`Text::new`] refuses it.
    pub fn verbatim(id: &str) -> Result<Self, TextError> {
        Text::new(id).map(Self)
    }

    /// Returns the id as a string slice.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for UserId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// Lets maps keyed by [`UserId`] be looked up with a `&str`.
impl std::borrow::Borrow<str> for UserId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// An end user together with where the id came from.
///
/// Put one into a request's extensions to say who is calling with certainty; no header or body overrides it.
///
/// ```
/// use tower_llm_metrics::{User, UserId};
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(User::verified(UserId::new("alice").unwrap()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The id.
    pub id: UserId,
    /// Where it came from.
    pub source: UserSource,
}

impl User {
    /// Creates a user whom the application has authenticated.
    pub fn verified(id: UserId) -> Self {
        Self::new(id, UserSource::Verified)
    }

    /// Creates a user from any source.
    pub fn new(id: UserId, source: UserSource) -> Self {
        Self { id, source }
    }
}

closed_list! {
    /// Where a user's id came from: how far it can be trusted.
    pub UserSource, "user_source" {
        /// The application put it into the request's extensions.
        Verified = "verified",
        /// A request header, as the caller claims.
        Header = "header",
        /// A field of the request's body, as the caller claims.
        Body = "body",
        /// The application's own [`Identify`](crate::Identify).
        Custom = "custom",
    }
}

closed_list! {
    /// Why a candidate for the user's id was refused. It never quotes the candidate.
    pub UserIssue, "user_issue" {
        /// Longer than 256 bytes.
        TooLong = "too_long",
        /// It held a control character.
        ControlCharacter = "control_character",
        /// It was not valid UTF-8.
        NotUtf8 = "not_utf8",
        /// The application's [`Identify`](crate::Identify) panicked.
        Panicked = "panicked",
    }
}

impl UserIssue {
    /// Returns the issue that an error of [`UserId::new`] is; `None` for an empty id, which falls through in silence.
    pub fn from_error(error: TextError) -> Option<Self> {
        match error {
            TextError::Empty => None,
            TextError::TooLong => Some(Self::TooLong),
            TextError::ControlCharacter => Some(Self::ControlCharacter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_white_space_around_an_id_are_not_part_of_it() {
        let plain = UserId::new("alicebob@gmail.com").unwrap();
        for spelt in [" alicebob@gmail.com\t", "\"alicebob@gmail.com\"", " \" alicebob@gmail.com \" "] {
            assert_eq!(UserId::new(spelt).unwrap(), plain);
        }
    }

    #[test]
    fn only_one_pair_of_quotes_is_taken_off_and_a_lone_quote_stays() {
        assert_eq!(UserId::new("\"\"a\"\"").unwrap().as_str(), "\"a\"");
        assert_eq!(UserId::new("\"a").unwrap().as_str(), "\"a");
        assert_eq!(UserId::new("\"").unwrap().as_str(), "\"");
        assert_eq!(UserId::new("\"\""), Err(TextError::Empty));
    }
}
