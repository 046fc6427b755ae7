//! Price data as plain tables: providers, the entries of their models, and the rates that these refer to.

use super::pattern::Pattern;
use super::validity::Validity;
use crate::record::{Rate, Text, Unit};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
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
/// The names of the tiers that every catalog has.
pub(super) const FIXED_TIERS: [&str; 2] = ["standard", "batch"];

/// The rate of one unit: a base, and others for requests whose input is larger than a threshold. `None` is a rate that is
/// known to be missing, which is not the same as one that nobody mentions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct TieredRate {
    pub(super) base: Option<Rate>,
    /// Threshold and rate, by rising threshold.
    pub(super) above: Vec<(u64, Option<Rate>)>,
}

impl TieredRate {
    /// A rate for requests of all sizes.
    pub(super) const fn flat(rate: Rate) -> Self {
        Self { base: Some(rate), above: Vec::new() }
    }

    /// The rate for a request of that much input.
    pub(super) fn at(&self, input: u64) -> Option<Rate> {
        self.above.iter().rev().find(|(start, _)| input > *start).map_or(self.base, |(_, rate)| *rate)
    }

    /// Sets the rate for requests of more than `start`; 0 is the base.
    pub(super) fn set(&mut self, start: u64, rate: Option<Rate>) {
        if start == 0 {
            self.base = rate;
        } else {
            let at = self.above.partition_point(|(other, _)| *other <= start);
            self.above.insert(at, (start, rate));
        }
    }

    fn rates(&self) -> impl Iterator<Item = Rate> + '_ {
        self.base.into_iter().chain(self.above.iter().filter_map(|(_, rate)| *rate))
    }
}

/// The rates of one price, in the order of the units.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "RatesText", into = "RatesText")]
pub(super) struct Rates(Vec<(Unit, TieredRate)>);

/// What is known of the rate of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The rate.
    Rate(Rate),
    /// The data has the unit, but not for this tier.
    Missing,
    /// The data does not know the unit.
    Absent,
}

impl Rates {
    /// The rates that are there.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (Unit, &TieredRate)> {
        self.0.iter().map(|(unit, rate)| (*unit, rate))
    }

    /// The rate of a unit.
    pub(super) fn get(&self, unit: Unit) -> Option<&TieredRate> {
        self.iter().find(|(of, _)| *of == unit).map(|(_, rate)| rate)
    }

    /// The rate of a unit for a request of that much input.
    pub(super) fn at(&self, unit: Unit, input: u64) -> Lookup {
        match self.get(unit).map(|rate| rate.at(input)) {
            Some(Some(rate)) => Lookup::Rate(rate),
            Some(None) => Lookup::Missing,
            None => Lookup::Absent,
        }
    }

    /// Sets the rate of a unit for requests of more than `start`; 0 is the base.
    pub(super) fn set(&mut self, unit: Unit, start: u64, rate: Option<Rate>) {
        let at = self.0.binary_search_by_key(&unit, |(of, _)| *of).unwrap_or_else(|at| {
            self.0.insert(at, (unit, TieredRate::default()));
            at
        });
        if let Some((_, tiered)) = self.0.get_mut(at) {
            tiered.set(start, rate);
        }
    }

    /// Sets all of the rate of a unit.
    pub(super) fn insert(&mut self, unit: Unit, rate: TieredRate) {
        self.retain(|of, _| of != unit);
        let at = self.0.partition_point(|(of, _)| *of < unit);
        self.0.insert(at, (unit, rate));
    }

    /// Takes out the rates for which `keep` does not hold.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(Unit, &TieredRate) -> bool) {
        self.0.retain(|(unit, rate)| keep(*unit, rate));
    }

    /// Whether there is no rate.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rates of tokens times a factor, and the others; `None` where the digits do not fit.
    pub(super) fn times(&self, factor: Rate) -> Option<Self> {
        let mut scaled = self.clone();
        for (_, tiered) in scaled.0.iter_mut().filter(|(unit, _)| unit.is_token()) {
            let bases = tiered.base.iter_mut();
            for rate in bases.chain(tiered.above.iter_mut().filter_map(|(_, rate)| rate.as_mut())) {
                *rate = rate.times(factor)?;
            }
        }
        Some(scaled)
    }

    /// The first unit with a rate above what can be right.
    pub(super) fn above_ceiling(&self) -> Option<Unit> {
        self.iter()
            .find(|(unit, tiered)| tiered.rates().any(|rate| rate > unit.row().ceiling))
            .map(|(unit, _)| unit)
    }

    /// The thresholds at which rates change, 0 first.
    pub(super) fn thresholds(&self) -> impl Iterator<Item = u64> {
        [0].into_iter().chain(self.0.iter().flat_map(|(_, rate)| rate.above.iter().map(|(start, _)| *start)))
    }
}

