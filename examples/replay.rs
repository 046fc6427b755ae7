//! Replays recorded HTTP exchanges through the layer and prints the record of each.
//!
//! ```text
//! cargo run --example replay -- [--chunk BYTES] [--prices FILE] < exchanges.jsonl
//! ```
//!
//! A line in is an object with `id`, `method` (default `POST`), `url`, `request_headers`, `request_body` or
//! `request_body_b64`, `status` (default 200), `response_headers`, and `response_body` or `response_body_b64`. A line
//! out is `{"id": …, "record": {…}}`, or `{"id": …, "error": …}` where the line could not be replayed.

#[path = "support/exchange.rs"]
mod exchange;
#[path = "support/prices.rs"]
mod prices;
#[path = "support/problem.rs"]
mod problem;

use exchange::Exchange;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::error::Error;
use std::io::{BufRead, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tower_llm_metrics::{PriceBook, Record};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse()?;
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().split(b'\n') {
        // A byte that is no text spoils its own line, not the run.
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if line.trim().is_empty() {
            continue;
        }
        let id = serde_json::from_str::<Id<'_>>(&line).map_or("null", |line| line.id.get());
        match replay(&line, &options).await {
            Ok(record) => writeln!(output, r#"{{"id":{id},"record":{}}}"#, record.to_json())?,
            Err(error) => {
                writeln!(output, r#"{{"id":{id},"error":{}}}"#, serde_json::to_string(&error.to_string())?)?;
            }
        }
    }
    output.flush()?;
    Ok(())
}

async fn replay(line: &str, options: &Options) -> Result<Record, Box<dyn Error>> {
    let exchange: Exchange = serde_json::from_str(line).map_err(|e| problem::of_json(&e))?;
    exchange.replay(options.chunk, &options.prices).await
}

struct Options {
    chunk: Option<usize>,
    prices: Arc<PriceBook>,
}

impl Options {
    fn parse() -> Result<Self, Box<dyn Error>> {
        use lexopt::prelude::{Long, ValueExt};
        let mut options = Self { chunk: None, prices: Arc::new(PriceBook::default()) };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("chunk") => options.chunk = Some(arguments.value()?.parse::<NonZeroUsize>()?.get()),
                Long("prices") => options.prices = Arc::new(prices::load(arguments.value()?.as_ref())?),
                _ => return Err(argument.unexpected().into()),
            }
        }
        Ok(options)
    }
}

#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}
