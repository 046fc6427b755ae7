//! From a provider and a model's name to the entries that price it, and where these disagree.

use super::catalog::{Catalog, EntryId, PriceList, ProviderId, ProviderRow, Regions, STANDARD};
use super::endpoint;
use super::names::{Spelling, names_a_place, spellings, undated};
use super::rates::Lookup;
use crate::record::{PriceMatch, Rate, Unit};
use std::borrow::Cow;

/// An entry, and how the name led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) entry: EntryId,
    pub(super) how: PriceMatch,
}

impl Match {
    const fn exact(entry: EntryId) -> Self {
        Self { entry, how: PriceMatch::Exact }
    }

    /// Returns the match as one that was found by another spelling of the name.
    fn as_alias(self) -> Self {
        if self.how == PriceMatch::Exact { Self { how: PriceMatch::Alias, ..self } } else { self }
    }
}

/// The entries that price a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Resolution {
    /// The entries that the lists have.
    own: Option<Match>,
    genai: Option<Match>,
    litellm: Option<Match>,
    /// LiteLLM's entry for another endpoint of the provider, where it is not known which one was called.
    elsewhere: Option<EntryId>,
    precedence: Precedence,
    pub(super) factor: Factor,
    /// Whether the provider is in the book.
    pub(super) knows_provider: bool,
}

/// What an entry takes from another one where it has no rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fills {
    /// What comes on top of the work, and the rates of audio and images beside those of text.
    Kinds,
    /// Tokens of every kind too: the other is the one whose models are resold.
    Resold,
}

/// Which entry of the data stands first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Precedence {
    /// That of genai-prices.
    #[default]
    GenAi,
    /// LiteLLM's, which knows a price of the endpoint that was called.
    LiteLlm,
    /// LiteLLM's, which is the provider's own. That of genai-prices is the price of whoever made the model.
    Resold,
}

/// The factor on the rates of tokens for a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Factor {
    #[default]
    None,
    By(Rate),
    /// There is one, and the data does not say which.
    Missing,
}

impl Resolution {
    /// Returns whether there is any entry.
    pub(super) const fn is_known(&self) -> bool {
        self.own.is_some() || self.genai.is_some() || self.litellm.is_some()
    }

    /// Returns whether a list has an entry of just this name.
    pub(super) fn is_exact(&self) -> bool {
        [self.genai, self.litellm].iter().flatten().any(|found| found.how == PriceMatch::Exact)
    }

    /// Returns the entries to try, by precedence, each with the entry to ask for what it lacks.
    pub(super) fn candidates(&self) -> impl Iterator<Item = (Match, Option<(EntryId, Fills)>)> {
        let Self { own, genai, litellm, precedence, .. } = *self;
        let resold = if precedence == Precedence::Resold { Fills::Resold } else { Fills::Kinds };
        let filled_by = |filler: Option<Match>, fills| filler.map(|filler| (filler.entry, fills));
        let genai = genai.map(|found| (found, filled_by(litellm, Fills::Kinds)));
        let litellm = litellm.map(|found| (found, filled_by(self.genai, resold)));
        let [first, second] =
            if precedence == Precedence::GenAi { [genai, litellm] } else { [litellm, genai] };
        [own.map(|found| (found, None)), first, second].into_iter().flatten()
    }

    /// Returns LiteLLM's entries for the endpoints of the provider, where their prices differ and it is not known which one was called.
    pub(super) fn endpoints(&self) -> Option<[EntryId; 2]> {
        Some([self.litellm?.entry, self.elsewhere?])
    }

    fn as_alias(self) -> Self {
        let alias = |found: Option<Match>| found.map(Match::as_alias);
        Self { own: alias(self.own), genai: alias(self.genai), litellm: alias(self.litellm), ..self }
    }

