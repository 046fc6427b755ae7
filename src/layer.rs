//! The layer and its settings.

use crate::api::{RequestMembers, Routes};
use crate::identify::{Identify, IdentifySettings, UserFields};
use crate::meter::{Counts, Meter};
use crate::price::Pricer;
use crate::record::Provider;
use crate::service::UserMetrics;
use crate::sink::MetricsSink;
use crate::token_counter::{Counter, TokenCounter};
use http::HeaderName;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tower_layer::Layer;

/// Meters every call of an HTTP service that talks to LLM APIs, and hands one [`Record`](crate::Record) per call to a
/// [`MetricsSink`].
///
/// It goes around a client or a server alike. What passes is not changed, delayed or buffered; what the meter cannot read
/// becomes a reason on the record.
///
/// A clone, and every service made by it, shares its settings and counts.
///
/// Headers that name the caller do not reach a provider: see [`faces_provider`](Self::faces_provider).
///
/// ```
/// use tower::{ServiceBuilder, ServiceExt};
/// use tower_llm_metrics::{MemorySink, UserMetricsLayer};
/// # use http_body_util::{BodyExt, Full};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let client = tower::service_fn(|request: http::Request<tower_llm_metrics::RequestBody<Full<bytes::Bytes>>>| async {
/// #     request.into_body().collect().await.map(|_| http::Response::new(Full::new(bytes::Bytes::from(
/// #         r#"{"model":"gpt-5-mini","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}"#,
/// #     ))))
/// # });
/// let users = MemorySink::new();
/// let client = ServiceBuilder::new().layer(UserMetricsLayer::new(users.clone())).service(client);
///
/// let request = http::Request::post("https://api.openai.com/v1/chat/completions")
///     .header("Helicone-User-Id", "alice") // taken out on the way: it is a provider's host
///     .body(Full::from(r#"{"model":"gpt-5-mini","messages":[]}"#))
///     .unwrap();
/// let response = client.oneshot(request).await.unwrap();
/// response.into_body().collect().await.unwrap();
///
/// let record = users.recent(1).pop().unwrap();
/// assert_eq!(record.user_id().unwrap().as_str(), "alice");
/// assert_eq!(record.usage.output_tokens, Some(5));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct UserMetricsLayer {
    pub(crate) meter: Arc<Meter>,
}

impl UserMetricsLayer {
    /// Creates a layer that hands its records to `sink`, prices them by the bundled price data (feature `prices`) and reads users
    /// from `Helicone-User-Id` or the body.
    pub fn new(sink: impl MetricsSink) -> Self {
        let meter = Meter {
            sink: Arc::new(sink),
            pricer: Arc::new(crate::price::PriceBook::default()),
            identity: IdentifySettings::default(),
            request_members: Arc::default(),
            provider: None,
            routes: Routes::default(),
            token_counter: None,
            filter: None,
            faces_provider: None,
            counts: Arc::new(Counts::default()),
        };
        Self { meter: Arc::new(meter) }
    }

    /// Prices calls with `pricer` instead of the bundled price data.
    #[must_use]
    pub fn pricer(self, pricer: impl Pricer) -> Self {
        self.with(|meter| meter.pricer = Arc::new(pricer))
    }

    /// Says whose API is behind the service, where the host that requests go to does not tell: behind a gateway or on a
    /// server of your own.
    #[must_use]
    pub fn provider(self, provider: Provider) -> Self {
        self.with(|meter| meter.provider = Some(provider))
    }

    /// Reads the user from these headers, in this order, instead of `Helicone-User-Id`. None at all is possible.
    ///
    /// What a caller puts into a header is a claim, not a proof. Where the request faces a provider, these headers are removed
    /// (see [`faces_provider`](Self::faces_provider)), but for a provider's credentials, such as `Authorization`.
    #[must_use]
    pub fn user_headers(self, headers: impl IntoIterator<Item = HeaderName>) -> Self {
        self.with(|meter| meter.identity.headers = headers.into_iter().collect())
    }

