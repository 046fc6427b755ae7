//! The price book and the genai-prices crate on the same calls, with the same data, in one run: `cargo bench`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use genai_prices::{Calculator, PriceRequest, Usage as TheirUsage, UsageKey};
use price_oracle::{data, models, moments};
use std::hint::black_box;
use tower_llm_metrics::record::{Text, Usage};
use tower_llm_metrics::{PriceBook, PricedCall, Pricer, Provider};

fn side_by_side(c: &mut Criterion) {
    let Some(data) = data() else { return };
    let (book, calculator) =
        (PriceBook::from_genai_prices(&data).unwrap(), Calculator::from_json(&data).unwrap());
    // Every ninth model of every provider.
    let names: Vec<(String, String)> = models(&data).into_iter().step_by(9).collect();
    let time = moments()[2];
    let mut group = c.benchmark_group("side by side");
    group.throughput(Throughput::Elements(names.len() as u64));

    let mut usage = Usage::default();
    (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) =
        (Some(12_345), Some(678), Some(8_000));
    let ours: Vec<_> =
        names.iter().map(|(p, m)| (Provider::new(p).unwrap(), Text::new(m).unwrap())).collect();
    group.bench_function("price book", |b| {
        b.iter(|| {
            for (provider, model) in &ours {
                let mut call = PricedCall::new(&usage, time);
                (call.provider, call.model) = (Some(provider), Some(model));
                black_box(&book.price(black_box(&call)));
            }
        });
    });

    let usage = TheirUsage::from([
        (UsageKey::INPUT_TOKENS, 12_345.0),
        (UsageKey::OUTPUT_TOKENS, 678.0),
        (UsageKey::CACHE_READ_TOKENS, 8_000.0),
    ]);
    group.bench_function("genai-prices", |b| {
        b.iter(|| {
            for (provider, model) in &names {
                let request =
                    PriceRequest::new(model, &usage).with_provider_id(provider).with_timestamp(time);
                let _ = black_box(calculator.calculate(black_box(&request)));
            }
        });
    });
    group.finish();
    let mut group = c.benchmark_group("load");
    group.sample_size(20);
    group.bench_function("price book", |b| b.iter(|| PriceBook::from_genai_prices(black_box(&data))));
    group.bench_function("genai-prices", |b| b.iter(|| Calculator::from_json(black_box(&data))));
    group.finish();
}

criterion_group!(benches, side_by_side);
criterion_main!(benches);
