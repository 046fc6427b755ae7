//! Prices, and the cost of usage.
//!
//! [`PriceBook`] turns the usage of a call into money: exactly, or not at all. Rates keep every digit of their source, a total is
//! rounded half-even to 1e-12 dollars once, and nothing is read through a float. What the book does not know is a
//! [reason](crate::record::UnpricedReason), never zero and never the price of something else.
//!
//! # Where prices come from
//!
//! From three sources. The first one that can bill a call wins:
//!
//! 1. the application's own ([`PriceOverride`]),
//! 2. [genai-prices](https://github.com/pydantic/genai-prices), which has start dates, hours, context tiers and variants,
//! 3. [LiteLLM](https://github.com/BerriAI/litellm)'s map, for what genai-prices does not know: further providers, regions of Azure and
//!    Bedrock, batch, flex and priority rates of clouds, factors for data residency.
//!
//! Where two have other rates for the same thing, the first one's stand ([`PriceBook::disagreements`] lists them). The exceptions are all
//! for what genai-prices does not know:
//!
//! * A call with a region is priced by LiteLLM's entry for that region, where there is one.
//! * A *pattern* of genai-prices gives way to a LiteLLM entry of exactly that name, where LiteLLM prices that name otherwise than the pattern's entry:
//!   the pattern is too wide, and `gemini-3.8-flash-cyber` is not `gemini-3.8-flash`. The same holds where the name begins with a place (`us-gov.…`).
//! * Where genai-prices says that a provider resells another's models, the provider's own rates in LiteLLM's map stand before those of the
//!   model's maker, unit by unit.
//! * Where LiteLLM has one name twice at different prices, for two *endpoints* of a provider (`bedrock-runtime` and `bedrock-mantle`, Azure OpenAI and Azure
//!   AI Foundry, Vertex AI and the Gemini API), the host that was called decides ([`PricedCall::host`]), or what a gateway puts before the name. Where
//!   neither is known, the price is that of the main endpoint, and the match is [ambiguous](crate::record::PriceMatch::Ambiguous).
//!
//! What an entry lacks of fees for searches, map queries and annotated pages, and of rates for audio and images, is taken from the other list.
//!
//! Feature `prices` (on by default) compiles in a snapshot of both, [`PriceBook::bundled`]. Files are loaded from bytes; there is no network
//! code. A [`SharedPriceBook`] can be replaced while calls are priced.
//!
//! # What is priced
//!
//! * **The model** that answered; where the book does not know it, the requested one. A name that the data spells is
//!   [exact](crate::record::PriceMatch::Exact), one that a pattern of the data covers is a [pattern](crate::record::PriceMatch::Pattern), and one that is found after a
//!   route, a place or a date has been taken off is an [alias](crate::record::PriceMatch::Alias): `models/…`, `publishers/…/models/…`, `provider/…`, ARNs, `us.` `eu.`
//!   `global.` and their like, `@20240620`, `:nitro`, `-2024-08-06`. Letters are compared without regard to case. A fine-tune `ft:base:…` is priced as `ft:base`, never as `base`.
//!   `-latest` is only taken off where the data has no dates of the name at other prices.
//! * **The tier.** `standard`, `on_demand`, `auto`, `default` and none are the default one. Any other that the book lacks is a reason, as is a
//!   batch for a model without batch rates, and a unit that has a rate by default and none at the tier. genai-prices is read as it is meant: what its variant does not
//!   mention costs as without the variant.
//! * **The size.** Beyond a threshold of input tokens the whole request has the long-context rates.
//! * **The time.** A price holds from its date on; before all dates the oldest stands. Hours and weekdays are read in UTC, or in the zone that
//!   the data names.
//! * **Tokens**, each once. Cached tokens, audio and images are taken out of the input, reasoning (where it has a rate), audio and images out of the
//!   output. A kind without a rate is billed as what it is a part of. Cache writes whose time to live is not known are billed as kept for five minutes. Of parts that exceed their whole, cached
//!   tokens are billed as reported, others up to the whole.
//! * **Other measures**: seconds, images, characters, pages, search units. One without a rate is passed over where the call is billed by
//!   another; where it is billed by none, there is no price. Searches of the web and of files, map queries and annotated pages come on top and must
//!   have a rate; before Gemini 3, an answer of Google's is billed once for its searches. A fee for each call is added once, and so is that of a search
//!   to a model that always searches.
//! * **Nothing is free** unless the data says so: where all rates are 0 and something was counted that has none, there is no price.
//! * **Passes** over other models, at the rates of these.
//!
//! What no usage reports cannot be priced: video tokens, citations, the kind of a search.

mod bill;
mod book;
mod builder;
mod call_rates;
mod catalog;
mod disagreement;
mod endpoint;
mod error;
mod formats {
    pub(super) mod genai;
    pub(super) mod litellm;
}
mod markup;
mod names;
mod overrides;
mod pattern;
mod pricing;
mod rates;
mod resolve;
mod snapshot;

pub use book::{PriceBook, SharedPriceBook};
pub use builder::PriceBookBuilder;
pub use disagreement::Disagreement;
pub use error::{PriceError, Problem, Refused};
pub use markup::Markup;
pub use overrides::PriceOverride;

