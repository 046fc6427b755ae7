//! One entry of LiteLLM's map.

use super::super::build::{Builder, Draft, Price};
use super::super::catalog::{EntryId, ProviderId, Region, STANDARD, Source, Uplift};
use super::super::error::Problem;
use super::super::searches::{searches_always, searches_count_once};
use super::super::sheet::{Listed, Sheet, is_token};
use super::super::window::{Window, clock_seconds};
use super::key::token_key;
use super::{Fields, text};
use crate::record::{Rate, Unit};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What an entry says of prices.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    prices: Vec<Price>,
    uplifts: Vec<Uplift>,
    searches_once: bool,
}

impl Entry {
    /// Packs the entry under a name.
    pub(super) fn pack(
        &self,
        provider: ProviderId,
        name: &str,
        builder: &mut Builder,
    ) -> Result<EntryId, Problem> {
        builder.entry(Draft {
            source: Source::LiteLlm,
            provider,
            name,
            callable: true,
            names: Vec::new(),
            pattern: None,
            prices: self.prices.clone(),
            uplifts: self.uplifts.clone(),
            least_seconds: 0,
            searches_once: self.searches_once,
        })
    }
}

/// Reads the entry of that name.
pub(super) fn read(
    provider: &str,
    name: &str,
    fields: &Fields<'_>,
    builder: &mut Builder,
) -> Result<Entry, Problem> {
    let mut sheets = sheets(provider, fields)?;
    let mut standard = sheets.remove(&None).unwrap_or_default();
    if let Some(raw) = fields.get("tiered_pricing") {
        tiered(raw, &mut standard)?;
    }
    others(fields, &mut standard)?;
    searches((provider, name), fields, &mut standard)?;
    tidy(fields, &mut standard);
    if standard.0.is_empty() && sheets.is_empty() {
        return Err(Problem::NoRates);
    }
    let mut prices = vec![Price { window: Window::Always, tier: STANDARD, sheet: standard.clone() }];
    if let Some(raw) = fields.get("off_peak_pricing") {
        prices.extend(off_peak(raw, &standard)?);
    }
    for (tier, sheet) in sheets {
        let Some(tier) = tier.and_then(|tier| builder.tier(tier)) else { continue };
        prices.push(Price { window: Window::Always, tier, sheet: complete(sheet, &standard) });
    }
    let factors = factors(fields)?;
    if let (Some(fast), Some(tier)) = (factors.fast, builder.tier("fast")) {
        let sheet = standard.times(fast).ok_or_else(|| too_fine("fast"))?;
        prices.push(Price { window: Window::Always, tier, sheet });
    }
    let unit = text(fields, "web_search_billing_unit");
    let searches_once = searches_count_once(provider, name, unit.as_deref());
    Ok(Entry { prices, uplifts: factors.regions, searches_once })
}

fn too_fine(key: &str) -> Problem {
    Problem::Rate { key: key.to_owned(), error: crate::record::ParseRateError::TooManyDigits }
}

fn rate(key: &str, raw: &RawValue) -> Result<Rate, Problem> {
    Rate::from_decimal(raw.get()).map_err(|error| Problem::Rate { key: key.to_owned(), error })
}

/// A field that is a rate; `null` is none.
fn field(fields: &Fields<'_>, key: &str) -> Result<Option<Rate>, Problem> {
    match fields.get(key) {
        Some(raw) if raw.get() != "null" => rate(key, raw).map(Some),
        _ => Ok(None),
    }
}

