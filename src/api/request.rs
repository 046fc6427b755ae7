//! Reading a request: for whom, which model, whether as a stream.

use super::head;
use super::route::Route;
use crate::record::{Api, Text, UserId, UserIssue};
use crate::wire::json::{Scanner, Value, boolean, number, string};
use crate::wire::select::Select;
use http::{HeaderMap, header};

/// What the body of a request says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestFacts {
    /// The end user, from the first of the fields with a usable id.
    pub(crate) user: Option<UserId>,
    /// Why a candidate before it was refused.
    pub(crate) user_issue: Option<UserIssue>,
    pub(crate) model: Option<Text>,
    /// Whether a stream is asked for.
    pub(crate) stream: Option<bool>,
    /// Whether a stream's usage is asked for: `stream_options.include_usage`.
    pub(crate) include_usage: Option<bool>,
    pub(crate) service_tier: Option<Text>,
}

/// The fields of a body that may hold the end user's id, in order, and the [`Select`] that finds them.
#[derive(Debug)]
pub(crate) struct BodyFields {
    select: Select,
    fields: Vec<BodyField>,
}

#[derive(Debug)]
struct BodyField {
    path: Box<str>,
    only_for: Option<Api>,
    /// What the member is besides, if it is looked at anyway.
    member: Option<u8>,
}

/// What a member of a request is. Users follow after the last of them.
const MODEL: u8 = 0;
const STREAM: u8 = 1;
const INCLUDE_USAGE: u8 = 2;
const SERVICE_TIER: u8 = 3;
const ANTHROPIC: u8 = 4;
const FIRST_USER: u8 = 5;

const NAME: usize = 2048;
/// An id of 256 bytes with every byte escaped, and some white space around it.
const USER: usize = 2048;
const WORD: usize = 32;

const MEMBERS: [(&str, u8, usize); 7] = [
    ("model", MODEL, NAME),
    ("model_id", MODEL, NAME),
    ("stream", STREAM, WORD),
    ("stream_options.include_usage", INCLUDE_USAGE, WORD),
    ("service_tier", SERVICE_TIER, NAME),
    ("serviceTier.type", SERVICE_TIER, NAME),
    ("anthropic_version", ANTHROPIC, NAME),
];

impl BodyFields {
    /// How many fields are looked at; further ones are left out.
    pub(crate) const MAX: usize = 16;

    /// Looks at `fields` in this order; those with an [`Api`] count in its requests only.
    pub(crate) fn new<P: Into<Box<str>>>(fields: impl IntoIterator<Item = (P, Option<Api>)>) -> Self {
        let field = |(path, only_for): (P, Option<Api>)| {
            let path = path.into();
            let member = MEMBERS.iter().find(|(known, _, _)| *known == &*path).map(|(_, number, _)| *number);
            BodyField { path, only_for, member }
        };
        let fields: Vec<BodyField> = fields.into_iter().take(Self::MAX).map(field).collect();
        let users = (FIRST_USER..).zip(&fields).map(|(number, field)| (&*field.path, number, USER));
        // Of equal paths the first counts.
        let select = Select::new(users.chain(MEMBERS));
        Self { select, fields }
    }
}

impl Default for BodyFields {
    /// `user` and `safety_identifier`, as OpenAI has them, and `metadata.user_id` in Anthropic's messages: elsewhere
    /// `metadata` holds free-form tags.
    fn default() -> Self {
        Self::new([("user", None), ("safety_identifier", None), ("metadata.user_id", Some(Api::Messages))])
    }
}

/// Reads a request as it passes.
#[derive(Clone, Debug)]
pub(crate) struct RequestReader {
    api: Option<Api>,
    /// The body says that it is a message of Anthropic's.
    is_anthropic: bool,
    framing: Framing,
    /// One for each of the fields, once any has been seen.
    candidates: Vec<Candidate>,
    facts: RequestFacts,
    news: bool,
}

#[derive(Clone, Debug)]
enum Framing {
    Json(Scanner),
    /// Nothing that can be read.
    Opaque,
}

/// What a field said last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Candidate {
    /// Nothing, or nothing that is an id.
    #[default]
    None,
    Usable(UserId),
    Refused(UserIssue),
}

