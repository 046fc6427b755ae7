//! One call in flight: gathers facts, and becomes one record when it ends.

use crate::api::{RequestFacts, RequestReader, RequestTexts, ResponseFacts, Route, provider_of_models};
use crate::identify::Caller;
use crate::meter::Meter;
use crate::price::PricedCall;
use crate::record::{
    Api, Cost, Outcome, ProviderSource, Record, Text, UnpricedReason, UsageReason, UsageState, Usd, User,
    UserSource,
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
    route: Route,
    caller: Caller,
    method: Method,
    /// Whether the caller waits for `100 Continue` before it sends the body.
    expects_continue: bool,
    /// Whether any copy of the request's body has been polled.
    request_polled: AtomicBool,
    /// Whether the copy of the request's body that was polled last has failed, before the transport could.
    request_failed: AtomicBool,
    request: Mutex<Learned>,
}

/// What the request's body has told, and how much of it was read for that.
#[derive(Debug, Default)]
struct Learned {
    offset: u64,
    facts: RequestFacts,
    /// Where the application counts tokens.
    texts: Option<Box<RequestTexts>>,
}

/// How an answer ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) outcome: Outcome,
    pub(crate) first_token: Option<Duration>,
    pub(crate) facts: ResponseFacts,
}

/// What is known of the consumption beside the figures.
#[derive(Clone, Copy)]
struct Consumed {
    any: bool,
    /// What the provider says that it charged.
    reported: Option<Usd>,
}

