//! Reading an answer: who answered, what it used, how it ended.

use super::body::BodyReader;
use super::decoded::Decoded;
use super::figures::Last;
use super::found::Found;
use super::head::Head;
use super::request::RequestFacts;
use super::route::Route;
use super::texts::Texts;
use super::usage::Speaker;
use super::{dialects, family, head};
use crate::record::{Api, Operation, Provider, Text, Usage, UsageReason, UsageState, Usd};
use crate::token_counter::Counter;
use crate::wire::encoding::DecodeError;
use http::{HeaderMap, StatusCode, header};

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

/// What an answer says about the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResponseFacts {
    /// The API, by the path or else by the answer's shape.
    pub(crate) api: Option<Api>,
    pub(crate) operation: Option<Operation>,
    /// The model that answered.
    pub(crate) model: Option<Text>,
    pub(crate) usage: Usage,
    pub(crate) usage_state: UsageState,
    pub(crate) usage_reason: Option<UsageReason>,
    /// The tier that served, where the answer names it.
    pub(crate) service_tier: Option<Text>,
    /// Where the tokens were made, where the answer names it.
    pub(crate) region: Option<Text>,
    /// What the provider says that it charged.
    pub(crate) reported_cost: Option<Usd>,
    /// The answer says that the call failed, whatever its status.
    pub(crate) failed: bool,
    /// The type or code of the error.
    pub(crate) error: Option<Text>,
    pub(crate) stream: bool,
    /// The provider's id of the answer, by which it can be asked for again.
    pub(crate) response_id: Option<Text>,
    /// The provider's id of the request.
    pub(crate) request_id: Option<Text>,
    /// The answer says that it is still being made: its usage comes with a later one.
    pub(crate) pending: bool,
    /// Whether the call consumed anything, by its path or else by its answer.
    pub(crate) consumes: bool,
    /// How many tokens the answer is, by the application's counter, where its usage is absent and was not.
    pub(crate) estimated_output: Option<u64>,
}

/// Reads an answer as it passes.
#[derive(Debug)]
pub(crate) struct ResponseReader {
    /// What the path said.
    api: Option<Api>,
    operation: Operation,
    provider: Option<Provider>,
    consumes: bool,
    repeats: bool,
    by_shape: bool,
    status: StatusCode,
    head: Head,
    decoded: Decoded,
    body: BodyReader,
    found: Found,
}

impl ResponseReader {
    /// A reader for the answer with this head to a request that went to `route`.
    pub(crate) fn new(
        route: &Route,
        status: StatusCode,
        headers: &HeaderMap,
        counter: Option<&Counter>,
    ) -> Self {
        let content_type = head::text(headers, header::CONTENT_TYPE);
        let counter =
            counter.filter(|_| route.consumes && !route.repeats && route.api.is_none_or(dialects::is_text));
        let texts = counter.map(|counter| Box::new(Texts::new(counter.clone())));
        Self {
            api: route.api,
            operation: route.operation,
            provider: route.provider.clone(),
            consumes: route.consumes,
            repeats: route.repeats,
            by_shape: route.by_shape,
            status,
            head: Head::of(headers),
            decoded: Decoded::new(headers),
            body: BodyReader::new(route.api, route.stream == Some(true), content_type),
            found: Found::new(route.repeats, texts),
        }
    }

