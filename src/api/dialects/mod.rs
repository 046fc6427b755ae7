//! The dialects of APIs: each a file with all that is particular to it.
//!
//! An answer is read by its shape, so that a gateway on its own route is read as well: what is looked for in an answer is
//! what any dialect has. The path is a hint.

mod anthropic;
mod assistants;
pub(super) mod bedrock;
mod chat;
mod cohere;
mod google;
mod interactions;
mod media;
mod ollama;
mod others;
mod responses;
mod watsonx;

pub(super) use anthropic::Cumulative;

use super::fields::Wanted;
use super::route::ApiRoute;
use super::usage::Convention;
use crate::record::{Api, Operation, Provider, Usage};
use crate::wire::select::InPieces;
use http::{HeaderMap, Method};

/// All dialects. Of two that know a path, the first counts.
const DIALECTS: [&Dialect; 12] = [
    &google::DIALECT,
    &interactions::DIALECT,
    &bedrock::DIALECT,
    &assistants::DIALECT,
    &responses::DIALECT,
    &chat::DIALECT,
    &anthropic::DIALECT,
    &media::DIALECT,
    &cohere::DIALECT,
    &ollama::DIALECT,
    &watsonx::DIALECT,
    &others::DIALECT,
];

/// What is particular to a dialect.
pub(super) struct Dialect {
    /// The APIs that speak it.
    apis: &'static [Spoken],
    /// What a method and the segments of a path, the last one first, ask for.
    route: fn(&Method, &[&str]) -> Option<ApiRoute>,
    /// What paths mean on hosts of its own.
    at_home: Option<fn(&Home<'_>, &mut ApiRoute)>,
    /// The members of answers that matter.
    members: &'static [Wanted],
    /// The members of a stream that a caller waits for.
    content: &'static [&'static str],
    /// Where texts stand that can be counted.
    texts: Texts,
    /// What the names of events say.
    events: &'static [(&'static str, Event)],
    /// The APIs whose answers name their shape in `object`.
    objects: &'static [(&'static str, Api)],
    /// The conventions of its usage objects.
    usage: &'static [Convention],
    /// The usage that stands in the headers of an answer.
    head: Option<fn(&HeaderMap) -> Option<Usage>>,
}

impl Dialect {
    /// Nothing in particular.
    const NONE: Self = Self {
        apis: &[],
        route: |_, _| None,
        at_home: None,
        members: &[],
        content: &[],
        texts: Texts::NONE,
        events: &[],
        objects: &[],
        usage: &[],
        head: None,
    };
}

/// An API, the kind of its calls, and whether what it takes and gives is text, so that tokens can be counted.
struct Spoken {
    api: Api,
    operation: Operation,
    is_text: bool,
}

impl Spoken {
    const fn text(api: Api, operation: Operation) -> Self {
        Self { api, operation, is_text: true }
    }

    const fn other(api: Api) -> Self {
        Self { api, operation: Operation::Other, is_text: false }
    }
}

/// Where a request goes, for what paths mean on some hosts only.
pub(super) struct Home<'a> {
    pub(super) host: Option<&'a Provider>,
    pub(super) port: Option<u16>,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
}

/// Paths to texts, and which values there.
type TextPaths = &'static [(&'static str, InPieces)];

/// Where texts stand.
struct Texts {
    request: TextPaths,
    /// In the events of a stream. What repeats them at the end is not among these.
    stream: TextPaths,
    /// In an answer that is one document.
    document: TextPaths,
    /// In answers whose streams are made of such documents too.
    both: TextPaths,
}

impl Texts {
    const NONE: Self = Self { request: &[], stream: &[], document: &[], both: &[] };
}

/// What the name of an event says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Event {
    /// The API is this one.
    pub(super) api: Option<Api>,
    /// Nothing of interest follows.
    pub(super) is_last: bool,
    /// It brings text, reasoning or a call of a tool.
    pub(super) is_content: bool,
    /// The call failed.
    pub(super) failed: bool,
    /// It is a message as Anthropic's are.
    pub(super) is_message: bool,
    /// It announces an item that comes again when it is done.
    pub(super) begins_item: bool,
}

