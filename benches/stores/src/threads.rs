//! What a call costs with one thread and with two, on a machine that does other things too.

use crate::{calls, start};
use std::time::{Duration, Instant};
use tower_llm_metrics::{MemorySink, MetricsSink, Record, User};

/// Calls that are timed together: few enough that most pieces are not interrupted.
const PIECE: usize = 500;
const PIECES: usize = 12_000;

/// When a piece began and when it ended.
type Span = (Duration, Duration);

/// Known users, drawn evenly. With two threads only those pieces count during all of which the other thread ran as
/// well: elsewhere a thread is measured that had the store for itself.
pub fn measure(users: &[(User, usize)]) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for (name, recent) in [("", 0), (", and the last 1000 kept whole", 1_000)] {
        let sink = MemorySink::builder().max_users(users.len()).recent(recent).clock(start).build();
        drive(&sink, users, &mut calls(), users.len());
        let alone = typical(run(&sink, users, 1).concat());
        let both = if cores > 1 { typical(overlapping(&run(&sink, users, 2))) } else { None };
        let shown = |nanos: Option<u128>| nanos.map_or("-".to_owned(), |nanos| nanos.to_string());
        println!(
            "threads {:>9} users: {:>5} ns alone, {:>5} ns each of two at once{name}",
            users.len(),
            shown(alone),
            shown(both)
        );
    }
}

fn drive(sink: &MemorySink, users: &[(User, usize)], calls: &mut [Record], count: usize) {
    for (n, (user, model)) in users.iter().cycle().take(count).enumerate() {
        let call = &mut calls[n % 16 * 4 + model];
        call.user = Some(user.clone());
        sink.record(call);
    }
}

fn run(sink: &MemorySink, users: &[(User, usize)], threads: usize) -> Vec<Vec<Span>> {
    let zero = Instant::now();
    std::thread::scope(|scope| {
        let threads = (0..threads).map(|thread| {
            scope.spawn(move || {
                let mut calls = calls();
                let mut at = thread * users.len() / 2;
                let pieces = (0..PIECES).map(|_| {
                    let begin = zero.elapsed();
                    drive(sink, &users[at..], &mut calls, PIECE);
                    at = (at + PIECE) % users.len();
                    (begin, zero.elapsed())
                });
                pieces.collect()
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// The pieces of each thread that lie within an unbroken row of pieces of the other.
fn overlapping(threads: &[Vec<Span>]) -> Vec<Span> {
    let long = typical(threads.concat()).unwrap_or(0) * PIECE as u128 * 2;
    let of = |mine: &[Span], others: &[Span]| -> Vec<Span> {
        let runs = |(begin, end): &&Span| {
            let first = others.partition_point(|other| other.1 < *begin);
            let last = others.partition_point(|other| other.1 < *end);
            others.get(first).is_some_and(|other| other.0 <= *begin)
                && others
                    .get(first..=last)
                    .is_some_and(|row| row.iter().all(|o| (o.1 - o.0).as_nanos() < long))
        };
        mine.iter().filter(runs).copied().collect()
    };
    match threads {
        [one, two] => [of(one, two), of(two, one)].concat(),
        _ => Vec::new(),
    }
}

/// Nanoseconds per call in a piece of which a quarter of all pieces took no longer: the least disturbed ones.
fn typical(pieces: Vec<Span>) -> Option<u128> {
    let mut nanos: Vec<_> =
        pieces.iter().map(|(begin, end)| (*end - *begin).as_nanos() / PIECE as u128).collect();
    nanos.sort_unstable();
    nanos.get(nanos.len() / 4).copied()
}