    /// Returns whether the latest of a name may not be what goes by the name alone: the data lists dates of it, at other prices.
    fn contradicted(&self, view: &ProviderView<'_>, name: &str) -> bool {
        let Some(Match { entry, .. }) = self.genai.or(self.litellm) else { return false };
        let Some(list) = view.catalog.entry(entry).map(|entry| entry.list) else { return false };
        view.row.names.iter().any(|(dated, entries)| {
            undated(dated) == Some(name)
                && entries.of(list).is_some_and(|other| conflict(view.catalog, other, entry))
        })
    }
}

/// A provider, and the rows of its endpoints.
#[derive(Clone, Copy)]
struct ProviderView<'a> {
    catalog: &'a Catalog,
    provider: ProviderId,
    row: &'a ProviderRow,
    endpoint: Option<&'static str>,
}

impl<'a> ProviderView<'a> {
    /// Looks up what is called `who`: a provider or an endpoint of one.
    fn of(catalog: &'a Catalog, who: &str) -> Option<Self> {
        let who = who.trim().to_ascii_lowercase();
        let (id, endpoint) = match endpoint::provider(&who) {
            Some((id, _)) => (id, endpoint::of_route(&who).or_else(|| endpoint::find_id(&who))),
            None => (&*who, None),
        };
        let provider = provider_of(catalog, id)?;
        Some(Self { catalog, provider, row: catalog.provider(provider)?, endpoint })
    }

    /// Returns the rows of other endpoints than the main one, and whether they are the one that was called.
    fn others(&self) -> impl Iterator<Item = (ProviderId, bool)> {
        let Self { catalog, endpoint, .. } = *self;
        endpoint::others(&self.row.id)
            .filter_map(move |id| Some((catalog.provider_by_id(id)?, endpoint == Some(id))))
    }

    /// Returns LiteLLM's entry of that name: of the endpoint that was called, or else of the provider.
    fn litellm(&self, name: &str) -> Option<EntryId> {
        let exact = |row| self.catalog.exact(row, name, PriceList::LiteLlm);
        let called = self.others().find(|(_, called)| *called);
        called.and_then(|(row, _)| exact(row)).or_else(|| exact(self.provider))
    }

    /// Returns LiteLLM's entry of that name for an endpoint that costs otherwise than `entry`, and whether that makes a difference to what is called.
    fn elsewhere(&self, name: &str, entry: EntryId) -> Option<EntryId> {
        let others = self.others().map(|(row, _)| row).chain([self.provider]);
        let mut entries = others.filter_map(|row| self.catalog.exact(row, name, PriceList::LiteLlm));
        entries.find(|other| *other != entry && conflict(self.catalog, *other, entry))
    }
}

/// Looks up the name of a model of a provider or an endpoint of one. An empty region stands for no region.
pub(super) fn resolve(catalog: &Catalog, who: &str, region: &str, name: &str) -> Resolution {
    let Some(view) = ProviderView::of(catalog, who) else { return Resolution::default() };
    let (name, region) = (name.to_ascii_lowercase(), region.to_ascii_lowercase());
    let name = endpoint::bare(view.endpoint, &name);
    if !region.is_empty()
        && let Some(found) = regional(&view, &region, name)
    {
        let own = own(&view, name);
        return Resolution { own, litellm: Some(found), knows_provider: true, ..Resolution::default() };
    }
    let mut found = find(&view, name, false);
    if !found.is_known() {
        for spelling in other_spellings(catalog, view.row, name) {
            found = find(&view, &spelling.name, spelling.exact_only).as_alias();
            if name.ends_with("-latest") && spelling.exact_only && found.contradicted(&view, &spelling.name) {
                found = Resolution::default();
            }
            if found.is_known() {
                break;
            }
        }
    }
    found.own = found.own.or_else(|| own(&view, name));
    if let Some(litellm) = found.litellm.filter(|_| !region.is_empty()) {
        found.factor = factor(&view, litellm.entry, &region);
    }
    Resolution { knows_provider: true, ..found }
}

