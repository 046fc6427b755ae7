//! Makes the bundled price snapshot anew from the files that genai-prices and LiteLLM publish:
//!
//! `cargo run --release --example update_prices -- GENAI.json LITELLM.json --version V --date YYYY-MM-DD`
//!
//! With `--diff` in place of the other options it writes nothing and lists where the two disagree.
//! There is no network code: download the files with what you trust.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program, not the library")]

use std::process::ExitCode;
use std::time::SystemTime;
use tower_llm_metrics::PriceBook;

type Error = Box<dyn std::error::Error>;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/price/data/prices.jsonl");
const USAGE: &str = "usage: update_prices GENAI.json LITELLM.json (--version V --date YYYY-MM-DD | --diff)";

/// What stands above the data.
const NOTICE: &str = "\
# Prices of genai-prices (Copyright (c) Pydantic Services Inc.) and LiteLLM (Copyright (c) 2023 Berri AI), both under the
# MIT licence; see LICENSE-genai-prices and LICENSE-litellm beside this file. Made by examples/update_prices.rs;
# the format is described in src/price/snapshot.rs. Do not edit.
";

fn run() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [genai, litellm, "--diff"] => {
            let book = PriceBook::builder()
                .genai_prices(&std::fs::read(genai)?)?
                .litellm(&std::fs::read(litellm)?)?;
            let disagreements = book.build().disagreements();
            for disagreement in &disagreements {
                println!("{disagreement}");
            }
            eprintln!("{} disagreements", disagreements.len());
        }
        [genai, litellm, "--version", version, "--date", date] => {
            let date: jiff::Timestamp = format!("{date}T00:00:00Z").parse()?;
            let book = PriceBook::builder()
                .genai_prices(&std::fs::read(genai)?)?
                .litellm(&std::fs::read(litellm)?)?
                .version(version)
                .dated(SystemTime::try_from(date)?)
                .build();
            for (reason, refused) in book.refused_by_reason() {
                let example = refused.first().map_or("", |refused| &refused.entry);
                eprintln!("{} not used: {reason} ({example} for one)", refused.len());
            }
            let snapshot = format!("{NOTICE}{}", book.to_snapshot());
            std::fs::write(SNAPSHOT, &snapshot)?;
            eprintln!("{} entries, {} refused, {} bytes", book.len(), book.refused().len(), snapshot.len());
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
