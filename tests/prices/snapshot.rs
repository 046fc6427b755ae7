//! The compact form of a book, and the one that is compiled in.

use tower_llm_metrics::PriceBook;

const GENAI: &str = r#"[{"id":"acme","provider_match":{"or":[{"contains":"acme"},{"equals":"a c"}]},
  "fallback_model_providers":["openai"],"models":[
    {"id":"Rocket 2","match":{"or":[{"equals":"rocket-2"},{"and":[{"starts_with":"rocket-2-"},{"regex":"^(?!.*-x$)"}]}]},
     "prices":[{"prices":{"input_mtok":{"base":1.5,"tiers":[{"start":100000,"price":3}]},"output_mtok":0.18000000000000002}},
       {"constraint":{"start_date":"2026-10-14"},"prices":{"input_mtok":2}},
       {"constraint":{"start_time":"22:00:00Z","end_time":"06:00:00Z"},"prices":{"input_mtok":1}}],
     "price_variants":[{"when":{"processing":"batch"},"prices":{"input_mtok":0.75}},
       {"when":{"service_tier":"flex"},"constraint":{"start_date":"2026-10-14"},"prices":{"input_mtok":0.5}},
       {"when":{"route":"acme/eu"},"prices":{"input_mtok":4}}]},
    {"id":"free","match":{"contains":"free"},"prices":{}},
    {"id":"label","match":{"ends_with":"rocket-3"},"prices":{"input_mtok":9}}]},
  {"id":"groq","models":[{"id":"whisper-large-v3","match":{"equals":"whisper-large-v3"},"prices":{"audio_hours":0.111}}]}]"#;

const LITELLM: &str = r#"{
  "vertex_ai/gem":{"litellm_provider":"vertex_ai","mode":"chat","input_cost_per_token":1e-06,"output_cost_per_token":2e-06,
    "input_cost_per_token_flex":5e-07,"regional_endpoint_uplift_multiplier":1.1,"cache_read_input_token_cost":1.8518518518518518e-08},
  "deepseek/chat":{"litellm_provider":"deepseek","input_cost_per_token":2e-06,"off_peak_pricing":{"input_cost_per_token":1e-06,
    "windows":[{"hours_utc":"10:00-00:00","weekdays":[6,7]}],"weekday_timezone":"Asia/Shanghai"}},
  "gpt-z":{"litellm_provider":"openai","input_cost_per_token":1e-06,"regional_processing_uplift_multiplier_eu":1.1,
    "provider_specific_entry":{"us":1.2,"fast":2.0}}}"#;

fn book() -> PriceBook {
    let builder =
        PriceBook::builder().genai_prices(GENAI.as_bytes()).unwrap().litellm(LITELLM.as_bytes()).unwrap();
    let date = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_392_000);
    builder.version("test 1").dated(date).build()
}

#[test]
fn a_snapshot_reads_back_as_the_book_that_it_was_made_of() {
    let book = book();
    assert_eq!(book.refused(), []);
    let snapshot = book.to_snapshot();
    let back = PriceBook::from_snapshot(&snapshot).unwrap();
    assert_eq!(back.refused(), []);
    assert_eq!((back.version(), back.date()), (book.version(), book.date()));
    assert!(back.entries().eq(book.entries()));
    assert_eq!(back.to_snapshot(), snapshot);
}

#[test]
fn a_snapshot_that_is_cut_is_an_error() {
    let snapshot = book().to_snapshot();
    let last = snapshot.trim_end().len() - 1;
    for end in (0..last).filter(|end| snapshot.is_char_boundary(*end)) {
        assert!(PriceBook::from_snapshot(&snapshot[..end]).is_err(), "{end}");
    }
}

#[test]
fn a_snapshot_that_is_spoilt_never_panics() {
    let snapshot = book().to_snapshot();
    for at in 0..snapshot.len() {
        for byte in [b'\t', b'9', b'|'] {
            let mut spoilt = snapshot.clone().into_bytes();
            spoilt[at] = byte;
            if let Ok(book) = PriceBook::from_snapshot(&String::from_utf8_lossy(&spoilt)) {
                let _ = book.to_snapshot();
            }
        }
    }
    let header = |rates, providers, entries| {
        format!(
            r#"{{"version":"v","date":null,"tiers":["standard","batch"],"rates":{rates},"providers":{providers},"entries":{entries}}}"#
        )
    };
    for (header, lines) in [
        (header(0, 0, u64::MAX), ""),
        (header(1, 0, 0), r#"{"inputs":"1e-6"}"#),
        (header(1, 0, 0), r#"{"input>x":"1e-6"}"#),
        (header(0, 0, 1), r#"{"name":"x","provider":0,"prices":[0]}"#),
        (header(0, 1, 1), "{\"id\":\"a\"}\n{\"name\":\"x\",\"provider\":0,\"prices\":[0]}"),
        (
            r#"{"version":"v","date":null,"tiers":["batch"],"rates":0,"providers":0,"entries":0}"#.to_owned(),
            "",
        ),
        (String::new(), ""),
    ] {
        let bad = format!("{header}\n{lines}\n");
        assert!(PriceBook::from_snapshot(&bad).is_err(), "{bad}");
    }
}

#[cfg(feature = "prices")]
#[test]
fn the_bundled_prices_are_complete_and_dated() {
    let book = PriceBook::bundled();
    assert_eq!(book.refused(), []);
    assert!(book.len() > 5_000);
    assert!(book.date().is_some() && book.version().starts_with("genai-prices-"));
    for provider in
        ["openai", "anthropic", "google", "aws", "azure", "mistral", "x-ai", "cohere", "deepinfra"]
    {
        assert!(book.entries().any(|(of, _)| of == provider), "{provider}");
    }
}

#[cfg(feature = "prices")]
#[test]
fn the_bundled_file_is_what_its_book_is_written_as() {
    let file = include_str!("../../src/price/data/prices.jsonl");
    let data = file.find("\n{").map(|end| &file[end + 1..]);
    assert!(data == Some(&*PriceBook::bundled().to_snapshot()), "make it anew");
}
