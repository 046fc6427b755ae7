//! Segments as bytes: plain, or compressed behind features.

use super::options::Compression;
use super::segment::{Format, Segment};
use std::fs::File;
use std::io::{self, BufRead, Read, Write};

impl Compression {
    /// The form that closed segments take; `None` when they stay as they are.
    pub(super) fn format(self) -> Option<Format> {
        match self {
            Self::None => None,
            #[cfg(feature = "gzip")]
            Self::Gzip => Some(Format::Gzip),
            #[cfg(feature = "zstd")]
            Self::Zstd => Some(Format::Zstd),
        }
    }
}

/// The lines of a segment.
pub(super) fn reader(file: File, format: Format) -> io::Result<Box<dyn Read>> {
    match format {
        Format::Plain => Ok(Box::new(file)),
        #[cfg(feature = "gzip")]
        Format::Gzip => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(io::BufReader::new(file)))),
        #[cfg(feature = "zstd")]
        Format::Zstd => Ok(Box::new(zstd::stream::read::Decoder::new(file)?)),
        #[cfg(not(all(feature = "gzip", feature = "zstd")))]
        format => Err(missing(format)),
    }
}

/// Calls `line` with each line, without its end, while it returns true.
pub(super) fn each_line(
    segment: &Segment,
    file: File,
    mut line: impl FnMut(&[u8]) -> io::Result<bool>,
) -> io::Result<()> {
    let mut input = io::BufReader::with_capacity(1 << 18, reader(file, segment.format)?);
    // The beginning of a line that goes on in the next piece of the input.
    let mut begun = Vec::new();
    loop {
        let piece = match input.fill_buf() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            piece => piece?,
        };
        if piece.is_empty() {
            break;
        }
        let (piece, taken) = match memchr::memchr(b'\n', piece) {
            Some(end) => (piece.get(..end).unwrap_or_default(), Some(end + 1)),
            None => (piece, None),
        };
        let mut text = piece;
        if taken.is_none() || !begun.is_empty() {
            begun.extend_from_slice(piece);
            text = &begun;
        }
        let used = taken.unwrap_or(piece.len());
        if taken.is_some() {
            if !line(text)? {
                return Ok(());
            }
            begun.clear();
        }
        input.consume(used);
    }
    if !begun.is_empty() {
        line(&begun)?;
    }
    Ok(())
}

/// Writes a segment's lines to a file.
pub(super) enum Encoder {
    Plain(File),
    #[cfg(feature = "gzip")]
    Gzip(flate2::write::GzEncoder<File>),
    #[cfg(feature = "zstd")]
    Zstd(zstd::stream::write::Encoder<'static, File>),
}

impl Encoder {
    pub(super) fn new(file: File, format: Format) -> io::Result<Self> {
        match format {
            Format::Plain => Ok(Self::Plain(file)),
            #[cfg(feature = "gzip")]
            Format::Gzip => {
                Ok(Self::Gzip(flate2::write::GzEncoder::new(file, flate2::Compression::default())))
            }
            #[cfg(feature = "zstd")]
            Format::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(file, 0)?;
                encoder.include_checksum(true)?;
                Ok(Self::Zstd(encoder))
            }
            #[cfg(not(all(feature = "gzip", feature = "zstd")))]
            format => Err(missing(format)),
        }
    }

    /// Writes what ends the file and gives it back.
    pub(super) fn finish(self) -> io::Result<File> {
        match self {
            Self::Plain(file) => Ok(file),
            #[cfg(feature = "gzip")]
            Self::Gzip(encoder) => encoder.finish(),
            #[cfg(feature = "zstd")]
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl Write for Encoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            #[cfg(feature = "gzip")]
            Self::Gzip(encoder) => encoder.write(bytes),
            #[cfg(feature = "zstd")]
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(all(feature = "gzip", feature = "zstd")))]
fn missing(format: Format) -> io::Error {
    let feature = if format == Format::Gzip { "gzip" } else { "zstd" };
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("the segment is compressed; it takes the feature `{feature}`"),
    )
}
