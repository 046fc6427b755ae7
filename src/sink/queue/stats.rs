//! What a queue counts.

/// The counts of a [`QueueSink`](super::QueueSink), all of one moment.
///
/// At all times `accepted == delivered + queued + full + closed + panicked + failed + abandoned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStats {
    /// Records that were handed to the queue.
    pub accepted: u64,
    /// Of these: handed on to the sink behind it.
    pub delivered: u64,
    /// Of these: still on their way.
    pub queued: u64,
    /// Dropped because there was no room.
    pub full: u64,
    /// Dropped because the queue was closed.
    pub closed: u64,
    /// Lost, by one sink at least of those behind, because it panicked over them.
    pub panicked: u64,
    /// Given up because a batch sink failed over them as often as it may.
    pub failed: u64,
    /// Given up because they were still queued when the time for closing was over.
    pub abandoned: u64,
    /// Batches that were written. One by one, each record is a batch.
    pub batches: u64,
    /// How often a batch was tried again.
    pub retries: u64,
}

impl QueueStats {
    /// Everything that did not reach the sink and will not.
    pub fn lost(&self) -> u64 {
        self.full + self.closed + self.panicked + self.failed + self.abandoned
    }
}
