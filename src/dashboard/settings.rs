//! What a dashboard is told when it is made.

use super::sinks::Sink;
use crate::report::{Scope, Zone};
use http::request::Parts;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

type Guard = Arc<dyn Fn(&Parts) -> Option<Scope> + Send + Sync>;

/// The settings that requests share.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) guard: Guard,
    pub(super) title: String,
    pub(super) mount: Option<String>,
    pub(super) zone: Zone,
    pub(super) refresh: Duration,
    pub(super) sinks: Vec<Sink>,
    pub(super) clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("title", &self.title)
            .field("zone", &self.zone)
            .field("refresh", &self.refresh)
            .field("sinks", &self.sinks)
            .finish_non_exhaustive()
    }
}
