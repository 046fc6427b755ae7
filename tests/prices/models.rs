//! How many models of the public lists have a price here, and why the others have none.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tower_llm_metrics::record::{Text, UnpricedReason, Usage};
use tower_llm_metrics::{Cost, PriceBook, PricedCall, Pricer, Provider};

const PRICES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/prices");

fn read(name: &str) -> Option<Vec<u8>> {
    let data = std::fs::read(format!("{PRICES}/{name}")).ok();
    if data.is_none() {
        println!("skipped: there is no {name}");
    }
    data
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_435_200) // 2026-11-23T12:00:00Z
}

fn price(book: &PriceBook, provider: &str, model: &str) -> Cost {
    let mut usage = Usage::default();
    (usage.input_tokens, usage.output_tokens) = (Some(1_000), Some(100));
    let (provider, model) = (Provider::new(provider).unwrap(), Text::new(model).unwrap());
    let mut call = PricedCall::new(&usage, now());
    (call.provider, call.model) = (Some(&provider), Some(&model));
    book.price(&call)
}

/// Prices every model and prints what has no price, by reason.
fn count<'a>(
    book: &PriceBook,
    models: impl Iterator<Item = (&'a str, String)>,
) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for (provider, model) in models {
        let what = match price(book, provider, &model) {
            Cost::Unpriced(reason) => {
                println!("{provider}/{model}: {}", reason.as_str());
                reason.as_str()
            }
            _ => "priced",
        };
        *counts.entry(what).or_insert(0) += 1;
    }
    println!("{counts:?}");
    counts
}

#[test]
fn every_token_priced_model_of_genai_prices_has_a_price() {
    let Some(data) = read("genai_v2_from_py_0.2.3.json") else { return };
    let json: serde_json::Value = serde_json::from_slice(&data).unwrap();
    let tokens = |model: &serde_json::Value| model["prices"].to_string().contains("input_mtok");
    let providers = || json.as_array().unwrap().iter();
    let models = |priced: bool| {
        providers().flat_map(move |provider| {
            let models =
                provider["models"].as_array().unwrap().iter().filter(move |model| tokens(model) == priced);
            models.map(move |model| {
                (provider["id"].as_str().unwrap(), model["id"].as_str().unwrap().to_owned())
            })
        })
    };
    let book = PriceBook::from_genai_prices(&data).unwrap();
    assert_eq!(book.refused(), []);
    println!("token-priced models:");
    let counts = count(&book, models(true));
    assert_eq!(counts.keys().collect::<Vec<_>>(), [&"priced"]);
    println!("others, asked for tokens:");
    let others = count(&book, models(false));
    assert_eq!(others.keys().collect::<Vec<_>>(), [&UnpricedReason::NoRate.as_str()]);
}

#[test]
fn every_token_priced_model_of_litellm_has_a_price_or_a_refusal_with_the_reason() {
    let Some(data) = read("litellm_prices_1.109.1.json") else { return };
    let json: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&data).unwrap();
    let book = PriceBook::from_litellm(&data).unwrap();
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    for refused in book.refused() {
        *refusals.entry(refused.problem.to_string()).or_default() += 1;
    }
    println!("refused when loading: {refusals:?}");

    // The book's own entries, under the names that it has for them.
    let entries = book.entries().map(|(provider, name)| (provider, name.to_owned()));
    let counts = count(&book, entries);
    let unpriced: usize = counts.iter().filter(|(what, _)| **what != "priced").map(|(_, n)| n).sum();
    let per_token = |model: &serde_json::Value| model.get("input_cost_per_token").is_some();
    let other_measures = json.values().filter(|model| !per_token(model)).count();
    assert!(unpriced <= other_measures, "{unpriced} have no price per token; {other_measures} may");

    // What is refused: entries without rates, doubles, and rates that cannot be right.
    for refused in book.refused() {
        let why = refused.problem.to_string();
        let known = ["no rate", "same name", "above what can be right", "no model"];
        assert!(known.iter().any(|known| why.contains(known)), "{refused}");
    }
}

#[cfg(feature = "prices")]
#[test]
fn names_as_callers_send_them_have_a_price() {
    let book = PriceBook::bundled();
    let mut missing = Vec::new();
    for (provider, model) in [
        ("google", "models/gemini-2.5-pro"),
        ("google", "publishers/google/models/gemini-2.5-flash"),
        ("google", "projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash"),
        ("google", "publishers/anthropic/models/claude-opus-4-5@20251101"),
        ("google", "google/gemini-2.5-flash"),
        ("openai", "openai/gpt-4o"),
        ("openai", "gpt-4o-2099-01-01"),
        ("openai", "GPT-4o"),
        ("openai", "ft:gpt-4.1-2025-04-14:acme::Abc123"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme:suffix:Abc123"),
        ("anthropic", "claude-opus-5-20270101"),
        ("anthropic", "anthropic/claude-sonnet-4-5"),
        (
            "aws",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0",
        ),
        ("aws", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"),
        ("aws", "eu.amazon.nova-lite-v1:0"),
        ("aws", "global.anthropic.claude-sonnet-4-6"),
        ("azure", "gpt-4o"),
        ("azure", "gpt-35-turbo"),
        ("openrouter", "anthropic/claude-sonnet-4.5:nitro"),
        ("openrouter", "openrouter/openai/gpt-4o"),
        ("fireworks", "accounts/fireworks/models/glm-5p2"),
        ("mistral", "mistral-large-latest"),
        ("x-ai", "x-ai/grok-4"),
    ] {
        if !matches!(price(&book, provider, model), Cost::Priced(_)) {
            missing.push((provider, model, price(&book, provider, model)));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[cfg(feature = "prices")]
#[test]
fn what_is_another_model_or_another_price_is_not_taken_for_a_known_one() {
    let book = PriceBook::bundled();
    for (provider, model) in [
        ("openai", "gpt-4o:online"),
        ("openai", "ft:gpt-99:acme::x"),
        ("openai", "my-own-gpt"),
        ("aws", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"),
        ("openrouter", "openai/gpt-4o:free"),
        ("anthropic", "claude-opus-9"),
    ] {
        let cost = price(&book, provider, model);
        assert_eq!(cost, Cost::Unpriced(UnpricedReason::UnknownModel), "{provider}/{model}");
    }
    let Cost::Priced(flash) = price(&book, "google", "gemini-3.8-flash") else { panic!() };
    let Cost::Priced(cyber) = price(&book, "google", "gemini-3.8-flash-cyber") else { panic!() };
    assert_eq!(&*cyber.entry, "google/gemini-3.8-flash-cyber");
    assert_ne!(flash.total, cyber.total);
}
