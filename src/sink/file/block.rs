//! Parts of segments, small enough to be in memory beside others.

use super::codec::{self, Chunk};
use super::pieces::pieces_from;
use super::queue::LONGEST_LINE;
use super::segment::{Format, Segment};
use super::span::Span;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Some lines of a segment.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) source: Arc<Source>,
    /// The times of its first and its last record, in microseconds; `None` when no line is one.
    pub(super) span: Option<(u64, u64)>,
    /// Whether it is the beginning of a line that is longer than any record.
    pub(super) too_long: bool,
    offset: u64,
    length: u64,
    /// The number of the first line, and of the one after the last.
    first: u32,
    end: u32,
}

/// A file as it was looked through.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) segment: Segment,
    pub(super) path: Arc<Path>,
    /// Its place in the list of segments.
    pub(super) number: usize,
    id: FileId,
    /// Lines of which, in the file that had its name before, everything has been told that there is to tell.
    pub(super) told: Vec<Range<u32>>,
    /// How many files have had its name before.
    pub(super) times_replaced: usize,
}

/// Files that were read last, the latest last: mostly one of them is the next one, too.
#[derive(Default)]
pub(super) struct OpenFiles(Vec<OpenFile>);

struct OpenFile {
    source: Arc<Source>,
    lines: Box<dyn Read + Send + Sync>,
    /// How many bytes have been read.
    position: u64,
}

impl std::fmt::Debug for OpenFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OpenFiles").field(&self.0.len()).finish()
    }
}

impl OpenFiles {
    /// Each takes a decoder's memory.
    const MOST: usize = 4;

    /// Whether a block comes next in its file.
    pub(super) fn comes_next(&self, block: &Block) -> bool {
        let position = self.0.iter().find(|file| Arc::ptr_eq(&file.source, &block.source));
        block.offset == position.map_or(0, |file| file.position)
    }

    /// The file of a block, with the block coming next.
    fn at(&mut self, block: &Block) -> io::Result<&mut OpenFile> {
        let source = &block.source;
        let known = self.0.iter().position(|file| Arc::ptr_eq(&file.source, source));
        // A plain file is opened anew rather than read up to there.
        let reaches = |file: &OpenFile| match source.segment.format {
            Format::Plain => file.position == block.offset,
            _ => file.position <= block.offset,
        };
        let mut file = match known.map(|at| self.0.remove(at)).filter(reaches) {
            Some(file) => file,
            None => source.open(block.offset)?,
        };
        let skipped = block.offset - file.position;
        if io::copy(&mut (&mut file.lines).take(skipped), &mut io::sink())? < skipped {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.position = block.offset;
        if self.0.len() >= Self::MOST {
            self.0.remove(0);
        }
        self.0.push(file);
        self.0.last_mut().ok_or_else(|| io::ErrorKind::Other.into())
    }
}

impl Block {
    /// The numbers of its lines.
    pub(super) fn lines(&self) -> Range<u32> {
        self.first..self.end
    }

    /// Whether all has been told that there is to tell of a line.
    pub(super) fn is_told(&self, line: u32) -> bool {
        self.source.told.iter().any(|lines| lines.contains(&line))
    }

    /// Its place in the log: of records that stand in two blocks, those in the first count.
    pub(super) fn place(&self) -> (usize, u32) {
        (self.source.number, self.first)
    }

    /// Reads its lines into `bytes`; of a file that was damaged meanwhile, those before the damage, and what it was.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] also when another file has taken the place of the one that was looked through.
    pub(super) fn read(&self, files: &mut OpenFiles, bytes: &mut Vec<u8>) -> io::Result<Option<io::Error>> {
        bytes.clear();
        let file = files.at(self)?;
        let read = (&mut file.lines).take(self.length).read_to_end(bytes);
        file.position += bytes.len() as u64;
        Ok(read.err())
    }
}

impl Source {
    /// Opens the file at a place in its lines; at the beginning when it is compressed.
    fn open(self: &Arc<Self>, offset: u64) -> io::Result<OpenFile> {
        let mut file = File::open(&self.segment.path)?;
        if FileId::of(&file)? != self.id {
            return Err(io::ErrorKind::NotFound.into());
        }
        let format = self.segment.format;
        let position = if format == Format::Plain { file.seek(SeekFrom::Start(offset))? } else { 0 };
        Ok(OpenFile { source: Arc::clone(self), lines: codec::reader(file, format)?, position })
    }
}

/// What a segment holds, and what made it end before its end, if something did.
pub(super) type LookedThrough = (Vec<Block>, Option<io::Error>);

/// Looks through `segment`, the one of this number in the list. `before` is the file that had its name before, and the lines
/// of which all has been told.
pub(super) fn look_through(
    segment: &Segment,
    number: usize,
    before: Option<(&Source, &[Range<u32>])>,
) -> io::Result<LookedThrough> {
    let file = File::open(&segment.path)?;
    let source = Arc::new(Source {
        segment: segment.clone(),
        path: segment.path.as_path().into(),
        number,
        id: FileId::of(&file)?,
        told: before.map_or_else(Vec::new, |(_, told)| told.to_vec()),
        times_replaced: before.map_or(0, |(source, _)| source.times_replaced + 1),
    });
    let (mut blocks, mut offset, mut line) = (Vec::new(), 0, 1u32);
    let mut add = |bytes: &[u8], (offset, line): (u64, u32), too_long: bool| {
        let mut span = Span::default();
        let mut pieces = pieces_from(bytes, line);
        pieces.by_ref().for_each(|piece| span.add(piece.text));
        // A last line that has no end is one more.
        let end = pieces.line().saturating_add(u32::from(!bytes.ends_with(b"\n")));
        let (source, length) = (Arc::clone(&source), bytes.len() as u64);
        blocks.push(Block { source, span: span.finish(), too_long, offset, length, first: line, end });
        pieces.line()
    };
    let all = codec::each_chunk(segment, file, |chunk| {
        match chunk {
            Chunk::Lines(lines) => {
                line = add(lines, (offset, line), false);
                offset += lines.len() as u64;
            }
            Chunk::TooLong { part, begins, ends } => {
                if begins {
                    add(part.get(..LONGEST_LINE).unwrap_or(part), (offset, line), true);
                }
                offset += part.len() as u64;
                line = line.saturating_add(u32::from(ends));
            }
        }
        Ok(true)
    });
    Ok((blocks, all.err()))
}

/// What tells a file from others that have had its name.
#[derive(Debug, PartialEq, Eq)]
struct FileId {
    #[cfg(unix)]
    inode: (u64, u64),
    /// Numbers of files are given again.
    created: Option<SystemTime>,
}

impl FileId {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino())
            },
            created: metadata.created().ok(),
        })
    }
}
