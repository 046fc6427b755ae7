//! Jobs whose answer is asked for again, through the proxy: each is charged once, and to whom it was for.

use super::process::{Running, client, serve};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tower_llm_metrics::record::Cost;

/// Answers with these bodies, one after the other.
fn answering(bodies: Vec<Value>) -> Router {
    let bodies = Arc::new(Mutex::new(VecDeque::from(bodies)));
    Router::new().fallback(move || {
        let body = bodies.lock().unwrap().pop_front().unwrap().to_string();
        async {
            Response::builder().header("content-type", "application/json").body(Body::from(body)).unwrap()
        }
    })
}

#[tokio::test]
async fn a_job_that_is_polled_through_the_proxy_is_charged_once_and_to_whom_it_was_for() {
    let cases = include_str!("../../../../tests/fixtures/field.jsonl").lines();
    let cases = cases.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut seen = 0;
    for case in cases.filter(|case| case["exchange"].is_array()) {
        seen += 1;
        let steps = case["exchange"].as_array().unwrap();
        let upstream =
            serve(answering(steps.iter().map(|step| step["response_body"].clone()).collect())).await;
        let proxy = Running::start(&format!("job-{seen}"), upstream);
        let client = client(false);
        for step in steps {
            let body = match &step["request_body"] {
                Value::Null => String::new(),
                body => body.to_string(),
            };
            let url = format!("http://{}{}", proxy.traffic, step["path"].as_str().unwrap());
            let request = Request::builder().method(step["method"].as_str().unwrap()).uri(url);
            let request = request.body(Full::<Bytes>::from(body)).unwrap();
            client.request(request).await.unwrap().into_body().collect().await.unwrap();
        }
        let (_, records) = proxy.stop().await;
        assert_eq!(records.len(), steps.len());
        let charged: Vec<_> = records
            .iter()
            .filter(|record| matches!(record.cost, Cost::Priced(_) | Cost::Reported { .. }))
            .collect();
        let [record] = charged[..] else { panic!("{}: {} calls with a cost", case["id"], charged.len()) };
        let expected = &case["expected"];
        assert_eq!(record.user_id().unwrap().as_str(), expected["user"].as_str().unwrap());
        let cost = expected["cost_usd"].to_string().parse().ok();
        assert_eq!(record.cost.total(), cost, "{}", case["id"]);
    }
    assert_eq!(seen, 2);
}
