//! Which API a call speaks, which of its fields matter, and what its usage means.
//!
//! An [`ApiRoute`] is what the head of a request says. A [`RequestReader`] takes the body of the request as it passes and
//! finds the user, the model and the options; a [`ResponseReader`] takes the body of the answer and finds the model, the
//! usage, the last event and the error. Both take pieces of any length, keep a small bounded state and never fail:
//! what cannot be read becomes a reason.
//!
//! An answer is read by its shape. One table (`interest.rs`) names all the places where any known API puts what matters,
//! so that a gateway on its own route is read as well. The path is a hint, and it guards against answers that only look
//! like consumption, such as token counts. What was found is kept as it was written (`response_state.rs`,
//! `stated_usage.rs`) and read once, at the end, by the convention that its keys show. Each provider's convention is
//! brought into the one form of [`Usage`](crate::record::Usage) in a file of its own (`dialects/`).

mod binary;
mod body;
mod decoded;
mod details;
mod dialects;
mod error_code;
mod family;
mod flaws;
mod head;
mod host;
mod hosted_tools;
mod hosts;
mod interest;
mod late;
mod lenient;
mod members;
mod path;
mod rare_figures;
mod reading;
mod request;
mod request_members;
mod response;
mod response_state;
mod route;
mod routes;
mod routing;
mod shape;
mod sse;
mod stated_usage;
mod texts;
mod tool_items;
mod usage_object;

#[cfg(test)]
mod tests;

pub(crate) use family::provider_of_models;
pub(crate) use request::{RequestFacts, RequestReader};
pub(crate) use request_members::RequestMembers;
pub(crate) use response::{Ended, ResponseReader};
pub(crate) use route::ApiRoute;
pub(crate) use routes::Routes;
pub(crate) use texts::RequestTexts;
