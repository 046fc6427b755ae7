//! How a call ended.

/// How a call ended. Every dispatched call ends in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Outcome {
    /// The answer was read to its end, to its terminal event, to its announced length, or to its trailers.
    Completed,
    /// The server said so: a status of 400 or above, or an error event within the answer.
    Failed,
    /// The caller dropped the answer before its end, or its own request's body failed meanwhile.
    Aborted,
    /// The caller dropped the call before there was an answer, or its own request's body failed: a client that went away in
    /// the middle of it, chunks that were malformed.
    #[default]
    Cancelled,
    /// The transport to the provider failed, before the answer or within it.
    Broken,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Completed, Self::Failed, Self::Aborted, Self::Cancelled, Self::Broken];

    /// The value of `outcome` in a record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Cancelled => "cancelled",
            Self::Broken => "broken",
        }
    }
}
