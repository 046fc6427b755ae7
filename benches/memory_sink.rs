//! What the store in memory costs: per record, and per question. Bytes per user, and the same done by `SQLite`, are
//! measured in `benches/stores`, a package of its own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)] // A benchmark may stop where something is wrong.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tower_llm_metrics::record::{Priced, Text, UsageState};
use tower_llm_metrics::report::{Selection, SortBy, UserQuery, Window};
use tower_llm_metrics::{
    Cost, MemorySink, MetricsSink, Operation, Outcome, Provider, Record, Usd, User, UserId,
};

const MODELS: [&str; 4] = ["gpt-5", "gpt-5-mini", "claude-sonnet-4-5", "claude-haiku-4-5-20251001"];

/// When all calls are, and what the stores take for now.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_323_200)
}

/// A small generator of numbers that look random (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

/// Full records, few enough to stay in the caches as the record of a call that has just ended does.
fn calls() -> Vec<Record> {
    let mut random = Random(42);
    let calls = (0..64).map(|n| {
        let mut record = Record::new(start() + Duration::from_millis(random.next() % 900_000));
        record.outcome = Outcome::Completed;
        record.operation = Operation::Chat;
        record.provider = Some(Provider::OPENAI);
        record.response_model = Some(Text::new(MODELS[n % MODELS.len()]).unwrap());
        record.latency = Duration::from_micros(200_000 + random.next() % 4_000_000);
        record.first_token = Some(Duration::from_micros(100_000 + random.next() % 500_000));
        record.usage_state = UsageState::Reported;
        record.usage.input_tokens = Some(random.next() % 4_000);
        record.usage.cache_read_tokens = Some(1);
        record.usage.output_tokens = Some(random.next() % 1_000);
        record.usage.reasoning_tokens = Some(7);
        let cost = Usd::from_picos(i128::from(random.next() % 10_000_000_000));
        record.cost = Cost::Priced(Priced::new(cost, "openai/gpt-5", "1"));
        record
    });
    calls.collect()
}

/// Users in an order that no cache can foresee, each with one of the models.
fn users(count: u64) -> Vec<(User, usize)> {
    let mut random = Random(7);
    let id = |user| UserId::new(&format!("user-{user:012}")).unwrap();
    let mut users: Vec<_> = (0..count).map(|n| (User::verified(id(n)), n as usize % MODELS.len())).collect();
    for at in (1..users.len()).rev() {
        users.swap(at, random.next() as usize % (at + 1));
    }
    users
}

/// Records `count` calls, beginning with those of the user at `from`.
fn drive(sink: &MemorySink, users: &[(User, usize)], calls: &mut [Record], from: usize, count: usize) {
    let (before, after) = users.split_at(from);
    for (n, (user, model)) in after.iter().chain(before).cycle().take(count).enumerate() {
        let call = &mut calls[n % 16 * MODELS.len() + model];
        call.user = Some(user.clone());
        sink.record(call);
    }
}

fn filled(users: &[(User, usize)]) -> MemorySink {
    let sink = MemorySink::builder().max_users(users.len()).recent(0).clock(start).build();
    drive(&sink, users, &mut calls(), 0, users.len());
    sink
}

/// All aggregates on, users known already, drawn evenly: the worst case for the caches. With two threads each of them makes
/// a call, so the same time as with one is perfect scaling; `benches/stores` measures that on a machine that is not idle.
fn update(c: &mut Criterion) {
    let mut group = c.benchmark_group("memory_sink/update");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    for count in [1_000, 100_000, 1_000_000] {
        let users = users(count);
        let sink = filled(&users);
        for threads in [1, 2] {
            group.bench_function(
                BenchmarkId::new(
                    format!("{threads} {}", if threads == 1 { "thread" } else { "threads" }),
                    count,
                ),
                |b| {
                    b.iter_custom(|iterations| {
                        let begin = Instant::now();
                        std::thread::scope(|scope| {
                            for thread in 0..threads {
                                let (sink, users) = (&sink, &users);
                                let from = thread * users.len() / 2;
                                scope.spawn(move || {
                                    drive(sink, users, &mut calls(), from, iterations as usize);
                                });
                            }
                        });
                        begin.elapsed()
                    });
                },
            );
        }
    }
    group.finish();
}

