//! A metering reverse proxy, as a program and for tests.

mod encoding;
mod forward;
mod options;

#[path = "../prices.rs"]
mod prices;
#[path = "../table.rs"]
mod table;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use forward::{Proxy, forward};
pub(crate) use options::Options;
use options::wrong;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tower_llm_metrics::report::{SortBy, UserQuery};
use tower_llm_metrics::{FileSink, MemorySink, MetricsSink, UserMetricsLayer};

/// Runs the proxy until a signal ends it.
pub(crate) fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let users = MemorySink::new();
    let log = FileSink::new(&options.records)
        .map_err(|error| wrong("--records", options.records.display(), error))?;
    let mut layer = UserMetricsLayer::new((users.clone(), log.clone())).faces_provider(true);
    if let Some(prices) = options.prices {
        layer = layer.pricer(prices);
    }
    if let Some(provider) = options.provider {
        layer = layer.provider(provider);
    }

    let runtime = tokio::runtime::Runtime::new()?;
    let served = runtime.block_on(async {
        let traffic = bind("--listen", options.listen).await?;
        let admin = bind("--admin", options.admin).await?;
        println!("proxy for {} on http://{}", options.upstream, traffic.local_addr()?);
        println!("users on http://{}/metrics/users", admin.local_addr()?);
        let admin = tokio::spawn(async move { axum::serve(admin, table_of(users)).await });
        let proxy = Proxy::new(&layer, options.upstream);
        let mut stop = StopSignals::new()?;
        serve(traffic, proxy, &mut stop, options.grace, &layer).await?;
        admin.abort();
        Ok(())
    });
    // Calls that are still open are dropped with the runtime: each leaves its record before the log is flushed.
    runtime.shutdown_timeout(Duration::from_secs(5));
    log.flush().map_err(|error| wrong("--records", options.records.display(), error))?;
    served
}

async fn bind(option: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| wrong(option, address, error))
}

/// The table of users, on request.
fn table_of(users: MemorySink) -> Router {
    let everybody = UserQuery::new().sort(SortBy::Cost).limit(usize::MAX);
    let answer = async move || axum::Json(table::json(&users.report().users(&everybody))).into_response();
    Router::new().route("/metrics/users", get(answer))
}

/// Serves until the first signal, then waits for open calls until they have ended, the time is up or a second signal comes.
async fn serve(
    traffic: TcpListener,
    proxy: Proxy,
    stop: &mut StopSignals,
    grace: Duration,
    layer: &UserMetricsLayer,
) -> Result<(), Box<dyn Error>> {
    let (begin_stop, stopping) = tokio::sync::oneshot::channel::<()>();
    let router = Router::new().fallback(forward).with_state(proxy);
    let serving = axum::serve(traffic, router).with_graceful_shutdown(async move {
        // The sender lives until the end of this function.
        let _ = stopping.await;
    });
    let mut serving = tokio::spawn(serving.into_future());
    tokio::select! {
        result = &mut serving => return Ok(result??),
        () = stop.next() => {}
    }
    drop(begin_stop);
    let why = tokio::select! {
        result = &mut serving => return Ok(result??),
        () = tokio::time::sleep(grace) => "the time for them is up",
        () = stop.next() => "a second signal came",
    };
    eprintln!("{why}: {} open calls are dropped", layer.in_flight());
    Ok(())
}

/// SIGINT and SIGTERM, or what the platform has.
struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl StopSignals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        // Without the signal there is no end but the operating system's.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
