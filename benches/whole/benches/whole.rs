//! Whole calls: bare, with other layers, with this one and with the naive way, side by side.
//!
//! `cargo bench --bench whole` prints two tables: of warm calls, one after the other, and of cold ones, between which the
//! caches are filled with other things. `-- 'part of a case's name'` chooses cases. Criterion measures one thing to its end
//! before it begins with the next, and the machine is another one by then; here all services take turns in each round, and
//! what is shown is the median over the rounds of what a service took more than the bare one in the same round, with the
//! quartiles. In brackets: the allocations of a warm call.

use axum_prometheus::PrometheusMetricLayerBuilder;
use axum_prometheus::metrics_exporter_prometheus::PrometheusBuilder;
use http::Request;
use http_body_util::Full;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::{Layer, service_fn};
use tower_http::trace::TraceLayer;
use tower_llm_metrics::{FileSink, MemorySink, PriceBook, Record, RequestBody, UserMetricsLayer};
use whole::body::{Frames, answer, call};
use whole::cases::{self, Case};
use whole::cold::Cold;
use whole::naive::Naive;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often each service has its turn.
const ROUNDS: usize = 41;

/// So many calls come before: a `MemorySink` keeps the last thousand records in the room of those before them.
const WARM_UP: usize = 1_100;

/// What warm calls of one turn take together, about: long enough for the clock, short enough for many rounds.
const TURN: Duration = Duration::from_millis(2);

/// At most so many warm calls a turn, so that the allocator hands out memory that is warm, as it does in a busy server.
const BATCH: usize = 32;

/// So many cold calls a turn.
const COLD_CALLS: usize = 8;

struct Row {
    name: &'static str,
    call: Box<dyn FnMut(Request<Frames>)>,
    /// Warm calls of a turn.
    batch: usize,
    allocations: usize,
    warm: Vec<f64>,
    cold: Vec<f64>,
}

impl Row {
    fn new(name: &'static str, case: &Case, mut call: impl FnMut(Request<Frames>) + 'static) -> Self {
        let started = Instant::now();
        (0..WARM_UP)
            .take_while(|_| started.elapsed() < Duration::from_secs(1))
            .for_each(|_| call(case.request()));
        let request = case.request();
        let region = Region::new(HEAP);
        let started = Instant::now();
        call(request);
        let (took, allocations) = (started.elapsed(), region.change().allocations);
        let batch = (TURN.as_nanos() / took.as_nanos().max(1)) as usize;
        Self {
            name,
            call: Box::new(call),
            batch: batch.clamp(1, BATCH),
            allocations,
            warm: Vec::new(),
            cold: Vec::new(),
        }
    }

    fn turn(&mut self, case: &Case, cold: &mut Cold) {
        let requests: Vec<_> = (0..self.batch).map(|_| case.request()).collect();
        let started = Instant::now();
        requests.into_iter().for_each(&mut self.call);
        self.warm.push(started.elapsed().as_nanos() as f64 / self.batch as f64);
        let cold_calls = (0..COLD_CALLS).map(|_| {
            let request = case.request();
            cold.touch();
            let started = Instant::now();
            (self.call)(request);
            started.elapsed().as_nanos() as f64
        });
        self.cold.push(quartiles(cold_calls.collect()).1);
    }
}

/// Every service, for one case.
fn rows(case: &Case, prometheus: &axum_prometheus::PrometheusMetricLayer<'static>) -> Vec<Row> {
    macro_rules! row {
        ($name:literal, $service:expr) => {{
            let mut service = $service;
            Row::new($name, case, move |request| call(&mut service, request))
        }};
    }
    let bare = || service_fn(answer::<Frames>);
    let metered = |layer: UserMetricsLayer| layer.layer(service_fn(answer::<RequestBody<Frames>>));
    vec![
        row!("bare service", bare()),
        row!("TraceLayer", TraceLayer::new_for_http().layer(bare())),
        row!("axum-prometheus", prometheus.layer(bare())),
        row!("this, filtered out", metered(UserMetricsLayer::new(|_: &Record| ()).filter(|_| false))),
        row!("this, no sink", metered(UserMetricsLayer::new(|_: &Record| ()))),
        row!("this, MemorySink", metered(UserMetricsLayer::new(MemorySink::new()))),
        row!("this, FileSink", metered(UserMetricsLayer::new(file_sink("alone")))),
        row!("this, both", metered(UserMetricsLayer::new((MemorySink::new(), file_sink("both"))))),
        row!(
            "naive, MemorySink",
            Naive {
                inner: service_fn(answer::<Full<bytes::Bytes>>),
                sink: Arc::new(MemorySink::new()),
                prices: PriceBook::bundled(),
            }
        ),
    ]
}

/// A sink that writes to files below `target`.
fn file_sink(name: &str) -> FileSink {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("records").join(name);
    let _ = std::fs::remove_dir_all(&dir);
    FileSink::builder(dir).queue_bytes(256 << 20).open().unwrap()
}

fn main() {
    let chosen = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let recorder = PrometheusBuilder::new().install_recorder().unwrap();
    let prometheus = PrometheusMetricLayerBuilder::new().build();
    let mut cold = Cold::default();
    let (mut warm_table, mut cold_table) = (Vec::new(), Vec::new());
    let mut head = String::new();
    for case in cases::all().into_iter().filter(|case| case.name.contains(&chosen)) {
        let mut rows = rows(&case, &prometheus);
        for round in 0..ROUNDS {
            // Nobody is always the first, nor always after the same one.
            let first = round % rows.len();
            rows.rotate_left(first);
            rows.iter_mut().for_each(|row| row.turn(&case, &mut cold));
            rows.rotate_right(first);
        }
        drop(recorder.render());
        head = rows.iter().map(|row| format!(" {} |", row.name)).collect();
        let line = |of: &dyn Fn(&Row) -> &[f64]| {
            let cells = rows.iter().map(|row| cell(row, &rows[0], of));
            format!("| {} |{}", case.name, cells.collect::<String>())
        };
        warm_table.push(line(&|row| &row.warm));
        cold_table.push(line(&|row| &row.cold));
    }
    for (name, table) in [("warm", warm_table), ("cold", cold_table)] {
        println!("\n| {name} |{head}\n|---|{}", "---|".repeat(head.matches('|').count()));
        table.iter().for_each(|line| println!("{line}"));
    }
}

/// The bare service's own time, or what a service takes beyond it.
fn cell(row: &Row, bare: &Row, of: &dyn Fn(&Row) -> &[f64]) -> String {
    if row.name == bare.name {
        let (low, median, high) = quartiles(of(row).to_vec());
        return format!(" {} ({}–{}) [{}] |", show(median), show(low), show(high), row.allocations);
    }
    let more = of(row).iter().zip(of(bare)).map(|(row, bare)| row - bare).collect();
    let (low, median, high) = quartiles(more);
    let allocations = row.allocations as i64 - bare.allocations as i64;
    format!(" +{} ({}–{}) [{allocations:+}] |", show(median), show(low), show(high))
}

/// The quartiles, the median among them.
fn quartiles(mut all: Vec<f64>) -> (f64, f64, f64) {
    all.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| all[((all.len() - 1) as f64 * share).round() as usize];
    (at(0.25), at(0.5), at(0.75))
}

fn show(nanos: f64) -> String {
    match nanos {
        nanos if nanos.abs() < 1_000.0 => format!("{nanos:.0} ns"),
        nanos if nanos.abs() < 1_000_000.0 => format!("{:.2} µs", nanos / 1_000.0),
        nanos => format!("{:.2} ms", nanos / 1_000_000.0),
    }
}
