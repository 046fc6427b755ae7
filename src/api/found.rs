//! What an answer has said so far.

use super::dialects;
use super::error_code;
use super::fields::{Interest, Member};
use super::figures::Figures;
use super::lenient;
use super::look::LateApi;
use super::texts::Texts;
use crate::record::{Api, Text};
use crate::wire::json::{Value, boolean, is_null, number, string};

/// The facts of an answer, gathered member by member as they pass.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) model: Option<Text>,
    pub(super) id: Option<Text>,
    pub(super) service_tier: Option<Text>,
    error: Option<Text>,
    /// The answer says that the call failed.
    failed: bool,
    /// How many members with figures had been noted before the document or event that said so last.
    figures_at_failure: Option<u32>,
    /// The answer says that it is still being made.
    pub(super) pending: bool,
    /// The answer has a status that says that it could not be made.
    status_failed: bool,
    /// The answer has a status that says that it is being made, or will be.
    status_begun: bool,
    api: Option<Api>,
    /// The API is named by the answer itself, and not just told by its figures.
    named: bool,
    /// It says that it is a message, as Anthropic's do.
    is_message: bool,
    /// The document or event is a step of a run, whose figures are within those of the run.
    is_step: bool,
    /// The event's item has only begun, and comes again when it is done.
    item_has_begun: bool,
    /// The id that the document or event has.
    own_id: Option<Text>,
    /// The id of an answer that is still to be made, if there is nothing else.
    pub(super) deferred_id: Option<Text>,
    /// The first content has been seen.
    pub(super) content: bool,
    /// The current event is the last one.
    pub(super) last_event: bool,
    /// A code that stands at the top; it is an error's only when the call failed.
    error_code: Option<Text>,
    /// It names its shape as OpenAI does.
    pub(super) has_object: bool,
    has_role: bool,
    /// It has the key of a request in a batch, and a result beside it.
    batch: (bool, bool),
    /// It says that the call was refused, in an answer with the status of a success.
    pub(super) refused: bool,
    is_ollama: bool,
    pub(super) figures: Figures,
    /// What the answer says, where the application counts it.
    pub(super) texts: Option<Box<Texts>>,
    /// The answer is one that another call is billed for.
    repeats: bool,
}

/// What a late event may say before it is known whether it counts.
#[derive(Debug)]
pub(super) struct Provisional {
    service_tier: Option<Text>,
    error_code: Option<Text>,
}

impl Found {
    /// Nothing yet. `texts` counts what is said.
    pub(super) fn new(repeats: bool, texts: Option<Box<Texts>>) -> Self {
        Self { repeats, texts, ..Self::default() }
    }

    /// The answer says that the call failed, perhaps with a code.
    pub(super) fn fail(&mut self, code: Option<Text>) {
        self.failed = true;
        self.figures_at_failure = Some(self.figures.before());
        self.error = code.or(self.error.take());
    }

    /// What to look for in an event, or in a document of a stream.
    pub(super) fn interest_in_stream(&self) -> Interest {
        if self.texts.is_some() { Interest::TextOfStream } else { Interest::Content }
    }

    /// What is known of that which a late event may say.
    pub(super) fn provisional(&self) -> Provisional {
        Provisional { service_tier: self.service_tier.clone(), error_code: self.error_code.clone() }
    }

    /// Takes back what a late event said.
    pub(super) fn restore(&mut self, before: Provisional) {
        self.service_tier = before.service_tier;
        self.error_code = before.error_code;
        self.figures.drop_hosted_of_event();
    }

    /// Takes note of a member.
    pub(super) fn note(&mut self, member: Member, value: Value<'_>) {
        match value {
            Value::Json(raw) if is_null(raw) => {}
            Value::Json(raw) => self.note_json(member, raw),
            Value::TooLong { first } => self.note_too_long(member, first),
            Value::Piece { .. } if member == Member::TextOfCohere && self.api != Some(Api::CohereChat) => {}
            Value::Piece { raw, last } => self.note_text(raw, last),
        }
    }

    fn note_text(&mut self, raw: &[u8], last: bool) {
        self.content |= !raw.is_empty();
        if let Some(texts) = &mut self.texts {
            texts.push(raw, last, self.model.as_deref());
        }
    }

