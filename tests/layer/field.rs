//! Exchanges written after public bug reports of people who meter LLM usage, each with what its record must say.

use crate::exchange::Exchange;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tower::{Layer, ServiceExt, service_fn};
use tower_llm_metrics::record::Cost;
use tower_llm_metrics::{PriceBook, Record, RequestBody, UserMetricsLayer};

/// A single exchange, or the calls of one job in their order.
#[derive(Deserialize)]
struct Case {
    id: String,
    source: String,
    exchange: Value,
    expected: Map<String, Value>,
}

/// One call of a job.
#[derive(Deserialize)]
struct Step {
    method: String,
    path: String,
    request_body: Option<Value>,
    response_body: Value,
}

fn cases() -> impl Iterator<Item = Case> {
    // From public bug reports, and from reading providers' documentation.
    let files = [include_str!("../fixtures/field.jsonl"), include_str!("../fixtures/own.jsonl")];
    files.into_iter().flat_map(str::lines).map(|line| serde_json::from_str(line).unwrap())
}

/// Where a record differs from what is expected. An expected `null` means that the key is absent; amounts are decimals
/// that both sides write without an exponent.
fn differences(record: &Record, expected: &Map<String, Value>) -> Vec<String> {
    let found: Value = serde_json::from_str(&record.to_json()).unwrap();
    let amount = |value: &Value| value.to_string().parse::<tower_llm_metrics::Usd>().ok();
    let same = |expected: &Value, found: &Value| match expected {
        Value::Number(_) => amount(expected) == amount(found),
        other => other == found,
    };
    let differs = |(key, expected): (&String, &Value)| {
        let found = found.get(key).unwrap_or(&Value::Null);
        (!same(expected, found)).then(|| format!("{key}: expected {expected}, found {found}"))
    };
    expected.iter().filter_map(differs).collect()
}

#[tokio::test]
async fn every_exchange_has_the_record_that_its_report_asks_for_in_every_chunking() {
    let prices = Arc::new(PriceBook::default());
    let mut seen = 0;
    let mut wrong = Vec::new();
    for case in cases().filter(|case| case.exchange.is_object()) {
        seen += 1;
        for chunk in [Some(1), Some(7), None] {
            let exchange = Exchange::deserialize(&case.exchange).unwrap();
            let record = exchange.replay(chunk, &prices).await.unwrap();
            let differences = differences(&record, &case.expected);
            if !differences.is_empty() {
                wrong.push(format!("{} in pieces of {chunk:?}: {differences:?} ({})", case.id, case.source));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, 66 + 25);
}

/// Sends the calls of a job through one layer.
async fn records(steps: Vec<Step>) -> Vec<Record> {
    let records = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&records);
    let layer = UserMetricsLayer::new(move |record: &Record| sink.lock().unwrap().push(record.clone()));
    for Step { method, path, request_body, response_body } in steps {
        let service = layer.layer(service_fn(move |request: http::Request<RequestBody<Full<Bytes>>>| {
            let answer = response_body.to_string();
            async move {
                request.into_body().collect().await?;
                let response = http::Response::builder().header("content-type", "application/json");
                Ok::<_, Infallible>(response.body(Full::<Bytes>::from(answer)).unwrap())
            }
        }));
        let body = request_body.map_or_else(String::new, |body| body.to_string());
        let uri = format!("http://upstream.internal{path}");
        let request = http::Request::builder().method(&*method).uri(uri).body(Full::from(body)).unwrap();
        service.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    }
    let records = records.lock().unwrap();
    records.clone()
}

#[tokio::test]
async fn a_job_that_is_polled_is_charged_once_and_to_whom_it_was_for() {
    let mut seen = 0;
    for case in cases().filter(|case| case.exchange.is_array()) {
        seen += 1;
        let records = records(Vec::deserialize(&case.exchange).unwrap()).await;
        let charged: Vec<&Record> = records
            .iter()
            .filter(|record| matches!(record.cost, Cost::Priced(_) | Cost::Reported { .. }))
            .collect();
        let [record] = charged[..] else { panic!("{}: {} calls with a cost", case.id, charged.len()) };
        let mut expected = case.expected;
        assert_eq!(expected.remove("records_with_cost"), Some(1.into()), "{}", case.id);
        assert_eq!(differences(record, &expected), Vec::<String>::new(), "{}", case.id);
    }
    assert_eq!(seen, 2);
}
