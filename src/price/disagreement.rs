//! Where genai-prices and LiteLLM have other rates for the same thing.

use super::catalog::{Catalog, Price, PriceEntry, PriceList, STANDARD};
use super::rates::{Rates, Validity};
use crate::record::{Rate, Unit};
use std::collections::BTreeSet;
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

/// Returns the names for which genai-prices and LiteLLM have different rates.
pub(super) fn disagreements(catalog: &Catalog) -> Vec<Disagreement> {
    let mut found = Vec::new();
    for entries in catalog.providers.iter().flat_map(|row| row.names.values()) {
        let entry = |list| catalog.entry(entries.of(list)?);
        if let (Some(genai), Some(litellm)) = (entry(PriceList::GenAi), entry(PriceList::LiteLlm)) {
            compare(genai, litellm, &mut found);
        }
    }
    found.sort_by(|a, b| (&a.entry, a.unit, a.above).cmp(&(&b.entry, b.unit, b.above)));
    found.dedup();
    found
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

fn compare(genai: &PriceEntry, litellm: &PriceEntry, found: &mut Vec<Disagreement>) {
    let (Some(one), Some(two)) = (lasting(genai), lasting(litellm)) else { return };
    let thresholds: BTreeSet<u64> = one.thresholds().chain(two.thresholds()).collect();
    for above in thresholds {
        for units in UNITS {
            let [stands, other] = [one, two].map(|rates| {
                let known = units.iter().filter_map(|unit| rates.get(*unit));
                known.filter_map(|rate| rate.at(above.saturating_add(u64::from(above > 0)))).next()
            });
            if let Some(unit) = units.first().filter(|_| stands != other) {
                let entry = genai.label.to_string();
                found.push(Disagreement { entry, unit: *unit, above, stands, other });
            }
        }
    }
}

/// Returns the rates of the default tier that begin last.
fn lasting(entry: &PriceEntry) -> Option<&Rates> {
    let lasting = |price: &&Price| price.tier == STANDARD && !matches!(price.when, Validity::Daily { .. });
    entry.prices.iter().rev().find(lasting).map(|price| &*price.rates)
}
