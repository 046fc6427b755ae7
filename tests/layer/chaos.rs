//! Whoever is killed, and whenever: exactly one right record for each call that was dispatched.
//!
//! `CHAOS_ROUNDS=1000 cargo test --release --test layer chaos -- --nocapture` runs it longer and tells its counts; `CHAOS_SEED` plays
//! one round again, as far as the scheduler lets it.

use crate::support::Records;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower::{Layer, ServiceExt};
use tower_llm_metrics::record::UsageState;
use tower_llm_metrics::{Outcome, Record, UserMetricsLayer};

const CALLS: u64 = 64;
const OUTPUT_TOKENS: u64 = 7;

/// A generator of numbers that needs no crate (`SplitMix64`).
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn split(&mut self) -> Self {
        Self(self.below(u64::MAX))
    }
}

async fn give_way(times: u64) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn serve(runtime: &Runtime, router: Router) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, router).await });
    address
}

/// Streams an answer, each piece after a while.
fn upstream(random: &Random) -> Router {
    let random = Arc::new(Mutex::new(random.clone()));
    let answer = move |body: Bytes| {
        let mut random = random.lock().unwrap().split();
        async move {
            drop(body);
            give_way(random.below(200)).await;
            let (mut sender, body) = http_body_util::channel::Channel::<Bytes>::new(1);
            tokio::spawn(async move {
                let usage = format!(
                    r#"{{"model":"gpt-5-mini","choices":[],"usage":{{"prompt_tokens":3,"completion_tokens":{OUTPUT_TOKENS}}}}}"#
                );
                let word = r#"{"model":"gpt-5-mini","object":"chat.completion.chunk","choices":[{"delta":{"content":"a"}}]}"#;
                for event in std::iter::repeat_n(word, 8).chain([usage.as_str(), "[DONE]"]) {
                    if sender.send_data(format!("data: {event}\n\n").into()).await.is_err() {
                        return;
                    }
                    give_way(random.below(50)).await;
                }
            });
            ([("content-type", "text/event-stream")], Body::new(body)).into_response()
        }
    };
    Router::new().route("/v1/chat/completions", post(answer))
}

/// How often each user's call was dispatched to what is below the layer.
type Dispatched = Arc<Mutex<HashMap<String, usize>>>;

/// A reverse proxy with the layer, and a count of its own below it.
fn proxy(upstream: SocketAddr, layer: &UserMetricsLayer, dispatched: &Dispatched) -> Router {
    let dispatched = Arc::clone(dispatched);
    let client: Client<HttpConnector, _> = Client::builder(TokioExecutor::new()).build_http();
    let counted = client.map_request(move |request: http::Request<_>| {
        let user = request.headers()["helicone-user-id"].to_str().unwrap().to_owned();
        *dispatched.lock().unwrap().entry(user).or_default() += 1;
        request
    });
    let client = layer.layer(counted);
    Router::new().fallback(async move |mut request: Request| {
        *request.uri_mut() = format!("http://{upstream}/v1/chat/completions").parse().unwrap();
        request.headers_mut().remove("host");
        client.oneshot(request).await.map(|answer| answer.map(Body::new)).map_err(|_| StatusCode::BAD_GATEWAY)
    })
}

/// What a client saw of its call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Saw {
    /// It went away before there was an answer, or the connection did.
    Nothing,
    /// The answer broke off, or the client went away in the middle.
    Part,
    All,
    BadGateway,
}

async fn call(proxy: SocketAddr, user: String, mut random: Random) -> Saw {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let body =
        r#"{"model":"gpt-5-mini","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#;
    let request = http::Request::post(format!("http://{proxy}/v1/chat/completions"))
        .header("Helicone-User-Id", user)
        .body(Full::from(body));
    let response = client.request(request.unwrap());
    let response = match random.below(4) {
        0 => {
            let patience = random.below(400);
            tokio::select! {
                response = response => response,
                () = give_way(patience) => return Saw::Nothing,
            }
        }
        _ => response.await,
    };
    let Ok(response) = response else { return Saw::Nothing };
    if response.status() == StatusCode::BAD_GATEWAY {
        return Saw::BadGateway;
    }
    let mut body = response.into_body();
    let patience = if random.below(3) == 0 { random.below(10) } else { u64::MAX };
    for _ in 0..patience {
        match body.frame().await {
            Some(Ok(_)) => {}
            Some(Err(_)) => return Saw::Part,
            None => return Saw::All,
        }
    }
    Saw::Part
}

