//! Binary event streams of Bedrock's.

use super::*;

const AWS_EVENTS: &str = "application/vnd.amazon.eventstream";
const CONVERSE: &str =
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse";
const CONVERSE_STREAM: &str =
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse-stream";
const INVOKE: &str = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke";
const INVOKE_STREAM: &str =
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke-with-response-stream";

fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut encoded = Vec::new();
    for (name, value) in headers {
        encoded.push(name.len() as u8);
        encoded.extend_from_slice(name.as_bytes());
        encoded.push(7);
        encoded.extend((value.len() as u16).to_be_bytes());
        encoded.extend_from_slice(value.as_bytes());
    }
    let total = (encoded.len() + payload.len() + 16) as u32;
    let mut bytes = [total.to_be_bytes(), (encoded.len() as u32).to_be_bytes()].concat();
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend(encoded);
    bytes.extend_from_slice(payload.as_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

fn event(name: &str, payload: &str) -> Vec<u8> {
    message(&[(":event-type", name), (":content-type", JSON), (":message-type", "event")], payload)
}

fn exception(name: &str) -> Vec<u8> {
    message(
        &[(":exception-type", name), (":message-type", "exception")],
        r#"{"message":"The secret reason"}"#,
    )
}

fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for three in text.as_bytes().chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place)) as usize & 63];
            encoded.push(if place > three.len() { '=' } else { digit.into() });
        }
    }
    encoded
}

fn chunk(inner: &str) -> Vec<u8> {
    event("chunk", &format!(r#"{{"bytes":"{}","p":"abcdefghijk"}}"#, base64(inner)))
}

const CONVERSE_USAGE: &str = r#"{"inputTokens":4,"outputTokens":59,"totalTokens":90,"cacheReadInputTokens":27,"cacheReadInputTokenCount":27}"#;

fn converse_usage() -> Usage {
    Usage { cache_read_tokens: Some(27), ..tokens(31, 59) }
}

fn converse_events() -> Vec<u8> {
    [
        event("messageStart", r#"{"p":"abc","role":"assistant"}"#),
        event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"{\"usage\":{\"inputTokens\":999}}"},"p":"a"}"#),
        event("contentBlockStop", r#"{"contentBlockIndex":0,"p":"ab"}"#),
        event("messageStop", r#"{"p":"abc","stopReason":"end_turn"}"#),
        event(
            "metadata",
            &format!(
                r#"{{"metrics":{{"latencyMs":444}},"p":"ab","serviceTier":{{"type":"flex"}},"usage":{CONVERSE_USAGE},"trace":{{"guardrail":{{"invocationMetrics":{{"usage":{{"topicPolicyUnits":1}}}}}}}}}}"#
            ),
        ),
    ]
    .concat()
}

#[test]
fn converse_gives_the_same_usage_streamed_and_not_streamed() {
    let whole = Call::new(CONVERSE, JSON, format!(r#"{{"output":{{}},"usage":{CONVERSE_USAGE}}}"#)).facts();
    let streamed = Call::new(CONVERSE_STREAM, AWS_EVENTS, converse_events()).facts();
    assert_eq!((&whole.usage, &streamed.usage), (&converse_usage(), &converse_usage()));
    assert_eq!((whole.stream, streamed.stream), (false, true));
    assert_eq!(streamed.service_tier.unwrap(), "flex");
    let unnamed = Call::new(CONVERSE_STREAM, "application/octet-stream", converse_events()).facts();
    assert_eq!(unnamed.usage, converse_usage());
}

#[test]
fn an_invocation_gives_the_same_usage_streamed_and_not_streamed() {
    let metrics = r#""amazon-bedrock-invocationMetrics":{"inputTokenCount":117,"outputTokenCount":28,"invocationLatency":9}"#;
    let inner: Vec<&str> = ANTHROPIC_EVENTS.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let (last, before) = inner.split_last().unwrap();
    let mut anthropic: Vec<u8> = before.iter().flat_map(|event| chunk(event)).collect();
    anthropic.extend(chunk(&last.replace('}', &format!(",{metrics}}}"))));
    let facts = Call::new(INVOKE_STREAM, AWS_EVENTS, anthropic.clone()).facts();
    assert_eq!(facts.usage, Call::new(INVOKE, JSON, ANTHROPIC_JSON).usage());
    assert_eq!(facts.model.unwrap(), "claude-sonnet-4-6");
    let left_after = Call::new(INVOKE_STREAM, AWS_EVENTS, anthropic).ended(Ended::Aborted);
    assert_eq!(left_after.facts().usage_state, UsageState::Reported);

    let titan =
        chunk(r#"{"outputText":"x","index":0.0,"totalOutputTextTokenCount":7.0,"inputTextTokenCount":6.0}"#);
    let titan_whole = r#"{"inputTextTokenCount":6,"results":[{"tokenCount":7,"outputText":"x"}]}"#;
    assert_eq!(
        Call::new(INVOKE_STREAM, AWS_EVENTS, titan).usage(),
        Call::new(INVOKE, JSON, titan_whole).usage()
    );
    // Models that say nothing themselves.
    let silent =
        [chunk(r#"{"outputs":[{"text":"x"}]}"#), chunk(&format!(r#"{{"outputs":[],{metrics}}}"#))].concat();
    assert_eq!(Call::new(INVOKE_STREAM, AWS_EVENTS, silent).usage(), tokens(117, 28));
}

#[test]
fn an_exception_fails_the_call_with_its_type() {
    let begun = event("messageStart", r#"{"role":"assistant"}"#);
    let body = [begun, exception("modelStreamErrorException")].concat();
    let facts = Call::new(CONVERSE_STREAM, AWS_EVENTS, body).facts();
    assert_eq!((facts.failed, facts.error.as_deref()), (true, Some("modelStreamErrorException")));
    assert_eq!(facts.usage_reason, Some(UsageReason::ErrorResponse));
}

#[test]
fn figures_of_a_damaged_message_are_not_believed() {
    let mut damaged = converse_events();
    let at = damaged.len() - 30;
    damaged[at] ^= 1;
    assert_eq!(Call::new(CONVERSE_STREAM, AWS_EVENTS, damaged).absent(), UsageReason::Malformed);

    // Damage elsewhere leaves them as they are.
    let mut elsewhere = converse_events();
    elsewhere[110] ^= 1;
    let facts = Call::new(CONVERSE_STREAM, AWS_EVENTS, elsewhere).facts();
    assert_eq!(facts.usage, converse_usage());
}

#[test]
fn a_stream_that_breaks_off_says_so() {
    let whole = converse_events();
    let cut = &whole[..whole.len() - 40];
    assert_eq!(Call::new(CONVERSE_STREAM, AWS_EVENTS, cut).absent(), UsageReason::Malformed);
    assert_eq!(
        Call::new(CONVERSE_STREAM, AWS_EVENTS, cut).ended(Ended::Aborted).absent(),
        UsageReason::Aborted
    );
    assert_eq!(
        Call::new(CONVERSE_STREAM, AWS_EVENTS, cut).ended(Ended::Broken).absent(),
        UsageReason::NoResponse
    );
    let noise = vec![0; 64];
    assert_eq!(Call::new(CONVERSE_STREAM, AWS_EVENTS, noise).absent(), UsageReason::Malformed);
}
