//! Costs on which two other engines agree, to the last digit.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

use serde::Deserialize;
use std::collections::BTreeMap;
use tower_llm_metrics::record::{Text, Usage};
use tower_llm_metrics::{Cost, PriceBook, PricedCall, Pricer, Provider, Usd};

const PRICES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/prices");

#[derive(Deserialize)]
struct Case {
    id: u64,
    provider: String,
    model: String,
    timestamp: String,
    mix: String,
    service_tier: Option<String>,
    batch: bool,
    usage: BTreeMap<String, u64>,
    expected_usd: String,
    genai_model: String,
}

impl Case {
    fn usage(&self) -> Usage {
        let count = |key: &str| self.usage.get(key).copied();
        let mut usage = Usage::default();
        usage.input_tokens = count("input_tokens");
        usage.cache_read_tokens = count("cache_read");
        usage.cache_write_5m_tokens = count("cache_write_5m");
        usage.cache_write_1h_tokens = count("cache_write_1h");
        usage.input_audio_tokens = count("input_audio");
        usage.output_tokens = count("output_tokens");
        usage.reasoning_tokens = count("reasoning");
        usage.output_audio_tokens = count("output_audio");
        usage.web_searches = count("web_searches");
        usage
    }

    fn price(&self, book: &PriceBook) -> Cost {
        let usage = self.usage();
        let time = self.timestamp.parse::<jiff::Timestamp>().unwrap().try_into().unwrap();
        let (provider, model) = (Provider::new(&self.provider).unwrap(), Text::new(&self.model).unwrap());
        let tier = self.service_tier.as_deref().map(|tier| Text::new(tier).unwrap());
        let mut call = PricedCall::new(&usage, time);
        call.provider = Some(&provider);
        call.model = Some(&model);
        call.service_tier = tier.as_ref();
        call.batch = self.batch;
        book.price(&call)
    }
}

fn read(name: &str) -> Option<Vec<u8>> {
    let data = std::fs::read(format!("{PRICES}/{name}")).ok();
    if data.is_none() {
        println!("skipped: there is no {name}");
    }
    data
}

#[test]
fn every_agreed_cost_is_met_to_the_last_digit() {
    let (Some(data), Some(cases)) = (read("genai_v2_from_py_0.2.3.json"), read("cost_cases.jsonl")) else {
        return;
    };
    let book = PriceBook::from_genai_prices(&data).unwrap();
    assert_eq!(book.refused(), []);
    let (mut met, mut wrong) = (0, Vec::new());
    for line in String::from_utf8(cases).unwrap().lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let expected: Usd = case.expected_usd.parse().unwrap();
        match case.price(&book) {
            Cost::Priced(priced)
                if priced.total == expected && priced.entry.ends_with(&format!("/{}", case.genai_model)) =>
            {
                met += 1;
            }
            other => wrong.push(format!(
                "{} {}/{} {} expected {expected}, got {:?}",
                case.id,
                case.provider,
                case.model,
                case.mix,
                other.total().ok_or_else(|| format!("{other:?}"))
            )),
        }
    }
    println!("{met} costs met");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
