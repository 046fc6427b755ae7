//! The state of reading an answer.

use super::interest::Interest;
use super::late::LateApi;
use super::members::Member;
use super::shape::Shape;
use super::stated_usage::StatedUsage;
use super::texts::Texts;
use super::{dialects, error_code, lenient};
use crate::record::{Api, Text};
use crate::wire::json::{Scanner, Value, boolean, is_null, number, string};

/// The facts of an answer, gathered member by member as they pass.
#[derive(Debug, Default)]
pub(super) struct ResponseState {
    pub(super) model: Option<Text>,
    pub(super) id: Option<Text>,
    /// The id of an answer that is still to be made, if there is nothing else.
    pub(super) deferred_id: Option<Text>,
    pub(super) service_tier: Option<Text>,
    pub(super) shape: Shape,
    stage: Option<AnswerStage>,
    failure: Option<Failure>,
    /// A code that stands at the top. It is an error's only when the call failed.
    code: Option<Text>,
    batch: BatchLine,
    /// Whether the first content has been seen.
    pub(super) content: bool,
    event: CurrentEvent,
    pub(super) usage: StatedUsage,
    /// What the answer says, where the application counts it.
    pub(super) texts: Option<Box<Texts>>,
    /// Whether the answer is one that another call is billed for.
    repeats: bool,
}

/// How far the making of an answer has come, by its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AnswerStage {
    /// It is being made, or will be, and its figures do not count yet.
    Begun,
    /// It has a status that is not known to be final.
    Unfinished,
    Final,
    /// It could not be made.
    Failed,
}

impl AnswerStage {
    fn of(status: &str) -> Self {
        match status {
            "failed" => Self::Failed,
            "queued" | "in_progress" => Self::Begun,
            "completed" | "complete" | "succeeded" | "success" | "done" | "finished" | "ok" | "ready"
            | "failure" | "error" | "errored" | "cancelled" | "canceled" | "expired" | "incomplete"
            | "rejected" | "stopped" => Self::Final,
            // It may be one more name for a job that is under way.
            _ => Self::Unfinished,
        }
    }
}

/// How the answer says that the call failed.
#[derive(Debug, Default)]
struct Failure {
    code: Option<Text>,
    /// How many members with figures came before the document or event that said so last.
    figures_before: u32,
    /// Whether the call was refused, in an answer with the status of a success.
    refused: bool,
}

/// What a line in the results of a batch has.
#[derive(Debug, Default)]
struct BatchLine {
    has_key: bool,
    has_result: bool,
}

/// What is known of the current document or event alone.
#[derive(Debug, Default)]
struct CurrentEvent {
    /// The id that it has.
    id: Option<Text>,
    /// Whether it is a step of a run, whose figures are within those of the run.
    is_step: bool,
    /// Whether its item has only begun, and comes again when it is done.
    begins_item: bool,
    /// Whether it is the last one.
    is_last: bool,
}

/// What was known before a late event that may not count.
#[derive(Debug)]
pub(super) struct BeforeLate {
    service_tier: Option<Text>,
    code: Option<Text>,
}

impl ResponseState {
    /// Creates an empty state. `texts` counts the tokens of the answer, where the application does.
    pub(super) fn new(repeats: bool, texts: Option<Box<Texts>>) -> Self {
        Self { repeats, texts, ..Self::default() }
    }

    /// Returns what to look for in an event, or in a document of a stream.
    pub(super) fn interest_in_stream(&self) -> Interest {
        if self.texts.is_some() { Interest::TextOfStream } else { Interest::Content }
    }

    /// Reads a piece of a document.
    pub(super) fn scan(&mut self, scanner: &mut Scanner, interest: Interest, bytes: &[u8]) {
        scanner.push(interest.select(), bytes, &mut |field, value| {
            if let Some(member) = interest.member(field) {
                self.read(member, value);
            }
        });
    }

    /// Remembers what a late event may change.
    pub(super) fn before_late(&self) -> BeforeLate {
        BeforeLate { service_tier: self.service_tier.clone(), code: self.code.clone() }
    }

    /// Takes back what a late event has changed.
    pub(super) fn restore(&mut self, before: BeforeLate) {
        self.service_tier = before.service_tier;
        self.code = before.code;
        self.usage.drop_tools_of_event();
    }

