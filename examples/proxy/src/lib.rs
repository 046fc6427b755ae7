//! A metering reverse proxy, as a program and for tests.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program, not the library")]

mod admin;
mod connections;
mod encoding;
mod forward;
mod options;
mod serve;
mod signals;

#[path = "../../support/prices.rs"]
mod prices;
#[path = "../../support/table.rs"]
mod table;

pub use connections::Connections;
pub use forward::Proxy;
pub use options::Options;
pub use serve::Server;

use options::wrong;
use signals::StopSignals;
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use tower_llm_metrics::{FileSink, MemorySink, MetricsSink, UserMetricsLayer};

/// Runs the proxy until a signal ends it.
///
/// # Errors
/// When an address or the folder of records cannot be used, or when records are lost at the end.
pub fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let users = MemorySink::new();
    let log = FileSink::new(&options.records)
        .map_err(|error| wrong("--records", options.records.display(), error))?;
    let tables = admin::router(&options, &users, &log);
    let mut layer = UserMetricsLayer::new((users.clone(), log.clone())).faces_provider(true);
    if let Some(prices) = options.prices {
        layer = layer.pricer(prices);
    }
    if let Some(provider) = options.provider {
        layer = layer.provider(provider);
    }

    let runtime = tokio::runtime::Runtime::new()?;
    let served: Result<(), Box<dyn Error>> = runtime.block_on(async {
        let traffic = bind("--listen", options.listen).await?;
        let admin = bind("--admin", options.admin).await?;
        let mut stop = StopSignals::new()?;
        println!("proxy for {} on http://{}", options.upstream, traffic.local_addr()?);
        println!("users on http://{}/metrics/users", admin.local_addr()?);
        if options.dashboard {
            println!("dashboard on http://{}/usage", admin.local_addr()?);
        }
        let at_admin = Server::new(Connections::new(ADMIN_CONNECTIONS, options.idle));
        let admin = tokio::spawn(async move { at_admin.accept(&admin, &tables).await });
        let proxy = Proxy::new(&layer, options.upstream).router(options.idle);
        let tell = |why: &str| eprintln!("{why}: {} open calls are dropped", layer.in_flight());
        let server = Server::new(Connections::new(options.connections, options.idle));
        server.serve(traffic, &proxy, &mut stop, options.grace, tell).await;
        admin.abort();
        Ok(())
    });
    // Each call has its record when its task is gone.
    runtime.shutdown_timeout(Duration::from_secs(5));
    close(&log, &options.records)?;
    served
}

/// People, and programs that ask for the table.
const ADMIN_CONNECTIONS: usize = 64;

/// Brings all records to the disk, or says how many are not there.
fn close(log: &FileSink, records: &Path) -> Result<(), String> {
    // What cannot be written now is given up: the process ends.
    let patience = if log.flush().is_ok() { Duration::from_secs(10) } else { Duration::ZERO };
    let closed = log.close(patience);
    let stats = log.stats();
    let lost = stats.accepted.saturating_sub(stats.written);
    let in_doubt = stats.written.saturating_sub(stats.synced);
    if closed.is_ok() && lost == 0 {
        return Ok(());
    }
    let why = stats.last_error.unwrap_or_else(|| "there was no room for them in the queue".to_owned());
    let lost = format!("{lost} of {} records are lost and {in_doubt} in doubt: {why}", stats.accepted);
    Err(wrong("--records", records.display(), lost))
}

async fn bind(option: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| wrong(option, address, error))
}