    /// Takes the next piece of the body, of any length.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let Self { decoded, body, found, .. } = self;
        decoded.push(bytes, |bytes| body.push(bytes, found));
    }

    /// Whether content has been seen in a streamed answer: text, reasoning or a call of a tool.
    pub(crate) fn has_content(&self) -> bool {
        self.found.content
    }

    /// Whether the answer has said all that it has to say: who leaves now has not left early.
    pub(crate) fn terminal(&self) -> bool {
        self.body.ended(&self.found)
    }

    /// The answer has ended. `request`: what the request asked for.
    pub(crate) fn finish(&mut self, request: &RequestFacts, ended: Ended) -> ResponseFacts {
        let ended_well = ended == Ended::Whole || self.terminal();
        let unreadable = self.why_unreadable();
        // Its checksum is wrong, or missing from a body that has ended.
        let damaged = ended == Ended::Whole && self.decoded.failure() == Some(DecodeError::Malformed);
        let stream = self.body.is_stream();
        // Where the path is not believed, what the answer says of itself is.
        let by_shape = self.by_shape && self.found.names_api();
        let consumes = self.consumes || by_shape;
        let api = if by_shape { self.found.api() } else { self.api.or(self.found.api()) };
        let speaker = self.speaker(self.found.model.as_ref().or(request.model.as_ref()));
        let model = self.found.model.take();
        let answering = model.as_ref().or(request.model.as_ref());
        let stated = self.last_usage(speaker, answering, request.tool_model.as_ref()).filter(|last| {
            // Of an unknown shape on an unknown host, a price or a length may be anybody's.
            let Usage { input_tokens, output_tokens, .. } = last.reading.usage;
            let is_known = api.is_some() || self.provider.is_some();
            // Figures of what is still being made are none that count.
            let is_final = stream || !self.found.has_only_begun(api);
            is_final && (is_known || input_tokens.is_some() || output_tokens.is_some())
        });
        // Of calls that nobody saw: what went wrong in one of them is no failure of this one.
        let is_batch_results =
            !self.consumes && api == Some(Api::Management) && self.found.is_batch_results();
        let failed = (self.found.has_failed(api) && !is_batch_results)
            || self.status.is_client_error()
            || self.status.is_server_error();
        let refused = self.found.refused && !stream && stated.is_none();

        let is_deferred = self.found.id.is_none() && model.is_none() && self.found.deferred_id.is_some();
        let response_id = self.found.id.take().or(self.found.deferred_id.take().filter(|_| is_deferred));
        let pending = (self.found.pending || is_deferred) && !failed;

        let mut facts = ResponseFacts {
            api,
            operation: Some(self.operation)
                .filter(|known| *known != Operation::Other)
                .or(api.map(dialects::operation)),
            model,
            usage: Usage::default(),
            usage_state: UsageState::Absent,
            usage_reason: None,
            service_tier: self.found.service_tier.take(),
            region: None,
            reported_cost: None,
            failed,
            error: self.found.error().or(self.head.error.take()).filter(|_| failed),
            stream,
            response_id,
            request_id: self.head.request_id.take(),
            pending,
            consumes: (consumes && !refused) || is_batch_results || ended == Ended::Upgraded,
            estimated_output: None,
        };
        match stated {
            _ if ended == Ended::Upgraded => facts.usage_reason = Some(UsageReason::Upgraded),
            _ if is_batch_results => facts.usage_reason = Some(UsageReason::BatchResults),
            _ if !consumes && !self.repeats => facts.usage_reason = Some(UsageReason::NotConsumption),
            Some(last) => {
                // A stream whose last event is cut off has ended early, whoever cut it.
                let cut = unreadable == Some(UsageReason::Malformed) && !self.terminal();
                let early = stream && (last.only_start || !ended_well || cut || self.found.broke_off());
                // Nor are figures the last whose successors are over the limit.
                let early = early || self.found.figures.too_large;
                facts.usage_state = match early {
                    _ if self.repeats => UsageState::Repeated,
                    true => UsageState::Partial,
                    false => UsageState::Reported,
                };
                facts.take_reading(last, early);
                if self.found.figures.malformed || damaged {
                    facts.usage_reason = Some(UsageReason::Malformed);
                } else if self.found.figures.too_large {
                    facts.usage_reason = Some(UsageReason::TooLarge);
                }
            }
            None => {
                let reason = self.why_absent(request, ended, ended_well, unreadable, &facts);
                facts.usage_reason = Some(reason);
                let early = stream && !ended_well;
                facts.estimated_output = self.estimate(reason, early, &facts, request);
            }
        }
        facts.service_tier = facts.service_tier.or(self.head.service_tier.take());
        // A header that comes before a stream cannot know what it will cost.
        facts.reported_cost = facts.reported_cost.or(self.head.cost.filter(|_| !stream && consumes));
        facts
    }

    /// How many tokens the answer is, where that is what the reason leaves unknown.
    fn estimate(
        &mut self,
        reason: UsageReason,
        early: bool,
        facts: &ResponseFacts,
        request: &RequestFacts,
    ) -> Option<u64> {
        let texts = self.found.texts.take()?;
        let consumed = matches!(
            reason,
            UsageReason::NotRequested
                | UsageReason::NotReported
                | UsageReason::Aborted
                | UsageReason::NoResponse
                | UsageReason::Malformed
        );
        // What is still being made comes with its usage later, unless it is a stream that nobody reads any more.
        if !consumed || (facts.pending && !early) || !facts.api.is_some_and(dialects::is_text) {
            return None;
        }
        texts.total(facts.model.as_ref().or(request.model.as_ref()).map(|model| &**model))
    }

    /// The usage, from the body or else from the head.
    fn last_usage(
        &mut self,
        speaker: Speaker,
        model: Option<&Text>,
        image_model: Option<&Text>,
    ) -> Option<Last> {
        let in_head = self.head.usage.take();
        self.found.figures.last(speaker, model, image_model).or_else(|| {
            let usage = *in_head?;
            Some(Last { reading: usage.into(), only_start: false })
        })
    }

    /// Who answers. `model`: the one that does, or else the one asked for.
    fn speaker(&self, model: Option<&Text>) -> Speaker {
        let is_google = || match &self.provider {
            Some(provider) => *provider == Provider::GOOGLE,
            None => model.and_then(|model| family::by_family(model)) == Some(Provider::GOOGLE),
        };
        if [self.api, self.found.api()].contains(&Some(Api::Messages)) {
            Speaker::Anthropic
        } else if is_google() {
            Speaker::Google
        } else {
            Speaker::Other
        }
    }

    /// Ends the readers. Why the body could not be read to its end, if it couldn't.
    fn why_unreadable(&mut self) -> Option<UsageReason> {
        let malformed = self.body.finish(&mut self.found);
        match self.decoded.failure() {
            Some(DecodeError::Unsupported) => Some(UsageReason::Encoded),
            Some(DecodeError::TooLarge) => Some(UsageReason::TooLarge),
            None if self.found.figures.too_large => Some(UsageReason::TooLarge),
            Some(DecodeError::Malformed) => Some(UsageReason::Malformed),
            None => malformed.then_some(UsageReason::Malformed),
        }
    }

    fn why_absent(
        &self,
        request: &RequestFacts,
        ended: Ended,
        ended_well: bool,
        unreadable: Option<UsageReason>,
        facts: &ResponseFacts,
    ) -> UsageReason {
        if facts.failed {
            return UsageReason::ErrorResponse;
        }
        // How it ended explains a body that breaks off; not one that could not have been read in any case.
        if let Some(reason @ (UsageReason::Encoded | UsageReason::TooLarge)) = unreadable {
            return reason;
        }
        if !ended_well {
            return if ended == Ended::Aborted { UsageReason::Aborted } else { UsageReason::NoResponse };
        }
        if self.repeats && !facts.pending {
            return UsageReason::NotConsumption;
        }
        if let Some(reason) = unreadable {
            return reason;
        }
        if self.found.figures.malformed {
            return UsageReason::Malformed;
        }
        let on_request =
            matches!(facts.api, Some(Api::ChatCompletions | Api::Completions)) && self.found.has_object;
        if facts.stream && on_request && request.include_usage != Some(true) && !self.reports_unasked() {
            return UsageReason::NotRequested;
        }
        if facts.api.is_some() { UsageReason::NotReported } else { UsageReason::Unrecognized }
    }
}

impl ResponseReader {
    /// Whether the provider's streams end with their usage though nobody asks for it, so that another cause is to blame
    /// where it is absent.
    fn reports_unasked(&self) -> bool {
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
        self.provider.as_ref().is_some_and(|provider| PROVIDERS.contains(provider))
    }
}

impl ResponseFacts {
    fn take_reading(&mut self, last: Last, early: bool) {
        let reading = last.reading;
        if reading.too_large {
            self.usage_reason = Some(UsageReason::TooLarge);
        } else if reading.unread {
            self.usage_reason = Some(UsageReason::Unread);
        } else if reading.usage.contradicts_itself() {
            self.usage_reason = Some(UsageReason::PartExceedsWhole);
        }
        self.usage = reading.usage;
        self.service_tier = self.service_tier.take().or(reading.service_tier);
        self.region = reading.region;
        // The figure of an early frame covers only what came before it.
        self.reported_cost = reading.cost.filter(|_| !early);
        if let Some(served) = reading.model {
            let began_with = self.model.replace(served);
            // Passes without a name are those of the model that the answer began with.
            for pass in &mut self.usage.passes {
                pass.model = pass.model.take().or_else(|| began_with.clone());
            }
        }
    }
}
