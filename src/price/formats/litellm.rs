//! Reads [LiteLLM](https://github.com/BerriAI/litellm)'s model price map as that project publishes it.
//!
//! LiteLLM is read for what genai-prices does not know: regions of Azure and Bedrock, batch, flex and priority
//! rates of clouds, factors for data residency, and further providers.

use super::super::catalog::{Assembly, NewEntry, NewPrice};
use super::super::catalog::{EntryId, PriceList, ProviderId, RegionalFactor, Regions, STANDARD};
use super::super::endpoint;
use super::super::error::{PriceError, Problem};
use super::super::names::{searches_always, searches_count_once};
use super::super::rates::{Rates, TieredRate};
use super::super::rates::{Validity, clock_seconds};
use crate::record::{LiteLlmKey, ParseRateError, Rate, Unit};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// An entry's fields, as they are written.
type Fields<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// One model of the map.
struct Model<'a> {
    /// The name in the map.
    key: &'a str,
    provider: &'a str,
    /// The endpoint, where the provider has several and this is not the main one.
    endpoint: Option<&'static str>,
    /// The name without the route.
    name: &'a str,
    prices: ModelPrices,
}

/// Where the entry of a model stands.
#[derive(Clone, Copy)]
struct Added<'a> {
    model: &'a Model<'a>,
    row: ProviderId,
    entry: EntryId,
}

/// Adds the data to what is built.
pub(in super::super) fn load(data: &[u8], assembly: &mut Assembly) -> Result<(), PriceError> {
    let map: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(data)?;
    let mut models = Vec::with_capacity(map.len());
    let mut aliases = Vec::new();
    for (name, raw) in &map {
        // The specimen that explains the format.
        if name == "sample_spec" {
            continue;
        }
        match serde_json::from_str::<Fields<'_>>(raw.get()) {
            Ok(fields) => match (text(&fields, "alias_of"), text(&fields, "litellm_provider")) {
                (Some(target), _) => aliases.push((&**name, target)),
                (None, Some(route)) => models.push((&**name, route, fields)),
                (None, None) => assembly.refuse("litellm", name, Problem::NoModel),
            },
            Err(error) => assembly.refuse("litellm", name, Problem::Shape(error.to_string())),
        }
    }
    models.sort_by_key(|(key, route, _)| {
        let bears_route = bare(key, provider_id(route)) != *key;
        (rank(route), !bears_route, *key)
    });
    let models = models.iter().filter_map(|(key, route, fields)| {
        let provider = provider_id(route);
        let (endpoint, name) = place(route, bare(key, provider));
        match read(provider, name, fields, assembly) {
            Ok(prices) => Some(Model { key, provider, endpoint, name, prices }),
            Err(problem) => {
                assembly.refuse(provider, name, problem);
                None
            }
        }
    });
    let models: Vec<Model<'_>> = models.collect();
    let added = add(&models, assembly);
    add_aliases(&aliases, &added, assembly);
    Ok(())
}

/// Adds every model: to the row of its provider, or to that of its endpoint where the provider's row has the name at another price. What was
/// added stands by the names in the map.
fn add<'a>(models: &'a [Model<'a>], assembly: &mut Assembly) -> HashMap<&'a str, Added<'a>> {
    let mut by_key: HashMap<&str, Added<'_>> = HashMap::new();
    let mut by_row: HashMap<(&str, String), Added<'_>> = HashMap::new();
    for model in models {
        let rows = match model.endpoint {
            Some(endpoint) if endpoint::is_apart(endpoint) => [Some(endpoint), None],
            endpoint => [Some(model.provider), endpoint],
        };
        let mut added = Err(Problem::Duplicate);
        for row in rows.into_iter().flatten() {
            let place = (row, model.name.to_ascii_lowercase());
            match by_row.get(&place) {
                None => {
                    added = add_to_row(assembly, row, model.name, model);
                    if let Ok(added) = &added {
                        by_row.insert(place, *added);
                    }
                    break;
                }
                Some(same) if same.model.prices == model.prices => {
                    added = Ok(*same);
                    break;
                }
                Some(_) => {}
            }
        }
        match added {
            Ok(added) => drop(by_key.insert(model.key, added)),
            Err(problem) => assembly.refuse(model.provider, model.name, problem),
        }
    }
    by_key
}

