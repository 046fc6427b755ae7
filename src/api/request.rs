//! Reading the body of a request.

use super::decoded::Decoded;
use super::head;
use super::reading::plus;
use super::request_members::{RequestMember, RequestMembers, SPEECH};
use super::route::ApiRoute;
use super::texts::RequestTexts;
use crate::identify::Claim;
use crate::record::{Api, Text};
use crate::token_counter::Counter;
use crate::wire::json::{Scanner, Value, boolean, string};
use crate::wire::multipart::{self, MultipartParser};
use crate::wire::text::Unescape;
use http::{HeaderMap, header};
use std::borrow::Cow;

/// What the body of a request says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestFacts {
    /// The end user, by the first of the fields with a usable id.
    pub(crate) user: Claim,
    pub(crate) model: Option<Text>,
    /// Whether a stream is asked for.
    pub(crate) stream: Option<bool>,
    /// Whether a stream's usage is asked for: `stream_options.include_usage`.
    pub(crate) include_usage: Option<bool>,
    /// Whether the answer is to be kept: `store`.
    pub(crate) store: Option<bool>,
    pub(crate) service_tier: Option<Text>,
    /// The model behind a tool.
    pub(crate) tool_model: Option<Text>,
    /// How many characters are to be spoken.
    pub(crate) characters: Option<u64>,
}

/// Reads a request as it passes.
#[derive(Clone, Debug)]
pub(crate) struct RequestReader {
    decoded: Decoded,
    framing: RequestFraming,
    gathered: Gathered,
    /// Where the application counts tokens.
    texts: Option<Box<RequestTexts>>,
}

/// How the body is built.
#[derive(Clone, Debug)]
enum RequestFraming {
    Json(Scanner),
    Form(Box<MultipartParser>),
}

/// What was read of the body.
#[derive(Clone, Debug)]
struct Gathered {
    api: Option<Api>,
    /// The head or the body says that it is a message of Anthropic's.
    is_anthropic: bool,
    /// The last value of each of the users' fields, once any has been seen.
    claims: Box<[Claim]>,
    facts: RequestFacts,
    /// Undoes the escapes of the text that is to be spoken.
    speech: Option<Box<Unescape>>,
    news: bool,
}

impl RequestReader {
    /// Creates a reader for the body of a request with this head.
    pub(crate) fn new(route: &ApiRoute, headers: &HeaderMap, counter: Option<&Counter>) -> Self {
        let form = MultipartParser::new(head::text(headers, header::CONTENT_TYPE));
        Self {
            decoded: Decoded::new(headers),
            framing: form.map_or_else(
                || RequestFraming::Json(Scanner::single()),
                |form| RequestFraming::Form(Box::new(form)),
            ),
            gathered: Gathered {
                api: route.api,
                is_anthropic: headers.contains_key("anthropic-version"),
                claims: Box::default(),
                facts: RequestFacts::default(),
                speech: None,
                news: false,
            },
            texts: counter.map(|counter| Box::new(RequestTexts::new(counter.clone()))),
        }
    }

    /// Takes the next piece of the body, of any length.
    pub(crate) fn push(&mut self, members: &RequestMembers, bytes: &[u8]) {
        let Self { decoded, framing, gathered, texts } = self;
        decoded.push(bytes, |bytes| match framing {
            RequestFraming::Json(scanner) => {
                let speaks = gathered.api == Some(Api::Audio);
                let select = if speaks { &members.with_speech } else { &members.select };
                scanner.push(select, bytes, &mut |number, value| match value {
                    Value::Piece { raw, last } if number == SPEECH => gathered.count_speech(raw, last),
                    _ => gathered.read(members, number, MemberValue::Json(value)),
                });
                if let Some(texts) = texts {
                    texts.push(bytes, gathered.facts.model.as_deref());
                }
            }
            RequestFraming::Form(form) => {
                // On the stack, as this is done for every frame of a file.
                let mut names = [("", 0, 0); RequestMembers::MAX];
                let wanted =
                    names.iter_mut().zip(members.of_form()).map(|(place, name)| *place = name).count();
                form.push(names.get(..wanted).unwrap_or_default(), bytes, &mut |number, text| {
                    gathered.read(members, number, MemberValue::Form(text));
                });
            }
        });
    }

