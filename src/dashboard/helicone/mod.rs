//! The questions about users in the forms of [Helicone's REST API](https://docs.helicone.ai/rest/user/post-v1usermetricsquery),
//! so that clients that were written for it keep working.
//!
//! Within these forms, the answers keep to what is known:
//!
//! * Times are in UTC. `timeZoneDifferenceMinutes` (UTC minus local time, as in JavaScript) decides on which days a user was active,
//!   and shifts no times.
//! * A `timeFilter` is widened to whole quarters of an hour, and to whole days of UTC where no more is kept.
//! * Calls without a user are the user `""`. The forms cannot say that a figure is not known: it is 0 there, and absent in our own
//!   answers.
//! * A condition that the report cannot decide is an error that names it, and is never ignored.

mod fields;
mod filter;
mod users;

use super::answer;
use super::body::DashboardBody;
use super::rejection::Rejection;
use super::route::Form;
use crate::report::{Report, Scoped};
use fields::JsonMembers;
use http::Response;
use serde::Serialize;

pub(super) async fn answer<R: Report>(
    form: Form,
    report: &Scoped<R>,
    body: &[u8],
) -> Result<Response<DashboardBody>, Rejection> {
    let body = std::str::from_utf8(body).map_err(|_| Rejection::of("body", "must be UTF-8"))?;
    let body = serde_json::from_str(body)
        .map_err(|error| Rejection::of("body", format_args!("is not JSON, at column {}", error.column())))?;
    let fields = JsonMembers::of("body", body)?;
    match form {
        Form::Metrics => success(users::metrics(report, &fields).await?),
        Form::Overview => success(users::overview(report, &fields).await?),
        Form::Users => success(users::totals(report, &fields).await?),
    }
}

/// An answer to a question that is not rejected.
#[derive(Serialize)]
struct Success<T> {
    data: T,
    error: (),
}

fn success(data: impl Serialize) -> Result<Response<DashboardBody>, Rejection> {
    answer::json(&Success { data, error: () })
}
