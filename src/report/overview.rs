//! All of it at a glance.

use super::totals::Totals;
use super::users::Gaps;
use super::window::Window;
use crate::record::{Text, Usd, round_half_even};

/// All of it at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overview {
    /// What all calls add up to, over all time.
    pub totals: Totals,
    /// How many users there were.
    pub users: u64,
    /// The calls of today, in the question's zone.
    pub today: Totals,
    /// How many users were active today.
    pub users_today: u64,
    /// The calls of this month, in the question's zone.
    pub month: Totals,
    /// How many users were active this month.
    pub users_this_month: u64,
    /// What this month will have cost if it goes on as it did: its cost so far, stretched from the time that has
    /// passed of it to its whole length, rounded half-even to 1e-12 dollars. `None` where no cost is known.
    pub month_projection: Option<Usd>,
    /// Models of which there are calls with usage and without a price, and how many these are; most first. `None` stands for
    /// calls whose model is not known.
    pub unpriced_models: Vec<(Option<Text>, u64)>,
    /// Records that were lost on their way here, as far as the store was told.
    pub dropped: u64,
    /// What is missing.
    pub gaps: Gaps,
}

/// `cost` stretched from the part of `window` before `now` to all of it.
pub(crate) fn project(cost: Usd, window: Window, now: i64) -> Option<Usd> {
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
