//! How finely the past is kept.

use super::quarters::Quarters;
use crate::report::QueryError;
use crate::report::instant::{QUARTERS_PER_DAY, quarter_of, quarter_start, to_micros};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Since when quarters of an hour are kept apart, and before them days of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Horizon {
    /// The first quarter of a day of UTC.
    pub(crate) quarters_from: i32,
    pub(crate) days_from: i32,
    /// The first quarter with a call: before it there is nothing to keep apart.
    pub(crate) oldest: i32,
}

impl Horizon {
    /// Everything is kept apart.
    pub(crate) const NONE: Self = Self { quarters_from: i32::MIN, days_from: i32::MIN, oldest: i32::MIN };

    /// Returns whether calls before a quarter can be told from those after its beginning.
    fn resolves(self, quarter: i32) -> bool {
        let open = quarter == i32::MIN || quarter == i32::MAX;
        let day = quarter.div_euclid(QUARTERS_PER_DAY);
        open || quarter >= self.quarters_from || (quarter % QUARTERS_PER_DAY == 0 && day >= self.days_from)
    }

    /// Returns the window without its start if no call is before that.
    pub(crate) fn opened(self, window: Quarters) -> Quarters {
        Quarters { start: if window.start <= self.oldest { i32::MIN } else { window.start }, ..window }
    }

    /// Checks that the past can be divided at all of the quarters.
    pub(crate) fn check(self, edges: impl IntoIterator<Item = i32>) -> Result<(), QueryError> {
        match edges.into_iter().find(|&edge| !self.resolves(edge)) {
            None => Ok(()),
            Some(edge) => Err(QueryError::too_fine(
                quarter_start(edge),
                quarter_start(self.quarters_from),
                quarter_start(self.days_from.saturating_mul(QUARTERS_PER_DAY)),
            )),
        }
    }
}

/// Up to when the past has actually been rolled up. That is later than the horizon after the clock was ahead for long and came
/// back.
#[derive(Debug)]
pub(crate) struct Edges {
    quarters: AtomicI32,
    days: AtomicI32,
}

impl Default for Edges {
    fn default() -> Self {
        Self { quarters: AtomicI32::new(i32::MIN), days: AtomicI32::new(i32::MIN) }
    }
}

/// A horizon, and the record of what was rolled up to it.
#[derive(Clone, Debug)]
pub(crate) struct Rolling {
    pub(crate) horizon: Horizon,
    pub(crate) edges: Arc<Edges>,
}

impl Rolling {
    /// Rolls up a day: returns it, or `None` if its calls lose their date.
    pub(crate) fn roll(&self, day: i32) -> Option<i32> {
        let next = day.saturating_add(1);
        self.edges.quarters.fetch_max(next.saturating_mul(QUARTERS_PER_DAY), Ordering::AcqRel);
        if day < self.horizon.days_from {
            self.has_no_date(day);
            return None;
        }
        Some(day)
    }

    /// Notes that calls of a day have lost their date.
    pub(crate) fn has_no_date(&self, day: i32) {
        self.edges.days.fetch_max(day.saturating_add(1), Ordering::AcqRel);
    }
}

/// The horizon as it follows the clock.
///
/// A clock that is ahead moves it only if it stays there, since what has been rolled up cannot be separated again when the
/// clock comes back: a step of more than a day counts once the clock has gone on from there for a day. A clock that is
/// behind is followed at once, which loses nothing.
#[derive(Debug)]
pub(crate) struct Horizons {
    // The quarter when the clock was last read. It is read again for a call in another one.
    read: AtomicI32,
    oldest: AtomicI32,
    quarters_from: AtomicI32,
    days_from: AtomicI32,
    edges: Arc<Edges>,
    kept: Mutex<KeptDays>,
}

/// How many days are kept, and back from which day.
#[derive(Debug)]
struct KeptDays {
    // In days. Shortened when there are too many cells.
    quarters: u32,
    days: u32,
    /// The day that is taken for today; `None` until the clock is read.
    today: Option<i32>,
    /// The day that the clock has stepped to, or today.
    claimed: i32,
}

