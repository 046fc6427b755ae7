//! Windows in quarters of an hour.

use crate::report::instant::{QUARTER_MICROS, QUARTERS_PER_DAY};
use crate::report::{QueryError, Window};

impl Window {
    /// Returns the window in quarters of an hour.
    pub(crate) fn quarters(&self) -> Result<Quarters, QueryError> {
        let (start, end) = self.bounds();
        let quarter = |micros: i64, open: i32| match micros {
            i64::MIN | i64::MAX => Ok(open),
            micros if micros % QUARTER_MICROS != 0 => Err(QueryError::WithinQuarter),
            micros => i32::try_from(micros / QUARTER_MICROS).map_err(|_| QueryError::OutOfRange),
        };
        Ok(Quarters { start: quarter(start, i32::MIN)?, end: quarter(end, i32::MAX)? })
    }
}

/// A half-open window in quarters of an hour. The smallest and the largest number stand for no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quarters {
    pub(crate) start: i32,
    pub(crate) end: i32,
}

impl Quarters {
    pub(crate) const ALL: Self = Self { start: i32::MIN, end: i32::MAX };

    #[inline]
    pub(crate) fn holds(self, quarter: i32) -> bool {
        self.start <= quarter && quarter < self.end
    }

    /// Returns whether a whole day of UTC is within.
    pub(crate) fn holds_day(self, day: i32) -> bool {
        let start = day.saturating_mul(QUARTERS_PER_DAY);
        self.start <= start && start.saturating_add(QUARTERS_PER_DAY) <= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::instant::from_micros;

    #[test]
    fn a_window_knows_its_quarters() {
        let quarters = |start, end| Window::new(from_micros(start), from_micros(end)).quarters();
        assert_eq!(quarters(0, QUARTER_MICROS).unwrap(), Quarters { start: 0, end: 1 });
        assert_eq!(Window::ALL.quarters().unwrap(), Quarters::ALL);
        assert!(matches!(quarters(0, 1), Err(QueryError::WithinQuarter)));
    }
}
