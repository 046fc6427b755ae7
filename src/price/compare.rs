//! Where two sources disagree.

use super::book::PriceBook;
use super::catalog::{Catalog, Entry, Lookup, STANDARD, Source};
use crate::record::{Rate, Unit};
use std::fmt;

/// Two sources that have other rates for the same model and unit. The first one's stands: genai-prices before LiteLLM.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disagreement {
    /// The entry, as `provider/entry`.
    pub entry: String,
    /// What the rate is for.
    pub unit: Unit,
    /// For requests of more than this many tokens of input; 0 for all others.
    pub above: u64,
    /// The rate of genai-prices, which stands; `None` where it has none for the unit.
    pub stands: Option<Rate>,
    /// The rate of LiteLLM; `None` where it has none for the unit.
    pub other: Option<Rate>,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |rate: Option<Rate>| rate.map_or_else(|| "none".to_owned(), |rate| rate.to_string());
        let Self { entry, unit, above, stands, other } = self;
        write!(f, "{entry}\t{}\t>{above}\t{}\t{}", unit.as_str(), rate(*stands), rate(*other))
    }
}

impl PriceBook {
    /// Where the sources of the book have other rates for the same name, at the default tier and the end of all start dates.
    /// A unit that one of them does not mention is billed as the kind that it is part of, and is compared as such.
    pub fn disagreements(&self) -> Vec<Disagreement> {
        let catalog = self.catalog();
        let mut found = Vec::new();
        for key in catalog.index.keys() {
            let entry = |source| key.entry(source).and_then(|entry| catalog.entry(entry));
            if let (Some(genai), Some(litellm)) = (entry(Source::GenAi), entry(Source::LiteLlm)) {
                compare(catalog, genai, litellm, &mut found);
            }
        }
        found.sort_by(|a, b| (&a.entry, a.unit, a.above).cmp(&(&b.entry, b.unit, b.above)));
        found.dedup();
        found
    }
}

/// The units that are compared, and those that they are part of.
const UNITS: [&[Unit]; 9] = [
    &[Unit::Input],
    &[Unit::CacheRead, Unit::Input],
    &[Unit::CacheWrite, Unit::Input],
    &[Unit::CacheWrite1h, Unit::CacheWrite, Unit::Input],
    &[Unit::InputAudio, Unit::Input],
    &[Unit::Output],
    &[Unit::Reasoning, Unit::Output],
    &[Unit::OutputAudio, Unit::Output],
    &[Unit::WebSearches],
];

fn compare(catalog: &Catalog, genai: &Entry, litellm: &Entry, found: &mut Vec<Disagreement>) {
    let mut thresholds: Vec<u64> =
        [genai, litellm].iter().flat_map(|entry| thresholds(catalog, entry)).collect();
    thresholds.sort_unstable();
    thresholds.dedup();
    for above in thresholds {
        for units in UNITS {
            let rates = [rate(catalog, genai, above, units), rate(catalog, litellm, above, units)];
            let [stands, other] = rates;
            let Some(unit) = units.first().filter(|_| stands != other && rates.iter().any(Option::is_some))
            else {
                continue;
            };
            let entry = catalog.label(genai).to_string();
            found.push(Disagreement { entry, unit: *unit, above, stands, other });
        }
    }
}

/// The card of the default tier that begins last.
fn card(catalog: &Catalog, entry: &Entry) -> Option<u32> {
    let periods = entry.periods.of(&catalog.periods);
    let lasting = |window| !matches!(window, super::window::Window::Daily { .. });
    let mut standard = periods.iter().filter(|period| period.tier == STANDARD && lasting(period.window));
    standard.next_back().map(|period| period.card)
}

fn thresholds(catalog: &Catalog, entry: &Entry) -> Vec<u64> {
    let card = card(catalog, entry).and_then(|card| catalog.cards.get(usize::try_from(card).ok()?));
    card.map(|card| card.of(&catalog.bands).iter().map(|band| band.above).collect()).unwrap_or_default()
}

fn rate(catalog: &Catalog, entry: &Entry, above: u64, units: &[Unit]) -> Option<Rate> {
    let band = catalog.band(card(catalog, entry)?, above.saturating_add(u64::from(above > 0)))?;
    units.iter().find_map(|unit| match catalog.rate(band, *unit) {
        Lookup::Rate(rate) => Some(rate),
        Lookup::Missing | Lookup::Absent => None,
    })
}
