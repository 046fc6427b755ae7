//! What one price list says and another does not, of a model that has several names, endpoints and lists.

use super::call::{Call, tokens, usd};
use tower_llm_metrics::price::PriceOverride;
use tower_llm_metrics::record::{PriceMatch, Rate, Unit, UnpricedReason, Usage};
use tower_llm_metrics::{Cost, PriceBook};

const GENAI: &str = r#"[
  {"id": "openai", "models": [
    {"id": "gpt", "match": {"equals": "gpt"}, "prices": {"input_mtok": 5, "cache_read_mtok": 0.5, "output_mtok": 30, "web_searches_kcount": 10,
      "storage_searches_kcount": 2.5}, "price_variants": [{"when": {"service_tier": "flex"}, "prices": {"input_mtok": 2.5, "output_mtok": 15}}]},
    {"id": "gpt-search-api", "match": {"equals": "gpt-search-api"}, "prices": {"input_mtok": 1, "output_mtok": 2}},
    {"id": "tts", "match": {"equals": "tts"}, "prices": {"input_mchars": 15}}]},
  {"id": "azure", "fallback_model_providers": ["openai"], "models": []},
  {"id": "aws", "models": [{"id": "regional.sol", "match": {"starts_with": "sol"}, "prices": {"input_mtok": 7}},
    {"id": "nova", "match": {"contains": "nova"}, "prices": {"input_mtok": 1}}]},
  {"id": "google", "models": [
    {"id": "gemini-2.5-flash", "match": {"equals": "gemini-2.5-flash"}, "prices": {"input_mtok": 1, "output_mtok": 2, "web_searches_kcount": 35}},
    {"id": "gemini-3-flash", "match": {"equals": "gemini-3-flash"}, "prices": {"input_mtok": 1, "output_mtok": 2, "web_searches_kcount": 14}}]},
  {"id": "mistral", "models": [
    {"id": "ocr", "match": {"equals": "ocr"}, "prices": {"input_document_kpages": 4, "input_annotated_document_kpages": 5}},
    {"id": "ocr-plain", "match": {"equals": "ocr-plain"}, "prices": {"input_document_kpages": 1}}]},
  {"id": "cohere", "models": [{"id": "embed", "match": {"equals": "embed"}, "prices": {"input_mtok": 0.12}}]},
  {"id": "groq", "models": [{"id": "llama", "match": {"equals": "llama"}, "prices": {"input_mtok": 1, "output_mtok": 1}}]}]"#;