impl Exchange {
    pub(crate) fn route(&self) -> &Route {
        &self.route
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Time since the call started.
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

    /// Notes that a copy of the request's body is being polled.
    pub(crate) fn request_is_polled(&self) {
        self.request_polled.store(true, Ordering::Relaxed);
        self.request_failed.store(false, Ordering::Relaxed);
    }

    /// Notes that the caller's own body of the request has failed.
    pub(crate) fn request_fails(&self) {
        self.request_failed.store(true, Ordering::Relaxed);
    }

    /// Whether an error of the call is the caller's own: it could not go on when the request's body had failed.
    pub(crate) fn request_has_failed(&self) -> bool {
        self.request_failed.load(Ordering::Relaxed)
    }

    /// Whether a body that is dropped unread may be read for what it says: nobody else has read it, and nobody waits for
    /// a `100 Continue` that reading would send.
    pub(crate) fn may_read_dropped_body(&self) -> bool {
        !self.expects_continue && !self.request_polled.load(Ordering::Relaxed) && !std::thread::panicking()
    }

    /// What the request's body has told after `offset` bytes. A replay of what was read before tells nothing new.
    pub(crate) fn learn(&self, offset: u64, facts: &RequestFacts) {
        let mut learned = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        if offset >= learned.offset {
            learned.offset = offset;
            learned.facts = facts.clone();
        }
    }

    /// The texts of a request's body that has ended after `offset` bytes.
    pub(crate) fn learn_texts(&self, offset: u64, texts: Box<RequestTexts>) {
        let mut learned = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        if offset >= learned.offset {
            learned.offset = offset;
            learned.texts = Some(texts);
        }
    }

    /// A reader for the body of the request, whose headers these are.
    pub(crate) fn request_reader(&self, headers: &http::HeaderMap) -> RequestReader {
        RequestReader::new(&self.route, headers, self.meter.token_counter.as_ref())
    }

    /// Reads a request's body that is in memory.
    #[cfg(any(feature = "reqwest", feature = "reqwest-012"))]
    pub(crate) fn read(&self, headers: &http::HeaderMap, bytes: &[u8]) {
        let fields = &self.meter.identity.body;
        let mut reader = self.request_reader(headers);
        reader.push(fields, bytes);
        let offset = bytes.len() as u64;
        self.learn(offset, reader.facts());
        if let Some(texts) = reader.take_texts() {
            self.learn_texts(offset, texts);
        }
    }

    /// What the request's body has told so far.
    pub(crate) fn learned(&self) -> RequestFacts {
        self.request.lock().unwrap_or_else(PoisonError::into_inner).facts.clone()
    }

    /// Makes the record of a call with its answer, or of how it ended without one, and hands it to the sink.
    fn close(&self, request: &RequestFacts, answer: Result<Answer, Outcome>) {
        let mut record = Record::new(self.time);
        record.latency = self.elapsed();
        record.outcome = answer.as_ref().map_or_else(|outcome| *outcome, |answer| answer.outcome);
        self.tell_caller(&mut record, request);
        self.tell_route(&mut record, request);
        let consumed = match answer {
            Ok(answer) => self.tell_answer(&mut record, request, answer),
            Err(_) => {
                record.usage_reason = Some(UsageReason::NoResponse);
                Consumed { any: self.route.consumes, reported: None }
            }
        };
        if record.provider.is_none() {
            // Whose API it was, the host did not say.
            record.provider = provider_of_models(record.model.as_ref(), record.response_model.as_ref());
            record.provider_source = record.provider.is_some().then_some(ProviderSource::Model);
        }
        record.cost = self.cost(&record, consumed);
        self.meter.record(&record);
    }

    fn tell_caller(&self, record: &mut Record, request: &RequestFacts) {
        let caller = &self.caller;
        // Before what the body says, unless it comes from the application's own source.
        let first = caller.user.as_ref().filter(|user| user.source != UserSource::Custom);
        let from_body = || request.user.clone().map(|id| User::new(id, UserSource::Body));
        let user = first.cloned().or_else(from_body).or_else(|| caller.user.clone());
        record.user = user.and_then(|user| self.meter.identity.kept(user));
        record.user_issue = match first {
            Some(_) => caller.issue,
            None => caller.issue.or(request.user_issue),
        };
        record.session = caller.session.clone();
        record.client_request_id = caller.client_request_id.clone();
        record.properties = caller.properties.clone();
    }

    fn tell_route(&self, record: &mut Record, request: &RequestFacts) {
        let route = &self.route;
        record.provider = route.provider.clone();
        record.provider_source = route.provider_source;
        record.host = route.host.clone();
        record.operation = route.operation;
        record.api = route.api;
        record.model = request.model.clone().or_else(|| route.model.clone());
        record.stream = route.stream.or(request.stream).unwrap_or(false);
        record.service_tier = request.service_tier.clone();
        record.batch = route.batch;
        record.region = route.region.clone();
    }

    fn tell_answer(&self, record: &mut Record, request: &RequestFacts, answer: Answer) -> Consumed {
        let facts = answer.facts;
        record.status = Some(answer.status.as_u16());
        record.first_token = answer.first_token;
        record.stream = facts.stream;
        record.api = facts.api;
        record.operation = facts.operation.unwrap_or(record.operation);
        record.error = facts.error;
        record.request_id = facts.request_id;
        record.service_tier = facts.service_tier.or(record.service_tier.take());
        record.response_model = facts.model;
        record.usage = facts.usage;
        record.usage_state = facts.usage_state;
        record.usage_reason = facts.usage_reason;
        record.region = facts.region.or(record.region.take());
        if let Some(output) = facts.estimated_output {
            self.estimate(record, output);
        }
        // Speech that is billed by its characters comes without any figure: they are the request's.
        if let (Some(UsageReason::NotReported), Some(characters)) = (record.usage_reason, request.characters)
        {
            record.usage.characters = Some(characters);
            (record.usage_state, record.usage_reason) = (UsageState::Reported, None);
        }
        let may_be_asked_for = facts.pending || request.store == Some(true);
        self.settle(record, facts.response_id.as_ref(), may_be_asked_for);
        Consumed { any: facts.consumes, reported: facts.reported_cost }
    }

    /// Puts what the application counted in place of a usage that is absent, if it could count both directions.
    fn estimate(&self, record: &mut Record, output: u64) {
        let texts = self.request.lock().unwrap_or_else(PoisonError::into_inner).texts.take();
        let model = record.response_model.as_ref().or(record.model.as_ref()).map(|model| &**model);
        if let Some(input) = texts.and_then(|texts| texts.total(model)) {
            record.usage.input_tokens = Some(input);
            record.usage.output_tokens = Some(output);
            record.usage_state = UsageState::Estimated;
        }
    }

    /// Figures that come a second time count once: where they were still to come, they are reported now, and for whom
    /// the call was.
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

    fn cost(&self, record: &Record, consumed: Consumed) -> Cost {
        let reported = consumed.reported;
        let refused = record.outcome == Outcome::Failed && record.status.is_some_and(|status| status >= 400);
        let computed = match record.usage_state {
            UsageState::Repeated => return Cost::None,
            UsageState::Absent if reported.is_none() && (refused || !consumed.any) => {
                return Cost::None;
            }
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

/// Closes an exchange, once: when it is told how the answer ended, or else when it is dropped.
#[derive(Debug)]
pub(crate) struct Guard {
    exchange: Arc<Exchange>,
    /// How the call ends if the guard is dropped; nothing when the exchange is closed.
    unanswered: Option<Outcome>,
}

impl Guard {
    /// Opens the exchange of a request that is being dispatched.
    pub(crate) fn open(meter: &Arc<Meter>, request: &http::request::Parts) -> Self {
        meter.counts.in_flight.fetch_add(1, Ordering::Relaxed);
        let exchange = Exchange {
            time: SystemTime::now(),
            started: Instant::now(),
            route: Route::of(&request.method, &request.uri, &request.headers, meter.provider.as_ref()),
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
        let is_caller_s = self.exchange.request_has_failed();
        self.unanswered = Some(if is_caller_s { Outcome::Cancelled } else { Outcome::Broken });
    }

    /// Closes the exchange of a call whose answer has ended. `request`: what its body had told by then.
    pub(crate) fn answered(mut self, request: &RequestFacts, answer: Answer) {
        self.unanswered = None;
        self.exchange.close(request, Ok(answer));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(outcome) = self.unanswered {
            self.exchange.close(&self.exchange.learned(), Err(outcome));
        }
        self.exchange.meter.counts.in_flight.fetch_sub(1, Ordering::Release);
    }
}
