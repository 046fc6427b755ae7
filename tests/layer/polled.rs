//! Answers that are asked for again: their figures count once, for whoever made the call.

use crate::support::{Records, Script, ScriptError, Step};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_llm_metrics::record::UsageState;
use tower_llm_metrics::{Cost, Record, RequestBody, UserMetricsLayer};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// A call: how, where to, what is sent, and the answer.
struct Call<'a>(&'a str, &'a str, &'a str, &'a str, Script);

fn json(body: &str) -> Script {
    Script::of([body.to_owned()])
}

fn events<'a>(data: impl IntoIterator<Item = &'a str>) -> Script {
    Script::of(data.into_iter().map(|data| format!("data: {data}\n\n")))
}

fn post<'a>(url: &'a str, body: &'a str, answer: Script) -> Call<'a> {
    Call("POST", url, body, JSON, answer)
}

fn stream<'a>(url: &'a str, body: &'a str, answer: Script) -> Call<'a> {
    Call("POST", url, body, EVENTS, answer)
}

fn get(url: &str, answer: Script) -> Call<'_> {
    Call("GET", url, "", JSON, answer)
}

/// Makes the calls through one layer; what their figures are.
fn records<'a>(calls: impl IntoIterator<Item = Call<'a>>) -> Vec<Record> {
    let (layer, records) = Records::layer();
    for call in calls {
        send(&layer, call);
    }
    records.all()
}

fn send(layer: &UserMetricsLayer, Call(method, url, body, content_type, answer): Call<'_>) {
    let service = layer.layer(service_fn(async |request: Request<RequestBody<Script>>| {
        request.into_body().collect().await?;
        let response = Response::builder().header("content-type", content_type);
        Ok::<_, ScriptError>(response.body(answer.clone()).unwrap())
    }));
    let request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(url);
    let request = request.body(json(body)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    // An answer that breaks off is an error here, and a record.
    let _ = runtime.block_on(async { service.oneshot(request).await.unwrap().into_body().collect().await });
}

fn states<'a>(calls: impl IntoIterator<Item = Call<'a>>) -> Vec<(UsageState, Option<u64>)> {
    records(calls).iter().map(|record| (record.usage_state, record.usage.input_tokens)).collect()
}

const ABSENT: (UsageState, Option<u64>) = (UsageState::Absent, None);
const REPORTED: (UsageState, Option<u64>) = (UsageState::Reported, Some(10));
const REPEATED: (UsageState, Option<u64>) = (UsageState::Repeated, Some(10));

const RESPONSES: &str = "https://api.openai.com/v1/responses";
const RESPONSE: &str = "https://api.openai.com/v1/responses/resp_1";

fn response(status: &str, usage: &str) -> String {
    format!(
        r#"{{"id":"resp_1","object":"response","status":"{status}","error":null,"model":"gpt-5","usage":{usage},"tool_usage":{{"web_search":{{"num_requests":0}}}}}}"#
    )
}

const USAGE: &str = r#"{"input_tokens":10,"output_tokens":5,"total_tokens":15}"#;

#[test]
fn a_background_response_counts_when_it_is_there_and_for_whom_it_was_asked() {
    let ask = r#"{"model":"gpt-5","background":true,"user":"alice"}"#;
    let all = records([
        post(RESPONSES, ask, json(&response("queued", "null"))),
        get(RESPONSE, json(&response("in_progress", "null"))),
        get(RESPONSE, json(&response("completed", USAGE))),
        get(RESPONSE, json(&response("completed", USAGE))),
    ]);
    let states: Vec<_> = all.iter().map(|record| (record.usage_state, record.usage.input_tokens)).collect();
    assert_eq!(states, [ABSENT, ABSENT, REPORTED, REPEATED]);
    let user = |record: &Record| record.user_id().map(ToString::to_string);
    assert_eq!(
        all.iter().map(user).collect::<Vec<_>>(),
        [Some("alice".into()), None, Some("alice".into()), None]
    );
    assert!(matches!((&all[2].cost, &all[3].cost), (Cost::Priced(_), Cost::None)));
}

