//! Prices of the application's own.

use super::catalog::{Assembly, EntryNames, Price, PriceEntry, PriceList, STANDARD};
use super::endpoint;
use super::error::{PriceError, Problem, Refused};
use super::formats::genai::{RateTexts, rates, unit};
use super::pattern::NamePattern;
use super::rates::{Rates, TieredRate};
use crate::record::{Rate, Unit};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A price of the application's own, for one model of one provider. It takes precedence over the price data.
///
/// A rate of zero is a price like any other. A unit without a rate is billed as the kind that it is a part of, as
/// everywhere; a tier that is not set here is looked up in the price data.
///
/// ```
/// use tower_llm_metrics::PriceBook;
/// use tower_llm_metrics::price::PriceOverride;
/// use tower_llm_metrics::record::{Rate, Unit};
///
/// let book = PriceBook::empty().with_overrides([
///     PriceOverride::new("openai", "gpt-5-mini")
///         .prefix("gpt-5-mini-")
///         .rate(Unit::Input, Rate::per_million("0.2")?)
///         .rate(Unit::Output, Rate::per_million("1.6")?),
///     PriceOverride::new("in-house", "llama").rate(Unit::Input, Rate::ZERO).rate(Unit::Output, Rate::ZERO),
/// ])?;
/// assert_eq!(book.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PriceOverride {
    provider: String,
    model: String,
    aliases: Vec<String>,
    prefixes: Vec<String>,
    standard: Rates,
    tiers: BTreeMap<String, Rates>,
}

impl PriceOverride {
    /// Creates a price for `model`, without rates yet. `provider` is the id that records carry, or that of one of its endpoints: `bedrock_mantle`, `azure_ai`,
    /// `gemini`.
    pub fn new(provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            aliases: Vec::new(),
            prefixes: Vec::new(),
            standard: Rates::default(),
            tiers: BTreeMap::new(),
        }
    }

    /// Adds another name of the model.
    pub fn alias(mut self, name: impl Into<String>) -> Self {
        self.aliases.push(name.into());
        self
    }

    /// Covers all names that begin with `prefix`. An exact name or alias of another override stands before a prefix.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }

    /// Sets the rate of one unit; of [`Unit::Seconds`], that of an hour.
    pub fn rate(mut self, unit: Unit, rate: Rate) -> Self {
        self.standard.insert(unit, TieredRate::flat(rate));
        self
    }

    /// Sets the rate of one unit at a service tier, such as `flex` or `batch`. What a tier does not set is as without a tier.
    pub fn tier_rate(mut self, tier: impl Into<String>, unit: Unit, rate: Rate) -> Self {
        self.tiers.entry(tier.into()).or_default().insert(unit, TieredRate::flat(rate));
        self
    }

    fn refused(&self, problem: Problem) -> PriceError {
        PriceError::entry(Refused { entry: format!("{}/{}", self.provider, self.model), problem })
    }

    fn add(self, assembly: &mut Assembly) -> Result<(), PriceError> {
        let too_many = || self.refused(Problem::Shape("more than can be held".to_owned()));
        if self.provider.is_empty() || self.model.is_empty() || self.prefixes.iter().any(String::is_empty) {
            return Err(self.refused(Problem::Shape("an empty name".to_owned())));
        }
        if self.standard.is_empty() && self.tiers.is_empty() {
            return Err(self.refused(Problem::NoRates));
        }
        let provider = self.provider.to_ascii_lowercase();
        let provider = match endpoint::provider(&provider) {
            Some((id, true)) => id,
            _ => &provider,
        };
        let provider = assembly.provider(provider).ok_or_else(too_many)?;
        let mut prices = vec![Price::always(STANDARD, self.standard.clone())];
        for (tier, rates) in &self.tiers {
            let tier = assembly.tier(&tier.to_ascii_lowercase()).filter(|tier| *tier != STANDARD);
            let tier = tier.ok_or_else(|| self.refused(Problem::Shape("a tier that is none".to_owned())))?;
            prices.push(Price::always(tier, rates.clone()));
        }
        let prefixes =
            self.prefixes.iter().map(|prefix| NamePattern::StartsWith(prefix.to_lowercase().into()));
        let entry = PriceEntry {
            label: assembly.label(provider, &self.model),
            provider,
            list: PriceList::Own,
            prices: prices.into(),
            factors: Box::default(),
            least_seconds: 0,
            searches_once: false,
        };
        let names = EntryNames {
            full: self.aliases.iter().chain([&self.model]).map(|name| name.as_str().into()).collect(),
            pattern: (!self.prefixes.is_empty()).then(|| NamePattern::Or(prefixes.collect())),
        };
        assembly.add(entry, names).map(drop).map_err(|problem| self.refused(problem))
    }
}