    fn note_json(&mut self, member: Member, raw: &[u8]) {
        match member {
            Member::Model => keep_first(&mut self.model, raw),
            Member::Id => {
                self.own_id = text(raw);
                self.id = self.id.take().or_else(|| self.own_id.clone());
            }
            Member::DeferredId => keep_first(&mut self.deferred_id, raw),
            Member::ServiceTier => self.service_tier = text(raw).or(self.service_tier.take()),
            Member::Type => self.note_type(raw),
            Member::LateType(api) => self.note_late_type(raw, api),
            Member::Object => self.note_object(raw),
            Member::Status => self.note_status(raw),
            Member::Role => self.has_role = true,
            Member::Error => self.note_error(raw),
            Member::ErrorCode => {
                self.error_code =
                    string(raw).and_then(|code| error_code::of_text(&code)).or(self.error_code.take());
            }
            Member::InvocationMetrics => {
                self.last_event = true;
                self.note_figures(member, raw);
            }
            // Faster than the standard, at another price.
            Member::Latency => {
                let fast = text(raw).filter(|latency| latency != &Text::from_static("standard"));
                self.service_tier = fast.or(self.service_tier.take());
            }
            Member::BaseStatus => {
                if let Some(code) = number(raw).filter(|code| *code != "0") {
                    self.refused = true;
                    self.fail(error_code::of_text(code));
                }
            }
            Member::BatchKey | Member::BatchResult | Member::BatchResults => self.note_batch(member),
            Member::Done => self.note_done(raw),
            Member::FinishReason => self.last_event = true,
            // Within the limit is only what is empty.
            Member::Content | Member::Image | Member::Text | Member::TextOfCohere => {}
            Member::Usage
            | Member::UsageIfKnown
            | Member::UsageAtStart
            | Member::UsageElsewhere
            | Member::InputTokens
            | Member::OutputTokens
            | Member::InputTokensOfPart
            | Member::OutputTokensOfPart
            | Member::LargestInputTokens
            | Member::LargestOutputTokens
            | Member::Characters
            | Member::UsageInfo => self.note_figures(member, raw),
            Member::Item(..)
            | Member::ToolUsage
            | Member::Queries
            | Member::OtherQueries
            | Member::MapChunk
            | Member::WebChunk
            | Member::HostedResult
            | Member::ToolModel => self.figures.note_hosted(member, raw),
        }
    }

    fn note_figures(&mut self, member: Member, raw: &[u8]) {
        let counts = !self.is_step || self.repeats;
        let told = self.figures.note(member, raw, counts);
        self.api = self.api.or(told);
    }

    fn note_too_long(&mut self, member: Member, first: u8) {
        match member {
            Member::Error => self.fail(None),
            Member::BatchKey | Member::BatchResult | Member::BatchResults => self.note_batch(member),
            Member::Content => self.content |= matches!(first, b'"' | b'[' | b'{'),
            _ => self.figures.note_too_long(member, first),
        }
    }

    /// The name of an event, or of what a document is.
    fn note_type(&mut self, raw: &[u8]) {
        let Some(name) = string(raw) else { return };
        let event = dialects::event(&name);
        self.is_message |= event.is_message;
        self.item_has_begun |= event.begins_item;
        if event.failed || name == "error" {
            self.fail(None);
        }
        if name.starts_with("response.") {
            self.name(Api::Responses);
        } else if let Some(api) = event.api {
            self.name(api);
        }
        self.last_event |= event.is_last || name == "error";
        self.pending &= !event.is_last;
        self.content |= event.is_content || name.ends_with(".delta");
    }

    /// The same in a late event.
    fn note_late_type(&mut self, raw: &[u8], api: LateApi) {
        let Some(name) = string(raw) else { return };
        if name == "error" || api.is_last_event(&name) {
            self.note_type(raw);
        }
        self.item_has_begun |= dialects::event(&name).begins_item;
    }

    fn note_object(&mut self, raw: &[u8]) {
        let Some(name) = string(raw) else { return };
        self.has_object = true;
        let api = match &*name {
            "thread.run" => {
                // A stream may begin with its thread, and it is the run that can be asked for.
                self.id = self.own_id.take().or(self.id.take());
                Api::Assistants
            }
            "thread.run.step" => {
                self.is_step = true;
                return;
            }
            name => match dialects::api_of_object(name) {
                Some(api) => api,
                None => {
                    self.content |= name.ends_with(".delta");
                    return;
                }
            },
        };
        self.name(api);
    }

