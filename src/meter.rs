//! What all calls of one layer share: its settings and its counts.

use crate::api::{RequestMembers, Routes};
use crate::identify::IdentifySettings;
use crate::panics::Panics;
use crate::pending::Pending;
use crate::price::{PricedCall, Pricer};
use crate::record::{Cost, Provider, Record, UnpricedReason};
use crate::sink::MetricsSink;
use crate::token_counter::Counter;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Chooses the requests that are metered.
pub(crate) type RequestFilter = Arc<dyn Fn(&http::request::Parts) -> bool + Send + Sync>;

/// Settings and counts of a layer; every call in flight holds one `Arc` of it.
#[derive(Clone)]
pub(crate) struct Meter {
    pub(crate) sink: Arc<dyn MetricsSink>,
    pub(crate) pricer: Arc<dyn Pricer>,
    pub(crate) identity: IdentifySettings,
    pub(crate) request_members: Arc<RequestMembers>,
    pub(crate) provider: Option<Provider>,
    pub(crate) routes: Routes,
    /// The application's own, for calls whose usage is absent.
    pub(crate) token_counter: Option<Counter>,
    pub(crate) filter: Option<RequestFilter>,
    /// Whether the headers that name the caller are for us alone; unset, the host that a request goes to decides.
    pub(crate) faces_provider: Option<bool>,
    /// Shared by all copies of these settings, so that a changed copy still counts in the same place.
    pub(crate) counts: Arc<Counts>,
}

/// What a layer counts and remembers between calls.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) in_flight: AtomicUsize,
    pub(crate) panics: Arc<Panics>,
    pub(crate) pending: Pending,
}

impl Meter {
    /// Whether the request is metered. A filter that panics meters.
    pub(crate) fn wants(&self, parts: &http::request::Parts) -> bool {
        let chosen = |filter: &RequestFilter| self.counts.panics.catch(|| filter(parts)).unwrap_or(true);
        self.filter.as_ref().is_none_or(chosen)
    }

    /// Asks the application's pricer.
    pub(crate) fn price(&self, call: &PricedCall<'_>) -> Cost {
        let cost = self.counts.panics.catch(|| self.pricer.price(call));
        cost.unwrap_or(Cost::Unpriced(UnpricedReason::Panicked))
    }

    /// Hands the record to the application's sink.
    pub(crate) fn record(&self, record: &Record) {
        self.counts.panics.catch(|| self.sink.record(record));
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("identity", &self.identity)
            .field("provider", &self.provider)
            .field("faces_provider", &self.faces_provider)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}