const LITELLM: &str = r#"{
  "gpt": {"litellm_provider": "openai", "input_cost_per_token": 5e-06, "regional_processing_uplift_multiplier_eu": 1.1,
    "regional_processing_uplift_multiplier_us": 1.1, "fedramp_uplift_multiplier": 1.2},
  "gpt-old": {"litellm_provider": "openai", "input_cost_per_token": 5e-06},
  "gpt-search-api": {"litellm_provider": "openai", "input_cost_per_token": 1e-06,
    "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_high": 0.01}},
  "azure/gpt": {"litellm_provider": "azure", "input_cost_per_token": 6e-06, "output_cost_per_token": 3e-05,
    "search_context_cost_per_query": {"search_context_size_low": 0.014, "search_context_size_high": 0.014}},
  "azure/large": {"litellm_provider": "azure", "input_cost_per_token": 8e-06},
  "azure_ai/large": {"litellm_provider": "azure_ai", "input_cost_per_token": 2e-06},
  "azure/same": {"litellm_provider": "azure", "input_cost_per_token": 1e-06},
  "azure_ai/same": {"litellm_provider": "azure_ai", "input_cost_per_token": 1e-06},
  "sol": {"litellm_provider": "bedrock_converse", "input_cost_per_token": 2e-06},
  "bedrock_mantle/sol": {"litellm_provider": "bedrock_mantle", "input_cost_per_token": 2.2e-06},
  "bedrock/sol-latest": {"alias_of": "sol"},
  "bedrock_mantle/sol-latest": {"alias_of": "bedrock_mantle/sol"},
  "bedrock/newest": {"alias_of": "bedrock/sol-latest"},
  "lost": {"alias_of": "nowhere"},
  "us-gov.nova": {"litellm_provider": "bedrock_converse", "input_cost_per_token": 1.2e-06},
  "bedrock/eu-west-2/nova": {"litellm_provider": "bedrock", "input_cost_per_token": 1.5e-06},
  "bedrock/claude_platform/claude": {"litellm_provider": "bedrock", "input_cost_per_token": 1e-06, "provider_specific_entry": {"us": 1.1}},
  "vertex_ai/gem": {"litellm_provider": "vertex_ai-language-models", "input_cost_per_token": 1e-06, "regional_endpoint_uplift_multiplier": 1.1},
  "gem": {"litellm_provider": "vertex_ai-language-models", "input_cost_per_token": 1e-06},
  "gemini/gem": {"litellm_provider": "gemini", "input_cost_per_token": 0.0},
  "gemini/gemini-2.5-flash": {"litellm_provider": "gemini", "input_cost_per_token": 1e-06, "google_maps_grounding_cost_per_query": 0.025},
  "gemini/gemini-3-flash": {"litellm_provider": "gemini", "input_cost_per_token": 1e-06, "web_search_billing_unit": "per_query",
    "google_maps_grounding_cost_per_query": 0.014},
  "dashscope/qwen-max": {"litellm_provider": "dashscope", "input_cost_per_token": 1.6e-06},
  "dashscope/qwen-max-2025-01-25": {"litellm_provider": "dashscope", "input_cost_per_token": 1.2e-06},
  "dashscope/qwen-plus": {"litellm_provider": "dashscope", "input_cost_per_token": 4e-07},
  "dashscope/qwen-plus-2025-01-25": {"litellm_provider": "dashscope", "input_cost_per_token": 4e-07},
  "cohere/embed": {"litellm_provider": "cohere", "mode": "embedding", "input_cost_per_token": 1.2e-07, "input_cost_per_image_token": 4.7e-07},
  "free": {"litellm_provider": "ollama", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
  "half-free": {"litellm_provider": "ollama", "input_cost_per_token": 0.0}}"#;

fn book() -> PriceBook {
    let builder =
        PriceBook::builder().genai_prices(GENAI.as_bytes()).unwrap().litellm(LITELLM.as_bytes()).unwrap();
    builder.build()
}

/// A call that the requested model answered.
fn call(provider: &'static str, model: &'static str) -> Call {
    Call { answered_by: Some(model), time: "2026-11-28T00:00:00Z", ..Call::new(book, provider, model) }
}

#[test]
fn two_prices_of_one_name_are_told_apart_by_the_host_that_was_called() {
    for (provider, model, host, cost, entry) in [
        ("aws", "sol", "bedrock-mantle.us-east-1.api.aws", "2.2", "bedrock_mantle/sol"),
        ("aws", "sol", "bedrock-runtime.us-east-1.amazonaws.com", "2", "aws/sol"),
        ("azure", "large", "res.openai.azure.com", "8", "azure/large"),
        ("azure", "large", "res.services.ai.azure.com", "2", "azure_ai/large"),
        ("google", "gem", "generativelanguage.googleapis.com", "0", "gemini/gem"),
        ("google", "gem", "aiplatform.googleapis.com", "1", "google/gem"),
        ("aws", "claude", "aws-external-anthropic.us-east-1.api.aws", "1", "claude_platform/claude"),
    ] {
        let priced = call(provider, model).at(host).priced();
        assert_eq!((priced.total, &*priced.entry), (usd(cost), entry), "{host}");
        assert_eq!(priced.matched, PriceMatch::Exact, "{host}");
    }
}

#[test]
fn where_nobody_knows_which_of_two_prices_holds_the_match_is_ambiguous() {
    for (provider, model, matched) in [
        ("azure", "large", PriceMatch::Ambiguous),
        ("azure", "same", PriceMatch::Exact),
        ("google", "gem", PriceMatch::Ambiguous),
        ("aws", "sol", PriceMatch::Ambiguous),
    ] {
        assert_eq!(call(provider, model).priced().matched, matched, "{provider}/{model}");
        let behind_a_gateway = call(provider, model).at("gateway.internal");
        assert_eq!(behind_a_gateway.priced().matched, matched, "{provider}/{model}");
    }
    // The application's own price is the one that it says it is, and a call that both bill alike is not in doubt.
    let ours = PriceOverride::new("azure", "large").rate(Unit::Input, Rate::ZERO);
    let Cost::Priced(priced) = call("azure", "large").price(&book().with_overrides([ours]).unwrap()) else {
        panic!()
    };
    assert_eq!(priced.matched, PriceMatch::Exact);
    assert_eq!(Call { usage: tokens(0, 0), ..call("azure", "large") }.priced().matched, PriceMatch::Exact);
    // A name as a gateway takes it tells.
    let asked = Call { model: "azure_ai/large", ..call("azure", "large") }.at("gateway.internal");
    assert_eq!((asked.priced().total, asked.priced().matched), (usd("2"), PriceMatch::Exact));
    assert_eq!(call("azure_ai", "large").priced().total, usd("2"));
}

