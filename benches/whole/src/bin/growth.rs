//! What a call in flight holds on the heap, and what a call costs beside many others and among many users:
//! `cargo run --release --bin growth`.

use http::{Request, Response};
use http_body::Body;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tower::{Layer, Service, service_fn};
use tower_llm_metrics::{MemorySink, MetricsSink, Record, RequestBody, User, UserId, UserMetricsLayer};
use whole::body::{Frames, answer, call};
use whole::cases::{self, Case};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let cases = cases::all();
    let case =
        |name: &str| cases.iter().find(|case| case.name.starts_with(name)).expect("a case of this name");
    let json = case("1 KB JSON, user in the header");
    println!("| a call in flight | heap beyond the bare call's |\n|---|---|");
    println!("| 1 KB JSON, before its answer is read | {} bytes |", held(json));
    for name in ["100 events of OpenAI", "100 events of Anthropic"] {
        println!("| {name}, half read | {} bytes |", held(case(name)));
    }
    let gzip = case("100 events of OpenAI in gzip").halved();
    println!("| {}, half read | {} bytes |", gzip.name, held(&gzip));
    println!("\n| other calls in flight | a 1 KB JSON call costs more than a bare one by |\n|---|---|");
    for others in [1, 100, 10_000] {
        println!("| {others} | {:.0} ns |", beside(json, others));
    }
    println!("\n| users in the `MemorySink` | a 1 KB JSON call costs more than a bare one by |\n|---|---|");
    for users in [1, 1_000, 100_000, 1_000_000] {
        println!("| {users} | {:.0} ns |", among(json, users));
    }
}

/// A store, a layer with it and a service with that.
macro_rules! metered {
    ($sink:expr) => {
        UserMetricsLayer::new($sink).layer(service_fn(answer::<RequestBody<Frames>>))
    };
}

/// The heap that an open call takes beyond a bare one, in bytes. What would live in a task stands in a box.
fn held(case: &Case) -> isize {
    const CALLS: isize = 1000;
    let per_call = |bytes: isize| bytes / CALLS;
    let mut bare = service_fn(answer::<Frames>);
    let mut service = metered!(|_: &Record| ());
    per_call(heap_of(CALLS, || half(&mut service, case))) - per_call(heap_of(CALLS, || half(&mut bare, case)))
}

fn heap_of<T>(count: isize, mut make: impl FnMut() -> T) -> isize {
    drop(make());
    let mut all = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
    let region = Region::new(HEAP);
    (0..count).for_each(|_| all.push(make()));
    let change = region.change();
    change.bytes_allocated as isize - change.bytes_deallocated as isize
}

/// A call whose answer is read to its half, where it has more than one frame.
fn half<S, R>(service: &mut S, case: &Case) -> Pin<Box<R>>
where
    S: Service<Request<Frames>, Response = Response<R>>,
    R: Body,
{
    let mut context = Context::from_waker(Waker::noop());
    let mut future = std::pin::pin!(service.call(case.request()));
    let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut context) else {
        panic!("the service is at hand")
    };
    let mut body = Box::pin(response.into_body());
    for _ in 0..case.frames() / 2 {
        assert!(body.as_mut().poll_frame(&mut context).is_ready());
    }
    body
}

/// Nanoseconds by which a call takes longer than a bare one, while others are open.
fn beside(case: &Case, others: usize) -> f64 {
    let mut bare = service_fn(answer::<Frames>);
    let mut service = metered!(MemorySink::new());
    let open: Vec<_> = (0..others).map(|_| half(&mut service, case)).collect();
    let more = nanos(|| case.request(), |request| call(&mut service, request))
        - nanos(|| case.request(), |request| call(&mut bare, request));
    drop(open);
    more
}

/// Nanoseconds by which a call takes longer than a bare one, with one of so many users each time.
fn among(case: &Case, users: u64) -> f64 {
    let sink = MemorySink::builder().max_users(2_000_000).build();
    let id = |number: u64| UserId::new(&format!("user-{number}")).expect("a valid id");
    // All of them have made such a call before.
    let mut record = record_of(case);
    for number in 0..users {
        record.user = Some(User::verified(id(number)));
        sink.record(&record);
    }
    let mut bare = service_fn(answer::<Frames>);
    let mut service = metered!(sink);
    let mut next = 0u64;
    let mut request = || {
        // Far from the last one in memory.
        next = (next + 7_919_777) % users;
        let mut request = case.request();
        request.extensions_mut().insert(User::verified(id(next)));
        request
    };
    let whole = nanos(&mut request, |request| call(&mut service, request));
    whole - nanos(&mut request, |request| call(&mut bare, request))
}

/// The record that a call leaves.
fn record_of(case: &Case) -> Record {
    let sink = MemorySink::new();
    call(&mut metered!(sink.clone()), case.request());
    sink.records().pop().expect("one record for each call")
}

/// What `run` takes, without what it takes to make its input: the median of many rounds.
fn nanos<T>(mut make: impl FnMut() -> T, mut run: impl FnMut(T)) -> f64 {
    const ROUNDS: usize = 401;
    const EACH: usize = 64;
    let mut round = |_| {
        let inputs: Vec<T> = (0..EACH).map(|_| make()).collect();
        let start = Instant::now();
        inputs.into_iter().for_each(&mut run);
        start.elapsed()
    };
    // Caches and branches are warm after as many.
    let _warm: Duration = (0..ROUNDS).map(&mut round).sum();
    let mut rounds: Vec<Duration> = (0..ROUNDS).map(round).collect();
    rounds.sort_unstable();
    rounds[ROUNDS / 2].as_nanos() as f64 / EACH as f64
}
