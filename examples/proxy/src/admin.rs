//! What the admin address answers: the table of users, and the pages for people.

use super::{Options, table};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::net::IpAddr;
use std::sync::Arc;
use tower_llm_metrics::dashboard::Dashboard;
use tower_llm_metrics::report::{Scope, SortBy, UserQuery};
use tower_llm_metrics::{FileSink, MemorySink};

/// Everything on the admin address. Whoever reaches it sees everybody.
pub(crate) fn router(options: &Options, users: &MemorySink, log: &FileSink) -> Router {
    let mut router = table_of(users.clone());
    if options.dashboard {
        router = router.merge(pages(users, log));
    }
    let names = Arc::new(Names { address: options.admin.ip(), more: options.admin_hosts.clone() });
    router.layer(from_fn_with_state(names, only_by_name))
}

/// The table of users, on request.
fn table_of(users: MemorySink) -> Router {
    let everybody = UserQuery::new().sort(SortBy::Cost).limit(usize::MAX);
    let answer = async move || {
        let headers = [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        (headers, axum::Json(table::json(&users.report().users(&everybody)))).into_response()
    };
    Router::new().route("/metrics/users", get(answer))
}

/// The pages for people.
fn pages(users: &MemorySink, log: &FileSink) -> Router {
    let (memory, log) = (users.clone(), log.clone());
    let pages = Dashboard::new(users.clone(), |_: &http::request::Parts| Some(Scope::All))
        .mounted_at("/usage")
        .sink("memory", move || memory.stats())
        .sink("log", move || log.stats());
    Router::new().nest_service("/usage", pages)
}

/// The names that the admin address answers to.
struct Names {
    address: IpAddr,
    more: Vec<String>,
}

impl Names {
    fn has(&self, authority: &Authority) -> bool {
        let host = authority.host();
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = literal.parse::<IpAddr>() {
            let address = address.to_canonical();
            // Bound to all addresses, it has any of them.
            let is_bound = self.address.is_unspecified() || address == self.address.to_canonical();
            return is_bound || address.is_loopback() || self.has_more(host);
        }
        host.eq_ignore_ascii_case("localhost") || self.has_more(host)
    }

    /// Whether the request names a host, and none but these: in its target as in HTTP/2, or in its header.
    fn are_asked_for(&self, request: &Request) -> bool {
        let in_target = request.uri().authority().cloned();
        let mut hosts: Vec<Option<Authority>> = in_target.into_iter().map(Some).collect();
        for host in request.headers().get_all(header::HOST) {
            hosts.push(Authority::try_from(host.as_bytes()).ok());
        }
        !hosts.is_empty() && hosts.iter().all(|host| host.as_ref().is_some_and(|host| self.has(host)))
    }

    fn has_more(&self, host: &str) -> bool {
        self.more.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}

/// Refuses requests that were made to another name. A page in a browser can let a name of its own point to this address, and
/// would be answered as if it came from here (DNS rebinding).
async fn only_by_name(State(names): State<Arc<Names>>, request: Request, next: Next) -> Response {
    if names.are_asked_for(&request) {
        return next.run(request).await;
    }
    let why = "this name is not one of the admin address: see --admin-host\n";
    (StatusCode::MISDIRECTED_REQUEST, why).into_response()
}
