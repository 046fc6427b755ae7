//! From a provider and a model's name to the entries that price it.

use super::catalog::{
    self, Catalog, EntryId, Lookup, Period, Provider, ProviderId, Region, STANDARD, Source,
};
use super::index::{Key, NO_ENTRY};
use super::names::{names_a_place, spellings, undated};
use super::resolved::{Found, Order, Resolved, Uplift};
use super::{endpoint, litellm};
use crate::record::{PriceMatch, Unit};
use std::borrow::Cow;

/// A provider, and the rows of its endpoints.
#[derive(Clone, Copy)]
struct Place<'a> {
    catalog: &'a Catalog,
    provider: ProviderId,
    row: &'a Provider,
    endpoint: Option<&'static str>,
}

impl<'a> Place<'a> {
    /// Where the models of what is called `who` stand: a provider or an endpoint of one.
    fn of(catalog: &'a Catalog, who: &str) -> Option<Self> {
        let who = who.trim().to_ascii_lowercase();
        let (id, endpoint) = match endpoint::provider(&who) {
            Some((id, _)) => (id, endpoint::of_route(&who).or_else(|| endpoint::find_id(&who))),
            None => (&*who, None),
        };
        let provider = provider_of(catalog, id)?;
        Some(Self { catalog, provider, row: catalog.provider(provider)?, endpoint })
    }

    /// The rows of other endpoints than the main one, and whether they are the one that was called.
    fn others(&self) -> impl Iterator<Item = (ProviderId, bool)> {
        let Self { catalog, endpoint, .. } = *self;
        endpoint::others(&self.row.id)
            .filter_map(move |id| Some((catalog.provider_by_id(id)?, endpoint == Some(id))))
    }

    /// LiteLLM's entry of that name: of the endpoint that was called, or else of the provider.
    fn litellm(&self, name: &str) -> Option<EntryId> {
        let exact = |row| self.catalog.exact(row, name, Source::LiteLlm);
        let called = self.others().find(|(_, called)| *called);
        called.and_then(|(row, _)| exact(row)).or_else(|| exact(self.provider))
    }

    /// LiteLLM's entry of that name for an endpoint that costs otherwise than `entry`, and whether that makes a difference to what is called.
    fn elsewhere(&self, name: &str, entry: EntryId) -> Option<EntryId> {
        let others = self.others().map(|(row, _)| row).chain([self.provider]);
        let mut entries = others.filter_map(|row| self.catalog.exact(row, name, Source::LiteLlm));
        entries.find(|other| *other != entry && conflict(self.catalog, *other, entry))
    }
}

/// Looks up `name`, which is in lower case, of a provider or an endpoint of one. An empty region is none.
pub(super) fn resolve(catalog: &Catalog, who: &str, region: &str, name: &str) -> Resolved {
    let Some(place) = Place::of(catalog, who) else { return Resolved::default() };
    let name = endpoint::bare(place.endpoint, name);
    let region = region.to_ascii_lowercase();
    if !region.is_empty()
        && let Some(found) = regional(&place, &region, name)
    {
        return Resolved::new([application(&place, name), None, Some(found)]);
    }
    let mut hits = find(&place, name, false);
    if hits.is_none() {
        for spelling in other_spellings(catalog, place.row, name) {
            hits = find(&place, &spelling.name, spelling.exact_only).as_alias();
            if name.ends_with("-latest") && spelling.exact_only && hits.contradicted(&place, &spelling.name) {
                hits = Hits::default();
            }
            if !hits.is_none() {
                break;
            }
        }
    }
    hits.application = hits.application.or_else(|| application(&place, name));
    let mut resolved = Resolved::new([hits.application, hits.genai, hits.litellm]);
    (resolved.order, resolved.elsewhere) = (hits.order, hits.elsewhere.unwrap_or(NO_ENTRY));
    if let Some(found) = hits.litellm.filter(|_| !region.is_empty()) {
        resolved.uplift = uplift(&place, found.entry, &region);
    }
    resolved
}

/// The factor that an entry has for a region.
fn uplift(place: &Place<'_>, entry: EntryId, region: &str) -> Uplift {
    let catalog = place.catalog;
    let Some(uplifts) = catalog.entry(entry).map(|entry| entry.uplifts) else { return Uplift::None };
    let rows = uplifts.of(&catalog.uplifts);
    if let Some(at) = rows.iter().position(|uplift| uplift.region.covers(region)) {
        return u32::try_from(at).map_or(Uplift::None, |at| Uplift::At(uplifts.first + at));
    }
    // OpenAI's other residencies cost more too, by a factor that the data does not have.
    let known = ["eu", "us", "global"].contains(&region);
    let resides = |uplift: &catalog::Uplift| matches!(uplift.region, Region::Eu | Region::Us);
    if !known && *place.row.id == *"openai" && rows.iter().any(resides) {
        return Uplift::Missing;
    }
    Uplift::None
}

