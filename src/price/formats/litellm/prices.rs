//! Reads the prices of an entry of the map.

use super::token_key::{BATCHES, TokenKey, base_unit, token_key};
use crate::price::catalog::{Assembly, Price, RegionalFactor, Regions, STANDARD};
use crate::price::error::Problem;
use crate::price::names::{searches_always, searches_count_once};
use crate::price::rates::{Rates, TieredRate, Validity, clock_seconds};
use crate::record::{LiteLlmKey, ParseRateError, Rate, Unit};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// An entry's fields, as they are written.
pub(super) type RawFields<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// The prices of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModelPrices {
    pub(super) prices: Vec<Price>,
    pub(super) factors: Vec<RegionalFactor>,
    pub(super) searches_once: bool,
}

/// Reads the entry of that name.
pub(super) fn read(
    provider: &str,
    name: &str,
    fields: &RawFields<'_>,
    assembly: &mut Assembly,
) -> Result<ModelPrices, Problem> {
    let mut by_tier = token_rates(provider, fields)?;
    let mut standard = by_tier.remove(&None).unwrap_or_default();
    if let Some(raw) = fields.get("tiered_pricing") {
        tiered(raw, &mut standard)?;
    }
    others(fields, "", &mut standard)?;
    let mut batch = Rates::default();
    others(fields, BATCHES, &mut batch)?;
    for (unit, rate) in batch.iter() {
        by_tier.entry(Some("batch")).or_default().insert(unit, rate.clone());
    }
    searches((provider, name), fields, &mut standard)?;
    tidy(fields, &mut standard);
    if standard.is_empty() && by_tier.is_empty() {
        return Err(Problem::NoRates);
    }
    let mut prices = vec![Price::always(STANDARD, standard.clone())];
    if let Some(raw) = fields.get("off_peak_pricing") {
        prices.extend(off_peak(raw, &standard)?);
    }
    for (tier, rates) in by_tier {
        let Some(tier) = tier.and_then(|tier| assembly.tier(tier)) else { continue };
        prices.push(Price::always(tier, complete(rates, &standard)));
    }
    let (factors, fast) = factors(fields)?;
    if let (Some(fast), Some(tier)) = (fast, assembly.tier("fast")) {
        let rates = standard.times(fast).ok_or_else(|| too_fine("fast"))?;
        prices.push(Price::always(tier, rates));
    }
    let unit = text(fields, "web_search_billing_unit");
    let searches_once = searches_count_once(provider, name, unit.as_deref());
    Ok(ModelPrices { prices, factors, searches_once })
}

fn too_fine(key: &str) -> Problem {
    Problem::Rate { key: key.to_owned(), error: ParseRateError::TooManyDigits }
}

fn rate(key: &str, raw: &RawValue) -> Result<Rate, Problem> {
    Rate::from_decimal(raw.get()).map_err(|error| Problem::Rate { key: key.to_owned(), error })
}

/// Returns a field that is a rate; `None` for `null` too.
fn field(fields: &RawFields<'_>, key: &str) -> Result<Option<Rate>, Problem> {
    match fields.get(key) {
        Some(raw) if raw.get() != "null" => rate(key, raw).map(Some),
        _ => Ok(None),
    }
}

/// Returns the rates of tokens by tier.
fn token_rates(
    provider: &str,
    fields: &RawFields<'_>,
) -> Result<BTreeMap<Option<&'static str>, Rates>, Problem> {
    let mut by_tier: BTreeMap<_, Rates> = BTreeMap::new();
    for (name, raw) in fields {
        let Some(TokenKey { unit, mut above, tier }) = token_key(name).filter(|_| raw.get() != "null") else {
            continue;
        };
        // xAI's long-context prices begin at the threshold, all others' beyond it (docs.x.ai, models and pricing).
        if provider == "x-ai" {
            above = above.saturating_sub(1);
        }
        by_tier.entry(tier).or_default().set(unit, above, Some(rate(name, raw)?));
    }
    Ok(by_tier)
}

