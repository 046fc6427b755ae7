//! How a call ended.

use super::listed::closed_list;

closed_list! {
    /// How a call ended. Every dispatched call ends in exactly one of these.
    #[derive(Default)]
    pub Outcome, "outcome" {
        /// The answer was read to its end, or to its terminal event.
        Completed = "completed",
        /// The server said so: a status of 400 or above, or an error event within the answer.
        Failed = "failed",
        /// The caller dropped the answer before its end.
        Aborted = "aborted",
        /// The caller dropped the call before there was an answer.
        #[default]
        Cancelled = "cancelled",
        /// The transport failed, before the answer or within it.
        Broken = "broken",
    }
}
