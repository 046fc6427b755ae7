//! Short strings from outside.

use smol_str::SmolStr;
use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

/// A short string that came from outside: a model, an id, a tier.
///
/// At most [`Text::MAX_LEN`] bytes, never empty, free of control characters. Up to 23 bytes are kept inline;
/// longer ones are shared, so that a clone never copies.
///
/// ```
/// use tower_llm_metrics::record::Text;
///
/// let model = Text::new("gpt-5-mini").unwrap();
/// assert_eq!(&*model, "gpt-5-mini");
/// assert!(Text::new("line\nbreak").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(SmolStr);

impl Text {
    /// The longest text that is kept, in bytes.
    pub const MAX_LEN: usize = 256;

    /// Takes `text` as it is.
    ///
    /// # Errors
    /// When it is empty, longer than [`Text::MAX_LEN`] bytes, or holds a control character.
    pub fn new(text: &str) -> Result<Self, TextError> {
        Self::check(text)?;
        Ok(Self(SmolStr::new(text)))
    }

    /// Returns whether [`Text::new`] takes `text`.
    pub(super) fn check(text: &str) -> Result<(), TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(TextError::TooLong);
        }
        if has_control(text) {
            return Err(TextError::ControlCharacter);
        }
        Ok(())
    }

    /// Creates a text that is known at compile time. The caller answers for the rules of [`Text::new`].
    pub(crate) const fn from_static(text: &'static str) -> Self {
        Self(SmolStr::new_static(text))
    }

    /// Returns the text as a string slice.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether [`char::is_control`] is true of a character. Most texts are ASCII, for which a look at the bytes is enough.
fn has_control(text: &str) -> bool {
    let special = |byte: &u8| !(b' '..=b'~').contains(byte);
    // No early exit, so that the loop vectorizes.
    let plain = !text.as_bytes().iter().fold(false, |found, byte| found | special(byte));
    !plain && text.chars().any(char::is_control)
}

/// Why a [`Text`] was refused. It never quotes what it refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextError {
    /// It was empty.
    Empty,
    /// It was longer than [`Text::MAX_LEN`] bytes.
    TooLong,
    /// It held a control character, a line break or NUL for instance.
    ControlCharacter,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the text is empty"),
            Self::TooLong => write!(f, "the text is longer than {} bytes", Text::MAX_LEN),
            Self::ControlCharacter => f.write_str("the text holds a control character"),
        }
    }
}

impl std::error::Error for TextError {}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_in_bytes_and_exact() {
        assert!(Text::new(&"x".repeat(Text::MAX_LEN)).is_ok());
        assert_eq!(Text::new(&"x".repeat(Text::MAX_LEN + 1)), Err(TextError::TooLong));
        assert!(Text::new(&"😀".repeat(64)).is_ok());
        assert_eq!(Text::new(&"😀".repeat(65)), Err(TextError::TooLong));
        assert_eq!(Text::new(""), Err(TextError::Empty));
    }

    #[test]
    fn control_characters_of_both_blocks_are_refused() {
        for bad in ["a\0b", "\r\n", "\u{7f}", "\u{85}"] {
            assert_eq!(Text::new(bad), Err(TextError::ControlCharacter));
        }
    }
}
