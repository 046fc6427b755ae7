//! The settings of a dashboard.

use super::sinks::ShownSink;
use crate::report::{Scope, Zone};
use http::request::Parts;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

type GuardFn = Arc<dyn Fn(&Parts) -> Option<Scope> + Send + Sync>;

/// The settings of a dashboard, which its requests share.
#[derive(Clone)]
pub(super) struct DashboardSettings {
    pub(super) guard: GuardFn,
    pub(super) title: String,
    pub(super) mount: Option<String>,
    pub(super) zone: Zone,
    pub(super) refresh: Duration,
    pub(super) sinks: Vec<ShownSink>,
    pub(super) clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl fmt::Debug for DashboardSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DashboardSettings")
            .field("title", &self.title)
            .field("zone", &self.zone)
            .field("refresh", &self.refresh)
            .field("sinks", &self.sinks)
            .finish_non_exhaustive()
    }
}
