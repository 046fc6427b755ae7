//! Parts of segments, small enough to be in memory beside others.

use super::codec;
use super::pieces::pieces_from;
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
    part: Part,
}

/// A file as it was looked through.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) segment: Segment,
    pub(super) path: Arc<Path>,
    /// Its place in the list of segments.
    number: usize,
    id: FileId,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    /// What can only be read from its beginning.
    Whole,
    Lines {
        offset: u64,
        length: u64,
        /// The number of the first one, and of the one after the last.
        first: u32,
        end: u32,
    },
}

/// The file that was read last, which is mostly the next one, too.
pub(super) type LastFile = Option<(Arc<Source>, File)>;

impl Block {
    /// The numbers of its lines.
    pub(super) fn lines(&self) -> Range<u32> {
        match self.part {
            Part::Whole => 1..u32::MAX,
            Part::Lines { first, end, .. } => first..end,
        }
    }

    /// Its place in the log: of records that stand in two blocks, those in the first count.
    pub(super) fn place(&self) -> (usize, u32) {
        (self.source.number, self.lines().start)
    }

    /// Reads its lines into `bytes`; of a file that is damaged, those before the damage, and what it was.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] also when another file has taken the place of the one that was looked through.
    pub(super) fn read(&self, last: &mut LastFile, bytes: &mut Vec<u8>) -> io::Result<Option<io::Error>> {
        bytes.clear();
        let Part::Lines { offset, length, .. } = self.part else {
            return read_whole(self.source.open()?, self.source.segment.format, bytes);
        };
        let file = match last {
            Some((source, file)) if Arc::ptr_eq(source, &self.source) => file,
            _ => &mut last.insert((Arc::clone(&self.source), self.source.open()?)).1,
        };
        file.seek(SeekFrom::Start(offset))?;
        Ok(file.take(length).read_to_end(bytes).err())
    }
}

impl Source {
    fn new(segment: &Segment, number: usize, id: FileId) -> Arc<Self> {
        Arc::new(Self { segment: segment.clone(), path: segment.path.as_path().into(), number, id })
    }

    fn open(&self) -> io::Result<File> {
        let file = File::open(&self.segment.path)?;
        if FileId::of(&file)? == self.id { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}

/// All of `segment`, the one of this number in the list, as one block.
pub(super) fn whole(segment: &Segment, number: usize) -> io::Result<Block> {
    let source = Source::new(segment, number, FileId::of(&File::open(&segment.path)?)?);
    Ok(Block { source, span: Some((0, u64::MAX)), part: Part::Whole })
}

/// Looks through `segment`. One that is compressed is one block; one that is damaged too, and may have held any time.
pub(super) fn look_through(segment: &Segment, number: usize) -> io::Result<Vec<Block>> {
    let file = File::open(&segment.path)?;
    let source = Source::new(segment, number, FileId::of(&file)?);
    let (mut blocks, mut offset, mut line) = (Vec::new(), 0, 1);
    let all = codec::each_block(segment, file, |lines| {
        let mut span = Span::default();
        let mut pieces = pieces_from(lines, line);
        pieces.by_ref().for_each(|piece| span.add(piece.text));
        // A last line that has no end is one more.
        let end = pieces.line().saturating_add(u32::from(!lines.ends_with(b"\n")));
        let part = Part::Lines { offset, length: lines.len() as u64, first: line, end };
        blocks.push(Block { source: Arc::clone(&source), span: span.finish(), part });
        offset += lines.len() as u64;
        line = pieces.line();
        Ok(true)
    });
    if all.is_ok() && segment.format == Format::Plain {
        return Ok(blocks);
    }
    let spans = blocks.iter().filter_map(|block| block.span);
    let span = spans.reduce(|(first, last), (earlier, later)| (first.min(earlier), last.max(later)));
    let span = if all.is_ok() { span } else { Some((0, u64::MAX)) };
    Ok(vec![Block { source, span, part: Part::Whole }])
}

fn read_whole(file: File, format: Format, bytes: &mut Vec<u8>) -> io::Result<Option<io::Error>> {
    Ok(codec::reader(file, format)?.read_to_end(bytes).err())
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
