//! Ollama's own API. What it serves in OpenAI's dialect is read as that.

use super::dialect::{Dialect, Home, Spoken, TextPlaces};
use crate::api::members::{Member, NAME, NUMBER};
use crate::api::route::ApiRoute;
use crate::record::{Api, Operation, Provider, ProviderSource};
use crate::wire::select::InPieces::Strings;

pub(super) const DIALECT: Dialect = Dialect {
    apis: &[
        Spoken::text(Api::OllamaChat, Operation::Chat),
        Spoken::text(Api::OllamaGenerate, Operation::TextCompletion),
    ],
    at_home: Some(at_home),
    members: &[
        ("message.role", Member::Role, NAME),
        ("prompt_eval_count", Member::InputTokens, NUMBER),
        ("eval_count", Member::OutputTokens, NUMBER),
        ("done", Member::Done, NUMBER),
    ],
    content: &["message.content", "message.thinking", "message.tool_calls"],
    texts: TextPlaces {
        both: &[("message.content", Strings), ("message.thinking", Strings), ("response", Strings)],
        ..TextPlaces::NONE
    },
    ..Dialect::NONE
};

/// Settles the routes of Ollama's host, or else of its port. What answers there in another shape may be anything.
fn at_home(home: &Home<'_>, route: &mut ApiRoute) {
    let Some(native) = home.path.strip_prefix("/api/").map(|rest| rest.trim_end_matches('/')) else { return };
    if home.host != Some(&Provider::OLLAMA) && home.port != Some(11434) {
        return;
    }
    let (api, operation) = match native {
        "chat" => (Api::OllamaChat, Operation::Chat),
        "generate" => (Api::OllamaGenerate, Operation::TextCompletion),
        "embed" | "embeddings" => (Api::Embeddings, Operation::Embeddings),
        "tags" | "ps" | "show" => (Api::Models, Operation::Other),
        _ => (Api::Management, Operation::Other),
    };
    route.consumes &= !matches!(api, Api::Models | Api::Management);
    (route.api, route.operation) = (Some(api), operation);
    route.name_provider(Provider::OLLAMA, ProviderSource::Host);
}
