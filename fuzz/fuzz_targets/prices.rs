//! Price data in every format: what is read prices calls, and is written as a snapshot that reads back as the same book.
//!
//! The first byte chooses the format.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{Text, Usage};
use tower_llm_metrics::{PriceBook, PricedCall, Pricer, Provider};

fn book(input: &[u8]) -> Option<PriceBook> {
    let (format, data) = input.split_first()?;
    match format {
        b'g' => PriceBook::from_genai_prices(data).ok(),
        b'l' => PriceBook::from_litellm(data).ok(),
        b'j' => PriceBook::from_json(data).ok(),
        b's' => PriceBook::from_snapshot(std::str::from_utf8(data).ok()?).ok(),
        b'o' => PriceBook::empty().with_overrides_json(data).ok(),
        _ => {
            let (genai, litellm) = data.split_at_checked(data.iter().position(|byte| *byte == 0)?)?;
            let book = PriceBook::builder().genai_prices(genai).ok()?.litellm(litellm.get(1..)?).ok()?;
            Some(book.build())
        }
    }
}

fn usage() -> Usage {
    let mut usage = Usage::default();
    (usage.input_tokens, usage.output_tokens) = (Some(300_000), Some(u64::MAX));
    (usage.cache_read_tokens, usage.cache_read_audio_tokens) = (Some(7), Some(3));
    (usage.input_image_tokens, usage.web_searches, usage.pages) = (Some(9), Some(2), Some(1));
    (usage.seconds, usage.images) = (Some(Duration::from_millis(1_500)), Some(1));
    usage
}

/// What the book says of names that are in another one, and of names close to these.
fn prices(book: &PriceBook, of: &PriceBook) -> Vec<String> {
    let usage = usage();
    let mut prices = Vec::new();
    for (provider, name) in of.entries().take(16) {
        let Ok(provider) = Provider::new(provider) else { continue };
        for name in
            [name.to_owned(), format!("{name}-latest"), format!("models/{name}-2026-01-31"), "a".repeat(256)]
        {
            let Ok(model) = Text::new(&name) else { continue };
            for (tier, region) in [(None, None), (Some("flex"), Some("eu"))] {
                let tier = tier.map(Text::new).and_then(Result::ok);
                let region = region.map(Text::new).and_then(Result::ok);
                let mut call =
                    PricedCall::new(&usage, SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000));
                (call.provider, call.model) = (Some(&provider), Some(&model));
                (call.service_tier, call.region) = (tier.as_ref(), region.as_ref());
                prices.push(format!("{:?}", book.price(&call)));
            }
        }
    }
    prices
}

fuzz_target!(|input: &[u8]| {
    let Some(book) = book(input) else { return };
    let before = prices(&book, &book);
    let _ = (book.disagreements(), book.refused_by_reason());
    let snapshot = book.to_snapshot();
    let back = PriceBook::from_snapshot(&snapshot).expect("what is written is read");
    assert_eq!(back.to_snapshot(), snapshot);
    assert_eq!(prices(&back, &book), before);
});
