//! What the price book promises, on price data written for the purpose.

use super::call::{Call, tokens, usd};
use std::time::{Duration, SystemTime};
use tower_llm_metrics::price::{Markup, PriceOverride, SharedPriceBook};
use tower_llm_metrics::record::{Part, Pass, PriceMatch, Priced, Rate, Text, Unit, UnpricedReason, Usage};
use tower_llm_metrics::{Cost, PriceBook, PricedCall, Pricer, Provider, Record, Usd};

const GENAI: &str = r#"[
  {"id": "acme", "provider_match": {"contains": "acme"}, "models": [
    {"id": "rocket", "match": {"equals": "rocket"}, "prices": {"input_mtok": 2, "cache_read_mtok": 0.2, "cache_write_mtok": 2.5,
      "cache_write_1h_mtok": 4, "output_mtok": 10, "web_searches_kcount": 10},
     "price_variants": [{"when": {"service_tier": "flex"}, "prices": {"input_mtok": 1, "output_mtok": 5}},
       {"when": {"processing": "batch"}, "constraint": {"start_date": "2026-10-14"}, "prices": {"input_mtok": 1, "output_mtok": 5}},
       {"when": {"route": "acme/eu"}, "prices": {"input_mtok": 3}},
       {"when": {"speed": "fast"}, "prices": {"input_mtok": 20}},
       {"when": {"service_tier": "default"}, "prices": {}}]},
    {"id": "rocket-pro", "match": {"starts_with": "rocket-pro"}, "prices": {
      "input_mtok": {"base": 1, "tiers": [{"start": 200000, "price": 2}]}, "output_mtok": {"base": 3, "tiers": [{"start": 200000, "price": 6}]}}},
    {"id": "dated", "match": {"equals": "dated"}, "prices": [{"prices": {"input_mtok": 1}},
      {"constraint": {"start_date": "2026-10-14"}, "prices": {"input_mtok": 2}},
      {"constraint": {"start_date": "2027-01-01"}, "prices": {"input_mtok": 3}},
      {"constraint": {"start_time": "22:00:00Z", "end_time": "04:00:00Z"}, "prices": {"input_mtok": 5}}]},
    {"id": "ears", "match": {"equals": "ears"}, "prices": {"input_mtok": 1, "input_audio_mtok": 8, "cache_read_mtok": 0.1,
      "cache_audio_read_mtok": 0.8, "output_mtok": 2, "output_audio_mtok": 16, "output_reasoning_mtok": 4}},
    {"id": "whisper", "match": {"equals": "whisper"}, "prices": {"audio_hours": 0.36}},
    {"id": "fee", "match": {"equals": "fee"}, "prices": {"input_mtok": 1, "output_mtok": 1, "requests_kcount": 12}},
    {"id": "embed", "match": {"equals": "embed"}, "prices": {"input_mtok": 0.1}},
    {"id": "nothing", "match": {"equals": "nothing"}, "prices": {}},
    {"id": "fine", "match": {"equals": "fine"}, "prices": {"input_mtok": 0.18000000000000002, "output_mtok": 0.0000015}}]},
  {"id": "cloud", "fallback_model_providers": ["acme"], "models": []},
  {"id": "google", "models": [{"id": "gem", "match": {"starts_with": "gem"}, "prices": {"input_mtok": 1, "output_mtok": 2}}]},
  {"id": "aws", "models": [{"id": "acme.rocket", "match": {"equals": "acme.rocket"}, "prices": {"input_mtok": 1}}]},
  {"id": "openai", "models": [{"id": "gpt", "match": {"equals": "gpt"}, "prices": {"input_mtok": 1, "output_mtok": 2}}]}]"#;

