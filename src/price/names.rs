//! Other spellings of a model's name: what clouds, gateways and clients put around it.
//!
//! Every spelling here takes something off that names a route, a place or a date, never something that names a
//! model: `gemini-3.8-flash-cyber` does not become `gemini-3.8-flash`, a fine-tune does not become its base (it
//! has another price), and `…:free` or `…:online` of OpenRouter stay what they are.

use std::borrow::Cow;

/// Another spelling of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spelling<'a> {
    pub(super) name: Cow<'a, str>,
    /// Whether only an entry of exactly that name will do: where a date was taken off, a pattern could be about another
    /// model.
    pub(super) exact_only: bool,
}

/// Bedrock's geographic profiles. Those of government regions have prices of their own and are not among them.
const PROFILES: [&str; 13] =
    ["us", "eu", "apac", "ap", "jp", "au", "ca", "in", "sa", "me", "af", "uk", "global"];
/// OpenRouter's suffixes that choose a route to the same model.
const ROUTES: [&str; 5] = ["nitro", "floor", "exacto", "beta", "thinking"];
/// Prefixes that say how Bedrock is called.
const INVOCATIONS: [&str; 4] = ["invoke/", "converse/", "converse_like/", "async_invoke/"];

/// Returns the other spellings of `name`, which is in lower case, in the order in which they are to be tried. `prefixes` says whether
/// `x` of `x/name` is the provider itself.
pub(super) fn spellings<'a>(
    name: &'a str,
    prefixes: impl Fn(&str) -> bool,
    bedrock: bool,
) -> Vec<Spelling<'a>> {
    let mut found: Vec<Spelling<'a>> = Vec::new();
    let mut add = |name: Cow<'a, str>, exact_only| found.push(Spelling { name, exact_only });
    if let Some(expanded) = expand_compact_dates(name) {
        add(expanded.into(), false);
    }
    let mut rest = name;
    for step in [resource, fine_tune] {
        if let Some(shorter) = step(rest) {
            rest = shorter;
            add(rest.into(), false);
        }
    }
    // A gateway may put more than one: `openrouter/openai/…`.
    while let Some((_, shorter)) = rest.split_once('/').filter(|(prefix, _)| prefixes(prefix)) {
        rest = shorter;
        add(rest.into(), false);
    }
    let steps: &[fn(&str) -> Option<&str>] =
        if bedrock { &[invocation, profile, context_suffix, version, route] } else { &[version, route] };
    for step in steps {
        if let Some(shorter) = step(rest) {
            rest = shorter;
            add(rest.into(), false);
        }
    }
    if let Some(shorter) = undated(rest) {
        add(shorter.into(), true);
    }
    found.retain(|spelling| !spelling.name.is_empty());
    found
}

/// Returns the name within `models/…`, `publishers/…/models/…`, `accounts/…/models/…` and ARNs.
fn resource(name: &str) -> Option<&str> {
    if name.starts_with("arn:") {
        return name.rsplit_once('/').map(|(_, model)| model);
    }
    // What somebody made of a model stands under an account or a project of theirs.
    let is_public =
        |place: &str| place == "accounts/fireworks" || place.rsplit('/').nth(1) == Some("publishers");
    let within =
        || name.rsplit_once("/models/").filter(|(place, _)| is_public(place)).map(|(_, model)| model);
    name.strip_prefix("models/").or_else(within)
}

/// Returns `ft:base` of `ft:base:organisation:name:id`.
fn fine_tune(name: &str) -> Option<&str> {
    let base = name.strip_prefix("ft:")?;
    let (base, _) = base.split_once(':')?;
    name.get(.."ft:".len() + base.len())
}

fn invocation(name: &str) -> Option<&str> {
    INVOCATIONS.iter().find_map(|prefix| name.strip_prefix(prefix))
}

/// Returns the name without the geographic profile before its first dot.
fn profile(name: &str) -> Option<&str> {
    name.split_once('.').filter(|(profile, _)| PROFILES.contains(profile)).map(|(_, model)| model)
}

/// Returns whether a name begins with a place: `us-gov-west-1/…` and `eu/…` as LiteLLM writes it, `eu.…` and `us-gov.…` as Bedrock does.
pub(super) fn names_a_place(name: &str) -> bool {
    name.contains('/') || name.starts_with("us-gov.") || profile(name).is_some()
}

