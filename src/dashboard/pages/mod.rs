//! The pages for people.
//!
//! Each works without a script: state is in the address, forms are plain, charts are drawn on the server. The script fetches new
//! figures and adds small comforts.

mod activity;
mod chart;
mod columns;
mod format;
mod frame;
mod health;
mod over_time;
mod user;
mod users;

use super::answer;
use super::body::DashboardBody;
use super::question::Question;
use super::rejection::Rejection;
use super::route::Page;
use super::settings::DashboardSettings;
use crate::report::{Report, Scope};
use askama::Template;
use frame::Frame;
use http::{Response, StatusCode};

/// Returns the page that the root leads to: whoever may see one row only has no use for a table.
pub(super) fn first(scope: &Scope) -> Page {
    match scope {
        Scope::Only(_) => Page::User,
        Scope::All | Scope::Nothing => Page::Users,
    }
}

pub(super) async fn answer<R: Report>(
    page: Page,
    question: Question<R>,
) -> Result<Response<DashboardBody>, Rejection> {
    let html = match page {
        Page::Users => render(&users::page(&question).await?),
        Page::User => render(&user::page(&question).await?),
        Page::Activity => render(&activity::page(&question).await?),
        Page::Health => render(&health::page(&question).await?),
    };
    html.map(answer::page)
}

fn render(page: &impl Template) -> Result<String, Rejection> {
    let failed = |_| Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written");
    page.render().map_err(failed)
}

/// The page that says why a request is not answered.
#[derive(Debug, Template)]
#[template(path = "rejection.html")]
struct RejectionPage<'a> {
    frame: Frame,
    rejection: &'a Rejection,
}

pub(super) fn rejection(settings: &DashboardSettings, rejection: &Rejection) -> String {
    let page = RejectionPage { frame: Frame::bare(settings), rejection };
    render(&page).unwrap_or_else(|_| String::new())
}
