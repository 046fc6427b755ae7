//! Price data as plain tables: providers, the entries of their models, and the rates that these refer to.

use super::error::{Problem, Refused};
use super::pattern::Pattern;
use super::rates::{Rates, Validity};
use crate::record::{Rate, Text};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Where an entry comes from, in the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PriceList {
    /// The application's own prices.
    Own,
    /// The genai-prices data.
    GenAi,
    /// LiteLLM's map, from which most entries are.
    #[default]
    LiteLlm,
}

/// The place of an entry in its table.
pub(super) type EntryId = u32;
/// The place of a provider in its table.
pub(super) type ProviderId = u16;
/// The place of a tier in its table; [`STANDARD`] is the default.
pub(super) type TierId = u8;

/// The tier of a call that names none.
pub(super) const STANDARD: TierId = 0;
/// The tier of batch APIs.
pub(super) const BATCH: TierId = 1;
/// At most this many prices of one tier may hold at the same time.
pub(super) const MAX_OVERLAYS: usize = 3;
/// The names of the tiers that every catalog has.
const FIXED_TIERS: [&str; 2] = ["standard", "batch"];

/// A price and when it holds. Of the prices of the default tier the last that holds is the one; those of another tier lie over it, the
/// first that holds on top.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(from = "PriceText", into = "PriceText")]
pub(super) struct Price {
    pub(super) when: Validity,
    pub(super) tier: TierId,
    /// The place of the rates in their table.
    pub(super) rates: u32,
}

/// A price as a snapshot has it: the place of the rates alone, where they are those of the default tier at all times.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PriceText {
    Standard(u32),
    At(TierId, u32),
    During(TierId, u32, Validity),
}

impl From<PriceText> for Price {
    fn from(text: PriceText) -> Self {
        let (tier, rates, when) = match text {
            PriceText::Standard(rates) => (STANDARD, rates, Validity::Always),
            PriceText::At(tier, rates) => (tier, rates, Validity::Always),
            PriceText::During(tier, rates, when) => (tier, rates, when),
        };
        Self { when, tier, rates }
    }
}

impl From<Price> for PriceText {
    fn from(Price { when, tier, rates }: Price) -> Self {
        match (tier, when) {
            (STANDARD, Validity::Always) => Self::Standard(rates),
            (tier, Validity::Always) => Self::At(tier, rates),
            (tier, when) => Self::During(tier, rates, when),
        }
    }
}

/// A factor on the rates of tokens in some regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RegionalFactor {
    pub(super) regions: Regions,
    pub(super) factor: Rate,
}

/// The regions that a factor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Regions {
    /// The data residency `eu`.
    Eu,
    /// The data residency `us`.
    Us,
    /// `gov`, which is authorised by `FedRAMP`.
    Gov,
    /// Every region but `global`.
    NotGlobal,
}

impl Regions {
    /// Whether `region` is meant.
    pub(super) fn covers(self, region: &str) -> bool {
        let is = |name: &str| region.eq_ignore_ascii_case(name);
        match self {
            Self::Eu => is("eu"),
            Self::Us => is("us"),
            Self::Gov => is("gov"),
            Self::NotGlobal => !is("global"),
        }
    }
}

/// The prices of one model of one provider.
#[derive(Clone)]
pub(super) struct Entry {
    /// `provider/name`, as the data spells the name.
    pub(super) label: Arc<str>,
    pub(super) provider: ProviderId,
    pub(super) list: PriceList,
    pub(super) prices: Box<[Price]>,
    pub(super) factors: Box<[RegionalFactor]>,
    /// The least that is billed of [`Unit::Seconds`].
    pub(super) least_seconds: u8,
    /// Whether an answer is billed once for its searches, however many there were.
    pub(super) searches_once: bool,
}

/// The entries of one name, by the list that they are from.
#[derive(Clone, Copy, Default)]
pub(super) struct NamedEntries {
    own: Option<EntryId>,
    genai: Option<EntryId>,
    litellm: Option<EntryId>,
}

impl NamedEntries {
    /// The entry that a list has under the name.
    pub(super) fn of(mut self, list: PriceList) -> Option<EntryId> {
        *self.of_mut(list)
    }

    pub(super) const fn of_mut(&mut self, list: PriceList) -> &mut Option<EntryId> {
        match list {
            PriceList::Own => &mut self.own,
            PriceList::GenAi => &mut self.genai,
            PriceList::LiteLlm => &mut self.litellm,
        }
    }

    /// All that there are.
    pub(super) fn all(self) -> impl Iterator<Item = EntryId> {
        [self.own, self.genai, self.litellm].into_iter().flatten()
    }
}