/// Marks as missing what the default tier has and this one has not, so that it is a reason and never the default tier's price.
fn complete(mut rates: Rates, standard: &Rates) -> Rates {
    for (unit, of_standard) in standard.iter().filter(|(unit, _)| unit.is_token()) {
        let mut own = rates.get(unit).cloned().unwrap_or_default();
        for (start, _) in &of_standard.above {
            if !own.above.iter().any(|(known, _)| known == start) {
                own.set(*start, None);
            }
        }
        rates.insert(unit, own);
    }
    // What reasoning costs as output does in the default tier costs as output does in this one.
    if standard.get(Unit::Reasoning).is_none() {
        rates.retain(|unit, _| unit != Unit::Reasoning);
    }
    rates
}

/// Reads a natural number. The map writes some with a point: `32000.0`.
fn natural(raw: &RawValue) -> Option<u64> {
    match Rate::from_decimal(raw.get()).ok()?.parts() {
        (number, 0) => Some(number),
        _ => None,
    }
}

/// Reads prices that depend on the size of the input, as a list of ranges.
fn tiered(raw: &RawValue, standard: &mut Rates) -> Result<(), Problem> {
    let shape = |what: &str| Problem::Shape(format!("tiered_pricing: {what}"));
    let tiers: Vec<RawFields<'_>> =
        serde_json::from_str(raw.get()).map_err(|error| shape(&error.to_string()))?;
    let mut listed = Rates::default();
    for tier in &tiers {
        // A tier without a range is of another kind (a price for each result, say).
        let Some(range) = tier.get("range") else { continue };
        let range: Vec<&RawValue> =
            serde_json::from_str(range.get()).map_err(|error| shape(&error.to_string()))?;
        let start = range.first().and_then(|start| natural(start));
        let start = start.ok_or_else(|| shape("a range that starts with no whole number"))?;
        for (name, raw) in tier {
            if let Some(unit) = base_unit(name) {
                listed.set(unit, start, Some(rate(name, raw)?));
            }
        }
    }
    for (unit, rate) in listed.iter() {
        standard.insert(unit, rate.clone());
    }
    Ok(())
}

/// Reads the rates of units other than tokens, by the keys with that end. Which of LiteLLM's keys is billed depends on the kind of model.
fn others(fields: &RawFields<'_>, end: &str, rates: &mut Rates) -> Result<(), Problem> {
    let mode = text(fields, "mode").unwrap_or_default();
    for unit in Unit::ALL.iter().filter(|unit| !unit.is_token()) {
        for LiteLlmKey { key, modes, factor } in unit.row().litellm {
            if !modes.is_empty() && !modes.contains(&mode.as_str()) {
                continue;
            }
            let key = format!("{key}{end}");
            if let Some(rate) = field(fields, &key)?.filter(|rate| !rate.is_zero()) {
                let rate = rate.times(*factor).ok_or_else(|| too_fine(&key))?;
                rates.insert(*unit, TieredRate::flat(rate));
                break;
            }
        }
    }
    Ok(())
}

/// Reads the rate of a web search, or the fee of every call to a model that always searches.
fn searches(
    (provider, name): (&str, &str),
    fields: &RawFields<'_>,
    rates: &mut Rates,
) -> Result<(), Problem> {
    let Some(raw) = fields.get("search_context_cost_per_query") else { return Ok(()) };
    let by_size: RawFields<'_> =
        serde_json::from_str(raw.get()).map_err(|error| Problem::Shape(error.to_string()))?;
    let mut by_size = by_size.iter().map(|(key, raw)| rate(key, raw));
    // Where the price depends on the size of the context, which no usage has, there is no rate.
    if let Some(first) = by_size.next().transpose()?
        && by_size.all(|other| other.as_ref() == Ok(&first))
    {
        let unit = if searches_always(provider, name) { Unit::Requests } else { Unit::WebSearches };
        rates.insert(unit, TieredRate::flat(first));
    }
    Ok(())
}

/// Removes rates without meaning: zeros for tokens where something else is billed, and a rate for reasoning that is the
/// rate for output.
///
/// Other zeros are taken as they are: LiteLLM has them for models on one's own machine, previews and moderation.
fn tidy(fields: &RawFields<'_>, rates: &mut Rates) {
    let free = |rate: &TieredRate| rate.above.is_empty() && rate.base.is_some_and(Rate::is_zero);
    let tokens_are_free = rates.iter().all(|(unit, rate)| !unit.is_token() || free(rate));
    let billed = |(key, raw): (&Cow<'_, str>, &&RawValue)| {
        key.contains("cost")
            && token_key(key).is_none()
            && Rate::from_decimal(raw.get()).is_ok_and(|rate| !rate.is_zero())
    };
    if tokens_are_free && fields.iter().any(billed) {
        rates.retain(|unit, _| !unit.is_token());
    }
    if rates.get(Unit::Reasoning) == rates.get(Unit::Output) {
        rates.retain(|unit, _| unit != Unit::Reasoning);
    }
}

