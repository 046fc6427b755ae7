//! The store in memory beside the same done by SQLite in memory, in one run.
//!
//! `cargo run --release` here, or with a number of users. SQLite keeps the same cells (user, quarter of an hour,
//! model) with the same sums and without the histograms of durations, in one transaction, through one prepared
//! statement: the most favourable way. The table of users is its `GROUP BY`, or a table of totals kept beside.

mod counting;
mod threads;

use rusqlite::{Connection, params};
use std::time::{Duration, Instant, SystemTime};
use tower_llm_metrics::record::{Priced, Text, UsageState};
use tower_llm_metrics::report::{SortBy, UserQuery};
use tower_llm_metrics::sink::memory::{Alert, MemorySinkBuilder};
use tower_llm_metrics::{
    Cost, MemorySink, MetricsSink, Operation, Outcome, Provider, Record, Usd, User, UserId,
};

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

const MODELS: [&str; 4] = ["gpt-5", "gpt-5-mini", "claude-sonnet-4-5", "claude-haiku-4-5-20251001"];

/// When all calls are, and what the store takes for now.
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
        record.usage.output_tokens = Some(random.next() % 1_000);
        let cost = Usd::from_picos(i128::from(random.next() % 10_000_000_000));
        record.cost = Cost::Priced(Priced::new(cost, "openai/gpt-5", "1"));
        record
    });
    calls.collect()
}

/// Users in an order that no cache can foresee, each with one of the models.
fn users(count: usize) -> Vec<(User, usize)> {
    let mut random = Random(7);
    let id = |user| UserId::new(&format!("user-{user:012}")).unwrap();
    let mut users: Vec<_> = (0..count).map(|n| (User::verified(id(n)), n % MODELS.len())).collect();
    for at in (1..users.len()).rev() {
        users.swap(at, random.next() as usize % (at + 1));
    }
    users
}

/// One call of each user; nanoseconds for each.
fn round(
    users: &[(User, usize)],
    calls: &mut [Record],
    shift: usize,
    mut record: impl FnMut(&Record),
) -> u128 {
    let begin = Instant::now();
    for (n, (user, model)) in users.iter().enumerate() {
        let call = &mut calls[(n + shift) % 16 * MODELS.len() + (model + shift / 1_000) % MODELS.len()];
        call.user = Some(user.clone());
        record(call);
    }
    begin.elapsed().as_nanos() / users.len() as u128
}

/// The best of some tries, in microseconds.
fn best_micros<T>(tries: usize, mut ask: impl FnMut() -> T) -> u128 {
    let timed = (0..tries).map(|_| {
        let begin = Instant::now();
        let answer = ask();
        let micros = begin.elapsed().as_micros();
        drop(answer);
        micros
    });
    timed.min().unwrap_or(0)
}

fn memory(users: &[(User, usize)]) {
    let mut calls = calls();
    let sink = MemorySink::builder().max_users(users.len()).recent(0).clock(start).build();
    let first = round(users, &mut calls, 0, |call| sink.record(call));
    let next = (1..6).map(|shift| round(users, &mut calls, shift, |call| sink.record(call))).min();
    let page = |limit| {
        let query = UserQuery::new().sort(SortBy::Cost).limit(limit);
        best_micros(20, || sink.report().users(&query))
    };
    println!(
        "memory  {:>9} users: first call {first:>5} ns, next {:>5} ns, page of 50 {:>8} us, top 100 {:>8} us",
        users.len(),
        next.unwrap_or(0),
        page(50),
        page(100),
    );
}

