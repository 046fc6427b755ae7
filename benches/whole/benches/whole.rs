//! Whole calls: bare, with other layers, with this one and with the naive way, side by side.

use axum_prometheus::PrometheusMetricLayerBuilder;
use axum_prometheus::metrics_exporter_prometheus::PrometheusBuilder;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::{Request, Response};
use http_body::Body;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tower::{Layer, Service, service_fn};
use tower_http::trace::TraceLayer;
use tower_llm_metrics::{FileSink, MemorySink, PriceBook, Record, RequestBody, UserMetricsLayer};
use whole::body::{Frames, answer, call};
use whole::cases::{self, Case};
use whole::naive::Naive;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// So few requests at a time that the allocator hands out memory that is warm, as it does in a busy server.
const BATCH: BatchSize = BatchSize::NumIterations(32);

/// So many calls come before: a `MemorySink` keeps the last thousand records in the room of those before them.
const WARM: usize = 1_100;

/// Measures the service on the case, and counts the allocations of one warm call.
fn measure<S, R>(criterion: &mut Criterion, case: &Case, name: &str, mut service: S)
where
    S: Service<Request<Frames>, Response = Response<R>>,
    R: Body,
{
    for _ in 0..WARM {
        call(&mut service, case.request());
    }
    let request = case.request();
    let region = Region::new(HEAP);
    call(&mut service, request);
    println!("{} / {name}: {} allocations", case.name, region.change().allocations);
    criterion.benchmark_group(case.name).bench_function(name, |bencher| {
        bencher.iter_batched(|| case.request(), |request| call(&mut service, request), BATCH);
    });
}

/// A sink that writes to files below `target`.
fn file_sink() -> FileSink {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("records");
    let _ = std::fs::remove_dir_all(&dir);
    FileSink::builder(dir).queue_bytes(256 << 20).open().unwrap()
}

fn calls(criterion: &mut Criterion) {
    let recorder = PrometheusBuilder::new().install_recorder().unwrap();
    let prometheus = PrometheusMetricLayerBuilder::new().build();
    let metered = |layer: UserMetricsLayer| layer.layer(service_fn(answer::<RequestBody<Frames>>));
    for case in cases::all() {
        measure(criterion, &case, "bare service", service_fn(answer::<Frames>));
        measure(
            criterion,
            &case,
            "TraceLayer",
            TraceLayer::new_for_http().layer(service_fn(answer::<Frames>)),
        );
        measure(criterion, &case, "axum-prometheus", prometheus.layer(service_fn(answer::<Frames>)));
        measure(criterion, &case, "this, no sink", metered(UserMetricsLayer::new(|_: &Record| ())));
        measure(criterion, &case, "this, MemorySink", metered(UserMetricsLayer::new(MemorySink::new())));
        let files = file_sink();
        measure(criterion, &case, "this, FileSink", metered(UserMetricsLayer::new(files.clone())));
        drop(files);
        let both = (MemorySink::new(), file_sink());
        measure(criterion, &case, "this, both", metered(UserMetricsLayer::new(both)));
        let naive = Naive {
            inner: service_fn(answer::<http_body_util::Full<bytes::Bytes>>),
            sink: Arc::new(MemorySink::new()),
            prices: PriceBook::bundled(),
        };
        measure(criterion, &case, "naive, MemorySink", naive);
        drop(recorder.render());
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1)).sample_size(30);
    targets = calls
}
criterion_main!(benches);
