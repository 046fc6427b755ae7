//! Reads the data of [genai-prices](https://github.com/pydantic/genai-prices), format v2, as that project publishes it.

use super::build::{Builder, Draft, Price};
use super::catalog::{BATCH, EntryId, ProviderId, STANDARD, Source, TierId};
use super::error::{PriceError, Problem};
use super::matcher::Written;
use super::searches::searches_count_once;
use super::sheet::{Listed, Sheet};
use super::window::{Window, parse_date, parse_time_of_day};
use crate::record::{Rate, Unit};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct ProviderJson<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    provider_match: Option<Written>,
    #[serde(default)]
    fallback_model_providers: Vec<Box<str>>,
    #[serde(borrow)]
    models: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ModelJson<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    r#match: Written,
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
    prices: Rates<'a>,
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
    prices: Rates<'a>,
    constraint: Option<Constraint>,
}

/// Rates by their keys in the data, as they are written.
pub(super) type Rates<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

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
pub(super) fn load(data: &[u8], builder: &mut Builder) -> Result<(), PriceError> {
    let providers: Vec<ProviderJson<'_>> = serde_json::from_slice(data)?;
    for provider in providers {
        let aliases = provider.provider_match.map(Written::compile).transpose();
        let Some(id) = builder.provider(&provider.id) else {
            return Err(PriceError::shape("no more than 65,536 providers, with ids on one line"));
        };
        match aliases {
            Ok(aliases) => {
                let mut fallbacks = provider.fallback_model_providers;
                fallbacks.retain(|id| !id.is_empty() && !id.contains(char::is_whitespace));
                builder.describe(id, aliases, fallbacks);
            }
            Err(pattern) => builder.refuse(&provider.id, "provider_match", Problem::Pattern(pattern)),
        }
        let mut labels = Vec::new();
        for raw in provider.models {
            let name = || serde_json::from_str::<Named<'_>>(raw.get()).map_or("?".into(), |named| named.id);
            match model(raw, &provider.id, id, builder) {
                Ok((_, true)) => {}
                Ok((entry, false)) => labels.push((entry, name())),
                Err(problem) => builder.refuse(&provider.id, &name(), problem),
            }
        }
        // An id that its own rule does not cover finds the entry only where no other entry claims that name.
        for (entry, name) in labels {
            builder.add_name(id, &name, (Source::GenAi, entry), None);
        }
    }
    Ok(())
}

