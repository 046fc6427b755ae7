//! How a call ended.

use super::listed::closed_list;

closed_list! {
    /// How a call ended. Every dispatched call ends in exactly one of these.
    #[derive(Default)]
    pub Outcome, "outcome" {
        /// The answer was read to its end, to its terminal event, to its announced length, or to its trailers.
        Completed = "completed",
        /// The server said so: a status of 400 or above, or an error event within the answer.
        Failed = "failed",
        /// The caller dropped the answer before its end, or its own request's body failed meanwhile.
        Aborted = "aborted",
        /// The caller dropped the call before there was an answer, or its own request's body failed: a client that went away in
        /// the middle of it, chunks that were malformed.
        #[default]
        Cancelled = "cancelled",
        /// The transport to the provider failed, before the answer or within it.
        Broken = "broken",
    }
}