/// The copy of the record for the ring of recent ones, on top of an update.
fn recent(c: &mut Criterion) {
    let users = users(1_000);
    let sink = MemorySink::builder().recent(1_000).clock(start).build();
    c.bench_function("memory_sink/update and keep whole/1000", |b| {
        b.iter_custom(|iterations| {
            let begin = Instant::now();
            drive(&sink, &users, &mut calls(), 0, iterations as usize);
            begin.elapsed()
        });
    });
}

/// The worst that can come in: a property that is new with each call, long after there is room for its values.
fn new_kinds(c: &mut Criterion) {
    let users = users(1_000);
    let sink = MemorySink::builder().max_users(users.len()).recent(0).clock(start).build();
    let (mut calls, mut trace) = (calls(), 0u64);
    let mut next = |count: u64| {
        for _ in 0..count {
            let (user, model) = &users[trace as usize % users.len()];
            let call = &mut calls[trace as usize % 16 * MODELS.len() + model];
            call.user = Some(user.clone());
            trace += 1;
            call.properties.insert("trace", &trace.to_string());
            sink.record(call);
        }
    };
    next(500_000);
    c.bench_function("memory_sink/update, each of a kind of its own/1000", |b| {
        b.iter_custom(|iterations| {
            let begin = Instant::now();
            next(iterations);
            begin.elapsed()
        });
    });
}

fn questions(c: &mut Criterion) {
    let mut group = c.benchmark_group("memory_sink/users");
    group.sample_size(20);
    for count in [100_000, 1_000_000] {
        let sink = filled(&users(count));
        for (name, query) in [
            ("page of 50 by cost", UserQuery::new().sort(SortBy::Cost).limit(50)),
            ("top 100 by cost", UserQuery::new().sort(SortBy::Cost).limit(100)),
            ("page of 50 by active days", UserQuery::new().sort(SortBy::ActiveDays).limit(50)),
        ] {
            group.bench_function(BenchmarkId::new(name, count), |b| {
                b.iter(|| black_box(sink.report().users(&query)));
            });
        }
    }
    group.finish();
}

/// What a call waits for while somebody asks in a loop about a user with 30,000 calls within a month: the user's next call.
fn asked(c: &mut Criterion) {
    const QUARTER: u64 = 900;
    let month = Window::since(start() - Duration::from_secs(30 * 86_400));
    let busy = Selection::new().scope(UserId::new("busy").unwrap()).window(month);
    let query = UserQuery::new();
    let sink = MemorySink::builder().recent(0).clock(start).build();
    let mut call = calls().swap_remove(0);
    call.user = Some(User::verified(UserId::new("busy").unwrap()));
    for number in 0..30_000 {
        call.time = start() - Duration::from_secs(number % (30 * 96) * QUARTER);
        sink.record(&call);
    }
    let mut group = c.benchmark_group("memory_sink/a busy user");
    group.sample_size(10);
    group.bench_function("the question", |b| b.iter(|| black_box(sink.report().users_in(&busy, &query))));
    for asking in [false, true] {
        let mut waits = Vec::new();
        let name = if asking { "a call while it is asked" } else { "a call" };
        group.bench_function(name, |b| {
            b.iter_custom(|iterations| {
                let over = AtomicBool::new(!asking);
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        while !over.load(Ordering::Relaxed) {
                            black_box(sink.report().users_in(&busy, &query).unwrap());
                        }
                    });
                    let begin = Instant::now();
                    for _ in 0..iterations {
                        let before = Instant::now();
                        sink.record(&call);
                        waits.push(before.elapsed());
                    }
                    let all = begin.elapsed();
                    over.store(true, Ordering::Relaxed);
                    all
                })
            });
        });
        waits.sort_unstable();
        let at = |permille: usize| waits.get(waits.len() * permille / 1_000);
        println!("{name}: p99 {:?}, p99.9 {:?}, at most {:?}", at(990), at(999), waits.last());
    }
    group.finish();
}

criterion_group!(benches, update, recent, new_kinds, questions, asked);
criterion_main!(benches);
