//! The same table per user from the files, by the very commands that the documentation shows, with tools that are
//! there. What is not there is skipped, with a message. `PYTHON` names the interpreter whose packages count.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};
use tower_llm_metrics::MetricsSink;
use tower_llm_metrics::record::{Cost, Priced, Record, Usd, User, UserId};
use tower_llm_metrics::sink::file::{FileSink, RecordLog};

/// User, requests, tokens in and out, cost in pico-dollars, active days, first and last seen.
type Row = (String, u64, u64, u64, i128, usize, String, String);

/// Files in a folder `records`, in several segments, and the table that we make of them ourselves.
fn files(name: &str) -> (PathBuf, Vec<Row>) {
    let dir = std::env::temp_dir().join(format!("tower-llm-metrics-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let sink = FileSink::builder(dir.join("records")).segment_bytes(20_000).open().unwrap();
    for n in 0..500u64 {
        let mut record = Record::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000 + n * 1000));
        let users = ["alice", "bob \"b\" \\ Zoë", "d'Arc"];
        record.user = users.get(n as usize % 4).map(|id| User::verified(UserId::verbatim(id).unwrap()));
        record.usage.input_tokens = (n % 5 > 0).then_some(n * 3);
        record.usage.output_tokens = Some(n % 7);
        // Sums of these are wrong in the last digits when they are added as floats.
        let cost = Usd::from_picos(100_000_000_000 + i128::from(n) * 10_000_001);
        if n % 3 > 0 {
            record.cost = Cost::Priced(Priced::new(cost, "p/m", "1"));
        }
        record.properties.insert("nested", "{\"user\":\"nobody\"}");
        sink.record(&record);
    }
    sink.close(Duration::from_secs(60)).unwrap();

    let mut rows: BTreeMap<String, (u64, u64, u64, Usd, Vec<String>)> = BTreeMap::new();
    for record in RecordLog::open(dir.join("records")).unwrap().records().unwrap() {
        let record = record.unwrap();
        let Some(user) = record.user_id() else { continue };
        let row = rows.entry(user.to_string()).or_default();
        row.0 += 1;
        row.1 += record.usage.input_tokens.unwrap_or(0);
        row.2 += record.usage.output_tokens.unwrap_or(0);
        row.3 += record.cost.total().unwrap_or_default();
        let json: serde_json::Value = serde_json::from_str(&record.to_json()).unwrap();
        row.4.push(json["time"].as_str().unwrap().to_owned());
    }
    let mut rows: Vec<Row> = rows
        .into_iter()
        .map(|(user, (requests, input, output, cost, times))| {
            let mut days: Vec<_> = times.iter().map(|time| &time[..10]).collect();
            days.dedup();
            let (first, last) = (times[0].clone(), times[times.len() - 1].clone());
            (user, requests, input, output, cost.picos(), days.len(), first, last)
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.4));
    (dir, rows)
}

/// The table that a tool has printed, tabs between its columns, times in whatever spelling.
fn table(output: &Output, float: bool) -> Vec<Row> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let time = |text: &str| {
        let text = text.trim_end_matches('Z').trim_end_matches("+00:00").replace(' ', "T");
        let (seconds, fraction) = text.split_once('.').unwrap_or((&text, ""));
        format!("{seconds}.{fraction:0<6}Z")
    };
    let rows = text.lines().map(|line| {
        let cells: Vec<_> = line.split('\t').collect();
        let count = |at: usize| cells[at].parse::<u64>().unwrap();
        let mut cost = cells[4].parse::<Usd>().unwrap().picos();
        if float {
            // The digits that a float does not hold.
            cost = (cost + 500_000) / 1_000_000 * 1_000_000;
        }
        let user = cells[0].replace("\\\\", "\\").replace("\\'", "'");
        (user, count(1), count(2), count(3), cost, count(5) as usize, time(cells[6]), time(cells[7]))
    });
    rows.collect()
}

fn python(module: &str) -> Option<Command> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("skipped: {python} has no package {module}");
        return None;
    }
    Some(Command::new(python))
}

#[test]
fn duckdb_makes_the_same_table_exactly() {
    let Some(mut python) = python("duckdb") else { return };
    let (dir, expected) = files("duckdb");
    let program = "import sys, duckdb\nfor row in duckdb.sql(sys.argv[1]).fetchall(): print(*row, sep='\\t')";
    let output = python
        .args(["-c", program, include_str!("../../src/sink/file/duckdb.sql")])
        .current_dir(&dir)
        .output();
    assert_eq!(table(&output.unwrap(), false), expected);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn clickhouse_makes_the_same_table_exactly() {
    let Some(mut python) = python("chdb") else { return };
    let (dir, expected) = files("clickhouse");
    let program = "import sys, chdb\nprint(chdb.query(sys.argv[1], 'TSV'), end='')";
    let sql = include_str!("../../src/sink/file/clickhouse.sql");
    let output =
        python.args(["-c", program, sql.trim_end().trim_end_matches(';')]).current_dir(&dir).output();
    assert_eq!(table(&output.unwrap(), false), expected);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn jq_makes_the_same_table_as_far_as_floats_go() {
    if !Command::new("jq").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no jq");
        return;
    }
    let (dir, mut expected) = files("jq");
    for row in &mut expected {
        row.4 = (row.4 + 500_000) / 1_000_000 * 1_000_000;
    }
    let output =
        Command::new("sh").args(["-c", include_str!("../../src/sink/file/jq.sh")]).current_dir(&dir).output();
    assert_eq!(table(&output.unwrap(), true), expected);
    std::fs::remove_dir_all(dir).unwrap();
}
