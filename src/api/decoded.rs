//! The plain bytes of a body that may be compressed.

use crate::wire::encoding::{DecodeError, Decoder};
use http::{HeaderMap, header};

/// How many bytes of a compressed body are decoded. Real answers are far smaller, so the limit stops bombs only.
const LIMIT: u64 = 256 << 20;

/// Undoes the content encodings of a body.
#[derive(Debug)]
pub(super) enum Decoded {
    /// Nothing is to be undone.
    Plain,
    Encoded(Box<Encoded>),
    /// It is encoded in a way that this build does not read.
    Unreadable,
}

/// A body that is encoded in a way that this build reads.
#[derive(Debug)]
pub(super) struct Encoded {
    /// As the header has them.
    codings: Box<str>,
    decoder: Decoder,
    begun: bool,
    failed: Option<DecodeError>,
}

impl Decoded {
    /// Reads the content encodings of a body from its headers.
    pub(super) fn new(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter().peekable();
        if values.peek().is_none() {
            return Self::Plain;
        }
        let codings: Option<Vec<&str>> = values.map(|value| value.to_str().ok()).collect();
        codings.map_or(Self::Unreadable, |codings| Self::with(&codings.join(",")))
    }

    fn with(codings: &str) -> Self {
        match Decoder::new([codings], LIMIT) {
            Ok(None) => Self::Plain,
            Ok(Some(decoder)) => {
                let codings = codings.into();
                Self::Encoded(Box::new(Encoded { codings, decoder, begun: false, failed: None }))
            }
            Err(_) => Self::Unreadable,
        }
    }

    /// Hands the next bytes on, decoded.
    pub(super) fn push(&mut self, bytes: &[u8], mut read: impl FnMut(&[u8])) {
        match self {
            Self::Plain => read(bytes),
            Self::Encoded(encoded) => {
                // A body without a byte was not cut off.
                encoded.begun |= !bytes.is_empty();
                encoded.failed = encoded.decoder.push(bytes, &mut read).err();
            }
            Self::Unreadable => {}
        }
    }

    /// Returns why the body that has ended could not be read to its end.
    pub(super) fn failure(&self) -> Option<DecodeError> {
        match self {
            Self::Plain => None,
            Self::Encoded(encoded) if !encoded.begun => None,
            Self::Encoded(encoded) => {
                let cut = (!encoded.decoder.is_complete()).then_some(DecodeError::Malformed);
                encoded.failed.or(cut)
            }
            Self::Unreadable => Some(DecodeError::Unsupported),
        }
    }
}

impl Clone for Decoded {
    /// A decoder in the middle of its work cannot be copied, so such a copy reads nothing more. A body that is sent
    /// again is copied before it was read.
    fn clone(&self) -> Self {
        match self {
            Self::Plain => Self::Plain,
            Self::Encoded(encoded) if !encoded.begun => Self::with(&encoded.codings),
            Self::Encoded(_) | Self::Unreadable => Self::Unreadable,
        }
    }
}
