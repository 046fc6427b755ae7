//! The bytes of segments: plain, or compressed with the features `gzip` and `zstd`.

use super::options::Compression;
use super::segment::SegmentFormat;
use std::fs::File;
use std::io::{self, Read, Write};

impl Compression {
    /// Returns the form that closed segments take; `None` when they stay as they are.
    pub(super) fn format(self) -> Option<SegmentFormat> {
        match self {
            Self::None => None,
            #[cfg(feature = "gzip")]
            Self::Gzip => Some(SegmentFormat::Gzip),
            #[cfg(feature = "zstd")]
            Self::Zstd => Some(SegmentFormat::Zstd),
        }
    }
}

/// Reads the lines of a segment.
pub(super) fn reader(file: File, format: SegmentFormat) -> io::Result<Box<dyn Read + Send + Sync>> {
    match format {
        SegmentFormat::Plain => Ok(Box::new(file)),
        #[cfg(feature = "gzip")]
        SegmentFormat::Gzip => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(io::BufReader::new(file)))),
        #[cfg(feature = "zstd")]
        SegmentFormat::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(file)?;
            // 8 MiB: what RFC 8878 asks of decoders, and all levels but the three "ultra" ones keep to.
            decoder.window_log_max(23)?;
            Ok(Box::new(decoder))
        }
        #[cfg(not(all(feature = "gzip", feature = "zstd")))]
        format => Err(missing(format)),
    }
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
    pub(super) fn new(file: File, format: SegmentFormat) -> io::Result<Self> {
        match format {
            SegmentFormat::Plain => Ok(Self::Plain(file)),
            #[cfg(feature = "gzip")]
            SegmentFormat::Gzip => {
                Ok(Self::Gzip(flate2::write::GzEncoder::new(file, flate2::Compression::default())))
            }
            #[cfg(feature = "zstd")]
            SegmentFormat::Zstd => {
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
fn missing(format: SegmentFormat) -> io::Error {
    let feature = if format == SegmentFormat::Gzip { "gzip" } else { "zstd" };
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("the segment is compressed; it takes the feature `{feature}`"),
    )
}
