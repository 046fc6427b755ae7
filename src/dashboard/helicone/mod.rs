//! The questions about users in the forms of [Helicone's REST API](https://docs.helicone.ai/rest/user/post-v1usermetricsquery),
//! so that clients that were written for it keep working.
//!
//! Where the two differ, the difference is on the side of the truth, and within the form:
//!
//! * Moments are in UTC. `timeZoneDifferenceMinutes` (as JavaScript has it: UTC minus local time) decides on which days a user was
//!   active, and moves no moment.
//! * A `timeFilter` is widened to whole quarters of an hour, and to whole days of UTC where no more is kept.
//! * Calls without a user are the user `""`. The form has no word for what is not known: it is 0 there, and absent in our own
//!   answers.
//! * What a filter asks for and the report can't tell is an error that names it, never ignored.

mod fields;
mod filter;
mod users;

use super::answer;
use super::body::DashboardBody;
use super::problem::Problem;
use super::route::Form;
use crate::report::{Report, Scoped};
use fields::Fields;
use http::Response;

pub(super) async fn answer<R: Report>(
    form: Form,
    report: &Scoped<R>,
    body: &[u8],
) -> Result<Response<DashboardBody>, Problem> {
    let body = std::str::from_utf8(body).map_err(|_| Problem::of("body", "must be UTF-8"))?;
    let body = serde_json::from_str(body)
        .map_err(|error| Problem::of("body", format_args!("is not JSON, at column {}", error.column())))?;
    let fields = Fields::of("body", body)?;
    let data = match form {
        Form::Metrics => users::metrics(report, &fields).await?,
        Form::Overview => users::overview(report, &fields).await?,
        Form::Users => users::totals(report, &fields).await?,
    };
    Ok(answer::json(format!(r#"{{"data":{data},"error":null}}"#)))
}
