//! A layer, and what its records and its requests are compared with.

#![allow(dead_code, reason = "each test file uses a part of it")]

#[path = "../../../../tests/support/capture.rs"]
pub(crate) mod capture;

use std::sync::{Arc, Mutex};
use tower_llm_metrics::{Outcome, Record, UserMetricsLayer};

pub(crate) const PATH: &str = "/v1/chat/completions";

#[derive(Clone, Default)]
pub(crate) struct Records(Arc<Mutex<Vec<Record>>>);

impl Records {
    /// A layer that takes nothing out, and its records.
    pub(crate) fn layer() -> (UserMetricsLayer, Self) {
        let records = Self::default();
        let sink = records.clone();
        let layer = UserMetricsLayer::new(move |record: &Record| sink.0.lock().unwrap().push(record.clone()));
        (layer.faces_provider(false), records)
    }

    /// Every call was completed, and all but those without a body said whose they are.
    pub(crate) fn are(&self, count: usize) {
        let records = self.0.lock().unwrap();
        assert_eq!(records.len(), count);
        for record in records.iter() {
            assert_eq!((record.outcome, record.status), (Outcome::Completed, Some(200)));
            assert_eq!(record.user_id().map(AsRef::as_ref), Some("alice"));
        }
    }
}

/// What is left of the requests where `Helicone-*` headers are taken out.
pub(crate) fn without_helicone(requests: &[String]) -> Vec<String> {
    let kept = |line: &&str| !line.to_ascii_lowercase().starts_with("helicone-");
    requests.iter().map(|request| request.split_inclusive("\r\n").filter(kept).collect()).collect()
}
