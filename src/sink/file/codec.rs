//! Segments as bytes: plain, or compressed behind features.

use super::options::Compression;
use super::queue::LONGEST_LINE;
use super::segment::{Format, Segment};
use std::fmt;
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

/// The chunks of a segment, one after the other, in room for a line that is as long as may be.
pub(super) struct Chunks {
    input: Box<dyn Read + Send + Sync>,
    room: Vec<u8>,
    /// How much the room holds, and how much of that was given out.
    held: usize,
    given: usize,
    /// Within a line that is too long, of which nothing is held.
    too_long: bool,
    /// How the reading ended.
    ended: Option<io::Result<()>>,
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("held", &self.held).finish_non_exhaustive()
    }
}

/// What begins the room: [`Chunk`] without its bytes.
enum Found {
    Lines,
    TooLong { begins: bool, ends: bool },
}

impl Chunks {
    pub(super) fn new(segment: &Segment, file: File) -> io::Result<Self> {
        let input = reader(file, segment.format)?;
        Ok(Self { input, room: vec![0; 2 * BLOCK], held: 0, given: 0, too_long: false, ended: None })
    }

    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read. All that comes before the error was given out.
    pub(super) fn next(&mut self) -> io::Result<Option<Chunk<'_>>> {
        let found = self.find()?;
        Ok(found.map(|found| match found {
            Found::Lines => Chunk::Lines(self.given()),
            Found::TooLong { begins, ends } => Chunk::TooLong { part: self.given(), begins, ends },
        }))
    }

    /// The bytes of the chunk that was given out last.
    pub(super) fn given(&self) -> &[u8] {
        self.room.get(..self.given).unwrap_or_default()
    }

    /// Finds the next chunk.
    fn find(&mut self) -> io::Result<Option<Found>> {
        self.room.copy_within(self.given..self.held, 0);
        self.held -= std::mem::take(&mut self.given);
        let mut searched = 0;
        loop {
            let held = self.room.get(..self.held).unwrap_or_default();
            let first = memchr::memchr(b'\n', held.get(searched..).unwrap_or_default());
            let line = first.map_or(held.len(), |at| searched + at + 1);
            if line > LONGEST_LINE + 1 || (self.too_long && line > 0) {
                self.given = line;
                let begins = !std::mem::replace(&mut self.too_long, first.is_none());
                return Ok(Some(Found::TooLong { begins, ends: first.is_some() }));
            }
            if first.is_some() {
                self.given = memchr::memrchr(b'\n', held).map_or(line, |last| last + 1);
                return Ok(Some(Found::Lines));
            }
            searched = self.held;
            if self.ended.is_none() {
                self.ended = self.read();
            } else if std::mem::take(&mut self.too_long) {
                return Ok(Some(Found::TooLong { begins: false, ends: true }));
            } else if self.held > 0 {
                // A last line that has no end.
                self.given = self.held;
                return Ok(Some(Found::Lines));
            } else {
                return self.ended.replace(Ok(())).unwrap_or(Ok(())).map(|()| None);
            }
        }
    }

    /// Reads more; tells of the end.
    fn read(&mut self) -> Option<io::Result<()>> {
        if self.room.len() < self.held + BLOCK {
            self.room.resize((2 * self.held).min(LONGEST_LINE) + BLOCK, 0);
        }
        loop {
            let free = self.room.get_mut(self.held..self.held + BLOCK).unwrap_or_default();
            match self.input.read(free) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Some(Err(e)),
                Ok(0) => return Some(Ok(())),
                Ok(read) => {
                    self.held += read;
                    return None;
                }
            }
        }
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
        let mut all = Chunks::new(&segment, File::open(&path).unwrap()).unwrap();
        while let Some(chunk) = all.next().unwrap() {
            chunks.push(match chunk {
                Chunk::Lines(lines) => (lines.to_vec(), false),
                Chunk::TooLong { part, begins, ends } => {
                    assert_eq!(begins, !open);
                    open = !ends;
                    (part.to_vec(), true)
                }
            });
        }
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
}
