//! Who is calling: the ordered sources of a user's id.

mod account;
mod caller;
mod fields;
mod headers;
#[cfg(feature = "pseudonym")]
mod pseudonym;

pub(crate) use caller::{Caller, Claim};
pub(crate) use fields::UserFields;
#[cfg(feature = "reqwest-middleware")]
pub(crate) use headers::pass_on;
pub(crate) use headers::{as_called, names_caller, take_out};
#[cfg(feature = "pseudonym")]
pub(crate) use pseudonym::pseudonymizer;

use crate::record::{User, UserId, UserSource};
use http::header::HeaderName;
use std::fmt;
use std::sync::Arc;

/// Names the end user of a request in the application's own way. It is the last source that is asked, after the
/// extensions, the headers and the body.
///
/// Implemented for closures. It is called before the request goes on, and must not block. A panic in it is caught and
/// becomes a reason on the record.
///
/// ```
/// use tower_llm_metrics::{Record, UserId, UserMetricsLayer};
///
/// let layer = UserMetricsLayer::new(|_: &Record| ()).identify(|request: &http::request::Parts| {
///     let tenant = request.uri.path().split('/').nth(1)?;
///     UserId::new(tenant).ok()
/// });
/// ```
pub trait Identify: Send + Sync + 'static {
    /// Returns the end user of `request`, if this source knows.
    fn identify(&self, request: &http::request::Parts) -> Option<UserId>;
}

impl<F> Identify for F
where
    F: Fn(&http::request::Parts) -> Option<UserId> + Send + Sync + 'static,
{
    fn identify(&self, request: &http::request::Parts) -> Option<UserId> {
        self(request)
    }
}

/// Replaces an id before anything keeps it. No id is kept where it returns `None`.
pub(crate) type Pseudonymizer = Arc<dyn Fn(&UserId) -> Option<UserId> + Send + Sync>;

/// Where the end user's id is read from, and what is done to it. The fields of the body stand with the other members of a
/// request that are read.
#[derive(Clone)]
pub(crate) struct IdentifySettings {
    pub(crate) headers: Vec<HeaderName>,
    pub(crate) custom: Option<Arc<dyn Identify>>,
    pub(crate) account_only: bool,
    pub(crate) pseudonymizer: Option<Pseudonymizer>,
}

impl Default for IdentifySettings {
    fn default() -> Self {
        Self { headers: vec![headers::USER], custom: None, account_only: false, pseudonymizer: None }
    }
}

impl IdentifySettings {
    /// Returns the user as the record keeps it: reduced to the account and replaced by a pseudonym, if that is asked for.
    pub(crate) fn kept(&self, mut user: User) -> Option<User> {
        if self.account_only && user.source == UserSource::Body {
            user.id = account::of(&user.id).unwrap_or(user.id);
        }
        if let Some(pseudonymizer) = &self.pseudonymizer {
            user.id = pseudonymizer(&user.id)?;
        }
        Some(user)
    }
}

impl fmt::Debug for IdentifySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentifySettings")
            .field("headers", &self.headers)
            .field("account_only", &self.account_only)
            .finish_non_exhaustive()
    }
}
