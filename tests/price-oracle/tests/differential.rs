//! All models of the data, random usages, both engines. Each kind of difference that remains is named here with its reason.

use genai_prices::{Calculator, ErrorKind, PriceRequest, Usage as TheirUsage};
use price_oracle::{Numbers, data, models, moments};
use std::collections::BTreeMap;
use std::time::SystemTime;
use tower_llm_metrics::record::{PriceMatch, Text, UnpricedReason, Usage};
use tower_llm_metrics::{Cost, PriceBook, PricedCall, Pricer, Provider};

/// What both engines are asked.
#[derive(Clone)]
struct Question<'a> {
    provider: &'a str,
    model: &'a str,
    /// What the one calls a context and the other a tier or a batch.
    tier: Option<(&'static str, &'static str)>,
    time: SystemTime,
    counts: Vec<(&'static str, u64)>,
}

impl Question<'_> {
    fn ours(&self, book: &PriceBook) -> Cost {
        let count = |key: &str| self.counts.iter().find(|(name, _)| *name == key).map(|(_, count)| *count);
        let mut usage = Usage::default();
        usage.input_tokens = count("input_tokens");
        usage.cache_read_tokens = count("cache_read_tokens");
        usage.cache_write_tokens = count("cache_write_tokens");
        usage.cache_write_1h_tokens = count("cache_write_1h_tokens");
        usage.input_audio_tokens = count("input_audio_tokens");
        usage.input_image_tokens = count("input_image_tokens");
        usage.output_tokens = count("output_tokens");
        usage.reasoning_tokens = count("output_reasoning_tokens");
        usage.output_audio_tokens = count("output_audio_tokens");
        usage.web_searches = count("web_searches");
        let (Ok(provider), Ok(model)) = (Provider::new(self.provider), Text::new(self.model)) else {
            panic!()
        };
        let tier =
            self.tier.filter(|(key, _)| *key != "processing").map(|(_, tier)| Text::new(tier).unwrap());
        let mut call = PricedCall::new(&usage, self.time);
        (call.provider, call.model, call.service_tier) = (Some(&provider), Some(&model), tier.as_ref());
        call.batch = self.tier.is_some_and(|(key, _)| key == "processing");
        book.price(&call)
    }

    fn theirs(&self, calculator: &Calculator) -> Result<(String, f64), ErrorKind> {
        let usage: TheirUsage = self.counts.iter().map(|(key, count)| (*key, *count as f64)).collect();
        let mut request =
            PriceRequest::new(self.model, &usage).with_provider_id(self.provider).with_timestamp(self.time);
        if let Some((key, value)) = self.tier {
            request = request.with_price_context(key, value);
        }
        let priced = calculator.calculate(&request).map_err(|error| error.kind())?;
        Ok((priced.model_id, priced.total_price))
    }
}

/// A usage whose parts are within their wholes. Audio and cached tokens do not come together: the crate asks how they cut
/// across each other, and no provider says so.
fn counts(numbers: &mut Numbers) -> Vec<(&'static str, u64)> {
    let mut counts = Vec::new();
    let (cached, written) =
        (numbers.below(2) * numbers.below(250_000), numbers.below(2) * numbers.below(50_000));
    let hour = numbers.below(2) * numbers.below(written + 1);
    let modal = if cached + written == 0 { numbers.below(20_000) } else { 0 };
    let input = cached + written + modal + numbers.below(300_000);
    let (reasoning, spoken) =
        (numbers.below(2) * numbers.below(9_000), numbers.below(2) * numbers.below(900));
    let output = reasoning + spoken + numbers.below(9_000);
    let modality = if numbers.below(2) == 0 { "input_audio_tokens" } else { "input_image_tokens" };
    for (key, count) in [
        ("input_tokens", input),
        ("cache_read_tokens", cached),
        ("cache_write_tokens", written),
        ("cache_write_1h_tokens", hour),
        (modality, modal),
        ("output_tokens", output),
        ("output_reasoning_tokens", reasoning),
        ("output_audio_tokens", spoken),
        ("web_searches", numbers.below(2) * numbers.below(5)),
    ] {
        if count > 0 || key == "input_tokens" || key == "output_tokens" {
            counts.push((key, count));
        }
    }
    counts
}

