//! Which calls a question is about.

use super::filter::{CallFilter, Scope};
use super::who::Who;
use super::window::Window;
use super::zone::Zone;
use crate::record::Record;

/// Which calls a question is about: whose, when, of which kind; and the zone whose days, weeks and months are meant.
/// By default, these are all calls of everybody at all times, in UTC.
///
/// ```
/// use std::time::SystemTime;
/// use tower_llm_metrics::UserId;
/// use tower_llm_metrics::report::{Selection, Window};
///
/// let alice = UserId::new("alice").unwrap();
/// let selection = Selection::new().scope(alice).window(Window::until(SystemTime::now()));
/// assert!(selection.get_window().start().is_none());
/// ```
#[derive(Clone, Debug)]
pub struct Selection {
    pub(crate) scope: Scope,
    pub(crate) calls: CallFilter,
    pub(crate) window: Window,
    pub(crate) zone: Zone,
}

impl Default for Selection {
    fn default() -> Self {
        Self { scope: Scope::All, calls: CallFilter::All, window: Window::ALL, zone: Zone::UTC }
    }
}

impl Selection {
    /// Selects all calls.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whose calls. Defaults to everybody's.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Scope>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Sets which calls count. Defaults to all. Users without such a call are in no answer.
    #[must_use]
    pub fn calls(mut self, filter: CallFilter) -> Self {
        self.calls = filter;
        self
    }

    /// Sets from when to when. Defaults to all time.
    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// Sets the zone whose days, weeks and months are meant. Defaults to UTC.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }

    /// Returns whose calls.
    pub fn get_scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns which calls count.
    pub fn get_calls(&self) -> &CallFilter {
        &self.calls
    }

    /// Returns from when to when.
    pub fn get_window(&self) -> Window {
        self.window
    }

    /// Returns the zone whose days, weeks and months are meant.
    pub fn get_zone(&self) -> &Zone {
        &self.zone
    }

    /// Whether the call of `record` is among those that the question is about.
    pub fn matches(&self, record: &Record) -> bool {
        let who = record.user_id().map_or(Who::Nobody, |id| Who::User(id.clone()));
        self.window.contains(record.time) && self.scope.sees(&who) && self.calls.matches(record)
    }
}
