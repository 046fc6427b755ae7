//! What the head of a request says about the call.

use crate::record::{Api, Operation, Provider, ProviderSource, Record, Text};
use std::borrow::Cow;

/// What the head of a request says about the call: what its path asks for and whose host it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiRoute {
    pub(crate) provider: Option<Provider>,
    pub(crate) provider_source: Option<ProviderSource>,
    /// In lower case, without the port.
    pub(crate) host: Option<Text>,
    pub(crate) api: Option<Api>,
    pub(crate) operation: Operation,
    /// The model that the path names. Where the body names one too, that is the one asked for.
    pub(crate) model: Option<Text>,
    /// Whether the path asks for a stream.
    pub(crate) stream: Option<bool>,
    /// Whether the call consumes anything: lists, counts and housekeeping do not.
    pub(crate) consumes: bool,
    /// Whether the answer is one that another call is billed for.
    pub(crate) repeats: bool,
    /// Whether an answer that names the shape of a consuming call is believed against the path, which is one where
    /// nothing is consumed. The routes of a gateway are its own.
    pub(crate) by_shape: bool,
    /// The id of the answer that is asked for again.
    pub(crate) asked_for: Option<Text>,
    pub(crate) batch: bool,
    pub(crate) region: Option<Text>,
    /// Whether the request goes to a provider's own host, and not to a gateway or an unknown host.
    pub(crate) faces_provider: bool,
}

impl ApiRoute {
    pub(super) const UNKNOWN: Self = Self {
        provider: None,
        provider_source: None,
        host: None,
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
        faces_provider: false,
    };
    /// Files, batches and other housekeeping.
    pub(super) const MANAGEMENT: Self = Self::free(Api::Management);
    /// The counting of tokens.
    pub(super) const COUNT: Self = Self::free(Api::CountTokens);

    pub(super) const fn new(api: Api, operation: Operation) -> Self {
        Self { api: Some(api), operation, ..Self::UNKNOWN }
    }

    /// Returns a route where nothing is consumed: a list, a count, housekeeping.
    pub(super) const fn free(api: Api) -> Self {
        Self { api: Some(api), consumes: false, ..Self::UNKNOWN }
    }

    /// Turns it into the route to an answer that another call is billed for.
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

    /// Names the provider, unless one is named already.
    pub(super) fn name_provider(&mut self, provider: Provider, source: ProviderSource) {
        if self.provider.is_none() {
            self.provider = Some(provider);
            self.provider_source = Some(source);
        }
    }

    /// Writes to the record of the call what is known of it before its bodies have been read.
    pub(crate) fn fill(&self, record: &mut Record) {
        record.provider = self.provider.clone();
        record.provider_source = self.provider_source;
        record.host = self.host.clone();
        record.api = self.api;
        record.operation = self.operation;
        record.model = self.model.clone();
        record.stream = self.stream == Some(true);
        record.batch = self.batch;
        record.region = self.region.clone();
    }
}

/// Undoes the percent-encoding of a segment. What is not UTF-8 then stays as it was.
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