#[test]
fn both_engines_agree_on_all_models_but_for_the_named_differences() {
    let Some(data) = data() else { return };
    let (book, calculator) =
        (PriceBook::from_genai_prices(&data).unwrap(), Calculator::from_json(&data).unwrap());
    let mut numbers = Numbers(20_261_123);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let tiers = [
        None,
        None,
        None,
        None,
        None,
        Some(("processing", "batch")),
        Some(("service_tier", "flex")),
        Some(("service_tier", "priority")),
    ];
    let models = models(&data);
    for (provider, model) in &models {
        for time in moments() {
            for _ in 0..5 {
                let tier = tiers[numbers.below(tiers.len() as u64) as usize];
                let question = Question { provider, model, tier, time, counts: counts(&mut numbers) };
                let (ours, theirs) = (question.ours(&book), question.theirs(&calculator));
                let searched = question.counts.iter().any(|(key, _)| *key == "web_searches");
                let kind = match (&ours, &theirs) {
                    (Cost::Priced(priced), Ok((entry, total))) => {
                        let our_total: f64 = priced.total.to_string().parse().unwrap();
                        let is_close = |total: f64| (our_total - total).abs() <= total.abs() * 1e-9 + 1e-12;
                        // Before Gemini 3, an answer that is grounded is billed once, however often was searched
                        // (https://ai.google.dev/gemini-api/docs/google-search#pricing).
                        let once = || {
                            let mut counts = question.counts.clone();
                            let searches = counts.iter_mut().filter(|(key, _)| *key == "web_searches");
                            searches.for_each(|(_, count)| *count = 1);
                            Question { counts, ..question }
                                .theirs(&calculator)
                                .is_ok_and(|(_, total)| is_close(total))
                        };
                        match priced.entry.ends_with(&format!("/{entry}")) {
                            true if is_close(*total) => "equal",
                            true if searched && provider == "google" && once() => {
                                "searched once in an answer"
                            }
                            _ => "wrong",
                        }
                    }
                    // We find an entry by its own id where its rule does not cover it.
                    (_, Err(ErrorKind::ModelNotFound)) => {
                        "found by its id, which its own rule does not cover"
                    }
                    // The crate's standard price in silence.
                    (Cost::Unpriced(UnpricedReason::UnknownTier), Ok(_)) if tier.is_some() => {
                        "tier not in the data"
                    }
                    // The crate's zero for what nobody has a rate for.
                    (Cost::Unpriced(UnpricedReason::NoRate), Ok((_, total))) if *total == 0.0 => {
                        "nothing has a rate"
                    }
                    (Cost::Unpriced(UnpricedReason::NoRate), Ok(_)) if searched => {
                        "web searches have no rate"
                    }
                    _ => "wrong",
                };
                *kinds.entry(kind).or_default() += 1;
                if kind == "wrong" {
                    wrong.push(format!(
                        "{provider}/{model} {tier:?} {:?}: {ours:?} and {theirs:?}",
                        question.counts
                    ));
                }
            }
        }
    }
    println!("{} models: {kinds:#?}", models.len());
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn both_engines_find_the_same_entry_for_names_around_those_of_the_data() {
    let Some(data) = data() else { return };
    let (book, calculator) =
        (PriceBook::from_genai_prices(&data).unwrap(), Calculator::from_json(&data).unwrap());
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (provider, id) in &models(&data) {
        let base = id.trim_end_matches(":0").replace("regional.", "us.");
        let names = [
            id.clone(),
            id.to_uppercase(),
            base.clone(),
            format!("{id}-2026-01-31"),
            format!("{id}-20260131"),
            format!("{id}@20260131"),
            format!("{id}-preview-tts"),
            format!("{id}-3"),
            format!("{id}.5"),
            format!("{id}-latest"),
            format!("{provider}/{id}"),
            format!("x-{id}"),
            format!("{base}-v1:0"),
            id.chars().take(id.len() * 2 / 3).collect(),
        ];
        for name in names.iter().filter(|name| !name.is_empty() && name.len() <= Text::MAX_LEN) {
            let counts = vec![("input_tokens", 1000), ("output_tokens", 10)];
            let question = Question { provider, model: name, tier: None, time: moments()[2], counts };
            let (ours, theirs) = (question.ours(&book), question.theirs(&calculator));
            let kind = match (&ours, &theirs) {
                (Cost::Priced(priced), Ok((entry, _))) if priced.entry.ends_with(&format!("/{entry}")) => {
                    "same entry"
                }
                (Cost::Unpriced(UnpricedReason::NoRate), Ok(_)) => "an entry without rates",
                (
                    Cost::Unpriced(UnpricedReason::NoRate | UnpricedReason::UnknownModel),
                    Err(ErrorKind::ModelNotFound),
                ) => "known to neither, or without rates",
                // A prefix, a profile, a version or a date taken off; or an id that its own rule does not cover.
                (Cost::Priced(priced), Err(ErrorKind::ModelNotFound)) => match priced.matched {
                    PriceMatch::Alias | PriceMatch::Pattern => "another spelling, of ours",
                    _ => "found by its id, which its own rule does not cover",
                },
                _ => "wrong",
            };
            *kinds.entry(kind).or_default() += 1;
            if kind == "wrong" {
                wrong.push(format!("{provider}: {name}: {ours:?} and {theirs:?}"));
            }
        }
    }
    println!("{kinds:#?}");
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