#[test]
fn an_applications_own_price_may_be_for_one_endpoint() {
    let ours =
        |provider| PriceOverride::new(provider, "sol").rate(Unit::Input, Rate::per_million("1").unwrap());
    let total = |host, book: &PriceBook| call("aws", "sol").at(host).price(book).total();
    let (mantle, runtime) = ("bedrock-mantle.us-east-1.api.aws", "bedrock-runtime.us-east-1.amazonaws.com");
    let for_one = book().with_overrides([ours("bedrock_mantle")]).unwrap();
    assert_eq!([mantle, runtime].map(|host| total(host, &for_one)), [Some(usd("1")), Some(usd("2"))]);
    let for_all = book().with_overrides([ours("bedrock")]).unwrap();
    assert_eq!([mantle, runtime].map(|host| total(host, &for_all)), [Some(usd("1")); 2]);
}

#[test]
fn a_providers_own_rate_stands_before_that_of_whose_model_it_resells_unit_by_unit() {
    let azure = Call { usage: tokens(1_000_000, 1_000_000), ..call("azure", "gpt") }.at("r.openai.azure.com");
    let own = azure.priced();
    assert_eq!((own.total, &*own.entry), (usd("36"), "azure/gpt"));
    azure.clone().using(|usage| usage.web_searches = Some(1)).costs("36.014");
    // What it does not list is the maker's.
    azure.clone().using(|usage| usage.cache_read_tokens = Some(1_000_000)).costs("30.5");
    azure.clone().using(|usage| usage.file_searches = Some(2)).costs("36.005");
    Call { tier: Some("flex"), ..azure }.costs("17.5");
}

#[test]
fn a_price_for_the_place_in_a_name_stands_before_a_pattern_that_passes_over_it() {
    for (model, cost) in [("nova", "1"), ("eu.nova", "1"), ("us-gov.nova", "1.2"), ("eu-west-2/nova", "1.5")]
    {
        call("aws", model).costs(cost);
    }
    let behind_a_gateway = call("aws", "bedrock/claude_platform/claude").at("gateway.internal");
    assert_eq!(&*behind_a_gateway.priced().entry, "claude_platform/claude");
}

#[test]
fn names_that_stand_for_others_are_followed_and_a_lost_one_is_told() {
    let runtime = "bedrock-runtime.us-east-1.amazonaws.com";
    let latest = call("aws", "sol-latest").at(runtime).priced();
    assert_eq!((&*latest.entry, latest.total), ("aws/sol", usd("2")));
    call("aws", "newest").at(runtime).costs("2");
    call("aws", "sol-latest").at("bedrock-mantle.us-east-1.api.aws").costs("2.2");
    let book = book();
    let lost: Vec<String> = book.refused().iter().map(ToString::to_string).collect();
    assert!(
        lost.contains(&"litellm/lost: another name of nowhere, which is not there".to_owned()),
        "{lost:?}"
    );
    // A snapshot has them all.
    let back = PriceBook::from_snapshot(&book.to_snapshot()).unwrap();
    assert_eq!(call("aws", "newest").at(runtime).price(&back).total(), Some(usd("2")));
}

#[test]
fn the_latest_of_a_name_is_not_the_name_where_the_data_lists_dates_at_other_prices() {
    call("dashscope", "qwen-max-latest").has_no_price(UnpricedReason::UnknownModel);
    call("dashscope", "qwen-plus-latest").costs("0.4");
    call("alibaba", "qwen-plus").costs("0.4");
}

