//! What it takes to price a call with the bundled prices, once warm: `cargo bench --bench price`.
//!
//! A row beside the `genai-prices` crate, on the same data, is in `tests/price-oracle`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    clippy::print_stdout,
    reason = "it is a benchmark"
)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::SystemTime;
use tower_llm_metrics::record::{Text, Usage};
use tower_llm_metrics::{PriceBook, PricedCall, Pricer, Provider};

/// Names as calls and answers carry them: of many providers, of regions, with dates, tags and routes.
const NAMES: [(&str, &str); 24] = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4.1-mini-2025-04-14"),
    ("openai", "gpt-5.6-luna"),
    ("openai", "ft:gpt-4o-mini-2024-07-18:acme::AbC123"),
    ("anthropic", "claude-sonnet-4-5-20250929"),
    ("anthropic", "claude-opus-5"),
    ("anthropic", "claude-haiku-4-5"),
    ("google", "gemini-2.5-flash"),
    ("google", "models/gemini-2.5-pro"),
    ("google", "claude-opus-4-5@20251101"),
    ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("aws", "amazon.nova-lite-v1:0"),
    ("aws", "arn:aws:bedrock:us-east-1:1:inference-profile/us.meta.llama3-1-70b-instruct-v1:0"),
    ("azure", "gpt-4o-2024-08-06"),
    ("azure", "gpt-35-turbo-16k"),
    ("mistral", "codestral-latest"),
    ("groq", "openai/gpt-oss-120b"),
    ("x-ai", "grok-4.5-latest"),
    ("deepseek", "deepseek-v4-flash"),
    ("openrouter", "anthropic/claude-3.7-sonnet"),
    ("together", "deepseek-ai/DeepSeek-V4.1-Flash"),
    ("fireworks", "accounts/fireworks/models/glm-5p2"),
    ("zai", "GLM-4.5-Air"),
];

/// Names that nobody has a price for.
const UNKNOWN: [(&str, &str); 4] = [
    ("openai", "gpt-4o:online"),
    ("openrouter", "someone/something-7b:free"),
    ("aws", "arn:aws:bedrock:eu-west-1:1:application-inference-profile/abcdef123456"),
    ("no-such-provider", "model"),
];

fn calls(names: &[(&str, &str)]) -> Vec<(Provider, Text)> {
    names.iter().map(|(p, m)| (Provider::new(p).unwrap(), Text::new(m).unwrap())).collect()
}

fn usage() -> Usage {
    let mut usage = Usage::default();
    usage.input_tokens = Some(12_345);
    usage.cache_read_tokens = Some(8_000);
    usage.output_tokens = Some(678);
    usage
}

fn pricing(c: &mut Criterion) {
    let book = PriceBook::bundled();
    let (usage, time) = (usage(), SystemTime::now());
    let mut group = c.benchmark_group("price");
    for (what, names) in [("mixed names", &NAMES[..]), ("unknown names", &UNKNOWN[..])] {
        let calls = calls(names);
        group.throughput(Throughput::Elements(calls.len() as u64));
        group.bench_function(what, |b| {
            b.iter(|| {
                for (provider, model) in &calls {
                    let mut call = PricedCall::new(&usage, time);
                    (call.provider, call.model) = (Some(provider), Some(model));
                    black_box(&book.price(black_box(&call)));
                }
            });
        });
    }
    group.finish();
}

fn loading(c: &mut Criterion) {
    let snapshot = PriceBook::bundled().to_snapshot();
    c.bench_function("load the snapshot", |b| {
        b.iter_batched(
            || (),
            |()| PriceBook::from_snapshot(black_box(&snapshot)).unwrap(),
            BatchSize::PerIteration,
        );
    });
}

criterion_group!(benches, pricing, loading);
criterion_main!(benches);