    /// Ends the document or event. Returns whether it was the last one.
    pub(super) fn end_event(&mut self) -> bool {
        let event = std::mem::take(&mut self.event);
        self.usage.end_event(event.begins_item);
        event.is_last
    }

    /// Whether the current document or event is the last one.
    pub(super) fn is_last_event(&self) -> bool {
        self.event.is_last
    }

    /// Marks the current document or event as the last one.
    pub(super) fn set_last_event(&mut self) {
        self.event.is_last = true;
    }

    /// Takes notice that the call failed, perhaps with a code.
    pub(super) fn fail(&mut self, code: Option<Text>) {
        let failure = self.failure.get_or_insert_default();
        failure.figures_before = self.usage.before_event();
        failure.code = code.or(failure.code.take());
    }

    fn read(&mut self, member: Member, value: Value<'_>) {
        match value {
            Value::Json(raw) if is_null(raw) => {}
            Value::Json(raw) => self.read_json(member, raw),
            Value::TooLong { first } => self.read_too_long(member, first),
            Value::Piece { .. } if member == Member::TextOfCohere && self.api() != Some(Api::CohereChat) => {}
            Value::Piece { raw, last } => self.read_text(raw, last),
        }
    }

    fn read_text(&mut self, raw: &[u8], last: bool) {
        self.content |= !raw.is_empty();
        if let Some(texts) = &mut self.texts {
            texts.push(raw, last, self.model.as_deref());
        }
    }

    fn read_json(&mut self, member: Member, raw: &[u8]) {
        match member {
            Member::Model => keep_first(&mut self.model, raw),
            Member::Id => {
                self.event.id = text(raw);
                self.id = self.id.take().or_else(|| self.event.id.clone());
            }
            Member::DeferredId => keep_first(&mut self.deferred_id, raw),
            Member::ServiceTier => self.service_tier = text(raw).or(self.service_tier.take()),
            // Faster than the standard, at another price.
            Member::Latency => {
                let fast = text(raw).filter(|latency| latency != &Text::from_static("standard"));
                self.service_tier = fast.or(self.service_tier.take());
            }
            Member::Type => self.read_type(raw),
            Member::LateType(api) => self.read_late_type(raw, api),
            Member::Object => self.read_object(raw),
            Member::Status => {
                self.stage =
                    string(raw).map(|status| AnswerStage::of(&status.to_ascii_lowercase())).or(self.stage);
            }
            Member::Role => self.shape.has_role(),
            Member::Done => self.read_done(raw),
            Member::FinishReason => self.event.is_last = true,
            Member::Error => self.read_error(raw),
            Member::ErrorCode => {
                let code = string(raw).and_then(|code| error_code::of_text(&code));
                self.code = code.or(self.code.take());
            }
            Member::BaseStatus => {
                if let Some(code) = number(raw).filter(|code| *code != "0") {
                    self.fail(error_code::of_text(code));
                    self.failure.get_or_insert_default().refused = true;
                }
            }
            Member::BatchKey | Member::BatchResult | Member::BatchResults => self.read_batch(member),
            // A value within the limit is empty.
            Member::Content | Member::Image | Member::Text | Member::TextOfCohere => {}
            Member::Tool(member) => self.usage.read_tools(member, raw),
            _ => {
                self.event.is_last |= member == Member::InvocationMetrics;
                let counts = !self.event.is_step || self.repeats;
                let api = self.usage.read(member, raw, counts);
                self.shape.suppose(api);
            }
        }
    }

    fn read_too_long(&mut self, member: Member, first: u8) {
        match member {
            Member::Error => self.fail(None),
            Member::BatchKey | Member::BatchResult | Member::BatchResults => self.read_batch(member),
            Member::Content => self.content |= matches!(first, b'"' | b'[' | b'{'),
            _ => self.usage.read_too_long(member, first),
        }
    }

