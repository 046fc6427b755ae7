//! The tables of the README's performance section, out of what the benchmark left in `target/criterion`:
//! `cargo run --bin table -- target/criterion < the benchmark's output`. The output tells the allocations.

use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;
use std::path::Path;

/// The rows' names, as the benchmark has them.
const ROWS: [&str; 8] = [
    "bare service",
    "TraceLayer",
    "axum-prometheus",
    "this, no sink",
    "this, MemorySink",
    "this, FileSink",
    "this, both",
    "naive, MemorySink",
];

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).ok_or("name the folder: table target/criterion")?;
    let mut output = String::new();
    std::io::stdin().read_to_string(&mut output)?;
    let allocations = allocations(&output);
    println!("| case | {} |", ROWS.join(" | "));
    println!("|---|{}", "---|".repeat(ROWS.len()));
    for case in whole::cases::all() {
        let times: Vec<Option<f64>> = ROWS.iter().map(|row| time(Path::new(&dir), case.name, row)).collect();
        let bare = times.first().copied().flatten();
        let cells = times.iter().zip(ROWS).map(|(time, row)| {
            let allocated = allocations.get(&(case.name.to_owned(), row.to_owned()));
            match (time, bare) {
                (Some(time), _) if row == ROWS[0] => format!("{} ({})", show(*time), count(allocated)),
                (Some(time), Some(bare)) => {
                    let base = allocations.get(&(case.name.to_owned(), ROWS[0].to_owned()));
                    let more = allocated.zip(base).map(|(all, base)| all - base);
                    format!("+{} (+{})", show(time - bare), count(more.as_ref()))
                }
                _ => "–".to_owned(),
            }
        });
        println!("| {} | {} |", case.name, cells.collect::<Vec<_>>().join(" | "));
    }
    Ok(())
}

/// The median in nanoseconds.
fn time(dir: &Path, case: &str, row: &str) -> Option<f64> {
    let file = dir.join(case).join(row).join("new/estimates.json");
    let estimates: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}

fn show(nanos: f64) -> String {
    match nanos {
        nanos if nanos.abs() < 1_000.0 => format!("{nanos:.0} ns"),
        nanos if nanos.abs() < 1_000_000.0 => format!("{:.2} µs", nanos / 1_000.0),
        nanos => format!("{:.2} ms", nanos / 1_000_000.0),
    }
}

fn count(allocations: Option<&i64>) -> String {
    allocations.map_or("?".to_owned(), i64::to_string)
}

/// By case and row, from lines like `case / row: 3 allocations`.
fn allocations(output: &str) -> BTreeMap<(String, String), i64> {
    let line = |line: &str| {
        let (case, rest) = line.split_once(" / ")?;
        let (row, count) = rest.split_once(": ")?;
        Some(((case.to_owned(), row.to_owned()), count.strip_suffix(" allocations")?.parse().ok()?))
    };
    output.lines().filter_map(line).collect()
}
