//! Reads the data of [genai-prices](https://github.com/pydantic/genai-prices), format v2, as that project publishes it.

use crate::price::catalog::{
    Assembly, BATCH, EntryId, EntryNames, Price, PriceEntry, PriceList, ProviderId, ROUTE, STANDARD, TierId,
};
use crate::price::error::{PriceError, Problem};
use crate::price::names::searches_count_once;
use crate::price::pattern::NamePattern;
use crate::price::rates::{Rates, Validity, parse_date, parse_time_of_day};
use crate::record::{ParseRateError, Rate, Unit};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct ProviderJson<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    provider_match: Option<&'a RawValue>,
    #[serde(default)]
    fallback_model_providers: Vec<Box<str>>,
    #[serde(borrow)]
    models: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct ModelId<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ModelJson<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    r#match: &'a RawValue,
    #[serde(borrow)]
    prices: &'a RawValue,
    #[serde(borrow, default)]
    price_variants: Vec<VariantJson<'a>>,
}

#[derive(Deserialize)]
struct VariantJson<'a> {
    #[serde(borrow, default)]
    when: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(borrow)]
    prices: RateTexts<'a>,
    constraint: Option<Constraint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Constraint {
    start_date: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    #[serde(rename = "type")]
    _kind: Option<String>,
}

#[derive(Deserialize)]
struct ConditionalJson<'a> {
    #[serde(borrow)]
    prices: RateTexts<'a>,
    constraint: Option<Constraint>,
}

/// Rates by their keys in the data, as they are written.
pub(in crate::price) type RateTexts<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

#[derive(Deserialize)]
struct TieredJson<'a> {
    #[serde(borrow)]
    base: &'a RawValue,
    #[serde(borrow)]
    tiers: Vec<TierJson<'a>>,
}

#[derive(Deserialize)]
struct TierJson<'a> {
    start: u64,
    #[serde(borrow)]
    price: &'a RawValue,
}

/// Adds the data to what is built.
pub(in crate::price) fn load(data: &[u8], assembly: &mut Assembly) -> Result<(), PriceError> {
    let providers: Vec<ProviderJson<'_>> = serde_json::from_slice(data)?;
    for provider in providers {
        let aliases = provider.provider_match.map(pattern).transpose();
        let Some(id) = assembly.provider(&provider.id) else {
            return Err(PriceError::shape("no more than 65,536 providers, with ids on one line"));
        };
        match aliases {
            Ok(aliases) => {
                if let Some(row) = assembly.row(id) {
                    (row.aliases, row.resells) = (aliases, provider.fallback_model_providers);
                }
            }
            Err(problem) => assembly.refuse(&provider.id, "provider_match", problem),
        }
        let mut labels = Vec::new();
        for raw in provider.models {
            let name = || serde_json::from_str::<ModelId<'_>>(raw.get()).map_or("?".into(), |named| named.id);
            match model(raw, &provider.id, id, assembly) {
                Ok((_, true)) => {}
                Ok((entry, false)) => labels.push((entry, name())),
                Err(problem) => assembly.refuse(&provider.id, &name(), problem),
            }
        }
        // An id that its own rule does not cover finds the entry only where no other entry claims that name.
        for (entry, name) in labels {
            assembly.add_name(id, &name, (PriceList::GenAi, entry));
        }
    }
    Ok(())
}