/// The models of a provider, or of an endpoint that has a row of its own.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderRow {
    pub(super) id: Box<str>,
    /// Other names that the provider goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) aliases: Option<Pattern>,
    /// Providers whose models this one resells at their prices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) resells: Vec<Box<str>>,
    /// The entries by their names in lower case.
    #[serde(skip)]
    pub(super) names: HashMap<Box<str>, NamedEntries>,
    /// Patterns over names, in the order in which they are tried.
    #[serde(skip)]
    pub(super) patterns: Vec<(EntryId, Pattern)>,
}

/// All price data of one book.
#[derive(Clone, Default)]
pub(super) struct Catalog {
    pub(super) rates: Vec<Rates>,
    pub(super) entries: Vec<Entry>,
    pub(super) providers: Vec<ProviderRow>,
    pub(super) tiers: Vec<Text>,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("providers", &self.providers.len())
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl Catalog {
    /// An entry.
    pub(super) fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(id as usize)
    }

    /// A provider.
    pub(super) fn provider(&self, id: ProviderId) -> Option<&ProviderRow> {
        self.providers.get(usize::from(id))
    }

    /// The name of an entry, as the data spells it.
    pub(super) fn name<'a>(&self, entry: &'a Entry) -> &'a str {
        let id = self.provider(entry.provider).map_or(0, |row| row.id.len());
        entry.label.get(id + 1..).unwrap_or_default()
    }

    /// The rates of a price.
    pub(super) fn rates(&self, price: &Price) -> Option<&Rates> {
        self.rates.get(price.rates as usize)
    }

    /// The provider of that id.
    pub(super) fn provider_by_id(&self, id: &str) -> Option<ProviderId> {
        let at = self.providers.iter().position(|row| *row.id == *id)?;
        ProviderId::try_from(at).ok()
    }

    /// The entry that a list has for a name, which is in lower case, spelt in full.
    pub(super) fn exact(&self, provider: ProviderId, name: &str, list: PriceList) -> Option<EntryId> {
        self.provider(provider)?.names.get(name)?.of(list)
    }

    /// The tier of that name, where any entry has it.
    pub(super) fn tier(&self, name: &str) -> Option<TierId> {
        let at = self.tiers.iter().position(|tier| tier.eq_ignore_ascii_case(name))?;
        TierId::try_from(at).ok()
    }
}

/// A catalog in the making.
pub(super) struct Assembly {
    pub(super) catalog: Catalog,
    /// The places of the rates that were added, so that the same ones are held once.
    known_rates: HashMap<Rates, u32>,
    refused: Vec<Refused>,
}

impl Default for Assembly {
    fn default() -> Self {
        let tiers = FIXED_TIERS.map(Text::from_static).into();
        Self::of(Catalog { tiers, ..Catalog::default() })
    }
}

/// An entry before it is added.
#[derive(Debug, Default)]
pub(super) struct NewEntry<'a> {
    pub(super) list: PriceList,
    pub(super) provider: ProviderId,
    /// The entry's own name.
    pub(super) name: &'a str,
    /// Whether the name is one that callers send, rather than a label.
    pub(super) callable: bool,
    /// Other names.
    pub(super) names: Vec<Box<str>>,
    /// A pattern over names.
    pub(super) pattern: Option<Pattern>,
    pub(super) prices: Vec<NewPrice>,
    pub(super) factors: Vec<RegionalFactor>,
    pub(super) least_seconds: u8,
    pub(super) searches_once: bool,
}

/// A price of an entry before it is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewPrice {
    pub(super) when: Validity,
    pub(super) tier: TierId,
    pub(super) rates: Rates,
}

impl Assembly {
    /// Goes on from a catalog, whose rates are not shared with what is added.
    pub(super) fn of(catalog: Catalog) -> Self {
        Self { catalog, known_rates: HashMap::new(), refused: Vec::new() }
    }

    /// The catalog, and the entries that were refused.
    pub(super) fn finish(mut self) -> (Catalog, Vec<Refused>) {
        self.catalog.entries.shrink_to_fit();
        self.catalog.rates.shrink_to_fit();
        (self.catalog, self.refused)
    }

    /// Notes an entry that is not used.
    pub(super) fn refuse(&mut self, provider: &str, entry: &str, problem: Problem) {
        self.refused.push(Refused { entry: format!("{provider}/{entry}"), problem });
    }

    /// The provider of that id, which is added where it is new. `None` when there are too many, or the id cannot be one.
    pub(super) fn provider(&mut self, id: &str) -> Option<ProviderId> {
        if id.contains(char::is_control) {
            return None;
        }
        if let Some(known) = self.catalog.provider_by_id(id) {
            return Some(known);
        }
        let new = ProviderId::try_from(self.catalog.providers.len()).ok()?;
        self.catalog.providers.push(ProviderRow { id: id.into(), ..ProviderRow::default() });
        Some(new)
    }