    fn name(&mut self, api: Api) {
        self.api = self.api.or(Some(api));
        self.named = true;
    }

    fn note_status(&mut self, raw: &[u8]) {
        let Some(status) = string(raw).map(|status| status.to_ascii_lowercase()) else { return };
        self.status_failed = status == "failed";
        self.status_begun = matches!(&*status, "queued" | "in_progress");
        // What is not known to be final may be one more name for a job that is under way.
        self.pending = !matches!(
            &*status,
            "completed"
                | "complete"
                | "succeeded"
                | "success"
                | "done"
                | "finished"
                | "ok"
                | "ready"
                | "failed"
                | "failure"
                | "error"
                | "errored"
                | "cancelled"
                | "canceled"
                | "expired"
                | "incomplete"
                | "rejected"
                | "stopped"
        );
    }

    fn note_error(&mut self, raw: &[u8]) {
        let says_nothing = match raw {
            [b'[', inside @ .., _] => inside.trim_ascii().is_empty(),
            [b'{', ..] => !lenient::says_something(raw),
            _ => matches!(raw, b"false" | b"0" | br#""""#),
        };
        if !says_nothing {
            self.fail(error_code::of_object(raw));
        }
    }

    fn note_batch(&mut self, member: Member) {
        self.batch.0 |= matches!(member, Member::BatchKey | Member::BatchResults);
        self.batch.1 |= matches!(member, Member::BatchResult | Member::BatchResults);
    }

    /// Whether it has the form of the results of a batch.
    pub(super) fn is_batch_results(&self) -> bool {
        self.batch == (true, true)
    }

    fn note_done(&mut self, raw: &[u8]) {
        if let Some(done) = boolean(raw) {
            self.is_ollama = true;
            self.last_event |= done;
            self.content |= !done;
        }
    }

    /// Whether the answer says that the call failed. In other APIs than these, a status is another thing's.
    pub(super) fn has_failed(&self, api: Option<Api>) -> bool {
        let is_its_own =
            matches!(api, Some(Api::Responses | Api::Assistants | Api::Interactions | Api::Videos));
        self.failed || (is_its_own && self.status_failed)
    }

    /// Whether the answer has begun to be made, and its figures are none that count.
    pub(super) fn has_only_begun(&self, api: Option<Api>) -> bool {
        self.status_begun && matches!(api, Some(Api::Responses | Api::Interactions))
    }

    /// The type or code of the error, when the call failed.
    pub(super) fn error(&self) -> Option<Text> {
        self.error.clone().or_else(|| self.error_code.clone())
    }

    /// Whether it is one of several documents, and not the last.
    pub(super) fn expects_more(&self) -> bool {
        self.is_ollama && !self.last_event
    }

    /// The API, by the shape. What has neither a model nor figures may be anything.
    pub(super) fn api(&self) -> Option<Api> {
        let ollama = if self.has_role { Api::OllamaChat } else { Api::OllamaGenerate };
        let has_model = self.model.is_some();
        let is_ollama = self.is_ollama && (has_model || self.figures.count_output());
        let message = (self.is_message && has_model).then_some(Api::Messages);
        self.api.or(message).or(is_ollama.then_some(ollama))
    }

    /// Whether the answer itself names the API.
    pub(super) fn names_api(&self) -> bool {
        self.named || (self.is_message && self.model.is_some())
    }

    /// The document or event is over.
    pub(super) fn end_event(&mut self) {
        self.figures.end_event(self.item_has_begun);
        self.item_has_begun = false;
        self.own_id = None;
        self.is_step = false;
    }

    /// Whether the answer failed after its last figures, so that these are but those of a part.
    pub(super) fn broke_off(&self) -> bool {
        self.figures_at_failure == Some(self.figures.noted())
    }
}

fn keep_first(known: &mut Option<Text>, raw: &[u8]) {
    if known.is_none() {
        *known = text(raw);
    }
}

fn text(raw: &[u8]) -> Option<Text> {
    Text::new(&string(raw)?).ok()
}
