//! Errors that go to several callers.

use std::fmt;
use std::io;
use std::sync::Arc;

/// An I/O error that can be cloned.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    kind: io::ErrorKind,
    text: Arc<str>,
}

impl Fault {
    pub(super) fn other(text: String) -> Self {
        Self { kind: io::ErrorKind::Other, text: text.into() }
    }
}

impl From<&io::Error> for Fault {
    fn from(error: &io::Error) -> Self {
        Self { kind: error.kind(), text: error.to_string().into() }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::new(fault.kind, fault.text.as_ref())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