/// Returns the factor that an entry has for a region.
fn factor(view: &ProviderView<'_>, entry: EntryId, region: &str) -> Factor {
    let factors = view.catalog.entry(entry).map(|entry| &*entry.factors).unwrap_or_default();
    if let Some(known) = factors.iter().find(|factor| factor.regions.covers(region)) {
        return Factor::By(known.factor);
    }
    // OpenAI's other residencies cost more too, by a factor that the data does not have.
    let known = ["eu", "us", "global"].contains(&region);
    let resides = factors.iter().any(|factor| matches!(factor.regions, Regions::Eu | Regions::Us));
    if !known && *view.row.id == *"openai" && resides { Factor::Missing } else { Factor::None }
}

/// Returns the application's own entry, under any spelling: it stands before what the data has under the one that was sent. One for the endpoint that was
/// called stands before one for the provider.
fn own(view: &ProviderView<'_>, name: &str) -> Option<Match> {
    let called = view.others().filter(|(_, called)| *called).map(|(row, _)| row);
    called.chain([view.provider]).find_map(|provider| {
        let by = |name: &str, exact_only| by_list(view.catalog, provider, name, PriceList::Own, exact_only);
        by(name, false).or_else(|| {
            let mut others = other_spellings(view.catalog, view.row, name).into_iter();
            let found = others.find_map(|spelling| by(&spelling.name, spelling.exact_only));
            found.map(Match::as_alias)
        })
    })
}

/// Finds the entries for exactly this spelling of a name.
fn find(view: &ProviderView<'_>, name: &str, exact_only: bool) -> Resolution {
    let ProviderView { catalog, provider, row, .. } = *view;
    let by = |list| by_list(catalog, provider, name, list, exact_only);
    let litellm = view.litellm(name).map(Match::exact);
    let mut found =
        Resolution { own: by(PriceList::Own), genai: by(PriceList::GenAi), litellm, ..Resolution::default() };
    let mut resold = false;
    if found.genai.is_none() {
        // A provider that resells others' models at their prices.
        found.genai = row.resells.iter().find_map(|maker| {
            by_list(catalog, catalog.provider_by_id(maker)?, name, PriceList::GenAi, exact_only)
        });
        resold = found.genai.is_some();
    }
    let mut known_as = Cow::Borrowed(name);
    if let Some(genai) = found.genai {
        let own_name = catalog.entry(genai.entry).map(|entry| catalog.name(entry).to_ascii_lowercase());
        let sibling = own_name.as_deref().and_then(|own| view.litellm(own));
        let names_a_place = || endpoint::others(&row.id).next().is_some() && names_a_place(name);
        match (genai.how, found.litellm, sibling) {
            // A pattern that is too wide: LiteLLM has a price of its own for this name, other than for the entry's.
            (PriceMatch::Pattern, Some(named), Some(sibling)) if differ(catalog, named.entry, sibling) => {
                found.genai = None;
            }
            // One that passes over the place in the name, for which LiteLLM has another price. Of GovCloud it knows more than the
            // names that genai-prices lists.
            (how, Some(named), _)
                if (how == PriceMatch::Pattern || name.starts_with("us-gov."))
                    && names_a_place()
                    && differ(catalog, named.entry, genai.entry) =>
            {
                found.genai = None;
            }
            // What LiteLLM knows of the entry, tiers and regions, holds for the names that it covers.
            (_, None, Some(sibling)) => {
                found.litellm = Some(Match { entry: sibling, how: genai.how });
                known_as = own_name.map_or(known_as, Cow::Owned);
            }
            _ => {}
        }
    }
    if let Some(litellm) = found.litellm {
        let elsewhere = view.elsewhere(&known_as, litellm.entry);
        if resold && found.genai.is_some() {
            found.precedence = Precedence::Resold;
        }
        match view.endpoint {
            None => found.elsewhere = elsewhere,
            Some(id)
                if found.precedence == Precedence::GenAi
                    && (elsewhere.is_some() || endpoint::is_apart(id)) =>
            {
                found.precedence = Precedence::LiteLlm;
            }
            Some(_) => {}
        }
    }
    found
}

