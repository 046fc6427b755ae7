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
    /// The price of one; for [`Unit::Seconds`], of an hour.
    pub rate: Rate,
}

impl Part {
    /// A part of a cost.
    pub const fn new(unit: Unit, quantity: u64, rate: Rate) -> Self {
        Self { unit, quantity, rate }
    }

    /// The amount, rounded half-even to 1e-12; `None` beyond what can be multiplied. The parts are summed before
    /// rounding, so that rounded amounts may differ from the total in the last place.
    pub fn amount(&self) -> Option<Usd> {
        total(std::iter::once(*self))
    }
}

/// The places of a pico-dollar.
const PLACES: u8 = 12;
/// An hour is 36 times 10 to the power of this many nanoseconds.
const HOUR_PLACES: u8 = 11;

/// The powers of ten up to that of a pico-dollar.
const POWERS: [u128; PLACES as usize + 1] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
    1_000_000_000_000,
];

#[inline]
fn power(exponent: u8) -> Option<u128> {
    POWERS.get(usize::from(exponent)).copied().or_else(|| 10u128.checked_pow(exponent.into()))
}

/// The sum of `parts`, computed exactly and rounded half-even to 1e-12 once; `None` beyond what can be computed.
#[inline]
pub(crate) fn total(parts: impl Iterator<Item = Part> + Clone) -> Option<Usd> {
    let scale_of = |part: &Part| {
        let (_, scale) = part.rate.parts();
        if part.unit == Unit::Seconds { scale.saturating_add(HOUR_PLACES) } else { scale }
    };
    let scale = parts.clone().map(|part| scale_of(&part)).max().unwrap_or(0).max(PLACES);
    let hours = parts.clone().any(|part| part.unit == Unit::Seconds);
    let mut sum: u128 = 0;
    for part in parts {
        let (mantissa, _) = part.rate.parts();
        let mut amount = u128::from(part.quantity) * u128::from(mantissa);
        if amount == 0 {
            continue;
        }
        amount = amount.checked_mul(power(scale - scale_of(&part))?)?;
        if hours && part.unit != Unit::Seconds {
            amount = amount.checked_mul(36)?;
        }
        sum = sum.checked_add(amount)?;
    }
    let mut divisor = power(scale - PLACES)?;
    if hours {
        divisor = divisor.checked_mul(36)?;
    }
    i128::try_from(divide_half_even(sum, divisor)?).ok().map(Usd::from_picos)
}

/// How many parts a cost holds without an allocation. A call to a text model has at most six.
const INLINE: usize = 6;

/// The parts of one cost: the usual few inline, so that pricing a call does not allocate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    quantities: [u64; INLINE],
    mantissas: [u64; INLINE],
    scales: [u8; INLINE],
    units: [Unit; INLINE],
    len: u8,
    more: Option<Box<More>>,
}

/// The parts beyond the usual few: behind one thin pointer, so that the usual cost stays small.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct More(Vec<Part>);

impl Default for Parts {
    fn default() -> Self {
        Self {
            quantities: [0; INLINE],
            mantissas: [0; INLINE],
            scales: [0; INLINE],
            units: [Unit::Input; INLINE],
            len: 0,
            more: None,
        }
    }
}

impl Parts {
    /// Adds a part.
    #[inline]
    pub(crate) fn push(&mut self, part: &Part) {
        let (mantissa, scale) = part.rate.parts();
        let at = usize::from(self.len);
        if let (Some(q), Some(m), Some(s), Some(u)) = (
            self.quantities.get_mut(at),
            self.mantissas.get_mut(at),
            self.scales.get_mut(at),
            self.units.get_mut(at),
        ) {
            (*q, *m, *s, *u) = (part.quantity, mantissa, scale, part.unit);
            self.len += 1;
        } else {
            self.more.get_or_insert_default().0.push(*part);
        }
    }

    /// Adds a part; to one of the same unit and rate, where there is one.
    pub(crate) fn merge(&mut self, part: Part) {
        let same = (0..usize::from(self.len))
            .find(|at| self.get(*at).is_some_and(|held| held.unit == part.unit && held.rate == part.rate));
        match same.and_then(|at| self.quantities.get_mut(at)) {
            Some(quantity) if quantity.checked_add(part.quantity).is_some() => *quantity += part.quantity,
            _ => self.push(&part),
        }
    }

    fn get(&self, at: usize) -> Option<Part> {
        if at >= usize::from(self.len) {
            return None;
        }
        let rate = Rate::from_parts(*self.mantissas.get(at)?, *self.scales.get(at)?);
        Some(Part { unit: *self.units.get(at)?, quantity: *self.quantities.get(at)?, rate })
    }

    /// The sum of the parts, rounded half-even to 1e-12 once; `None` beyond what can be computed.
    pub(crate) fn total(&self) -> Option<Usd> {
        // Nearly all rates end at or before the twelfth place, and then nothing is to be rounded.
        let mut sum: u128 = 0;
        let inline = self.quantities.iter().zip(&self.mantissas).zip(self.scales.iter().zip(&self.units));
        for ((quantity, mantissa), (scale, unit)) in inline.take(self.len.into()) {
            if *scale > PLACES || *unit == Unit::Seconds || self.more.is_some() {
                return total(self.iter());
            }
            let amount = u128::from(*quantity) * u128::from(*mantissa);
            // So much that products and sums of 128 bits could overflow, which takes longer to see.
            if amount >> 80 != 0 {
                return total(self.iter());
            }
            sum += amount * power(PLACES - *scale)?;
        }
        i128::try_from(sum).ok().map(Usd::from_picos)
    }

    /// Whether there is none.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The parts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Part> + Clone + '_ {
        let more = self.more.as_deref().map_or(&[][..], |more| &more.0);
        (0..usize::from(self.len)).filter_map(|at| self.get(at)).chain(more.iter().copied())
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
            parts.push(&part(*unit, 7, "0.5"));
            parts.merge(part(*unit, 1, "0.5"));
        }
        assert!(parts.iter().count() >= Unit::ALL.len());
        let quantity: u64 = parts.iter().map(|part| part.quantity).sum();
        assert_eq!(quantity, 8 * Unit::ALL.len() as u64);
    }
}
