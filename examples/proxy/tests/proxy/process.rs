//! The proxy as a process of its own: its signals, its memory, its records.

use crate::capture;
use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::routing::post;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, watch};
use tower_llm_metrics::record::UsageState;
use tower_llm_metrics::sink::file::RecordLog;
use tower_llm_metrics::{Outcome, Record};

/// A proxy in a process of its own, and the folder of its records.
pub(crate) struct Running {
    child: Child,
    pub(crate) traffic: SocketAddr,
    pub(crate) admin: SocketAddr,
    dir: PathBuf,
}

impl Running {
    pub(crate) fn start(name: &str, upstream: SocketAddr) -> Self {
        Self::start_with(name, &format!("--upstream=http://{upstream}"))
    }

    /// Starts it with more options, one a line.
    pub(crate) fn start_with(name: &str, options: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("tower-llm-metrics-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let mut child = Command::new(env!("CARGO_BIN_EXE_proxy"))
            .args(["--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--grace=600"])
            .arg(format!("--records={}", dir.display()))
            .args(options.lines())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut addresses =
            BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok).filter_map(|line| {
                line.split_once(" on http://").map(|(_, url)| url.split('/').next().unwrap().parse().unwrap())
            });
        let (traffic, admin) = (addresses.next().unwrap(), addresses.next().unwrap());
        drop(addresses);
        Self { child, traffic, admin, dir }
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Tells it to stop and waits for its end.
    pub(crate) async fn stop(self) -> (String, Vec<Record>) {
        self.signal("TERM");
        tokio::task::spawn_blocking(move || self.ended()).await.unwrap()
    }

    /// Waits for the end, at which it says that something went wrong, on standard error.
    pub(crate) fn failed(mut self) -> String {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(!self.child.wait().unwrap().success());
        said
    }

    /// Waits for the end: what it said on standard error, and its records.
    pub(crate) fn ended(mut self) -> (String, Vec<Record>) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        let records = RecordLog::open(&self.dir).unwrap().records().unwrap().map(Result::unwrap).collect();
        fs::remove_dir_all(&self.dir).unwrap();
        (said, records)
    }
}

/// A test that fails leaves no process behind.
impl Drop for Running {
    fn drop(&mut self) {
        // It has mostly ended already.
        let _ = self.child.kill();
    }
}

pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

pub(crate) fn client(http2: bool) -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).http2_only(http2).build_http()
}

pub(crate) fn chat(proxy: SocketAddr, user: &str) -> Request<Full<Bytes>> {
    let body =
        r#"{"model":"gpt-5-mini","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#;
    let request = Request::post(format!("http://{proxy}/v1/chat/completions"));
    request.header("Helicone-User-Id", user).body(Full::from(body)).unwrap()
}

const EVENT: &str = "data: {\"model\":\"gpt-5-mini\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";
const END: &str = "data: {\"model\":\"gpt-5-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n";
/// What a stream sends at each round.
const BLOCK: usize = 16 * 1024;

/// Streams a block at each new round, and ends when there is no next one. Says who called.
pub(crate) fn upstream(rounds: &watch::Receiver<()>) -> (Router, Arc<Mutex<BTreeSet<String>>>) {
    let called = Arc::<Mutex<BTreeSet<String>>>::default();
    let (rounds, seen) = (rounds.clone(), Arc::clone(&called));
    let answer = move |headers: HeaderMap| {
        // The proxy takes Helicone's headers out: the id comes in another one.
        assert!(!headers.keys().any(|name| name.as_str().starts_with("helicone")));
        seen.lock().unwrap().insert(headers["x-caller"].to_str().unwrap().to_owned());
        let mut rounds = rounds.clone();
        rounds.mark_unchanged();
        let block = Bytes::from(EVENT.repeat(BLOCK / EVENT.len()));
        let (mut sender, body) = http_body_util::channel::Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            // The first round is at once.
            while sender.send_data(block.clone()).await.is_ok() {
                if rounds.changed().await.is_err() {
                    let _ = sender.send_data(END.into()).await;
                    break;
                }
            }
        });
        async { ([("content-type", "text/event-stream")], Body::new(body)) }
    };
    (Router::new().route("/v1/chat/completions", post(answer)), called)
}

