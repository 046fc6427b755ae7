//! Price data as plain tables: providers, the entries of their models, and the rates that these refer to.

use super::error::{Problem, Refused};
use super::pattern::NamePattern;
use super::rates::{Rates, Validity};
use crate::record::{Rate, Text};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
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
/// The beginning of the name of a tier that is a route rather than a tier.
pub(super) const ROUTE: &str = "route:";
/// At most this many prices of one tier may hold at the same time.
pub(super) const MAX_OVERLAYS: usize = 3;
/// The names of the tiers that every catalog has.
const FIXED_TIERS: [&str; 2] = ["standard", "batch"];

/// A price and when it holds. Of the prices of the default tier the last that holds is the one; those of another tier lie over it, the
/// first that holds on top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Price {
    pub(super) when: Validity,
    pub(super) tier: TierId,
    pub(super) rates: Arc<Rates>,
}

impl Price {
    /// Creates a price that holds at all times.
    pub(super) fn always(tier: TierId, rates: Rates) -> Self {
        Self::during(Validity::Always, tier, rates)
    }

    pub(super) fn during(when: Validity, tier: TierId, rates: Rates) -> Self {
        Self { when, tier, rates: rates.into() }
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
    /// Returns whether `region` is meant.
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
pub(super) struct PriceEntry {
    /// `provider/name`, as the data spells the name.
    pub(super) label: Arc<str>,
    pub(super) provider: ProviderId,
    pub(super) list: PriceList,
    pub(super) prices: Box<[Price]>,
    pub(super) factors: Box<[RegionalFactor]>,
    /// The least that is billed of [`Unit::Seconds`](crate::record::Unit::Seconds).
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
    /// Returns the entry that a list has under the name.
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

    /// Returns the entries of all lists.
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
    pub(super) aliases: Option<NamePattern>,
    /// Providers whose models this one resells at their prices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) resells: Vec<Box<str>>,
    /// The entries by their names in lower case.
    #[serde(skip)]
    pub(super) names: HashMap<Box<str>, NamedEntries>,
    /// Patterns over names, in the order in which they are tried.
    #[serde(skip)]
    pub(super) patterns: Vec<(EntryId, NamePattern)>,
}

/// All price data of one book.
#[derive(Clone, Default)]
pub(super) struct Catalog {
    pub(super) entries: Vec<PriceEntry>,
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
    /// Returns an entry.
    pub(super) fn entry(&self, id: EntryId) -> Option<&PriceEntry> {
        self.entries.get(id as usize)
    }

    /// Returns a provider.
    pub(super) fn provider(&self, id: ProviderId) -> Option<&ProviderRow> {
        self.providers.get(usize::from(id))
    }

    /// Returns the name of an entry, as the data spells it.
    pub(super) fn name<'a>(&self, entry: &'a PriceEntry) -> &'a str {
        let id = self.provider(entry.provider).map_or(0, |row| row.id.len());
        entry.label.get(id + 1..).unwrap_or_default()
    }

    /// Returns the provider of that id.
    pub(super) fn provider_by_id(&self, id: &str) -> Option<ProviderId> {
        let at = self.providers.iter().position(|row| *row.id == *id)?;
        ProviderId::try_from(at).ok()
    }

    /// Returns the entry that a list has for a name, which is in lower case, spelt in full.
    pub(super) fn exact(&self, provider: ProviderId, name: &str, list: PriceList) -> Option<EntryId> {
        self.provider(provider)?.names.get(name)?.of(list)
    }

    /// Returns the tier of that name, where any entry has it.
    pub(super) fn tier(&self, name: &str) -> Option<TierId> {
        let at = self.tiers.iter().position(|tier| tier.eq_ignore_ascii_case(name))?;
        TierId::try_from(at).ok()
    }
}

/// A catalog in the making.
pub(super) struct Assembly {
    pub(super) catalog: Catalog,
    /// The rates that were added, so that equal ones are held once.
    known_rates: HashSet<Arc<Rates>>,
    refused: Vec<Refused>,
}

