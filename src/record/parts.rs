//! The parts of a cost, by unit.

use super::decimal::divide_half_even;
use super::rate::Rate;
use super::unit::Unit;
use super::usd::Usd;

/// One part of a cost: a quantity times a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// What was used.
    pub unit: Unit,
    /// How much of it; for [`Unit::Seconds`], in nanoseconds.
    pub quantity: u64,
    /// The price of one unit; for [`Unit::Seconds`], of an hour.
    pub rate: Rate,
}

impl Part {
    /// Creates a part of a cost.
    pub const fn new(unit: Unit, quantity: u64, rate: Rate) -> Self {
        Self { unit, quantity, rate }
    }

    /// Returns the amount, rounded half-even to 1e-12; `None` beyond what can be multiplied. The parts are summed before
    /// rounding, so that rounded amounts may differ from the total in the last place.
    pub fn amount(&self) -> Option<Usd> {
        total(std::iter::once(*self))
    }
}

/// The places of a pico-dollar.
const PLACES: u8 = 12;
/// An hour is 36 times 10 to the power of this many nanoseconds.
const HOUR_PLACES: u8 = 11;

/// Returns the places behind the point of the product of a part.
fn scale(part: &Part) -> u8 {
    let (_, scale) = part.rate.parts();
    if part.unit == Unit::Seconds { scale.saturating_add(HOUR_PLACES) } else { scale }
}

/// Returns the sum of `parts`, computed exactly and rounded half-even to 1e-12 once; `None` beyond what can be computed.
fn total(parts: impl Iterator<Item = Part> + Clone) -> Option<Usd> {
    let power = |exponent: u8| 10u128.checked_pow(exponent.into());
    let finest = parts.clone().map(|part| scale(&part)).max().unwrap_or(0).max(PLACES);
    let hours = if parts.clone().any(|part| part.unit == Unit::Seconds) { 36 } else { 1 };
    let mut sum: u128 = 0;
    for part in parts {
        let (mantissa, _) = part.rate.parts();
        let product = u128::from(part.quantity) * u128::from(mantissa);
        if product != 0 {
            let factor = if part.unit == Unit::Seconds { 1 } else { hours };
            let amount = product.checked_mul(power(finest - scale(&part))?)?.checked_mul(factor)?;
            sum = sum.checked_add(amount)?;
        }
    }
    let divisor = power(finest - PLACES)?.checked_mul(hours)?;
    i128::try_from(divide_half_even(sum, divisor)?).ok().map(Usd::from_picos)
}

/// How many parts a cost holds without an allocation. A call to a text model has at most six.
const INLINE: usize = 6;

/// The parts of one cost: the usual few inline, so that pricing a call does not allocate, and without padding, so that a
/// record stays small.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Parts {
    /// The quantity of each part, and the digits of its rate.
    amounts: [(u64, u64); INLINE],
    /// The unit of each part, and the scale of its rate.
    units: [(Option<Unit>, u8); INLINE],
    more: Option<Box<More>>,
}

/// The parts beyond the usual few: behind one thin pointer, so that the usual cost stays small.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct More(Vec<Part>);

impl Parts {
    /// Adds a part.
    pub(crate) fn push(&mut self, part: Part) {
        let (mantissa, scale) = part.rate.parts();
        let mut places = self.amounts.iter_mut().zip(&mut self.units);
        match places.find(|(_, (unit, _))| unit.is_none()) {
            Some((amount, unit)) => (*amount, *unit) = ((part.quantity, mantissa), (Some(part.unit), scale)),
            None => self.more.get_or_insert_default().0.push(part),
        }
    }

    /// Adds a part; to one of the same unit and rate, where there is one.
    pub(crate) fn merge(&mut self, part: Part) {
        let same = self.iter().position(|held| held.unit == part.unit && held.rate == part.rate);
        let quantity = same.and_then(|at| self.amounts.get_mut(at)).map(|(quantity, _)| quantity);
        match quantity.and_then(|quantity| Some((quantity.checked_add(part.quantity)?, quantity))) {
            Some((sum, quantity)) => *quantity = sum,
            None => self.push(part),
        }
    }

    /// Returns the sum of the parts, rounded half-even to 1e-12 once; `None` beyond what can be computed.
    pub(crate) fn total(&self) -> Option<Usd> {
        total(self.iter())
    }

    /// Returns whether there is no part.
    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns the parts in the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Part> + Clone {
        let part = |((quantity, mantissa), (unit, scale)): (&(u64, u64), &(Option<Unit>, u8))| {
            unit.map(|unit| Part::new(unit, *quantity, Rate::from_parts(*mantissa, *scale)))
        };
        let more = self.more.as_deref().map_or(&[][..], |more| &more.0);
        self.amounts.iter().zip(&self.units).map_while(part).chain(more.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(unit: Unit, quantity: u64, rate: &str) -> Part {
        Part::new(unit, quantity, Rate::from_decimal(rate).unwrap())
    }

    #[test]
    fn parts_are_summed_exactly_and_rounded_once() {
        // Three times 0.4e-12 is 1.2e-12; each rounded alone would be nothing.
        let fine = part(Unit::Input, 1, "4e-13");
        assert_eq!(fine.amount(), Some(Usd::ZERO));
        assert_eq!(total([fine; 3].into_iter()), Some(Usd::from_picos(1)));
        // Half-even, on either side.
        assert_eq!(part(Unit::Input, 5, "1e-13").amount(), Some(Usd::ZERO));
        assert_eq!(part(Unit::Input, 15, "1e-13").amount(), Some(Usd::from_picos(2)));
    }

    #[test]
    fn time_is_priced_by_the_hour_to_the_nanosecond() {
        let hour = part(Unit::Seconds, 3_600_000_000_000, "0.36");
        assert_eq!(hour.amount(), Some("0.36".parse().unwrap()));
        let second = part(Unit::Seconds, 1_000_000_000, "0.36");
        let tokens = part(Unit::Output, 3, "0.25");
        assert_eq!(total([second, tokens].into_iter()), Some("0.7501".parse().unwrap()));
        // A third of a dollar has no end; it is rounded, not cut.
        assert_eq!(part(Unit::Seconds, 2_400_000_000_000, "1").amount().unwrap().picos(), 666_666_666_667);
    }

    #[test]
    fn what_cannot_be_multiplied_is_none_and_not_a_wrapped_figure() {
        assert!(part(Unit::Input, u64::MAX, "0.01").amount().is_some());
        let parts = [part(Unit::Input, u64::MAX, "9.999"), part(Unit::Output, 1, "1e-36")];
        assert_eq!(total(parts.into_iter()), None);
    }

    #[test]
    fn parts_beyond_the_usual_few_are_kept_too() {
        let mut parts = Parts::default();
        for unit in Unit::ALL {
            parts.push(part(*unit, 7, "0.5"));
            parts.merge(part(*unit, 1, "0.5"));
        }
        assert!(parts.iter().count() >= Unit::ALL.len());
        let quantity: u64 = parts.iter().map(|part| part.quantity).sum();
        assert_eq!(quantity, 8 * Unit::ALL.len() as u64);
    }
}