impl Horizons {
    pub(crate) fn new(keep_quarters: u32, keep_days: u32) -> Self {
        Self {
            read: AtomicI32::new(i32::MIN),
            oldest: AtomicI32::new(i32::MAX),
            quarters_from: AtomicI32::new(i32::MIN),
            days_from: AtomicI32::new(i32::MIN),
            edges: Arc::default(),
            kept: Mutex::new(KeptDays {
                quarters: keep_quarters,
                days: keep_days.max(keep_quarters),
                today: None,
                claimed: i32::MIN,
            }),
        }
    }

    /// Returns where the shards note what they have rolled up.
    pub(crate) fn edges(&self) -> &Arc<Edges> {
        &self.edges
    }

    /// Returns the horizon up to which the past is to be rolled up.
    pub(crate) fn now(&self) -> Horizon {
        Horizon {
            quarters_from: self.quarters_from.load(Ordering::Acquire),
            days_from: self.days_from.load(Ordering::Acquire),
            oldest: self.oldest.load(Ordering::Acquire),
        }
    }

    /// Returns the horizon of questions: what is not to be rolled up and has not been.
    pub(crate) fn resolution(&self) -> Horizon {
        let now = self.now();
        Horizon {
            quarters_from: now.quarters_from.max(self.edges.quarters.load(Ordering::Acquire)),
            days_from: now.days_from.max(self.edges.days.load(Ordering::Acquire)),
            ..now
        }
    }

