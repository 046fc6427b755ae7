//! Activity over time.

use super::error::QueryError;
use super::gaps::Gaps;
use super::instant::from_micros;
use super::totals::Totals;
use super::window::{Step, Window};
use super::zone::Zone;
use std::time::SystemTime;

/// One step of a [`Series`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Point {
    /// The start.
    pub start: SystemTime,
    /// The end, which belongs to the next step.
    pub end: SystemTime,
    /// The local date (with the hour, where steps are hours) of the start: `2026-03-01`, `2026-03-01T17:00`, `2026-03`.
    pub label: String,
    /// What the calls that started within it add up to.
    pub totals: Totals,
    /// The number of users with at least one of the calls. Calls without a user are not a user's.
    pub active_users: u64,
    /// The number of these users without any earlier call, even before the window.
    pub new_users: u64,
}

impl Point {
    /// Creates a step without calls.
    pub fn new(step: Step, zone: &Zone, start: SystemTime, end: SystemTime) -> Self {
        let label = step.label(zone, start);
        Self { start, end, label, totals: Totals::default(), active_users: 0, new_users: 0 }
    }

    /// Returns the number of active users who had calls before this step.
    pub fn returning_users(&self) -> u64 {
        self.active_users.saturating_sub(self.new_users)
    }
}

/// What happened over time, in steps that add up to the window, those without calls included.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Series {
    /// The length of the steps.
    pub step: Step,
    /// The steps in order. The first and the last one are cut off at the bounds of the window.
    pub points: Vec<Point>,
    /// What is missing. The users beyond the store's limit are not counted in any step.
    pub gaps: Gaps,
}

impl Series {
    /// The most points that a series has.
    pub const MAX_POINTS: usize = 20_000;

    /// Creates a series without steps.
    pub fn new(step: Step) -> Self {
        Self { step, points: Vec::new(), gaps: Gaps::default() }
    }

    /// Creates a series of the steps that a window is made of, without calls.
    ///
    /// # Errors
    /// When the window has no bounds, or more than [`MAX_POINTS`](Self::MAX_POINTS) steps.
    pub fn of_window(step: Step, zone: &Zone, window: Window) -> Result<Self, QueryError> {
        let edges = step.edges(zone, window.bounds(), Self::MAX_POINTS)?;
        let moments = edges.iter().map(|&edge| from_micros(edge));
        let points =
            moments.clone().zip(moments.skip(1)).map(|(start, end)| Point::new(step, zone, start, end));
        Ok(Self { points: points.collect(), ..Self::new(step) })
    }
}

/// How many users came back, by the week of their first call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// One cohort for each week in which a user came for the first time, in order.
    pub cohorts: Vec<Cohort>,
    /// What is missing. The users beyond the store's limit are in no cohort.
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
    /// The number of these users.
    pub users: u64,
    /// The number of them with a call in their first week (all of them), the week after, and so on, to the last week of
    /// the window.
    pub active: Vec<u64>,
}

impl Cohort {
    /// Creates the cohort of the week that begins at `start`, without users.
    pub fn new(zone: &Zone, start: SystemTime) -> Self {
        Self { start, label: Step::Week.label(zone, start), users: 0, active: Vec::new() }
    }
}