impl RequestReader {
    /// A reader for the body of a request with this head.
    pub(crate) fn new(route: &Route, headers: &HeaderMap) -> Self {
        let encoding = head::text(headers, header::CONTENT_ENCODING);
        let plain = encoding.is_empty() || encoding.eq_ignore_ascii_case("identity");
        Self {
            api: route.api,
            is_anthropic: headers.contains_key("anthropic-version"),
            framing: if plain { Framing::Json(Scanner::default()) } else { Framing::Opaque },
            candidates: Vec::new(),
            facts: RequestFacts::default(),
            news: false,
        }
    }

    /// Takes the next piece of the body, of any length.
    pub(crate) fn push(&mut self, fields: &BodyFields, bytes: &[u8]) {
        let Framing::Json(scanner) = &mut self.framing else { return };
        let mut scanner = std::mem::take(scanner);
        scanner.push(&fields.select, bytes, &mut |field, value| self.note(fields, field, value));
        self.framing = Framing::Json(scanner);
    }

    /// The body has ended.
    pub(crate) fn finish(&mut self, fields: &BodyFields) {
        let _ = fields;
    }

    /// Whether there are facts that there were not when this was last asked.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// What the body said so far.
    pub(crate) fn facts(&self) -> &RequestFacts {
        &self.facts
    }

    fn note(&mut self, fields: &BodyFields, number: u8, value: Value<'_>) {
        self.news = true;
        let Some(place) = number.checked_sub(FIRST_USER).map(usize::from) else {
            return self.note_member(fields, number, value);
        };
        self.candidates.resize(fields.fields.len(), Candidate::None);
        if let Some(candidate) = self.candidates.get_mut(place) {
            *candidate = Candidate::of(value);
        }
        if let Some(number) = fields.fields.get(place).and_then(|field| field.member) {
            self.note_member(fields, number, value);
        }
        self.choose_user(fields);
    }

    fn note_member(&mut self, fields: &BodyFields, number: u8, value: Value<'_>) {
        let Value::Json(raw) = value else { return };
        let facts = &mut self.facts;
        match number {
            MODEL => facts.model = text(raw).or(facts.model.take()),
            STREAM => facts.stream = boolean(raw),
            INCLUDE_USAGE => facts.include_usage = boolean(raw),
            SERVICE_TIER => facts.service_tier = text(raw),
            _ => {
                self.is_anthropic = true;
                self.choose_user(fields);
            }
        }
    }

    /// The first field with a usable id is the user; a refusal before it is told.
    fn choose_user(&mut self, fields: &BodyFields) {
        let is_messages =
            self.api == Some(Api::Messages) || (self.is_anthropic && self.api != Some(Api::Responses));
        let applies = |field: &BodyField| match field.only_for {
            None => true,
            Some(Api::Messages) => is_messages,
            Some(api) => self.api == Some(api),
        };
        self.facts.user = None;
        self.facts.user_issue = None;
        for (field, candidate) in fields.fields.iter().zip(&self.candidates) {
            match candidate {
                Candidate::Usable(id) if applies(field) => {
                    self.facts.user = Some(id.clone());
                    return;
                }
                Candidate::Refused(issue) if applies(field) => {
                    self.facts.user_issue = self.facts.user_issue.or(Some(*issue));
                }
                _ => {}
            }
        }
    }
}

impl Candidate {
    /// A string, trimmed, or an integer as it is written; nothing else is an id.
    fn of(value: Value<'_>) -> Self {
        let raw = match value {
            Value::Json(raw) => raw,
            Value::TooLong { first: b'"' | b'-' | b'0'..=b'9' } => return Self::Refused(UserIssue::TooLong),
            Value::TooLong { .. } => return Self::None,
        };
        if raw.first() != Some(&b'"') {
            let integer =
                number(raw).filter(|text| text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()));
            return integer.map_or(Self::None, Self::of_text);
        }
        match string(raw) {
            Some(text) => Self::of_text(text.trim()),
            // A string that holds what JSON does not allow.
            None if raw.iter().any(u8::is_ascii_control) => Self::Refused(UserIssue::ControlCharacter),
            None => Self::Refused(UserIssue::NotUtf8),
        }
    }

    fn of_text(text: &str) -> Self {
        match UserId::verbatim(text) {
            Ok(id) => Self::Usable(id),
            Err(error) => UserIssue::from_error(error).map_or(Self::None, Self::Refused),
        }
    }
}

fn text(raw: &[u8]) -> Option<Text> {
    Text::new(&string(raw)?).ok()
}
