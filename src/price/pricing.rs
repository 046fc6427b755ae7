//! Prices a call by the book: which entries, which tier, and the sum of what is billed.

use super::bill::{bill_call, bill_pass};
use super::book::{ModelName, ModelNameRef, PriceBook};
use super::call_rates::{Basis, Terms};
use super::catalog::{BATCH, EntryId, PriceEntry, PriceList, ROUTE, STANDARD, TierId};
use super::endpoint;
use super::names::names_a_region;
use super::resolve::{Factor, Resolution, provider_of, resolve};
use super::{PricedCall, Pricer};
use crate::record::{Cost, Parts, PriceMatch, Priced, Provider, ProviderSource, Text, UnpricedReason};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

impl PriceBook {
    /// Returns what the book knows of a model of a provider or an endpoint of one.
    fn resolve(&self, who: &Text, region: Option<&Text>, name: &Text) -> Resolution {
        if let Some(known) = self.0.resolved.get(&ModelNameRef { who, region, name }) {
            return known;
        }
        let resolution = resolve(&self.0.catalog, who, region.map_or("", |region| region.as_str()), name);
        let asked = ModelName { who: who.clone(), region: region.cloned(), name: name.clone() };
        self.0.resolved.insert(asked, resolution);
        resolution
    }

    /// Returns what decides about rates beside the model.
    fn terms(&self, call: &PricedCall<'_>) -> Result<Terms, UnpricedReason> {
        let tiers = &self.0.catalog.tiers;
        let route = call.region.and_then(|region| {
            let is_route = |tier: &Text| {
                tier.strip_prefix(ROUTE).is_some_and(|route| route.eq_ignore_ascii_case(region))
            };
            TierId::try_from(tiers.iter().position(is_route)?).ok()
        });
        let asked = call.service_tier.and_then(|tier| asked_tier(tier));
        let is_its_own = |tier: &&str| !call.provider.is_some_and(|of| costs_the_standard_price(of, tier));
        let tier = match asked.filter(is_its_own) {
            None if call.batch => BATCH,
            None => STANDARD,
            Some("batch") => BATCH,
            Some(_) if call.batch => return Err(UnpricedReason::UnknownTier),
            Some(name) => self.0.catalog.tier(name).ok_or(UnpricedReason::UnknownTier)?,
        };
        Ok(Terms { tier, route, time: call.time })
    }

    /// Bills by the first entry that has all rates. Where none has, the reason is the one of the last that came closest.
    fn bill<'a>(
        &'a self,
        resolution: &Resolution,
        parts: &mut Parts,
        bill: impl Fn(&Basis<'_>, &mut Parts) -> Result<(), UnpricedReason>,
    ) -> Result<(&'a PriceEntry, PriceMatch), UnpricedReason> {
        let catalog = &self.0.catalog;
        let mut reason = UnpricedReason::UnknownModel;
        for (found, filler) in resolution.candidates() {
            let Some(entry) = catalog.entry(found.entry) else { continue };
            let factor = match resolution.factor {
                // The application's own prices hold in every region.
                _ if entry.list == PriceList::Own => None,
                Factor::None => None,
                Factor::By(factor) => Some(factor),
                Factor::Missing => return Err(UnpricedReason::NoRate),
            };
            let filler = filler.and_then(|(filler, fills)| Some((catalog.entry(filler)?, fills)));
            match bill(&Basis { entry, filler, factor }, parts) {
                Ok(()) => return Ok((entry, found.how)),
                // A missing rate is the better reason than a tier that another list does not know.
                Err(other) if reason != UnpricedReason::NoRate => reason = other,
                Err(_) => {}
            }
            *parts = Parts::default();
        }
        Err(reason)
    }

    /// Returns whether a provider goes by this name too.
    #[cold]
    fn is(&self, provider: &Provider, name: &str) -> bool {
        let known = provider_of(&self.0.catalog, name);
        known.is_some() && known == provider_of(&self.0.catalog, provider.as_str())
    }

