//! The errors of reading a log.

use crate::record::RecordError;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A line or a file of a log that could not be read. It never quotes the line.
#[derive(Debug)]
pub struct ReadError {
    path: Arc<Path>,
    kind: Unreadable,
}

#[derive(Debug)]
enum Unreadable {
    Line(u32, RecordError),
    TooLong(u32),
    File(io::Error),
}

impl ReadError {
    pub(super) fn corrupt(path: &Arc<Path>, line: u32, error: RecordError) -> Self {
        Self { path: Arc::clone(path), kind: Unreadable::Line(line, error) }
    }

    pub(super) fn too_long(path: &Arc<Path>, line: u32) -> Self {
        Self { path: Arc::clone(path), kind: Unreadable::TooLong(line) }
    }

    pub(super) fn file(path: &Path, error: io::Error) -> Self {
        Self { path: path.into(), kind: Unreadable::File(error) }
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the line in it, from 1; `None` if it is the whole file that cannot be read.
    pub fn line(&self) -> Option<u32> {
        match self.kind {
            Unreadable::Line(line, _) | Unreadable::TooLong(line) => Some(line),
            Unreadable::File(_) => None,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match &self.kind {
            Unreadable::Line(line, error) => write!(f, ":{line}: {error}"),
            Unreadable::TooLong(line) => write!(f, ":{line}: the line is longer than any record"),
            Unreadable::File(error) => write!(f, ": {error}"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Unreadable::Line(_, error) => Some(error),
            Unreadable::TooLong(_) => None,
            Unreadable::File(error) => Some(error),
        }
    }
}

/// Adds the name of the file or directory to an error.
pub(super) fn named(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
