//! Callbacks when a user crosses a threshold.

use super::gather::Span;
use super::history::History;
use crate::record::{Record, Usd};
use crate::report::instant::{QUARTERS_PER_DAY, from_micros, quarter_of, to_micros};
use crate::report::{Step, Totals, Who, Zone};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// What an alert watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Watch {
    /// The cost of priced requests, in pico-dollars (1e-12 USD).
    Cost,
    /// All requests.
    Requests,
    /// Tokens in and out.
    Tokens,
}

impl Watch {
    fn of(self, totals: &Totals) -> i128 {
        match self {
            Self::Cost => totals.cost().unwrap_or_default().picos(),
            Self::Requests => totals.requests().into(),
            Self::Tokens => totals.tokens().unwrap_or(0).into(),
        }
    }
}

/// A threshold for what one user may do within an hour, a day, a week or a month before somebody wants to know.
///
/// It fires at the edge: with the call that brings the sum of a window to the limit or above it, once per user and
/// window. The row of calls without a user, and that of users beyond the store's limit, are watched as one user each.
/// A call counts in the window of its start as long as that window is the user's latest or the one before. Restored
/// records count and do not fire, since they may have fired before; merged ones do not count. A spike is measured against the
/// days before as they were known when the first call of the day was added.
///
/// ```
/// use tower_llm_metrics::report::Step;
/// use tower_llm_metrics::sink::memory::{Alert, Watch};
/// use tower_llm_metrics::{MemorySink, Usd};
///
/// let users = MemorySink::builder()
///     .alert(Alert::cost(Usd::from_dollars(20)).per(Step::Month), |fired| eprintln!("{fired}"))
///     .alert(Alert::spike(Watch::Requests, 10), |fired| eprintln!("{fired}"))
///     .build();
/// # drop(users);
/// ```
#[derive(Clone, Debug)]
pub struct Alert {
    watch: Watch,
    step: Step,
    zone: Zone,
    rule: Rule,
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    Limit(i128),
    Spike { times: u32, floor: i128 },
}

/// Days before today that a spike is measured against.
const SPIKE_DAYS: i32 = 28;
/// Active days that it takes to know what is usual.
const SPIKE_MIN_DAYS: usize = 3;

impl Alert {
    fn new(watch: Watch, rule: Rule) -> Self {
        Self { watch, step: Step::Day, zone: Zone::UTC, rule }
    }

    /// So much cost per day.
    pub fn cost(limit: Usd) -> Self {
        Self::new(Watch::Cost, Rule::Limit(limit.picos()))
    }

    /// So many requests per day.
    pub fn requests(limit: u64) -> Self {
        Self::new(Watch::Requests, Rule::Limit(limit.into()))
    }

    /// So many tokens per day.
    pub fn tokens(limit: u64) -> Self {
        Self::new(Watch::Tokens, Rule::Limit(limit.into()))
    }

    /// Today is `times` the user's own median day or more: the median of the active days among the 28 before today,
    /// of which there must be three. It is taken with the first call of the day.
    pub fn spike(watch: Watch, times: u32) -> Self {
        Self::new(watch, Rule::Spike { times, floor: 1 })
    }

    /// A spike only from this sum on, in what is watched (pico-dollars for cost): ten times next to nothing is
    /// nothing.
    #[must_use]
    pub fn at_least(mut self, sum: i128) -> Self {
        if let Rule::Spike { floor, .. } = &mut self.rule {
            *floor = sum.max(1);
        }
        self
    }

    /// Per hour, week or month instead of per day. A spike is always one of a day.
    #[must_use]
    pub fn per(mut self, step: Step) -> Self {
        if let Rule::Limit(_) = self.rule {
            self.step = step;
        }
        self
    }

    /// The zone whose days, weeks and months are meant.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }

    /// The limit of a window that begins at `start`. `days`: what the days before were, by their number.
    fn limit(&self, start: i64, days: impl FnOnce() -> BTreeMap<i32, i128>) -> Option<i128> {
        match self.rule {
            Rule::Limit(limit) => Some(limit),
            Rule::Spike { times, floor } => {
                let median = self.median_day(start, &days())?;
                let limit = median.saturating_mul(times.into());
                (median > 0).then_some(limit.max(floor))
            }
        }
    }

    fn median_day(&self, start: i64, days: &BTreeMap<i32, i128>) -> Option<i128> {
        let today = self.zone.day_of(quarter_of(start));
        let mut sums: Vec<_> = days.range(today - SPIKE_DAYS..today).map(|(_, sum)| *sum).collect();
        sums.sort_unstable();
        let middle = sums.len().div_ceil(2).checked_sub(1)?;
        sums.get(middle).copied().filter(|_| sums.len() >= SPIKE_MIN_DAYS)
    }

    /// What the days of a user add up to, in what is watched.
    fn days(&self, history: &History) -> BTreeMap<i32, i128> {
        let mut days: BTreeMap<i32, Totals> = BTreeMap::new();
        for part in history.parts() {
            let quarter = match part.span {
                Span::Quarter(quarter) => quarter,
                Span::Day(day, _) => day.saturating_mul(QUARTERS_PER_DAY),
                Span::Ever(_) => continue,
            };
            days.entry(self.zone.day_of(quarter)).or_default().merge_sums(part.totals);
        }
        days.into_iter().map(|(day, totals)| (day, self.watch.of(&totals))).collect()
    }
}

/// An alert that fired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fired {
    /// Whose calls.
    pub who: Who,
    /// What was watched.
    pub watch: Watch,
    /// The length of the window.
    pub step: Step,
    /// Where the window begins.
    pub start: SystemTime,
    /// Where it ends.
    pub end: SystemTime,
    /// What the window adds up to with the call that fired; pico-dollars for cost.
    pub sum: i128,
    /// The limit that it reached.
    pub limit: i128,
}

