//! Costs on which two other engines agree, to the last digit.

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

/// Runs the example `price`, which `cargo test` has built beside this test.
#[cfg(feature = "prices")]
fn example(arguments: &[&str], input: &str) -> Option<Vec<serde_json::Value>> {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let test = std::env::current_exe().unwrap();
    let program = test.parent()?.parent()?.join("examples").join("price");
    if !program.exists() {
        println!("skipped: the example is not built");
        return None;
    }
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    Some(
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

#[cfg(feature = "prices")]
#[test]
fn the_example_answers_every_line_and_stops_at_none() {
    let input = concat!(
        r#"{"id":"a","provider":"openai","model":"gpt-4o","usage":{"input_tokens":1000,"output_tokens":100}}"#,
        "\n{\"id\":7, broken\n\n",
        r#"{"id":1.50,"provider":"openai","model":"no-such-model","usage":{"input_tokens":1}}"#,
        "\n",
        r#"{"id":{"x":1},"provider":"openai","model":"gpt-4o","usage":{"input_tokens":"many"}}"#,
        "\n",
        r#"{"provider":"openai","model":"gpt-4o","service_tier":"no-such-tier","usage":{"input_tokens":1}}"#,
    );
    let Some(answers) = example(&[], input) else { return };
    let reasons: Vec<_> = answers.iter().map(|answer| answer["reason"].as_str().unwrap_or("")).collect();
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0]["id"], "a");
    assert_eq!(answers[0]["priced_as"], "openai/gpt-4o");
    assert!(answers[0]["cost_usd"].is_number() && answers[0]["reason"].is_null());
    assert!(reasons[1].starts_with("bad line") && reasons[3].starts_with("bad line"), "{reasons:?}");
    assert_eq!((reasons[2], reasons[4]), ("unknown_model", "unknown_tier"));
    assert_eq!(answers[3]["id"]["x"], 1);
    assert!(answers[2]["cost_usd"].is_null() && answers[4]["id"].is_null());
}

#[cfg(feature = "prices")]
#[test]
fn the_example_answers_the_agreed_costs_with_a_file_of_prices() {
    let Some(cases) = read("cost_cases.jsonl") else { return };
    let cases = String::from_utf8(cases).unwrap();
    let prices = format!("{PRICES}/genai_v2_from_py_0.2.3.json");
    let Some(answers) = example(&["--prices", &prices], &cases) else { return };
    for (line, answer) in cases.lines().zip(&answers) {
        let case: Case = serde_json::from_str(line).unwrap();
        assert_eq!(answer["id"], case.id);
        let cost: Usd = answer["cost_usd"].to_string().parse().unwrap();
        // The answer's number has gone through a float here, and not in the example.
        let off = (cost - case.expected_usd.parse().unwrap()).picos().abs();
        assert!(off <= 1, "{line}: {answer}");
    }
    assert_eq!(answers.len(), cases.lines().count());
}
