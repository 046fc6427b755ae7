//! What pricing takes of memory.

use allocation_counter::measure;
use std::time::{Instant, SystemTime};
use tower_llm_metrics::price::SharedPriceBook;
use tower_llm_metrics::record::{Text, Usage};
use tower_llm_metrics::{PriceBook, PricedCall, Pricer, Provider};

#[test]
fn a_warm_book_allocates_nothing_and_the_snapshot_is_small() {
    let snapshot = PriceBook::bundled().to_snapshot();
    let begun = Instant::now();
    let mut book = None;
    let loaded = measure(|| book = Some(PriceBook::from_snapshot(&snapshot).unwrap()));
    let (time, book) = (begun.elapsed(), book.unwrap());
    let (held, most) = (loaded.bytes_current, loaded.bytes_max);
    println!("loaded {} entries in {time:?}; holds {held} bytes, {most} while it was loaded", book.len());
    assert!(held < 3_000_000, "{held}");

    let mut usage = Usage::default();
    usage.input_tokens = Some(12_345);
    usage.cache_read_tokens = Some(2_000);
    usage.cache_write_tokens = Some(1_000);
    usage.cache_write_1h_tokens = Some(500);
    usage.output_tokens = Some(678);
    usage.reasoning_tokens = Some(99);
    let names = [
        ("openai", "gpt-4o-2024-08-06"),
        ("openai", "gpt-4.1"),
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("google", "models/gemini-2.5-pro"),
        ("aws", "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("azure", "GPT-4o"),
        ("openrouter", "someone/nobody-knows-7b:free"),
        ("no-such-provider", "model"),
    ];
    let names = names.map(|(p, m)| (Provider::new(p).unwrap(), Text::new(m).unwrap()));
    let (flex, eu) = (Text::new("flex").unwrap(), Text::new("eu").unwrap());
    let shared = SharedPriceBook::new(book.clone());
    let price_all = |pricer: &dyn Pricer| {
        for (provider, model) in &names {
            for (tier, region) in [(None, None), (Some(&flex), None), (None, Some(&eu))] {
                let mut call = PricedCall::new(&usage, SystemTime::UNIX_EPOCH);
                (call.provider, call.model, call.response_model) = (Some(provider), Some(model), Some(model));
                (call.service_tier, call.region) = (tier, region);
                std::hint::black_box(pricer.price(&call));
            }
        }
    };
    price_all(&shared);
    let warm = measure(|| {
        for _ in 0..100 {
            price_all(&book);
            price_all(&shared);
        }
    });
    assert_eq!(warm.count_total, 0);

    // Names that callers make up take a fixed amount at most.
    let provider = Provider::OPENAI;
    let flood = measure(|| {
        for number in 0..50_000 {
            let model = Text::new(&format!("{number:0>256}")).unwrap();
            let mut call = PricedCall::new(&usage, SystemTime::UNIX_EPOCH);
            (call.provider, call.model) = (Some(&provider), Some(&model));
            book.price(&call);
        }
    });
    let more = flood.bytes_current;
    println!("a flood of names holds {more} bytes");
    assert!(more < 4_500_000, "{more}");
}
