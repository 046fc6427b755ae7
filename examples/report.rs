//! The per-user table from folders of records.
//!
//! ```text
//! cargo run --example report -- DIR [DIR …]
//! ```
//!
//! A record that stands in several folders counts once. What could not be read is named on standard error.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program, not the library")]

#[path = "support/table.rs"]
mod table;

use std::error::Error;
use std::path::PathBuf;
use tower_llm_metrics::MemorySink;
use tower_llm_metrics::report::{SortBy, UserQuery};
use tower_llm_metrics::sink::file::RecordLog;

fn main() -> Result<(), Box<dyn Error>> {
    let mut dirs = dirs()?.into_iter();
    let first = dirs.next().ok_or("name a folder of records: report DIR")?;
    let open =
        |dir: &PathBuf, log: std::io::Result<RecordLog>| log.map_err(|e| format!("{}: {e}", dir.display()));
    let mut log = open(&first, RecordLog::open(&first))?;
    for dir in dirs {
        log = open(&dir, log.and(&dir))?;
    }
    let users = MemorySink::builder().restore_log(&log, |problem| eprintln!("skipped: {problem}"))?;
    print!("{}", table::text(&users.report().users(&UserQuery::new().sort(SortBy::Cost).limit(usize::MAX))));
    Ok(())
}

fn dirs() -> Result<Vec<PathBuf>, lexopt::Error> {
    let mut arguments = lexopt::Parser::from_env();
    let mut dirs = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            lexopt::Arg::Value(dir) => dirs.push(dir.into()),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(dirs)
}
