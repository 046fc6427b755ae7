//! Calls a server over and over, and measures how fast that is.

use crate::Result;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) stream: bool,
    pub(crate) connections: usize,
    pub(crate) time: Duration,
    /// The process whose time and memory are measured.
    pub(crate) pid: Option<u32>,
}

/// How long a call took to its first byte and to its end.
type Sample = (Duration, Duration);

/// What one turn of a server was.
pub(crate) struct Measured {
    /// Calls a second.
    pub(crate) rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// The median until the first frame of the answer.
    pub(crate) first: Duration,
    pub(crate) process: Option<Process>,
}

/// What the server's process took: microseconds a call, and its largest resident memory in MiB.
pub(crate) struct Process {
    pub(crate) user: f64,
    pub(crate) system: f64,
    pub(crate) peak: f64,
}

/// Calls a server for a while.
pub(crate) async fn run(load: &Load) -> Result<Measured> {
    // Connections and memory of both sides are warm after this.
    calls(load, load.time / 5).await?;
    if let Some(pid) = load.pid {
        // The largest so far is forgotten.
        std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
    }
    let before = load.pid.map(cpu).transpose()?;
    let started = Instant::now();
    let mut samples = calls(load, load.time).await?;
    let elapsed = started.elapsed();
    let count = samples.len().max(1) as f64;
    let process = load.pid.zip(before).map(|(pid, before)| -> Result<Process> {
        let after = cpu(pid)?;
        let each = |after: Duration, before: Duration| (after - before).as_secs_f64() * 1e6 / count;
        let peak = peak(pid).unwrap_or_default() as f64 / 1024.0;
        Ok(Process { user: each(after.0, before.0), system: each(after.1, before.1), peak })
    });
    let mut at = |share: f64, of: fn(&Sample) -> Duration| {
        samples.sort_unstable_by_key(of);
        samples.get((count * share) as usize).map_or(Duration::ZERO, of)
    };
    Ok(Measured {
        p50: at(0.5, |sample| sample.1),
        p99: at(0.99, |sample| sample.1),
        first: at(0.5, |sample| sample.0),
        rate: count / elapsed.as_secs_f64(),
        process: process.transpose()?,
    })
}

async fn calls(load: &Load, time: Duration) -> Result<Vec<Sample>> {
    let until = Instant::now() + time;
    let workers: Vec<_> = (0..load.connections)
        .map(|number| tokio::spawn(worker(load.address, load.stream, number, until)))
        .collect();
    let mut samples = Vec::new();
    for worker in workers {
        samples.extend(worker.await??);
    }
    Ok(samples)
}

async fn worker(address: SocketAddr, stream: bool, number: usize, until: Instant) -> Result<Vec<Sample>> {
    let connection = TcpStream::connect(address).await?;
    connection.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(connection)).await?;
    tokio::spawn(connection);
    let prose = "The quick brown fox jumps over the lazy dog, and then it rests. ".repeat(10);
    let options = if stream { r#","stream":true,"stream_options":{"include_usage":true}"# } else { "" };
    let body = Bytes::from(format!(
        r#"{{"model":"gpt-5-mini","messages":[{{"role":"user","content":"{prose}"}}]{options}}}"#
    ));
    let mut samples = Vec::new();
    while Instant::now() < until {
        samples.push(call(&mut sender, number, body.clone()).await?);
    }
    Ok(samples)
}

async fn call(sender: &mut SendRequest<Full<Bytes>>, number: usize, body: Bytes) -> Result<Sample> {
    let request = Request::post("/v1/chat/completions")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("helicone-user-id", format!("user-{number}"))
        .body(Full::from(body))?;
    let started = Instant::now();
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    if !answer.status().is_success() {
        return Err(format!("a call was answered with {}", answer.status()).into());
    }
    let mut answer = answer.into_body();
    let (mut first, mut length) = (None, 0);
    while let Some(frame) = answer.frame().await {
        length += frame?.data_ref().map_or(0, Bytes::len);
        first.get_or_insert_with(|| started.elapsed());
    }
    // Both kinds of answers are longer.
    if length < 500 {
        return Err(format!("an answer has {length} bytes").into());
    }
    Ok((first.unwrap_or_default(), started.elapsed()))
}

/// The user and the system time of a process, counted in ticks of a hundredth of a second.
fn cpu(pid: u32) -> Result<(Duration, Duration)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name stands in parentheses and may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or_default();
    Ok((Duration::from_millis(10 * ticks(11)), Duration::from_millis(10 * ticks(12))))
}

/// The largest resident memory of a process, in KiB.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
