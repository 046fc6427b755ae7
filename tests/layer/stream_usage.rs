//! Asking for the usage of a stream, around the meter.

use crate::support;
use crate::support::{Records, Script, ScriptError, Step};
use http::{Request, Response};
use http_body_util::BodyExt;
use proptest::prelude::*;
use std::sync::{Arc, Mutex};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_llm_metrics::record::UsageState;
use tower_llm_metrics::{Record, RequestBody, StreamUsageLayer, StreamUsageRequestBody};

const CHUNK: &str = "data: {\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5-mini\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n";
const USAGE: &str = "data: {\"model\":\"gpt-5-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

struct Call {
    sent: Vec<u8>,
    length: Option<String>,
    received: Vec<u8>,
    record: Record,
}

/// Calls a server that streams usage when it is asked to, through both layers.
async fn call(layer: StreamUsageLayer, body: Script, frames: &[&'static str]) -> Call {
    let (meter, records) = Records::layer();
    let seen = Arc::new(Mutex::new((Vec::new(), None)));
    let server = {
        let (seen, frames) = (Arc::clone(&seen), frames.to_vec());
        service_fn(move |request: Request<RequestBody<StreamUsageRequestBody<Script>>>| {
            let (seen, frames) = (Arc::clone(&seen), frames.clone());
            async move {
                let length =
                    request.headers().get("content-length").map(|value| value.to_str().unwrap().to_owned());
                let body = request.into_body().collect().await?.to_bytes().to_vec();
                let asked = String::from_utf8_lossy(&body).contains(r#""include_usage":true"#);
                *seen.lock().unwrap() = (body, length);
                let frames = frames.into_iter().filter(|frame| asked || *frame != USAGE);
                let mut response = Response::new(Script { sized: false, ..Script::of(frames) });
                response
                    .headers_mut()
                    .insert("content-type", "text/event-stream; charset=utf-8".parse().unwrap());
                Ok::<_, ScriptError>(response)
            }
        })
    };
    let stack = ServiceBuilder::new().layer(layer).layer(meter).service(server);
    let length: usize =
        body.steps.iter().map(|step| if let Step::Data(data) = step { data.len() } else { 0 }).sum();
    let request =
        Request::post("https://api.openai.com/v1/chat/completions").header("content-length", length);
    let response = stack.oneshot(request.body(body).unwrap()).await.unwrap();
    let received = response.into_body().collect().await.unwrap().to_bytes().to_vec();
    let (sent, length) = seen.lock().unwrap().clone();
    Call { sent, length, received, record: records.only() }
}

#[tokio::test]
async fn the_meter_sees_the_usage_and_the_caller_does_not() {
    let body = r#"{"model":"gpt-5-mini","stream":true}"#;
    let call =
        call(StreamUsageLayer::new(), Script::chunked(body.as_bytes(), 7), &[CHUNK, USAGE, DONE]).await;
    let changed = r#"{"model":"gpt-5-mini","stream":true,"stream_options":{"include_usage":true}}"#;
    assert_eq!(String::from_utf8(call.sent).unwrap(), changed);
    assert_eq!(call.length, Some(changed.len().to_string()));
    assert_eq!(String::from_utf8(call.received).unwrap(), [CHUNK, DONE].concat());
    assert_eq!(call.record.usage_state, UsageState::Reported);
    assert_eq!(call.record.usage.output_tokens, Some(5));
}

#[tokio::test]
async fn a_caller_who_asked_gets_the_usage() {
    let body = r#"{"stream":true,"stream_options":{"include_usage":true}}"#;
    let call = call(StreamUsageLayer::new(), Script::of([body]), &[CHUNK, USAGE, DONE]).await;
    assert_eq!(call.sent, body.as_bytes());
    assert_eq!(String::from_utf8(call.received).unwrap(), [CHUNK, USAGE, DONE].concat());
}

#[tokio::test]
async fn an_answer_that_breaks_off_within_an_event_loses_no_byte() {
    let stack = ServiceBuilder::new().layer(StreamUsageLayer::new()).service(service_fn(
        async |request: Request<StreamUsageRequestBody<Script>>| {
            request.into_body().collect().await?;
            let body = Script { tells_end: false, ..Script::of([CHUNK, "data: {\"choi"]) };
            let response = Response::builder().header("content-type", "text/event-stream");
            Ok::<_, ScriptError>(response.body(body.then(Step::Error(7))).unwrap())
        },
    ));
    let request = Request::post("https://api.openai.com/v1/chat/completions");
    let request = request.body(Script::of([r#"{"stream":true}"#])).unwrap();
    let mut body = stack.oneshot(request).await.unwrap().into_body();
    let mut received = Vec::new();
    let error = loop {
        match body.frame().await.unwrap() {
            Ok(frame) => received.extend_from_slice(&frame.into_data().unwrap()),
            Err(error) => break error,
        }
    };
    assert_eq!(String::from_utf8(received).unwrap(), format!("{CHUNK}data: {{\"choi"));
    assert_eq!(error, ScriptError(7));
}

#[tokio::test]
async fn a_body_over_the_limit_passes_as_it_is() {
    let body = r#"{"model":"gpt-5-mini","stream":true}"#;
    for sized in [true, false] {
        let script = Script { sized, ..Script::chunked(body.as_bytes(), 7) };
        let call = call(StreamUsageLayer::new().limit(body.len() - 1), script, &[CHUNK, USAGE, DONE]).await;
        assert_eq!(call.sent, body.as_bytes());
        assert_eq!(call.length, Some(body.len().to_string()));
        assert_eq!(
            call.record.usage_reason.map(tower_llm_metrics::record::UsageReason::as_str),
            Some("not_requested")
        );
    }
}

proptest! {
    #[test]
    fn whatever_is_not_a_streaming_request_passes_byte_for_byte(body in support::script(&[r#"{"model":"m"}"#, "[1]"])) {
        let fails = body.steps.iter().any(|step| matches!(step, Step::Error(_)));
        prop_assume!(!fails);
        let bytes: Vec<u8> = body.steps.iter().flat_map(|step| match step {
            Step::Data(data) => data.to_vec(),
            _ => Vec::new(),
        }).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let call = runtime.block_on(call(StreamUsageLayer::new(), body, &[CHUNK, DONE]));
        prop_assert_eq!(call.sent, bytes);
        prop_assert_eq!(String::from_utf8(call.received).unwrap(), [CHUNK, DONE].concat());
    }
}
