//! IBM watsonx: text generation of its own, and chat in OpenAI's shape.

use super::dialect::{Dialect, Spoken, TextPlaces};
use crate::api::members::{Member, NAME, NUMBER};
use crate::api::route::ApiRoute;
use crate::record::{Api, Operation};
use crate::wire::select::InPieces::Strings;
use http::Method;

pub(super) const DIALECT: Dialect = Dialect {
    apis: &[Spoken::text(Api::Watsonx, Operation::TextCompletion)],
    route,
    members: &[
        ("model_id", Member::Model, NAME),
        ("results[].input_token_count", Member::LargestInputTokens, NUMBER),
        ("results[].generated_token_count", Member::LargestOutputTokens, NUMBER),
    ],
    content: &["results[].generated_text"],
    texts: TextPlaces { both: &[("results[].generated_text", Strings)], ..TextPlaces::NONE },
    ..Dialect::NONE
};

fn route(_: &Method, segments: &[&str]) -> Option<ApiRoute> {
    Some(match segments {
        ["chat" | "chat_stream", "text", "v1" | "v1-beta", "ml", ..] => {
            ApiRoute::new(Api::ChatCompletions, Operation::Chat)
        }
        ["generation" | "generation_stream", "text", _, "ml", ..]
        | ["text" | "text_stream", "generation", _, "ml", ..] => {
            ApiRoute::new(Api::Watsonx, Operation::TextCompletion)
        }
        _ => return None,
    })
}
