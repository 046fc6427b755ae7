//! `gzip` (RFC 1952) and `deflate` (RFC 1950, or the bare RFC 1951 that some servers send).

use super::{DecodeError, Stage};
use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

/// A gzip file: any number of members, each with a header, data and a trailer.
pub(super) struct Gzip {
    part: Part,
    /// What is still to come of the optional parts of the header.
    flags: u8,
    /// The first bytes of a part of fixed length.
    held: [u8; HEADER],
    held_len: usize,
    inflate: Decompress,
    checksum: Hasher,
    /// A member has been read to its end.
    has_member: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Header,
    ExtraLen,
    Extra(u16),
    Name,
    Comment,
    HeaderChecksum,
    Data,
    Trailer,
    /// Behind the last member.
    Ignored,
}

const HEADER: usize = 10;
const TRAILER: usize = 8;
const MAGIC: &[u8] = &[0x1F, 0x8B, 8];

const HEADER_CHECKSUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xE0;

impl Default for Gzip {
    fn default() -> Self {
        Self {
            part: Part::Header,
            flags: 0,
            held: [0; HEADER],
            held_len: 0,
            inflate: Decompress::new(false),
            checksum: Hasher::new(),
            has_member: false,
        }
    }
}

impl Gzip {
    /// Collects a part of `N` bytes.
    fn fixed<const N: usize>(&mut self, input: &mut &[u8]) -> Option<[u8; N]> {
        while self.held_len < N {
            let (&byte, rest) = input.split_first()?;
            *self.held.get_mut(self.held_len)? = byte;
            self.held_len += 1;
            *input = rest;
        }
        self.held_len = 0;
        self.held.first_chunk().copied()
    }

    /// The part of the header that comes next.
    fn after_header(&mut self) -> Part {
        for (flag, part) in [
            (EXTRA, Part::ExtraLen),
            (NAME, Part::Name),
            (COMMENT, Part::Comment),
            (HEADER_CHECKSUM, Part::HeaderChecksum),
        ] {
            if self.flags & flag != 0 {
                self.flags &= !flag;
                return part;
            }
        }
        Part::Data
    }

    /// Reads one part that is not data. `None` when it does not end here.
    fn frame(&mut self, input: &mut &[u8]) -> Result<Option<Part>, DecodeError> {
        Ok(match self.part {
            Part::Header => {
                if self.has_member && self.held_len == 0 && input.first().is_some_and(|&byte| byte != 0x1F) {
                    return Ok(Some(Part::Ignored));
                }
                self.fixed::<HEADER>(input).map(|header| self.header(header)).transpose()?
            }
            Part::ExtraLen => self.fixed::<2>(input).map(|len| Part::Extra(u16::from_le_bytes(len))),
            Part::Extra(len) => {
                let skipped = input.len().min(usize::from(len));
                *input = input.get(skipped..).unwrap_or_default();
                let left = len - skipped as u16;
                self.part = Part::Extra(left);
                (left == 0).then(|| self.after_header())
            }
            Part::Name | Part::Comment => {
                let end = memchr::memchr(0, input);
                *input = end.and_then(|end| input.get(end + 1..)).unwrap_or_default();
                end.map(|_| self.after_header())
            }
            Part::HeaderChecksum => self.fixed::<2>(input).map(|_| self.after_header()),
            Part::Trailer => self.fixed::<TRAILER>(input).map(|trailer| self.trailer(trailer)).transpose()?,
            Part::Data | Part::Ignored => None,
        })
    }

    fn header(&mut self, header: [u8; HEADER]) -> Result<Part, DecodeError> {
        let [.., flags, _, _, _, _, _, _] = header;
        if !header.starts_with(MAGIC) || flags & RESERVED != 0 {
            return Err(DecodeError::Malformed);
        }
        self.flags = flags;
        self.inflate.reset(false);
        self.checksum = Hasher::new();
        Ok(self.after_header())
    }

    fn trailer(&mut self, trailer: [u8; TRAILER]) -> Result<Part, DecodeError> {
        let checksum = std::mem::take(&mut self.checksum).finalize().to_le_bytes();
        let len = (self.inflate.total_out() as u32).to_le_bytes();
        self.has_member = true;
        if trailer == [checksum, len].as_flattened() { Ok(Part::Header) } else { Err(DecodeError::Malformed) }
    }
}

impl Stage for Gzip {
    fn decode(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, DecodeError> {
        loop {
            if self.part == Part::Data {
                let (filled, ended) = inflate(&mut self.inflate, input, output)?;
                self.checksum.update(output.get(..filled).unwrap_or_default());
                if ended {
                    self.part = Part::Trailer;
                }
                if filled > 0 || !ended {
                    return Ok(filled);
                }
            }
            match self.frame(input)? {
                Some(part) => self.part = part,
                None => return Ok(0),
            }
        }
    }

    fn is_complete(&self) -> bool {
        match self.part {
            Part::Header => self.has_member && self.held_len == 0,
            part => part == Part::Ignored,
        }
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
        // A zlib header tells the method, 8, and a window of at most 32 KiB. No encoder of bare data writes such a byte:
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

/// How many bytes were filled, and whether the data has ended.
fn inflate(
    decompress: &mut Decompress,
    input: &mut &[u8],
    output: &mut [u8],
) -> Result<(usize, bool), DecodeError> {
    let (taken, filled) = (decompress.total_in(), decompress.total_out());
    let status =
        decompress.decompress(input, output, FlushDecompress::None).map_err(|_| DecodeError::Malformed)?;
    let taken = (decompress.total_in() - taken) as usize;
    let filled = (decompress.total_out() - filled) as usize;
    *input = input.get(taken..).unwrap_or_default();
    Ok((filled, status == Status::StreamEnd))
}
