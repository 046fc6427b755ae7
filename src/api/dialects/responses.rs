//! OpenAI's Responses.

use super::dialect::{Dialect, EventName, Spoken, TextPlaces};
use super::{anthropic, chat};
use crate::api::members::{ERROR, ItemMember, ItemOf, Member, NAME, NUMBER, ToolMember, USAGE};
use crate::api::reading::{Convention, Speaker, Sure};
use crate::api::route::ApiRoute;
use crate::record::{Api, Operation};
use crate::wire::select::InPieces::Strings;
use http::Method;

pub(super) const DIALECT: Dialect = Dialect {
    apis: &[Spoken::text(Api::Responses, Operation::Chat)],
    route,
    members: &[
        ("response.model", Member::Model, NAME),
        ("response.id", Member::Id, NAME),
        ("response.response_id", Member::Id, NAME),
        ("response.status", Member::Status, NAME),
        ("response.service_tier", Member::ServiceTier, NAME),
        ("response.error", Member::Error, ERROR),
        ("response.usage", Member::Usage, USAGE),
        ("tool_usage", Member::Tool(ToolMember::Usage), USAGE),
        ("response.tool_usage", Member::Tool(ToolMember::Usage), USAGE),
        ("output[].type", Member::item(ItemOf::Answer, ItemMember::Type), NAME),
        ("output[].action.type", Member::item(ItemOf::Answer, ItemMember::Action), NAME),
        ("output[].environment.type", Member::item(ItemOf::Answer, ItemMember::Environment), NAME),
        ("response.output[].type", Member::item(ItemOf::Answer, ItemMember::Type), NAME),
        ("response.output[].action.type", Member::item(ItemOf::Answer, ItemMember::Action), NAME),
        ("response.output[].environment.type", Member::item(ItemOf::Answer, ItemMember::Environment), NAME),
        ("item.type", Member::item(ItemOf::Event, ItemMember::Type), NAME),
        ("item.action.type", Member::item(ItemOf::Event, ItemMember::Action), NAME),
        ("item.environment.type", Member::item(ItemOf::Event, ItemMember::Environment), NAME),
        ("tools[].type", Member::item(ItemOf::Answer, ItemMember::Offered), NAME),
        ("response.tools[].type", Member::item(ItemOf::Answer, ItemMember::Offered), NAME),
        ("tools[].model", Member::Tool(ToolMember::Model), NAME),
        ("response.tools[].model", Member::Tool(ToolMember::Model), NAME),
        // A line of the results of a batch.
        ("custom_id", Member::BatchKey, NAME),
        ("response.status_code", Member::BatchResult, NUMBER),
    ],
    texts: TextPlaces {
        // Embeddings and moderations have an input too.
        request: &[
            ("instructions", Strings),
            ("input", Strings),
            ("input[]", Strings),
            ("input[].content", Strings),
            ("input[].content[].text", Strings),
            ("input[].arguments", Strings),
            ("input[].output", Strings),
        ],
        stream: &[("delta", Strings)],
        document: &[
            ("output[].content[].text", Strings),
            ("output[].content[].refusal", Strings),
            ("output[].summary[].text", Strings),
            ("output[].arguments", Strings),
        ],
        both: &[],
    },
    events: &[
        ("response.output_item.added", EventName { begins_item: true, ..EventName::NONE }),
        ("response.completed", EventName::LAST),
        ("response.incomplete", EventName::LAST),
        ("response.failed", EventName::FAILED),
    ],
    objects: &[("response", Api::Responses)],
    usage: &[Convention {
        // Anthropic's too, where the cache is not mentioned.
        keys: &[("input_tokens", Sure::Shared), ("output_tokens", Sure::Shared)],
        api: None,
        read: |json, speaker| match speaker {
            Speaker::Anthropic => anthropic::read(json),
            _ => chat::read(json, speaker == Speaker::Google),
        },
    }],
    ..Dialect::NONE
};

/// Routes `responses` and what is below it.
fn route(method: &Method, segments: &[&str]) -> Option<ApiRoute> {
    let response = ApiRoute::new(Api::Responses, Operation::Chat);
    Some(match segments {
        ["responses" | "compact", "responses", ..] | ["responses", ..] => response,
        ["input_tokens", "responses", ..] => ApiRoute::COUNT,
        ["input_items", _, "responses", ..] => ApiRoute::MANAGEMENT,
        [_, "responses", ..] if *method == Method::DELETE => ApiRoute::MANAGEMENT,
        ["cancel", _, "responses", ..] => response.repeated(),
        [_, "responses", ..] if *method != Method::POST => response.repeated(),
        _ => return None,
    })
}