impl Default for Assembly {
    fn default() -> Self {
        let tiers = FIXED_TIERS.map(Text::from_static).into();
        Self::of(Catalog { tiers, ..Catalog::default() })
    }
}

/// The names by which an entry is found.
#[derive(Debug, Default)]
pub(super) struct EntryNames {
    /// Those that are spelt in full.
    pub(super) full: Vec<Box<str>>,
    /// A pattern over further names.
    pub(super) pattern: Option<NamePattern>,
}

impl Assembly {
    /// Goes on from a catalog, whose rates are not shared with what is added.
    pub(super) fn of(catalog: Catalog) -> Self {
        Self { catalog, known_rates: HashSet::new(), refused: Vec::new() }
    }

    /// Returns the catalog, and the entries that were refused.
    pub(super) fn finish(mut self) -> (Catalog, Vec<Refused>) {
        self.catalog.entries.shrink_to_fit();
        (self.catalog, self.refused)
    }

    /// Counts an entry among those that are not used.
    pub(super) fn refuse(&mut self, provider: &str, entry: &str, problem: Problem) {
        self.refused.push(Refused { entry: format!("{provider}/{entry}"), problem });
    }

    /// Returns the provider of that id, which is added where it is new. `None` when there are too many, or the id cannot be one.
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

    /// Returns a provider that is there.
    pub(super) fn row(&mut self, provider: ProviderId) -> Option<&mut ProviderRow> {
        self.catalog.providers.get_mut(usize::from(provider))
    }

    /// Returns the tier of that name, which is added where it is new. `None` for a name that cannot be one, or one too many.
    pub(super) fn tier(&mut self, name: &str) -> Option<TierId> {
        if let Some(known) = self.catalog.tier(name) {
            return Some(known);
        }
        let new = TierId::try_from(self.catalog.tiers.len()).ok()?;
        self.catalog.tiers.push(Text::new(&name.to_ascii_lowercase()).ok()?);
        Some(new)
    }

    /// Returns the label of an entry of that name.
    pub(super) fn label(&self, provider: ProviderId, name: &str) -> Arc<str> {
        let id = self.catalog.provider(provider).map_or("", |row| &row.id);
        [id, "/", name].concat().into()
    }

    /// Adds an entry with its names.
    pub(super) fn add(&mut self, mut entry: PriceEntry, names: EntryNames) -> Result<EntryId, Problem> {
        let PriceEntry { list, provider, .. } = entry;
        let shape = |what: &str| Err(Problem::Shape(what.to_owned()));
        if self.catalog.provider(provider).is_none() {
            return shape("an unknown provider");
        }
        if entry.prices.is_empty() {
            return Err(Problem::NoRates);
        }
        if names
            .full
            .iter()
            .map(|name| &**name)
            .chain([&*entry.label])
            .any(|name| name.contains(char::is_control))
        {
            return shape("a control character in a name");
        }
        for price in &entry.prices {
            if let Some(unit) = price.rates.above_ceiling() {
                return Err(Problem::AboveCeiling { key: unit.as_str().to_owned() });
            }
            let same = entry.prices.iter().filter(|other| other.tier == price.tier).count();
            if price.tier != STANDARD && same > MAX_OVERLAYS {
                return shape("more prices than can be held");
            }
        }
        for price in &mut entry.prices {
            match self.known_rates.get(&price.rates) {
                Some(known) => price.rates = Arc::clone(known),
                None => drop(self.known_rates.insert(Arc::clone(&price.rates))),
            }
        }
        let Ok(id) = EntryId::try_from(self.catalog.entries.len()) else {
            return shape("more entries than can be held");
        };
        self.catalog.entries.push(entry);
        for name in &names.full {
            self.add_name(provider, name, (list, id));
        }
        if let (Some(pattern), Some(row)) = (names.pattern, self.row(provider)) {
            // Patterns of the application stand before those of the data.
            let at = if list == PriceList::Own { 0 } else { row.patterns.len() };
            row.patterns.insert(at, (id, pattern));
        }
        Ok(id)
    }

    /// Returns whether a list has an entry of that name already.
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
}
