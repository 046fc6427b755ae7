//! Answers that several questions to the report make up together.

use super::question::Question;
use super::rejection::Rejection;
use crate::record::Record;
use crate::report::{Breakdown, Gaps, GroupBy, GroupName, Overview, Report, Series, UserQuery, UserSummary};
use http::StatusCode;

/// What the page of one user shows.
#[derive(Debug)]
pub(super) struct OneUser {
    pub(super) summary: UserSummary,
    pub(super) gaps: Gaps,
    pub(super) models: Breakdown,
    pub(super) series: Series,
    pub(super) calls: Vec<Record>,
}

/// The number of last calls that are shown of a user.
const LAST_CALLS: usize = 20;

impl OneUser {
    pub(super) async fn of<R: Report>(question: &Question<R>) -> Result<Self, Rejection> {
        if question.only().is_none() {
            let what = "must be the id of a user (or row must be nobody or other)";
            return Err(Rejection::of("id", what));
        }
        let mut page = question.users(&UserQuery::new().limit(1)).await?;
        let summary = page.rows.pop().or_else(|| page.other.take()).ok_or_else(|| Rejection {
            status: StatusCode::NOT_FOUND,
            ..Rejection::of("id", "no calls of this user in this range, or none that you may see")
        })?;
        let step = question.step(&summary.totals)?;
        Ok(Self {
            summary,
            gaps: page.gaps,
            models: question.breakdown(&GroupBy::Model).await?,
            series: question.series(step).await?,
            calls: question.last_calls(LAST_CALLS).await?,
        })
    }
}

/// What the *Health* page shows.
#[derive(Debug)]
pub(super) struct Health {
    pub(super) overview: Overview,
    /// Why usage is absent, and of how many calls.
    pub(super) absent: Vec<(String, u64)>,
}

impl Health {
    pub(super) async fn of<R: Report>(question: &Question<R>) -> Result<Self, Rejection> {
        let overview = question.overview().await?;
        let absent = question.breakdown(&GroupBy::AbsentUsage).await?.groups.into_iter();
        let absent = absent.filter_map(|group| {
            let reason = match group.name {
                GroupName::Is(reason) => reason.to_string(),
                GroupName::Absent => return None,
                _ => "not_kept".to_owned(),
            };
            Some((reason, group.totals.requests()))
        });
        Ok(Self { absent: absent.collect(), overview })
    }
}
