//! The pages for the people who run the product, and a JSON API, over any [`Report`](crate::report::Report).
//!
//! [`Dashboard`] is a [`tower::Service`](tower_service::Service): nest it in axum, or serve it with hyper. It has no listener, no
//! thread and no state of its own; each request is answered from the report.
//!
//! # Behind your authentication
//!
//! Whoever can reach it sees what the guard allows. So put it behind the application's authentication, and let the guard read what
//! that left in the request:
//!
//! ```
//! use axum::extract::Request;
//! use axum::http::StatusCode;
//! use axum::middleware::{Next, from_fn};
//! use axum::response::Response;
//! use axum::{Router, routing::get};
//! use http::request::Parts;
//! use tower_llm_metrics::dashboard::Dashboard;
//! use tower_llm_metrics::report::Scope;
//! use tower_llm_metrics::{MemorySink, UserId};
//!
//! /// Whoever is signed in.
//! #[derive(Clone)]
//! struct Session {
//!     user: UserId,
//!     is_operator: bool,
//! }
//!
//! async fn sign_in(mut request: Request, next: Next) -> Result<Response, StatusCode> {
//!     // Your sessions, tokens or single sign-on here.
//! #   let cookie = request.headers().get("cookie").and_then(|cookie| cookie.to_str().ok());
//! #   let user = cookie.and_then(|id| UserId::new(id).ok()).ok_or(StatusCode::UNAUTHORIZED)?;
//! #   let is_operator = user.as_str() == "root";
//!     request.extensions_mut().insert(Session { user, is_operator });
//!     Ok(next.run(request).await)
//! }
//!
//! /// Operators see everybody, everybody else sees their own usage, and nobody else sees anything.
//! fn guard(request: &Parts) -> Option<Scope> {
//!     let session = request.extensions.get::<Session>()?;
//!     Some(if session.is_operator { Scope::All } else { Scope::from(session.user.clone()) })
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let users = MemorySink::new();
//! let usage = Dashboard::new(users.clone(), guard).mounted_at("/usage").sink("memory", move || users.stats());
//! let app = Router::new()
//!     .nest_service("/usage", usage)
//!     .route_layer(from_fn(sign_in))
//!     .route("/", get(async || "the application"));
//! # use tower::ServiceExt;
//! # let get = |cookie| {
//! #     let request = Request::get("/usage/users").header("cookie", cookie);
//! #     app.clone().oneshot(request.body(axum::body::Body::empty()).unwrap())
//! # };
//! # assert_eq!(get("root").await.unwrap().status(), StatusCode::OK);
//! # assert_eq!(get("").await.unwrap().status(), StatusCode::UNAUTHORIZED);
//! # }
//! ```
//!
//! A guard that returns a user's own [`Scope`](crate::report::Scope) makes it the page "My usage": every question is narrowed to that
//! scope, and the counts of sinks are left out.
//!
//! # Paths
//!
//! | path | answer |
//! |---|---|
//! | `/` | a redirect to the first page |
//! | `/users`, `/user`, `/activity`, `/health` | the pages |
//! | `/api/users` `user` `series` `breakdown` `retention` `histogram` `overview` `calls` `health` | the answers of the report as JSON, CSV and JSON lines |
//! | `/v1/user/metrics/query` `metrics-overview/query` `query` | the same questions in the forms of Helicone's REST API |
//! | `/openapi.json` | the `OpenAPI` description of the two above |
//!
//! State is in addresses, so that a page can be shared by its link. Pages and their files are compiled into the binary; they load
//! nothing from elsewhere, which a content security policy enforces, and their links are relative, so that they work below any path.
//!
//! # Limits
//!
//! An answer has at most 1,000 rows, a page 250, and rows can be reached by number up to the millionth. Exports have all rows that
//! match, in parts of 20,000 that are made while they are read. Calls go on between two parts, so that a row whose figure changes may
//! be in both or in neither; with `sort=user`, that does not happen. A long answer is made in pieces of some milliseconds, between
//! which the executor can run other tasks, if the report yields too, as [`MemorySink`](crate::MemorySink) does. The body of a request
//! has at most 64 KiB. If the past is only kept in whole days of UTC, answers are about these, and say so.

mod answer;
mod api;
mod body;
mod composite;
mod condition;
mod export;
mod helicone;
mod json;
mod openapi;
mod pages;
mod params;
mod pause;
mod question;
mod range;
mod rejection;
mod route;
mod service;
mod settings;
mod sinks;

pub use answer::DashboardFuture;
pub use body::DashboardBody;
pub use service::Dashboard;
pub use sinks::SinkCounts;