#[test]
fn figures_of_what_is_still_being_made_do_not_count() {
    let begun = response("in_progress", r#"{"input_tokens":10,"output_tokens":0}"#);
    let calls = [
        post(RESPONSES, "{}", json(&begun)),
        get(RESPONSE, json(&begun)),
        get(RESPONSE, json(&response("completed", USAGE))),
    ];
    assert_eq!(states(calls), [ABSENT, ABSENT, REPORTED]);
}

#[test]
fn a_stream_that_broke_off_is_counted_when_it_is_asked_for() {
    let created = format!(r#"{{"type":"response.created","response":{}}}"#, response("in_progress", "null"));
    let broken = Script { tells_end: false, ..events([created.as_str()]) }.then(Step::Error(1));
    let calls =
        [stream(RESPONSES, r#"{"stream":true}"#, broken), get(RESPONSE, json(&response("completed", USAGE)))];
    assert_eq!(states(calls), [ABSENT, REPORTED]);
}

const RUNS: &str = "https://api.openai.com/v1/threads/t/runs";
const RUN: &str = "https://api.openai.com/v1/threads/t/runs/run_1";

fn run(status: &str, usage: &str) -> String {
    format!(r#"{{"id":"run_1","object":"thread.run","status":"{status}","model":"gpt-4o","usage":{usage}}}"#)
}

const RUN_USAGE: &str = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}"#;

#[test]
fn a_run_that_was_reported_when_its_tools_had_answered_is_repeated_when_it_is_polled() {
    let submit = "https://api.openai.com/v1/threads/t/runs/run_1/submit_tool_outputs";
    let completed = run("completed", RUN_USAGE);
    let calls = [
        post(RUNS, "{}", json(&run("queued", "null"))),
        stream(submit, "{}", events([completed.as_str(), "[DONE]"])),
        get(RUN, json(&completed)),
    ];
    assert_eq!(states(calls), [ABSENT, REPORTED, REPEATED]);
}

#[test]
fn the_figures_of_a_step_are_within_those_of_its_run() {
    let step = r#"{"id":"step_1","object":"thread.run.step","usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;
    let thread = r#"{"id":"thread_1","object":"thread"}"#;
    let waiting = run("requires_action", "null");
    let created = "https://api.openai.com/v1/threads/runs";
    let calls = [
        stream(created, "{}", events([thread, &run("queued", "null"), step, &waiting, "[DONE]"])),
        get("https://api.openai.com/v1/threads/t/runs/run_1/steps/step_1", json(step)),
        get(RUN, json(&run("completed", RUN_USAGE))),
    ];
    let states = states(calls);
    assert_eq!((states[0], states[2]), (ABSENT, REPORTED));
    assert_ne!(states[1].0, UsageState::Reported);
}

#[test]
fn a_deferred_answer_is_known_by_the_id_that_was_asked_for() {
    let answer = r#"{"id":"other","object":"chat.completion","model":"grok-4","usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;
    let calls = [
        post("https://api.x.ai/v1/chat/completions", r#"{"deferred":true}"#, json(r#"{"request_id":"q-1"}"#)),
        get("https://api.x.ai/v1/chat/deferred-completion/q-1", json(answer)),
        get("https://api.x.ai/v1/chat/deferred-completion/q-1", json(answer)),
    ];
    assert_eq!(states(calls), [ABSENT, REPORTED, REPEATED]);
}

#[test]
fn perplexitys_asynchronous_answers_and_stored_completions_count_when_they_are_there() {
    let begun = r#"{"id":"p1","status":"CREATED","model":"sonar-deep-research","response":null}"#;
    let done = r#"{"id":"p1","status":"COMPLETED","response":{"model":"sonar-deep-research","usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}}"#;
    let calls = [
        post("https://api.perplexity.ai/async/chat/completions", "{}", json(begun)),
        get("https://api.perplexity.ai/async/chat/completions/p1", json(done)),
    ];
    assert_eq!(states(calls), [ABSENT, REPORTED]);
    let url = "https://api.openai.com/v1/chat/completions";
    let chunk = r#"{"id":"c","object":"chat.completion.chunk","model":"gpt-5-mini","choices":[]}"#;
    let kept = r#"{"id":"c","object":"chat.completion","model":"gpt-5-mini","usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;
    let calls = [
        stream(url, r#"{"stream":true,"store":true}"#, events([chunk, "[DONE]"])),
        get("https://api.openai.com/v1/chat/completions/c", json(kept)),
    ];
    assert_eq!(states(calls), [ABSENT, REPORTED]);
}

#[test]
fn streams_that_cannot_be_asked_for_take_no_place_from_those_that_can() {
    let chunk = r#"{"id":"chatcmpl-N","object":"chat.completion.chunk","model":"gpt-5-mini","choices":[]}"#;
    let (layer, records) = Records::layer();
    send(&layer, post(RESPONSES, "{}", json(&response("queued", "null"))));
    for n in 0..5_000 {
        let chunk = chunk.replace('N', &n.to_string());
        send(&layer, stream("https://api.openai.com/v1/chat/completions", "{}", events([chunk.as_str()])));
    }
    send(&layer, get(RESPONSE, json(&response("completed", USAGE))));
    assert_eq!(records.all().last().unwrap().usage_state, UsageState::Reported);
}