    /// A provider that is there.
    pub(super) fn row(&mut self, provider: ProviderId) -> Option<&mut ProviderRow> {
        self.catalog.providers.get_mut(usize::from(provider))
    }

    /// The tier of that name, which is added where it is new. `None` for a name that is none, or one too many.
    pub(super) fn tier(&mut self, name: &str) -> Option<TierId> {
        if let Some(known) = self.catalog.tier(name) {
            return Some(known);
        }
        let new = TierId::try_from(self.catalog.tiers.len()).ok()?;
        self.catalog.tiers.push(Text::new(&name.to_ascii_lowercase()).ok()?);
        Some(new)
    }

    /// Adds an entry with its prices, its names and its pattern.
    pub(super) fn add(&mut self, new: NewEntry<'_>) -> Result<EntryId, Problem> {
        let NewEntry { list, provider, name, .. } = new;
        if new.prices.is_empty() {
            return Err(Problem::NoRates);
        }
        if new.names.iter().any(|name| name.contains(char::is_control)) {
            return Err(Problem::Shape("a control character in a name".to_owned()));
        }
        for price in &new.prices {
            if let Some(unit) = price.rates.above_ceiling() {
                return Err(Problem::AboveCeiling { key: unit.as_str().to_owned() });
            }
            let same = new.prices.iter().filter(|other| other.tier == price.tier).count();
            if price.tier != STANDARD && same > MAX_OVERLAYS {
                return Err(too_many());
            }
        }
        let mut prices = Vec::with_capacity(new.prices.len());
        for NewPrice { when, tier, rates } in new.prices {
            prices.push(Price { when, tier, rates: self.rates(rates).ok_or_else(too_many)? });
        }
        let id = self.push(provider, name, |label| Entry {
            label,
            provider,
            list,
            prices: prices.into(),
            factors: new.factors.into(),
            least_seconds: new.least_seconds,
            searches_once: new.searches_once,
        })?;
        for name in new.names.iter().map(|name| &**name).chain(new.callable.then_some(name)) {
            self.add_name(provider, name, (list, id));
        }
        if let Some(pattern) = new.pattern {
            self.add_pattern(provider, (list, id), pattern);
        }
        Ok(id)
    }

    /// Adds what `entry` makes of the label for that name.
    pub(super) fn push(
        &mut self,
        provider: ProviderId,
        name: &str,
        entry: impl FnOnce(Arc<str>) -> Entry,
    ) -> Result<EntryId, Problem> {
        let id = EntryId::try_from(self.catalog.entries.len()).map_err(|_| too_many())?;
        let row = self
            .catalog
            .provider(provider)
            .ok_or_else(|| Problem::Shape("an unknown provider".to_owned()))?;
        let label: Arc<str> = [&row.id, "/", name].concat().into();
        if label.contains(char::is_control) {
            return Err(Problem::Shape("a control character in a name".to_owned()));
        }
        self.catalog.entries.push(entry(label));
        Ok(id)
    }

    /// Whether a list has an entry of that name already.
    pub(super) fn has_name(&self, provider: ProviderId, name: &str, list: PriceList) -> bool {
        self.catalog.exact(provider, &name.to_ascii_lowercase(), list).is_some()
    }

    /// Adds a name by which an entry is found. An entry of the same list that has it already keeps it, but for the application's own
    /// prices, which replace each other.
    pub(super) fn add_name(
        &mut self,
        provider: ProviderId,
        name: &str,
        (list, entry): (PriceList, EntryId),
    ) -> bool {
        let Some(row) = self.row(provider) else { return false };
        let held = row.names.entry(name.to_ascii_lowercase().into()).or_default().of_mut(list);
        let free = held.is_none() || list == PriceList::Own;
        if free {
            *held = Some(entry);
        }
        free
    }

    /// Adds a pattern: of the data after those that are there, of the application before them.
    pub(super) fn add_pattern(
        &mut self,
        provider: ProviderId,
        (list, entry): (PriceList, EntryId),
        pattern: Pattern,
    ) {
        if let Some(row) = self.row(provider) {
            let at = if list == PriceList::Own { 0 } else { row.patterns.len() };
            row.patterns.insert(at, (entry, pattern));
        }
    }

    /// The place of these rates, which are added where they are new.
    fn rates(&mut self, rates: Rates) -> Option<u32> {
        if let Some(known) = self.known_rates.get(&rates) {
            return Some(*known);
        }
        let new = u32::try_from(self.catalog.rates.len()).ok()?;
        self.catalog.rates.push(rates.clone());
        self.known_rates.insert(rates, new);
        Some(new)
    }
}

fn too_many() -> Problem {
    Problem::Shape("more prices than can be held".to_owned())
}
