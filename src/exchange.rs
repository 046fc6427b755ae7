//! One call in flight, which becomes one record when it ends.

use crate::api::{
    ApiRoute, Ended, RequestFacts, RequestReader, RequestTexts, ResponseReader, provider_of_models,
};
use crate::identify::Caller;
use crate::meter::Meter;
use crate::price::PricedCall;
use crate::record::{
    Api, Cost, Outcome, ProviderSource, Record, Text, UnpricedReason, UsageReason, UsageState, Usd,
};
use http::{Method, StatusCode, header};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// One call in flight, shared by the guard and the request's tap.
#[derive(Debug)]
pub(crate) struct Exchange {
    meter: Arc<Meter>,
    time: SystemTime,
    started: Instant,
    route: Arc<ApiRoute>,
    caller: Caller,
    method: Method,
    /// Whether the caller waits for `100 Continue` before it sends the body.
    expects_continue: bool,
    /// Whether any copy of the request's body has been polled.
    request_polled: AtomicBool,
    /// Whether the copy of the request's body that was polled last has failed, before the transport could.
    request_failed: AtomicBool,
    request: Mutex<RequestSoFar>,
}

/// What the request's body has said, and how much of it has been read.
#[derive(Debug, Default)]
struct RequestSoFar {
    offset: u64,
    facts: RequestFacts,
    /// Where the application counts tokens.
    texts: Option<Box<RequestTexts>>,
}

