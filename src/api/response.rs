//! Reading the body of an answer.

use super::body::BodyReader;
use super::decoded::Decoded;
use super::head::ResponseHead;
use super::reading::{Speaker, UsageReading};
use super::request::RequestFacts;
use super::response_state::ResponseState;
use super::route::ApiRoute;
use super::stated_usage::LastUsage;
use super::texts::Texts;
use super::{dialects, family, head};
use crate::record::{Api, Operation, Outcome, Provider, Record, Text, Usage, UsageReason, UsageState, Usd};
use crate::token_counter::Counter;
use crate::wire::encoding::DecodeError;
use http::{HeaderMap, header};

/// How an answer came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was read to its end.
    Whole,
    /// The caller dropped it.
    Aborted,
    /// The transport failed.
    Broken,
    /// The connection became another protocol's.
    Upgraded,
}

/// What is known of a call whose answer has ended, beside its record.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ResponseFacts {
    /// Whether the call consumed anything, by its path or else by its answer.
    pub(crate) consumes: bool,
    /// What the provider says that it charged.
    pub(crate) reported_cost: Option<Usd>,
    /// The provider's id of the answer, by which it can be asked for again.
    pub(crate) response_id: Option<Text>,
    /// Whether the answer says that it is still being made, so that its usage comes with a later one.
    pub(crate) pending: bool,
    /// How many tokens the answer is, by the application's counter, where its usage is absent and was not nothing.
    pub(crate) estimated_output: Option<u64>,
}

/// Reads an answer as it passes.
#[derive(Debug)]
pub(crate) struct ResponseReader {
    head: ResponseHead,
    decoded: Decoded,
    body: BodyReader,
    answer: ResponseState,
}

impl ResponseReader {
    /// Creates a reader for the answer with these headers to a request that went to `route`.
    pub(crate) fn new(route: &ApiRoute, headers: &HeaderMap, counter: Option<&Counter>) -> Self {
        let content_type = head::text(headers, header::CONTENT_TYPE);
        let counter =
            counter.filter(|_| route.consumes && !route.repeats && route.api.is_none_or(dialects::is_text));
        let texts = counter.map(|counter| Box::new(Texts::new(counter.clone())));
        Self {
            head: ResponseHead::of(headers),
            decoded: Decoded::new(headers),
            body: BodyReader::new(route.api, route.stream == Some(true), content_type),
            answer: ResponseState::new(route.repeats, texts),
        }
    }