impl Event {
    const NONE: Self = Self {
        api: None,
        is_last: false,
        is_content: false,
        failed: false,
        is_message: false,
        begins_item: false,
    };
    const LAST: Self = Self { is_last: true, ..Self::NONE };
    const CONTENT: Self = Self { is_content: true, ..Self::NONE };
    const FAILED: Self = Self { failed: true, is_last: true, ..Self::NONE };
}

/// What the segments of a path ask for, by the first dialect that knows them.
pub(super) fn route(method: &Method, segments: &[&str]) -> Option<ApiRoute> {
    DIALECTS.iter().find_map(|dialect| (dialect.route)(method, segments))
}

/// Brings a route to what its path means on the host it goes to.
pub(super) fn settle_by_host(home: &Home<'_>, route: &mut ApiRoute) {
    DIALECTS.iter().filter_map(|dialect| dialect.at_home).for_each(|settle| settle(home, route));
}

/// The members of answers that matter in any dialect.
pub(super) fn members() -> impl Iterator<Item = &'static Wanted> {
    DIALECTS.iter().flat_map(|dialect| dialect.members)
}

/// What a caller waits for in a stream of any dialect.
pub(super) fn content() -> impl Iterator<Item = &'static str> {
    DIALECTS.iter().flat_map(|dialect| dialect.content).copied()
}

/// Where the texts of a request stand.
pub(super) fn texts_of_request() -> impl Iterator<Item = (&'static str, InPieces)> {
    DIALECTS.iter().flat_map(|dialect| dialect.texts.request).copied()
}

/// Where the texts of an answer stand. `stream`: whether it is one, or a document.
pub(super) fn texts_of_answer(stream: bool) -> impl Iterator<Item = (&'static str, InPieces)> {
    let of = move |texts: &'static Texts| if stream { texts.stream } else { texts.document };
    DIALECTS.iter().flat_map(move |dialect| of(&dialect.texts).iter().chain(dialect.texts.both)).copied()
}

/// What the name of an event says in any dialect.
pub(super) fn event(name: &str) -> Event {
    let known = DIALECTS.iter().flat_map(|dialect| dialect.events).find(|(known, _)| *known == name);
    known.map_or(Event::NONE, |(_, event)| *event)
}

/// The API whose answers name their shape so.
pub(super) fn api_of_object(name: &str) -> Option<Api> {
    let known = DIALECTS.iter().flat_map(|dialect| dialect.objects).find(|(known, _)| *known == name);
    known.map(|(_, api)| *api)
}

/// The convention that has such a key, and how surely the key tells it.
pub(super) fn convention_with(key: &str) -> Option<(&'static Convention, super::usage::Sure)> {
    DIALECTS.iter().flat_map(|dialect| dialect.usage).find_map(|convention| {
        let (_, sure) = convention.keys.iter().find(|(known, _)| *known == key)?;
        Some((convention, *sure))
    })
}

/// The usage that stands in the headers of an answer.
pub(super) fn usage_in_head(headers: &HeaderMap) -> Option<Usage> {
    DIALECTS.iter().filter_map(|dialect| dialect.head).find_map(|read| read(headers))
}

fn spoken(api: Api) -> Option<&'static Spoken> {
    DIALECTS.iter().flat_map(|dialect| dialect.apis).find(|spoken| spoken.api == api)
}

/// Whether what an API takes and gives is text, so that tokens can be counted.
pub(super) fn is_text(api: Api) -> bool {
    spoken(api).is_some_and(|spoken| spoken.is_text)
}

/// The kind of call that an API's calls are.
pub(super) fn operation(api: Api) -> Operation {
    spoken(api).map_or(Operation::Other, |spoken| spoken.operation)
}
