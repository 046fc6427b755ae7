//! Reading a request: for whom, which model, whether as a stream.

use super::body_fields::{BodyFields, Member, SPEECH};
use super::decoded::Decoded;
use super::head;
use super::route::Route;
use super::said::{Candidate, Said};
use super::texts::RequestTexts;
use super::usage::plus;
use crate::record::{Api, Text, UserId, UserIssue};
use crate::token_counter::Counter;
use crate::wire::json::{Scanner, Value};
use crate::wire::multipart::MultipartParser;
use crate::wire::text::Unescape;
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
    framing: Framing,
    gathered: Gathered,
    /// Where the application counts tokens.
    texts: Option<Box<RequestTexts>>,
}

/// How the body is built.
#[derive(Clone, Debug)]
enum Framing {
    Json(Scanner),
    Form(Box<MultipartParser>),
}

/// What the body has said.
#[derive(Clone, Debug)]
struct Gathered {
    api: Option<Api>,
    /// The head or the body says that it is a message of Anthropic's.
    is_anthropic: bool,
    /// One for each of the fields, once any has been seen.
    candidates: Vec<Candidate>,
    facts: RequestFacts,
    /// Undoes the escapes of the text that is to be spoken.
    speech: Option<Box<Unescape>>,
    news: bool,
}

impl RequestReader {
    /// A reader for the body of a request with this head.
    pub(crate) fn new(route: &Route, headers: &HeaderMap, counter: Option<&Counter>) -> Self {
        let form = MultipartParser::new(head::text(headers, header::CONTENT_TYPE));
        Self {
            decoded: Decoded::new(headers),
            framing: form
                .map_or_else(|| Framing::Json(Scanner::single()), |form| Framing::Form(Box::new(form))),
            gathered: Gathered {
                api: route.api,
                is_anthropic: headers.contains_key("anthropic-version"),
                candidates: Vec::new(),
                facts: RequestFacts::default(),
                speech: None,
                news: false,
            },
            texts: counter.map(|counter| Box::new(RequestTexts::new(counter.clone()))),
        }
    }

    /// Takes the next piece of the body, of any length.
    pub(crate) fn push(&mut self, fields: &BodyFields, bytes: &[u8]) {
        let Self { decoded, framing, gathered, texts } = self;
        decoded.push(bytes, |bytes| match framing {
            Framing::Json(scanner) => {
                let speaks = gathered.api == Some(Api::Audio);
                let select = if speaks { &fields.with_speech } else { &fields.select };
                scanner.push(select, bytes, &mut |number, value| match value {
                    Value::Piece { raw, last } if number == SPEECH => gathered.note_speech(raw, last),
                    _ => gathered.note(fields, number, Said::Json(value)),
                });
                if let Some(texts) = texts {
                    texts.push(bytes, gathered.facts.model.as_deref());
                }
            }
            Framing::Form(form) => {
                // On the stack, as there is one for every frame of a file.
                let mut names = [("", 0, 0); BodyFields::MAX_WANTED];
                let wanted =
                    names.iter_mut().zip(fields.of_form()).map(|(place, name)| *place = name).count();
                form.push(names.get(..wanted).unwrap_or_default(), bytes, &mut |number, text| {
                    gathered.note(fields, number, Said::Form(text));
                });
            }
        });
    }

    /// Whether there are facts that there were not when this was last asked.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.gathered.news)
    }

    /// The texts that were found, where they are counted.
    pub(crate) fn take_texts(&mut self) -> Option<Box<RequestTexts>> {
        self.texts.take()
    }

    /// What the body said so far.
    pub(crate) fn facts(&self) -> &RequestFacts {
        &self.gathered.facts
    }
}

impl Gathered {
    /// Counts the characters of a piece of the text that is to be spoken.
    fn note_speech(&mut self, raw: &[u8], last: bool) {
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

    fn note(&mut self, fields: &BodyFields, number: u8, said: Said<'_>) {
        self.news = true;
        let facts = &mut self.facts;
        let (member, user) = fields.member(number);
        match member {
            Some(Member::Model) => facts.model = said.text().or(facts.model.take()),
            Some(Member::Stream) => facts.stream = said.boolean(),
            Some(Member::IncludeUsage) => facts.include_usage = said.boolean(),
            Some(Member::Store) => facts.store = said.boolean(),
            Some(Member::ServiceTier) => facts.service_tier = said.text(),
            Some(Member::ToolModel) => facts.tool_model = said.text().or(facts.tool_model.take()),
            Some(Member::Anthropic) => {
                self.is_anthropic = true;
                self.choose_user(fields);
            }
            None => {}
        }
        if let Some(place) = user {
            self.candidates.resize(fields.len(), Candidate::None);
            if let Some(candidate) = self.candidates.get_mut(place) {
                *candidate = said.candidate();
            }
            self.choose_user(fields);
        }
    }

    /// The first field with a usable id is the user; a refusal before it is told.
    fn choose_user(&mut self, fields: &BodyFields) {
        self.facts.user = None;
        self.facts.user_issue = None;
        let is_messages = self.is_messages();
        let applies = |only_for: Option<Api>| match only_for {
            None => true,
            Some(Api::Messages) => is_messages,
            Some(api) => self.api == Some(api),
        };
        for (only_for, candidate) in fields.only_for().zip(&self.candidates) {
            match candidate {
                Candidate::Usable(id) if applies(only_for) => {
                    self.facts.user = Some(id.clone());
                    return;
                }
                Candidate::Refused(issue) if applies(only_for) => {
                    self.facts.user_issue = self.facts.user_issue.or(Some(*issue));
                }
                _ => {}
            }
        }
    }

    /// Whether it is one of Anthropic's messages, by its path or else by its shape.
    fn is_messages(&self) -> bool {
        match self.api {
            Some(Api::Messages) => true,
            None | Some(Api::Invoke | Api::Predict) => self.is_anthropic,
            Some(_) => false,
        }
    }
}
