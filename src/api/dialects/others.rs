//! Routes and counters that only one provider has.

use super::{Call, Dialect};
use crate::api::call::decoded;
use crate::api::fields::{ItemMember, ItemOf, Member, NAME, NUMBER, USAGE};
use crate::record::{Operation, Text};
use http::Method;

pub(super) const DIALECT: Dialect = Dialect {
    route,
    members: &[
        ("batch_id", Member::Id, NAME),
        // Mistral's conversations.
        ("outputs[].type", Member::Item(ItemOf::Answer, ItemMember::Type), NAME),
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

fn route(_: &Method, segments: &[&str]) -> Option<Call> {
    let model = |model: &str| Call::UNKNOWN.with_model(Text::new(model).ok());
    Some(match segments {
        // Databricks.
        ["invocations", name, "serving-endpoints", ..] => model(&decoded(name)),
        // Replicate.
        ["predictions", name, owner, "models", ..] => model(&format!("{}/{}", decoded(owner), decoded(name))),
        // Cloudflare.
        [name, vendor, prefix, "run", "ai", ..] if prefix.starts_with('@') => {
            model(&format!("{prefix}/{vendor}/{name}"))
        }
        ["tokenize" | "detokenize", ..] => Call::COUNT,
        ["chat", ..] => Call { operation: Operation::Chat, ..Call::UNKNOWN },
        _ => return None,
    })
}