/// Adds one model, and returns its entry and whether its rule covers its own id.
fn model(
    raw: &RawValue,
    provider_id: &str,
    provider: ProviderId,
    assembly: &mut Assembly,
) -> Result<(EntryId, bool), Problem> {
    let model: ModelJson<'_> = read(raw)?;
    let rule = pattern(model.r#match)?;
    let covers_itself = rule.matches(&model.id.to_ascii_lowercase());
    let mut names = Vec::new();
    let pattern = rule.split_names(&mut names);
    if covers_itself {
        names.push((*model.id).into());
    }
    // A model whose prices are empty is kept as one without rates: the data does not say whether it is free or not known.
    let mut prices = Vec::new();
    for (when, rates) in standard(model.prices)? {
        prices.push(Price::during(when, STANDARD, self::rates(&rates)?));
    }
    for variant in model.price_variants {
        let when = validity(variant.constraint)?;
        if let Some(tier) = tier(&variant.when, assembly)? {
            prices.push(Price::during(when, tier, rates(&variant.prices)?));
        }
    }
    // Groq bills a transcription as ten seconds at least (its pricing page; the data cannot say so).
    let whisper = provider_id == "groq" && model.id.starts_with("whisper-large-v3");
    let entry = PriceEntry {
        label: assembly.label(provider, &model.id),
        provider,
        list: PriceList::GenAi,
        prices: prices.into(),
        factors: Box::default(),
        least_seconds: if whisper { 10 } else { 0 },
        searches_once: searches_count_once(provider_id, &model.id, None),
    };
    let entry = assembly.add(entry, EntryNames { full: names, pattern })?;
    Ok((entry, covers_itself))
}

fn pattern(raw: &RawValue) -> Result<NamePattern, Problem> {
    serde_json::from_str(raw.get()).map_err(|error| Problem::Pattern(error.to_string()))
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Problem> {
    serde_json::from_str(raw.get()).map_err(|error| Problem::Shape(error.to_string()))
}

/// Returns the prices of the default tier: a single one, or a list in which the last one that holds counts.
fn standard(raw: &RawValue) -> Result<Vec<(Validity, RateTexts<'_>)>, Problem> {
    if !raw.get().starts_with('[') {
        return Ok(vec![(Validity::Always, read(raw)?)]);
    }
    let conditional: Vec<ConditionalJson<'_>> = read(raw)?;
    let mut prices = Vec::with_capacity(conditional.len());
    for price in conditional {
        prices.push((validity(price.constraint)?, price.prices));
    }
    Ok(prices)
}

fn validity(constraint: Option<Constraint>) -> Result<Validity, Problem> {
    let Some(Constraint { start_date, start_time, end_time, .. }) = constraint else {
        return Ok(Validity::Always);
    };
    let unreadable = |text: &str| Problem::Time(text.to_owned());
    match (start_date.as_deref(), start_time.as_deref(), end_time.as_deref()) {
        (Some(date), None, None) => parse_date(date).map(Validity::From).ok_or_else(|| unreadable(date)),
        (None, Some(start), Some(end)) => {
            let second = |text| parse_time_of_day(text).ok_or_else(|| unreadable(text));
            Ok(Validity::Daily {
                days: Validity::ALL_DAYS,
                start: second(start)?,
                end: second(end)?,
                zone: 0,
            })
        }
        _ => Err(Problem::Time("neither a start date nor a start and an end".to_owned())),
    }
}

/// Returns the tier that a variant is for; `None` for a variant that adds nothing.
fn tier(
    when: &BTreeMap<Cow<'_, str>, Cow<'_, str>>,
    assembly: &mut Assembly,
) -> Result<Option<TierId>, Problem> {
    let mut conditions = when.iter();
    let (Some((key, value)), None) = (conditions.next(), conditions.next()) else {
        return Err(Problem::Shape("a variant with other than one condition".to_owned()));
    };
    let tier = match (&**key, &**value) {
        ("processing", "batch") => Some(BATCH),
        // The default tier is what the price without a variant is for, and a kind of search is what no response names.
        ("service_tier", "default" | "standard") | ("search_type", _) => return Ok(None),
        ("service_tier" | "speed", name) => assembly.tier(&name.to_ascii_lowercase()),
        ("route", route) => assembly.tier(&format!("{ROUTE}{}", route.to_ascii_lowercase())),
        _ => None,
    };
    tier.map(Some).ok_or_else(|| Problem::Shape(format!("a variant for {key}")))
}

/// Returns the unit of a key, and the power of ten of units that its rate is for. A unit that no usage counts is left out.
pub(in crate::price) fn unit(key: &str) -> Option<(Unit, u8)> {
    Unit::ALL.iter().find_map(|unit| {
        let known = unit.row().genai.iter().find(|(of, _)| *of == key)?;
        Some((*unit, known.1))
    })
}

/// Returns the rates of one price. Keys of units that no usage counts are passed over.
pub(in crate::price) fn rates(texts: &RateTexts<'_>) -> Result<Rates, Problem> {
    let mut rates = Rates::default();
    for (key, raw) in texts {
        let Some((unit, power)) = unit(key) else { continue };
        // In the order of the keys, so that of two keys for one unit the second stands.
        rates.retain(|of, _| of != unit);
        let mut set = |start, text: &RawValue| {
            let rate = rate(key, text.get(), power)?;
            rates.set(unit, start, Some(rate));
            Ok(())
        };
        if raw.get().starts_with('{') {
            let tiered: TieredJson<'_> = read(raw)?;
            set(0, tiered.base)?;
            for tier in tiered.tiers {
                if tier.start == 0 {
                    return Err(Problem::Shape(format!("{key} has a tier from 0 on")));
                }
                set(tier.start, tier.price)?;
            }
        } else {
            set(0, raw)?;
        }
    }
    Ok(rates)
}

/// Reads one rate: a number, or a string that holds one.
fn rate(key: &str, text: &str, power: u8) -> Result<Rate, Problem> {
    let number = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    Rate::from_decimal(number)
        .and_then(|rate| rate.per_power_of_ten(power).ok_or(ParseRateError::TooManyDigits))
        .map_err(|error| Problem::Rate { key: key.to_owned(), error })
}
