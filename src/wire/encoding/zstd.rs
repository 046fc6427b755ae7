//! `zstd` (RFC 8878, RFC 9659).

use super::{DecodeError, Stage};
use zstd::stream::raw::{DParameter, Decoder, Operation};

/// Any number of zstd frames.
pub(super) struct Zstd {
    decoder: Decoder<'static>,
    /// The last frame has come to its end.
    at_end: bool,
}

/// Windows of at most 8 MiB, as RFC 9659 has it.
const MAX_WINDOW_LOG: u32 = 23;

impl Zstd {
    pub(super) fn new() -> Result<Self, DecodeError> {
        // It fails only for want of memory.
        let mut decoder = Decoder::new().map_err(|_| DecodeError::Unsupported)?;
        decoder
            .set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG))
            .map_err(|_| DecodeError::Unsupported)?;
        Ok(Self { decoder, at_end: false })
    }
}

impl Stage for Zstd {
    fn decode(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, DecodeError> {
        if self.at_end && input.is_empty() {
            return Ok(0);
        }
        let status = self.decoder.run_on_buffers(input, output).map_err(|_| DecodeError::Malformed)?;
        *input = input.get(status.bytes_read..).unwrap_or_default();
        self.at_end = status.remaining == 0;
        Ok(status.bytes_written)
    }

    fn is_complete(&self) -> bool {
        self.at_end
    }
}
