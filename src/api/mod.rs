//! Which API a call speaks, which fields matter there, and what usage means.

mod anthropic;
mod bedrock;
mod cohere;
mod error_code;
mod family;
mod fields;
mod found;
mod google;
mod head;
mod host;
mod lenient;
mod openai;
mod path;
mod request;
mod response;
mod route;
mod sse;
mod usage;

#[cfg(test)]
mod tests;

pub(crate) use request::{BodyFields, RequestFacts, RequestReader};
pub(crate) use response::{Ended, ResponseFacts, ResponseReader};
pub(crate) use route::Route;