/// Whether all that is known of a name that the data spells in full stands beside it. `others`: the rows of the provider's other endpoints.
pub(super) fn is_complete(catalog: &Catalog, key: &Key, others: &[ProviderId]) -> bool {
    let Some(row) = catalog.provider(key.provider) else { return false };
    let name = key.name.of_text(&catalog.text);
    let known = || others.iter().any(|row| catalog.exact(*row, name, Source::LiteLlm).is_some());
    if endpoint::provider(&row.id).is_some() || known() {
        return false;
    }
    match key.entry(Source::GenAi).and_then(|entry| catalog.entry(entry)) {
        // LiteLLM may know the entry by its own name.
        Some(entry) => {
            let itself = catalog.name(entry).eq_ignore_ascii_case(name);
            itself || key.entry(Source::LiteLlm).is_some()
        }
        // genai-prices may have a pattern for the name.
        None => row.patterns.is_empty() && row.fallbacks.is_empty(),
    }
}

/// The entries that the sources have for one spelling.
#[derive(Clone, Copy)]
struct Hits {
    application: Option<Found>,
    genai: Option<Found>,
    litellm: Option<Found>,
    elsewhere: Option<EntryId>,
    order: Order,
}

impl Default for Hits {
    fn default() -> Self {
        Self { application: None, genai: None, litellm: None, elsewhere: None, order: Order::GenAi }
    }
}

impl Hits {
    const fn is_none(&self) -> bool {
        self.application.is_none() && self.genai.is_none() && self.litellm.is_none()
    }

    fn as_alias(self) -> Self {
        Self {
            application: self.application.map(Found::as_alias),
            genai: self.genai.map(Found::as_alias),
            litellm: self.litellm.map(Found::as_alias),
            ..self
        }
    }

    /// Whether the data says that the latest of a name may not be what goes by the name alone: it lists dates of it, at other prices.
    fn contradicted(&self, place: &Place<'_>, name: &str) -> bool {
        let entries = [self.genai, self.litellm].map(|found| found.map(|found| found.entry));
        let Some(entry) = entries.into_iter().flatten().next() else { return false };
        let catalog = place.catalog;
        catalog.index.keys().iter().filter(|key| key.provider == place.provider).any(|key| {
            let dated = key.name.of_text(&catalog.text);
            let same_source = catalog.entry(entry).and_then(|entry| key.entry(entry.source));
            undated(dated) == Some(name) && same_source.is_some_and(|other| conflict(catalog, other, entry))
        })
    }
}

/// The application's own entry, under any spelling: it stands before what the data has under the one that was sent. One for the endpoint that was
/// called stands before one for the provider.
fn application(place: &Place<'_>, name: &str) -> Option<Found> {
    let called = place.others().filter(|(_, called)| *called).map(|(row, _)| row);
    called.chain([place.provider]).find_map(|provider| {
        let row = place.catalog.provider(provider)?;
        let by = |name: &str, exact_only| {
            by_source(place.catalog, provider, row, name, Source::Override, exact_only)
        };
        by(name, false).or_else(|| {
            let mut others = other_spellings(place.catalog, place.row, name).into_iter();
            let found = others.find_map(|spelling| by(&spelling.name, spelling.exact_only));
            found.map(Found::as_alias)
        })
    })
}

/// The entries for `name`, spelt just so.
fn find(place: &Place<'_>, name: &str, exact_only: bool) -> Hits {
    let Place { catalog, provider, row, .. } = *place;
    let by = |source| by_source(catalog, provider, row, name, source, exact_only);
    let litellm = place.litellm(name).map(|entry| Found { entry, matched: PriceMatch::Exact });
    let (application, genai) = (by(Source::Override), by(Source::GenAi));
    let mut hits = Hits { application, genai, litellm, ..Hits::default() };
    let mut resold = false;
    if hits.genai.is_none() {
        // A provider that resells others' models at their prices.
        hits.genai = row.fallbacks.iter().find_map(|fallback| {
            let other = catalog.provider_by_id(fallback)?;
            by_source(catalog, other, catalog.provider(other)?, name, Source::GenAi, exact_only)
        });
        resold = hits.genai.is_some();
    }
    let mut known_as = Cow::Borrowed(name);
    if let Some(genai) = hits.genai {
        let own_name = catalog.entry(genai.entry).map(|entry| catalog.name(entry).to_ascii_lowercase());
        let sibling = own_name.as_deref().and_then(|own| place.litellm(own));
        match (genai.matched, hits.litellm, sibling) {
            // A pattern that is too wide: LiteLLM has a price of its own for this name, other than for the entry's.
            (PriceMatch::Pattern, Some(named), Some(sibling)) if differ(catalog, named.entry, sibling) => {
                hits.genai = None;
            }
            // One that passes over the place in the name, for which LiteLLM has another price.
            (PriceMatch::Pattern, Some(named), _)
                if endpoint::others(&row.id).next().is_some()
                    && names_a_place(name)
                    && differ(catalog, named.entry, genai.entry) =>
            {
                hits.genai = None;
            }
            // What LiteLLM knows of the entry, tiers and regions, holds for the names that it covers.
            (_, None, Some(sibling)) => {
                hits.litellm = Some(Found { entry: sibling, matched: genai.matched });
                known_as = own_name.map_or(known_as, Cow::Owned);
            }
            _ => {}
        }
    }
    if let Some(found) = hits.litellm {
        let elsewhere = place.elsewhere(&known_as, found.entry);
        if resold && hits.genai.is_some() {
            hits.order = Order::Resold;
        }
        match place.endpoint {
            None => hits.elsewhere = elsewhere,
            Some(id) if hits.order == Order::GenAi && (elsewhere.is_some() || endpoint::is_apart(id)) => {
                hits.order = Order::LiteLlm;
            }
            Some(_) => {}
        }
    }
    hits
}