/// Packs one model; also says whether its rule covers its own id.
fn model(
    raw: &RawValue,
    provider_id: &str,
    provider: ProviderId,
    builder: &mut Builder,
) -> Result<(EntryId, bool), Problem> {
    let model: ModelJson<'_> = read(raw)?;
    let rule = model.r#match.compile().map_err(Problem::Pattern)?;
    let covers_itself = rule.matches(&model.id.to_ascii_lowercase());
    let mut names = Vec::new();
    let pattern = rule.split_names(&mut names);
    // A model whose prices are empty is kept as one without rates: the data does not say whether it is free or not known.
    let mut prices = Vec::new();
    for (window, rates) in standard(model.prices)? {
        prices.push(Price { window, tier: STANDARD, sheet: sheet(&rates)? });
    }
    for variant in model.price_variants {
        let window = window(variant.constraint)?;
        if let Some(tier) = tier(&variant.when, builder)? {
            prices.push(Price { window, tier, sheet: sheet(&variant.prices)? });
        }
    }
    // Groq bills a transcription as ten seconds at least (its pricing page; the data cannot say so).
    let whisper = provider_id == "groq" && model.id.starts_with("whisper-large-v3");
    let entry = builder.entry(Draft {
        source: Source::GenAi,
        provider,
        name: &model.id,
        callable: covers_itself,
        names,
        pattern,
        prices,
        uplifts: Vec::new(),
        least_seconds: if whisper { 10 } else { 0 },
        searches_once: searches_count_once(provider_id, &model.id, None),
    })?;
    Ok((entry, covers_itself))
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Problem> {
    serde_json::from_str(raw.get()).map_err(|error| Problem::Shape(error.to_string()))
}

/// The prices of the default tier: one, or a list of which the last that holds is the one.
fn standard(raw: &RawValue) -> Result<Vec<(Window, Rates<'_>)>, Problem> {
    if !raw.get().starts_with('[') {
        return Ok(vec![(Window::Always, read(raw)?)]);
    }
    let conditional: Vec<ConditionalJson<'_>> = read(raw)?;
    let mut prices = Vec::with_capacity(conditional.len());
    for price in conditional {
        prices.push((window(price.constraint)?, price.prices));
    }
    Ok(prices)
}

fn window(constraint: Option<Constraint>) -> Result<Window, Problem> {
    let Some(Constraint { start_date, start_time, end_time, .. }) = constraint else {
        return Ok(Window::Always);
    };
    let unreadable = |text: &str| Problem::Time(text.to_owned());
    match (start_date.as_deref(), start_time.as_deref(), end_time.as_deref()) {
        (Some(date), None, None) => parse_date(date).map(Window::From).ok_or_else(|| unreadable(date)),
        (None, Some(start), Some(end)) => {
            let second = |text| parse_time_of_day(text).ok_or_else(|| unreadable(text));
            Ok(Window::Daily { days: Window::ALL_DAYS, start: second(start)?, end: second(end)?, zone: 0 })
        }
        _ => Err(Problem::Time("neither a start date nor a start and an end".to_owned())),
    }
}

/// The tier that a variant is for; `None` for one that says nothing new.
fn tier(
    when: &BTreeMap<Cow<'_, str>, Cow<'_, str>>,
    builder: &mut Builder,
) -> Result<Option<TierId>, Problem> {
    let mut conditions = when.iter();
    let (Some((key, value)), None) = (conditions.next(), conditions.next()) else {
        return Err(Problem::Shape("a variant with other than one condition".to_owned()));
    };
    let tier = match (&**key, &**value) {
        ("processing", "batch") => Some(BATCH),
        // The default tier is what the price without a variant is for, and a kind of search is what no response names.
        ("service_tier", "default" | "standard") | ("search_type", _) => return Ok(None),
        ("service_tier" | "speed", name) => builder.tier(&name.to_ascii_lowercase()),
        ("route", route) => builder.tier(&format!("{ROUTE}{}", route.to_ascii_lowercase())),
        _ => None,
    };
    tier.map(Some).ok_or_else(|| Problem::Shape(format!("a variant for {key}")))
}

/// What the name of a tier begins with that is a route rather than a tier.
pub(super) const ROUTE: &str = "route:";

/// The unit of a key, and the power of ten of units that its rate is for. A unit that no usage counts is left out.
fn unit(key: &str) -> Option<(Unit, u8)> {
    Some(match key {
        "input_mtok" => (Unit::Input, 6),
        "cache_read_mtok" => (Unit::CacheRead, 6),
        "cache_write_mtok" | "cache_write_5m_mtok" => (Unit::CacheWrite, 6),
        "cache_write_1h_mtok" => (Unit::CacheWrite1h, 6),
        "input_audio_mtok" => (Unit::InputAudio, 6),
        "cache_audio_read_mtok" => (Unit::CacheReadAudio, 6),
        "input_image_mtok" => (Unit::InputImage, 6),
        "cache_image_read_mtok" => (Unit::CacheReadImage, 6),
        "output_mtok" => (Unit::Output, 6),
        "output_reasoning_mtok" => (Unit::Reasoning, 6),
        "output_audio_mtok" => (Unit::OutputAudio, 6),
        "output_image_mtok" => (Unit::OutputImage, 6),
        "web_searches_kcount" => (Unit::WebSearches, 3),
        "storage_searches_kcount" => (Unit::FileSearches, 3),
        "rerank_searches_kcount" => (Unit::SearchUnits, 3),
        // Rates of `Unit::Seconds` are per hour. Where there are two, the one for what went in stands.
        "audio_hours" | "input_audio_hours" => (Unit::Seconds, 0),
        "input_mchars" => (Unit::Characters, 6),
        "input_document_kpages" => (Unit::Pages, 3),
        "input_annotated_document_kpages" => (Unit::AnnotatedPages, 3),
        "requests_kcount" => (Unit::Requests, 3),
        "image_kcount" => (Unit::Images, 3),
        _ => return None,
    })
}

/// Whether a key is one of those whose units usage counts.
pub(super) fn known_key(key: &str) -> bool {
    unit(key).is_some()
}

/// The rates of one price. Keys of units that no usage counts are passed over.
pub(super) fn sheet(rates: &Rates<'_>) -> Result<Sheet, Problem> {
    let mut sheet = Sheet::default();
    for (key, raw) in rates {
        let Some((unit, power)) = unit(key) else { continue };
        let rate = |text: &RawValue| rate(key, text.get(), power);
        let listed = if raw.get().starts_with('{') {
            let tiered: TieredJson<'_> = read(raw)?;
            let mut above = Vec::with_capacity(tiered.tiers.len());
            for tier in tiered.tiers {
                if tier.start == 0 {
                    return Err(Problem::Shape(format!("{key} has a tier from 0 on")));
                }
                above.push((tier.start, Some(rate(tier.price)?)));
            }
            above.sort_by_key(|(start, _)| *start);
            Listed { base: Some(rate(tiered.base)?), above }
        } else {
            Listed::flat(rate(raw)?)
        };
        // In the order of the keys, so that of two keys for one unit the second stands.
        sheet.0.insert(unit, listed);
    }
    Ok(sheet)
}

/// Reads one rate: a number, or a string that holds one.
fn rate(key: &str, text: &str, power: u8) -> Result<Rate, Problem> {
    let number = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let too_fine = crate::record::ParseRateError::TooManyDigits;
    Rate::from_decimal(number)
        .and_then(|rate| rate.per_power_of_ten(power).ok_or(too_fine))
        .map_err(|error| Problem::Rate { key: key.to_owned(), error })
}
