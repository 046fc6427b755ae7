//! What a method and a path ask for.

use crate::record::{Api, Operation, Text};
use std::borrow::Cow;

/// What a path says, whatever the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) api: Option<Api>,
    pub(super) operation: Operation,
    pub(super) model: Option<Text>,
    pub(super) stream: Option<bool>,
    pub(super) consumes: bool,
    pub(super) repeats: bool,
    /// Though the path is one where nothing is consumed, an answer that names a shape of which something was is
    /// believed: a gateway's routes are its own.
    pub(super) by_shape: bool,
    /// The id of the answer that is asked for again.
    pub(super) asked_for: Option<Text>,
    pub(super) batch: bool,
    pub(super) region: Option<Text>,
}

impl Call {
    pub(super) const UNKNOWN: Self = Self {
        api: None,
        operation: Operation::Other,
        model: None,
        stream: None,
        consumes: true,
        repeats: false,
        by_shape: false,
        asked_for: None,
        batch: false,
        region: None,
    };
    /// Files, batches and other housekeeping.
    pub(super) const MANAGEMENT: Self = Self::free(Api::Management);
    /// Tokens are counted.
    pub(super) const COUNT: Self = Self::free(Api::CountTokens);

    pub(super) const fn new(api: Api, operation: Operation) -> Self {
        Self { api: Some(api), operation, ..Self::UNKNOWN }
    }

    /// Nothing is consumed: a list, a count, housekeeping.
    pub(super) const fn free(api: Api) -> Self {
        Self { api: Some(api), consumes: false, ..Self::UNKNOWN }
    }

    /// An answer that another call is billed for.
    pub(super) const fn repeated(mut self) -> Self {
        self.consumes = false;
        self.repeats = true;
        self
    }

    pub(super) fn with_model(mut self, model: Option<Text>) -> Self {
        self.model = model;
        self
    }

    pub(super) const fn with_stream(mut self, stream: bool) -> Self {
        self.stream = Some(stream);
        self
    }
}

/// A segment with its percent-encoding undone. What is not UTF-8 then stays as it was.
pub(super) fn decoded(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (byte, rest.get(1..).unwrap_or_default()),
            },
            _ => (byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(segment), Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_percent_encoding_stays() {
        assert_eq!(decoded("%e4%zz%"), "%e4%zz%");
        assert_eq!(decoded("a%20%C3%A4"), "a ä");
    }
}