/// Rates as a snapshot has them: `{"input": "1e-6", "input>200000": "2e-6"}`, `null` for one that is known to be missing.
type RatesText = BTreeMap<String, Option<String>>;

impl TryFrom<RatesText> for Rates {
    type Error = &'static str;

    fn try_from(text: RatesText) -> Result<Self, Self::Error> {
        let mut rates = Self::default();
        for (key, rate) in &text {
            let (unit, start) = key.split_once('>').unwrap_or((key, "0"));
            let unit = Unit::from_name(unit).ok_or("no such unit")?;
            let rate = rate.as_deref().map(Rate::from_decimal).transpose();
            rates.set(unit, start.parse().map_err(|_| "no threshold")?, rate.map_err(|_| "no rate")?);
        }
        rates.0.shrink_to_fit();
        Ok(rates)
    }
}

impl From<Rates> for RatesText {
    fn from(rates: Rates) -> Self {
        let text = |rate: Option<Rate>| rate.map(|rate| format!("{}e-{}", rate.parts().0, rate.parts().1));
        let of_unit = |(unit, tiered): (Unit, &TieredRate)| {
            let above = tiered
                .above
                .iter()
                .map(move |(start, rate)| (format!("{}>{start}", unit.as_str()), text(*rate)));
            std::iter::once((unit.as_str().to_owned(), text(tiered.base))).chain(above).collect::<Vec<_>>()
        };
        rates.iter().flat_map(of_unit).collect()
    }
}

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
#[derive(Clone, Serialize, Deserialize)]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        Rate::from_decimal(text).unwrap()
    }

    #[test]
    fn each_threshold_has_the_rates_that_hold_beyond_it() {
        let mut rates = Rates::default();
        rates.set(Unit::Output, 0, Some(rate("3e-6")));
        for (start, price) in [(256_000, None), (0, Some(rate("1e-6"))), (128_000, Some(rate("2e-6")))] {
            rates.set(Unit::Input, start, price);
        }
        for (input, expected) in [
            (0, Lookup::Rate(rate("1e-6"))),
            (128_000, Lookup::Rate(rate("1e-6"))),
            (128_001, Lookup::Rate(rate("2e-6"))),
            (256_001, Lookup::Missing),
        ] {
            assert_eq!(rates.at(Unit::Input, input), expected, "{input}");
            assert_eq!(rates.at(Unit::Output, input), Lookup::Rate(rate("3e-6")));
        }
        assert_eq!(rates.at(Unit::Pages, 1), Lookup::Absent);
        assert_eq!(RatesText::from(rates.clone()).try_into(), Ok(rates));
    }

    #[test]
    fn a_rate_a_thousand_times_too_high_is_noticed_in_every_tier() {
        let mut rates = Rates::default();
        rates.set(Unit::Output, 0, Some(rate("0.0006")));
        assert_eq!(rates.above_ceiling(), None);
        rates.set(Unit::Output, 1, Some(rate("0.0032")));
        assert_eq!(rates.above_ceiling(), Some(Unit::Output));
    }

    #[test]
    fn a_factor_applies_to_tokens_only() {
        let mut rates = Rates::default();
        rates.insert(Unit::WebSearches, TieredRate::flat(rate("0.01")));
        rates.insert(Unit::Input, TieredRate::flat(rate("2e-6")));
        let scaled = rates.times(rate("1.1")).unwrap();
        assert_eq!(scaled.at(Unit::Input, 1), Lookup::Rate(rate("2.2e-6")));
        assert_eq!(scaled.at(Unit::WebSearches, 1), Lookup::Rate(rate("0.01")));
    }
}
