//! The look at a request of 1 MB, an image before its user, beside what else could be done with the same bytes; in cache, and
//! from memory: one of 128 copies each time.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::Full;
use serde::Deserialize;
use std::hint::black_box;
use std::time::Duration;
use tower::{Layer, service_fn};
use tower_llm_metrics::{Record, RequestBody, UserMetricsLayer};
use whole::body::{call, drain};

/// More than the caches hold.
const COPIES: usize = 128;

#[derive(Deserialize)]
struct Typed<'a> {
    user: &'a str,
}

type Body = Full<bytes::Bytes>;

fn image(criterion: &mut Criterion) {
    let text = whole::cases::image_text();
    let copies: Vec<bytes::Bytes> = (0..COPIES).map(|_| bytes::Bytes::from(text.clone())).collect();
    for (from, copies) in [("in cache", &copies[..1]), ("from memory", &copies[..])] {
        let mut group = criterion.benchmark_group(format!("1 MB request {from}"));
        group
            .throughput(Throughput::Bytes(text.len() as u64))
            .sample_size(30)
            .measurement_time(Duration::from_secs(2));
        let mut measure = |name: &str, run: &mut dyn FnMut(&bytes::Bytes)| {
            let mut copies = copies.iter().cycle();
            group.bench_function(name, |bencher| {
                bencher.iter(|| copies.next().into_iter().for_each(&mut *run))
            });
        };
        let mut room = vec![0; text.len()];
        measure("memcpy", &mut |text| room.copy_from_slice(black_box(text)));
        measure("memmem", &mut |text| {
            black_box(memchr::memmem::find(text, b"\"user\":"));
        });
        measure("serde_json, typed", &mut |text| {
            black_box(serde_json::from_slice::<Typed<'_>>(text).unwrap().user);
        });
        measure("serde_json::Value", &mut |text| {
            black_box(serde_json::from_slice::<serde_json::Value>(text).unwrap());
        });
        let answer = |request: http::Request<RequestBody<Body>>| {
            drain(request.into_body());
            std::future::ready(Ok::<_, std::convert::Infallible>(http::Response::new(Body::default())))
        };
        let mut service = UserMetricsLayer::new(|_: &Record| ()).layer(service_fn(answer));
        measure("the whole call, with this layer", &mut |text| {
            let request = http::Request::post("https://api.openai.com/v1/chat/completions");
            call(&mut service, request.body(Body::new(text.clone())).unwrap());
        });
        group.finish();
    }
}

criterion_group!(benches, image);
criterion_main!(benches);