#[test]
fn problems_are_grouped_by_their_reason() {
    let book = PriceBook::from_litellm(
        br#"{"a": {"litellm_provider": "x"}, "b": {"litellm_provider": "x"}, "c": {},
             "d": {"litellm_provider": "x", "input_cost_per_token": 1e-06}}"#,
    );
    let book = book.unwrap();
    let counts: Vec<_> = book.refused_by_reason().iter().map(|(reason, all)| (*reason, all.len())).collect();
    assert_eq!(counts, [("describes no model", 1), ("no rate that could be applied", 2)]);
}

#[test]
fn what_comes_on_top_of_the_work_is_billed_or_a_reason() {
    let openai = call("openai", "gpt");
    openai.clone().using(|usage| usage.web_searches = Some(2)).costs("5.02");
    openai.clone().using(|usage| usage.file_searches = Some(2)).costs("5.005");
    openai.using(|usage| usage.map_queries = Some(1)).has_no_price(UnpricedReason::NoRate);
    let gemini = |model| call("google", model).at("generativelanguage.googleapis.com");
    // Gemini 2 is billed by the grounded answer, Gemini 3 by the query.
    gemini("gemini-2.5-flash").using(|usage| usage.web_searches = Some(3)).costs("1.035");
    gemini("gemini-3-flash").using(|usage| usage.web_searches = Some(3)).costs("1.042");
    gemini("gemini-2.5-flash").using(|usage| usage.map_queries = Some(3)).costs("1.025");
    gemini("gemini-3-flash").using(|usage| usage.map_queries = Some(3)).costs("1.042");
    let pages = |model, read, annotated| {
        let mut usage = Usage::default();
        (usage.pages, usage.annotated_pages) = (Some(read), Some(annotated));
        Call { usage, ..call("mistral", model) }
    };
    pages("ocr", 0, 1).costs("0.005");
    pages("ocr", 3, 1).costs("0.017");
    pages("ocr-plain", 3, 0).costs("0.003");
    pages("ocr-plain", 3, 1).has_no_price(UnpricedReason::NoRate);
}

#[test]
fn a_model_that_always_searches_costs_the_fee_of_a_search_with_every_call() {
    let priced = call("openai", "gpt-search-api").priced();
    assert_eq!(priced.total, usd("1.01"));
    assert!(priced.parts().any(|part| part.unit == Unit::Requests));
}

#[test]
fn nothing_is_free_unless_the_list_says_so() {
    call("ollama", "free").costs("0");
    Call { usage: tokens(0, 0), ..call("openai", "gpt") }.costs("0");
    // Something was counted beside what costs nothing.
    call("ollama", "free").using(|usage| usage.pages = Some(1)).has_no_price(UnpricedReason::NoRate);
    call("ollama", "half-free")
        .using(|usage| usage.output_tokens = Some(1))
        .has_no_price(UnpricedReason::NoRate);
    // Parts are counted and their whole is not.
    let mut usage = tokens(0, 0);
    usage.input_image_tokens = Some(300);
    Call { usage, ..call("openai", "gpt") }.has_no_price(UnpricedReason::NoRate);
}

#[test]
fn the_rate_of_images_is_taken_from_the_list_that_has_it() {
    let mut usage = tokens(300, 0);
    usage.input_image_tokens = Some(300);
    Call { usage, ..call("cohere", "embed") }.costs("0.000141");
}

#[test]
fn where_tokens_are_processed_sets_their_price() {
    let at = |region| Call { region: Some(region), ..call("openai", "gpt") };
    for (region, cost) in [("eu", "5.5"), ("us", "5.5"), ("gov", "6"), ("global", "5")] {
        at(region).costs(cost);
    }
    // A residency costs more, by a factor that the data does not have.
    at("ae").has_no_price(UnpricedReason::NoRate);
    for region in ["eu", "ae"] {
        Call { region: Some(region), ..call("openai", "gpt-old") }.costs("5");
    }
    let vertex = |region| Call { region: Some(region), ..call("google", "gem") };
    vertex("europe-west4").at("europe-west4-aiplatform.googleapis.com").costs("1.1");
    vertex("global").at("aiplatform.googleapis.com").costs("1");
    let platform = Call { region: Some("us"), ..call("aws", "claude") };
    platform.at("aws-external-anthropic.us-east-1.api.aws").costs("1.1");
}