const LITELLM: &str = r#"{
  "sample_spec": {"input_cost_per_token": 0.0, "litellm_provider": "one of …"},
  "gpt": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,
    "input_cost_per_token_flex": 5e-07, "output_cost_per_token_flex": 1e-06, "input_cost_per_token_priority": 2e-06,
    "cache_read_input_token_cost": 1e-07, "regional_processing_uplift_multiplier_eu": 1.1,
    "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_high": 0.01}},
  "ft:gpt": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 4e-06, "output_cost_per_token": 8e-06},
  "vertex_ai/gem": {"litellm_provider": "vertex_ai", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,
    "regional_endpoint_uplift_multiplier": 1.1},
  "vertex_ai/gem-cyber": {"litellm_provider": "vertex_ai", "input_cost_per_token": 9e-06, "output_cost_per_token": 9e-06},
  "vertex_ai/gem-001": {"litellm_provider": "vertex_ai", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
  "azure/gpt": {"litellm_provider": "azure", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
  "azure/eu/gpt": {"litellm_provider": "azure", "input_cost_per_token": 1.1e-06, "output_cost_per_token": 2.2e-06},
  "bedrock/us-gov-west-1/acme.rocket": {"litellm_provider": "bedrock", "input_cost_per_token": 1.2e-06},
  "xai/grok": {"litellm_provider": "xai", "input_cost_per_token": 1e-06, "input_cost_per_token_above_200k_tokens": 2e-06,
    "output_cost_per_token": 2e-06, "output_cost_per_token_above_200k_tokens": 4e-06, "input_cost_per_token_flex": 5e-07,
    "output_cost_per_token_flex": 1e-06},
  "rerank": {"litellm_provider": "cohere", "mode": "rerank", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0, "input_cost_per_query": 0.002},
  "speech": {"litellm_provider": "openai", "mode": "audio_speech", "input_cost_per_character": 1.5e-05},
  "picture": {"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.04},
  "ocr": {"litellm_provider": "mistral", "mode": "ocr", "ocr_cost_per_page": 0.001},
  "deepseek/peak": {"litellm_provider": "deepseek", "input_cost_per_token": 2e-06, "off_peak_pricing": {"input_cost_per_token": 1e-06,
    "windows": [{"hours_utc": ["00:00-01:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]}, {"hours_utc": "00:00-00:00", "weekdays": [6, 7]}]}},
  "dashscope/qwen": {"litellm_provider": "dashscope", "tiered_pricing": [{"range": [0, 32000.0], "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
    {"range": [32000.0, 128000.0], "input_cost_per_token": 3e-06, "output_cost_per_token": 4e-06}]},
  "mistake": {"litellm_provider": "openai", "input_cost_per_token": 0.0032},
  "below": {"litellm_provider": "openai", "input_cost_per_token": -1},
  "no-provider": {"input_cost_per_token": 1e-06}}"#;

fn book() -> PriceBook {
    let builder =
        PriceBook::builder().genai_prices(GENAI.as_bytes()).unwrap().litellm(LITELLM.as_bytes()).unwrap();
    builder.version("test").build()
}

fn call(provider: &'static str, model: &'static str) -> Call {
    Call::new(book, provider, model)
}

fn parts(priced: &Priced) -> Vec<(Unit, u64, String)> {
    priced.parts().map(|Part { unit, quantity, rate, .. }| (unit, quantity, rate.to_string())).collect()
}

#[test]
fn the_answer_says_what_was_priced_and_how() {
    let mut usage = tokens(1_000, 100);
    (usage.cache_read_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens) =
        (Some(500), Some(200), Some(50));
    usage.web_searches = Some(2);
    let priced = Call { usage, ..call("acme", "rocket") }.priced();
    assert_eq!(
        (&*priced.entry, &*priced.version, priced.matched),
        ("acme/rocket", "test", PriceMatch::Exact)
    );
    assert_eq!(priced.tier, None);
    let expected = [
        (Unit::Input, 300, "0.000002"),
        (Unit::CacheRead, 500, "0.0000002"),
        (Unit::CacheWrite, 150, "0.0000025"),
        (Unit::CacheWrite1h, 50, "0.000004"),
        (Unit::Output, 100, "0.00001"),
        (Unit::WebSearches, 2, "0.01"),
    ];
    assert_eq!(parts(&priced), expected.map(|(unit, quantity, rate)| (unit, quantity, rate.to_owned())));
    assert_eq!(priced.total, priced.parts().map(|part| part.amount().unwrap()).sum());
    assert!(size_of::<Priced>() <= 208, "{}", size_of::<Priced>());
}

#[test]
fn a_tier_that_is_not_in_the_book_is_a_reason_and_never_the_standard_price() {
    let rocket = call("acme", "rocket");
    for same in ["default", "standard", "auto", "on_demand", "Standard", "DEFAULT"] {
        Call { tier: Some(same), ..rocket.clone() }.costs("2");
    }
    let flex = Call { tier: Some("flex"), ..rocket.clone() }.priced();
    assert_eq!((flex.total, flex.tier.as_deref()), (usd("1"), Some("flex")));
    Call { tier: Some("Fast"), ..rocket.clone() }.costs("20");
    for unknown in ["priority", "scale", "no-such-tier"] {
        Call { tier: Some(unknown), ..rocket.clone() }.has_no_price(UnpricedReason::UnknownTier);
    }
    Call { tier: Some("flex"), ..call("acme", "rocket-pro") }.has_no_price(UnpricedReason::UnknownTier);
}

#[test]
fn batch_is_a_tier_from_the_day_that_it_has_a_price() {
    let batch = Call { batch: true, ..call("acme", "rocket") };
    let priced = batch.priced();
    assert_eq!((priced.total, priced.tier.as_deref()), (usd("1"), Some("batch")));
    Call { tier: Some("batch"), ..call("acme", "rocket") }.costs("1");
    Call { time: "2026-10-13T23:59:59Z", ..batch.clone() }.has_no_price(UnpricedReason::UnknownTier);
    Call { time: "2026-10-14T00:00:00Z", ..batch.clone() }.costs("1");
    Call { tier: Some("flex"), ..batch }.has_no_price(UnpricedReason::UnknownTier);
}

#[test]
fn a_context_tier_reprices_the_whole_request_beyond_its_threshold() {
    let of = |input| Call { usage: tokens(input, 1_000_000), ..call("acme", "rocket-pro-2026") };
    of(200_000).costs("3.2");
    of(200_001).costs("6.400002");
    // xAI's begins at the threshold.
    let grok = |input| Call { usage: tokens(input, 0), ..call("x-ai", "grok") };
    grok(199_999).costs("0.199999");
    grok(200_000).costs("0.4");
    // Ranges of LiteLLM.
    let qwen = |input| Call { usage: tokens(input, 0), ..call("dashscope", "qwen") };
    qwen(32_000).costs("0.032");
    qwen(32_001).costs("0.096003");
}

#[test]
fn a_rate_that_the_tier_lacks_is_a_reason_where_the_standard_price_has_one() {
    let flex = |input| Call { tier: Some("flex"), usage: tokens(input, 10), ..call("x-ai", "grok") };
    flex(100_000).costs("0.05001");
    flex(200_000).has_no_price(UnpricedReason::NoRate);
    let mut cached = Call { tier: Some("flex"), ..call("openai", "gpt") };
    cached.costs("0.5");
    cached.usage.cache_read_tokens = Some(10);
    cached.has_no_price(UnpricedReason::NoRate);
    // Priority has a rate for input only.
    Call { tier: Some("priority"), ..call("openai", "gpt") }.costs("2");
    Call { tier: Some("priority"), usage: tokens(1, 1), ..call("openai", "gpt") }
        .has_no_price(UnpricedReason::NoRate);
}

#[test]
fn prices_hold_from_their_dates_and_at_their_hours() {
    for (time, cost) in [
        ("2020-01-01T12:00:00Z", "1"),
        ("2026-10-13T12:59:59Z", "1"),
        ("2026-10-14T12:00:00Z", "2"),
        ("2026-12-31T21:59:59Z", "2"),
        ("2027-01-01T12:00:00Z", "3"),
        ("2027-01-01T22:00:00Z", "5"),
        ("2027-01-02T03:59:59Z", "5"),
        ("2027-01-02T04:00:00Z", "3"),
        ("1960-01-01T12:00:00Z", "1"),
    ] {
        Call { time, ..call("acme", "dated") }.costs(cost);
    }
    for (time, cost) in [
        ("2026-11-23T09:59:59Z", "2"), // a Monday
        ("2026-11-23T10:00:00Z", "1"),
        ("2026-11-23T00:30:00Z", "1"),
        ("2026-11-21T08:00:00Z", "1"), // a Saturday
    ] {
        Call { time, ..call("deepseek", "peak") }.costs(cost);
    }
}

#[test]
fn regions_have_their_own_prices_where_the_data_has_them() {
    let azure = call("azure", "gpt");
    azure.costs("1");
    Call { region: Some("EU"), ..azure.clone() }.costs("1.1");
    Call { region: Some("us"), ..azure }.costs("1");
    let openai = call("openai", "gpt");
    Call { region: Some("eu"), ..openai.clone() }.costs("1.1");
    Call { region: Some("us"), ..openai }.costs("1");
    let vertex = call("google", "gem");
    Call { region: Some("europe-west4"), ..vertex.clone() }.costs("1.1");
    Call { region: Some("global"), ..vertex }.costs("1");
    let bedrock = call("aws", "acme.rocket");
    Call { region: Some("us-gov-west-1"), ..bedrock.clone() }.costs("1.2");
    Call { region: Some("us-gov-west-1"), model: "acme.rocket:0", ..bedrock.clone() }.costs("1.2");
    Call { region: Some("eu-west-1"), ..bedrock }.costs("1");
    Call { region: Some("acme/eu"), ..call("acme", "rocket") }.costs("3");
}

#[test]
fn the_model_that_answered_is_priced_and_the_one_asked_for_where_that_one_is_not_known() {
    let answered = Call { answered_by: Some("rocket-pro-7"), ..call("acme", "rocket") }.priced();
    assert_eq!((&*answered.entry, answered.matched), ("acme/rocket-pro", PriceMatch::Pattern));
    let asked = Call { answered_by: Some("something-internal"), ..call("acme", "rocket") }.priced();
    assert_eq!((&*asked.entry, asked.matched), ("acme/rocket", PriceMatch::Exact));
    call("acme", "unheard-of").has_no_price(UnpricedReason::UnknownModel);
    call("nobody", "rocket").has_no_price(UnpricedReason::UnknownProvider);
    // Another name of the provider is the provider.
    call("acme-eu", "rocket").costs("2");
    let usage = tokens(1, 1);
    let nobodys = book().price(&PricedCall::new(&usage, SystemTime::now()));
    assert_eq!(nobodys, Cost::Unpriced(UnpricedReason::UnknownProvider));
}

#[test]
fn names_are_found_under_what_is_put_around_them() {
    for (provider, model, entry, matched) in [
        ("google", "models/gem", "google/gem", PriceMatch::Alias),
        ("google", "publishers/google/models/gem-2", "google/gem", PriceMatch::Pattern),
        ("acme", "acme/rocket", "acme/rocket", PriceMatch::Alias),
        ("acme", "ROCKET", "acme/rocket", PriceMatch::Exact),
        ("acme", "rocket-2026-01-31", "acme/rocket", PriceMatch::Alias),
        ("acme", "rocket-20260131", "acme/rocket", PriceMatch::Alias),
        ("aws", "us.acme.rocket:0", "aws/acme.rocket", PriceMatch::Alias),
        (
            "aws",
            "arn:aws:bedrock:us-east-1:1:inference-profile/eu.acme.rocket",
            "aws/acme.rocket",
            PriceMatch::Alias,
        ),
        ("cloud", "rocket", "acme/rocket", PriceMatch::Exact),
        ("openai", "ft:gpt:acme::x1", "openai/ft:gpt", PriceMatch::Alias),
    ] {
        let priced = call(provider, model).priced();
        assert_eq!((&*priced.entry, priced.matched), (entry, matched), "{provider}/{model}");
    }
    for (provider, model) in [
        ("acme", "rocket-lite"),
        ("acme", "rocket-2026-13-31"),
        ("acme", "dated-2"),
        ("acme", "rocket:free"),
        ("aws", "us-gov.acme.rocket"),
        ("openai", "ft:other:acme::x1"),
    ] {
        call(provider, model).has_no_price(UnpricedReason::UnknownModel);
    }
}

#[test]
fn a_pattern_never_takes_a_sibling_that_another_list_tells_apart() {
    let cyber = call("google", "gem-cyber").priced();
    assert_eq!(
        (&*cyber.entry, cyber.matched, cyber.total),
        ("google/gem-cyber", PriceMatch::Exact, usd("9"))
    );
    // One that it prices alike is the pattern's.
    assert_eq!(&*call("google", "gem-001").priced().entry, "google/gem");
}

#[test]
fn audio_and_cached_audio_have_their_rates() {
    let mut usage = tokens(1_000_000, 1_000_000);
    (usage.input_audio_tokens, usage.cache_read_tokens) = (Some(600_000), Some(500_000));
    (usage.output_audio_tokens, usage.reasoning_tokens) = (Some(100_000), Some(400_000));
    // Cached: 400 000 text and, as no more text is left, 100 000 audio.
    let priced = Call { usage, ..call("acme", "ears") }.priced();
    let expected = [
        (Unit::CacheRead, 400_000, "0.0000001"),
        (Unit::InputAudio, 500_000, "0.000008"),
        (Unit::CacheReadAudio, 100_000, "0.0000008"),
        (Unit::Output, 500_000, "0.000002"),
        (Unit::Reasoning, 400_000, "0.000004"),
        (Unit::OutputAudio, 100_000, "0.000016"),
    ];
    assert_eq!(parts(&priced), expected.map(|(unit, quantity, rate)| (unit, quantity, rate.to_owned())));
    assert_eq!(priced.total, usd("8.32"));
}

#[test]
fn what_is_not_counted_in_tokens_is_priced_by_what_it_is_counted_in() {
    let counted = |provider, model, set: &dyn Fn(&mut Usage)| {
        let mut usage = Usage::default();
        set(&mut usage);
        Call { usage, ..call(provider, model) }
    };
    counted("acme", "whisper", &|usage| usage.seconds = Some(Duration::from_millis(1_500))).costs("0.00015");
    counted("cohere", "rerank", &|usage| usage.search_units = Some(3)).costs("0.006");
    counted("openai", "speech", &|usage| usage.characters = Some(1_000)).costs("0.015");
    counted("openai", "picture", &|usage| usage.images = Some(2)).costs("0.08");
    counted("mistral", "ocr", &|usage| usage.pages = Some(7)).costs("0.007");
    Call { usage: tokens(10, 5), ..call("acme", "fee") }.costs("0.012015");
    // A measure without a rate is passed over where another is billed, and a reason where none is.
    let both = counted("openai", "picture", &|usage| {
        (usage.images, usage.input_tokens) = (Some(1), Some(50));
    });
    both.costs("0.04");
    counted("openai", "picture", &|usage| usage.pages = Some(1)).has_no_price(UnpricedReason::NoRate);
    Call { usage: tokens(10, 0), ..call("cohere", "rerank") }.has_no_price(UnpricedReason::NoRate);
    Call { usage: tokens(1_000_000, 9), ..call("acme", "embed") }.costs("0.1");
}

#[test]
fn a_rate_that_is_needed_and_missing_is_a_reason() {
    let mut searched = call("acme", "rocket-pro");
    searched.usage.web_searches = Some(1);
    searched.has_no_price(UnpricedReason::NoRate);
    call("acme", "nothing").has_no_price(UnpricedReason::NoRate);
    Call { usage: Usage::default(), ..call("acme", "rocket") }.has_no_price(UnpricedReason::NoUsage);
    // What the first source lacks, the second has.
    let mut searched = call("openai", "gpt");
    searched.usage.web_searches = Some(1);
    searched.costs("1.01");
}

#[test]
fn passes_are_priced_on_their_own_models() {
    let mut pass = Pass::default();
    (pass.model, pass.input_tokens, pass.output_tokens) =
        (Some(Text::new("rocket-pro").unwrap()), Some(1_000), Some(10));
    let mut same = Pass::default();
    (same.input_tokens, same.cache_read_tokens) = (Some(1_000), Some(1_000));
    let mut with_passes = call("acme", "rocket");
    with_passes.usage.passes = vec![pass.clone(), same];
    // 2 + (0.001 + 0.00003) + 0.0002
    with_passes.costs("2.00123");
    pass.model = Some(Text::new("unheard-of").unwrap());
    with_passes.usage.passes.push(pass);
    with_passes.has_no_price(UnpricedReason::UnknownModel);
}

#[test]
fn every_digit_counts_and_the_total_is_rounded_once() {
    Call { usage: tokens(1, 0), ..call("acme", "fine") }.costs("0.00000018");
    Call { usage: tokens(1_000_000_000, 0), ..call("acme", "fine") }.costs("180.00000000000002");
    // 1.5e-12 each: 1 and 3 are ties, to the even neighbour.
    Call { usage: tokens(0, 1), ..call("acme", "fine") }.costs("0.000000000002");
    Call { usage: tokens(0, 3), ..call("acme", "fine") }.costs("0.000000000004");
}

#[test]
fn the_largest_figures_are_multiplied_or_a_reason() {
    Call { usage: tokens(u64::MAX, u64::MAX), ..call("acme", "rocket") }.costs("221360928884514.61938");
    let mut usage = tokens(u64::MAX, u64::MAX);
    (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) = (Some(u64::MAX), Some(u64::MAX));
    Call { usage, ..call("acme", "rocket") }.has_no_price(UnpricedReason::Overflow);
    let usage = Usage::default();
    let mut long = Call { usage, ..call("acme", "whisper") };
    long.usage.seconds = Some(Duration::MAX);
    long.has_no_price(UnpricedReason::Overflow);
}

#[test]
fn what_cannot_be_right_is_refused_by_name_and_the_rest_is_kept() {
    let refused: Vec<String> = book().refused().iter().map(ToString::to_string).collect();
    assert_eq!(refused.len(), 3, "{refused:?}");
    for (entry, why) in
        [("openai/mistake", "above"), ("openai/below", "below zero"), ("litellm/no-provider", "no model")]
    {
        assert!(
            refused.iter().any(|text| text.starts_with(entry) && text.contains(why)),
            "{entry} in {refused:?}"
        );
    }
    for broken in ["", "[", "{\"a\":", "null", "[1]", "<html>", "[{\"id\":\"a\"}]"] {
        assert!(PriceBook::from_json(broken.as_bytes()).is_err(), "{broken}");
    }
}

#[test]
fn the_applications_own_prices_stand_before_all_others() {
    let rate = |text| Rate::per_million(text).unwrap();
    let book = book()
        .with_overrides([
            PriceOverride::new("acme", "rocket").rate(Unit::Input, rate("7")).tier_rate(
                "flex",
                Unit::Input,
                rate("6"),
            ),
            PriceOverride::new("acme", "own")
                .alias("our-own")
                .prefix("own-")
                .prefix("rocket-pro")
                .rate(Unit::Input, Rate::ZERO),
            PriceOverride::new("new", "m").rate(Unit::Input, rate("1")),
        ])
        .unwrap();
    let cost = |call: Call| call.price(&book);
    let total = |call: Call| cost(call).total();
    assert_eq!(total(call("acme", "rocket")), Some(usd("7")));
    assert_eq!(total(Call { tier: Some("flex"), ..call("acme", "rocket") }), Some(usd("6")));
    assert_eq!(total(call("acme", "acme/rocket-20260131")), Some(usd("7")));
    // What an override does not know is looked up in the data.
    assert_eq!(total(Call { batch: true, ..call("acme", "rocket") }), Some(usd("1")));
    for name in ["own", "our-own", "own-2", "rocket-pro-9"] {
        assert_eq!(total(call("acme", name)), Some(Usd::ZERO), "{name}");
    }
    assert_eq!(total(call("new", "m")), Some(usd("1")));
    assert_eq!(total(call("acme", "dated")), Some(usd("2")));
    assert!(book.version().starts_with("test+overrides-"), "{}", book.version());

    // Later ones stand before earlier ones, and the book that they were put on stays as it was.
    let later =
        book.with_overrides([PriceOverride::new("acme", "rocket").rate(Unit::Input, rate("8"))]).unwrap();
    assert_eq!(call("acme", "rocket").price(&later).total(), Some(usd("8")));
    assert_eq!(total(call("acme", "rocket")), Some(usd("7")));
    let error =
        book.with_overrides([PriceOverride::new("acme", "x").rate(Unit::Input, rate("5000"))]).unwrap_err();
    assert_eq!(error.refused().unwrap().entry, "acme/x");
    // Overrides are part of a snapshot.
    let back = PriceBook::from_snapshot(&later.to_snapshot()).unwrap();
    assert_eq!(back.to_snapshot(), later.to_snapshot());
    assert_eq!(call("acme", "own-2").price(&back).total(), Some(Usd::ZERO));
}

#[test]
fn a_failed_reload_keeps_the_old_book_and_says_why() {
    let shared = SharedPriceBook::from(book());
    let error = shared.reload(|| PriceBook::from_json(b"<html>502 Bad Gateway</html>")).unwrap_err();
    assert!(error.to_string().contains("genai-prices"), "{error}");
    assert_eq!(call("acme", "rocket").price(&shared).total(), Some(usd("2")));
    let other = br#"[{"id": "other", "models": [{"id": "m", "match": {"equals": "m"}, "prices": {"input_mtok": 1}}]}]"#;
    shared.reload(|| PriceBook::from_json(other)).unwrap();
    assert_eq!(call("acme", "rocket").price(&shared), Cost::Unpriced(UnpricedReason::UnknownProvider));
}

#[test]
fn a_charge_stands_beside_the_cost() {
    let card = PriceBook::empty()
        .with_overrides([
            PriceOverride::new("acme", "rocket").rate(Unit::Input, Rate::per_million("50").unwrap())
        ])
        .unwrap();
    let charged = |pricer: &dyn Pricer, model| match call("acme", model).price(pricer) {
        Cost::Priced(priced) => (priced.total, priced.charge()),
        other => panic!("{other:?}"),
    };
    let percent = Markup::new(book()).percent(Rate::from_decimal("12.5").unwrap()).per_call(usd("0.01"));
    assert_eq!(charged(&percent, "rocket"), (usd("2"), Some(usd("2.26"))));
    let discount = Markup::new(book()).factor(Rate::from_decimal("0.5").unwrap());
    assert_eq!(charged(&discount, "rocket"), (usd("2"), Some(usd("1"))));
    let by_card = Markup::new(book()).card(card);
    assert_eq!(charged(&by_card, "rocket"), (usd("2"), Some(usd("50"))));
    assert_eq!(charged(&by_card, "dated"), (usd("2"), None));
    assert_eq!(charged(&book(), "rocket"), (usd("2"), None));
    call("acme", "unheard-of").has_no_price(UnpricedReason::UnknownModel);
}

#[test]
fn a_record_carries_cost_and_charge() {
    let pricer = Markup::new(book()).percent(Rate::from_decimal("12.5").unwrap());
    let mut record = Record::new(SystemTime::UNIX_EPOCH);
    record.cost = call("acme", "rocket").price(&pricer);
    let json = record.to_json();
    assert!(json.contains(r#""cost_usd":2,"charge_usd":2.25,"#), "{json}");
    let back = Record::from_json(json.as_bytes()).unwrap();
    assert_eq!((back.cost.total(), back.cost.charge()), (Some(usd("2")), Some(usd("2.25"))));
}

#[test]
fn the_age_of_the_data_is_known_where_its_date_is() {
    let day = Duration::from_secs(86_400);
    let date = SystemTime::UNIX_EPOCH + day * 1_000;
    let dated = PriceBook::builder().dated(date).stale_after(day * 10).build();
    assert_eq!(dated.age(date + day * 3), Some(day * 3));
    assert_eq!(dated.age(date - day), Some(Duration::ZERO));
    assert!(!dated.is_stale(date + day * 9) && dated.is_stale(date + day * 10));
    assert_eq!((PriceBook::empty().age(date), PriceBook::empty().is_stale(date)), (None, false));
}

#[test]
fn sources_that_disagree_are_listed() {
    let litellm = r#"{"gpt": {"litellm_provider": "openai", "input_cost_per_token": 3e-06, "output_cost_per_token": 2e-06}}"#;
    let builder =
        PriceBook::builder().genai_prices(GENAI.as_bytes()).unwrap().litellm(litellm.as_bytes()).unwrap();
    let found: Vec<String> = builder.build().disagreements().iter().map(ToString::to_string).collect();
    assert_eq!(found.first().map(String::as_str), Some("openai/gpt\tinput\t>0\t0.000001\t0.000003"));
    assert!(!found.iter().any(|line| line.contains("\toutput\t")), "{found:?}");
}

#[test]
fn an_override_stands_before_every_name_of_its_model_that_the_data_spells() {
    let data = br#"[{"id": "acme", "models": [
        {"id": "rocket", "match": {"or": [{"equals": "rocket"}, {"equals": "rocket-2026-08-07"}]}, "prices": {"input_mtok": 2}},
        {"id": "rocket-mini", "match": {"equals": "rocket-mini"}, "prices": {"input_mtok": 1}}]}]"#;
    let litellm =
        br#"{"acme/rocket-2026-08-07": {"litellm_provider": "acme", "input_cost_per_token": 3e-06}}"#;
    let book = PriceBook::builder().genai_prices(data).unwrap().litellm(litellm).unwrap().build();
    let ours = || PriceOverride::new("acme", "rocket").rate(Unit::Input, Rate::per_million("0.5").unwrap());
    let usage = tokens(1_000_000, 0);
    let cost = |book: &PriceBook, model: &str| {
        let (provider, model) = (Provider::new("acme").unwrap(), Text::new(model).unwrap());
        let mut call = PricedCall::new(&usage, SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000));
        (call.provider, call.response_model) = (Some(&provider), Some(&model));
        book.price(&call).total()
    };
    let with_ours = book.with_overrides([ours()]).unwrap();
    for model in ["rocket", "rocket-2026-08-07", "acme/rocket"] {
        assert_eq!(cost(&with_ours, model), Some(usd("0.5")), "{model}");
    }
    assert_eq!(cost(&with_ours, "rocket-mini"), Some(usd("1")));
    let by_prefix = book.with_overrides([ours().prefix("rocket-")]).unwrap();
    assert_eq!(cost(&by_prefix, "rocket-mini"), Some(usd("0.5")));
}

#[test]
fn json_that_is_no_price_list_leaves_the_old_book_in_place() {
    let shared = SharedPriceBook::new(PriceBook::from_genai_prices(GENAI.as_bytes()).unwrap());
    for data in
        [r#"{"message":"Not Found","status":"404"}"#, "{}", "[]", r#"{"providers":[]}"#, "<html>502</html>"]
    {
        assert!(shared.reload(|| PriceBook::from_json(data.as_bytes())).is_err(), "{data}");
        let (provider, model, usage) =
            (Provider::new("acme").unwrap(), Text::new("rocket").unwrap(), tokens(1, 0));
        let mut call = PricedCall::new(&usage, SystemTime::now());
        (call.provider, call.model) = (Some(&provider), Some(&model));
        assert!(matches!(shared.price(&call), Cost::Priced(_)));
    }
}

#[test]
fn what_somebody_made_of_a_model_is_not_priced_as_the_model() {
    let book = PriceBook::from_genai_prices(GENAI.as_bytes()).unwrap();
    let usage = tokens(1, 0);
    for (provider, model) in [
        ("openai", "gpt@my-lora"),
        ("openai", "acme-private/models/gpt"),
        ("google", "projects/1/locations/us-central1/models/gem"),
    ] {
        let (provider, model) = (Provider::new(provider).unwrap(), Text::new(model).unwrap());
        let mut call = PricedCall::new(&usage, SystemTime::now());
        (call.provider, call.model) = (Some(&provider), Some(&model));
        assert_eq!(book.price(&call), Cost::Unpriced(UnpricedReason::UnknownModel), "{model}");
    }
}
