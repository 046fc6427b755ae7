//! Activity over time.

use super::totals::Totals;
use super::users::Gaps;
use super::window::Step;
use std::time::SystemTime;

/// One step of a [`Series`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Point {
    /// Where it begins.
    pub start: SystemTime,
    /// Where it ends; the moment itself is the next step's.
    pub end: SystemTime,
    /// The local date (with the hour, where steps are hours) of the start: `2026-03-01`, `2026-03-01T17:00`, `2026-03`.
    pub label: String,
    /// What the calls that started within add up to.
    pub totals: Totals,
    /// Distinct users with at least one of the calls. Calls without a user are no user's.
    pub active_users: u64,
    /// Of these, users of whose calls none is earlier, before the window included.
    pub new_users: u64,
}

impl Point {
    /// Active users who had calls before this step.
    pub fn returning_users(&self) -> u64 {
        self.active_users.saturating_sub(self.new_users)
    }
}

/// What happened over time, in steps that add up to the window. Steps without calls are there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Series {
    /// The length of the steps.
    pub step: Step,
    /// The steps in order. The first and the last one are cut off where the window is.
    pub points: Vec<Point>,
    /// What is missing. The users in the shared row are counted among no step's users.
    pub gaps: Gaps,
}

impl Series {
    /// The most points that a series has.
    pub const MAX_POINTS: usize = 20_000;
}

/// Retention by week of first use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// One cohort for each week in which somebody came, in order.
    pub cohorts: Vec<Cohort>,
    /// What is missing. The users in the shared row are in no cohort.
    pub gaps: Gaps,
}

/// The users whose first call was within one week.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cohort {
    /// The start of the week, Monday in the question's zone.
    pub start: SystemTime,
    /// The local date of the start.
    pub label: String,
    /// How many they are.
    pub users: u64,
    /// How many of them had a call in their first week (all), the week after, and so on, to the last week of the
    /// window.
    pub active: Vec<u64>,
}