    /// Takes note of a call, and follows the clock if the call is in another quarter than the clock was. A call with a time in
    /// the future moves nothing.
    #[inline]
    pub(crate) fn observe(&self, quarter: i32, clock: impl FnOnce() -> SystemTime) {
        if quarter < self.oldest.load(Ordering::Relaxed) {
            self.oldest.fetch_min(quarter, Ordering::AcqRel);
        }
        if quarter != self.read.load(Ordering::Relaxed) {
            let now = quarter_of(to_micros(clock()));
            if self.read.swap(now, Ordering::Relaxed) != now {
                let mut kept = self.kept();
                kept.follow(now.div_euclid(QUARTERS_PER_DAY));
                self.move_to(&kept);
            }
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, KeptDays> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn move_to(&self, kept: &KeptDays) {
        let back = |days: u32| kept.today?.checked_sub(i32::try_from(days).ok()?);
        let quarters = back(kept.quarters).and_then(|day| day.checked_mul(QUARTERS_PER_DAY));
        self.quarters_from.store(quarters.unwrap_or(i32::MIN), Ordering::Release);
        self.days_from.store(back(kept.days).unwrap_or(i32::MIN), Ordering::Release);
    }

    /// Takes note of the oldest call of another store, whose calls are about to be added.
    pub(crate) fn join(&self, other: Horizon) {
        self.oldest.fetch_min(other.oldest, Ordering::AcqRel);
    }

    /// Keeps half as many days by quarter from now on, down to today; then half as many days at all.
    pub(crate) fn shorten(&self) {
        // Four years stand for all limits beyond them, so that a few halvings of "for ever" have an effect.
        let halve = |days: u32| days.min(1_461) / 2;
        let mut kept = self.kept();
        match (kept.quarters, kept.days) {
            // Nothing is left to shorten: believe the clock's step, since memory is bounded whatever the time is.
            (0, 0) => kept.today = kept.today.map(|_| kept.claimed),
            (0, days) => kept.days = halve(days),
            (quarters, _) => kept.quarters = halve(quarters),
        }
        self.move_to(&kept);
    }
}

impl KeptDays {
    /// Follows the clock to a day.
    fn follow(&mut self, now: i32) {
        let today = self.today.get_or_insert(now);
        if now.saturating_sub(*today) <= 1 {
            *today = now;
            self.claimed = now;
        } else if self.claimed <= *today || now < self.claimed {
            self.claimed = now;
        } else if now > self.claimed {
            *today = if now - self.claimed <= 1 { now } else { self.claimed };
            self.claimed = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn day(day: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400 + 3_600)
    }

    /// The days that quarters and days begin at after calls on the days of a clock.
    fn follow(horizons: &Horizons, days: impl IntoIterator<Item = u64>) -> (i32, i32) {
        for at in days {
            horizons.observe(quarter_of(to_micros(day(at))), || day(at));
        }
        let now = horizons.now();
        (now.quarters_from / 96, now.days_from)
    }

    #[test]
    fn the_past_is_parted_at_quarters_then_at_days_then_not_at_all() {
        let horizons = Horizons::new(10, 20);
        horizons.observe(0, || day(100));
        let horizon = horizons.now();
        assert_eq!(horizon, Horizon { quarters_from: 90 * 96, days_from: 80, oldest: 0 });
        assert_eq!(horizons.resolution(), horizon);
        // Before the first call there is nothing to keep apart.
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
        horizons.observe(i32::MAX / 2, || day(100));
        assert_eq!(horizons.now().quarters_from, 90 * 96);
        horizons.observe(i32::MAX / 2 + 1, || day(100));
        assert_eq!(horizons.now().quarters_from, 90 * 96);
        assert_eq!(follow(&horizons, [101, 102, 103]), (93, 83));
    }

    #[test]
    fn it_follows_a_clock_that_comes_back() {
        let horizons = Horizons::new(10, 20);
        assert_eq!(follow(&horizons, [3_100]), (3_090, 3_080), "ahead from the beginning");
        assert_eq!(follow(&horizons, [100]), (90, 80));
        assert_eq!(follow(&horizons, [101]), (91, 81), "and it goes on from there");
    }

    #[test]
    fn a_clock_that_is_ahead_moves_it_only_when_it_stays_there_for_a_day() {
        let horizons = Horizons::new(10, 20);
        assert_eq!(follow(&horizons, [100, 3_100, 3_100, 100, 101]), (91, 81));
        assert_eq!(follow(&horizons, [3_100, 102, 3_101, 103]), (93, 83), "each step is one of its own");
        assert_eq!(follow(&horizons, [200, 230]), (190, 180), "one call a month");
        assert_eq!(follow(&horizons, [231]), (221, 211));
        assert_eq!(follow(&horizons, [232]), (222, 212));
    }

    #[test]
    fn what_was_rolled_up_stays_so_when_the_clock_comes_back() {
        let horizons = Horizons::new(10, 20);
        follow(&horizons, [100, 3_000, 3_001]);
        let rolling = Rolling { horizon: horizons.now(), edges: Arc::clone(horizons.edges()) };
        assert_eq!(rolling.roll(100), None);
        follow(&horizons, [102]);
        let apart = horizons.resolution();
        assert_eq!((apart.quarters_from, apart.days_from), (101 * 96, 101));
        assert_eq!(horizons.now().quarters_from, 92 * 96, "of what comes now, as much is kept as ever");
    }

    #[test]
    fn when_there_is_too_much_the_fine_past_is_shortened_first() {
        let horizons = Horizons::new(u32::MAX, u32::MAX);
        horizons.observe(0, || day(5_000));
        assert_eq!(horizons.now(), Horizon { oldest: 0, ..Horizon::NONE });
        let mut seen = Vec::new();
        for _ in 0..24 {
            horizons.shorten();
            let now = horizons.now();
            seen.push((now.quarters_from.max(0) / 96, now.days_from.max(0)));
        }
        assert!(seen.is_sorted());
        assert_eq!(seen[0], (5_000 - 730, 0));
        assert_eq!(seen[10], (5_000, 0));
        assert_eq!(seen[23], (5_000, 5_000));
        // A clock that was behind when it began: what is too much goes, before its step is believed.
        horizons.observe(quarter_of(to_micros(day(9_000))), || day(9_000));
        assert_eq!(horizons.now().days_from, 5_000);
        horizons.shorten();
        assert_eq!(horizons.now().days_from, 9_000);
    }
}