/// One line: `alice: cost 20.01 of 20 in the month from 2026-03-01T00:00:00Z`.
impl fmt::Display for Fired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.who)?;
        match self.watch {
            Watch::Cost => {
                write!(f, "cost {} of {}", Usd::from_picos(self.sum), Usd::from_picos(self.limit))?;
            }
            Watch::Requests => write!(f, "requests {} of {}", self.sum, self.limit)?,
            Watch::Tokens => write!(f, "tokens {} of {}", self.sum, self.limit)?,
        }
        let start = crate::report::instant::rfc3339(self.start);
        write!(f, " in the {} from {start}", self.step.as_str())
    }
}

/// One window of one alert for one user.
#[derive(Clone, Copy, Debug)]
struct Open {
    start: i64,
    end: i64,
    sum: i128,
    // Not known where there is too little to compare with.
    limit: Option<i128>,
    fired: bool,
}

/// The latest windows of one alert for one user.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    latest: Option<Open>,
    before: Option<Open>,
}

/// The windows of a row that is no user's. Its calls are spread over all shards, so that what its days add up to is kept
/// here.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    states: Vec<State>,
    /// For each alert, the days that a spike is measured against.
    days: Vec<BTreeMap<i32, i128>>,
}

type Callback = Arc<dyn Fn(&Fired) + Send + Sync>;

/// The alerts of a store.
#[derive(Clone, Default)]
pub(crate) struct Alerts {
    alerts: Vec<(Alert, Callback)>,
    panics: Arc<AtomicU64>,
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.alerts.iter().map(|(alert, _)| alert)).finish()
    }
}

impl Alerts {
    pub(crate) fn push(&mut self, alert: Alert, callback: Callback) {
        self.alerts.push((alert, callback));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }

    /// Counts a call of a user; which alerts it fires.
    pub(crate) fn count(
        &self,
        states: &mut Vec<State>,
        who: impl Fn() -> Who,
        history: &History,
        record: &Record,
    ) -> Vec<(usize, Fired)> {
        self.count_with(states, who, |_, alert| alert.days(history), record)
    }

    /// The same for a row that is no user's.
    pub(crate) fn count_shared(
        &self,
        shared: &mut Shared,
        who: &Who,
        record: &Record,
    ) -> Vec<(usize, Fired)> {
        let Shared { states, days } = shared;
        days.resize_with(self.alerts.len(), BTreeMap::new);
        let fired = {
            let days = |at: usize, _: &Alert| days.get(at).cloned().unwrap_or_default();
            self.count_with(states, || who.clone(), days, record)
        };
        let (quarter, call) = (quarter_of(to_micros(record.time)), [record].into_iter().collect());
        for ((alert, _), days) in self.alerts.iter().zip(days) {
            if let Rule::Spike { .. } = alert.rule {
                let sum = days.entry(alert.zone.day_of(quarter)).or_default();
                *sum = sum.saturating_add(alert.watch.of(&call));
                // Today, and those before it that count.
                while days.len() > SPIKE_DAYS as usize + 1 {
                    days.pop_first();
                }
            }
        }
        fired
    }

    /// `days`: what the days before were, for one of the alerts.
    fn count_with(
        &self,
        states: &mut Vec<State>,
        who: impl Fn() -> Who,
        days: impl Fn(usize, &Alert) -> BTreeMap<i32, i128>,
        record: &Record,
    ) -> Vec<(usize, Fired)> {
        // Not a byte more: there is one for each user.
        states.reserve_exact(self.alerts.len().saturating_sub(states.len()));
        states.resize(self.alerts.len(), State::default());
        let micros = to_micros(record.time);
        let call: Totals = [record].into_iter().collect();
        let mut fired = Vec::new();
        for (at, ((alert, _), state)) in self.alerts.iter().zip(states).enumerate() {
            let Some(open) = state.open(alert, micros, || days(at, alert)) else { continue };
            open.sum = open.sum.saturating_add(alert.watch.of(&call));
            if let Some(limit) = open.limit.filter(|&limit| open.sum >= limit && !open.fired) {
                open.fired = true;
                let (start, end) = (from_micros(open.start), from_micros(open.end));
                let (watch, step) = (alert.watch, alert.step);
                fired.push((at, Fired { who: who(), watch, step, start, end, sum: open.sum, limit }));
            }
        }
        fired
    }

    /// Calls back. A panic of the callback is caught and counted.
    pub(crate) fn fire(&self, fired: &[(usize, Fired)]) {
        for (at, fired) in fired {
            if let Some((_, callback)) = self.alerts.get(*at)
                && catch_unwind(AssertUnwindSafe(|| callback(fired))).is_err()
            {
                self.panics.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

impl State {
    /// The window of a moment, if it is the latest or the one before.
    fn open(
        &mut self,
        alert: &Alert,
        micros: i64,
        days: impl FnOnce() -> BTreeMap<i32, i128>,
    ) -> Option<&mut Open> {
        let within = |open: &Option<Open>| open.is_some_and(|open| (open.start..open.end).contains(&micros));
        if !within(&self.latest) && !within(&self.before) {
            let start = alert.step.floor(&alert.zone, micros).ok()?;
            let end = alert.step.next(&alert.zone, micros).ok()?;
            let new = Open { start, end, sum: 0, limit: alert.limit(start, days), fired: false };
            if self.latest.is_none_or(|latest| latest.start < start) {
                self.before = self.latest.replace(new);
            } else if self.before.is_none_or(|before| before.start < start) {
                self.before = Some(new);
            }
        }
        if within(&self.latest) {
            return self.latest.as_mut();
        }
        self.before.as_mut().filter(|open| (open.start..open.end).contains(&micros))
    }
}
