//! The table: all servers in turns, round after round.

use crate::Result;
use crate::drive::{self, Load, Measured};
use crate::servers;
use std::path::PathBuf;
use std::time::Duration;

/// Measures and prints. `ROUNDS` (5) and `MILLISECONDS_EACH` (1000) are read from the environment.
pub(crate) async fn print(example: &str) -> Result<()> {
    let number = |name: &str, default: u64| std::env::var(name).map_or(Ok(default), |value| value.parse());
    let rounds = number("ROUNDS", 5)?.max(1) as usize;
    let time = Duration::from_millis(number("MILLISECONDS_EACH", 1000)?);
    let records = Folder(std::env::temp_dir().join(format!("load-{}", std::process::id())));
    let servers = servers::start(example, &records.0)?;
    println!(
        "| through | call | connections | calls/s | of plain | p50 | p99 | first byte | CPU/call: user + system | peak |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for stream in [false, true] {
        for connections in [1, 32, 256] {
            let mut measured: Vec<Vec<Measured>> = servers.iter().map(|_| Vec::new()).collect();
            for round in 0..rounds {
                // Nobody is always the first, nor always after the same one.
                for turn in 0..servers.len() {
                    let at = (turn + round) % servers.len();
                    let server = &servers[at];
                    let load = Load { address: server.address, stream, connections, time, pid: server.pid() };
                    measured[at].push(drive::run(&load).await?);
                }
            }
            let plain = servers.iter().position(|server| server.name == "plain").ok_or("no plain proxy")?;
            for (server, own) in servers.iter().zip(&measured) {
                let kind = if stream { "stream" } else { "json" };
                println!("| {} | {kind} | {connections} | {} |", server.name, cells(own, &measured[plain]));
            }
        }
    }
    Ok(())
}

/// The medians, with the least and the largest where it matters.
fn cells(own: &[Measured], plain: &[Measured]) -> String {
    let of = |get: &dyn Fn(&Measured) -> f64| spread(own.iter().map(get).collect());
    let (_, rate, _) = of(&|round| round.rate);
    let (low, share, high) =
        spread(own.iter().zip(plain).map(|(own, plain)| own.rate / plain.rate).collect());
    let time = |get: &dyn Fn(&Measured) -> Duration| of(&|round| get(round).as_secs_f64() * 1e6).1;
    let (p50, p99, first) = (time(&|round| round.p50), time(&|round| round.p99), time(&|round| round.first));
    let process = match own.iter().all(|round| round.process.is_some()) {
        true => {
            let part =
                |get: &dyn Fn(&drive::Process) -> f64| of(&|round| round.process.as_ref().map_or(0.0, get)).1;
            format!(
                "{:.1} + {:.1} µs | {:.1} MiB",
                part(&|process| process.user),
                part(&|process| process.system),
                part(&|process| process.peak)
            )
        }
        false => "– | –".to_owned(),
    };
    format!(
        "{rate:.0} | {share:.2} ({low:.2}–{high:.2}) | {p50:.0} µs | {p99:.0} µs | {first:.0} µs | {process}"
    )
}

/// The least, the median and the largest.
fn spread(mut all: Vec<f64>) -> (f64, f64, f64) {
    all.sort_unstable_by(f64::total_cmp);
    (all[0], all[all.len() / 2], all[all.len() - 1])
}

/// A folder that goes with the program.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What was never made need not go.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