/// Returns the entry that one list has for `name`: of that name, or by the first pattern that covers it.
fn by_list(
    catalog: &Catalog,
    provider: ProviderId,
    name: &str,
    list: PriceList,
    exact_only: bool,
) -> Option<Match> {
    let row = catalog.provider(provider)?;
    if let Some(entry) = catalog.exact(provider, name, list) {
        return Some(Match::exact(entry));
    }
    let pattern = row.patterns.iter().filter(|_| !exact_only).find(|(entry, pattern)| {
        catalog.entry(*entry).is_some_and(|entry| entry.list == list) && pattern.matches(name)
    });
    pattern.map(|(entry, _)| Match { entry: *entry, how: PriceMatch::Pattern })
}

/// Returns LiteLLM's entry for a model in one region: `eu/gpt-5.1`, `us-east-1/anthropic.claude…`.
fn regional(view: &ProviderView<'_>, region: &str, name: &str) -> Option<Match> {
    let within = |name: &str| view.litellm(&format!("{region}/{name}"));
    let named = within(name).map(Match::exact);
    named.or_else(|| {
        let mut others = other_spellings(view.catalog, view.row, name);
        others
            .iter_mut()
            .find_map(|spelling| within(&spelling.name))
            .map(|entry| Match { entry, how: PriceMatch::Alias })
    })
}

/// Returns whether two entries have other rates for input or output.
fn differ(catalog: &Catalog, one: EntryId, other: EntryId) -> bool {
    let rates = |entry: EntryId| {
        let standard = catalog.entry(entry)?.prices.iter().find(|price| price.tier == STANDARD)?;
        Some([Unit::Input, Unit::Output].map(|unit| standard.rates.at(unit, 0)))
    };
    rates(one).unwrap_or([Lookup::Absent; 2]) != rates(other).unwrap_or([Lookup::Absent; 2])
}

/// Returns whether two entries have other rates for the same thing, at any tier.
fn conflict(catalog: &Catalog, one: EntryId, other: EntryId) -> bool {
    let (Some(one), Some(other)) = (catalog.entry(one), catalog.entry(other)) else { return false };
    one.prices.iter().any(|price| {
        let same = other.prices.iter().find(|other| other.tier == price.tier && other.when == price.when);
        let (one, Some(other)) = (&price.rates, same.map(|same| &same.rates)) else { return false };
        one.thresholds().chain(other.thresholds()).any(|above| {
            one.iter().any(|(unit, _)| {
                let rates = [one, other].map(|rates| rates.at(unit, above.saturating_add(1)));
                matches!(rates, [Lookup::Rate(one), Lookup::Rate(other)] if one != other)
            })
        })
    })
}

fn other_spellings<'a>(catalog: &Catalog, row: &ProviderRow, name: &'a str) -> Vec<Spelling<'a>> {
    let itself = |prefix: &str| {
        *row.id == *prefix
            || endpoint::provider_of_route(prefix) == &*row.id
            || row.aliases.as_ref().is_some_and(|aliases| aliases.matches(prefix))
            || row.resells.iter().any(|maker| **maker == *prefix) && catalog.provider_by_id(prefix).is_some()
    };
    spellings(name, itself, &*row.id == "aws")
}

/// Returns the provider that goes by `name`.
pub(super) fn provider_of(catalog: &Catalog, name: &str) -> Option<ProviderId> {
    let name = name.trim().to_ascii_lowercase();
    let by_id = |id: &str| catalog.provider_by_id(id);
    by_id(&name).or_else(|| by_id(endpoint::provider_of_route(&name))).or_else(|| {
        let covers = |row: &ProviderRow| row.aliases.as_ref().is_some_and(|aliases| aliases.matches(&name));
        ProviderId::try_from(catalog.providers.iter().position(covers)?).ok()
    })
}
