//! Content codings (RFC 9110, section 8.4), undone on a copy of the stream as it flows.
//!
//! What the encoder has flushed comes out at once. The output goes in small pieces to a callback and its sum is bounded,
//! so a few bytes that stand for gigabytes can't do harm.

#[cfg(feature = "brotli")]
mod brotli;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "zstd")]
mod zstd;

use std::fmt;

/// Undoes the content codings of a body.
///
/// Bytes behind the end of what is encoded are ignored, as other decoders do; only behind a zstd frame they must be
/// another frame.
pub(crate) struct Decoder {
    /// In the order of decoding, which is the reverse of that in the header.
    stages: Vec<Box<dyn Stage>>,
    /// How many more bytes may be decoded, those between two codings included.
    left: u64,
    failed: Option<DecodeError>,
}

/// Why a body could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// The coding is not known, its feature is off, or there are too many.
    Unsupported,
    /// It is not what the header says, or it is damaged.
    #[cfg_attr(
        not(any(feature = "gzip", feature = "brotli", feature = "zstd")),
        allow(dead_code, reason = "without a decoder nothing is malformed")
    )]
    Malformed,
    /// The decoded body is larger than the limit.
    TooLarge,
}

/// One coding.
trait Stage: Send + Sync {
    /// Decodes from the front of `input`, which it shortens by what it took, and returns how many bytes of `output` it
    /// filled. When it neither takes nor fills anything it needs more input, or ignores what comes.
    fn decode(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, DecodeError>;

    /// Returns whether the input so far is complete.
    fn is_complete(&self) -> bool;
}

/// More codings than anybody stacks.
const MAX_STAGES: usize = 4;
const PIECE: usize = 4 << 10;

impl Decoder {
    /// Creates a decoder for the values of the `Content-Encoding` headers, in their order. `None` when nothing is encoded.
    ///
    /// # Errors
    /// [`DecodeError::Unsupported`].
    pub(crate) fn new<'a>(
        headers: impl IntoIterator<Item = &'a str>,
        limit: u64,
    ) -> Result<Option<Self>, DecodeError> {
        let mut stages = Vec::new();
        for coding in headers.into_iter().flat_map(|header| header.split(',')).map(str::trim) {
            if coding.is_empty() || coding.eq_ignore_ascii_case("identity") {
                continue;
            }
            if stages.len() == MAX_STAGES {
                return Err(DecodeError::Unsupported);
            }
            stages.insert(0, stage(&coding.to_ascii_lowercase())?);
        }
        Ok((!stages.is_empty()).then_some(Self { stages, left: limit, failed: None }))
    }

    /// Takes the next piece, of any length, and hands out what it decodes to in pieces of at most 4 KiB.
    ///
    /// # Errors
    /// Once it has failed it fails for ever. What was handed out before stays true.
    pub(crate) fn push(&mut self, bytes: &[u8], found: &mut dyn FnMut(&[u8])) -> Result<(), DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = run(&mut self.stages, &mut self.left, bytes, found);
        self.failed = result.err();
        result
    }

    /// Returns whether the input so far is complete. At the end of the input, `false` is a loss.
    pub(crate) fn is_complete(&self) -> bool {
        self.failed.is_none() && self.stages.iter().all(|stage| stage.is_complete())
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("stages", &self.stages.len())
            .field("left", &self.left)
            .field("failed", &self.failed)
            .finish()
    }
}

/// Returns the stage for a coding, in lower case.
fn stage(coding: &str) -> Result<Box<dyn Stage>, DecodeError> {
    match coding {
        #[cfg(feature = "gzip")]
        "gzip" | "x-gzip" => Ok(Box::new(gzip::Gzip::new())),
        #[cfg(feature = "gzip")]
        "deflate" => Ok(Box::new(gzip::Deflate::default())),
        #[cfg(feature = "brotli")]
        "br" => Ok(Box::new(brotli::Brotli::new())),
        #[cfg(feature = "zstd")]
        "zstd" => Ok(Box::new(zstd::Zstd::new()?)),
        _ => Err(DecodeError::Unsupported),
    }
}

fn run(
    stages: &mut [Box<dyn Stage>],
    left: &mut u64,
    mut input: &[u8],
    found: &mut dyn FnMut(&[u8]),
) -> Result<(), DecodeError> {
    let Some((stage, stages)) = stages.split_first_mut() else {
        found(input);
        return Ok(());
    };
    let mut output = [0; PIECE];
    loop {
        let before = input.len();
        let filled = stage.decode(&mut input, &mut output)?;
        if filled > 0 {
            let piece = output.get(..filled).unwrap_or_default();
            *left = left.checked_sub(piece.len() as u64).ok_or(DecodeError::TooLarge)?;
            run(stages, left, piece, found)?;
        } else if input.len() == before {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