/// Adds overrides to what is built. They stand before those that are there already.
pub(super) fn add(overrides: Vec<PriceOverride>, assembly: &mut Assembly) -> Result<(), PriceError> {
    let mut names = std::collections::HashSet::new();
    for price in &overrides {
        for name in price.aliases.iter().chain([&price.model]) {
            if !names.insert((price.provider.to_ascii_lowercase(), name.to_ascii_lowercase())) {
                return Err(price.refused(Problem::Duplicate));
            }
        }
    }
    // Each stands before those that were added earlier, so that the first of the list comes last.
    overrides.into_iter().rev().try_for_each(|price| price.add(assembly))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OverrideJson<'a> {
    provider: String,
    model: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    prefixes: Vec<String>,
    #[serde(borrow, default)]
    prices: RateTexts<'a>,
    #[serde(borrow, default)]
    tiers: BTreeMap<String, RateTexts<'a>>,
}

/// Reads a list of overrides. Rates have the keys of genai-prices: `input_mtok`, `web_searches_kcount` …
pub(super) fn parse(data: &[u8]) -> Result<Vec<PriceOverride>, PriceError> {
    let list: Vec<OverrideJson<'_>> = serde_json::from_slice(data)?;
    let mut overrides = Vec::with_capacity(list.len());
    for json in list {
        let mut price = PriceOverride::new(json.provider, json.model);
        let read = |texts: &RateTexts<'_>| match texts.keys().find(|key| unit(key).is_none()) {
            Some(key) => Err(Problem::Shape(format!("no rate is called {key}"))),
            None => rates(texts),
        };
        price.standard = read(&json.prices).map_err(|problem| price.refused(problem))?;
        for (tier, texts) in &json.tiers {
            let rates = read(texts).map_err(|problem| price.refused(problem))?;
            price.tiers.insert(tier.clone(), rates);
        }
        (price.aliases, price.prefixes) = (json.aliases, json.prefixes);
        overrides.push(price);
    }
    Ok(overrides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_override_is_refused_by_name() {
        for (bad, why) in [
            (r#"{"prices":{"input_mtok":-1}}"#, "below zero"),
            (r#"{"prices":{"input_mtok":"NaN"}}"#, "not a number"),
            (r#"{"prices":{"input_mtok":5000}}"#, "above what can be right"),
            (r#"{"prices":{"input_mtoks":5}}"#, "no rate is called input_mtoks"),
            (r#"{"prices":{}}"#, "no rate that could be applied"),
            (r#"{"prices":{"input_mtok":1},"tiers":{"standard":{"input_mtok":1}}}"#, "a tier that is none"),
            (r#"{"prices":{"input_mtok":1},"prefixes":[""]}"#, "an empty name"),
            (r#"{"prices":{"input_mtok":1},"aliases":["Rocket"]}"#, "the same name"),
        ] {
            let json = format!(r#"[{{"provider":"acme","model":"rocket",{}]"#, &bad[1..]);
            let error =
                parse(json.as_bytes()).and_then(|list| add(list, &mut Assembly::default())).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("acme/rocket: ") && text.contains(why), "{text}");
        }
        assert!(parse(br#"[{"provider":"acme","model":"rocket","price":{}}]"#).is_err());
    }
}
