//! Reading an answer: who answered, what it used, how it ended.

use super::fields::{Interest, member};
use super::found::{Found, Last};
use super::request::RequestFacts;
use super::route::Route;
use super::sse::EventReader;
use super::{error_code, family, head};
use crate::record::{Api, Operation, Provider, Text, Usage, UsageReason, UsageState, Usd};
use crate::wire::json::{Scanner, Status};
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
    /// Whose model it is, for calls to hosts that are not known.
    pub(crate) provider_by_model: Option<Provider>,
}

/// Reads an answer as it passes.
#[derive(Debug)]
pub(crate) struct ResponseReader {
    /// What the path said.
    api: Option<Api>,
    operation: Operation,
    path_model: Option<Text>,
    provider: Option<Provider>,
    consumes: bool,
    repeats: bool,
    status: StatusCode,
    /// The head announces a stream of JSON documents, by the path or the content type.
    streams_json: bool,
    head: Head,
    framing: Framing,
    found: Found,
}

/// What the head of the answer said.
#[derive(Debug)]
struct Head {
    request_id: Option<Text>,
    service_tier: Option<Text>,
    error: Option<Text>,
    usage: Option<Box<Usage>>,
}

/// How the body is built.
#[derive(Debug)]
enum Framing {
    /// Only white space has been seen, of which the last byte may make a difference.
    Undecided {
        events: bool,
        last: Option<u8>,
    },
    /// One document, or several that follow one another, on lines or in an array.
    Json(Scanner),
    Events(EventReader),
    /// Nothing that can be read.
    Opaque,
    /// Compressed in a way that is not read.
    Encoded,
}

impl ResponseReader {
    /// A reader for the answer with this head to a request that went to `route`.
    pub(crate) fn new(route: &Route, status: StatusCode, headers: &HeaderMap) -> Self {
        let content_type = head::text(headers, header::CONTENT_TYPE);
        let is = |media_type| head::is_media_type(content_type, media_type);
        let lines = is("application/x-ndjson") || is("application/stream+json") || is("application/x-jsonl");
        let encoding = head::text(headers, header::CONTENT_ENCODING);
        let framing = if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") {
            Framing::Undecided { events: is("text/event-stream"), last: None }
        } else {
            Framing::Encoded
        };
        Self {
            api: route.api,
            operation: route.operation,
            path_model: route.model.clone(),
            provider: route.provider.clone(),
            consumes: route.consumes,
            repeats: route.repeats,
            status,
            streams_json: lines || route.stream == Some(true),
            head: Head {
                request_id: head::request_id(headers),
                service_tier: head::service_tier(headers),
                error: error_code::of_headers(headers),
                usage: head::usage(headers).map(Box::new),
            },
            framing,
            found: Found::default(),
        }
    }

    /// Takes the next piece of the body, of any length.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if let Framing::Undecided { events, last } = &mut self.framing {
            let Some(framing) = framing_by(bytes, *events) else {
                *last = bytes.last().copied().or(*last);
                return;
            };
            // A line that begins with a space is another field.
            let before = last.map(|byte| [byte]);
            self.framing = framing;
            if let Some(before) = before {
                self.read(&before);
            }
        }
        self.read(bytes);
    }

    fn read(&mut self, bytes: &[u8]) {
        let interest = self.interest();
        let found = &mut self.found;
        match &mut self.framing {
            Framing::Json(scanner) => {
                scanner.push(interest.select(), bytes, &mut |field, value| {
                    if let Some(member) = member(field) {
                        found.note(member, value);
                    }
                });
            }
            Framing::Events(events) => events.push(bytes, self.api, found),
            Framing::Undecided { .. } | Framing::Opaque | Framing::Encoded => {}
        }
    }

    /// What to look for in JSON documents that are no events.
    fn interest(&self) -> Interest {
        match self.api {
            _ if self.streams_json => Interest::Content,
            Some(Api::Images | Api::Predict) => Interest::Images,
            _ => Interest::Members,
        }
    }

    /// Whether content has been seen in a streamed answer: text, reasoning or a call of a tool.
    pub(crate) fn has_content(&self) -> bool {
        self.found.content
    }

    /// Whether the answer has said all that it has to say: who leaves now has not left early.
    pub(crate) fn terminal(&self) -> bool {
        match &self.framing {
            Framing::Json(scanner) => {
                scanner.status() == Status::Complete && (!self.streams_json || self.found.last_event)
            }
            Framing::Events(events) => events.ended(),
            Framing::Undecided { .. } | Framing::Opaque | Framing::Encoded => false,
        }
    }

    /// The answer has ended. `request`: what the request asked for.
    pub(crate) fn finish(&mut self, request: &RequestFacts, ended: Ended) -> ResponseFacts {
        let ended_well = ended == Ended::Whole || self.terminal();
        let malformed = self.close();
        let stream = self.is_stream();
        let api = self.api.or(self.found.api());
        let model = self.found.model.take();
        let google = self.is_google(model.as_ref().or(request.model.as_ref()));
        let stated = self.last_usage(google);
        let failed = self.found.failed || self.status.is_client_error() || self.status.is_server_error();

        let mut facts = ResponseFacts {
            api,
            operation: Some(self.operation)
                .filter(|known| *known != Operation::Other)
                .or(api.map(operation_of)),
            provider_by_model: self.provider_by_model(model.as_ref(), request),
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
            response_id: self.found.id.take(),
            request_id: self.head.request_id.take(),
            pending: self.found.pending,
        };
        match stated {
            _ if !self.consumes && !self.repeats => facts.usage_reason = Some(UsageReason::NotConsumption),
            Some(last) => {
                let early = last.only_start || (stream && !ended_well);
                facts.usage_state = match early {
                    _ if self.repeats => UsageState::Repeated,
                    true => UsageState::Partial,
                    false => UsageState::Reported,
                };
                facts.take_reading(last, early);
            }
            None => facts.usage_reason = Some(self.why_absent(request, ended, ended_well, malformed, &facts)),
        }
        facts.service_tier = facts.service_tier.or(self.head.service_tier.take());
        facts
    }

    /// Ends the parsers. Whether the body was not what it began as.
    fn close(&mut self) -> bool {
        let interest = self.interest();
        let found = &mut self.found;
        match &mut self.framing {
            Framing::Json(scanner) => {
                // Only a value at the root ends with the input, and no member is one.
                scanner.finish(interest.select(), &mut |_, _| {});
                matches!(scanner.status(), Status::Malformed | Status::Within)
            }
            Framing::Events(events) => {
                events.finish(self.api, found);
                false
            }
            Framing::Undecided { .. } | Framing::Opaque | Framing::Encoded => false,
        }
    }

    fn is_stream(&self) -> bool {
        match &self.framing {
            Framing::Json(scanner) => self.streams_json || scanner.documents() > 1,
            Framing::Events(events) => events.any(),
            Framing::Undecided { .. } | Framing::Opaque | Framing::Encoded => false,
        }
    }

    /// The usage, from the body or else from the head.
    fn last_usage(&mut self, google: bool) -> Option<Last> {
        let in_head = self.head.usage.take();
        self.found.last_usage(google).or_else(|| {
            let usage = *in_head?;
            Some(Last { reading: usage.into(), only_start: false })
        })
    }

    fn is_google(&self, model: Option<&Text>) -> bool {
        match &self.provider {
            Some(provider) => *provider == Provider::GOOGLE,
            None => model.and_then(|model| family::provider(model)) == Some(Provider::GOOGLE),
        }
    }

    /// Whose the model is, where the host did not say whose API it was.
    fn provider_by_model(&self, model: Option<&Text>, request: &RequestFacts) -> Option<Provider> {
        if self.provider.is_some() {
            return None;
        }
        let named = [model, request.model.as_ref(), self.path_model.as_ref()];
        named.into_iter().flatten().find_map(|model| family::provider(model))
    }

    fn why_absent(
        &self,
        request: &RequestFacts,
        ended: Ended,
        ended_well: bool,
        malformed: bool,
        facts: &ResponseFacts,
    ) -> UsageReason {
        if ended == Ended::Upgraded {
            return UsageReason::Upgraded;
        }
        if facts.failed {
            return UsageReason::ErrorResponse;
        }
        if self.found.usage_too_large {
            return UsageReason::TooLarge;
        }
        if matches!(self.framing, Framing::Encoded) {
            return UsageReason::Encoded;
        }
        if !ended_well {
            return if ended == Ended::Aborted { UsageReason::Aborted } else { UsageReason::NoResponse };
        }
        if self.repeats && !facts.pending {
            return UsageReason::NotConsumption;
        }
        if malformed {
            return UsageReason::Malformed;
        }
        let on_request = matches!(facts.api, Some(Api::ChatCompletions | Api::Completions));
        if facts.stream && on_request && request.include_usage != Some(true) {
            return UsageReason::NotRequested;
        }
        if facts.api.is_some() { UsageReason::NotReported } else { UsageReason::Unrecognized }
    }
}

