//! From a provider and a model's name to the entries that price it.

use super::catalog::{Catalog, EntryId, Lookup, Provider, ProviderId, STANDARD, Source};
use super::index::{Key, NO_ENTRY};
use super::litellm;
use super::names::spellings;
use crate::record::{PriceMatch, Rate, Unit};

/// An entry, and how the name led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) entry: EntryId,
    pub(super) matched: PriceMatch,
}

impl Found {
    /// The same, found by another spelling of the name.
    fn as_alias(self) -> Self {
        match self.matched {
            PriceMatch::Exact => Self { matched: PriceMatch::Alias, ..self },
            PriceMatch::Alias | PriceMatch::Pattern => self,
        }
    }
}

/// What is known of a name. It is copied once a call, and so kept small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The entries to try, by precedence; [`NO_ENTRY`] for a source that has none.
    entries: [EntryId; Source::ALL.len()],
    /// How the name led to them.
    matched: [PriceMatch; Source::ALL.len()],
    /// The place of a factor on the rates of tokens, for the region asked about, counted from 1.
    uplift: u32,
    /// Whether the provider is in the book.
    pub(super) provider: bool,
}

impl Default for Resolved {
    fn default() -> Self {
        Self {
            entries: [NO_ENTRY; Source::ALL.len()],
            matched: [PriceMatch::Exact; Source::ALL.len()],
            uplift: 0,
            provider: false,
        }
    }
}

impl Resolved {
    /// What is known of a name that the data spells in full.
    #[inline]
    pub(super) const fn of_key(key: &Key) -> Self {
        let matched = [PriceMatch::Exact; Source::ALL.len()];
        Self { entries: key.entries, matched, uplift: 0, provider: true }
    }

    /// What is known of a name of a provider that is in the book.
    fn new(found: [Option<Found>; Source::ALL.len()], uplift: u32) -> Self {
        let entries = found.map(|found| found.map_or(NO_ENTRY, |found| found.entry));
        let matched = found.map(|found| found.map_or(PriceMatch::Exact, |found| found.matched));
        Self { entries, matched, uplift, provider: true }
    }

    /// Whether there is any entry.
    #[inline]
    pub(super) fn is_known(&self) -> bool {
        self.entries.iter().any(|entry| *entry != NO_ENTRY)
    }

    /// The entries to try, by precedence.
    #[inline]
    pub(super) fn found(&self) -> impl Iterator<Item = Found> + '_ {
        let both = self.entries.iter().zip(&self.matched);
        both.filter(|(entry, _)| **entry != NO_ENTRY)
            .map(|(entry, matched)| Found { entry: *entry, matched: *matched })
    }

    /// The factor on the rates of tokens, for the region asked about.
    #[inline]
    pub(super) fn uplift(&self, catalog: &Catalog) -> Option<Rate> {
        let place = self.uplift.checked_sub(1)?;
        catalog.uplifts.get(place as usize).map(|uplift| uplift.factor)
    }
}

/// Looks up `name`, which is in lower case. An empty region is none.
pub(super) fn resolve(catalog: &Catalog, provider: &str, region: &str, name: &str) -> Resolved {
    let Some(provider) = provider_of(catalog, provider) else { return Resolved::default() };
    let Some(row) = catalog.provider(provider) else { return Resolved::default() };
    let region = region.to_ascii_lowercase();
    if !region.is_empty()
        && let Some(found) = regional(catalog, provider, &region, name)
    {
        let application = application(catalog, provider, row, name);
        return Resolved::new([application, None, Some(found)], 0);
    }
    let mut hits = find(catalog, provider, name, false);
    if hits.is_none() {
        for spelling in other_spellings(catalog, row, name) {
            hits = find(catalog, provider, &spelling.name, spelling.exact_only).as_alias();
            if !hits.is_none() {
                break;
            }
        }
    }
    hits.application = hits.application.or_else(|| application(catalog, provider, row, name));
    let uplift = hits.litellm.filter(|_| !region.is_empty()).and_then(|found| {
        let uplifts = catalog.entry(found.entry)?.uplifts;
        let at = uplifts.of(&catalog.uplifts).iter().position(|uplift| uplift.region.covers(&region))?;
        Some(uplifts.first + u32::try_from(at).ok()? + 1)
    });
    Resolved::new(hits.by_precedence(), uplift.unwrap_or(0))
}

