//! Closing sinks.

use std::fmt;
use std::time::Duration;

/// The time that a sink has to close when its last handle is dropped.
pub(super) const LIMIT_ON_DROP: Duration = Duration::from_secs(5);

/// The error when not everything that a sink had taken was safe when it was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseError {
    pub(super) left: u64,
    /// What became of the records that are left.
    pub(super) fate: &'static str,
    pub(super) reason: Option<String>,
}

impl CloseError {
    /// Returns how many records were given up, or are written and not known to be on the disk. It is 0 if all were handed on to
    /// a sink that could not be flushed.
    pub fn left(&self) -> u64 {
        self.left
    }
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.left {
            0 => f.write_str("the sink could not be flushed")?,
            left => write!(f, "{left} records {}", self.fate)?,
        }
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl std::error::Error for CloseError {}
