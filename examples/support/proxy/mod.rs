//! A metering reverse proxy, as a program and for tests.

mod encoding;
mod forward;
mod options;
mod serve;
mod signals;

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
use serve::serve;
use signals::StopSignals;
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
        let mut stop = StopSignals::new()?;
        println!("proxy for {} on http://{}", options.upstream, traffic.local_addr()?);
        println!("users on http://{}/metrics/users", admin.local_addr()?);
        let mut tables = table_of(users.clone());
        if options.dashboard {
            println!("dashboard on http://{}/usage", admin.local_addr()?);
            tables = tables.merge(pages(&users, &log));
        }
        let admin = tokio::spawn(async move { axum::serve(admin, tables).await });
        let proxy = Router::new().fallback(forward).with_state(Proxy::new(&layer, options.upstream));
        let tell = |why: &str| eprintln!("{why}: {} open calls are dropped", layer.in_flight());
        serve(traffic, proxy, &mut stop, options.grace, tell).await;
        admin.abort();
        Ok(())
    });
    // Each call has its record when its task is gone.
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

/// The pages for people. Whoever reaches the admin address sees everybody.
#[cfg(feature = "dashboard")]
fn pages(users: &MemorySink, log: &FileSink) -> Router {
    use tower_llm_metrics::dashboard::Dashboard;
    use tower_llm_metrics::report::Scope;
    let (memory, log) = (users.clone(), log.clone());
    let pages = Dashboard::new(users.clone(), |_: &http::request::Parts| Some(Scope::All))
        .mounted_at("/usage")
        .sink("memory", move || memory.stats())
        .sink("log", move || log.stats());
    Router::new().nest_service("/usage", pages)
}

#[cfg(not(feature = "dashboard"))]
fn pages(_: &MemorySink, _: &FileSink) -> Router {
    Router::new()
}
