//! A metering reverse proxy: point any client at it, whatever its language.
//!
//! ```text
//! cargo run --example proxy -- --listen 127.0.0.1:8080 --upstream https://api.openai.com --records records
//! curl http://127.0.0.1:8080/v1/chat/completions -H "Authorization: Bearer $OPENAI_API_KEY" \
//!     -H 'Helicone-User-Id: "alice"' -H 'Content-Type: application/json' \
//!     -d '{"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}'
//! curl http://127.0.0.1:8081/metrics/users
//! ```
//!
//! With `--dashboard` (built with `--features dashboard`) the pages for people are on the admin address too, under `/usage`: keep it
//! on the loopback interface, or put your own authentication before it.
//!
//! Both directions stream. The upstream's host tells the provider; `--provider` overrides it. The table of users is answered
//! on the admin address only. On SIGINT and SIGTERM the proxy takes no more connections, waits for open calls (up to
//! `--grace` seconds), and ends when every record is on disk.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program, not the library")]

#[path = "support/prices.rs"]
mod prices;
#[path = "support/table.rs"]
mod table;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};
use tower_llm_metrics::report::{SortBy, UserQuery};
use tower_llm_metrics::{
    FileSink, MemorySink, MetricsSink, Provider, RequestBody, UserMetrics, UserMetricsLayer,
};

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse()?;
    let users = MemorySink::new();
    let log = FileSink::new(&options.records)?;
    let mut layer = UserMetricsLayer::new((users.clone(), log.clone())).faces_provider(true);
    if let Some(file) = &options.prices {
        layer = layer.pricer(prices::load(file)?);
    }
    if let Some(provider) = &options.provider {
        layer = layer.provider(provider.clone());
    }

    let runtime = tokio::runtime::Runtime::new()?;
    let served = runtime.block_on(serve(&options, layer.clone(), users, &log));
    // Calls that are still open are dropped with the runtime: each leaves its record before the log is flushed.
    runtime.shutdown_timeout(Duration::from_secs(5));
    log.flush()?;
    served
}

struct Options {
    listen: SocketAddr,
    admin: SocketAddr,
    upstream: Uri,
    records: PathBuf,
    prices: Option<PathBuf>,
    provider: Option<Provider>,
    grace: Duration,
    dashboard: bool,
}

impl Options {
    fn parse() -> Result<Self, Box<dyn Error>> {
        use lexopt::prelude::{Long, ValueExt};
        let (mut listen, mut upstream, mut records) = (None, None, None);
        let (mut prices, mut provider) = (None, None);
        let mut admin = SocketAddr::from(([127, 0, 0, 1], 8081));
        let mut grace = Duration::from_secs(30);
        let mut dashboard = false;
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("listen") => listen = Some(arguments.value()?.parse()?),
                Long("admin") => admin = arguments.value()?.parse()?,
                Long("upstream") => upstream = Some(arguments.value()?.parse()?),
                Long("records") => records = Some(arguments.value()?.into()),
                Long("prices") => prices = Some(arguments.value()?.into()),
                Long("provider") => provider = Some(Provider::new(&arguments.value()?.string()?)?),
                Long("dashboard") => dashboard = true,
                Long("grace") => grace = Duration::from_secs(arguments.value()?.parse()?),
                _ => return Err(argument.unexpected().into()),
            }
        }
        if dashboard && !cfg!(feature = "dashboard") {
            return Err("--dashboard needs a build with --features dashboard".into());
        }
        let upstream: Uri = upstream.ok_or("--upstream URL is missing")?;
        if upstream.scheme().is_none() || upstream.authority().is_none() {
            return Err(
                "--upstream wants a URL with a scheme and a host, such as https://api.openai.com".into()
            );
        }
        Ok(Self {
            listen: listen.ok_or("--listen ADDR is missing")?,
            admin,
            upstream,
            records: records.ok_or("--records DIR is missing")?,
            prices,
            provider,
            grace,
            dashboard,
        })
    }
}