impl Exchange {
    pub(crate) fn route(&self) -> &ApiRoute {
        &self.route
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Returns the time since the call started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether an answer of `status` to this request has no body, whatever its headers say (RFC 9110, 6.4.1).
    pub(crate) fn answer_is_bodiless(&self, status: StatusCode) -> bool {
        self.method == Method::HEAD
            || status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }

    /// Whether an answer of `status` turns the connection over to another protocol.
    pub(crate) fn is_upgrade(&self, status: StatusCode) -> bool {
        status == StatusCode::SWITCHING_PROTOCOLS || (self.method == Method::CONNECT && status.is_success())
    }

    /// Records that a copy of the request's body is being polled.
    pub(crate) fn request_is_polled(&self) {
        self.request_polled.store(true, Ordering::Relaxed);
        self.request_failed.store(false, Ordering::Relaxed);
    }

    /// Records that the caller's own body of the request has failed.
    pub(crate) fn request_fails(&self) {
        self.request_failed.store(true, Ordering::Relaxed);
    }

    /// Whether an error of the call is the caller's own: it could not go on when the request's body had failed.
    pub(crate) fn request_has_failed(&self) -> bool {
        self.request_failed.load(Ordering::Relaxed)
    }

    /// Whether a body that is dropped unread may be polled for what it says: it has not been polled, and nobody waits for
    /// a `100 Continue` that reading would send.
    pub(crate) fn may_read_dropped_body(&self) -> bool {
        !self.expects_continue && !self.request_polled.load(Ordering::Relaxed) && !std::thread::panicking()
    }

    /// Keeps what the request's body says after `offset` bytes. A replay of what was read before adds nothing.
    pub(crate) fn keep_facts(&self, offset: u64, facts: &RequestFacts) {
        self.keep(offset, |request| request.facts.clone_from(facts));
    }

    /// Keeps the texts of a request's body that has ended after `offset` bytes.
    pub(crate) fn keep_texts(&self, offset: u64, texts: Box<RequestTexts>) {
        self.keep(offset, |request| request.texts = Some(texts));
    }

    fn keep(&self, offset: u64, change: impl FnOnce(&mut RequestSoFar)) {
        let mut request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        if offset >= request.offset {
            request.offset = offset;
            change(&mut request);
        }
    }

    /// Creates a reader for the body of the request with these headers.
    pub(crate) fn request_reader(&self, headers: &http::HeaderMap) -> RequestReader {
        RequestReader::new(&self.route, headers, self.meter.token_counter.as_ref())
    }

    /// Reads a request's body that is in memory.
    #[cfg(any(feature = "reqwest", feature = "reqwest-012"))]
    pub(crate) fn read(&self, headers: &http::HeaderMap, bytes: &[u8]) {
        let mut reader = self.request_reader(headers);
        reader.push(&self.meter.request_members, bytes);
        let offset = bytes.len() as u64;
        self.keep_facts(offset, reader.facts());
        if let Some(texts) = reader.take_texts() {
            self.keep_texts(offset, texts);
        }
    }

    /// Writes to the record of a call that ends all that its request says. Returns what else was read of the request.
    fn fill(&self, record: &mut Record) -> RequestSoFar {
        let mut request = std::mem::take(&mut *self.request.lock().unwrap_or_else(PoisonError::into_inner));
        let facts = &mut request.facts;
        record.latency = self.elapsed();
        self.caller.fill(record, std::mem::take(&mut facts.user), &self.meter.identity);
        self.route.fill(record);
        record.model = facts.model.take().or(record.model.take());
        record.stream = self.route.stream.or(facts.stream).unwrap_or(false);
        record.service_tier = facts.service_tier.take();
        request
    }

    /// Closes a call that ended without an answer.
    fn close_unanswered(&self, outcome: Outcome) {
        let mut record = Record::new(self.time);
        self.fill(&mut record);
        record.outcome = outcome;
        record.usage_reason = Some(UsageReason::NoResponse);
        self.hand_over(&mut record, self.route.consumes, None);
    }

    /// Closes a call whose answer has ended.
    fn close_answered(&self, reader: &mut ResponseReader, end: AnswerEnd) {
        let mut record = Record::new(self.time);
        let RequestSoFar { facts: request, texts, .. } = self.fill(&mut record);
        record.status = Some(end.status.as_u16());
        record.first_token = end.first_token;
        let facts = reader.finish(&self.route, &request, &mut record, end.ended);
        if let Some(output) = facts.estimated_output {
            estimate(&mut record, texts, output);
        }
        // Speech that is billed by its characters comes without any figure: they are the request's.
        if let (Some(UsageReason::NotReported), Some(characters)) = (record.usage_reason, request.characters)
        {
            record.usage.characters = Some(characters);
            (record.usage_state, record.usage_reason) = (UsageState::Reported, None);
        }
        let may_be_asked_for = facts.pending || request.store == Some(true);
        self.settle(&mut record, facts.response_id.as_ref(), may_be_asked_for);
        self.hand_over(&mut record, facts.consumes, facts.reported_cost);
    }

    /// Lets figures count once that may come a second time. Where they were still to come, they are reported now, for the user
    /// of the first call.
    fn settle(&self, record: &mut Record, response_id: Option<&Text>, may_be_asked_for: bool) {
        let pending = &self.meter.counts.pending;
        let settle = || {
            [response_id, self.route.asked_for.as_ref()]
                .into_iter()
                .flatten()
                .find_map(|id| pending.settle(id))
        };
        // Elsewhere an answer that has gone by cannot be asked for.
        let is_kept = || match record.api {
            Some(Api::Responses | Api::Assistants | Api::Interactions) => true,
            _ => may_be_asked_for,
        };
        match (record.usage_state, response_id) {
            (UsageState::Repeated, _) => {
                if let Some(user) = settle() {
                    record.usage_state = UsageState::Reported;
                    record.user = record.user.take().or(user);
                }
            }
            (UsageState::Absent, Some(id)) if self.route.consumes && is_kept() => {
                pending.insert(id.clone(), record.user.clone());
            }
            (UsageState::Reported | UsageState::Estimated, _) => drop(settle()),
            _ => {}
        }
    }

    /// Prices the record, now that all else is known of it, and hands it to the sink. `reported` is what the provider says that
    /// it charged.
    fn hand_over(&self, record: &mut Record, consumes: bool, reported: Option<Usd>) {
        if record.provider.is_none() {
            // The host did not say whose API it was.
            record.provider = provider_of_models(record.model.as_ref(), record.response_model.as_ref());
            record.provider_source = record.provider.is_some().then_some(ProviderSource::Model);
        }
        record.cost = self.cost(record, consumes, reported);
        self.meter.record(record);
    }

    fn cost(&self, record: &Record, consumes: bool, reported: Option<Usd>) -> Cost {
        let refused = record.outcome == Outcome::Failed && record.status.is_some_and(|status| status >= 400);
        let computed = match record.usage_state {
            UsageState::Repeated => return Cost::None,
            UsageState::Absent if reported.is_none() && (refused || !consumes) => return Cost::None,
            UsageState::Absent => Cost::Unpriced(UnpricedReason::NoUsage),
            _ => match record.unpriceable() {
                Some(reason) => Cost::Unpriced(reason),
                None => record.settled(self.meter.price(&PricedCall::of(record))),
            },
        };
        match reported {
            Some(total) => Cost::Reported { total, computed: computed.computed().cloned() },
            None => computed,
        }
    }
}

/// Puts what the application counted in the place of a usage that is absent, if it could count both directions.
fn estimate(record: &mut Record, texts: Option<Box<RequestTexts>>, output: u64) {
    let model = record.answering_model().map(|model| &**model);
    if let Some(input) = texts.and_then(|texts| texts.total(model)) {
        record.usage.input_tokens = Some(input);
        record.usage.output_tokens = Some(output);
        record.usage_state = UsageState::Estimated;
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerEnd {
    pub(crate) status: StatusCode,
    pub(crate) ended: Ended,
    pub(crate) first_token: Option<Duration>,
}

/// Closes an exchange once: when its answer has ended, or else when the guard is dropped.
#[derive(Debug)]
pub(crate) struct ExchangeGuard {
    exchange: Arc<Exchange>,
    /// How the call ends if the guard is dropped. `None` when the exchange is closed.
    unanswered: Option<Outcome>,
}

impl ExchangeGuard {
    /// Opens the exchange of a request that is being dispatched.
    pub(crate) fn open(meter: &Arc<Meter>, request: &http::request::Parts) -> Self {
        meter.counts.in_flight.fetch_add(1, Ordering::Relaxed);
        let exchange = Exchange {
            time: SystemTime::now(),
            started: Instant::now(),
            route: meter.routes.of(request, meter.provider.as_ref()),
            caller: Caller::of(&meter.identity, request, &meter.counts.panics),
            method: request.method.clone(),
            expects_continue: request.headers.contains_key(header::EXPECT),
            request_polled: AtomicBool::new(false),
            request_failed: AtomicBool::new(false),
            request: Mutex::default(),
            meter: Arc::clone(meter),
        };
        Self { exchange: Arc::new(exchange), unanswered: Some(Outcome::Cancelled) }
    }

    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// Closes the exchange of a call that failed before there was an answer: by the transport, unless the caller's own body had
    /// failed by then.
    pub(crate) fn broken(mut self) {
        let is_callers_own = self.exchange.request_has_failed();
        self.unanswered = Some(if is_callers_own { Outcome::Cancelled } else { Outcome::Broken });
    }

    /// Closes the exchange of a call whose answer has ended, with what `reader` has read of it.
    pub(crate) fn answered(mut self, reader: &mut ResponseReader, end: AnswerEnd) {
        self.unanswered = None;
        self.exchange.close_answered(reader, end);
    }
}

impl Drop for ExchangeGuard {
    fn drop(&mut self) {
        if let Some(outcome) = self.unanswered {
            self.exchange.close_unanswered(outcome);
        }
        self.exchange.meter.counts.in_flight.fetch_sub(1, Ordering::Release);
    }
}
