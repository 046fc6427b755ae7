//! `br` (RFC 7932).

use super::{DecodeError, Stage};
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

/// A brotli stream.
pub(super) struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    ended: bool,
}

impl Brotli {
    pub(super) fn new() -> Self {
        // Strict: windows of at most 16 MiB, as the RFC has it, rather than of a gigabyte.
        let state = BrotliState::new_strict(
            StandardAlloc::default(),
            StandardAlloc::default(),
            StandardAlloc::default(),
        );
        Self { state, ended: false }
    }
}

impl Stage for Brotli {
    fn decode(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, DecodeError> {
        if self.ended {
            return Ok(0);
        }
        let (mut available_in, mut taken) = (input.len(), 0);
        let (mut available_out, mut filled) = (output.len(), 0);
        let mut total = 0;
        let result = BrotliDecompressStream(
            &mut available_in,
            &mut taken,
            input,
            &mut available_out,
            &mut filled,
            output,
            &mut total,
            &mut self.state,
        );
        *input = input.get(taken..).unwrap_or_default();
        match result {
            BrotliResult::ResultFailure => Err(DecodeError::Malformed),
            BrotliResult::ResultSuccess => {
                self.ended = true;
                Ok(filled)
            }
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => Ok(filled),
        }
    }

    fn is_complete(&self) -> bool {
        self.ended
    }
}