type HttpClient = Client<HttpsConnector<HttpConnector>, RequestBody<Body>>;

#[derive(Clone)]
struct Proxy {
    client: UserMetrics<HttpClient>,
    upstream: Uri,
}

async fn serve(
    options: &Options,
    layer: UserMetricsLayer,
    users: MemorySink,
    log: &FileSink,
) -> Result<(), Box<dyn Error>> {
    let connector =
        hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_all_versions();
    let client = Client::builder(TokioExecutor::new()).build(connector.build());
    let proxy = Proxy { client: layer.layer(client), upstream: options.upstream.clone() };
    let traffic = TcpListener::bind(options.listen).await?;
    let admin = TcpListener::bind(options.admin).await?;
    println!("proxy for {} on http://{}", options.upstream, traffic.local_addr()?);
    println!("users on http://{}/metrics/users", admin.local_addr()?);

    let pages = if options.dashboard { pages(&users, log) } else { Router::new() };
    if options.dashboard {
        println!("dashboard on http://{}/usage", admin.local_addr()?);
    }
    let everybody = UserQuery::new().sort(SortBy::Cost).limit(usize::MAX);
    let table = Router::new().route(
        "/metrics/users",
        get(async move || axum::Json(table::json(&users.report().users(&everybody))).into_response()),
    );
    let table = table.merge(pages);
    let admin = tokio::spawn(async move { axum::serve(admin, table).await });

    let (stop, stopping) = tokio::sync::watch::channel(false);
    let mut closing = stopping.clone();
    let router = Router::new().fallback(forward).with_state(proxy);
    let serving = axum::serve(traffic, router).with_graceful_shutdown(async move {
        // The sender lives until the end of this function.
        let _ = closing.wait_for(|stop| *stop).await;
    });
    let mut serving = tokio::spawn(async move { serving.await });
    tokio::select! {
        result = &mut serving => result??,
        result = stop_signal() => {
            result?;
            stop.send_replace(true);
            if tokio::time::timeout(options.grace, serving).await.is_err() {
                eprintln!("{} calls were still open and are dropped", layer.in_flight());
            }
        }
    }
    admin.abort();
    Ok(())
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

/// Returns at SIGINT or SIGTERM.
async fn stop_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Sends the request on to the upstream, and its answer back, both as they stream.
async fn forward(State(proxy): State<Proxy>, mut request: Request) -> Response {
    let Some(uri) = upstream_uri(&proxy.upstream, request.uri()) else {
        return refuse(StatusCode::BAD_REQUEST, "the path cannot be appended to the upstream's");
    };
    *request.uri_mut() = uri;
    *request.version_mut() = http::Version::default();
    remove_connection_headers(request.headers_mut());
    request.headers_mut().remove(header::HOST);
    match proxy.client.oneshot(request).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            remove_connection_headers(response.headers_mut());
            response
        }
        Err(error) if error.is_connect() => {
            refuse(StatusCode::BAD_GATEWAY, "the upstream could not be reached")
        }
        Err(_) => refuse(StatusCode::BAD_GATEWAY, "the upstream broke off"),
    }
}

/// The request's path and query below the upstream's path.
fn upstream_uri(upstream: &Uri, request: &Uri) -> Option<Uri> {
    let base = upstream.path().trim_end_matches('/');
    let path = request.path_and_query().map_or("/", |path| path.as_str());
    let mut parts = upstream.clone().into_parts();
    parts.path_and_query = Some(format!("{base}{path}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Takes out what belongs to one connection only (RFC 9110, 7.6.1).
fn remove_connection_headers(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    const HOP_BY_HOP: [HeaderName; 7] = [
        header::CONNECTION,
        header::PROXY_AUTHORIZATION,
        header::PROXY_AUTHENTICATE,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
    ];
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// An answer of the proxy's own, in the form that the clients of most providers understand.
fn refuse(status: StatusCode, message: &str) -> Response {
    let error = serde_json::json!({ "error": { "message": message, "type": "proxy_error", "code": null } });
    (status, axum::Json(error)).into_response()
}
