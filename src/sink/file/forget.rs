//! Removing a user from a log.

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

/// What [`FileSink::forget`](super::FileSink::forget) or [`RecordLog::forget`](super::RecordLog::forget) has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forgotten {
    /// The random id that replaces the user's. Nothing else connects the two.
    pub pseudonym: UserId,
    /// The number of records that were changed.
    pub records: u64,
    /// The number of segments that were rewritten.
    pub segments: u64,
    /// How many fragments of lines were removed that are no records, but hold the id.
    pub unreadable: u64,
}

/// Removes one user from segments that nobody writes to.
#[derive(Debug)]
pub(super) struct Forgetting {
    pseudonym: Pseudonym,
    done: Forgotten,
}

/// Where the user is in a segment.
#[derive(Debug, Default)]
struct Traces {
    records: bool,
    /// The lines that are too long to be read and hold the id, by their number among such lines.
    too_long: HashSet<u64>,
}

/// Numbers the lines that are too long.
#[derive(Debug, Default)]
struct Numbers(u64);

impl Numbers {
    /// Returns the number of the line that a block is part of.
    fn of(&mut self, begins: bool) -> u64 {
        self.0 += u64::from(begins);
        self.0
    }
}

/// More bytes than an id takes in JSON, however it is escaped.
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

    /// Rewrites `segment` if the user is in it.
    pub(super) fn rewrite(&mut self, segment: &Segment) -> io::Result<()> {
        self.rewrite_own(segment).map_err(named(&segment.path))
    }

    fn rewrite_own(&mut self, segment: &Segment) -> io::Result<()> {
        let traces = self.find(segment)?;
        if !traces.records && traces.too_long.is_empty() {
            return Ok(());
        }
        if segment.path.is_symlink() {
            return Err(io::Error::other("it is a link to a file elsewhere, which is not rewritten"));
        }
        let file = File::open(&segment.path)?;
        let replacement = Replacement::of(segment, &file)?;
        let mut out = BufWriter::new(Encoder::new(replacement.file()?, segment.format)?);
        let (mut records, mut unreadable) = (0, traces.too_long.len() as u64);
        let mut too_long = Numbers::default();
        let mut blocks = Blocks::new(segment, file)?;
        while let Some(block) = blocks.next()? {
            let bytes = blocks.bytes();
            match block {
                Block::TooLong { begins, .. } if traces.too_long.contains(&too_long.of(begins)) => {
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

    /// Finds the user in a segment.
    fn find(&self, segment: &Segment) -> io::Result<Traces> {
        let mut traces = Traces::default();
        let mut too_long = Numbers::default();
        // The end of the block before, for an id that is divided between two blocks.
        let mut seam = Vec::new();
        let mut blocks = Blocks::new(segment, File::open(&segment.path)?)?;
        while let Some(block) = blocks.next()? {
            let bytes = blocks.bytes();
            match block {
                Block::Lines => {
                    traces.records = traces.records
                        || fragments(bytes).any(|fragment| !matches!(self.fate(fragment.text), Fate::Kept));
                }
                Block::TooLong { begins, .. } => {
                    let number = too_long.of(begins);
                    if begins {
                        seam.clear();
                    }
                    seam.extend_from_slice(bytes.get(..SEAM).unwrap_or(bytes));
                    if self.pseudonym.is_in(bytes) || self.pseudonym.is_in(&seam) {
                        traces.too_long.insert(number);
                    }
                    seam.extend_from_slice(
                        bytes.get(SEAM.max(bytes.len().saturating_sub(SEAM))..).unwrap_or_default(),
                    );
                    seam.drain(..seam.len().saturating_sub(SEAM));
                }
            }
        }
        Ok(traces)
    }

    fn fate(&self, fragment: &[u8]) -> Fate {
        match self.pseudonym.apply(fragment) {
            Ok(Some(changed)) => Fate::Changed(changed),
            Err(_) if self.pseudonym.is_in(fragment) => Fate::Removed,
            Ok(None) | Err(_) => Fate::Kept,
        }
    }
}
