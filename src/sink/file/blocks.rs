//! Segments in blocks of whole lines.

use super::codec;
use super::queue::LONGEST_LINE;
use super::segment::Segment;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};

/// What a block of a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Whole lines. The last one of the segment may have no end.
    Lines,
    /// A part of a line that is longer than any record.
    TooLong { begins: bool, ends: bool },
}

/// How many bytes are read at once: enough to read them at little cost, and few enough to stay in a processor's cache.
/// A block of lines has at most as many, and the longer line with which it may begin.
const READ_AT_ONCE: usize = 1 << 18;

/// Reads a segment block by block, into a buffer that has room for the longest line.
pub(super) struct Blocks {
    input: Box<dyn Read + Send + Sync>,
    buffer: Vec<u8>,
    /// How many bytes the buffer holds.
    held: usize,
    /// How many of them are the current block.
    block: usize,
    /// Whether the buffer begins within a line that is too long.
    too_long: bool,
    /// How the reading ended.
    ended: Option<io::Result<()>>,
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").field("held", &self.held).finish_non_exhaustive()
    }
}

impl Blocks {
    pub(super) fn new(segment: &Segment, file: File) -> io::Result<Self> {
        let input = codec::reader(file, segment.format)?;
        let buffer = vec![0; 2 * READ_AT_ONCE];
        Ok(Self { input, buffer, held: 0, block: 0, too_long: false, ended: None })
    }

    /// Returns the bytes of the current block.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.block).unwrap_or_default()
    }

    /// Goes on to the next block; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read. Everything before the error has been in a block.
    pub(super) fn next(&mut self) -> io::Result<Option<Block>> {
        self.buffer.copy_within(self.block..self.held, 0);
        self.held -= std::mem::take(&mut self.block);
        let mut searched = 0;
        loop {
            let held = self.buffer.get(..self.held).unwrap_or_default();
            let first = memchr::memchr(b'\n', held.get(searched..).unwrap_or_default());
            let line = first.map_or(held.len(), |at| searched + at + 1);
            if line > LONGEST_LINE + 1 || (self.too_long && line > 0) {
                self.block = line;
                let begins = !std::mem::replace(&mut self.too_long, first.is_none());
                return Ok(Some(Block::TooLong { begins, ends: first.is_some() }));
            }
            if first.is_some() {
                self.block = memchr::memrchr(b'\n', held).map_or(line, |last| last + 1);
                return Ok(Some(Block::Lines));
            }
            searched = self.held;
            if self.ended.is_none() {
                self.ended = self.read();
            } else if std::mem::take(&mut self.too_long) {
                return Ok(Some(Block::TooLong { begins: false, ends: true }));
            } else if self.held > 0 {
                // A last line that has no end.
                self.block = self.held;
                return Ok(Some(Block::Lines));
            } else {
                return self.ended.replace(Ok(())).unwrap_or(Ok(())).map(|()| None);
            }
        }
    }

    /// Reads more into the buffer; `Some` at the end of the file.
    fn read(&mut self) -> Option<io::Result<()>> {
        if self.buffer.len() < self.held + READ_AT_ONCE {
            self.buffer.resize((2 * self.held).min(LONGEST_LINE) + READ_AT_ONCE, 0);
        }
        loop {
            let free = self.buffer.get_mut(self.held..self.held + READ_AT_ONCE).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::super::segment::SegmentFormat;
    use super::*;
    use std::path::PathBuf;

    /// What is read of a file with these bytes, and whether it is of lines that are too long.
    fn read(name: &str, bytes: &[u8]) -> Vec<(Vec<u8>, bool)> {
        let name = format!("tower-llm-metrics-blocks-{name}-{}.jsonl", std::process::id());
        let path: PathBuf = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        let segment =
            Segment { path: path.clone(), stem: String::new(), format: SegmentFormat::Plain, began: None };
        let (mut blocks, mut open) = (Vec::new(), false);
        let mut all = Blocks::new(&segment, File::open(&path).unwrap()).unwrap();
        while let Some(block) = all.next().unwrap() {
            let bytes = all.bytes().to_vec();
            blocks.push(match block {
                Block::Lines => (bytes, false),
                Block::TooLong { begins, ends } => {
                    assert_eq!(begins, !open);
                    open = !ends;
                    (bytes, true)
                }
            });
        }
        std::fs::remove_file(path).unwrap();
        assert!(!open);
        blocks
    }

    #[test]
    fn blocks_are_whole_lines_up_to_the_longest_and_all_bytes_are_in_them() {
        let lengths = [
            0,
            1,
            1000,
            READ_AT_ONCE - 2,
            READ_AT_ONCE - 1,
            READ_AT_ONCE,
            3 * READ_AT_ONCE,
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
            let blocks = read("lines", &bytes);
            assert_eq!(blocks.iter().map(|(block, _)| &block[..]).collect::<Vec<_>>().concat(), bytes);
            let lines = blocks.iter().filter(|(_, too_long)| !too_long).map(|(block, _)| block);
            let (last, whole) =
                lines.clone().collect::<Vec<_>>().split_last().map(|(a, b)| (*a, b.to_vec())).unwrap();
            assert!(whole.iter().all(|lines| lines.ends_with(b"\n")) && last.ends_with(end.as_bytes()));
            let longest =
                |block: &Vec<u8>| block.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
            assert_eq!(lines.clone().map(longest).max(), Some(LONGEST_LINE));
            assert!(
                lines.clone().all(|block| block.len() <= longest(block).max(READ_AT_ONCE) + READ_AT_ONCE)
            );
            let too_long: usize = blocks.iter().filter(|(_, long)| *long).map(|(block, _)| block.len()).sum();
            assert_eq!(too_long, LONGEST_LINE + 2 + 5 * LONGEST_LINE + 1);
            assert!(blocks.iter().all(|(block, _)| block.len() <= LONGEST_LINE + READ_AT_ONCE));
        }
        assert_eq!(read("empty", b""), vec![]);
    }
}