/// The rates of tokens by tier.
fn sheets(provider: &str, fields: &Fields<'_>) -> Result<BTreeMap<Option<&'static str>, Sheet>, Problem> {
    let mut sheets: BTreeMap<Option<&'static str>, Sheet> = BTreeMap::new();
    for (name, raw) in fields {
        let Some(key) = token_key(name).filter(|_| raw.get() != "null") else { continue };
        let rate = rate(name, raw)?;
        let listed = sheets.entry(key.tier).or_default().0.entry(key.unit).or_default();
        match key.above {
            None => listed.base = Some(rate),
            // xAI's long-context prices begin at the threshold, all others' beyond it (docs.x.ai, models and pricing).
            Some(above) => {
                listed.above.push((if provider == "x-ai" { above - 1 } else { above }, Some(rate)));
            }
        }
        listed.above.sort_by_key(|(start, _)| *start);
    }
    for (key, unit) in [
        ("ocr_cost_per_page_batches", Unit::Pages),
        ("annotation_cost_per_page_batches", Unit::AnnotatedPages),
    ] {
        if let Some(rate) = field(fields, key)? {
            sheets.entry(Some("batch")).or_default().0.insert(unit, Listed::flat(rate));
        }
    }
    Ok(sheets)
}

/// Notes as missing what the default tier has and this one has not: it is a reason, never the default tier's price.
fn complete(mut sheet: Sheet, standard: &Sheet) -> Sheet {
    for (unit, of_standard) in standard.0.iter().filter(|(unit, _)| is_token(**unit)) {
        let listed = sheet.0.entry(*unit).or_insert_with(Listed::missing);
        for (start, _) in &of_standard.above {
            if !listed.above.iter().any(|(own, _)| own == start) {
                listed.above.push((*start, None));
            }
        }
        listed.above.sort_by_key(|(start, _)| *start);
    }
    // What reasoning costs as output does in the default tier costs as output does in this one.
    if !standard.0.contains_key(&Unit::Reasoning) {
        sheet.0.remove(&Unit::Reasoning);
    }
    sheet
}

/// Prices that depend on the size of the input, as a list of ranges.
fn tiered(raw: &RawValue, standard: &mut Sheet) -> Result<(), Problem> {
    let shape = |what: &str| Problem::Shape(format!("tiered_pricing: {what}"));
    let tiers: Vec<Fields<'_>> =
        serde_json::from_str(raw.get()).map_err(|error| shape(&error.to_string()))?;
    let mut listed: BTreeMap<Unit, Listed> = BTreeMap::new();
    for tier in &tiers {
        // A tier without a range is of another kind (a price for each result, say).
        let Some(range) = tier.get("range") else { continue };
        let range: Vec<&RawValue> =
            serde_json::from_str(range.get()).map_err(|error| shape(&error.to_string()))?;
        let start = range.first().ok_or_else(|| shape("an empty range"))?.get();
        let (start, fraction) = start.split_once('.').unwrap_or((start, "0"));
        let start: u64 = start.parse().map_err(|_| shape("no number"))?;
        if fraction.bytes().any(|b| b != b'0') {
            return Err(shape("no whole number"));
        }
        for (name, raw) in tier {
            let Some(key) = token_key(name).filter(|key| key.tier.is_none() && key.above.is_none()) else {
                continue;
            };
            let rate = rate(name, raw)?;
            let listed = listed.entry(key.unit).or_default();
            if start == 0 { listed.base = Some(rate) } else { listed.above.push((start, Some(rate))) }
        }
    }
    for (unit, mut listed) in listed {
        listed.above.sort_by_key(|(start, _)| *start);
        standard.0.insert(unit, listed);
    }
    Ok(())
}

/// Rates of what is not a token. Which of LiteLLM's keys is the one that is billed depends on the kind of model.
fn others(fields: &Fields<'_>, sheet: &mut Sheet) -> Result<(), Problem> {
    let mode = text(fields, "mode").unwrap_or_default();
    let mut add = |unit, keys: &[&str], factor: Rate| -> Result<(), Problem> {
        for key in keys {
            if let Some(rate) = field(fields, key)?.filter(|rate| !rate.is_zero()) {
                let rate = rate.times(factor).ok_or_else(|| too_fine(key))?;
                sheet.0.insert(unit, Listed::flat(rate));
                break;
            }
        }
        Ok(())
    };
    add(Unit::Requests, &["input_cost_per_request"], Rate::ONE)?;
    add(Unit::Pages, &["ocr_cost_per_page"], Rate::ONE)?;
    add(Unit::AnnotatedPages, &["annotation_cost_per_page"], Rate::ONE)?;
    add(Unit::MapQueries, &["google_maps_grounding_cost_per_query"], Rate::ONE)?;
    add(Unit::FileSearches, &["file_search_cost_per_1k_calls"], Rate::from_parts(1, 3))?;
    match mode.as_str() {
        "image_generation" | "image_edit" => {
            add(Unit::Images, &["output_cost_per_image", "input_cost_per_image"], Rate::ONE)?;
        }
        "embedding" => add(Unit::Images, &["input_cost_per_image"], Rate::ONE)?,
        "rerank" | "search" => add(Unit::SearchUnits, &["input_cost_per_query"], Rate::ONE)?,
        "audio_transcription" | "audio_speech" | "video_generation" | "realtime" => {
            let hour = Rate::from_parts(3600, 0);
            add(Unit::Seconds, &["output_cost_per_second", "input_cost_per_second"], hour)?;
            add(Unit::Characters, &["input_cost_per_character", "output_cost_per_character"], Rate::ONE)?;
        }
        _ => {}
    }
    Ok(())
}

/// The rate of a web search, or the fee of every call to a model that always searches.
fn searches((provider, name): (&str, &str), fields: &Fields<'_>, sheet: &mut Sheet) -> Result<(), Problem> {
    let Some(raw) = fields.get("search_context_cost_per_query") else { return Ok(()) };
    let by_size: Fields<'_> =
        serde_json::from_str(raw.get()).map_err(|error| Problem::Shape(error.to_string()))?;
    let mut rates = by_size.iter().map(|(key, raw)| rate(key, raw));
    // Where the price depends on the size of the context, which no usage tells, there is none.
    if let Some(first) = rates.next().transpose()?
        && rates.all(|other| other.as_ref() == Ok(&first))
    {
        let unit = if searches_always(provider, name) { Unit::Requests } else { Unit::WebSearches };
        sheet.0.insert(unit, Listed::flat(first));
    }
    Ok(())
}

/// Takes out what says nothing: zeros for tokens where something else is billed, and a rate for reasoning that is the
/// rate for output.
///
/// Other zeros are taken as they are: LiteLLM says so of what runs on one's own machine, of previews, and of moderation.
fn tidy(fields: &Fields<'_>, sheet: &mut Sheet) {
    let free = |listed: &Listed| listed.above.is_empty() && listed.base.is_some_and(Rate::is_zero);
    let tokens_are_free = sheet.0.iter().all(|(unit, listed)| !is_token(*unit) || free(listed));
    let billed = |(key, raw): (&std::borrow::Cow<'_, str>, &&RawValue)| {
        key.contains("cost")
            && token_key(key).is_none()
            && Rate::from_decimal(raw.get()).is_ok_and(|rate| !rate.is_zero())
    };
    if tokens_are_free && fields.iter().any(billed) {
        sheet.0.retain(|unit, _| !is_token(*unit));
    }
    if sheet.0.get(&Unit::Reasoning) == sheet.0.get(&Unit::Output) {
        sheet.0.remove(&Unit::Reasoning);
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
    weekdays: Option<Vec<serde_json::Number>>,
}

/// The prices outside peak hours.
fn off_peak(raw: &RawValue, standard: &Sheet) -> Result<Vec<Price>, Problem> {
    let unreadable = |what: &str| Problem::Time(format!("off_peak_pricing: {what}"));
    let json: OffPeakJson<'_> =
        serde_json::from_str(raw.get()).map_err(|error| unreadable(&error.to_string()))?;
    let zone = match json.weekday_timezone.as_deref() {
        None | Some("UTC") => 0,
        // No summer time since 1991.
        Some("Asia/Shanghai") => 8 * 3600,
        Some(other) => return Err(unreadable(other)),
    };
    let fields: Fields<'_> =
        serde_json::from_str(raw.get()).map_err(|error| unreadable(&error.to_string()))?;
    let mut sheet = standard.clone();
    for (name, raw) in &fields {
        if let Some(key) = token_key(name).filter(|key| key.tier.is_none() && key.above.is_none()) {
            sheet.0.insert(key.unit, Listed::flat(rate(name, raw)?));
        }
    }
    let mut prices = Vec::new();
    for window in json.windows {
        let mut days = 0;
        for day in window.weekdays.iter().flatten() {
            // Monday is 1, Sunday 7; the map writes some of its whole numbers with a point.
            let text = day.to_string();
            let number: u8 = text.trim_end_matches(".0").parse().map_err(|_| unreadable(&text))?;
            days |= 1u8
                .checked_shl(u32::from(number).wrapping_sub(1))
                .filter(|_| number <= 7)
                .ok_or_else(|| unreadable(&text))?;
        }
        let days = if window.weekdays.is_none() { Window::ALL_DAYS } else { days };
        let hours = window.hours_utc.get();
        let hours: Vec<String> = if hours.starts_with('[') {
            serde_json::from_str(hours).map_err(|error| unreadable(&error.to_string()))?
        } else {
            vec![serde_json::from_str(hours).map_err(|error| unreadable(&error.to_string()))?]
        };
        for span in &hours {
            let (start, end) = span.split_once('-').ok_or_else(|| unreadable(span))?;
            let second = |clock| {
                clock_seconds(clock).and_then(|s| u32::try_from(s).ok()).ok_or_else(|| unreadable(span))
            };
            let window = Window::Daily { days, start: second(start)?, end: second(end)?, zone };
            prices.push(Price { window, tier: STANDARD, sheet: sheet.clone() });
        }
    }
    Ok(prices)
}

struct Factors {
    regions: Vec<Uplift>,
    fast: Option<Rate>,
}

/// The factors on the rates of tokens, for regions and for the fast tier.
fn factors(fields: &Fields<'_>) -> Result<Factors, Problem> {
    let mut regions = Vec::new();
    for (key, region) in [
        ("regional_processing_uplift_multiplier_eu", Region::Eu),
        ("regional_processing_uplift_multiplier_us", Region::Us),
        ("fedramp_uplift_multiplier", Region::Gov),
        ("regional_endpoint_uplift_multiplier", Region::NotGlobal),
    ] {
        regions.extend(field(fields, key)?.map(|factor| Uplift { region, factor }));
    }
    let mut fast = None;
    if let Some(raw) = fields.get("provider_specific_entry") {
        // Most of what stands here is about other things than prices.
        let entry: Fields<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
        let number = |key: &str| entry.get(key).map(|raw| rate(key, raw)).transpose();
        fast = number("fast")?;
        regions.extend(number("us")?.map(|factor| Uplift { region: Region::Us, factor }));
        regions.extend(number("eu")?.map(|factor| Uplift { region: Region::Eu, factor }));
    }
    Ok(Factors { regions, fast })
}
