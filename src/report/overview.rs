//! All calls at a glance.

use super::gaps::Gaps;
use super::instant::to_micros;
use super::totals::Totals;
use super::window::Window;
use crate::record::{Text, Usd, round_half_even};
use std::time::SystemTime;

/// All calls at a glance: over all time, today, and this month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overview {
    /// What all calls of the selection add up to.
    pub totals: Totals,
    /// The number of users.
    pub users: u64,
    /// What the calls of today add up to, in the question's zone.
    pub today: Totals,
    /// The number of users active today.
    pub users_today: u64,
    /// What the calls of this month add up to, in the question's zone.
    pub month: Totals,
    /// The number of users active this month.
    pub users_this_month: u64,
    /// The projected cost of this month: its cost so far, extrapolated linearly from the elapsed part of the month to its
    /// whole length, rounded half-even to 1e-12 dollars. `None` if no cost is known.
    pub month_projection: Option<Usd>,
    /// The models with calls that have usage and no price, and the number of these calls, most first. `None` stands for
    /// calls whose model is not known.
    pub unpriced_models: Vec<(Option<Text>, u64)>,
    /// Records that were lost before they reached the store, as far as it knows.
    pub dropped: u64,
    /// What is missing.
    pub gaps: Gaps,
}

impl Overview {
    /// Extrapolates the cost of a window, `None` if none is known, from the part of it before `now` to the whole: what
    /// [`month_projection`](Self::month_projection) is made of.
    pub fn project(cost: Option<Usd>, window: Window, now: SystemTime) -> Option<Usd> {
        project(cost?, window, to_micros(now))
    }
}

fn project(cost: Usd, window: Window, now: i64) -> Option<Usd> {
    let (start, end) = window.bounds();
    let passed = u64::try_from(now.checked_sub(start)?).ok().filter(|&passed| passed > 0)?;
    let whole = u64::try_from(end.checked_sub(start)?).ok()?;
    let picos = cost.picos();
    // In two parts, so that no amount of money overflows before its end does.
    let (passed_wide, whole_wide) = (u128::from(passed), u128::from(whole));
    let (full, rest) = (picos.unsigned_abs() / passed_wide, picos.unsigned_abs() % passed_wide);
    let stretched = full.checked_mul(whole_wide)?;
    let product = rest * whole_wide;
    let rest_to_half = (product % passed_wide * 2).cmp(&passed_wide);
    let total = round_half_even(stretched.checked_add(product / passed_wide)?, rest_to_half)?;
    let total = i128::try_from(total).ok()?;
    Some(Usd::from_picos(if picos < 0 { -total } else { total }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projection_is_a_straight_line_to_the_end_of_the_window() {
        let of = |picos, end, now| project(Usd::from_picos(picos), Window::of(0, end), now).map(Usd::picos);
        assert_eq!(of(10, 30, 10), Some(30));
        assert_eq!(of(10, 30, 30), Some(10));
        assert_eq!(of(1, 3, 2), Some(2)); // 1.5
        assert_eq!(of(1, 5, 2), Some(2)); // 2.5
        assert_eq!(of(-1, 3, 2), Some(-2));
        assert_eq!(of(10, 30, 0), None);
        assert_eq!(of(i128::MAX, 30, 30), Some(i128::MAX));
        assert_eq!(of(i128::MAX, 60, 30), None);
    }
}
