//! The dashboard's questions: whatever is asked, the answer is no fault of the server's, and nobody sees another user.

#![no_main]

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use libfuzzer_sys::fuzz_target;
use std::fmt::Write;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};
use tower::Service;
use tower_llm_metrics::dashboard::Dashboard;
use tower_llm_metrics::record::{Text, User};
use tower_llm_metrics::report::Scope;
use tower_llm_metrics::{MemorySink, MetricsSink, Record, UserId};

const PAGES: [&str; 14] = [
    "/",
    "/users",
    "/user",
    "/activity",
    "/health",
    "/api/users",
    "/api/user",
    "/api/series",
    "/api/breakdown",
    "/api/retention",
    "/api/histogram",
    "/api/overview",
    "/api/calls",
    "/api/health",
];
const FORMS: [&str; 3] = ["/v1/user/metrics/query", "/v1/user/metrics-overview/query", "/v1/user/query"];

/// Whom nobody else may see.
const SECRET: &str = "zq-secret-zq";
const NOW: Duration = Duration::from_secs(1_764_000_000);

/// A store with calls of two users, over some days.
static USERS: LazyLock<MemorySink> = LazyLock::new(|| {
    let users = MemorySink::new();
    for number in 0..200u64 {
        let mut record = Record::new(SystemTime::UNIX_EPOCH + NOW - Duration::from_secs(number * 4_000));
        let id = UserId::new(if number % 3 == 0 { SECRET } else { "alice" }).expect("an id");
        record.user = Some(User::verified(id));
        record.model = Text::new(if number % 2 == 0 { "gpt-5-mini" } else { "claude-sonnet-4-5" }).ok();
        record.usage.input_tokens = Some(number * 7);
        record.usage.output_tokens = Some(number);
        record.properties.insert("team", "search");
        users.record(&record);
    }
    users
});

fn dashboard(scope: fn() -> Scope) -> Dashboard<MemorySink> {
    Dashboard::new(USERS.clone(), move |_: &Parts| Some(scope()))
        .sink("memory", || USERS.stats())
        .clock(|| SystemTime::UNIX_EPOCH + NOW)
}

/// The future's result. It waits for nothing but itself.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// A query of any bytes: those that a URL does not hold are escaped.
fn query(bytes: &[u8]) -> String {
    let mut query = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'='
            | b'&'
            | b'%'
            | b'+'
            | b'.'
            | b'-'
            | b'_'
            | b':' => {
                query.push(char::from(byte));
            }
            _ => write!(query, "%{byte:02X}").expect("it fits"),
        }
    }
    query
}

fuzz_target!(|input: &[u8]| {
    let Some((&route, rest)) = input.split_first() else { return };
    let route = usize::from(route) % (PAGES.len() + FORMS.len());
    let request = || {
        let request = match PAGES.get(route) {
            Some(page) => Request::get(format!("{page}?{}", query(rest))),
            None => Request::builder().method(Method::POST).uri(FORMS[route - PAGES.len()]),
        };
        let body = if route < PAGES.len() { Bytes::new() } else { Bytes::copy_from_slice(rest) };
        request.header("accept", "text/html").body(Full::new(body))
    };
    // A query that is too long for a URI is nobody's.
    let Ok(of_everybody) = request() else { return };
    let answer = now(dashboard(|| Scope::All).call(of_everybody)).expect("it never fails");
    assert!(!answer.status().is_server_error(), "{}", answer.status());
    now(answer.into_body().collect()).expect("it never fails");

    let of_alice = request().expect("it was one before");
    let scope = || Scope::from(UserId::new("alice").expect("an id"));
    let answer = now(dashboard(scope).call(of_alice)).expect("it never fails");
    assert!(!answer.status().is_server_error(), "{}", answer.status());
    let answer = now(answer.into_body().collect()).expect("it never fails").to_bytes();
    // What was asked with may be said again.
    let echoes = String::from_utf8_lossy(rest).contains("secret");
    let holds = |needle: &[u8]| answer.windows(needle.len()).any(|window| window == needle);
    assert!(echoes || !holds(SECRET.as_bytes()), "alice sees somebody else");
});