/// Adds a model to the row of a provider or an endpoint.
fn add_to_row<'a>(
    assembly: &mut Assembly,
    row: &str,
    name: &str,
    model: &'a Model<'a>,
) -> Result<Added<'a>, Problem> {
    let row = assembly.provider(row).ok_or_else(|| Problem::Shape("too many providers".to_owned()))?;
    if assembly.has_name(row, name, PriceList::LiteLlm) {
        return Err(Problem::Duplicate);
    }
    let ModelPrices { prices, factors, searches_once } = model.prices.clone();
    let entry = assembly.add(NewEntry {
        list: PriceList::LiteLlm,
        provider: row,
        name,
        callable: true,
        prices,
        factors,
        searches_once,
        ..NewEntry::default()
    })?;
    Ok(Added { model, row, entry })
}

/// Adds the names that stand for another entry: `claude-opus-latest` for `claude-opus-5-5`.
fn add_aliases(aliases: &[(&str, String)], added: &HashMap<&str, Added<'_>>, assembly: &mut Assembly) {
    let targets: HashMap<&str, &str> = aliases.iter().map(|(name, target)| (*name, &**target)).collect();
    for (key, target) in aliases {
        // An alias may stand for an alias.
        let mut target = &**target;
        for _ in 0..MAX_ALIASES {
            target = targets.get(target).copied().unwrap_or(target);
        }
        let Some(Added { model, row, entry }) = added.get(target) else {
            assembly.refuse("litellm", key, Problem::NoTarget(target.to_owned()));
            continue;
        };
        let name = bare(key, model.provider);
        let endpoint = key.split_once('/').and_then(|(route, _)| endpoint::of_route(route));
        let own_row = endpoint.filter(|id| endpoint::others(model.provider).any(|other| other == *id));
        // Beside the entry; in the endpoint's own row where another endpoint has the name there.
        if !assembly.add_name(*row, name, (PriceList::LiteLlm, *entry))
            && own_row.is_none_or(|row| add_to_row(assembly, row, name, model).is_err())
        {
            assembly.refuse(model.provider, name, Problem::Duplicate);
        }
    }
}

/// How many aliases may stand for each other.
const MAX_ALIASES: usize = 4;

/// The endpoint of a model beside its provider's main one, and the name there.
fn place<'a>(route: &str, name: &'a str) -> (Option<&'static str>, &'a str) {
    if let Some(name) = name.strip_prefix("claude_platform/") {
        return (Some("claude_platform"), name);
    }
    let other = endpoint::of_route(route).filter(|id| endpoint::provider(id).is_some_and(|(_, main)| !main));
    (other, name)
}

/// A field that is a string.
fn text(fields: &Fields<'_>, key: &str) -> Option<String> {
    String::deserialize(&mut serde_json::Deserializer::from_str(fields.get(key)?.get())).ok()
}

/// The id under which the genai-prices data, and a record, have a provider that LiteLLM calls otherwise.
pub(in super::super) fn provider_id(route: &str) -> &str {
    match route {
        "text-completion-openai" => "openai",
        "azure_text" | "azure_ai" => "azure",
        "bedrock" | "bedrock_converse" | "bedrock_mantle" | "aws_polly" => "aws",
        "gemini" | "vertex_ai" => "google",
        "cohere_chat" => "cohere",
        "xai" => "x-ai",
        "together_ai" => "together",
        "fireworks_ai" | "fireworks_ai-embedding-models" => "fireworks",
        "moonshot" => "moonshotai",
        "voyage" => "voyageai",
        "github_copilot" => "github-copilot",
        "codestral" | "text-completion-codestral" => "mistral",
        "bigmodel" => "zhipuai",
        "amazon-nova" => "amazon_nova",
        "text-completion-inception" => "inception",
        // Qwen's maker, by what its hosts are called, and the platforms that LiteLLM lists apart.
        "alibaba" | "qwencloud" | "qwen_ai_platform" => "dashscope",
        route if route.starts_with("vertex_ai-") => "google",
        route => endpoint::provider(route).map_or(route, |(provider, _)| provider),
    }
}

/// Which of two entries of one name stands: the one of a provider's main route.
fn rank(route: &str) -> u8 {
    match route {
        "bedrock" | "azure_text" | "fireworks_ai-embedding-models" => 1,
        route if route.starts_with("text-completion-") => 3,
        route if place(route, "").0.is_some() => 2,
        _ => 0,
    }
}

/// The name without the route that LiteLLM puts before it.
fn bare<'a>(name: &'a str, provider: &str) -> &'a str {
    match name.split_once('/') {
        Some((route, bare)) if provider_id(route) == provider => bare,
        _ => name,
    }
}

