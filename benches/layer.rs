//! What a whole call costs with the layer and without: `cargo bench --bench layer`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "it is a benchmark")]

use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::{Request, Response};
use http_body::{Body, Frame};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tower::{Layer, Service, service_fn};
use tower_llm_metrics::{MemorySink, Record, RequestBody, UserMetricsLayer};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Clone)]
struct Frames(VecDeque<Bytes>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|frame| Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

fn drain(body: impl Body<Data = Bytes, Error = Infallible>) {
    let mut body = pin!(body);
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop())) {
        drop(black_box(frame));
    }
}

/// Reads the request and gives the answer.
fn answer<B: Body<Data = Bytes, Error = Infallible>>(
    request: Request<B>,
) -> Ready<Result<Response<Frames>, Infallible>> {
    let (parts, body) = request.into_parts();
    drain(body);
    ready(Ok(Response::new(parts.extensions.get::<Frames>().cloned().unwrap())))
}

fn call<S, R>(service: &mut S, request: Request<Frames>)
where
    S: Service<Request<Frames>, Response = Response<R>, Error = Infallible>,
    R: Body<Data = Bytes, Error = Infallible>,
{
    let mut future = pin!(service.call(request));
    if let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        drain(response.into_body());
    }
}

struct Case {
    name: &'static str,
    path: &'static str,
    header: bool,
    request: String,
    answer: Vec<String>,
}

impl Case {
    fn request(&self) -> Request<Frames> {
        let mut request = Request::post(format!("https://api.openai.com{}", self.path));
        if self.header {
            request = request.header("helicone-user-id", "alice");
        }
        let answer =
            Frames(self.answer.iter().map(|frame| Bytes::copy_from_slice(frame.as_bytes())).collect());
        request
            .extension(answer)
            .body(Frames([Bytes::copy_from_slice(self.request.as_bytes())].into()))
            .unwrap()
    }
}

fn cases() -> Vec<Case> {
    let prose = "The quick brown fox jumps over the lazy dog, and then it rests. ".repeat(10);
    let chat = |header: bool| Case {
        name: if header { "1 KB JSON, user in the header" } else { "1 KB JSON, user in the body" },
        path: "/v1/chat/completions",
        header,
        request: format!(
            r#"{{"model":"gpt-5-mini","messages":[{{"role":"user","content":"{prose}"}}],"user":"bob"}}"#
        ),
        answer: vec![format!(
            r#"{{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-5-mini","choices":[{{"index":0,"message":{{"role":"assistant","content":"{prose}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":130,"completion_tokens":150,"total_tokens":280,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":64,"audio_tokens":0}}}},"service_tier":"default"}}"#
        )],
    };
    let chunk = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000000,"model":"gpt-5-mini","service_tier":"default","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}],"usage":null,"obfuscation":"aBcDeF"}"#;
    let mut openai = vec![format!("{chunk}\n\n"); 98];
    openai.push("data: {\"model\":\"gpt-5-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":98}}\n\n".into());
    openai.push("data: [DONE]\n\n".into());
    let delta = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}}"#;
    let mut anthropic = vec!["event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n".to_owned()];
    anthropic.extend(vec![format!("event: content_block_delta\ndata: {delta}\n\n"); 97]);
    anthropic.push("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":97}}\n\n".into());
    anthropic.push("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n".into());
    let stream = |name, path, model: &str, answer| Case {
        name,
        path,
        header: true,
        request: format!(r#"{{"model":"{model}","stream":true,"messages":[]}}"#),
        answer,
    };
    vec![
        chat(true),
        chat(false),
        stream("100 events of OpenAI", "/v1/chat/completions", "gpt-5-mini", openai),
        stream("100 events of Anthropic", "/v1/messages", "claude-sonnet-4-5", anthropic),
    ]
}

/// Measures the service on the case, and counts the allocations of one warm call.
fn measure<S, R>(criterion: &mut Criterion, case: &Case, name: &str, mut service: S)
where
    S: Service<Request<Frames>, Response = Response<R>, Error = Infallible>,
    R: Body<Data = Bytes, Error = Infallible>,
{
    call(&mut service, case.request());
    let request = case.request();
    let region = Region::new(HEAP);
    call(&mut service, request);
    println!("{} / {name}: {} allocations", case.name, region.change().allocations);
    criterion.benchmark_group(case.name).bench_function(name, |bencher| {
        bencher.iter_batched(|| case.request(), |request| call(&mut service, request), BatchSize::SmallInput);
    });
}

fn layers(criterion: &mut Criterion) {
    for case in cases() {
        measure(criterion, &case, "bare service", service_fn(answer::<Frames>));
        let metered = |layer: UserMetricsLayer| layer.layer(service_fn(answer::<RequestBody<Frames>>));
        measure(criterion, &case, "layer, no sink", metered(UserMetricsLayer::new(|_: &Record| ())));
        measure(criterion, &case, "layer, MemorySink", metered(UserMetricsLayer::new(MemorySink::new())));
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
