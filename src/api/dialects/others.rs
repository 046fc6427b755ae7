//! Routes and counters that only one provider has.

use super::dialect::Dialect;
use crate::api::members::{ItemMember, ItemOf, Member, NAME, NUMBER, USAGE};
use crate::api::route::{ApiRoute, decoded};
use crate::record::{Operation, Text};
use http::Method;

pub(super) const DIALECT: Dialect = Dialect {
    route,
    members: &[
        ("batch_id", Member::Id, NAME),
        // Mistral's conversations.
        ("outputs[].type", Member::item(ItemOf::Answer, ItemMember::Type), NAME),
        ("result.usage", Member::UsageIfKnown, USAGE),
        // Aleph Alpha; Replicate; llama.cpp.
        ("num_tokens_prompt_total", Member::InputTokens, NUMBER),
        ("num_tokens_generated", Member::OutputTokens, NUMBER),
        ("metrics.input_token_count", Member::InputTokens, NUMBER),
        ("metrics.output_token_count", Member::OutputTokens, NUMBER),
        ("tokens_evaluated", Member::InputTokens, NUMBER),
        ("tokens_predicted", Member::OutputTokens, NUMBER),
    ],
    ..Dialect::NONE
};

fn route(_: &Method, segments: &[&str]) -> Option<ApiRoute> {
    let model = |model: &str| ApiRoute::UNKNOWN.with_model(Text::new(model).ok());
    Some(match segments {
        // Databricks.
        ["invocations", name, "serving-endpoints", ..] => model(&decoded(name)),
        // Replicate.
        ["predictions", name, owner, "models", ..] => model(&format!("{}/{}", decoded(owner), decoded(name))),
        // Cloudflare.
        [name, vendor, prefix, "run", "ai", ..] if prefix.starts_with('@') => {
            model(&format!("{prefix}/{vendor}/{name}"))
        }
        ["tokenize" | "detokenize", ..] => ApiRoute::COUNT,
        ["chat", ..] => ApiRoute { operation: Operation::Chat, ..ApiRoute::UNKNOWN },
        _ => return None,
    })
}