    /// Whether there are facts that there were not when this was last asked.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.gathered.news)
    }

    /// Takes the texts that were found, where they are counted.
    pub(crate) fn take_texts(&mut self) -> Option<Box<RequestTexts>> {
        self.texts.take()
    }

    /// Returns what the body has said so far.
    pub(crate) fn facts(&self) -> &RequestFacts {
        &self.gathered.facts
    }
}

impl Gathered {
    /// Counts the characters of a piece of the text that is to be spoken.
    fn count_speech(&mut self, raw: &[u8], last: bool) {
        let mut count = 0;
        let mut add = |text: &str| count += text.chars().count() as u64;
        let speech = self.speech.get_or_insert_default();
        speech.push(raw, &mut add);
        if last {
            speech.finish(&mut add);
        }
        self.news = true;
        self.facts.characters = plus(self.facts.characters, Some(count));
    }

    fn read(&mut self, members: &RequestMembers, number: u8, value: MemberValue<'_>) {
        self.news = true;
        let facts = &mut self.facts;
        let (member, user) = members.member(number);
        match member {
            Some(RequestMember::Model) => facts.model = value.text().or(facts.model.take()),
            Some(RequestMember::Stream) => facts.stream = value.boolean(),
            Some(RequestMember::IncludeUsage) => facts.include_usage = value.boolean(),
            Some(RequestMember::Store) => facts.store = value.boolean(),
            Some(RequestMember::ServiceTier) => facts.service_tier = value.text(),
            Some(RequestMember::ToolModel) => facts.tool_model = value.text().or(facts.tool_model.take()),
            Some(RequestMember::Anthropic) => self.is_anthropic = true,
            None => {}
        }
        if let Some(place) = user {
            if self.claims.is_empty() {
                self.claims = vec![Claim::default(); members.users.len()].into();
            }
            if let Some(claim) = self.claims.get_mut(place) {
                *claim = value.claim();
            }
        }
        if user.is_some() || member == Some(RequestMember::Anthropic) {
            self.facts.user = members.users.claim(&self.claims, |api| self.speaks(api));
        }
    }

    /// Whether it is a request of `api`. Anthropic's messages are known by their path or else by their shape.
    fn speaks(&self, api: Api) -> bool {
        match (api, self.api) {
            (Api::Messages, None | Some(Api::Invoke | Api::Predict)) => self.is_anthropic,
            (api, known) => known == Some(api),
        }
    }
}

/// The value of a member, in JSON or in a form.
#[derive(Clone, Copy, Debug)]
enum MemberValue<'a> {
    Json(Value<'a>),
    Form(multipart::FieldText<'a>),
}

impl MemberValue<'_> {
    /// Reads a short text.
    fn text(self) -> Option<Text> {
        let text: Cow<'_, str> = match self {
            Self::Json(Value::Json(raw)) => string(raw)?,
            Self::Form(multipart::FieldText::Whole(text)) => std::str::from_utf8(text).ok()?.trim().into(),
            Self::Json(_) | Self::Form(_) => return None,
        };
        Text::new(&text).ok()
    }

    /// Reads a truth value.
    fn boolean(self) -> Option<bool> {
        match self {
            Self::Json(Value::Json(raw)) => boolean(raw),
            Self::Form(multipart::FieldText::Whole(text)) => boolean(&text.trim_ascii().to_ascii_lowercase()),
            Self::Json(_) | Self::Form(_) => None,
        }
    }

    /// Reads the id of a user.
    fn claim(self) -> Claim {
        match self {
            Self::Json(value) => Claim::of_json(value),
            Self::Form(text) => Claim::of_form(text),
        }
    }
}
