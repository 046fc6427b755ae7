//! Taking one person out of a log.

use super::blocks::{Block, Blocks};
use super::codec::Encoder;
use super::error::named;
use super::fragments::fragments;
use super::replace::Replacement;
use super::segment::Segment;
use crate::record::{Pseudonym, UserId};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// What [`FileSink::forget`](super::FileSink::forget) and [`RecordLog::forget`](super::RecordLog::forget) have done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forgotten {
    /// The random id that stands in the place of the person's. Nothing else connects the two.
    pub pseudonym: UserId,
    /// How many records were changed.
    pub records: u64,
    /// How many segments were rewritten for it.
    pub segments: u64,
    /// How many fragments of lines were removed that are no records, but hold the id.
    pub unreadable: u64,
}

/// Takes one person out of segments that nobody writes to.
#[derive(Debug)]
pub(super) struct Forgetting {
    pseudonym: Pseudonym,
    done: Forgotten,
}

/// Where a person is in a segment.
#[derive(Debug, Default)]
struct Found {
    records: bool,
    /// The numbers, among their like, of lines that are too long to be read and hold the id.
    too_long: HashSet<u64>,
}

/// Counts the lines that are too long.
#[derive(Debug, Default)]
struct Numbers(u64);

impl Numbers {
    /// The number of the line that a part is of.
    fn of(&mut self, begins: bool) -> u64 {
        self.0 += u64::from(begins);
        self.0
    }
}

/// More than an id takes in JSON, however it is escaped.
const SEAM: usize = 4096;

/// What becomes of a fragment of a line.
enum Fate {
    Kept,
    Changed(Vec<u8>),
    Removed,
}

impl Forgetting {
    pub(super) fn of(user: &UserId) -> io::Result<Self> {
        let pseudonym =
            Pseudonym::random(user).ok_or_else(|| io::Error::other("no pseudonym could be made"))?;
        let done = Forgotten { pseudonym: pseudonym.id().clone(), records: 0, segments: 0, unreadable: 0 };
        Ok(Self { pseudonym, done })
    }

    pub(super) fn done(self) -> Forgotten {
        self.done
    }

    /// Rewrites `segment` when the person is in it.
    pub(super) fn rewrite(&mut self, segment: &Segment) -> io::Result<()> {
        self.rewrite_own(segment).map_err(named(&segment.path))
    }

    fn rewrite_own(&mut self, segment: &Segment) -> io::Result<()> {
        let found = self.find(segment)?;
        if !found.records && found.too_long.is_empty() {
            return Ok(());
        }
        if segment.path.is_symlink() {
            return Err(io::Error::other("it is a link to a file elsewhere, which is not rewritten"));
        }
        let file = File::open(&segment.path)?;
        let replacement = Replacement::of(segment, &file)?;
        let mut out = BufWriter::new(Encoder::new(replacement.file()?, segment.format)?);
        let (mut records, mut unreadable) = (0, found.too_long.len() as u64);
        let mut too_long = Numbers::default();
        let mut blocks = Blocks::new(segment, file)?;
        while let Some(block) = blocks.next()? {
            let bytes = blocks.bytes();
            match block {
                Block::TooLong { begins, .. } if found.too_long.contains(&too_long.of(begins)) => {
                    if bytes.ends_with(b"\n") {
                        out.write_all(b"\n")?;
                    }
                }
                Block::TooLong { .. } => out.write_all(bytes)?,
                Block::Lines => {
                    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                        for fragment in fragments(line) {
                            match self.fate(fragment.text) {
                                Fate::Kept => out.write_all(fragment.text)?,
                                Fate::Changed(fragment) => {
                                    records += 1;
                                    out.write_all(&fragment)?;
                                }
                                Fate::Removed => unreadable += 1,
                            }
                        }
                        out.write_all(b"\n")?;
                    }
                }
            }
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
        replacement.put(&segment.path)?;
        self.done.segments += 1;
        self.done.records += records;
        self.done.unreadable += unreadable;
        Ok(())
    }

    /// Where the person is in a segment.
    fn find(&self, segment: &Segment) -> io::Result<Found> {
        let mut found = Found::default();
        let mut too_long = Numbers::default();
        // The end of the part before: an id may be in two parts.
        let mut seam = Vec::new();
        let mut blocks = Blocks::new(segment, File::open(&segment.path)?)?;
        while let Some(block) = blocks.next()? {
            let bytes = blocks.bytes();
            match block {
                Block::Lines => {
                    found.records = found.records
                        || fragments(bytes).any(|fragment| !matches!(self.fate(fragment.text), Fate::Kept));
                }
                Block::TooLong { begins, .. } => {
                    let number = too_long.of(begins);
                    if begins {
                        seam.clear();
                    }
                    seam.extend_from_slice(bytes.get(..SEAM).unwrap_or(bytes));
                    if self.pseudonym.is_in(bytes) || self.pseudonym.is_in(&seam) {
                        found.too_long.insert(number);
                    }
                    seam.extend_from_slice(
                        bytes.get(SEAM.max(bytes.len().saturating_sub(SEAM))..).unwrap_or_default(),
                    );
                    seam.drain(..seam.len().saturating_sub(SEAM));
                }
            }
        }
        Ok(found)
    }

    fn fate(&self, fragment: &[u8]) -> Fate {
        match self.pseudonym.apply(fragment) {
            Ok(Some(changed)) => Fate::Changed(changed),
            Err(_) if self.pseudonym.is_in(fragment) => Fate::Removed,
            Ok(None) | Err(_) => Fate::Kept,
        }
    }
}
