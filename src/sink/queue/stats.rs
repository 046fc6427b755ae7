//! The counts of a queue.

/// The counts of a [`QueueSink`](super::QueueSink), all at the same moment.
///
/// At all times `accepted == delivered + queued + full + closed + panicked + failed + abandoned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStats {
    /// Records that were handed to the queue.
    pub accepted: u64,
    /// Accepted records that were handed on to the sink behind the queue.
    pub delivered: u64,
    /// Accepted records that are still on their way.
    pub queued: u64,
    /// Records that were dropped because there was no room.
    pub full: u64,
    /// Records that were dropped because the queue was closed.
    pub closed: u64,
    /// Records that were lost because a sink behind the queue, or one of several, panicked.
    pub panicked: u64,
    /// Records that were given up because a batch sink failed too often.
    pub failed: u64,
    /// Records that were given up because they were still queued when the time for closing was over.
    pub abandoned: u64,
    /// Batches that were written. Without a [`BatchSink`](super::BatchSink), each record is a batch.
    pub batches: u64,
    /// Retries of batches.
    pub retries: u64,
}

impl QueueStats {
    /// Returns how many records did not reach the sink and will not.
    pub fn lost(&self) -> u64 {
        self.full + self.closed + self.panicked + self.failed + self.abandoned
    }
}
