//! The dialects of APIs: each a file with all that is particular to it.
//!
//! An answer is read by its shape, so that a gateway on its own route is read as well: all dialects are looked for in
//! every answer. The path is a hint.

mod anthropic;
mod assistants;
pub(super) mod bedrock;
mod chat;
mod cohere;
mod dialect;
mod google;
mod interactions;
mod media;
mod ollama;
mod others;
mod responses;
mod watsonx;

pub(super) use anthropic::CumulativeUsage;

pub(super) use dialect::Home;

use super::lenient::text;
use super::members::Wanted;
use super::reading::{Convention, Sure};
use super::route::ApiRoute;
use crate::json::Reader;
use crate::record::{Api, Operation, Usage};
use crate::wire::select::InPieces;
use dialect::{Dialect, EventName, Spoken, TextPlaces};
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

/// Routes the segments of a path by the first dialect that knows them.
pub(super) fn route(method: &Method, segments: &[&str]) -> Option<ApiRoute> {
    DIALECTS.iter().find_map(|dialect| (dialect.route)(method, segments))
}

/// Brings a route to what its path means on the host it goes to.
pub(super) fn settle_by_host(home: &Home<'_>, route: &mut ApiRoute) {
    DIALECTS.iter().filter_map(|dialect| dialect.at_home).for_each(|settle| settle(home, route));
}

/// Lists the members of answers that matter in any dialect.
pub(super) fn members() -> impl Iterator<Item = &'static Wanted> {
    DIALECTS.iter().flat_map(|dialect| dialect.members)
}

/// Lists the members of streams that a caller waits for, in any dialect.
pub(super) fn content() -> impl Iterator<Item = &'static str> {
    DIALECTS.iter().flat_map(|dialect| dialect.content).copied()
}

/// Lists where the texts of a request stand.
pub(super) fn texts_of_request() -> impl Iterator<Item = (&'static str, InPieces)> {
    DIALECTS.iter().flat_map(|dialect| dialect.texts.request).copied()
}

/// Lists where the texts of an answer stand, which is a stream or a document.
pub(super) fn texts_of_answer(stream: bool) -> impl Iterator<Item = (&'static str, InPieces)> {
    let of = move |texts: &'static TextPlaces| if stream { texts.stream } else { texts.document };
    DIALECTS.iter().flat_map(move |dialect| of(&dialect.texts).iter().chain(dialect.texts.both)).copied()
}

/// Looks up the name of an event in all dialects.
pub(super) fn event(name: &str) -> EventName {
    let known = DIALECTS.iter().flat_map(|dialect| dialect.events).find(|(known, _)| *known == name);
    known.map_or(EventName::NONE, |(_, event)| *event)
}

/// Looks up the API whose answers name their shape so.
pub(super) fn api_of_object(name: &str) -> Option<Api> {
    let known = DIALECTS.iter().flat_map(|dialect| dialect.objects).find(|(known, _)| *known == name);
    known.map(|(_, api)| *api)
}

/// Finds the convention that an object follows, by its keys up to the first that leaves no doubt, or to a syntax error. `None`
/// when none of them is a counter that is known.
pub(super) fn convention_of(json: &[u8]) -> Option<&'static Convention> {
    let mut best: Option<(&'static Convention, Sure)> = None;
    let text = text(json);
    let mut reader = Reader::new(&text);
    if let Ok(mut members) = reader.members() {
        while let Ok(Some(key)) = members.next(&mut reader) {
            best = match (best, convention_with(&key)) {
                (Some(known), Some(new)) if new.1 <= known.1 => Some(known),
                (known, new) => new.or(known),
            };
            if best.is_some_and(|(_, sure)| sure == Sure::Certain) || reader.skip().is_err() {
                break;
            }
        }
    }
    best.map(|(convention, _)| convention)
}

/// Finds the convention that has such a key, and how surely the key identifies it.
fn convention_with(key: &str) -> Option<(&'static Convention, Sure)> {
    DIALECTS.iter().flat_map(|dialect| dialect.usage).find_map(|convention| {
        let (_, sure) = convention.keys.iter().find(|(known, _)| *known == key)?;
        Some((convention, *sure))
    })
}

/// Reads the usage in the headers of an answer.
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

/// Returns the kind of an API's calls.
pub(super) fn operation(api: Api) -> Operation {
    spoken(api).map_or(Operation::Other, |spoken| spoken.operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_tell_the_convention() {
        for (json, key) in [
            (r#"{"prompt_tokens":1,"total_tokens":1}"#, Some("prompt_tokens")),
            (r#"{"cache_creation":{},"prompt_tokens":1}"#, Some("prompt_tokens")),
            (r#"{"input_tokens":1,"output_tokens":1,"total_tokens":2}"#, Some("input_tokens")),
            (r#"{"total_tokens":2}"#, Some("prompt_tokens")),
            (r#"{"seconds":2,"type":"duration"}"#, Some("prompt_tokens")),
            (r#"{"input_tokens":1,"cache_read_input_tokens":0}"#, Some("cache_read_input_tokens")),
            (r#"{"promptTokenCount":1}"#, Some("promptTokenCount")),
            (r#"{"total_input_tokens":1,"total_tokens":2}"#, Some("total_input_tokens")),
            (r#"{"inputTokens":1,"outputTokens":1}"#, Some("inputTokens")),
            (r#"{"inputTokenCount":1}"#, Some("inputTokenCount")),
            (r#"{"billed_units":{"search_units":1}}"#, Some("billed_units")),
            (r#"{"nested":{"prompt_tokens":1}}"#, None),
            ("{}", None),
            ("[]", None),
            ("null", None),
        ] {
            let first = convention_of(json.as_bytes()).map(|convention| convention.keys[0].0);
            assert_eq!(first, key, "{json}");
        }
    }
}