#[test]
fn a_tier_that_costs_the_standard_price_by_its_documentation_is_priced_so() {
    let flex = Call { tier: Some("flex"), ..call("groq", "llama") }.priced();
    assert_eq!((flex.total, flex.tier), (usd("1"), None));
    Call { tier: Some("performance"), ..call("groq", "llama") }.has_no_price(UnpricedReason::UnknownTier);
}

#[test]
fn speech_is_priced_by_its_characters() {
    let mut usage = Usage::default();
    usage.characters = Some(1_000);
    Call { usage, ..call("openai", "tts") }.costs("0.015");
}

#[cfg(feature = "prices")]
#[test]
fn the_bundled_book_prices_what_was_seen_in_the_field() {
    let book = PriceBook::bundled();
    let kilo = || tokens(1_000, 100);
    let of = |provider, model| Call { usage: kilo(), ..call(provider, model) };
    let searched = |usage: &mut Usage| usage.web_searches = Some(1);
    let mut annotated = Usage::default();
    annotated.annotated_pages = Some(1);
    let mut pictures = tokens(300, 0);
    pictures.input_image_tokens = Some(300);
    // Cohere's cache counts what the model saw, of which less is billed.
    let mut seen = tokens(4_612, 3);
    seen.cache_read_tokens = Some(6_048);
    let mut spoken = Usage::default();
    spoken.characters = Some(1_000);
    for (call, cost) in [
        (of("azure", "gpt-5.5").at("r.openai.azure.com").using(searched), "0.022"),
        (of("azure", "mistral-large-latest").at("r.openai.azure.com"), "0.0104"),
        (of("azure", "mistral-large-latest").at("r.services.ai.azure.com"), "0.0026"),
        (of("aws", "openai.gpt-6-sol").at("bedrock-mantle.us-east-1.api.aws"), "0.0033"),
        (of("aws", "openai.gpt-6-sol").at("bedrock-runtime.us-east-1.amazonaws.com"), "0.003"),
        (of("aws", "us.anthropic.claude-opus-5").at("bedrock-runtime.us-east-1.amazonaws.com"), "0.00825"),
        (of("dashscope", "qwen-max-latest").at("dashscope-intl.aliyuncs.com"), "0.0026"),
        (of("dashscope", "qwen-max").at("dashscope-intl.aliyuncs.com"), "0.00224"),
        (of("anthropic", "claude-opus-latest"), "0.006"),
        (of("openai", "gpt-sol-latest"), "0.003"),
        (of("openai", "gpt-5-search-api"), "0.01225"),
        (Call { region: Some("eu"), ..of("openai", "gpt-5.4") }, "0.0044"),
        (Call { region: Some("eu"), ..of("openai", "gpt-4o") }, "0.0035"),
        (Call { region: Some("gov"), ..of("openai", "gpt-4o") }, "0.00385"),
        (Call { tier: Some("flex"), ..of("groq", "openai/gpt-oss-120b") }, "0.00021"),
        (Call { usage: annotated, ..call("mistral", "mistral-ocr-latest") }, "0.005"),
        (Call { usage: pictures, ..call("cohere", "embed-v4.0") }, "0.000141"),
        (Call { usage: spoken, ..call("openai", "tts-1") }, "0.015"),
        (
            of("aws", "us-gov.anthropic.claude-sonnet-5").at("bedrock-runtime.us-gov-west-1.amazonaws.com"),
            "0.0036",
        ),
        (of("azure", "azure/us/gpt-4.1"), "0.00308"),
        (of("perplexity", "perplexity/sonar"), "0.0005"),
        (Call { by_name: true, ..of("perplexity", "perplexity/sonar") }, "0.0131"),
        (Call { by_name: true, ..of("groq", "openai/gpt-oss-120b") }, "0.00021"),
        (
            Call {
                usage: tokens(200_001, 100),
                ..call("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0")
            },
            "1.3224816",
        ),
        (Call { usage: seen, ..call("cohere", "command-a-03-2025") }, "0.01156"),
    ] {
        let total = call.price(&book).total();
        assert_eq!(total, Some(usd(cost)), "{}/{} {:?}", call.provider, call.model, call.price(&book));
    }
}