    /// Takes the next piece of the body, of any length.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let Self { decoded, body, answer, .. } = self;
        decoded.push(bytes, |bytes| body.push(bytes, answer));
    }

    /// Whether content has been seen in a streamed answer: text, reasoning or a call of a tool.
    pub(crate) fn has_content(&self) -> bool {
        self.answer.content
    }

    /// Whether the answer is complete, so that a caller who leaves now does not leave early.
    pub(crate) fn terminal(&self) -> bool {
        self.body.ended(&self.answer)
    }

    /// Ends the answer and writes what it said to the record of the call, which has the status and what the request said.
    pub(crate) fn finish(
        &mut self,
        route: &ApiRoute,
        request: &RequestFacts,
        record: &mut Record,
        ended: Ended,
    ) -> ResponseFacts {
        let ended_well = ended == Ended::Whole || self.terminal();
        let unreadable = self.why_unreadable();
        let stream = self.body.is_stream();
        // Where the path is not believed, what the answer says of itself is.
        let by_shape = route.by_shape && self.answer.names_api();
        let consumes = route.consumes || by_shape;
        let shown_api = self.answer.api();
        record.api = if by_shape { shown_api } else { route.api.or(shown_api) };
        if let (Operation::Other, Some(api)) = (route.operation, record.api) {
            record.operation = dialects::operation(api);
        }
        record.stream = stream;
        record.response_model = self.answer.model.take();
        let stated = self.last_usage([route.api, shown_api], record, request).filter(|last| {
            // In an unknown shape on an unknown host, a price or a length may mean anything.
            let Usage { input_tokens, output_tokens, .. } = last.reading.usage;
            let is_known = record.api.is_some() || record.provider.is_some();
            // The figures of an answer that is still being made do not count.
            let is_final = stream || !self.answer.has_only_begun(record.api);
            is_final && (is_known || input_tokens.is_some() || output_tokens.is_some())
        });
        // What went wrong in a call of the batch is no failure of this one.
        let is_batch_results =
            !route.consumes && record.api == Some(Api::Management) && self.answer.is_batch_results();
        let failed = (self.answer.has_failed(record.api) && !is_batch_results)
            || record.status.is_some_and(|status| status >= 400);
        record.outcome = match ended {
            Ended::Broken => Outcome::Broken,
            _ if failed => Outcome::Failed,
            Ended::Aborted => Outcome::Aborted,
            Ended::Whole | Ended::Upgraded => Outcome::Completed,
        };
        record.error = self.answer.error().or(self.head.error.take()).filter(|_| failed);
        record.request_id = self.head.request_id.take();
        // A call was refused if an error is all of its answer, though the status is that of a success.
        let has_name = record.response_model.is_some() || self.answer.id.is_some();
        let refused = (self.answer.is_refused() || (failed && !has_name)) && !stream && stated.is_none();
        let deferred_id = self.answer.deferred_id.take().filter(|_| !has_name);
        let mut facts = ResponseFacts {
            consumes: (consumes && !refused) || is_batch_results || ended == Ended::Upgraded,
            pending: (self.answer.is_pending() || deferred_id.is_some()) && !failed,
            response_id: self.answer.id.take().or(deferred_id),
            ..ResponseFacts::default()
        };
        let mut tier = self.answer.service_tier.take();
        match stated {
            _ if ended == Ended::Upgraded => record.usage_reason = Some(UsageReason::Upgraded),
            _ if is_batch_results => record.usage_reason = Some(UsageReason::BatchResults),
            _ if !consumes && !route.repeats => record.usage_reason = Some(UsageReason::NotConsumption),
            Some(mut last) => {
                // A stream whose last event is cut off has ended early, whoever cut it.
                let cut = unreadable == Some(UsageReason::Malformed) && !self.terminal();
                let early = stream && (last.only_start || !ended_well || cut || self.answer.broke_off());
                // Figures are not the last either where later ones are over the limit.
                let early = early || self.answer.usage.too_large;
                record.usage_state = match early {
                    _ if route.repeats => UsageState::Repeated,
                    true => UsageState::Partial,
                    false => UsageState::Reported,
                };
                // Its checksum is wrong, or missing from a body that has ended.
                let damaged = ended == Ended::Whole && self.decoded.failure() == Some(DecodeError::Malformed);
                record.usage_reason = if self.answer.usage.malformed || damaged {
                    Some(UsageReason::Malformed)
                } else if self.answer.usage.too_large {
                    Some(UsageReason::TooLarge)
                } else {
                    last.reading.flaw()
                };
                tier = tier.or(last.reading.service_tier.take());
                // The figure of an early frame covers only what came before it.
                facts.reported_cost = last.reading.cost.filter(|_| !early);
                last.reading.fill(record);
            }
            None if failed => record.usage_reason = Some(UsageReason::ErrorResponse),
            None => {
                let has_nothing_to_add = route.repeats && !facts.pending;
                let reason = match unreadable {
                    // How it ended explains a body that breaks off, but not one that could not have been read in any case.
                    Some(reason @ (UsageReason::Encoded | UsageReason::TooLarge)) => reason,
                    _ if !ended_well && ended == Ended::Aborted => UsageReason::Aborted,
                    _ if !ended_well => UsageReason::NoResponse,
                    _ if has_nothing_to_add => UsageReason::NotConsumption,
                    Some(reason) => reason,
                    None => self.why_absent(request, record),
                };
                record.usage_reason = Some(reason);
                let comes_later = facts.pending && (ended_well || !stream);
                facts.estimated_output = self.estimate(reason, comes_later, record);
            }
        }
        record.service_tier = tier.or(self.head.service_tier.take()).or(record.service_tier.take());
        // A header that comes before a stream cannot know what it will cost.
        facts.reported_cost = facts.reported_cost.or(self.head.cost.filter(|_| !stream && consumes));
        facts
    }

    /// Counts the tokens of the answer, where they are what the reason leaves unknown and do not come later.
    fn estimate(&mut self, reason: UsageReason, comes_later: bool, record: &Record) -> Option<u64> {
        let texts = self.answer.texts.take()?;
        let consumed = matches!(
            reason,
            UsageReason::NotRequested
                | UsageReason::NotReported
                | UsageReason::Aborted
                | UsageReason::NoResponse
                | UsageReason::Malformed
        );
        if !consumed || comes_later || !record.api.is_some_and(dialects::is_text) {
            return None;
        }
        texts.total(record.answering_model().map(|model| &**model))
    }

    /// Reads the usage, from the body or else from the head.
    fn last_usage(
        &mut self,
        apis: [Option<Api>; 2],
        record: &Record,
        request: &RequestFacts,
    ) -> Option<LastUsage> {
        let in_head = self.head.usage.take();
        let model = record.answering_model();
        let last = self.answer.usage.last(speaker(apis, record), model, request.tool_model.as_ref());
        last.or_else(|| Some(LastUsage::from(UsageReading::from(*in_head?))))
    }

    /// Ends the readers. Returns why the body could not be read to its end, if it could not.
    fn why_unreadable(&mut self) -> Option<UsageReason> {
        let malformed = self.body.finish(&mut self.answer);
        match self.decoded.failure() {
            Some(DecodeError::Unsupported) => Some(UsageReason::Encoded),
            Some(DecodeError::TooLarge) => Some(UsageReason::TooLarge),
            None if self.answer.usage.too_large => Some(UsageReason::TooLarge),
            Some(DecodeError::Malformed) => Some(UsageReason::Malformed),
            None => malformed.then_some(UsageReason::Malformed),
        }
    }

    /// Returns why an answer that was read to its end has no usage.
    fn why_absent(&self, request: &RequestFacts, record: &Record) -> UsageReason {
        if self.answer.usage.malformed {
            return UsageReason::Malformed;
        }
        let on_request = matches!(record.api, Some(Api::ChatCompletions | Api::Completions))
            && self.answer.shape.has_object;
        if record.stream && on_request && request.include_usage != Some(true) && !reports_unasked(record) {
            return UsageReason::NotRequested;
        }
        if record.api.is_some() { UsageReason::NotReported } else { UsageReason::Unrecognized }
    }
}

/// Returns who answers. `apis` are those of the path and of the answer's shape.
fn speaker(apis: [Option<Api>; 2], record: &Record) -> Speaker {
    let is_google = || match &record.provider {
        Some(provider) => *provider == Provider::GOOGLE,
        None => {
            let family = record.answering_model().and_then(|model| family::by_family(model));
            family == Some(Provider::GOOGLE)
        }
    };
    if apis.contains(&Some(Api::Messages)) {
        Speaker::Anthropic
    } else if is_google() {
        Speaker::Google
    } else {
        Speaker::Other
    }
}

/// Whether the provider's streams end with their usage without being asked for it, so that another cause is to blame where
/// it is absent.
fn reports_unasked(record: &Record) -> bool {
    const PROVIDERS: [Provider; 8] = [
        Provider::CEREBRAS,
        Provider::DEEPSEEK,
        Provider::MISTRAL,
        Provider::OPENROUTER,
        Provider::PERPLEXITY,
        Provider::X_AI,
        Provider::from_static("databricks"),
        Provider::from_static("moonshotai"),
    ];
    record.provider.as_ref().is_some_and(|provider| PROVIDERS.contains(provider))
}
