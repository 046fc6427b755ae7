//! Segments as bytes: plain, or compressed behind features.

use super::options::Compression;
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
    each_block(segment, file, |mut lines| {
        while !lines.is_empty() {
            let end = memchr::memchr(b'\n', lines).unwrap_or(lines.len());
            let (text, rest) = lines.split_at_checked(end).unwrap_or_default();
            if !line(text)? {
                return Ok(false);
            }
            lines = rest.get(1..).unwrap_or_default();
        }
        Ok(true)
    })
}

/// How many bytes are read at once: enough to read them at little cost, and few enough to stay in a processor's cache.
/// So many has a block, and the line that is longer, if one is in it.
pub(super) const BLOCK: usize = 1 << 18;

/// Calls `block` with some whole lines after the other, while it returns true. The last line may have no end.
pub(super) fn each_block(
    segment: &Segment,
    file: File,
    mut block: impl FnMut(&[u8]) -> io::Result<bool>,
) -> io::Result<()> {
    let mut input = reader(file, segment.format)?;
    let mut room = vec![0; 2 * BLOCK];
    // What the room holds: the beginning of a line.
    let mut held = 0;
    loop {
        if room.len() < held + BLOCK {
            room.resize(held + BLOCK.max(held), 0);
        }
        let free = room.get_mut(held..held + BLOCK).unwrap_or_default();
        let read = match input.read(free) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            break;
        }
        let last_end = memchr::memrchr(b'\n', free.get(..read).unwrap_or_default());
        let end = held + read;
        held = end;
        if let Some(at) = last_end {
            let whole = end - read + at + 1;
            if !block(room.get(..whole).unwrap_or_default())? {
                return Ok(());
            }
            room.copy_within(whole..end, 0);
            held = end - whole;
            // After a long line.
            if room.len() > 4 * BLOCK {
                room.truncate(2 * BLOCK);
                room.shrink_to_fit();
            }
        }
    }
    if held > 0 {
        block(room.get(..held).unwrap_or_default())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// The blocks and the lines of a file with these bytes.
    fn read(name: &str, bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let name = format!("tower-llm-metrics-codec-{name}-{}.jsonl", std::process::id());
        let path: PathBuf = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        let segment = Segment { path: path.clone(), stem: String::new(), format: Format::Plain, began: None };
        let (mut blocks, mut lines) = (Vec::new(), Vec::new());
        let open = || File::open(&path).unwrap();
        let mut keep = |block: &[u8]| {
            blocks.push(block.to_vec());
            Ok(true)
        };
        each_block(&segment, open(), &mut keep).unwrap();
        let mut keep = |line: &[u8]| {
            lines.push(line.to_vec());
            Ok(true)
        };
        each_line(&segment, open(), &mut keep).unwrap();
        std::fs::remove_file(path).unwrap();
        (blocks, lines)
    }

    #[test]
    fn blocks_are_whole_lines_however_long_these_are_and_all_bytes_are_in_them() {
        let lengths = [0, 1, 1000, BLOCK - 2, BLOCK - 1, BLOCK, 3 * BLOCK, 5, 0, BLOCK / 2, BLOCK / 2, 7];
        for end in ["\n", ""] {
            let lines: Vec<_> = lengths.iter().map(|length| vec![b'x'; *length]).collect();
            let bytes = [&lines.join(&b'\n')[..], end.as_bytes()].concat();
            let (blocks, read) = read("lines", &bytes);
            assert_eq!(blocks.concat(), bytes);
            assert_eq!(read, lines);
            let (last, whole) = blocks.split_last().unwrap();
            assert!(whole.iter().all(|block| block.ends_with(b"\n")) && last.ends_with(end.as_bytes()));
            assert!(blocks.len() > 3);
            let longest =
                |block: &Vec<u8>| block.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
            assert!(blocks.iter().all(|block| block.len() <= longest(block).max(BLOCK) + BLOCK));
        }
        assert_eq!(read("empty", b""), (vec![], vec![]));
    }

    #[test]
    fn nothing_more_is_read_once_no_more_is_wanted() {
        let path = std::env::temp_dir().join(format!("tower-llm-metrics-codec-stop-{}", std::process::id()));
        std::fs::write(&path, "a\nb\nc\n").unwrap();
        let segment = Segment { path: path.clone(), stem: String::new(), format: Format::Plain, began: None };
        let mut lines = 0;
        let stop = |_: &[u8]| {
            lines += 1;
            Ok(lines < 2)
        };
        each_line(&segment, File::open(&path).unwrap(), stop).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(lines, 2);
    }
}