/// What an entry says of prices.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ModelPrices {
    prices: Vec<NewPrice>,
    factors: Vec<RegionalFactor>,
    searches_once: bool,
}

/// Reads the entry of that name.
fn read(
    provider: &str,
    name: &str,
    fields: &Fields<'_>,
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
    let mut prices = vec![NewPrice { when: Validity::Always, tier: STANDARD, rates: standard.clone() }];
    if let Some(raw) = fields.get("off_peak_pricing") {
        prices.extend(off_peak(raw, &standard)?);
    }
    for (tier, rates) in by_tier {
        let Some(tier) = tier.and_then(|tier| assembly.tier(tier)) else { continue };
        prices.push(NewPrice { when: Validity::Always, tier, rates: complete(rates, &standard) });
    }
    let (factors, fast) = factors(fields)?;
    if let (Some(fast), Some(tier)) = (fast, assembly.tier("fast")) {
        let rates = standard.times(fast).ok_or_else(|| too_fine("fast"))?;
        prices.push(NewPrice { when: Validity::Always, tier, rates });
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

/// A field that is a rate; `null` is none.
fn field(fields: &Fields<'_>, key: &str) -> Result<Option<Rate>, Problem> {
    match fields.get(key) {
        Some(raw) if raw.get() != "null" => rate(key, raw).map(Some),
        _ => Ok(None),
    }
}

/// The rates of tokens by tier.
fn token_rates(
    provider: &str,
    fields: &Fields<'_>,
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

/// Notes as missing what the default tier has and this one has not: it is a reason, never the default tier's price.
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

/// Prices that depend on the size of the input, as a list of ranges.
fn tiered(raw: &RawValue, standard: &mut Rates) -> Result<(), Problem> {
    let shape = |what: &str| Problem::Shape(format!("tiered_pricing: {what}"));
    let tiers: Vec<Fields<'_>> =
        serde_json::from_str(raw.get()).map_err(|error| shape(&error.to_string()))?;
    let mut listed = Rates::default();
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
            let Some(key) = token_key(name).filter(|key| key.tier.is_none() && key.above == 0) else {
                continue;
            };
            listed.set(key.unit, start, Some(rate(name, raw)?));
        }
    }
    for (unit, rate) in listed.iter() {
        standard.insert(unit, rate.clone());
    }
    Ok(())
}

/// Rates of what is not a token, by the keys with that end. Which of LiteLLM's keys is the one that is billed depends on the kind of model.
fn others(fields: &Fields<'_>, end: &str, rates: &mut Rates) -> Result<(), Problem> {
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

/// The rate of a web search, or the fee of every call to a model that always searches.
fn searches((provider, name): (&str, &str), fields: &Fields<'_>, rates: &mut Rates) -> Result<(), Problem> {
    let Some(raw) = fields.get("search_context_cost_per_query") else { return Ok(()) };
    let by_size: Fields<'_> =
        serde_json::from_str(raw.get()).map_err(|error| Problem::Shape(error.to_string()))?;
    let mut by_size = by_size.iter().map(|(key, raw)| rate(key, raw));
    // Where the price depends on the size of the context, which no usage tells, there is none.
    if let Some(first) = by_size.next().transpose()?
        && by_size.all(|other| other.as_ref() == Ok(&first))
    {
        let unit = if searches_always(provider, name) { Unit::Requests } else { Unit::WebSearches };
        rates.insert(unit, TieredRate::flat(first));
    }
    Ok(())
}

/// Takes out what says nothing: zeros for tokens where something else is billed, and a rate for reasoning that is the
/// rate for output.
///
/// Other zeros are taken as they are: LiteLLM says so of what runs on one's own machine, of previews, and of moderation.
fn tidy(fields: &Fields<'_>, rates: &mut Rates) {
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
    weekdays: Option<Vec<serde_json::Number>>,
}

/// The prices outside peak hours.
fn off_peak(raw: &RawValue, standard: &Rates) -> Result<Vec<NewPrice>, Problem> {
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
    let mut rates = standard.clone();
    for (name, raw) in &fields {
        if let Some(key) = token_key(name).filter(|key| key.tier.is_none() && key.above == 0) {
            rates.insert(key.unit, TieredRate::flat(rate(name, raw)?));
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
            prices.push(NewPrice { when, tier: STANDARD, rates: rates.clone() });
        }
    }
    Ok(prices)
}

/// The factors on the rates of tokens, for regions and for the fast tier.
fn factors(fields: &Fields<'_>) -> Result<(Vec<RegionalFactor>, Option<Rate>), Problem> {
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
        let entry: Fields<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
        let number = |key: &str| entry.get(key).map(|raw| rate(key, raw)).transpose();
        fast = number("fast")?;
        regions.extend(number("us")?.map(|factor| RegionalFactor { regions: Regions::Us, factor }));
        regions.extend(number("eu")?.map(|factor| RegionalFactor { regions: Regions::Eu, factor }));
    }
    Ok((regions, fast))
}

/// What a key is the rate of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TokenKey {
    unit: Unit,
    /// For requests of more than this many tokens; 0 for the base.
    above: u64,
    /// The tier, as the key ends; `None` for the default one.
    tier: Option<&'static str>,
}

