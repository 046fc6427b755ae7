//! Taking one person out of a log.

use super::codec::{self, Encoder};
use super::pieces::pieces;
use super::replace::Replacement;
use super::segment::Segment;
use crate::record::{Pseudonym, UserId};
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
    /// How many pieces of lines were removed that are no records, but hold the id.
    pub unreadable: u64,
}

/// Takes one person out of segments that nobody writes to.
#[derive(Debug)]
pub(super) struct Forgetting {
    pseudonym: Pseudonym,
    done: Forgotten,
}

/// What becomes of a piece of a line.
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
        if !self.is_in(segment)? {
            return Ok(());
        }
        let file = File::open(&segment.path)?;
        let replacement = Replacement::of(segment, &file)?;
        let mut out = BufWriter::new(Encoder::new(replacement.file()?, segment.format)?);
        let (mut records, mut unreadable) = (0, 0);
        codec::each_line(segment, file, |line| {
            for piece in pieces(line) {
                match self.fate(piece.text) {
                    Fate::Kept => out.write_all(piece.text)?,
                    Fate::Changed(piece) => {
                        records += 1;
                        out.write_all(&piece)?;
                    }
                    Fate::Removed => unreadable += 1,
                }
            }
            out.write_all(b"\n")?;
            Ok(true)
        })?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
        replacement.put(&segment.path)?;
        self.done.segments += 1;
        self.done.records += records;
        self.done.unreadable += unreadable;
        Ok(())
    }

    fn is_in(&self, segment: &Segment) -> io::Result<bool> {
        let mut found = false;
        codec::each_line(segment, File::open(&segment.path)?, |line| {
            found = pieces(line).any(|piece| !matches!(self.fate(piece.text), Fate::Kept));
            Ok(!found)
        })?;
        Ok(found)
    }

    fn fate(&self, piece: &[u8]) -> Fate {
        match self.pseudonym.apply(piece) {
            Ok(Some(changed)) => Fate::Changed(changed),
            Err(_) if self.pseudonym.is_in(piece) => Fate::Removed,
            Ok(None) | Err(_) => Fate::Kept,
        }
    }
}