/// Whether all that is known of a name that the data spells in full stands beside it.
pub(super) fn is_complete(catalog: &Catalog, key: &Key) -> bool {
    let Some(row) = catalog.provider(key.provider) else { return false };
    match key.entry(Source::GenAi).and_then(|entry| catalog.entry(entry)) {
        // LiteLLM may know the entry by its own name.
        Some(entry) => {
            let itself = catalog.name(entry).eq_ignore_ascii_case(key.name.of_text(&catalog.text));
            itself || key.entry(Source::LiteLlm).is_some()
        }
        // genai-prices may have a pattern for the name.
        None => row.patterns.is_empty() && row.fallbacks.is_empty(),
    }
}

/// The entries that the sources have for one spelling.
#[derive(Clone, Copy, Default)]
struct Hits {
    application: Option<Found>,
    genai: Option<Found>,
    litellm: Option<Found>,
}

impl Hits {
    const fn is_none(&self) -> bool {
        self.application.is_none() && self.genai.is_none() && self.litellm.is_none()
    }

    const fn by_precedence(self) -> [Option<Found>; Source::ALL.len()] {
        [self.application, self.genai, self.litellm]
    }

    fn as_alias(self) -> Self {
        Self {
            application: self.application.map(Found::as_alias),
            genai: self.genai.map(Found::as_alias),
            litellm: self.litellm.map(Found::as_alias),
        }
    }
}

/// The application's own entry, under any spelling: it stands before what the data has under the one that was sent.
fn application(catalog: &Catalog, provider: ProviderId, row: &Provider, name: &str) -> Option<Found> {
    let by = |name: &str, exact_only| by_source(catalog, provider, row, name, Source::Override, exact_only);
    by(name, false).or_else(|| {
        let mut others = other_spellings(catalog, row, name).into_iter();
        let found = others.find_map(|spelling| by(&spelling.name, spelling.exact_only));
        found.map(Found::as_alias)
    })
}

/// The entries for `name`, spelt just so.
fn find(catalog: &Catalog, provider: ProviderId, name: &str, exact_only: bool) -> Hits {
    let Some(row) = catalog.provider(provider) else { return Hits::default() };
    let by = |source| by_source(catalog, provider, row, name, source, exact_only);
    let mut hits =
        Hits { application: by(Source::Override), genai: by(Source::GenAi), litellm: by(Source::LiteLlm) };
    if hits.genai.is_none() {
        // A provider that resells others' models at their prices.
        hits.genai = row.fallbacks.iter().find_map(|fallback| {
            let other = catalog.provider_by_id(fallback)?;
            by_source(catalog, other, catalog.provider(other)?, name, Source::GenAi, exact_only)
        });
    }
    let Some(genai) = hits.genai else { return hits };
    let own_name = catalog.entry(genai.entry).map(|entry| catalog.name(entry).to_ascii_lowercase());
    let sibling = own_name.and_then(|own| catalog.exact(provider, &own, Source::LiteLlm));
    match (genai.matched, hits.litellm, sibling) {
        // A pattern that is too wide: LiteLLM has a price of its own for this name, other than for the entry's.
        (PriceMatch::Pattern, Some(named), Some(sibling)) if differ(catalog, named.entry, sibling) => {
            hits.genai = None;
        }
        // What LiteLLM knows of the entry, tiers and regions, holds for the names that it covers.
        (_, None, Some(sibling)) => hits.litellm = Some(Found { entry: sibling, matched: genai.matched }),
        _ => {}
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
fn regional(catalog: &Catalog, provider: ProviderId, region: &str, name: &str) -> Option<Found> {
    let row = catalog.provider(provider)?;
    let within = |name: &str| catalog.exact(provider, &format!("{region}/{name}"), Source::LiteLlm);
    let named = within(name).map(|entry| Found { entry, matched: PriceMatch::Exact });
    named.or_else(|| {
        let mut others = other_spellings(catalog, row, name);
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
