//! Which calls a question is about.

use super::filter::{CallFilter, Scope};
use super::window::Window;
use super::zone::Zone;

/// Which calls a question is about: whose, when, of which kind; and the zone whose days, weeks and months are meant.
/// Without more it is all calls of everybody at all times, in UTC.
///
/// ```
/// use std::time::SystemTime;
/// use tower_llm_metrics::UserId;
/// use tower_llm_metrics::report::{Selection, Window};
///
/// let alice = UserId::new("alice").unwrap();
/// let selection = Selection::new().scope(alice).window(Window::until(SystemTime::now()));
/// # let _ = selection;
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
    /// All calls.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whose calls.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Scope>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Which calls.
    #[must_use]
    pub fn calls(mut self, filter: CallFilter) -> Self {
        self.calls = filter;
        self
    }

    /// From when to when.
    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// Whose calendar.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }
}
