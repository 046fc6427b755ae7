//! What one would write in an afternoon: collect both bodies, parse them whole, and make the same record.

use crate::body::Frames;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};
use tower::Service;
use tower_llm_metrics::record::{Text, UsageState};
use tower_llm_metrics::{
    MetricsSink, Outcome, PriceBook, PricedCall, Pricer, Provider, Record, User, UserId, UserSource,
};

/// The naive meter around `inner`.
#[derive(Clone)]
pub struct Naive<S> {
    pub inner: S,
    pub sink: Arc<dyn MetricsSink>,
    pub prices: PriceBook,
}

impl<S> Service<Request<Frames>> for Naive<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<Frames>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Frames>) -> Self::Future {
        let (started, time) = (Instant::now(), SystemTime::now());
        let (sink, prices) = (Arc::clone(&self.sink), self.prices.clone());
        let (parts, body) = request.into_parts();
        let header = parts.headers.get("helicone-user-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        // All frames are there already.
        let body: Vec<u8> = body.0.into_iter().flatten().collect();
        let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
        let answer = self.inner.call(Request::from_parts(parts, Full::from(body)));
        Box::pin(async move {
            let (parts, body) = answer.await?.into_parts();
            let body = body.collect().await?.to_bytes();
            let mut record = Record::new(time);
            let user = header.as_deref().or_else(|| asked["user"].as_str());
            record.user =
                user.and_then(|id| UserId::new(id).ok()).map(|id| User::new(id, UserSource::Header));
            record.provider = Some(Provider::OPENAI);
            record.model = asked["model"].as_str().and_then(|model| Text::new(model).ok());
            record.outcome = Outcome::Completed;
            read(&body, &mut record);
            record.cost = prices.price(&PricedCall::of(&record));
            record.latency = started.elapsed();
            sink.record(&record);
            Ok(Response::from_parts(parts, Full::new(body)))
        })
    }
}

fn read(body: &[u8], record: &mut Record) {
    let whole = serde_json::from_slice::<Value>(body).into_iter();
    let events = body.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data: "));
    for value in whole.chain(events.filter_map(|data| serde_json::from_slice(data).ok())) {
        let response = if value["response"].is_object() { &value["response"] } else { &value };
        if let Some(model) = response["model"].as_str() {
            record.response_model = Text::new(model).ok();
        }
        for usage in [&response["usage"], &value["message"]["usage"], &value["usageMetadata"]] {
            let count = |names: [&str; 3]| names.iter().find_map(|name| usage[name].as_u64());
            if let Some(input) = count(["prompt_tokens", "input_tokens", "promptTokenCount"]) {
                record.usage.input_tokens = Some(input);
                record.usage_state = UsageState::Reported;
            }
            if let Some(output) = count(["completion_tokens", "output_tokens", "candidatesTokenCount"]) {
                record.usage.output_tokens = Some(output);
            }
        }
    }
}
