//! What an application charges its own customers.

use super::{PricedCall, Pricer};
use crate::record::{Cost, Rate, Usd};
use std::fmt;

/// Wraps a pricer so that each priced call also carries what the application charges its customer for it
/// ([`Priced::charge`](crate::record::Priced::charge)): the cost, or the price of a card of its own, times a factor, plus a fee for each
/// call. The cost stays what it is.
///
/// Where the customer's card has no price for a call there is no charge, whatever the cost.
///
/// ```
/// use std::time::SystemTime;
/// use tower_llm_metrics::price::{Markup, PriceOverride};
/// use tower_llm_metrics::record::{Rate, Text, Unit, Usage};
/// use tower_llm_metrics::{Cost, PriceBook, PricedCall, Pricer, Provider};
///
/// let cost = PriceOverride::new("openai", "gpt-5").rate(Unit::Input, Rate::per_million("2")?);
/// let pricer = Markup::new(PriceBook::empty().with_overrides([cost])?)
///     .percent(Rate::from_decimal("20")?)
///     .per_call("0.001".parse()?);
///
/// let mut usage = Usage::default();
/// usage.input_tokens = Some(1_000);
/// let (provider, model) = (Provider::OPENAI, Text::new("gpt-5")?);
/// let mut call = PricedCall::new(&usage, SystemTime::now());
/// (call.provider, call.model) = (Some(&provider), Some(&model));
///
/// let Cost::Priced(priced) = pricer.price(&call) else { panic!() };
/// assert_eq!(priced.total.to_string(), "0.002");
/// assert_eq!(priced.charge().unwrap().to_string(), "0.0034");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Markup<P> {
    cost: P,
    card: Option<Box<dyn Pricer>>,
    factor: Rate,
    per_call: Usd,
}

impl<P: Pricer> Markup<P> {
    /// Creates a pricer whose charge equals the cost that `pricer` computes, until it is changed.
    pub fn new(pricer: P) -> Self {
        Self { cost: pricer, card: None, factor: Rate::ONE, per_call: Usd::ZERO }
    }

    /// Adds a percentage to the charge.
    pub fn percent(self, percent: Rate) -> Self {
        // A hundredth more places than fit would be no percentage that anyone asks for.
        let factor = percent.per_power_of_ten(2).and_then(|part| Rate::ONE.plus(part)).unwrap_or(Rate::ONE);
        self.factor(factor)
    }

    /// Multiplies the charge by a factor, below 1 for a discount.
    pub fn factor(mut self, factor: Rate) -> Self {
        self.factor = factor;
        self
    }

    /// Adds a fee for each call to the charge.
    pub fn per_call(mut self, fee: Usd) -> Self {
        self.per_call = fee;
        self
    }

    /// Charges by a card of the application's own instead of by the cost.
    pub fn card(mut self, card: impl Pricer) -> Self {
        self.card = Some(Box::new(card));
        self
    }

    /// Returns `amount` times the factor, rounded half-even to 1e-12, plus the fee.
    fn charge(&self, amount: Usd) -> Option<Usd> {
        Some(amount.times(self.factor)? + self.per_call)
    }
}

impl<P: fmt::Debug> fmt::Debug for Markup<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Markup")
            .field("cost", &self.cost)
            .field("factor", &self.factor)
            .field("per_call", &self.per_call)
            .finish_non_exhaustive()
    }
}

impl<P: Pricer> Pricer for Markup<P> {
    fn price(&self, call: &PricedCall<'_>) -> Cost {
        let cost = self.cost.price(call);
        let basis = match &self.card {
            None => cost.total(),
            Some(card) => card.price(call).total(),
        };
        match (cost, basis.and_then(|basis| self.charge(basis))) {
            (Cost::Priced(priced), Some(charge)) => Cost::Priced(priced.with_charge(charge)),
            (cost, _) => cost,
        }
    }
}
