//! How fine the past is kept.

use crate::report::QueryError;
use crate::report::instant::{QUARTERS_PER_DAY, quarter_of, quarter_start, to_micros};
use crate::report::window::Quarters;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::SystemTime;

/// From when on quarters of an hour are told apart, and days of UTC before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Horizon {
    /// The first quarter of a day of UTC.
    pub(crate) quarters_from: i32,
    pub(crate) days_from: i32,
    /// The first quarter that a call was in: before it there is nothing to be told apart.
    pub(crate) oldest: i32,
}

impl Horizon {
    /// Everything is told apart.
    #[cfg(test)]
    pub(crate) const NONE: Self = Self { quarters_from: i32::MIN, days_from: i32::MIN, oldest: i32::MIN };

    /// Whether calls before a quarter can be told from those after.
    fn parts_at(self, quarter: i32) -> bool {
        let open = quarter == i32::MIN || quarter == i32::MAX;
        let day = quarter.div_euclid(QUARTERS_PER_DAY);
        open || quarter >= self.quarters_from || (quarter % QUARTERS_PER_DAY == 0 && day >= self.days_from)
    }

    /// The window without a start that no call is before.
    pub(crate) fn opened(self, window: Quarters) -> Quarters {
        Quarters { start: if window.start <= self.oldest { i32::MIN } else { window.start }, ..window }
    }

    /// An error for the first of the quarters at which the past can't be parted.
    pub(crate) fn check(self, edges: impl IntoIterator<Item = i32>) -> Result<(), QueryError> {
        match edges.into_iter().find(|&edge| !self.parts_at(edge)) {
            None => Ok(()),
            Some(edge) => Err(QueryError::too_fine(
                quarter_start(edge),
                quarter_start(self.quarters_from),
                quarter_start(self.days_from.saturating_mul(QUARTERS_PER_DAY)),
            )),
        }
    }
}

/// The horizon as it moves on. It never moves back.
#[derive(Debug)]
pub(crate) struct Horizons {
    // The latest quarter that a call was in: the clock is read only when there is a later one.
    latest: AtomicI32,
    oldest: AtomicI32,
    quarters_from: AtomicI32,
    days_from: AtomicI32,
    // In days. Shortened when there are too many cells.
    keep_quarters: AtomicU32,
    keep_days: AtomicU32,
}

impl Horizons {
    pub(crate) fn new(keep_quarters: u32, keep_days: u32) -> Self {
        Self {
            latest: AtomicI32::new(i32::MIN),
            oldest: AtomicI32::new(i32::MAX),
            quarters_from: AtomicI32::new(i32::MIN),
            days_from: AtomicI32::new(i32::MIN),
            keep_quarters: AtomicU32::new(keep_quarters),
            keep_days: AtomicU32::new(keep_days.max(keep_quarters)),
        }
    }

    pub(crate) fn now(&self) -> Horizon {
        Horizon {
            quarters_from: self.quarters_from.load(Ordering::Acquire),
            days_from: self.days_from.load(Ordering::Acquire),
            oldest: self.oldest.load(Ordering::Acquire),
        }
    }

    /// Moves on when a call is the latest so far, by the clock: a call that claims to be of the future moves nothing.
    #[inline]
    pub(crate) fn see(&self, quarter: i32, clock: impl FnOnce() -> SystemTime) {
        if quarter < self.oldest.load(Ordering::Relaxed) {
            self.oldest.fetch_min(quarter, Ordering::AcqRel);
        }
        if quarter > self.latest.load(Ordering::Relaxed) {
            self.latest.fetch_max(quarter, Ordering::Relaxed);
            self.move_on(clock());
        }
    }

    fn move_on(&self, now: SystemTime) {
        let today = quarter_of(to_micros(now)).div_euclid(QUARTERS_PER_DAY);
        let days_back = |days: &AtomicU32| {
            let days = i32::try_from(days.load(Ordering::Relaxed)).ok()?;
            today.checked_sub(days)?.checked_mul(QUARTERS_PER_DAY)
        };
        if let Some(quarter) = days_back(&self.keep_days) {
            self.days_from.fetch_max(quarter / QUARTERS_PER_DAY, Ordering::AcqRel);
        }
        if let Some(quarter) = days_back(&self.keep_quarters) {
            self.quarters_from.fetch_max(quarter, Ordering::AcqRel);
        }
    }

    /// Moves on to the horizon of another store.
    pub(crate) fn join(&self, other: Horizon) {
        self.oldest.fetch_min(other.oldest, Ordering::AcqRel);
        self.days_from.fetch_max(other.days_from, Ordering::AcqRel);
        self.quarters_from.fetch_max(other.quarters_from, Ordering::AcqRel);
    }

    /// Keeps half as many days by quarter from now on, down to today; then half as many days at all.
    pub(crate) fn shorten(&self, now: SystemTime) {
        // "For ever" begins to count at what is kept in fact: four years, say.
        let halve = |days: u32| days.min(1_461) / 2;
        let quarters = self.keep_quarters.load(Ordering::Relaxed);
        if quarters > 0 {
            self.keep_quarters.store(halve(quarters), Ordering::Relaxed);
        } else {
            let days = self.keep_days.load(Ordering::Relaxed);
            self.keep_days.store(halve(days), Ordering::Relaxed);
        }
        self.move_on(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn day(day: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400 + 3_600)
    }

    #[test]
    fn the_past_is_parted_at_quarters_then_at_days_then_not_at_all() {
        let horizons = Horizons::new(10, 20);
        horizons.see(0, || day(100));
        let horizon = horizons.now();
        assert_eq!(horizon, Horizon { quarters_from: 90 * 96, days_from: 80, oldest: 0 });
        // Before the first call there is nothing to be told apart.
        assert_eq!(horizon.opened(Quarters { start: -96, end: 96 }), Quarters { start: i32::MIN, end: 96 });
        assert_eq!(horizon.opened(Quarters { start: 1, end: 96 }), Quarters { start: 1, end: 96 });
        assert!(horizon.check([90 * 96, 90 * 96 + 1, 89 * 96, 80 * 96, i32::MIN, i32::MAX]).is_ok());
        for edge in [90 * 96 - 1, 79 * 96, 80 * 96 + 1] {
            assert!(matches!(horizon.check([edge]), Err(QueryError::TooFine { .. })), "{edge}");
        }
    }

    #[test]
    fn the_clock_moves_it_and_no_call_does() {
        let horizons = Horizons::new(10, 20);
        horizons.see(i32::MAX / 2, || day(100));
        let before = horizons.now();
        assert_eq!(before.quarters_from, 90 * 96);
        horizons.see(i32::MAX / 2 + 1, || day(90));
        assert_eq!(horizons.now(), before, "a clock that is set back changes nothing");
    }

    #[test]
    fn when_there_is_too_much_the_fine_past_is_shortened_first() {
        let horizons = Horizons::new(u32::MAX, u32::MAX);
        horizons.see(0, || day(5_000));
        assert_eq!(horizons.now(), Horizon { oldest: 0, ..Horizon::NONE });
        let mut seen = Vec::new();
        for _ in 0..24 {
            horizons.shorten(day(5_000));
            let now = horizons.now();
            seen.push((now.quarters_from.max(0) / 96, now.days_from.max(0)));
        }
        assert!(seen.is_sorted());
        assert_eq!(seen[0], (5_000 - 730, 0));
        assert_eq!(seen[10], (5_000, 0));
        assert_eq!(seen[23], (5_000, 5_000));
    }
}