    /// Reads the user from these fields of a JSON body, in this order, instead of `user`, `safety_identifier` and (in
    /// Anthropic's messages) `metadata.user_id`. A nested field is spelled with dots; none at all is possible, and 16 at the
    /// most count.
    #[must_use]
    pub fn user_fields<'a>(self, fields: impl IntoIterator<Item = &'a str>) -> Self {
        self.with(|meter| {
            let fields = UserFields::new(fields.into_iter().map(|field| (field, None)));
            meter.request_members = Arc::new(RequestMembers::new(fields));
        })
    }

    /// Asks `identify` for the user where extensions, headers and body name none.
    #[must_use]
    pub fn identify(self, identify: impl Identify) -> Self {
        self.with(|meter| meter.identity.custom = Some(Arc::new(identify)))
    }

    /// Reduces the ids that some clients send in `metadata.user_id`, one for each session, to their account part.
    #[must_use]
    pub fn account_only(self, account_only: bool) -> Self {
        self.with(|meter| meter.identity.account_only = account_only)
    }

    /// Replaces every user id by its HMAC-SHA-256 under `key` before anything keeps it.
    #[cfg(feature = "pseudonym")]
    #[cfg_attr(docsrs, doc(cfg(feature = "pseudonym")))]
    #[must_use]
    pub fn pseudonymize(self, key: &[u8]) -> Self {
        self.with(|meter| meter.identity.pseudonymizer = Some(crate::identify::pseudonymizer(key)))
    }

    /// Estimates the usage of calls where it is absent. Without a counter, nothing is estimated.
    #[must_use]
    pub fn token_counter(self, counter: impl TokenCounter) -> Self {
        self.with(|meter| meter.token_counter = Some(Counter::new(counter, &meter.counts.panics)))
    }

    /// Meters only the requests that `filter` chooses. By default all are metered.
    #[must_use]
    pub fn filter(self, filter: impl Fn(&http::request::Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with(|meter| meter.filter = Some(Arc::new(filter)))
    }

    /// Says whether the service is the provider, or leads straight to it: then all `Helicone-*` headers, `Helicone-Auth`
    /// included, and all [`user_headers`](Self::user_headers) are removed before the request goes on. A layer within still
    /// sees whom they name.
    ///
    /// By default the host that a request goes to decides, in its URI or else its `Host` header: a provider's own host is
    /// faced. Helicone's gateways, which want these headers, and unknown hosts, such as a gateway of your own, are
    /// not. What [`provider`](Self::provider) says makes no difference.
    ///
    /// A header that only an [`Identify`] reads is not known and stays, and so do ids in the request's body.
    ///
    /// ```
    /// # use tower_llm_metrics::{Record, UserMetricsLayer};
    /// // A proxy of your own that passes on what it gets to a provider.
    /// let layer = UserMetricsLayer::new(|_: &Record| ()).faces_provider(true);
    /// ```
    #[must_use]
    pub fn faces_provider(self, faces_provider: bool) -> Self {
        self.with(|meter| meter.faces_provider = Some(faces_provider))
    }

    /// Returns how many metered calls have no record yet. A shutdown can wait for them.
    pub fn in_flight(&self) -> usize {
        self.meter.counts.in_flight.load(Ordering::Acquire)
    }

    /// Returns how many panics of the sink, the pricer, the identifier, the token counter and the filter were caught.
    pub fn panics(&self) -> u64 {
        self.meter.counts.panics.count()
    }

    fn with(mut self, change: impl FnOnce(&mut Meter)) -> Self {
        change(Arc::make_mut(&mut self.meter));
        self
    }
}

impl<S> Layer<S> for UserMetricsLayer {
    type Service = UserMetrics<S>;

    fn layer(&self, inner: S) -> Self::Service {
        UserMetrics::new(inner, Arc::clone(&self.meter))
    }
}
