//! The data of one call, a [`Record`], in plain types.
//!
//! A record holds who made a call, of what kind, how much was used and what it cost. It never holds a prompt, an
//! answer, a key or an authorisation header. Its JSON form is one flat object, described at [`Record::to_json`].

mod codec;
mod cost;
mod decimal;
mod error;
mod flat;
mod id;
mod json;
mod listed;
mod operation;
mod outcome;
mod parts;
mod passes;
mod properties;
mod provider;
mod pseudonym;
mod rate;
mod table;
mod text;
mod time;
mod unit;
mod usage;
mod usd;
mod user;

pub use cost::{Cost, PriceMatch, Priced, UnpricedReason};
pub(crate) use decimal::{divide_half_even, round_half_even};
pub use error::RecordError;
pub use id::{ParseRecordIdError, RecordId};
pub(crate) use json::SharedTexts;
pub use operation::{Api, Operation};
pub use outcome::Outcome;
pub use parts::Part;
pub(crate) use parts::Parts;
pub use properties::Properties;
pub use provider::{Provider, ProviderSource};
pub(crate) use pseudonym::Pseudonym;
pub use rate::{ParseRateError, Rate};
pub use text::{Text, TextError};
pub use unit::Unit;
pub(crate) use unit::{Billing, LiteLlmKey};
pub use usage::{Pass, Usage, UsageReason, UsageState};
pub use usd::{ParseUsdError, Usd};
pub use user::{User, UserId, UserIssue, UserSource};

use std::time::{Duration, SystemTime};

/// The record of one call, however it ended. A field is `None` where it does not apply or is not known.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// Our own id, unique for every call and sorting by time.
    pub id: RecordId,
    /// When the call started.
    pub time: SystemTime,
    /// From the start to the end of the call.
    pub latency: Duration,
    /// From the start to the first frame with content of a streamed answer.
    pub first_token: Option<Duration>,

    /// The end user.
    pub user: Option<User>,
    /// Why a candidate for the user was refused.
    pub user_issue: Option<UserIssue>,

    /// The provider whose API was called.
    pub provider: Option<Provider>,
    /// How the provider was found out.
    pub provider_source: Option<ProviderSource>,
    /// The host that the request went to.
    pub host: Option<Text>,
    /// The kind of call.
    pub operation: Operation,
    /// The dialect, where it was recognised.
    pub api: Option<Api>,
    /// The requested model.
    pub model: Option<Text>,
    /// The model that answered.
    pub response_model: Option<Text>,
    /// Whether the answer was a stream of events.
    pub stream: bool,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// How the call ended.
    pub outcome: Outcome,
    /// The provider's error type or code (`[A-Za-z0-9_.-]`, at most 64 bytes), never its message.
    pub error: Option<Text>,

    /// What was used.
    pub usage: Usage,
    /// What these figures are.
    pub usage_state: UsageState,
    /// Why they are absent, or what is wrong with them.
    pub usage_reason: Option<UsageReason>,
    /// The service tier of the answer, or else of the request.
    pub service_tier: Option<Text>,
    /// Whether the call went to a batch API.
    pub batch: bool,
    /// The region, where the price depends on it.
    pub region: Option<Text>,

    /// What the call cost.
    pub cost: Cost,

    /// The provider's id of the request.
    pub request_id: Option<Text>,
    /// The caller's id of the request: `Helicone-Request-Id`.
    pub client_request_id: Option<Text>,
    /// The caller's session: `Helicone-Session-Id`.
    pub session: Option<Text>,
    /// The caller's `Helicone-Property-*` headers.
    pub properties: Properties,
}

impl Record {
    /// Creates a record of a call that started at `time`, with nothing else known yet. It is for tests of sinks
    /// and for importing; the layer makes its own.
    pub fn new(time: SystemTime) -> Self {
        Self::with_id(RecordId::new(time), time)
    }

    /// Creates a record with nothing known, not even its time.
    pub(crate) fn blank() -> Self {
        Self::with_id(RecordId::NIL, SystemTime::UNIX_EPOCH)
    }

    fn with_id(id: RecordId, time: SystemTime) -> Self {
        Self {
            id,
            time,
            latency: Duration::ZERO,
            first_token: None,
            user: None,
            user_issue: None,
            provider: None,
            provider_source: None,
            host: None,
            operation: Operation::Other,
            api: None,
            model: None,
            response_model: None,
            stream: false,
            status: None,
            outcome: Outcome::Cancelled,
            error: None,
            usage: Usage::default(),
            usage_state: UsageState::Absent,
            usage_reason: None,
            service_tier: None,
            batch: false,
            region: None,
            cost: Cost::None,
            request_id: None,
            client_request_id: None,
            session: None,
            properties: Properties::default(),
        }
    }

    /// Returns why the figures are not all that was used, so that a price for them would be too low.
    pub(crate) fn unpriceable(&self) -> Option<UnpricedReason> {
        let Usage { input_tokens, output_tokens, .. } = self.usage;
        match self.usage_reason {
            // An estimate is made where the figures cannot be had, for this reason or another.
            _ if self.usage_state == UsageState::Estimated => None,
            Some(UsageReason::Malformed | UsageReason::TooLarge) => Some(UnpricedReason::UnreadableUsage),
            _ if input_tokens.is_none() && output_tokens.is_some_and(|tokens| tokens > 0) => {
                Some(UnpricedReason::IncompleteUsage)
            }
            _ => None,
        }
    }

    /// Returns the cost of the call by `cost`, the price of the figures that were understood. Where others were not, the call is
    /// unpriced.
    pub(crate) fn settled(&self, cost: Cost) -> Cost {
        match cost {
            Cost::Priced(_) if self.usage_reason == Some(UsageReason::Unread) => {
                Cost::Unpriced(UnpricedReason::UnreadUsage)
            }
            cost => cost,
        }
    }

    /// Returns the model that answered, or else the requested one, by which the call is priced.
    pub(crate) fn answering_model(&self) -> Option<&Text> {
        self.response_model.as_ref().or(self.model.as_ref())
    }

    /// Returns the id of the end user, where there is one.
    pub fn user_id(&self) -> Option<&UserId> {
        self.user.as_ref().map(|user| &user.id)
    }
}