    /// Whether the endpoints of the provider would come to different amounts.
    #[cold]
    fn depends_on_endpoint(
        &self,
        endpoints: [EntryId; 2],
        bill: impl Fn(&Basis<'_>, &mut Parts) -> Result<(), UnpricedReason>,
    ) -> bool {
        let totals = endpoints.map(|entry| {
            let mut parts = Parts::default();
            let entry = self.0.catalog.entry(entry)?;
            bill(&Basis { entry, filler: None, factor: None }, &mut parts).ok().and_then(|()| parts.total())
        });
        matches!(totals, [Some(one), Some(other)] if one != other)
    }

    /// Bills `call` into `parts`; by which entry, how that was found and at which tier.
    fn compute(
        &self,
        call: &PricedCall<'_>,
        parts: &mut Parts,
    ) -> Result<(&PriceEntry, PriceMatch, TierId), UnpricedReason> {
        let usage = call.usage;
        if usage.input_tokens.is_none() && usage.is_empty() {
            return Err(UnpricedReason::NoUsage);
        }
        let provider = call.provider.ok_or(UnpricedReason::UnknownProvider)?;
        let endpoint = endpoint::called(provider.as_str(), call.host, call.model).map(Text::from_static);
        let who = endpoint.as_ref().unwrap_or(provider.text());
        let resolve = |model: &Text| {
            let known = self.resolve(who, call.region, model);
            // What a gateway calls `perplexity/sonar` is `sonar`, though there is another model of the longer name.
            let by_name = call.provider_source == Some(ProviderSource::Model) && known.is_exact();
            let bare = model.split_once('/').filter(|(prefix, _)| by_name && self.is(provider, prefix));
            let bare = bare.and_then(|(_, bare)| Text::new(bare).ok());
            let found = bare.map(|bare| self.resolve(who, call.region, &bare));
            found.filter(Resolution::is_known).unwrap_or(known)
        };

        // A gateway answers with the name alone, without the requested place.
        let in_a_place = call.model.filter(|asked| call.region.is_none() && names_a_region(asked));
        let in_a_place = in_a_place.map(resolve).filter(Resolution::is_known);
        let mut resolution = in_a_place.or_else(|| call.response_model.map(resolve)).unwrap_or_default();
        if !resolution.is_known()
            && let Some(asked) = call.model
        {
            resolution = resolve(asked);
        }
        if !resolution.is_known() {
            let unnamed = call.model.is_none() && call.response_model.is_none();
            let known = resolution.knows_provider
                || (unnamed && provider_of(&self.0.catalog, provider.as_str()).is_some());
            return Err(if known { UnpricedReason::UnknownModel } else { UnpricedReason::UnknownProvider });
        }
        let terms = self.terms(call)?;
        let bill = |basis: &Basis<'_>, parts: &mut Parts| bill_call(basis, &terms, usage, parts);
        let (entry, mut matched) = self.bill(&resolution, parts, bill)?;
        if let Some(endpoints) = resolution.endpoints()
            && entry.list != PriceList::Own
            && self.depends_on_endpoint(endpoints, bill)
        {
            matched = PriceMatch::Ambiguous;
        }
        for pass in &usage.passes {
            let tokens = pass.usage();
            let mut of_pass = Parts::default();
            let resolution = pass.model.as_ref().map_or(resolution, resolve);
            self.bill(&resolution, &mut of_pass, |basis, parts| bill_pass(basis, &terms, &tokens, parts))?;
            of_pass.iter().for_each(|part| parts.merge(part));
        }
        Ok((entry, matched, terms.tier))
    }

    /// Warns once that the book is old.
    #[cold]
    fn warn_stale(&self, time: SystemTime) {
        if !self.0.warned.swap(true, Ordering::Relaxed) {
            #[cfg(feature = "tracing")]
            tracing::warn!(
                version = self.version(),
                days = self.age(time).map(|age| age.as_secs() / 86_400),
                "the price data is older than allowed; costs may be wrong"
            );
            #[cfg(not(feature = "tracing"))]
            let _ = time;
        }
    }
}

/// Returns whether a provider's documentation says that a tier costs what its default one costs.
fn costs_the_standard_price(provider: &Provider, tier: &str) -> bool {
    // <https://console.groq.com/docs/flex-processing>: "same pricing as on-demand".
    *provider == Provider::GROQ && tier.eq_ignore_ascii_case("flex")
}

/// Returns the tier that a call names; `None` for the default one.
fn asked_tier(tier: &str) -> Option<&str> {
    const DEFAULT: [&str; 6] = ["default", "standard", "auto", "on_demand", "standard_only", "on-demand"];
    let is = |name: &str| tier.eq_ignore_ascii_case(name);
    match tier.trim() {
        "" => None,
        // Anthropic's request, Vertex's and Bedrock's answers.
        _ if DEFAULT.into_iter().any(is) => None,
        _ if is("on_demand_priority") => Some("priority"),
        _ if is("on_demand_flex") => Some("flex"),
        _ if is("batch") || is("batches") => Some("batch"),
        other => Some(other),
    }
}

/// The bundled book (feature `prices`), or else an empty one.
impl Default for PriceBook {
    fn default() -> Self {
        #[cfg(feature = "prices")]
        return Self::bundled();
        #[cfg(not(feature = "prices"))]
        Self::empty()
    }
}

impl Pricer for PriceBook {
    fn price(&self, call: &PricedCall<'_>) -> Cost {
        if self.is_stale(call.time) {
            self.warn_stale(call.time);
        }
        let mut parts = Parts::default();
        let (entry, matched, tier) = match self.compute(call, &mut parts) {
            Ok(billed) => billed,
            Err(reason) => return Cost::Unpriced(reason),
        };
        let Some(total) = parts.total() else { return Cost::Unpriced(UnpricedReason::Overflow) };
        let catalog = &self.0.catalog;
        let tier = match tier {
            STANDARD => None,
            tier => catalog.tiers.get(usize::from(tier)).cloned(),
        };
        let entry = (entry.label.clone(), matched);
        Cost::Priced(Priced::from_parts((total, parts), entry, tier, Arc::clone(&self.0.version)))
    }
}
