//! The usage of whole JSON bodies beside the extraction of the `genai-prices` crate, on its own data.

#[path = "../../../examples/support/exchange.rs"]
mod exchange;

use differential::corpus::exchanges;
use exchange::Exchange;
use genai_prices::{Calculator, ExtractRequest, Usage as Theirs};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tower_llm_metrics::{PriceBook, Usage};

/// Each figure that both know, under the other's name.
fn figures(usage: &Usage) -> [(&'static str, Option<u64>); 12] {
    [
        ("input_tokens", usage.input_tokens),
        ("output_tokens", usage.output_tokens),
        ("cache_read_tokens", usage.cache_read_tokens),
        ("cache_write_tokens", usage.cache_write_tokens),
        ("cache_write_5m_tokens", usage.cache_write_5m_tokens),
        ("cache_write_1h_tokens", usage.cache_write_1h_tokens),
        ("output_reasoning_tokens", usage.reasoning_tokens),
        ("input_audio_tokens", usage.input_audio_tokens),
        ("output_audio_tokens", usage.output_audio_tokens),
        ("input_image_tokens", usage.input_image_tokens),
        ("output_image_tokens", usage.output_image_tokens),
        ("web_searches", usage.web_searches),
    ]
}

/// Sends an exchange through the layer.
fn ours(exchange: &Value) -> Usage {
    let exchange = Exchange::deserialize(exchange).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(exchange.replay(None, &Arc::new(PriceBook::empty()))).unwrap().usage
}

fn theirs(provider: &str, flavor: &str, body: &str) -> Result<Theirs, String> {
    let request = ExtractRequest::new(body).with_provider_id(provider).with_api_flavor(flavor);
    let usage = Calculator::bundled().extract_provider_usage(&request);
    usage.map(|found| found.usage).map_err(|error| error.to_string())
}

#[test]
fn explore() {
    let mut kinds: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut count = 0;
    for exchange in exchanges("json") {
        let reference = &exchange["expected"]["ref_genai_prices"];
        let (Some(provider), Some(flavor)) = (reference["provider_id"].as_str(), reference["api_flavor"].as_str()) else { continue };
        let Some(body) = exchange["response_body"].as_str() else { continue };
        let ours = ours(&exchange);
        count += 1;
        match theirs(provider, flavor, body) {
            Err(error) => {
                kinds.entry(format!("{provider}/{flavor}: {error}")).or_insert((0, exchange["id"].to_string())).0 += 1;
            }
            Ok(theirs) => for (key, figure) in figures(&ours) {
                let other = theirs.get(key).map(|v| v as u64);
                if other != figure {
                    let kind = match (figure, other) { (None, Some(0)) => "0 for none", (Some(0), None) => "none for 0", (None, _) => "theirs alone", (_, None) => "ours alone", _ => "differ" };
                    let e = kinds.entry(format!("{provider}/{flavor} {key} {kind}")).or_insert((0, format!("{} {figure:?} {other:?}", exchange["id"])));
                    e.0 += 1;
                }
            }
        }
    }
    println!("{count} {kinds:#?}");
    let _ = json!({});
}
