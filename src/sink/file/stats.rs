//! The counts of a file sink.

use crate::sink::channel::{Fault, Tally};

/// The counts of a [`FileSink`](super::FileSink) since it was opened, all at the same moment.
///
/// At all times `accepted == written + queued + dropped.total()`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileStats {
    /// Records that were handed to the sink.
    pub accepted: u64,
    /// Accepted records that were written to a segment.
    pub written: u64,
    /// Written records that are known to be on the disk.
    pub synced: u64,
    /// Written records that are in doubt, because bringing them to the disk failed or was given up when the sink was closed, or
    /// because somebody else removed their segment. They may be on the disk all the same.
    pub doubtful: u64,
    /// Accepted records that still wait.
    pub queued: u64,
    /// The bytes of these.
    pub queue_bytes: usize,
    /// Accepted records that were given up.
    pub dropped: FileDropped,
    /// Errors of the file system.
    pub errors: u64,
    /// The last of these errors.
    pub last_error: Option<String>,
    /// Lines that a crash had left incomplete and that were cut off when the sink was opened.
    pub torn: u64,
    /// Segments that were compressed.
    pub compressed: u64,
    /// Segments that were removed because of their age or size.
    pub removed: u64,
}

/// Records that a [`FileSink`](super::FileSink) gave up, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileDropped {
    /// Records for which there was no room in the queue.
    pub full: u64,
    /// Records that came after the sink was closed.
    pub closed: u64,
    /// Records that still waited when the time given to [`close`](super::FileSink::close) was over.
    pub abandoned: u64,
}

impl FileDropped {
    /// Returns the sum of all reasons.
    pub fn total(&self) -> u64 {
        self.full + self.closed + self.abandoned
    }
}

/// The counts that the writer keeps.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) written: u64,
    pub(super) synced: u64,
    pub(super) doubtful: u64,
    /// Taken from the queue and not yet written.
    pub(super) in_hand: u64,
    pub(super) in_hand_bytes: usize,
    pub(super) abandoned: u64,
    pub(super) errors: u64,
    pub(super) last_error: Option<Fault>,
    pub(super) torn: u64,
    pub(super) compressed: u64,
    pub(super) removed: u64,
}

impl Ledger {
    /// Returns the counts, given what waits in the queue.
    pub(super) fn stats(&self, tally: Tally, records: u64, bytes: usize) -> FileStats {
        FileStats {
            accepted: tally.accepted,
            written: self.written,
            synced: self.synced,
            doubtful: self.doubtful,
            queued: records + self.in_hand,
            queue_bytes: bytes + self.in_hand_bytes,
            dropped: FileDropped { full: tally.full, closed: tally.closed, abandoned: self.abandoned },
            errors: self.errors,
            last_error: self.last_error.as_ref().map(ToString::to_string),
            torn: self.torn,
            compressed: self.compressed,
            removed: self.removed,
        }
    }

    pub(super) fn fail(&mut self, fault: Fault) {
        self.errors += 1;
        self.last_error = Some(fault);
    }
}