/// Returns whether a gateway's name for a model says where it runs: `azure/eu/gpt-5`, `bedrock/us-gov-west-1/anthropic.claude…`.
pub(super) fn names_a_region(name: &str) -> bool {
    let before_model = name.rsplit_once('/').map(|(before, _)| before);
    let Some((_, place)) = before_model.and_then(|before| before.rsplit_once('/')) else { return false };
    let is_aws = || {
        place.bytes().filter(|byte| *byte == b'-').count() >= 2
            && place.ends_with(|c: char| c.is_ascii_digit())
    };
    matches!(place, "us" | "eu" | "global") || is_aws()
}

/// Returns the name without the size of the context window or the revision that Bedrock appends: `:28k`, `:0`.
fn context_suffix(name: &str) -> Option<&str> {
    let (model, suffix) = name.rsplit_once(':')?;
    let digits = suffix.strip_suffix('k').unwrap_or(suffix);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(model)
}

/// Returns the name without Vertex's `@20240620`, `@default` or `@latest`: anything else may be a model of somebody's own.
fn version(name: &str) -> Option<&str> {
    let (model, version) = name.rsplit_once('@')?;
    (matches!(version, "default" | "latest") || is_date(version)).then_some(model)
}

fn route(name: &str) -> Option<&str> {
    name.rsplit_once(':').filter(|(_, route)| ROUTES.contains(route)).map(|(model, _)| model)
}

/// Returns the name without the date of a snapshot, or `-latest`, at its end.
pub(super) fn undated(name: &str) -> Option<&str> {
    if let Some(model) = name.strip_suffix("-latest") {
        return Some(model);
    }
    for len in ["-2026-01-31".len(), "-20260131".len()] {
        let Some((model, date)) = name.len().checked_sub(len).and_then(|at| name.split_at_checked(at)) else {
            continue;
        };
        let Some(date) = date.strip_prefix('-') else { continue };
        let digits: String = date.split('-').collect();
        let dashed =
            date.len() == digits.len() || (date.get(4..5) == Some("-") && date.get(7..8) == Some("-"));
        if dashed && is_date(&digits) {
            return Some(model);
        }
    }
    None
}

/// Returns whether eight digits are a date of this century.
fn is_date(digits: &str) -> bool {
    digits.len() == 8
        && digits.starts_with("20")
        && digits.bytes().all(|b| b.is_ascii_digit())
        && digits.parse::<jiff::civil::Date>().is_ok()
}

/// Returns the name with dates spelt `-20251211` written as `-2025-12-11`, where there are any: the rule by which genai-prices reads
/// the names that OpenRouter and LiteLLM send.
fn expand_compact_dates(name: &str) -> Option<String> {
    let mut expanded = String::with_capacity(name.len() + 4);
    let mut rest = name;
    while let Some(at) = rest.find("-20") {
        let (before, from) = rest.split_at(at);
        expanded.push_str(before);
        let ends = matches!(from.as_bytes().get(9), None | Some(b'-' | b':'));
        match from.get(1..9).filter(|digits| ends && is_date(digits)) {
            Some(digits) => {
                let (year, day) = digits.split_at(4);
                let (month, day) = day.split_at(2);
                expanded.extend(["-", year, "-", month, "-", day]);
                rest = from.get(9..).unwrap_or_default();
            }
            None => {
                expanded.push_str("-20");
                rest = from.get(3..).unwrap_or_default();
            }
        }
    }
    expanded.push_str(rest);
    (expanded != name).then_some(expanded)
}

/// Returns whether an answer is billed once for its searches, however many there were.
///
/// Google bills a grounded answer of Gemini 2 and before once, and each query from Gemini 3 on
/// (<https://ai.google.dev/gemini-api/docs/pricing>). LiteLLM has it in `web_search_billing_unit` for some models.
pub(super) fn searches_count_once(provider: &str, model: &str, billing_unit: Option<&str>) -> bool {
    match billing_unit {
        Some("per_prompt") => true,
        Some(_) => false,
        // What stands beside Gemini at Google's is billed by each search.
        None => {
            provider == "google" && !model.contains("claude") && generation(model).is_none_or(|of| of < 3)
        }
    }
}

/// Returns whether every call to the model searches, and costs the fee of a search: no usage counts it. OpenAI's models for that are
/// `gpt-5-search-api` and `gpt-4o-search-preview` (<https://developers.openai.com/api/docs/pricing>, web search).
pub(super) fn searches_always(provider: &str, model: &str) -> bool {
    let undated = model.split("-20").next().unwrap_or(model);
    provider == "openai" && (undated.ends_with("-search-api") || undated.ends_with("-search-preview"))
}

