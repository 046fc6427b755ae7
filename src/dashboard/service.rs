//! The service that answers requests.

use super::answer::{self, DashboardFuture};
use super::body::DashboardBody;
use super::params::Params;
use super::question::Question;
use super::rejection::Rejection;
use super::route::{Audience, DashboardRoute};
use super::settings::DashboardSettings;
use super::sinks::{ShownSink, SinkCounts};
use super::{api, helicone, pages};
use crate::report::{Report, Scope, Scoped, Zone};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::json;
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tower_service::Service;

/// The pages and the JSON API over a report, as a service; see the [module](super).
///
/// It does not listen: the application serves it, behind its own authentication. Its service does not fail: errors are responses.
///
/// # Panics
/// Its future panics if the guard, the clock or the counts of a sink do.
///
/// ```
/// use http::request::Parts;
/// use http::{Request, StatusCode};
/// use http_body_util::{BodyExt, Empty};
/// use tower::ServiceExt;
/// use tower_llm_metrics::MemorySink;
/// use tower_llm_metrics::dashboard::Dashboard;
/// use tower_llm_metrics::report::Scope;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let users = MemorySink::new();
/// let dashboard = Dashboard::new(users.clone(), |_: &Parts| Some(Scope::All)).sink("memory", move || users.stats());
///
/// let request = Request::get("/users").body(Empty::<bytes::Bytes>::new()).unwrap();
/// let page = dashboard.oneshot(request).await.unwrap();
/// assert_eq!(page.status(), StatusCode::OK);
/// # assert!(page.into_body().collect().await.unwrap().to_bytes().starts_with(b"<!doctype html>"));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Dashboard<R> {
    report: R,
    settings: Arc<DashboardSettings>,
}

/// The most bytes of a request body.
const BODY_LIMIT: usize = 64 * 1024;

impl<R> Dashboard<R> {
    /// Creates the dashboard over `report`. For each request, the guard decides whose calls it may see: [`Scope::All`] for people
    /// who run the product, a user's own for that user, and nothing at all, which is answered with 403, for `None`. It is given the
    /// head of the request, with what the application's authentication put into its extensions, for instance.
    pub fn new(report: R, guard: impl Fn(&Parts) -> Option<Scope> + Send + Sync + 'static) -> Self {
        let settings = DashboardSettings {
            guard: Arc::new(guard),
            title: "LLM usage".to_owned(),
            mount: None,
            zone: Zone::UTC,
            refresh: Duration::from_secs(5),
            sinks: Vec::new(),
            clock: Arc::new(SystemTime::now),
        };
        Self { report, settings: Arc::new(settings) }
    }

    /// Sets the title of the pages. Defaults to "LLM usage".
    #[must_use]
    pub fn title(self, title: impl Into<String>) -> Self {
        self.with(|settings| settings.title = title.into())
    }

    /// Sets the path under which browsers find it when it is nested, `/admin/usage` for instance. Its root redirects to the first
    /// page below that path; links between pages are relative and do not need it.
    #[must_use]
    pub fn mounted_at(self, path: impl AsRef<str>) -> Self {
        let path = format!("/{}", path.as_ref().trim_matches('/'));
        self.with(|settings| settings.mount = Some(path))
    }

    /// Sets the zone whose days are meant if a request names none. Defaults to UTC.
    #[must_use]
    pub fn zone(self, zone: Zone) -> Self {
        self.with(|settings| settings.zone = zone)
    }

    /// Sets how often open pages fetch new figures, at most once a second. Defaults to every 5 seconds.
    #[must_use]
    pub fn refresh(self, every: Duration) -> Self {
        self.with(|settings| settings.refresh = every.max(Duration::from_secs(1)))
    }

    /// Shows the counts of a sink on the *Health* page, to those who may see everybody.
    #[must_use]
    pub fn sink<C: Into<SinkCounts>>(
        self,
        name: impl Into<String>,
        counts: impl Fn() -> C + Send + Sync + 'static,
    ) -> Self {
        let sink = ShownSink { name: name.into(), counts: Arc::new(move || counts().into()) };
        self.with(|settings| settings.sinks.push(sink))
    }

