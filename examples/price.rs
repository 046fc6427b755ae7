//! Prices calls, one JSON object a line on standard input:
//!
//! ```text
//! {"id": 1, "provider": "openai", "model": "gpt-5-mini", "timestamp": "2026-11-23T12:00:00Z",
//!  "service_tier": "flex", "batch": false, "usage": {"input_tokens": 1000, "output_tokens": 100, "cache_read": 200}}
//! ```
//!
//! and writes a line for each: `{"id":1,"cost_usd":0.00021,"reason":null,"priced_as":"openai/gpt-5-mini"}`. `id`, `response_model`, `region`,
//! `service_tier`, `batch` and `timestamp` (now) may be left out. A line that cannot be read gets its answer too, with
//! the reason.
//!
//! `cargo run --release --example price [-- --prices FILE]`: a file of genai-prices or LiteLLM replaces the bundled data.

#![allow(clippy::print_stderr, reason = "it is a program, not the library")]

#[path = "support/problem.rs"]
mod problem;

use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::{BufRead, Write};
use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{Pass, Text, Usage};
use tower_llm_metrics::{Cost, PriceBook, PricedCall, Pricer, Provider};

type Error = Box<dyn std::error::Error>;

#[derive(Deserialize)]
struct Line<'a> {
    provider: Option<String>,
    model: Option<String>,
    response_model: Option<String>,
    timestamp: Option<String>,
    service_tier: Option<String>,
    batch: Option<bool>,
    region: Option<String>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// The names of a record's JSON, and the shorter ones of the price cases.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Counts {
    input_tokens: Option<u64>,
    #[serde(alias = "cache_read")]
    cache_read_tokens: Option<u64>,
    #[serde(alias = "cache_write")]
    cache_write_tokens: Option<u64>,
    #[serde(alias = "cache_write_5m")]
    cache_write_5m_tokens: Option<u64>,
    #[serde(alias = "cache_write_1h")]
    cache_write_1h_tokens: Option<u64>,
    #[serde(alias = "input_audio")]
    input_audio_tokens: Option<u64>,
    #[serde(alias = "input_image")]
    input_image_tokens: Option<u64>,
    output_tokens: Option<u64>,
    #[serde(alias = "reasoning")]
    reasoning_tokens: Option<u64>,
    #[serde(alias = "output_audio")]
    output_audio_tokens: Option<u64>,
    #[serde(alias = "output_image")]
    output_image_tokens: Option<u64>,
    web_searches: Option<u64>,
    search_units: Option<u64>,
    seconds: Option<f64>,
    images: Option<u64>,
    characters: Option<u64>,
    pages: Option<u64>,
    passes: Vec<Counts>,
    model: Option<String>,
}

impl Counts {
    fn usage(&self) -> Result<Usage, Error> {
        let mut usage = Usage::default();
        usage.input_tokens = self.input_tokens;
        usage.cache_read_tokens = self.cache_read_tokens;
        usage.cache_write_tokens = self.cache_write_tokens;
        usage.cache_write_5m_tokens = self.cache_write_5m_tokens;
        usage.cache_write_1h_tokens = self.cache_write_1h_tokens;
        usage.input_audio_tokens = self.input_audio_tokens;
        usage.input_image_tokens = self.input_image_tokens;
        usage.output_tokens = self.output_tokens;
        usage.reasoning_tokens = self.reasoning_tokens;
        usage.output_audio_tokens = self.output_audio_tokens;
        usage.output_image_tokens = self.output_image_tokens;
        usage.web_searches = self.web_searches;
        usage.search_units = self.search_units;
        usage.seconds = self.seconds.map(Duration::try_from_secs_f64).transpose()?;
        usage.images = self.images;
        usage.characters = self.characters;
        usage.pages = self.pages;
        for counts in &self.passes {
            let mut pass = Pass::default();
            pass.model = text(counts.model.as_deref())?;
            pass.input_tokens = counts.input_tokens;
            pass.cache_read_tokens = counts.cache_read_tokens;
            pass.cache_write_tokens = counts.cache_write_tokens;
            pass.cache_write_5m_tokens = counts.cache_write_5m_tokens;
            pass.cache_write_1h_tokens = counts.cache_write_1h_tokens;
            pass.output_tokens = counts.output_tokens;
            usage.passes.push(pass);
        }
        Ok(usage)
    }
}

/// An empty text is none.
fn text(value: Option<&str>) -> Result<Option<Text>, Error> {
    Ok(value.filter(|value| !value.is_empty()).map(Text::new).transpose()?)
}

fn price(book: &PriceBook, line: &str) -> Result<Cost, Error> {
    let line: Line<'_> = serde_json::from_str(line).map_err(|e| problem::of_json(&e))?;
    let counts = line
        .usage
        .map(|raw| serde_json::from_str::<Counts>(raw.get()))
        .transpose()
        .map_err(|e| problem::of_json(&e))?
        .unwrap_or_default();
    let usage = counts.usage()?;
    let time = match &line.timestamp {
        Some(timestamp) => timestamp.parse::<jiff::Timestamp>()?.try_into()?,
        None => SystemTime::now(),
    };
    let provider = line.provider.as_deref().filter(|id| !id.is_empty()).map(Provider::new).transpose()?;
    let (model, response_model) = (text(line.model.as_deref())?, text(line.response_model.as_deref())?);
    let (tier, region) = (text(line.service_tier.as_deref())?, text(line.region.as_deref())?);
    let mut call = PricedCall::new(&usage, time);
    call.provider = provider.as_ref();
    call.model = model.as_ref();
    call.response_model = response_model.as_ref();
    call.service_tier = tier.as_ref();
    call.batch = line.batch.unwrap_or(false);
    call.region = region.as_ref();
    Ok(book.price(&call))
}

/// The answer to one line.
fn answer(book: &PriceBook, line: &str) -> String {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }
    let id = serde_json::from_str::<Id<'_>>(line).ok().and_then(|line| line.id);
    let id = id.map_or("null", RawValue::get);
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let (cost, reason, entry) = match price(book, line) {
        Ok(Cost::Priced(priced)) => (priced.total.to_string(), "null".to_owned(), quoted(&priced.entry)),
        Ok(Cost::Unpriced(reason)) => ("null".to_owned(), quoted(reason.as_str()), "null".to_owned()),
        Ok(_) => ("null".to_owned(), "null".to_owned(), "null".to_owned()),
        Err(error) => ("null".to_owned(), quoted(&format!("bad line: {error}")), "null".to_owned()),
    };
    format!(r#"{{"id":{id},"cost_usd":{cost},"reason":{reason},"priced_as":{entry}}}"#)
}

fn book() -> Result<PriceBook, Error> {
    let mut arguments = std::env::args().skip(1);
    let book = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => PriceBook::bundled(),
        (Some("--prices"), Some(file)) => PriceBook::from_json(&std::fs::read(file)?)?,
        _ => return Err("usage: price [--prices FILE]".into()),
    };
    for (reason, refused) in book.refused_by_reason() {
        eprintln!("{} not used: {reason}", refused.len());
    }
    Ok(book)
}

fn main() -> Result<(), Error> {
    let book = book()?;
    let mut input = std::io::stdin().lock();
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        if !text.trim().is_empty() {
            writeln!(output, "{}", answer(&book, text.trim()))?;
        }
        line.clear();
    }
    output.flush()?;
    Ok(())
}