/// Whether the record tells what happened, as far as the client can know.
fn is_right(record: &Record, saw: Saw, killed: &str) -> bool {
    let whole = record.usage_state == UsageState::Reported
        && record.usage.output_tokens == Some(OUTPUT_TOKENS)
        && record.status == Some(200);
    let upstream_died = killed.contains("upstream");
    let right = match record.outcome {
        Outcome::Completed => whole && saw != Saw::BadGateway,
        Outcome::Aborted => record.status == Some(200) && matches!(saw, Saw::Nothing | Saw::Part),
        Outcome::Cancelled => record.status.is_none() && saw == Saw::Nothing,
        Outcome::Broken => upstream_died && saw != Saw::All,
        _ => false,
    };
    // What the client has seen to its end is whole, and a bad gateway is a broken call.
    let seen = match saw {
        Saw::All => record.outcome == Outcome::Completed,
        Saw::BadGateway => record.outcome == Outcome::Broken,
        Saw::Nothing | Saw::Part => true,
    };
    right && seen && record.response_model.as_deref().is_none_or(|model| model == "gpt-5-mini")
}

/// How many calls were dispatched, by how they ended.
type Endings = HashMap<&'static str, usize>;

fn round(seed: u64, endings: &mut Endings) {
    let mut random = Random(seed);
    let (upstream_runtime, proxy_runtime, clients) = (runtime(), runtime(), runtime());
    let dispatched = Dispatched::default();
    let (layer, records) = Records::layer();
    let upstream = serve(&upstream_runtime, upstream(&random.split()));
    let proxy = serve(&proxy_runtime, proxy(upstream, &layer, &dispatched));

    let killed = ["nobody", "upstream", "proxy", "upstream and proxy"][random.below(4) as usize];
    let calls: Vec<_> = (0..CALLS)
        .map(|number| {
            let (user, mut random) = (format!("user-{number}"), random.split());
            clients.spawn(async move {
                give_way(random.below(300)).await;
                let saw = call(proxy, user.clone(), random).await;
                (user, saw)
            })
        })
        .collect();
    // Killed at a time that has nothing to do with what the others are at.
    clients.block_on(give_way(random.below(4_000)));
    let upstream_runtime = if killed.contains("upstream") {
        upstream_runtime.shutdown_background();
        None
    } else {
        Some(upstream_runtime)
    };
    let proxy_runtime = if killed.contains("proxy") {
        proxy_runtime.shutdown_timeout(Duration::from_secs(10));
        None
    } else {
        Some(proxy_runtime)
    };

    let saw: HashMap<String, Saw> = clients.block_on(all(calls)).into_iter().collect();
    if let Some(runtime) = proxy_runtime {
        // A client has gone when its connection has; the proxy notices in its own time.
        while layer.in_flight() > 0 {
            std::thread::yield_now();
        }
        runtime.shutdown_timeout(Duration::from_secs(10));
    }
    upstream_runtime.into_iter().chain([clients]).for_each(Runtime::shutdown_background);

    assert_eq!((layer.in_flight(), layer.panics()), (0, 0), "seed {seed}");
    let dispatched = std::mem::take(&mut *dispatched.lock().unwrap());
    let mut recorded: HashMap<String, Vec<Record>> = HashMap::new();
    for record in records.all() {
        recorded.entry(record.user_id().unwrap().to_string()).or_default().push(record);
    }
    assert_eq!(recorded.len(), dispatched.len(), "seed {seed}");
    for (user, count) in dispatched {
        let (records, saw) = (&recorded[&user], saw[&user]);
        assert_eq!((records.len(), count), (1, 1), "seed {seed}: {user} {records:?}");
        let record = &records[0];
        assert!(is_right(record, saw, killed), "seed {seed}, {killed} killed, {saw:?} seen: {record:?}");
        *endings.entry(record.outcome.as_str()).or_default() += 1;
    }
}

async fn all<T>(tasks: Vec<tokio::task::JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

#[test]
fn every_dispatched_call_leaves_one_right_record_whoever_is_killed() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let mut endings = Endings::new();
    match number("CHAOS_SEED") {
        Some(seed) => round(seed, &mut endings),
        None => {
            let rounds = number("CHAOS_ROUNDS").unwrap_or(40);
            (0..rounds)
                .for_each(|round_number| round(RandomState::new().hash_one(round_number), &mut endings));
        }
    }
    println!("{} calls were dispatched: {endings:?}", endings.values().sum::<usize>());
    assert!(endings.values().sum::<usize>() > 0);
}
