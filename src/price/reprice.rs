//! Stored records, priced anew.

use super::pricer::{PricedCall, Pricer};
use crate::record::{Cost, Record, UnpricedReason, UsageState, Usd};

/// A record and what it would cost by another pricer. The record is as it was.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Repriced<'a> {
    /// The record, with its old cost.
    pub record: &'a Record,
    /// The new cost.
    pub cost: Cost,
}

impl Repriced<'_> {
    /// The new amount less the old one; `None` where either is not known.
    pub fn change(&self) -> Option<Usd> {
        Some(self.cost.total()? - self.record.cost.total()?)
    }
}

/// Prices `records` anew, at the prices that `pricer` has for the time of each call.
///
/// What cost nothing still does; the tokens of a repeated answer stay another record's; what a provider reported
/// stays reported, with the new figure beside it.
///
/// ```
/// use tower_llm_metrics::price::reprice;
/// use tower_llm_metrics::{PriceBook, Record};
///
/// let stored = [Record::new(std::time::SystemTime::now())];
/// for repriced in reprice(&stored, &PriceBook::empty()) {
///     println!("{}: {:?} instead of {:?}", repriced.record.id, repriced.cost, repriced.record.cost);
/// }
/// ```
pub fn reprice<'a, R>(records: R, pricer: &dyn Pricer) -> impl Iterator<Item = Repriced<'a>>
where
    R: IntoIterator<Item = &'a Record>,
{
    records.into_iter().map(move |record| Repriced { record, cost: cost(record, pricer) })
}

fn cost(record: &Record, pricer: &dyn Pricer) -> Cost {
    if record.cost == Cost::None {
        return Cost::None;
    }
    if record.usage_state == UsageState::Repeated {
        return Cost::Unpriced(UnpricedReason::Repeated);
    }
    let cost = match record.unpriceable() {
        Some(reason) => Cost::Unpriced(reason),
        None => record.settled(pricer.price(&PricedCall::of(record))),
    };
    match (&record.cost, cost) {
        (Cost::Reported { total, .. }, Cost::Priced(computed)) => {
            Cost::Reported { total: *total, computed: Some(computed) }
        }
        (Cost::Reported { total, .. }, _) => Cost::Reported { total: *total, computed: None },
        (_, cost) => cost,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PriceBook, PriceOverride};
    use super::*;
    use crate::record::{Priced, Provider, Rate, Text, Unit, UsageReason};

    fn record(cost: Cost) -> Record {
        let mut record = Record::new(std::time::UNIX_EPOCH);
        (record.provider, record.model) = (Some(Provider::OPENAI), Some(Text::new("m").unwrap()));
        record.usage.input_tokens = Some(1_000_000);
        (record.usage_state, record.cost) = (UsageState::Reported, cost);
        record
    }

    #[test]
    fn new_costs_stand_beside_the_old_ones() {
        let price = PriceOverride::new("openai", "m").rate(Unit::Input, Rate::per_million("3").unwrap());
        let book = PriceBook::empty().with_overrides([price]).unwrap();
        let old = Cost::Priced(Priced::new(Usd::from_dollars(2), "openai/m", "old"));
        let reported = Cost::Reported { total: Usd::from_dollars(5), computed: None };
        let mut repeated = record(Cost::Unpriced(UnpricedReason::Repeated));
        repeated.usage_state = UsageState::Repeated;
        let mut half = record(Cost::Unpriced(UnpricedReason::UnreadableUsage));
        half.usage_reason = Some(UsageReason::Malformed);
        let records = [record(old.clone()), record(reported), record(Cost::None), repeated, half];
        let all: Vec<_> = reprice(&records, &book).collect();

        assert_eq!(all[0].cost.total(), Some(Usd::from_dollars(3)));
        assert_eq!(all[0].change(), Some(Usd::from_dollars(1)));
        assert_eq!(all[0].record.cost, old);
        assert_eq!(all[1].cost.total(), Some(Usd::from_dollars(5)));
        assert_eq!(all[1].cost.computed().map(|computed| computed.total), Some(Usd::from_dollars(3)));
        assert_eq!(all[2].cost, Cost::None);
        assert_eq!(all[3].cost, Cost::Unpriced(UnpricedReason::Repeated));
        assert_eq!(all[4].cost, Cost::Unpriced(UnpricedReason::UnreadableUsage));
    }
}
