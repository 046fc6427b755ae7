//! Bad input gets one record with a reason, and the traffic is untouched.

use crate::support::{Records, Script, ScriptError};
use http::{Request, Response};
use http_body_util::BodyExt;
use proptest::prelude::*;
use tower::{Layer, ServiceExt, service_fn};
use tower_llm_metrics::record::{UnpricedReason, UsageReason, UsageState};
use tower_llm_metrics::{Cost, Outcome, Record, RequestBody, Usage};

/// Sends `request` to a service that answers `answer`, both in chunks, and checks that both arrive unchanged.
fn exchange(path: &str, request: &[u8], content_type: &str, answer: &[u8], chunk: usize) -> Record {
    let (layer, records) = Records::layer();
    let sent = request.to_vec();
    let body = Script::chunked(answer, chunk);
    let content_type = content_type.to_owned();
    let service = layer.layer(service_fn(move |request: Request<RequestBody<Script>>| {
        let (sent, body, content_type) = (sent.clone(), body.clone(), content_type.clone());
        async move {
            assert_eq!(request.into_body().collect().await?.to_bytes(), sent);
            let mut response = Response::new(body);
            response.headers_mut().insert("content-type", content_type.parse().unwrap());
            Ok::<_, ScriptError>(response)
        }
    }));
    let request =
        Request::post(format!("https://api.openai.com{path}")).body(Script::chunked(request, chunk)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let received =
        runtime.block_on(async { service.oneshot(request).await.unwrap().into_body().collect().await });
    assert_eq!(received.unwrap().to_bytes(), answer);
    assert_eq!(layer.panics(), 0);
    records.only()
}

const PATHS: &[&str] =
    &["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings", "/anything"];
const TYPES: &[&str] =
    &["application/json", "text/event-stream", "application/vnd.amazon.eventstream", "application/x-ndjson"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn random_bytes_never_stop_the_traffic(
        path in proptest::sample::select(PATHS),
        content_type in proptest::sample::select(TYPES),
        request in proptest::collection::vec(any::<u8>(), 0..300),
        answer in proptest::collection::vec(any::<u8>(), 0..300),
        chunk in 1usize..64,
    ) {
        let record = exchange(path, &request, content_type, &answer, chunk);
        prop_assert_eq!(record.outcome, Outcome::Completed);
        prop_assert!(record.usage_state != UsageState::Absent || record.usage_reason.is_some());
    }

    #[test]
    fn a_valid_answer_with_one_byte_changed_never_stops_the_traffic(
        path in proptest::sample::select(PATHS),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
        chunk in 1usize..64,
    ) {
        for (content_type, answer) in VALID {
            let mut answer = answer.as_bytes().to_vec();
            let at = at.index(answer.len());
            answer[at] = byte;
            exchange(path, REQUEST.as_bytes(), content_type, &answer, chunk);
        }
    }

    #[test]
    fn a_valid_answer_cut_anywhere_leaves_one_record(at in any::<proptest::sample::Index>(), chunk in 1usize..64) {
        for (content_type, answer) in VALID {
            let cut = &answer.as_bytes()[..at.index(answer.len())];
            exchange("/v1/chat/completions", REQUEST.as_bytes(), content_type, cut, chunk);
        }
    }
}

const REQUEST: &str = r#"{"model":"gpt-5-mini","user":"alice","messages":[{"role":"user","content":"x"}]}"#;

const VALID: [(&str, &str); 3] = [
    (
        "application/json",
        r#"{"id":"chatcmpl-1","model":"gpt-5-mini","choices":[{"message":{"content":"say \"usage\""}}],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}"#,
    ),
    (
        "text/event-stream",
        "data: {\"model\":\"gpt-5-mini\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\r\n\r\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n",
    ),
    (
        "text/event-stream",
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":9}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ),
];

#[test]
fn a_contradictory_usage_is_kept_with_its_reason() {
    let answer = r#"{"model":"gpt-5-mini","choices":[],"usage":{"prompt_tokens":208,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":314}}}"#;
    let record =
        exchange("/v1/chat/completions", REQUEST.as_bytes(), "application/json", answer.as_bytes(), 7);
    assert_eq!(record.usage_reason.map(UsageReason::as_str), Some("part_exceeds_whole"));
    assert_eq!((record.usage.input_tokens, record.usage.cache_read_tokens), (Some(208), Some(314)));
}

#[test]
fn a_figure_that_cannot_be_read_is_a_reason_and_the_rest_is_not_taken_for_the_whole_price() {
    for figures in [
        r#""prompt_tokens":"many","completion_tokens":5"#,
        r#""prompt_tokens":-5,"completion_tokens":20"#,
        r#""prompt_tokens":1e400,"completion_tokens":2"#,
        r#""prompt_tokens":10,"completion_tokens":20.5"#,
        r#""prompt_tokens":10,"completion_tokens":true"#,
        r#""prompt_tokens":10,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":"some"}"#,
    ] {
        let answer = format!(r#"{{"model":"gpt-5-mini","choices":[],"usage":{{{figures}}}}}"#);
        let record =
            exchange("/v1/chat/completions", REQUEST.as_bytes(), "application/json", answer.as_bytes(), 7);
        assert_eq!(record.usage_state, UsageState::Reported, "{figures}");
        assert_eq!(record.usage_reason.map(UsageReason::as_str), Some("malformed"), "{figures}");
        assert_eq!(record.cost, Cost::Unpriced(UnpricedReason::UnreadableUsage), "{figures}");
    }
}

#[test]
fn a_figure_that_cannot_be_read_in_any_event_of_anthropics_is_a_reason() {
    for (start, delta) in [("-3", "9"), ("3", "9.5")] {
        let answer = format!(
            "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"model\":\"claude-sonnet-4-5\",\"usage\":{{\"input_tokens\":{start},\"output_tokens\":1}}}}}}\n\nevent: message_delta\ndata: {{\"type\":\"message_delta\",\"usage\":{{\"output_tokens\":{delta}}}}}\n\nevent: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
        );
        let record = exchange("/v1/messages", REQUEST.as_bytes(), "text/event-stream", answer.as_bytes(), 7);
        assert_eq!(record.usage_reason.map(UsageReason::as_str), Some("malformed"), "{start} {delta}");
        assert!(matches!(record.cost, Cost::Unpriced(_)), "{start} {delta}");
    }
}

/// A message of Anthropic's as JSON, and as a stream whose last event has the usage.
fn message(usage: &str) -> [(&'static str, String); 2] {
    let start = r#"{"type":"message_start","message":{"model":"claude-opus-4-8","usage":{}}}"#;
    let delta = format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn"}},"usage":{usage}}}"#);
    let stop = r#"{"type":"message_stop"}"#;
    let stream = [start, &delta, stop].map(|event| format!("data: {event}\n\n")).concat();
    let json = format!(r#"{{"type":"message","model":"claude-opus-4-8","content":[],"usage":{usage}}}"#);
    [("application/json", json), ("text/event-stream", stream)]
}

fn message_record((content_type, answer): &(&'static str, String)) -> Record {
    let (layer, records) = Records::layer();
    let (answer, content_type) = (Script::chunked(answer.as_bytes(), 7), *content_type);
    let service = layer.layer(service_fn(move |_: Request<RequestBody<Script>>| {
        let mut response = Response::new(answer.clone());
        response.headers_mut().insert("content-type", content_type.parse().unwrap());
        async { Ok::<_, ScriptError>(response) }
    }));
    let request = Request::post("https://api.anthropic.com/v1/messages").body(Script::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { service.oneshot(request).await.unwrap().into_body().collect().await }).unwrap();
    records.only()
}

#[test]
fn anthropics_figures_are_anthropics_without_those_of_a_cache() {
    let usage = r#"{"input_tokens":10,"output_tokens":5,"server_tool_use":{"web_search_requests":2},"inference_geo":"us","output_tokens_details":{"thinking_tokens":3}}"#;
    for answer in message(usage) {
        let record = message_record(&answer);
        let Usage { web_searches, reasoning_tokens, .. } = record.usage;
        assert_eq!((web_searches, reasoning_tokens), (Some(2), Some(3)), "{}", answer.0);
        assert_eq!(record.region.as_deref(), Some("us"), "{}", answer.0);
    }
}

#[test]
fn a_fast_answer_is_billed_as_such() {
    let usage = |speed: &str| {
        format!(r#"{{"input_tokens":1000,"output_tokens":1000,"service_tier":"standard","speed":"{speed}"}}"#)
    };
    for (standard, fast) in message(&usage("standard")).iter().zip(&message(&usage("fast"))) {
        let (standard, fast) = (message_record(standard), message_record(fast));
        assert_eq!(fast.service_tier.as_deref(), Some("fast"));
        assert!(fast.cost.total() > standard.cost.total(), "{:?} {:?}", fast.cost, standard.cost);
    }
}

#[test]
fn a_usage_of_anthropics_that_cannot_be_read_is_never_half_a_price() {
    for usage in [
        r#""x""#,
        "5",
        "true",
        "[1]",
        r#"{"output_tokens":"x"}"#,
        r#"{"input_tokens":1,"output_tokens":2,"server_tool_use":{"web_search_requests":"2"}}"#,
        r#"{"input_tokens":1,"output_tokens":2,"iterations":"x"}"#,
        r#"{"input_tokens":1,"output_tokens":2,"cache_creation":"x"}"#,
    ] {
        for answer in message(usage) {
            let record = message_record(&answer);
            assert_eq!(record.usage_reason, Some(UsageReason::Malformed), "{usage} {}", answer.0);
            assert!(matches!(record.cost, Cost::Unpriced(_)), "{usage} {}", answer.0);
        }
    }
    // A delta that says nothing leaves the figures of the start.
    for usage in ["{}", "null", r#"{"foo":1}"#, r#"{"output_tokens":null}"#] {
        let [_, stream] = message(usage);
        let stream = (
            "text/event-stream",
            stream.1.replacen(r#""usage":{}"#, r#""usage":{"input_tokens":10,"output_tokens":1}"#, 1),
        );
        assert_eq!(message_record(&stream).usage_state, UsageState::Partial, "{usage}");
    }
}

#[test]
fn figures_over_a_limit_are_a_reason_and_never_half_a_price() {
    let pad = "x".repeat(20_000);
    let large = format!(r#"{{"input_tokens":1000,"output_tokens":5000,"pad":"{pad}"}}"#);
    let small = r#"{"input_tokens":1,"output_tokens":2}"#;
    let passes = vec![r#"{"type":"compaction","input_tokens":1000,"output_tokens":1}"#; 40].join(",");
    let many = format!(r#"{{"input_tokens":1,"output_tokens":2,"iterations":[{passes}]}}"#);
    let start_too_large = message(small)
        .map(|(kind, text)| (kind, text.replace(r#""usage":{}"#, &format!(r#""usage":{large}"#))));
    let chat = format!(
        "data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":1}}}}\n\ndata: {{\"choices\":[],\"usage\":{}}}\n\ndata: [DONE]\n\n",
        large.replace("input", "prompt").replace("output", "completion")
    );
    let chat = exchange("/v1/chat/completions", REQUEST.as_bytes(), "text/event-stream", chat.as_bytes(), 7);
    let records = message(&large)
        .iter()
        .chain(&message(&many))
        .chain(&start_too_large[1..])
        .map(message_record)
        .chain([chat])
        .collect::<Vec<_>>();
    for record in records {
        assert_eq!(record.usage_reason, Some(UsageReason::TooLarge), "{}", record.to_json());
        assert!(matches!(record.cost, Cost::Unpriced(_)), "{}", record.to_json());
    }
}

#[test]
fn an_output_without_its_input_has_no_price() {
    let answer = r#"{"model":"gpt-5-mini","choices":[],"usage":{"completion_tokens":5,"total_tokens":30}}"#;
    let record =
        exchange("/v1/chat/completions", REQUEST.as_bytes(), "application/json", answer.as_bytes(), 7);
    assert_eq!(record.cost, Cost::Unpriced(UnpricedReason::IncompleteUsage));
}

#[test]
fn figures_that_a_later_frame_states_well_are_not_held_against_it() {
    let answer = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":-3,\"completion_tokens\":5}}\n\ndata: {\"model\":\"gpt-5-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n";
    let record =
        exchange("/v1/chat/completions", REQUEST.as_bytes(), "text/event-stream", answer.as_bytes(), 7);
    assert_eq!((record.usage_reason, record.usage.input_tokens), (None, Some(3)));
    assert!(matches!(record.cost, Cost::Priced(_)));
}

#[test]
fn a_usage_that_is_no_usage_object_is_malformed() {
    for usage in [
        r#""none""#,
        "[1,2]",
        "7",
        r#"{"prompt_tokens":1,}"#,
        r#"{'prompt_tokens':10}"#,
        r#"{,"prompt_tokens":1}"#,
        r#"{"x":nul,"prompt_tokens":1}"#,
    ] {
        let answer = format!(r#"{{"model":"gpt-5-mini","choices":[],"usage":{usage}}}"#);
        let record =
            exchange("/v1/chat/completions", REQUEST.as_bytes(), "application/json", answer.as_bytes(), 7);
        assert_eq!(record.usage_state, UsageState::Absent, "{usage}");
        assert_eq!(record.usage_reason.map(UsageReason::as_str), Some("malformed"), "{usage}");
    }
}

#[test]
fn what_is_not_read_of_a_usage_does_not_spoil_what_is() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for other in [r#""\ud83d""#, r#"{"\ud83d":1}"#, &deep, "1e400", "\"\\u0041\""] {
        let answer = format!(
            r#"{{"model":"gpt-5-mini","choices":[],"usage":{{"x":{other},"prompt_tokens":3,"completion_tokens":5,"y":{other}}}}}"#
        );
        let record =
            exchange("/v1/chat/completions", REQUEST.as_bytes(), "application/json", answer.as_bytes(), 7);
        assert_eq!((record.usage_state, record.usage_reason), (UsageState::Reported, None), "{other}");
        assert_eq!((record.usage.input_tokens, record.usage.output_tokens), (Some(3), Some(5)), "{other}");
    }
}

#[test]
fn figures_beyond_64_bits_do_not_wrap() {
    let answer = r#"{"model":"gpt-5-mini","choices":[],"usage":{"prompt_tokens":99999999999999999999999,"completion_tokens":18446744073709551615}}"#;
    let record =
        exchange("/v1/chat/completions", REQUEST.as_bytes(), "application/json", answer.as_bytes(), 64);
    assert_eq!((record.usage.input_tokens, record.usage.output_tokens), (None, Some(u64::MAX)));
}

#[test]
fn a_truncated_answer_has_a_reason() {
    let answer = &VALID[0].1[..VALID[0].1.len() - 20];
    let record =
        exchange("/v1/chat/completions", REQUEST.as_bytes(), "application/json", answer.as_bytes(), 7);
    assert_eq!(record.usage_state, UsageState::Absent);
    assert_eq!(record.usage_reason.map(UsageReason::as_str), Some("malformed"));
}

#[test]
fn an_unknown_shape_is_unrecognized() {
    let record = exchange("/anything", b"{}", "application/json", br#"{"hello":"world"}"#, 7);
    assert_eq!(record.usage_reason.map(UsageReason::as_str), Some("unrecognized"));
}
