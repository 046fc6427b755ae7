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
    File(io::Error),
}

impl ReadError {
    pub(super) fn corrupt(path: &Arc<Path>, line: u32, error: RecordError) -> Self {
        Self { path: Arc::clone(path), kind: Kind::Line(line, error) }
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
            Kind::Line(line, _) => Some(line),
            Kind::File(_) => None,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match &self.kind {
            Kind::Line(line, error) => write!(f, ":{line}: {error}"),
            Kind::File(error) => write!(f, ": {error}"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Line(_, error) => Some(error),
            Kind::File(error) => Some(error),
        }
    }
}

/// Not everything was on the disk when the time for closing a sink was over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseError {
    pub(super) left: u64,
    pub(super) reason: Option<String>,
}

impl CloseError {
    /// How many records were given up, or are written and not known to be on the disk.
    pub fn left(&self) -> u64 {
        self.left
    }
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records are not safe on the disk", self.left)?;
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl std::error::Error for CloseError {}