/// The entry that one source has for `name`: of that name, or by the first pattern that covers it.
fn by_source(
    catalog: &Catalog,
    provider: ProviderId,
    row: &Provider,
    name: &str,
    source: Source,
    exact_only: bool,
) -> Option<Found> {
    if let Some(entry) = catalog.exact(provider, name, source) {
        return Some(Found { entry, matched: PriceMatch::Exact });
    }
    let pattern = row.patterns.iter().filter(|_| !exact_only).find(|(entry, pattern)| {
        catalog.entry(*entry).is_some_and(|entry| entry.source == source) && pattern.matches(name)
    });
    pattern.map(|(entry, _)| Found { entry: *entry, matched: PriceMatch::Pattern })
}

/// LiteLLM's entry for a model in one region: `eu/gpt-5.1`, `us-east-1/anthropic.claude…`.
fn regional(place: &Place<'_>, region: &str, name: &str) -> Option<Found> {
    let within = |name: &str| place.litellm(&format!("{region}/{name}"));
    let named = within(name).map(|entry| Found { entry, matched: PriceMatch::Exact });
    named.or_else(|| {
        let mut others = other_spellings(place.catalog, place.row, name);
        others
            .iter_mut()
            .find_map(|spelling| within(&spelling.name))
            .map(|entry| Found { entry, matched: PriceMatch::Alias })
    })
}

/// Whether two entries have other rates for input or output.
fn differ(catalog: &Catalog, one: EntryId, other: EntryId) -> bool {
    let rates = |entry: EntryId| {
        let periods = catalog.entry(entry)?.periods.of(&catalog.periods);
        let band = catalog.band(periods.iter().find(|period| period.tier == STANDARD)?.card, 0)?;
        Some([catalog.rate(band, Unit::Input), catalog.rate(band, Unit::Output)])
    };
    rates(one).unwrap_or([Lookup::Absent; 2]) != rates(other).unwrap_or([Lookup::Absent; 2])
}

/// Whether two entries have other rates for the same thing, at any tier.
fn conflict(catalog: &Catalog, one: EntryId, other: EntryId) -> bool {
    let prices = |entry: EntryId| {
        let entry = catalog.entry(entry);
        entry.map(|entry| entry.periods.of(&catalog.periods)).unwrap_or_default()
    };
    prices(one).iter().any(|price| {
        let same = |other: &&Period| other.tier == price.tier && other.window == price.window;
        prices(other).iter().find(same).is_some_and(|other| {
            let bands = |card| catalog.cards.get(card as usize).map(|card| card.of(&catalog.bands));
            let thresholds = [price.card, other.card].into_iter().filter_map(bands).flatten();
            thresholds.map(|band| band.above.saturating_add(1)).any(|input| {
                let bands = [price.card, other.card].map(|card| catalog.band(card, input));
                let [Some(one), Some(other)] = bands else { return false };
                Unit::ALL.iter().any(|unit| match (catalog.rate(one, *unit), catalog.rate(other, *unit)) {
                    (Lookup::Rate(one), Lookup::Rate(other)) => one != other,
                    _ => false,
                })
            })
        })
    })
}

fn other_spellings<'a>(catalog: &Catalog, row: &Provider, name: &'a str) -> Vec<super::names::Spelling<'a>> {
    let itself = |prefix: &str| {
        *row.id == *prefix
            || litellm::provider_id(prefix) == &*row.id
            || row.aliases.as_ref().is_some_and(|aliases| aliases.matches(prefix))
            || row.fallbacks.iter().any(|fallback| **fallback == *prefix)
                && catalog.provider_by_id(prefix).is_some()
    };
    spellings(name, itself, &*row.id == "aws")
}

/// The provider that goes by `name`.
pub(super) fn provider_of(catalog: &Catalog, name: &str) -> Option<ProviderId> {
    let name = name.trim().to_ascii_lowercase();
    let by_id = |id: &str| catalog.provider_by_id(id);
    by_id(&name).or_else(|| by_id(litellm::provider_id(&name))).or_else(|| {
        let covers = |row: &Provider| row.aliases.as_ref().is_some_and(|aliases| aliases.matches(&name));
        ProviderId::try_from(catalog.providers.iter().position(covers)?).ok()
    })
}