/// Bytes per user after one call each, and what more of the same user adds.
fn bytes(users: &[(User, usize)]) {
    let measure = |name: &str, builder: MemorySinkBuilder, rounds: &[usize], later: Duration| {
        let mut calls = calls();
        let before = counting::in_use();
        let sink = builder.build();
        for (n, shift) in rounds.iter().enumerate() {
            let time = start() + later * n as u32;
            calls.iter_mut().for_each(|call| {
                call.time = time;
                call.properties.insert("team", if n % 2 == 0 { "search" } else { "ads" });
            });
            round(users, &mut calls, *shift, |call| sink.record(call));
        }
        let bytes = (counting::in_use() - before) / users.len();
        println!("bytes   {:>9} users: {bytes:>5} each, {name}", users.len());
    };
    let (none, quarter) = (Duration::ZERO, Duration::from_secs(900));
    let whole = || MemorySink::builder().max_users(users.len()).max_cells(usize::MAX).recent(0).clock(start);
    let builder = || whole().properties(false);
    let alert = Alert::cost(Usd::from_dollars(1_000_000));
    measure("one call", builder(), &[0], none);
    measure(
        "one call, no models, operations, properties or durations",
        builder().models(false).operations(false).durations(false),
        &[0],
        none,
    );
    measure("one call, one alert", builder().alert(alert, |_| {}), &[0], none);
    measure("5 calls of one model in one quarter of an hour", builder(), &[0, 1, 2, 3, 4], none);
    measure("32 calls of one model in one quarter of an hour", builder(), &(0..32).collect::<Vec<_>>(), none);
    measure("the same without durations", builder().durations(false), &(0..32).collect::<Vec<_>>(), none);
    measure("2 calls of 2 models", builder(), &[0, 1_000], none);
    measure("2 calls of 2 models, models not kept", builder().models(false), &[0, 1_000], none);
    measure("2 calls of 2 values of a property", whole(), &[0, 1], none);
    measure("2 calls of 2 values of a property, properties not kept", builder(), &[0, 1], none);
    measure("4 calls in 4 quarters of an hour", builder(), &[0, 1, 2, 3], quarter);
    measure(
        "4 calls on 4 days that are rolled up",
        builder().keep_quarters(0).clock(|| start() + Duration::from_secs(9 * 86_400)),
        &[0, 1, 2, 3],
        quarter * 96,
    );
}

fn sqlite(users: &[(User, usize)]) -> rusqlite::Result<()> {
    let mut calls = calls();
    let db = Connection::open_in_memory()?;
    db.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
         CREATE TABLE cells (user TEXT, quarter INTEGER, model TEXT, requests INTEGER, input INTEGER,
             output INTEGER, cost INTEGER, first INTEGER, last INTEGER,
             PRIMARY KEY (user, quarter, model)) WITHOUT ROWID;
         BEGIN;",
    )?;
    let (first, next) = {
        let mut upsert = db.prepare(
            "INSERT INTO cells VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?7)
             ON CONFLICT DO UPDATE SET requests = requests + 1, input = input + excluded.input,
                 output = output + excluded.output, cost = cost + excluded.cost,
                 first = min(first, excluded.first), last = max(last, excluded.last)",
        )?;
        let mut record = |call: &Record| {
            let micros = call.time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as i64;
            let values = params![
                call.user_id().unwrap().as_str(),
                micros / 900_000_000,
                call.response_model.as_deref(),
                call.usage.input_tokens.unwrap() as i64,
                call.usage.output_tokens.unwrap() as i64,
                call.cost.total().unwrap().picos() as i64,
                micros,
            ];
            upsert.execute(values).unwrap();
        };
        let first = round(users, &mut calls, 0, &mut record);
        (first, (1..3).map(|shift| round(users, &mut calls, shift, &mut record)).min())
    };
    db.execute_batch("COMMIT")?;
    let pages: i64 =
        db.query_row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", [], |row| {
            row.get(0)
        })?;
    let ask = |limit: i64| {
        let mut select = db
            .prepare_cached(
                "SELECT user, sum(requests), sum(input), sum(output), sum(cost), min(first), max(last),
                     count(DISTINCT quarter / 96), count(DISTINCT model)
                 FROM cells GROUP BY user ORDER BY sum(cost) DESC LIMIT ?1",
            )
            .unwrap();
        let rows = select.query_map([limit], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(rows.count() as i64, limit.min(users.len() as i64));
    };
    println!(
        "sqlite  {:>9} users: first call {first:>5} ns, next {:>5} ns, page of 50 {:>8} us, top 100 {:>8} us",
        users.len(),
        next.unwrap_or(0),
        best_micros(3, || ask(50)),
        best_micros(3, || ask(100)),
    );
    db.execute_batch("CREATE TABLE totals AS SELECT user, sum(cost) AS cost FROM cells GROUP BY user; CREATE INDEX by_cost ON totals (cost);")?;
    let indexed = best_micros(20, || {
        let mut select = db.prepare_cached("SELECT user FROM totals ORDER BY cost DESC LIMIT 100").unwrap();
        select.query_map([], |row| row.get::<_, String>(0)).unwrap().count()
    });
    println!(
        "sqlite  {:>9} users: top 100 from an index on totals {indexed} us, {} bytes each",
        users.len(),
        pages / users.len() as i64
    );
    Ok(())
}

fn main() -> rusqlite::Result<()> {
    let counts: Vec<usize> = std::env::args().skip(1).filter_map(|count| count.parse().ok()).collect();
    for count in if counts.is_empty() { vec![1_000, 100_000, 1_000_000] } else { counts } {
        let users = users(count);
        memory(&users);
        threads::measure(&users);
        sqlite(&users)?;
        bytes(&users);
    }
    Ok(())
}
