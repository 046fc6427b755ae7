//! A loss oracle: a child process records and says what it has flushed, is killed in the midst of it, and afterwards
//! everything that it called safe must be there, once.
//!
//! `CRASH_ROUNDS=1000 cargo test --release --test crash -- --nocapture` runs it longer and tells the
//! longest time that was lost.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use tower_llm_metrics::MetricsSink;
use tower_llm_metrics::record::{Record, Text};
use tower_llm_metrics::sink::file::{Durability, FileSink, FileSinkBuilder, RecordLog};

/// Tells the child's half of the test that it is the child.
const DIR: &str = "CRASH_DIR";
const ROUND: &str = "CRASH_ROUND";
const THREADS: usize = 2;
/// After so many rounds the log is begun anew, so that many rounds stay quick.
const ROUNDS_PER_LOG: u64 = 4;
const WINDOW: Duration = Duration::from_millis(20);
/// What a busy machine may add to the window.
const SLACK: Duration = Duration::from_secs(2);

fn builder(dir: &Path) -> FileSinkBuilder {
    FileSink::builder(dir).durability(Durability::Every(WINDOW)).segment_bytes(200_000)
}

/// A record that is told by who wrote it and its number, which counts from 1.
fn record(writer: &str, number: u64) -> Record {
    let mut record = Record::new(SystemTime::now());
    record.session = Some(Text::new(writer).unwrap());
    record.usage.input_tokens = Some(number);
    record
}

fn random() -> u64 {
    RandomState::new().hash_one(0)
}

#[test]
fn the_child_records_until_it_is_killed() {
    let (Ok(dir), Ok(round)) = (std::env::var(DIR), std::env::var(ROUND)) else { return };
    let sink = builder(dir.as_ref()).open().unwrap();
    let say = |what: &str, thread: usize, number: u64| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{what} {thread} {number}").and_then(|()| out.flush()).unwrap();
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (sink, round) = (&sink, &round);
            scope.spawn(move || {
                for number in 1.. {
                    sink.record(&record(&format!("{round}-{thread}"), number));
                    match number % 500 {
                        0 => {
                            sink.flush().unwrap();
                            say("flushed", thread, number);
                        }
                        100 | 300 => say("recorded", thread, number),
                        _ => {}
                    }
                }
            });
        }
    });
}

/// What a child said before it was killed.
#[derive(Debug, Default)]
struct Said {
    flushed: BTreeMap<usize, u64>,
    /// When it was heard that a record had been recorded.
    recorded: Vec<(usize, u64, Instant)>,
}

fn run_and_kill(dir: &Path, round: u64) -> (Said, Instant) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::the_child_records_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Said::default();
    let patience = random() % 40;
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let words = lines.map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let mut killed = None;
    let mut heard = 0;
    for words in words {
        let [what, thread, number] = &words[..] else { continue };
        let (Ok(thread), Ok(number)) = (thread.parse(), number.parse()) else { continue };
        match what.as_str() {
            "flushed" => drop(said.flushed.insert(thread, number)),
            "recorded" => said.recorded.push((thread, number, Instant::now())),
            _ => continue,
        }
        heard += 1;
        if heard > patience && killed.is_none() {
            // Not right after a word, but at any time: what it still says meanwhile is in the pipe and is read, too.
            (0..random() % 100_000).for_each(|n| _ = std::hint::black_box(n));
            killed = Some(Instant::now());
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    (said, killed.expect("the child ended by itself"))
}

#[test]
fn what_was_flushed_before_a_kill_is_there_once_and_nothing_is_corrupt() {
    let rounds: u64 = std::env::var("CRASH_ROUNDS").map_or(8, |rounds| rounds.parse().unwrap());
    let dir = std::env::temp_dir().join(format!("tower-llm-metrics-crash-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let mut longest = Duration::ZERO;
    let (mut lost, mut torn, mut kept) = (0, 0, 0u64);
    for round in 0..rounds {
        let (said, killed) = run_and_kill(&dir, round);
        let after = builder(&dir).open().unwrap();
        torn += after.stats().torn;
        (1..=10).for_each(|number| after.record(&record(&format!("{round}-after"), number)));
        after.close(Duration::from_secs(60)).unwrap();

        let mut there: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for record in RecordLog::open(&dir).unwrap().records().unwrap() {
            let record = record.expect("nothing is corrupt");
            let writer = record.session.unwrap().to_string();
            there.entry(writer).or_default().push(record.usage.input_tokens.unwrap());
        }
        for (writer, numbers) in &mut there {
            numbers.sort_unstable();
            // All of a writer's records up to the last one that is there: nothing is missing in between or doubled.
            assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{writer}: {numbers:?}");
            kept += numbers.len() as u64;
        }
        let count = |writer: String| there.get(&writer).map_or(0, |numbers| numbers.len() as u64);
        for earlier in round / ROUNDS_PER_LOG * ROUNDS_PER_LOG..=round {
            assert_eq!(count(format!("{earlier}-after")), 10, "what came after a crash stays");
        }
        for (thread, number) in said.flushed {
            assert!(count(format!("{round}-{thread}")) >= number, "flushed and lost");
        }
        for (thread, number, when) in said.recorded {
            if count(format!("{round}-{thread}")) < number {
                lost += 1;
                let ago = killed.saturating_duration_since(when);
                longest = longest.max(ago);
                assert!(ago <= WINDOW + SLACK, "lost {ago:?} after it was recorded");
            }
        }
        if round % ROUNDS_PER_LOG == ROUNDS_PER_LOG - 1 {
            std::fs::remove_dir_all(&dir).unwrap();
        }
    }
    println!(
        "{rounds} kills: {kept} records read, {torn} torn lines cut, {lost} lost that were heard of, the oldest {longest:?} old"
    );
    assert!(kept > 0);
    let _ = std::fs::remove_dir_all(&dir);
}
