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
        let (start, end) = window.bounds();
        let passed = u128::try_from(to_micros(now).checked_sub(start)?).ok().filter(|&passed| passed > 0)?;
        let whole = u128::try_from(end.checked_sub(start)?).ok()?;
        let picos = cost?.picos();
        // The quotient and the remainder are stretched one by one, so that nothing overflows unless the result does.
        let (full, rest) = (picos.unsigned_abs() / passed, picos.unsigned_abs() % passed);
        let product = rest * whole;
        let rest_to_half = (product % passed * 2).cmp(&passed);
        let total = full.checked_mul(whole)?.checked_add(product / passed)?;
        let total = i128::try_from(round_half_even(total, rest_to_half)?).ok()?;
        Some(Usd::from_picos(if picos < 0 { -total } else { total }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::instant::from_micros;
    use super::*;

    #[test]
    fn a_projection_is_a_straight_line_to_the_end_of_the_window() {
        let of = |picos, end, now| {
            let cost = Some(Usd::from_picos(picos));
            Overview::project(cost, Window::of(0, end), from_micros(now)).map(Usd::picos)
        };
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
