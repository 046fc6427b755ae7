//! The dashboard over traffic that goes on: a layered client calls a local server as several users, and the figures move.
//!
//! ```text
//! cargo run --example dashboard --features dashboard
//! ```
//!
//! Everybody's figures are at `/usage`. At `/mine` one sees what Alice would: her own and nothing else. An application's own
//! authentication stands in front of both; here there is none, so that the server listens on the loopback interface only.
//! Before the traffic begins, the last `--days` are filled with calls that are made up. `--users` adds as many users with one call
//! each, to see how it is with many, and `--still` leaves the traffic out.

#![allow(clippy::print_stdout, clippy::indexing_slicing, reason = "it is a program, not the library")]

#[path = "support/upstream/mod.rs"]
mod upstream;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};
use tower::{ServiceBuilder, ServiceExt};
use tower_llm_metrics::dashboard::Dashboard;
use tower_llm_metrics::record::{Text, UnpricedReason, UsageReason, UsageState};
use tower_llm_metrics::report::Scope;
use tower_llm_metrics::sink::queue::QueueSink;
use tower_llm_metrics::{
    Cost, MemorySink, MetricsSink, Operation, Outcome, PriceBook, PricedCall, Pricer, Provider, Record, User,
    UserId, UserMetricsLayer,
};

/// Ids come from outside, so they can be anything.
fn people() -> Vec<String> {
    let names = [
        "alice",
        "bob@example.com",
        "carol",
        "dave",
        "erin",
        "frank",
        "grace",
        "heidi",
        "ivan",
        "judy",
        "mallory",
        "niaj",
        "olivia",
        "peggy",
        "rupert",
        "sybil",
        "trent",
        "victor",
        "walter",
        "zoë",
    ];
    let mut people: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    people.push("<script>alert(1)</script>".to_owned());
    people.push("\u{1f600}".repeat(64));
    people.push("=HYPERLINK(\"http://example.com\")".to_owned());
    people.extend((1..=40).map(|number| format!("customer-{number:03}")));
    people
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse()?;
    let users = MemorySink::builder().max_users(options.users + 1_000).build();
    fill(&users, &options);

    // A queue, so that there is something to see of a sink that takes its time.
    let queue = QueueSink::new(1_000, |_: &Record| ())?;
    let layer = UserMetricsLayer::new((users.clone(), queue.clone()));
    let everybody = Dashboard::new(users.clone(), |_: &Parts| Some(Scope::All))
        .title("Example")
        .mounted_at("/usage")
        .refresh(Duration::from_secs(1));
    let (memory, stats) = (users.clone(), queue.clone());
    let everybody = everybody.sink("memory", move || memory.stats()).sink("queue", move || stats.stats());
    let alice = UserId::new("alice")?;
    let mine = Dashboard::new(users, move |_: &Parts| Some(Scope::from(alice.clone()))).mounted_at("/mine");

    let app = axum::Router::new().nest_service("/usage", everybody).nest_service("/mine", mine);
    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    println!("http://{}/usage", listener.local_addr()?);
    if options.traffic {
        let server = upstream::start().await?;
        tokio::spawn(traffic(server, layer));
    }
    axum::serve(listener, app).await?;
    Ok(())
}

struct Options {
    listen: SocketAddr,
    days: u64,
    users: usize,
    traffic: bool,
}

impl Options {
    fn parse() -> Result<Self, Box<dyn Error>> {
        use lexopt::prelude::{Long, ValueExt};
        let listen = SocketAddr::from(([127, 0, 0, 1], 8090));
        let mut options = Self { listen, days: 45, users: 0, traffic: true };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("listen") => options.listen = arguments.value()?.parse()?,
                Long("days") => options.days = arguments.value()?.parse()?,
                Long("users") => options.users = arguments.value()?.parse()?,
                Long("still") => options.traffic = false,
                _ => return Err(argument.unexpected().into()),
            }
        }
        Ok(options)
    }
}

/// A small generator of numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

const MODELS: [(&str, Provider); 5] = [
    ("gpt-5-mini", Provider::OPENAI),
    ("gpt-5", Provider::OPENAI),
    ("claude-sonnet-4-5", Provider::ANTHROPIC),
    ("gpt-5-nano", Provider::OPENAI),
    ("house-model-1", Provider::OLLAMA),
];