    /// Reads the name of an event, or of what a document is.
    fn read_type(&mut self, raw: &[u8]) {
        let Some(name) = string(raw) else { return };
        let event = dialects::event(&name);
        if event.is_message {
            self.shape.is_message();
        }
        if event.failed || name == "error" {
            self.fail(None);
        }
        if name.starts_with("response.") {
            self.shape.name(Api::Responses);
        } else if let Some(api) = event.api {
            self.shape.name(api);
        }
        self.event.begins_item |= event.begins_item;
        self.event.is_last |= event.is_last || name == "error";
        if event.is_last && self.is_pending() {
            self.stage = Some(AnswerStage::Final);
        }
        self.content |= event.is_content || name.ends_with(".delta");
    }

    fn read_late_type(&mut self, raw: &[u8], api: LateApi) {
        let Some(name) = string(raw) else { return };
        if name == "error" || api.is_last_event(&name) {
            self.read_type(raw);
        }
        self.event.begins_item |= dialects::event(&name).begins_item;
    }

    fn read_object(&mut self, raw: &[u8]) {
        let Some(name) = string(raw) else { return };
        self.shape.has_object = true;
        match &*name {
            "thread.run" => {
                // A stream may begin with its thread, and it is the run that can be asked for.
                self.id = self.event.id.take().or(self.id.take());
                self.shape.name(Api::Assistants);
            }
            "thread.run.step" => self.event.is_step = true,
            name => match dialects::api_of_object(name) {
                Some(api) => self.shape.name(api),
                None => self.content |= name.ends_with(".delta"),
            },
        }
    }

    fn read_error(&mut self, raw: &[u8]) {
        let is_empty = match raw {
            [b'[', inside @ .., _] => inside.trim_ascii().is_empty(),
            [b'{', ..] => !lenient::says_something(raw),
            _ => matches!(raw, b"false" | b"0" | br#""""#),
        };
        if !is_empty {
            self.fail(error_code::of_object(raw));
        }
    }

    fn read_batch(&mut self, member: Member) {
        self.batch.has_key |= matches!(member, Member::BatchKey | Member::BatchResults);
        self.batch.has_result |= matches!(member, Member::BatchResult | Member::BatchResults);
    }

    fn read_done(&mut self, raw: &[u8]) {
        if let Some(done) = boolean(raw) {
            self.shape.says_whether_done();
            self.event.is_last |= done;
            self.content |= !done;
        }
    }

    /// Whether the answer has the form of the results of a batch.
    pub(super) fn is_batch_results(&self) -> bool {
        self.batch.has_key && self.batch.has_result
    }

    /// Whether the answer says that the call failed. In other APIs than these, a status is another thing's.
    pub(super) fn has_failed(&self, api: Option<Api>) -> bool {
        let has_status =
            matches!(api, Some(Api::Responses | Api::Assistants | Api::Interactions | Api::Videos));
        self.failure.is_some() || (has_status && self.stage == Some(AnswerStage::Failed))
    }

    /// Whether the answer says that the call was refused, though its status is that of a success.
    pub(super) fn is_refused(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.refused)
    }

    /// Whether the answer says that it is still being made.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.stage, Some(AnswerStage::Begun | AnswerStage::Unfinished))
    }

    /// Whether the answer has begun to be made, and its figures do not count yet.
    pub(super) fn has_only_begun(&self, api: Option<Api>) -> bool {
        self.stage == Some(AnswerStage::Begun) && matches!(api, Some(Api::Responses | Api::Interactions))
    }

    /// Whether the answer failed after its last figures, so that these cover a part of it.
    pub(super) fn broke_off(&self) -> bool {
        let figures_before = self.failure.as_ref().map(|failure| failure.figures_before);
        figures_before == Some(self.usage.members())
    }

    /// Returns the type or code of the error, when the call failed.
    pub(super) fn error(&self) -> Option<Text> {
        let code = self.failure.as_ref().and_then(|failure| failure.code.clone());
        code.or_else(|| self.code.clone())
    }

    /// Whether it is one of several documents, and not the last.
    pub(super) fn expects_more(&self) -> bool {
        self.shape.is_done_by_saying_so() && !self.event.is_last
    }

    /// Returns the API, by the shape.
    pub(super) fn api(&self) -> Option<Api> {
        self.shape.api(self.model.is_some(), self.usage.counts_output())
    }

    /// Whether the answer itself names the API.
    pub(super) fn names_api(&self) -> bool {
        self.shape.names_api(self.model.is_some())
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