    /// Sets the clock by which "the last seven days" are meant, for tests and for looking at old logs. Defaults to the system's.
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }

    fn with(mut self, change: impl FnOnce(&mut DashboardSettings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl<R, B> Service<Request<B>> for Dashboard<R>
where
    R: Report + Clone + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<DashboardBody>;
    type Error = Infallible;
    type Future = DashboardFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> DashboardFuture {
        let dashboard = self.clone();
        DashboardFuture::new(async move {
            let (parts, body) = request.into_parts();
            let route = DashboardRoute::of(parts.uri.path());
            let audience = route.map_or(Audience::Person, DashboardRoute::audience);
            let answered = dashboard.answer(route, &parts, body).await;
            let answer = answered.unwrap_or_else(|rejection| dashboard.reject(audience, &rejection));
            answer::finish(answer, &parts)
        })
    }
}

impl<R: Report + Clone + 'static> Dashboard<R> {
    async fn answer<B>(
        &self,
        route: Option<DashboardRoute>,
        parts: &Parts,
        body: B,
    ) -> Result<Response<DashboardBody>, Rejection>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let scope = (self.settings.guard)(parts)
            .ok_or_else(|| Rejection::new(StatusCode::FORBIDDEN, "you may not see this"))?;
        let route = route.ok_or_else(Rejection::not_found)?;
        let method = if let DashboardRoute::Helicone(_) = route { Method::POST } else { Method::GET };
        if parts.method != method && !(method == Method::GET && parts.method == Method::HEAD) {
            return Ok(self.reject_method(route.audience(), &method));
        }
        let report = Scoped::new(self.report.clone(), scope.clone());
        let params = Params::parse(parts.uri.query().unwrap_or_default());
        let question = || Question::new(report.clone(), Arc::clone(&self.settings), scope.clone(), &params);
        match route {
            DashboardRoute::Root => {
                let page = DashboardRoute::from(pages::first(&scope)).relative();
                Ok(answer::redirect(self.settings.mount.as_deref(), page))
            }
            DashboardRoute::Asset(asset) => Ok(answer::asset(asset)),
            DashboardRoute::Page(page) => pages::answer(page, question()?).await,
            DashboardRoute::Api(which) => api::answer(which, question()?).await,
            DashboardRoute::Helicone(which) => {
                let body = read(parts, body).await?;
                helicone::answer(which, &report, &body).await
            }
        }
    }

    fn reject(&self, audience: Audience, rejection: &Rejection) -> Response<DashboardBody> {
        let answer = match audience {
            Audience::Person => Ok(answer::html(pages::rejection(&self.settings, rejection))),
            Audience::Program => answer::json(&match &rejection.field {
                Some(field) => json!({"error": {"field": field, "message": rejection.message}}),
                None => json!({"error": {"message": rejection.message}}),
            }),
            Audience::HeliconeClient => answer::json(&json!({"data": null, "error": rejection.to_string()})),
        };
        let mut response = answer.unwrap_or_else(|_| Response::new(DashboardBody::whole("")));
        *response.status_mut() = rejection.status;
        response
    }

    fn reject_method(&self, audience: Audience, method: &Method) -> Response<DashboardBody> {
        let message = format!("only {method} is answered here");
        let mut response = self.reject(audience, &Rejection::new(StatusCode::METHOD_NOT_ALLOWED, message));
        let allow = if *method == Method::GET { "GET, HEAD" } else { "POST" };
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        response
    }
}

/// Reads the body of a request, which is JSON of at most [`BODY_LIMIT`] bytes.
async fn read<B>(parts: &Parts, body: B) -> Result<Bytes, Rejection>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json"));
    }
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Rejection::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than {BODY_LIMIT} bytes"),
        )),
        Err(_) => Err(Rejection::new(StatusCode::BAD_REQUEST, "the body could not be read to its end")),
    }
}