/// Calls that are made up, so that there is a past to look at.
fn fill(users: &MemorySink, options: &Options) {
    const DAY: u64 = 86_400;
    let (people, prices) = (people(), PriceBook::default());
    let (mut dice, now) = (Dice(42), SystemTime::now());
    let mut calls = Vec::new();
    let mut made_up = |seconds_ago: u64, id: &str, dice: &mut Dice| {
        let mut record = Record::new(now - Duration::from_secs(seconds_ago));
        record.user = UserId::verbatim(id).ok().map(User::verified);
        let (model, provider) = &MODELS[(dice.roll(5) * dice.roll(5) / 4) as usize];
        (record.model, record.provider) = (Text::new(model).ok(), Some(provider.clone()));
        record.operation = Operation::Chat;
        record.latency = Duration::from_millis(300 + dice.roll(2_000) + dice.roll(40) * dice.roll(100));
        record.status = Some(200);
        record.outcome = Outcome::Completed;
        match dice.roll(40) {
            0 => {
                (record.outcome, record.status) = (Outcome::Failed, Some(429));
                record.usage_reason = Some(UsageReason::ErrorResponse);
            }
            1 => {
                record.outcome = Outcome::Aborted;
                record.usage_reason = Some(UsageReason::Aborted);
                record.cost = Cost::Unpriced(UnpricedReason::NoUsage);
            }
            _ => {
                record.usage_state = UsageState::Reported;
                record.usage.input_tokens = Some(200 + dice.roll(4_000));
                record.usage.output_tokens = Some(20 + dice.roll(900));
                record.cost = price(&prices, &record);
            }
        }
        calls.push(record);
    };
    for day in 0..options.days {
        // Users came one after the other, weekends are quiet, and the first ones call most.
        let came = people.len() as u64 * (options.days - day) / options.days.max(1);
        let calls = if day % 7 > 4 { 40 } else { 120 };
        for _ in 0..calls + (options.days - day) {
            let most = came.clamp(1, people.len() as u64);
            let who = dice.roll(most).min(dice.roll(most)) as usize;
            // Some tried it and stayed away.
            if who % 4 == 3 && day < 20 {
                continue;
            }
            made_up(day * DAY + dice.roll(DAY), &people[who], &mut dice);
        }
    }
    for number in 0..options.users {
        made_up(dice.roll(20 * DAY), &format!("user-{number:06}"), &mut dice);
    }
    calls.sort_by_key(|call| call.time);
    calls.iter().for_each(|call| users.record(call));
}

fn price(prices: &PriceBook, record: &Record) -> Cost {
    let mut call = PricedCall::new(&record.usage, record.time);
    (call.provider, call.model) = (record.provider.as_ref(), record.model.as_ref());
    prices.price(&call)
}

/// Calls without end.
async fn traffic(server: SocketAddr, layer: UserMetricsLayer) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let client = ServiceBuilder::new().layer(layer).service(client);
    let (people, mut dice) = (people(), Dice(7));
    loop {
        let who = dice.roll(people.len() as u64).min(dice.roll(people.len() as u64)) as usize;
        let request = call(server, &people[who], &mut dice);
        // The answer does not matter here; what the layer saw of it does.
        if let Ok(response) = client.clone().oneshot(request).await {
            let _ = response.into_body().collect().await;
        }
        tokio::time::sleep(Duration::from_millis(50 + dice.roll(400))).await;
    }
}

fn call(server: SocketAddr, user: &str, dice: &mut Dice) -> Request<Full<Bytes>> {
    let question =
        "What is the answer to life, the universe and everything? ".repeat(1 + dice.roll(60) as usize);
    let messages = json!([{ "role": "user", "content": question }]);
    let (path, mut body): (_, Value) = match dice.roll(10) {
        0..4 => {
            ("/v1/chat/completions", json!({ "model": "gpt-5-mini", "messages": messages, "user": user }))
        }
        4 | 5 => (
            "/v1/chat/completions",
            json!({ "model": "gpt-5", "messages": messages, "user": user, "stream": true,
                    "stream_options": { "include_usage": true } }),
        ),
        // Not asked for its usage.
        6 => (
            "/v1/chat/completions",
            json!({ "model": "gpt-5-mini", "messages": messages, "user": user, "stream": true }),
        ),
        // Not in any price list.
        7 => {
            ("/v1/chat/completions", json!({ "model": "house-model-1", "messages": messages, "user": user }))
        }
        8 => (
            "/v1/messages",
            json!({ "model": "claude-sonnet-4-5", "max_tokens": 64, "messages": messages,
                    "metadata": { "user_id": user } }),
        ),
        _ => {
            ("/v1/chat/completions", json!({ "model": "no-such-model", "messages": messages, "user": user }))
        }
    };
    // Some calls are nobody's.
    if dice.roll(25) == 0
        && let Some(members) = body.as_object_mut()
    {
        members.remove("user");
        members.remove("metadata");
    }
    let mut request = Request::new(Full::new(Bytes::from(body.to_string())));
    *request.method_mut() = Method::POST;
    if let Ok(uri) = format!("http://{server}{path}").parse() {
        *request.uri_mut() = uri;
    }
    request
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    request
}
