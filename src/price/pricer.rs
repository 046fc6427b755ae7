//! The trait that turns usage into money.

use crate::record::{Cost, Provider, Record, Text, Usage};
use std::sync::Arc;
use std::time::SystemTime;

/// Turns usage into money. [`PriceBook`](super::PriceBook) is the one in the box; an application can bring its own.
///
/// It is called when a call has ended, on the task that drove the call: it must not block. A panic in it is caught
/// and becomes a reason on the record.
///
/// ```
/// use tower_llm_metrics::record::Priced;
/// use tower_llm_metrics::{Cost, PricedCall, Pricer, Usd};
///
/// /// A model on the application's own machines, at a flat fee.
/// struct FlatFee(Usd);
///
/// impl Pricer for FlatFee {
///     fn price(&self, _call: &PricedCall<'_>) -> Cost {
///         Cost::Priced(Priced::new(self.0, "in-house/llama", "2026-01"))
///     }
/// }
/// ```
pub trait Pricer: Send + Sync + 'static {
    /// What `call` cost.
    fn price(&self, call: &PricedCall<'_>) -> Cost;
}

impl<T: Pricer + ?Sized> Pricer for Arc<T> {
    fn price(&self, call: &PricedCall<'_>) -> Cost {
        (**self).price(call)
    }
}

/// What a price depends on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PricedCall<'a> {
    /// Whose API it was; `None` where that is not known.
    pub provider: Option<&'a Provider>,
    /// The host that was called, in lower case: it tells endpoints of a provider apart that have prices of their own.
    pub host: Option<&'a Text>,
    /// The model asked for.
    pub model: Option<&'a Text>,
    /// The model that answered, which decides where it is known.
    pub response_model: Option<&'a Text>,
    /// What was used.
    pub usage: &'a Usage,
    /// The service tier.
    pub service_tier: Option<&'a Text>,
    /// Whether it was a call to a batch API.
    pub batch: bool,
    /// The region or the data residency, where the price depends on it.
    pub region: Option<&'a Text>,
    /// When the call started.
    pub time: SystemTime,
}

impl<'a> PricedCall<'a> {
    /// A call that used `usage` at `time`; the rest is not known until it is set.
    pub fn new(usage: &'a Usage, time: SystemTime) -> Self {
        Self {
            provider: None,
            host: None,
            model: None,
            response_model: None,
            usage,
            service_tier: None,
            batch: false,
            region: None,
            time,
        }
    }

    /// The call that `record` is of.
    pub fn of(record: &'a Record) -> Self {
        Self {
            provider: record.provider.as_ref(),
            host: record.host.as_ref(),
            model: record.model.as_ref(),
            response_model: record.response_model.as_ref(),
            usage: &record.usage,
            service_tier: record.service_tier.as_ref(),
            batch: record.batch,
            region: record.region.as_ref(),
            time: record.time,
        }
    }
}