use crate::record::{Cost, Provider, ProviderSource, Record, Text, UnpricedReason, Usage, UsageState, Usd};
use std::sync::Arc;
use std::time::SystemTime;

/// Turns usage into money. [`PriceBook`] is the one in the box; an application can bring its own.
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
    /// Returns what `call` cost.
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
    /// How the provider was found out. Where it was by the model's name, that begins with the provider, as gateways have it.
    pub provider_source: Option<ProviderSource>,
    /// The host that was called, in lower case: endpoints of a provider may have prices of their own.
    pub host: Option<&'a Text>,
    /// The requested model.
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
    /// Creates a call that used `usage` at `time`. The other fields are to be set.
    pub fn new(usage: &'a Usage, time: SystemTime) -> Self {
        Self {
            provider: None,
            provider_source: None,
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

    /// Creates the call that `record` describes.
    pub fn of(record: &'a Record) -> Self {
        Self {
            provider: record.provider.as_ref(),
            provider_source: record.provider_source,
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

/// A record and what it would cost by another pricer. The record is as it was.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Repriced<'a> {
    /// The record, with its old cost.
    pub record: &'a Record,
    /// The new cost.
    pub cost: Cost,
}

impl Repriced<'_> {
    /// Returns the new amount less the old one; `None` where either is not known.
    pub fn change(&self) -> Option<Usd> {
        Some(self.cost.total()? - self.record.cost.total()?)
    }
}

/// Prices `records` anew, at the prices that `pricer` has for the time of each call.
///
/// What cost nothing still does; the tokens of a repeated answer stay another record's; what a provider reported
/// stays reported, with the new figure beside it.
///
/// ```
/// use tower_llm_metrics::price::reprice;
/// use tower_llm_metrics::{PriceBook, Record};
///
/// let stored = [Record::new(std::time::SystemTime::now())];
/// for repriced in reprice(&stored, &PriceBook::empty()) {
///     println!("{}: {:?} instead of {:?}", repriced.record.id, repriced.cost, repriced.record.cost);
/// }
/// ```
pub fn reprice<'a, R>(records: R, pricer: &dyn Pricer) -> impl Iterator<Item = Repriced<'a>>
where
    R: IntoIterator<Item = &'a Record>,
{
    records.into_iter().map(move |record| Repriced { record, cost: cost(record, pricer) })
}

fn cost(record: &Record, pricer: &dyn Pricer) -> Cost {
    if record.cost == Cost::None {
        return Cost::None;
    }
    if record.usage_state == UsageState::Repeated {
        return Cost::Unpriced(UnpricedReason::Repeated);
    }
    let cost = match record.unpriceable() {
        Some(reason) => Cost::Unpriced(reason),
        None => record.settled(pricer.price(&PricedCall::of(record))),
    };
    match (&record.cost, cost) {
        (Cost::Reported { total, .. }, Cost::Priced(computed)) => {
            Cost::Reported { total: *total, computed: Some(computed) }
        }
        (Cost::Reported { total, .. }, _) => Cost::Reported { total: *total, computed: None },
        (_, cost) => cost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Priced, Provider, Rate, Text, Unit, UsageReason};

    fn record(cost: Cost) -> Record {
        let mut record = Record::new(std::time::UNIX_EPOCH);
        (record.provider, record.model) = (Some(Provider::OPENAI), Some(Text::new("m").unwrap()));
        record.usage.input_tokens = Some(1_000_000);
        (record.usage_state, record.cost) = (UsageState::Reported, cost);
        record
    }

    #[test]
    fn new_costs_stand_beside_the_old_ones() {
        let price = PriceOverride::new("openai", "m").rate(Unit::Input, Rate::per_million("3").unwrap());
        let book = PriceBook::empty().with_overrides([price]).unwrap();
        let old = Cost::Priced(Priced::new(Usd::from_dollars(2), "openai/m", "old"));
        let reported = Cost::Reported { total: Usd::from_dollars(5), computed: None };
        let mut repeated = record(Cost::Unpriced(UnpricedReason::Repeated));
        repeated.usage_state = UsageState::Repeated;
        let mut half = record(Cost::Unpriced(UnpricedReason::UnreadableUsage));
        half.usage_reason = Some(UsageReason::Malformed);
        let records = [record(old.clone()), record(reported), record(Cost::None), repeated, half];
        let all: Vec<_> = reprice(&records, &book).collect();

        assert_eq!(all[0].cost.total(), Some(Usd::from_dollars(3)));
        assert_eq!(all[0].change(), Some(Usd::from_dollars(1)));
        assert_eq!(all[0].record.cost, old);
        assert_eq!(all[1].cost.total(), Some(Usd::from_dollars(5)));
        assert_eq!(all[1].cost.computed().map(|computed| computed.total), Some(Usd::from_dollars(3)));
        assert_eq!(all[2].cost, Cost::None);
        assert_eq!(all[3].cost, Cost::Unpriced(UnpricedReason::Repeated));
        assert_eq!(all[4].cost, Cost::Unpriced(UnpricedReason::UnreadableUsage));
    }
}
