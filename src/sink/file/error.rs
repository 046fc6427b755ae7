//! What reading a log and closing a sink can come upon.

use crate::record::RecordError;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What could not be read of a log, and where. It never quotes what it could not read.
#[derive(Debug)]
pub struct ReadError {
    path: Arc<Path>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Line(u32, RecordError),
    TooLong(u32),
    File(io::Error),
}

impl ReadError {
    pub(super) fn corrupt(path: &Arc<Path>, line: u32, error: RecordError) -> Self {
        Self { path: Arc::clone(path), kind: Kind::Line(line, error) }
    }

    pub(super) fn too_long(path: &Arc<Path>, line: u32) -> Self {
        Self { path: Arc::clone(path), kind: Kind::TooLong(line) }
    }

    pub(super) fn file(path: &Path, error: io::Error) -> Self {
        Self { path: path.into(), kind: Kind::File(error) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line in it, from 1; `None` when it is the whole file that cannot be read.
    pub fn line(&self) -> Option<u32> {
        match self.kind {
            Kind::Line(line, _) | Kind::TooLong(line) => Some(line),
            Kind::File(_) => None,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match &self.kind {
            Kind::Line(line, error) => write!(f, ":{line}: {error}"),
            Kind::TooLong(line) => write!(f, ":{line}: the line is longer than any record"),
            Kind::File(error) => write!(f, ": {error}"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Line(_, error) => Some(error),
            Kind::TooLong(_) => None,
            Kind::File(error) => Some(error),
        }
    }
}

/// An error that names the file or directory it is about.
pub(super) fn named(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
