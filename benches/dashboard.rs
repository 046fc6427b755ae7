//! What a page of the dashboard costs the server with 100,000 users of four calls each, and how much of it goes over the wire.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A benchmark may stop where something is wrong, and says its sizes.

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;
use http::request::Parts;
use http_body_util::{BodyExt, Full};
use std::time::{Duration, SystemTime};
use tower::ServiceExt;
use tower_llm_metrics::dashboard::Dashboard;
use tower_llm_metrics::record::{Priced, Text, UsageState};
use tower_llm_metrics::report::Scope;
use tower_llm_metrics::{
    Cost, MemorySink, MetricsSink, Operation, Outcome, Provider, Record, Usd, User, UserId,
};

const USERS: u64 = 100_000;
const CALLS: u64 = 4;
const DAY: u64 = 86_400;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_323_200)
}

/// Calls on different days of the last three weeks, so that most users have several cells.
fn store() -> MemorySink {
    const MODELS: [&str; 4] = ["gpt-5", "gpt-5-mini", "claude-sonnet-4-5", "claude-haiku-4-5-20251001"];
    let users = MemorySink::builder().clock(now).build();
    for number in 0..USERS * CALLS {
        let seed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let mut record = Record::new(now() - Duration::from_secs(seed % (20 * DAY)));
        record.user = Some(User::verified(UserId::new(&format!("user-{:06}", number % USERS)).unwrap()));
        record.outcome = Outcome::Completed;
        record.operation = Operation::Chat;
        record.provider = Some(Provider::OPENAI);
        record.response_model = MODELS.get((seed % 4) as usize).map(|model| Text::new(model).unwrap());
        record.latency = Duration::from_micros(200_000 + seed % 4_000_000);
        record.usage_state = UsageState::Reported;
        record.usage.input_tokens = Some(seed % 4_000);
        record.usage.output_tokens = Some(seed % 1_000);
        record.cost = Cost::Priced(Priced::new(Usd::from_picos((seed % 10_000_000_000).into()), "p/m", "1"));
        users.record(&record);
    }
    users
}

/// How long this thread has been on a processor, where the system tells: what a page takes on a machine that is not busy.
fn on_processor() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(told.split(' ').next()?.parse().ok()?))
}

fn pages(c: &mut Criterion) {
    let dashboard = Dashboard::new(store(), |_: &Parts| Some(Scope::All)).clock(now);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let page = |path: &str| {
        let request = Request::get(path).body(Full::<Bytes>::default()).unwrap();
        runtime.block_on(async {
            dashboard.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes()
        })
    };
    let mut group = c.benchmark_group("dashboard, 100k users");
    group.sample_size(10);
    for (name, path) in [
        ("users", "/users"),
        ("users of 30 days", "/users?range=30d"),
        ("users by cost, searched", "/users?q=99&sort=cost_usd"),
        ("one user", "/user?id=user-000001"),
        ("activity", "/activity"),
        ("health", "/health"),
        ("export as CSV", "/api/users?format=csv"),
    ] {
        println!("{name}: {} bytes", page(path).len());
        if let Some(before) = on_processor() {
            const TIMES: u32 = 10;
            (0..TIMES).for_each(|_| drop(page(path)));
            println!("{name}: {:?} on the processor", (on_processor().unwrap() - before) / TIMES);
        }
        group.bench_function(name, |b| b.iter(|| page(path)));
    }
    group.finish();
    let assets = ["/dashboard.css", "/dashboard.js", "/icon.svg"].map(|path| page(path).len());
    println!("style, script and icon, once: {} bytes", assets.iter().sum::<usize>());
}

criterion_group!(benches, pages);
criterion_main!(benches);
