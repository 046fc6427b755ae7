//! The row of one user.

use super::instant::rfc3339;
use super::ratio::Ratio;
use super::totals::Totals;
use super::who::Who;
use crate::record::Text;
use std::fmt;

/// What the calls of one user add up to.
///
/// It is displayed as one line. Averages are in [`Totals`], with their denominators.
///
/// ```
/// use tower_llm_metrics::UserId;
/// use tower_llm_metrics::report::UserSummary;
///
/// let alice = UserSummary::new(UserId::new("alice").unwrap());
/// assert!(alice.to_string().starts_with("alice: 0 requests"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserSummary {
    /// Whose row it is.
    pub who: Who,
    /// What the calls add up to; first and last activity are over all of them.
    pub totals: Totals,
    /// Distinct days, in the question's zone, with at least one of the calls.
    pub active_days: u64,
    /// The models that answered (or were asked for, if none did), in order.
    pub models: Vec<Text>,
    /// Requests whose model could not be kept apart from others, so that it is not among `models`.
    pub other_models: u64,
    /// An upper bound on this user's earlier requests that are in the row of the other users, because the user was among
    /// the least active ones when the store was full.
    pub in_other: u64,
}

impl UserSummary {
    /// Creates the row of somebody without calls.
    pub fn new(who: impl Into<Who>) -> Self {
        Self {
            who: who.into(),
            totals: Totals::default(),
            active_days: 0,
            models: Vec::new(),
            other_models: 0,
            in_other: 0,
        }
    }

    /// Returns the requests over the active days.
    pub fn requests_per_active_day(&self) -> Ratio {
        Ratio::new(self.totals.requests(), self.active_days)
    }
}

/// One line: `alice: 3 requests (1 failed), 120 tokens in, 45 out, $0.0012, 2 active days, 2026-01-01T… to …`. A
/// figure that is not known is a dash.
impl fmt::Display for UserSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct OrDash<T>(Option<T>);
        impl<T: fmt::Display> fmt::Display for OrDash<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match &self.0 {
                    Some(value) => value.fmt(f),
                    None => f.write_str("-"),
                }
            }
        }
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let totals = &self.totals;
        write!(f, "{}: {} request{}", self.who, totals.requests(), plural(totals.requests()))?;
        let errors = totals.failed().saturating_add(totals.broken());
        if errors != 0 {
            write!(f, " ({errors} failed)")?;
        }
        write!(f, ", {} tokens in, {} out", OrDash(totals.input_tokens()), OrDash(totals.output_tokens()))?;
        match totals.cost() {
            Some(cost) => write!(f, ", ${cost}")?,
            None => f.write_str(", cost -")?,
        }
        let not_priced = totals.unpriced().saturating_add(totals.without_usage());
        if not_priced != 0 {
            write!(f, " ({not_priced} without a price)")?;
        }
        write!(f, ", {} active day{}", self.active_days, plural(self.active_days))?;
        write!(f, ", {}", OrDash(totals.first().map(rfc3339)))?;
        write!(f, " to {}", OrDash(totals.last().map(rfc3339)))
    }
}