impl ResponseFacts {
    fn take_reading(&mut self, last: Last, early: bool) {
        let reading = last.reading;
        if reading.usage.contradicts_itself() {
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

/// How a body is built, by its first bytes. `events`: its content type says that it is an event stream. `None` while
/// there is only white space.
fn framing_by(bytes: &[u8], events: bool) -> Option<Framing> {
    let first = bytes.trim_ascii_start().first()?;
    Some(match first {
        b'{' | b'[' => Framing::Json(Scanner::default()),
        _ if events => Framing::Events(EventReader::default()),
        // Some servers send events under another content type: `data:`, `event:`, `id:`, `retry:`, a comment.
        b'd' | b'e' | b'i' | b'r' | b':' => Framing::Events(EventReader::default()),
        // A byte order mark, or a document that is a single value.
        0xEF | b'"' | b'n' | b't' | b'f' | b'-' | b'0'..=b'9' => Framing::Json(Scanner::default()),
        _ => Framing::Opaque,
    })
}

/// The kind of call that an API's calls are.
fn operation_of(api: Api) -> Operation {
    match api {
        Api::ChatCompletions
        | Api::Responses
        | Api::Messages
        | Api::Converse
        | Api::Invoke
        | Api::CohereChat
        | Api::OllamaChat => Operation::Chat,
        Api::Completions | Api::OllamaGenerate | Api::Watsonx => Operation::TextCompletion,
        Api::Embeddings => Operation::Embeddings,
        Api::GenerateContent | Api::Interactions => Operation::GenerateContent,
        Api::Assistants => Operation::InvokeAgent,
        _ => Operation::Other,
    }
}
