//! OpenAI's Assistants: threads, runs and steps.

use super::dialect::{Dialect, Spoken};
use crate::api::members::{ERROR, Member};
use crate::api::route::ApiRoute;
use crate::record::{Api, Operation};
use http::Method;

pub(super) const DIALECT: Dialect = Dialect {
    apis: &[Spoken::text(Api::Assistants, Operation::InvokeAgent)],
    route,
    members: &[("last_error", Member::Error, ERROR)],
    ..Dialect::NONE
};

fn route(method: &Method, segments: &[&str]) -> Option<ApiRoute> {
    let run = ApiRoute::new(Api::Assistants, Operation::InvokeAgent);
    Some(match segments {
        ["runs", "threads", ..] | ["submit_tool_outputs", _, "runs", _, "threads", ..] => run,
        ["runs", _, "threads", ..] if *method == Method::POST => run,
        ["runs", _, "threads", ..]
        | [_, "runs", _, "threads", ..]
        | ["steps" | "cancel", _, "runs", ..]
        | [_, "steps", _, "runs", ..] => run.repeated(),
        ["threads", ..]
        | [_, "threads", ..]
        | ["messages", _, "threads", ..]
        | [_, "messages", _, "threads", ..] => ApiRoute::MANAGEMENT,
        _ => return None,
    })
}