/// Returns the generation of a Gemini model: 2 of `gemini-2.5-flash`, 3 of `gemini-3-pro`.
fn generation(model: &str) -> Option<u32> {
    let numbers = model.split('-').filter_map(|part| part.split('.').next()?.parse().ok());
    // A date is no generation.
    numbers.into_iter().find(|number: &u32| *number < 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(name: &str) -> Vec<String> {
        spellings(name, |prefix| ["openai", "openrouter", "vertex_ai"].contains(&prefix), true)
            .into_iter()
            .map(|spelling| spelling.name.into_owned())
            .collect()
    }

    #[test]
    fn routes_and_places_are_taken_off() {
        for (name, model) in [
            ("models/gemini-2.5-pro", "gemini-2.5-pro"),
            ("publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
            ("projects/p/locations/l/publishers/anthropic/models/claude-opus-5@20260101", "claude-opus-5"),
            ("openai/gpt-4o", "gpt-4o"),
            ("openrouter/openai/gpt-4o:nitro", "gpt-4o"),
            ("us.anthropic.claude-sonnet-5-v1:0", "anthropic.claude-sonnet-5-v1"),
            ("arn:aws:bedrock:us-east-1:1:inference-profile/eu.meta.llama4:0", "meta.llama4"),
            ("converse/anthropic.claude-v2:1:200k", "anthropic.claude-v2:1"),
            ("ft:gpt-4.1-mini:acme::x1", "ft:gpt-4.1-mini"),
            ("gpt-5-2025-08-07", "gpt-5"),
            ("claude-sonnet-5-20260101", "claude-sonnet-5"),
            ("mistral-large-latest", "mistral-large"),
        ] {
            assert_eq!(all(name).last().map(String::as_str), Some(model), "{name}");
        }
    }

    #[test]
    fn what_names_another_model_or_another_price_stays() {
        for name in [
            "gemini-3.8-flash-cyber",
            "deepseek/deepseek-r1:free",
            "gpt-4o:online",
            "ft:gpt-4o",
            "gpt-4o-mini",
            "anthropic/claude-opus-5",
            "us-gov.anthropic.claude-opus-5",
            "codestral-2508",
            "gpt-4-0613",
            "model-20250230",
            "model-202512110",
            "ümlaut-20",
            "",
        ] {
            assert_eq!(all(name), [""; 0], "{name}");
        }
    }

    #[test]
    fn compact_dates_are_also_tried_as_the_data_spells_them() {
        assert_eq!(expand_compact_dates("gpt-5.2-20251211").as_deref(), Some("gpt-5.2-2025-12-11"));
        assert_eq!(expand_compact_dates("model-20251211:free").as_deref(), Some("model-2025-12-11:free"));
        assert_eq!(expand_compact_dates("a-20251211-20240229").as_deref(), Some("a-2025-12-11-2024-02-29"));
        for same in ["model-20250230", "model-202512110", "model", "a-2025-12-11"] {
            assert_eq!(expand_compact_dates(same), None, "{same}");
        }
    }

    #[test]
    fn only_an_entry_of_that_very_name_will_do_once_a_date_is_gone() {
        let last = spellings("gpt-5-2025-08-07", |_| false, false).pop().unwrap();
        assert_eq!(last, Spelling { name: "gpt-5".into(), exact_only: true });
    }

    #[test]
    fn an_answer_counts_once_for_its_searches_before_gemini_3() {
        for (model, unit, once) in [
            ("gemini-2.5-flash", None, true),
            ("gemini-live-2.5-flash", None, true),
            ("gemini-exp-1206", None, true),
            ("gemini-3-flash-preview", None, false),
            ("gemini-3.8-live", None, false),
            ("gemini-4-argon", None, false),
            ("gemini-flash-latest", Some("per_query"), false),
            ("gemini-3-flash-preview", Some("per_prompt"), true),
            ("claude-opus-5", None, false),
        ] {
            assert_eq!(searches_count_once("google", model, unit), once, "{model}");
        }
        assert!(!searches_count_once("openai", "gpt-5", None));
    }

    #[test]
    fn search_models_are_told_from_models_that_can_search() {
        for model in ["gpt-5-search-api", "gpt-4o-mini-search-preview-2025-03-11"] {
            assert!(searches_always("openai", model), "{model}");
        }
        for model in ["gpt-5", "o4-mini-deep-research", "gpt-4o-search-preview-x"] {
            assert!(!searches_always("openai", model), "{model}");
        }
    }
}