#[derive(Deserialize)]
struct OffPeakJson<'a> {
    #[serde(borrow)]
    windows: Vec<WindowJson<'a>>,
    weekday_timezone: Option<String>,
}

#[derive(Deserialize)]
struct WindowJson<'a> {
    #[serde(borrow)]
    hours_utc: &'a RawValue,
    #[serde(borrow)]
    weekdays: Option<Vec<&'a RawValue>>,
}

/// Returns the prices outside peak hours.
fn off_peak(raw: &RawValue, standard: &Rates) -> Result<Vec<Price>, Problem> {
    let unreadable = |what: &str| Problem::Time(format!("off_peak_pricing: {what}"));
    let json: OffPeakJson<'_> =
        serde_json::from_str(raw.get()).map_err(|error| unreadable(&error.to_string()))?;
    let zone = match json.weekday_timezone.as_deref() {
        None | Some("UTC") => 0,
        // No summer time since 1991.
        Some("Asia/Shanghai") => 8 * 3600,
        Some(other) => return Err(unreadable(other)),
    };
    let fields: RawFields<'_> =
        serde_json::from_str(raw.get()).map_err(|error| unreadable(&error.to_string()))?;
    let mut rates = standard.clone();
    for (name, raw) in &fields {
        if let Some(unit) = base_unit(name) {
            rates.insert(unit, TieredRate::flat(rate(name, raw)?));
        }
    }
    let mut prices = Vec::new();
    for window in json.windows {
        let mut days = 0;
        for day in window.weekdays.iter().flatten() {
            // Monday is 1, Sunday 7.
            match natural(day) {
                Some(number @ 1..=7) => days |= 1 << (number - 1),
                _ => return Err(unreadable(day.get())),
            }
        }
        let days = if window.weekdays.is_none() { Validity::ALL_DAYS } else { days };
        let hours = window.hours_utc.get();
        let hours: Vec<String> = if hours.starts_with('[') {
            serde_json::from_str(hours).map_err(|error| unreadable(&error.to_string()))?
        } else {
            vec![serde_json::from_str(hours).map_err(|error| unreadable(&error.to_string()))?]
        };
        for span in &hours {
            let (start, end) = span.split_once('-').ok_or_else(|| unreadable(span))?;
            let second = |clock| clock_seconds(clock).ok_or_else(|| unreadable(span));
            let when = Validity::Daily { days, start: second(start)?, end: second(end)?, zone };
            prices.push(Price::during(when, STANDARD, rates.clone()));
        }
    }
    Ok(prices)
}

/// Returns the factors on the rates of tokens, for regions and for the fast tier.
fn factors(fields: &RawFields<'_>) -> Result<(Vec<RegionalFactor>, Option<Rate>), Problem> {
    let mut regions = Vec::new();
    for (key, region) in [
        ("regional_processing_uplift_multiplier_eu", Regions::Eu),
        ("regional_processing_uplift_multiplier_us", Regions::Us),
        ("fedramp_uplift_multiplier", Regions::Gov),
        ("regional_endpoint_uplift_multiplier", Regions::NotGlobal),
    ] {
        regions.extend(field(fields, key)?.map(|factor| RegionalFactor { regions: region, factor }));
    }
    let mut fast = None;
    if let Some(raw) = fields.get("provider_specific_entry") {
        // Most of what stands here is about other things than prices.
        let entry: RawFields<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
        let number = |key: &str| entry.get(key).map(|raw| rate(key, raw)).transpose();
        fast = number("fast")?;
        regions.extend(number("us")?.map(|factor| RegionalFactor { regions: Regions::Us, factor }));
        regions.extend(number("eu")?.map(|factor| RegionalFactor { regions: Regions::Eu, factor }));
    }
    Ok((regions, fast))
}

/// Returns a field that is a string.
pub(super) fn text(fields: &RawFields<'_>, key: &str) -> Option<String> {
    String::deserialize(&mut serde_json::Deserializer::from_str(fields.get(key)?.get())).ok()
}
