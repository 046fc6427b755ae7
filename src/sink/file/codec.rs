//! Segments as bytes: plain, or compressed behind features.

use super::options::Compression;
use super::queue::LONGEST_LINE;
use super::segment::{Format, Segment};
use std::fs::File;
use std::io::{self, Read, Write};

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
pub(super) fn reader(file: File, format: Format) -> io::Result<Box<dyn Read + Send + Sync>> {
    match format {
        Format::Plain => Ok(Box::new(file)),
        #[cfg(feature = "gzip")]
        Format::Gzip => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(io::BufReader::new(file)))),
        #[cfg(feature = "zstd")]
        Format::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(file)?;
            // 8 MiB: what RFC 8878 asks of decoders, and all levels but the three "ultra" ones keep to.
            decoder.window_log_max(23)?;
            Ok(Box::new(decoder))
        }
        #[cfg(not(all(feature = "gzip", feature = "zstd")))]
        format => Err(missing(format)),
    }
}

/// Some of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk<'a> {
    /// Whole lines. The last one of the segment may have no end.
    Lines(&'a [u8]),
    /// A part of a line that is longer than any record.
    TooLong { part: &'a [u8], begins: bool, ends: bool },
}

/// How many bytes are read at once: enough to read them at little cost, and few enough to stay in a processor's cache.
/// So many has a chunk of lines, and the line that is longer, if one is in it.
pub(super) const BLOCK: usize = 1 << 18;

/// Calls `chunk` with one after the other, while it returns true. Of what comes before an error, nothing is left out.
pub(super) fn each_chunk(
    segment: &Segment,
    file: File,
    chunk: impl FnMut(Chunk<'_>) -> io::Result<bool>,
) -> io::Result<()> {
    Chunks { room: vec![0; 2 * BLOCK], held: 0, too_long: false, chunk }.read(reader(file, segment.format)?)
}

/// Finds lines in what is read, in room for one that is as long as may be.
struct Chunks<F> {
    room: Vec<u8>,
    /// What the room holds: the beginning of a line.
    held: usize,
    /// Within a line that is too long, of which nothing is held.
    too_long: bool,
    chunk: F,
}

impl<F: FnMut(Chunk<'_>) -> io::Result<bool>> Chunks<F> {
    fn read(mut self, mut input: impl Read) -> io::Result<()> {
        loop {
            if self.room.len() < self.held + BLOCK {
                self.room.resize((2 * self.held).min(LONGEST_LINE) + BLOCK, 0);
            }
            let free = self.room.get_mut(self.held..self.held + BLOCK).unwrap_or_default();
            let read = match input.read(free) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return self.end().and(Err(e)),
                Ok(0) => return self.end(),
                Ok(read) => read,
            };
            let searched = self.held;
            self.held += read;
            if !self.hand_over(searched)? {
                return Ok(());
            }
        }
    }

    /// Hands over what is whole of what the room holds, when up to `searched` there is no end of a line.
    fn hand_over(&mut self, searched: usize) -> io::Result<bool> {
        let held = self.room.get(..self.held).unwrap_or_default();
        let first = memchr::memchr(b'\n', held.get(searched..).unwrap_or_default());
        let first = first.map(|at| searched + at + 1);
        let mut start = 0;
        if self.too_long || first.unwrap_or(held.len()) > LONGEST_LINE + 1 {
            let begins = !self.too_long;
            start = first.unwrap_or(held.len());
            let part = held.get(..start).unwrap_or_default();
            self.too_long = first.is_none();
            if !(self.chunk)(Chunk::TooLong { part, begins, ends: first.is_some() })? {
                return Ok(false);
            }
        }
        let rest = held.get(start..).unwrap_or_default();
        let end = memchr::memrchr(b'\n', rest).map_or(start, |last| start + last + 1);
        if end > start && !(self.chunk)(Chunk::Lines(held.get(start..end).unwrap_or_default()))? {
            return Ok(false);
        }
        self.room.copy_within(end..self.held, 0);
        self.held -= end;
        Ok(true)
    }

    /// Hands over a last line that has no end.
    fn end(&mut self) -> io::Result<()> {
        let held = self.room.get(..self.held).unwrap_or_default();
        if self.too_long {
            (self.chunk)(Chunk::TooLong { part: held, begins: false, ends: true })?;
        } else if !held.is_empty() {
            (self.chunk)(Chunk::Lines(held))?;
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// What is read of a file with these bytes, and whether it is of lines that are too long.
    fn read(name: &str, bytes: &[u8]) -> Vec<(Vec<u8>, bool)> {
        let name = format!("tower-llm-metrics-codec-{name}-{}.jsonl", std::process::id());
        let path: PathBuf = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        let segment = Segment { path: path.clone(), stem: String::new(), format: Format::Plain, began: None };
        let (mut chunks, mut open) = (Vec::new(), false);
        let keep = |chunk: Chunk<'_>| {
            chunks.push(match chunk {
                Chunk::Lines(lines) => (lines.to_vec(), false),
                Chunk::TooLong { part, begins, ends } => {
                    assert_eq!(begins, !open);
                    open = !ends;
                    (part.to_vec(), true)
                }
            });
            Ok(true)
        };
        each_chunk(&segment, File::open(&path).unwrap(), keep).unwrap();
        std::fs::remove_file(path).unwrap();
        assert!(!open);
        chunks
    }

    #[test]
    fn chunks_are_whole_lines_up_to_the_longest_and_all_bytes_are_in_them() {
        let lengths = [
            0,
            1,
            1000,
            BLOCK - 2,
            BLOCK - 1,
            BLOCK,
            3 * BLOCK,
            5,
            0,
            LONGEST_LINE,
            LONGEST_LINE + 1,
            7,
            5 * LONGEST_LINE,
            3,
        ];
        for end in ["\n", ""] {
            let lines: Vec<_> = lengths.iter().map(|length| vec![b'x'; *length]).collect();
            let bytes = [&lines.join(&b'\n')[..], end.as_bytes()].concat();
            let chunks = read("lines", &bytes);
            assert_eq!(chunks.iter().map(|(chunk, _)| &chunk[..]).collect::<Vec<_>>().concat(), bytes);
            let lines = chunks.iter().filter(|(_, too_long)| !too_long).map(|(chunk, _)| chunk);
            let (last, whole) =
                lines.clone().collect::<Vec<_>>().split_last().map(|(a, b)| (*a, b.to_vec())).unwrap();
            assert!(whole.iter().all(|lines| lines.ends_with(b"\n")) && last.ends_with(end.as_bytes()));
            let longest =
                |chunk: &Vec<u8>| chunk.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
            assert_eq!(lines.clone().map(longest).max(), Some(LONGEST_LINE));
            assert!(lines.clone().all(|chunk| chunk.len() <= longest(chunk).max(BLOCK) + BLOCK));
            let too_long: usize = chunks.iter().filter(|(_, long)| *long).map(|(chunk, _)| chunk.len()).sum();
            assert_eq!(too_long, LONGEST_LINE + 2 + 5 * LONGEST_LINE + 1);
            assert!(chunks.iter().all(|(chunk, _)| chunk.len() <= LONGEST_LINE + BLOCK));
        }
        assert_eq!(read("empty", b""), vec![]);
    }

    #[test]
    fn nothing_more_is_read_once_no_more_is_wanted() {
        let path = std::env::temp_dir().join(format!("tower-llm-metrics-codec-stop-{}", std::process::id()));
        std::fs::write(&path, [b'\n'; 4 * BLOCK]).unwrap();
        let segment = Segment { path: path.clone(), stem: String::new(), format: Format::Plain, began: None };
        let mut chunks = 0;
        let stop = |_: Chunk<'_>| {
            chunks += 1;
            Ok(chunks < 2)
        };
        each_chunk(&segment, File::open(&path).unwrap(), stop).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(chunks, 2);
    }
}
