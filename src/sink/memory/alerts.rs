//! Counting calls for alerts, and calling back.

use super::alert::{Alert, Fired, Rule};
use crate::record::Record;
use crate::report::instant::{from_micros, quarter_of, to_micros};
use crate::report::{Totals, Who};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The days before today that a spike is measured against.
const SPIKE_DAYS: i32 = 28;
/// How many of them must be active for their median to mean something.
const SPIKE_MIN_DAYS: usize = 3;

type OnFired = Arc<dyn Fn(&Fired) + Send + Sync>;

/// The alerts of a store.
#[derive(Clone, Default)]
pub(crate) struct Alerts {
    alerts: Vec<(Alert, OnFired)>,
    panics: Arc<AtomicU64>,
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.alerts.iter().map(|(alert, _)| alert)).finish()
    }
}

impl Alerts {
    pub(crate) fn push(&mut self, alert: Alert, callback: OnFired) {
        self.alerts.push((alert, callback));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }

    /// Counts a call in `states`, one for each alert, and returns which alerts it fires.
    pub(crate) fn count(
        &self,
        states: &mut Vec<AlertState>,
        who: impl Fn() -> Who,
        record: &Record,
    ) -> Vec<(usize, Fired)> {
        // Without spare capacity, since every user has such a list.
        states.reserve_exact(self.alerts.len().saturating_sub(states.len()));
        states.resize_with(self.alerts.len(), AlertState::default);
        let micros = to_micros(record.time);
        let call: Totals = [record].into_iter().collect();
        let mut fired = Vec::new();
        for (at, ((alert, _), state)) in self.alerts.iter().zip(states).enumerate() {
            if let Some((window, limit)) = state.count(alert, micros, alert.watch.of(&call)) {
                let (start, end) = (from_micros(window.start), from_micros(window.end));
                let (watch, step) = (alert.watch, alert.step);
                fired.push((at, Fired { who: who(), watch, step, start, end, sum: window.sum, limit }));
            }
        }
        fired
    }

    /// Calls back. A panic of a callback is caught and counted.
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

/// One window of one alert for one user.
#[derive(Clone, Copy, Debug)]
struct AlertWindow {
    start: i64,
    end: i64,
    sum: i128,
    // Not known where there is too little to compare with.
    limit: Option<i128>,
    fired: bool,
}

/// What one alert knows of one user.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertState {
    latest: Option<AlertWindow>,
    before: Option<AlertWindow>,
    // What the last active days add up to; empty unless the alert is for spikes.
    days: BTreeMap<i32, i128>,
}

impl AlertState {
    /// Adds a call; returns its window and the limit if it is the one that reaches it.
    fn count(&mut self, alert: &Alert, micros: i64, amount: i128) -> Option<(AlertWindow, i128)> {
        if let Rule::Spike { .. } = alert.rule {
            let sum = self.days.entry(alert.zone.day_of(quarter_of(micros))).or_default();
            *sum = sum.saturating_add(amount);
            while self.days.len() > SPIKE_DAYS as usize + 1 {
                self.days.pop_first();
            }
        }
        let window = self.window(alert, micros)?;
        window.sum = window.sum.saturating_add(amount);
        let limit = window.limit.filter(|&limit| window.sum >= limit && !window.fired)?;
        window.fired = true;
        Some((*window, limit))
    }

    /// Returns the window of a moment, if it is the latest or the one before.
    fn window(&mut self, alert: &Alert, micros: i64) -> Option<&mut AlertWindow> {
        let within = |window: &AlertWindow| (window.start..window.end).contains(&micros);
        if !self.latest.as_ref().is_some_and(within) && !self.before.as_ref().is_some_and(within) {
            let start = alert.step.floor(&alert.zone, micros).ok()?;
            let end = alert.step.next(&alert.zone, micros).ok()?;
            let new = AlertWindow { start, end, sum: 0, limit: self.limit(alert, start), fired: false };
            if self.latest.is_none_or(|latest| latest.start < start) {
                self.before = self.latest.replace(new);
            } else if self.before.is_none_or(|before| before.start < start) {
                self.before = Some(new);
            }
        }
        [&mut self.latest, &mut self.before].into_iter().flatten().find(|window| within(window))
    }

    /// Returns the limit of a window that begins at `start`.
    fn limit(&self, alert: &Alert, start: i64) -> Option<i128> {
        match alert.rule {
            Rule::Limit(limit) => Some(limit),
            Rule::Spike { times, floor } => {
                let median = self.median_day(alert.zone.day_of(quarter_of(start)))?;
                (median > 0).then(|| median.saturating_mul(times.into()).max(floor))
            }
        }
    }

    fn median_day(&self, today: i32) -> Option<i128> {
        let mut sums: Vec<_> = self.days.range(today - SPIKE_DAYS..today).map(|(_, sum)| *sum).collect();
        sums.sort_unstable();
        let middle = sums.len().div_ceil(2).checked_sub(1)?;
        sums.get(middle).copied().filter(|_| sums.len() >= SPIKE_MIN_DAYS)
    }
}