/// Reads a stream and tells each time that a block has come, until it ends or breaks off. `true` if it ended.
pub(crate) async fn read(
    client: Client<HttpConnector, Full<Bytes>>,
    proxy: SocketAddr,
    user: String,
    blocks: mpsc::Sender<()>,
) -> bool {
    let mut request = chat(proxy, &user);
    request.headers_mut().insert("x-caller", user.parse().unwrap());
    let Ok(response) = client.request(request).await else { return false };
    let mut body = response.into_body();
    let block = BLOCK / EVENT.len() * EVENT.len();
    let (mut read, mut told) = (0, 0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        read += frame.into_data().map_or(0, |data| data.len());
        while read >= (told + 1) * block {
            told += 1;
            blocks.send(()).await.unwrap();
        }
    }
    true
}

/// The memory that the process has, in bytes.
#[cfg(target_os = "linux")]
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

pub(crate) async fn next(blocks: &mut mpsc::Receiver<()>, count: usize) {
    for _ in 0..count {
        blocks.recv().await.unwrap();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_and_twelve_slow_streams_at_once_take_flat_memory() {
    const STREAMS: usize = 512;
    const ROUNDS: usize = 16;
    const MIB: u64 = 1 << 20;

    let (round, rounds) = watch::channel(());
    let (router, _) = upstream(&rounds);
    drop(rounds);
    let proxy = Running::start("slow-streams", serve(router).await);
    // What a connection takes without a meter is the servers' business; it is in the first figure and in the second one.
    let (tell, mut blocks) = mpsc::channel(STREAMS);
    let clients: Vec<_> = (0..STREAMS / 128).map(|_| client(true)).collect();
    let streams: Vec<_> = (0..STREAMS)
        .map(|number| {
            let client = clients[number % clients.len()].clone();
            tokio::spawn(read(client, proxy.traffic, format!("user-{}", number % 100), tell.clone()))
        })
        .collect();
    next(&mut blocks, STREAMS).await;
    let begun = resident(proxy.child.id());
    for _ in 0..ROUNDS {
        round.send_replace(());
        next(&mut blocks, STREAMS).await;
    }
    let later = resident(proxy.child.id());
    let passed = (STREAMS * ROUNDS * BLOCK) as u64;
    println!("{} MiB with {STREAMS} streams, {} MiB after {} MiB", begun / MIB, later / MIB, passed / MIB);
    assert!(later < begun + 16 * MIB, "{begun} bytes grew to {later}");

    // All of them end well, and so does the proxy that was told to stop meanwhile.
    proxy.signal("TERM");
    drop(round);
    for stream in streams {
        assert!(stream.await.unwrap());
    }
    drop(clients);
    let (_, records) = tokio::task::spawn_blocking(move || proxy.ended()).await.unwrap();
    assert_eq!(records.len(), STREAMS);
    for record in records {
        assert_eq!((record.outcome, record.usage_state), (Outcome::Completed, UsageState::Reported));
        assert_eq!(record.usage.output_tokens, Some(5));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_the_proxy_at_once_and_the_records_are_kept() {
    for signals in [["INT", "TERM"], ["TERM", "TERM"], ["TERM", "INT"]] {
        // The rounds never end.
        let (_round, rounds) = watch::channel(());
        let (router, _) = upstream(&rounds);
        let proxy = Running::start("second-signal", serve(router).await);
        let (tell, mut blocks) = mpsc::channel(8);
        let stream = tokio::spawn(read(client(false), proxy.traffic, "alice".to_owned(), tell));
        next(&mut blocks, 1).await;

        proxy.signal(signals[0]);
        // It takes no more connections, and the open call goes on.
        while tokio::net::TcpStream::connect(proxy.traffic).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(tokio::net::TcpStream::connect(proxy.admin).await.is_ok(), "the table is still answered");
        assert!(!stream.is_finished());

        proxy.signal(signals[1]);
        let (said, records) = tokio::task::spawn_blocking(move || proxy.ended()).await.unwrap();
        assert!(said.contains("a second signal came: 1 open calls are dropped"), "{said}");
        assert!(!stream.await.unwrap(), "it broke off");
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].outcome, records[0].status), (Outcome::Aborted, Some(200)));
        assert_eq!(records[0].user_id().map(AsRef::as_ref), Some("alice"));
    }
}

/// `PROXY_ROUNDS` stops as often, each at another time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_at_any_time_leaves_one_record_on_disk_for_each_call_that_was_passed_on() {
    const CALLS: usize = 64;
    let stops = std::env::var("PROXY_ROUNDS").map_or(5, |stops| stops.parse().unwrap());
    let (mut passed_on, mut kept) = (0, 0);
    for stop in 0..stops {
        let (_round, rounds) = watch::channel(());
        let (router, called) = upstream(&rounds);
        let proxy = Running::start("any-time", serve(router).await);
        let (tell, mut blocks) = mpsc::channel(CALLS);
        let streams: Vec<_> = (0..CALLS)
            .map(|number| {
                let (user, tell) = (format!("user-{number}"), tell.clone());
                tokio::spawn(async move {
                    for _ in 0..number * 40 {
                        tokio::task::yield_now().await;
                    }
                    read(client(false), proxy.traffic, user, tell).await
                })
            })
            .collect();
        // When as many of them have begun, the others are at any point.
        next(&mut blocks, RandomState::new().hash_one(stop) as usize % CALLS).await;
        proxy.signal("TERM");
        proxy.signal("INT");
        let (_, records) = tokio::task::spawn_blocking(move || proxy.ended()).await.unwrap();
        for stream in streams {
            let _ = stream.await.unwrap();
        }
        let recorded: BTreeSet<String> =
            records.iter().map(|record| record.user_id().unwrap().to_string()).collect();
        assert_eq!(recorded.len(), records.len(), "a call has two records");
        let called = called.lock().unwrap();
        assert!(called.is_subset(&recorded), "{called:?} were passed on, {recorded:?} were recorded");
        assert!(records.iter().all(|record| matches!(record.outcome, Outcome::Aborted | Outcome::Cancelled)));
        (passed_on, kept) = (passed_on + called.len(), kept + records.len());
    }
    println!("{passed_on} calls reached the upstream, {kept} were dispatched and have a record");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upstreams_are_asked_only_for_encodings_that_can_be_read() {
    let echo = Router::new().fallback(async |headers: HeaderMap| {
        let asked = headers.get("accept-encoding").map_or("nothing", |value| value.to_str().unwrap());
        asked.to_owned()
    });
    let proxy = Running::start("encodings", serve(echo).await);
    let url = format!("http://{}/v1/models", proxy.traffic);
    let asked = async |accepted: Option<&str>| {
        let mut request = Request::get(&url);
        if let Some(accepted) = accepted {
            request = request.header("accept-encoding", accepted);
        }
        let answer = client(false).request(request.body(Full::default()).unwrap()).await.unwrap();
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    };
    assert_eq!(asked(None).await, "nothing");
    assert_eq!(asked(Some("identity")).await, "identity");
    assert_eq!(asked(Some("compress, *;q=0.1")).await, "identity");
    let asked_for = asked(Some("gzip;q=0.8, deflate, br, zstd, compress")).await;
    assert_eq!(asked_for, "gzip;q=0.8, deflate, br, zstd");
    assert_eq!(asked(Some("gzip,deflate,  br")).await, "gzip,deflate,  br", "as the client wrote it");
    proxy.signal("TERM");
    tokio::task::spawn_blocking(move || proxy.ended()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_keep_their_spelling_and_their_order() {
    let upstream = capture::Capture::start().await;
    let proxy = Running::start("spelling", upstream.address);
    let kept = "Accept: application/json\r\nX-Stainless-Lang: python\r\nAUTHORIZATION: Bearer key\r\nx-tWICE: a\r\nX-Last: 1\r\nContent-Length: 2\r\n";
    let for_others = "HELICONE-User-Id: alice\r\nHost: proxy\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nHelicone-Auth: key\r\n";
    let (first, last) = kept.split_at(kept.find("AUTH").unwrap());
    let request = format!("POST /v1/chat/completions HTTP/1.1\r\n{first}{for_others}{last}\r\n{{}}");
    assert!(capture::raw(proxy.traffic, request.as_bytes()).await.starts_with("HTTP/1.1 200 OK"));
    let expected =
        format!("POST /v1/chat/completions HTTP/1.1\r\n{kept}Host: {}\r\n\r\n{{}}", upstream.address);
    assert_eq!(upstream.take(), [expected]);
    proxy.signal("TERM");
    let (_, records) = tokio::task::spawn_blocking(move || proxy.ended()).await.unwrap();
    assert_eq!(records[0].user_id().map(AsRef::as_ref), Some("alice"));
}
