//! The pages for people.
//!
//! Each is whole without a script: state is in the address, forms are plain, charts are drawn here. The script brings new figures
//! in, and small comforts.

mod activity;
mod chart;
mod columns;
pub(super) mod format;
mod frame;
mod health;
mod over_time;
mod user;
mod users;

use super::answer;
use super::body::DashboardBody;
use super::problem::Problem;
use super::question::Question;
use super::route::Page;
use super::settings::Settings;
use crate::report::{Report, Scope};
use askama::Template;
use frame::Frame;
use http::{Response, StatusCode};

/// The page that the root leads to: people who may see one row only have no use for a table.
pub(super) fn first(scope: &Scope) -> &'static str {
    match scope {
        Scope::Only(_) => "user",
        Scope::All | Scope::Nothing => "users",
    }
}

pub(super) async fn answer<R: Report>(
    page: Page,
    question: Question<R>,
) -> Result<Response<DashboardBody>, Problem> {
    let html = match page {
        Page::Users => render(&users::page(&question).await?),
        Page::User => render(&user::page(&question).await?),
        Page::Activity => render(&activity::page(&question).await?),
        Page::Health => render(&health::page(&question).await?),
    };
    html.map(answer::page)
}

fn render(page: &impl Template) -> Result<String, Problem> {
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written");
    page.render().map_err(failed)
}

/// What is wrong with a request, for a person.
#[derive(Debug, Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    problem: &'a Problem,
}

pub(super) fn problem(settings: &Settings, problem: &Problem) -> String {
    let page = ProblemPage { frame: Frame::bare(settings), problem };
    render(&page).unwrap_or_else(|_| String::new())
}
