//! `gzip` (RFC 1952) and `deflate` (RFC 1950, or the bare RFC 1951 that some servers send).

use super::{DecodeError, Stage};
use flate2::{Decompress, FlushDecompress, Status};

/// A gzip file, which may have several members one after the other.
pub(super) struct Gzip {
    member: Decompress,
    position: Position,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    InMember,
    /// Behind a member, with nothing read of what follows.
    AfterMember,
    /// Behind the last member, in bytes that are ignored.
    AfterFile,
}

impl Gzip {
    pub(super) fn new() -> Self {
        // Fifteen bits are the largest window there is, 32 KiB.
        Self { member: Decompress::new_gzip(15), position: Position::InMember }
    }
}

impl Stage for Gzip {
    fn decode(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, DecodeError> {
        if let (Position::AfterMember, Some(&first)) = (self.position, input.first()) {
            // A member begins with this byte. Some encoders pad their files with zeros.
            if first == 0x1F {
                *self = Self::new();
            } else {
                self.position = Position::AfterFile;
            }
        }
        if self.position != Position::InMember {
            return Ok(0);
        }
        let (filled, ended) = inflate(&mut self.member, input, output)?;
        if ended {
            self.position = Position::AfterMember;
        }
        Ok(filled)
    }

    fn is_complete(&self) -> bool {
        self.position != Position::InMember
    }
}

/// Deflate data, behind a zlib header or bare.
#[derive(Default)]
pub(super) struct Deflate {
    /// Known from the first byte on.
    inflate: Option<Decompress>,
    ended: bool,
}

impl Stage for Deflate {
    fn decode(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, DecodeError> {
        let (Some(&first), false) = (input.first().or(self.inflate.as_ref().map(|_| &0)), self.ended) else {
            return Ok(0);
        };
        // A zlib header names the method, 8, and a window of at most 32 KiB. No encoder of bare data writes such a byte:
        // it would be an uncompressed block with a bit set in its padding.
        let has_header = first & 0x0F == 8 && first >> 4 <= 7;
        let decompress = self.inflate.get_or_insert_with(|| Decompress::new(has_header));
        let (filled, ended) = inflate(decompress, input, output)?;
        self.ended = ended;
        Ok(filled)
    }

    fn is_complete(&self) -> bool {
        self.ended
    }
}

/// Returns how many bytes were filled, and whether the data has ended.
fn inflate(
    decompress: &mut Decompress,
    input: &mut &[u8],
    output: &mut [u8],
) -> Result<(usize, bool), DecodeError> {
    let (taken, filled) = (decompress.total_in(), decompress.total_out());
    let result = decompress.decompress(input, output, FlushDecompress::None);
    let taken = (decompress.total_in() - taken) as usize;
    let filled = (decompress.total_out() - filled) as usize;
    *input = input.get(taken..).unwrap_or_default();
    match result {
        Ok(status) => Ok((filled, status == Status::StreamEnd)),
        // What stands before the damage is handed out first. The next call fails again, and fills nothing.
        Err(_) if filled > 0 => Ok((filled, false)),
        Err(_) => Err(DecodeError::Malformed),
    }
}