/// The tiers whose names keys end in, and what the tiers are called.
const TIERS: [(&str, &str); 7] = [
    (BATCHES, "batch"),
    ("_flex", "flex"),
    ("_priority", "priority"),
    ("_fast", "fast"),
    ("_ultrafast", "ultrafast"),
    ("_balanced", "balanced"),
    ("_decisions", "decisions"),
];
/// What keys for batches end in.
const BATCHES: &str = "_batches";

/// What `key` is the rate of; `None` for what is no rate of a token, or one that no usage counts (a cache kept for twelve hours).
fn token_key(key: &str) -> Option<TokenKey> {
    let tokens = Unit::ALL.iter().filter(|unit| unit.is_token());
    let mut known = tokens.flat_map(|unit| unit.row().litellm.iter().map(|known| (*unit, known.key)));
    known.find_map(|(unit, known)| {
        let mut rest = key.strip_prefix(known)?;
        let mut above = 0;
        if let Some((thousands, after)) =
            rest.strip_prefix("_above_").and_then(|size| size.split_once("k_tokens"))
        {
            above = thousands.parse::<u64>().ok().filter(|n| *n > 0)?.checked_mul(1000)?;
            rest = after;
        }
        let tier = match rest {
            "" => None,
            rest => Some(TIERS.iter().find(|(suffix, _)| *suffix == rest)?.1),
        };
        Some(TokenKey { unit, above, tier })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_the_route_and_nothing_else() {
        assert_eq!(bare("azure/eu/gpt-5.1", "azure"), "eu/gpt-5.1");
        assert_eq!(
            bare("vertex_ai/claude-opus-5", provider_id("vertex_ai-anthropic_models")),
            "claude-opus-5"
        );
        assert_eq!(bare("perplexity/openai/gpt-5.2", "perplexity"), "openai/gpt-5.2");
        assert_eq!(bare("us.anthropic.claude-opus-5", "aws"), "us.anthropic.claude-opus-5");
        assert_eq!(bare("together_ai/zai-org/GLM-5.1", "together"), "zai-org/GLM-5.1");
    }

    #[test]
    fn keys_are_taken_apart_into_unit_threshold_and_tier() {
        let key = |unit, above, tier| Some(TokenKey { unit, above, tier });
        for (text, expected) in [
            ("input_cost_per_token", key(Unit::Input, 0, None)),
            ("output_cost_per_token_batches", key(Unit::Output, 0, Some("batch"))),
            ("input_cost_per_token_above_272k_tokens_flex", key(Unit::Input, 272_000, Some("flex"))),
            ("cache_creation_input_token_cost_above_1hr", key(Unit::CacheWrite1h, 0, None)),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                key(Unit::CacheWrite1h, 200_000, None),
            ),
            ("cache_read_input_audio_token_cost_priority", key(Unit::CacheReadAudio, 0, Some("priority"))),
            ("input_cost_per_token_cache_hit", key(Unit::CacheRead, 0, None)),
        ] {
            assert_eq!(token_key(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_passed_over_and_not_taken_for_something_else() {
        for text in [
            "cache_creation_input_token_cost_above_12hr",
            "cache_creation_input_token_cost_above_12hr_above_272k_tokens",
            "input_cost_per_token_above_0k_tokens",
            "input_cost_per_token_above_k_tokens",
            "input_cost_per_token_someday",
            "output_cost_per_image",
            "input_cost_per_character",
            "max_input_tokens",
        ] {
            assert_eq!(token_key(text), None, "{text}");
        }
    }
}
