//! The rates that hold for one call.
//!
//! An entry may lack what another one knows: a cloud's own list the rates of a model that it resells, a list of tokens the fee of a search. Where
//! it does, the rates of the other entry are taken unit by unit, and never the other way round.

use super::catalog::{MAX_OVERLAYS, Price, PriceEntry, STANDARD, TierId};
use super::rates::{Lookup, Rates, unix_seconds};
use super::resolve::Fills;
use crate::record::{Billing, Rate, Unit, UnpricedReason};
use std::cell::OnceCell;
use std::time::SystemTime;

/// What decides about rates beside the model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) tier: TierId,
    /// A tier that stands for the route or region, where there is one.
    pub(super) route: Option<TierId>,
    pub(super) time: SystemTime,
}

/// The entry that a call is billed by.
#[derive(Clone, Copy)]
pub(super) struct Basis<'a> {
    pub(super) entry: &'a PriceEntry,
    /// The entry that fills in what the first lacks, and how much of it.
    pub(super) filler: Option<(&'a PriceEntry, Fills)>,
    /// A factor on the rates of tokens.
    pub(super) factor: Option<Rate>,
}

/// Prices that lie over each other, the uppermost first, for a request of some size.
struct Layers<'a> {
    rates: [Option<&'a Rates>; 2 * MAX_OVERLAYS + 1],
    input: u64,
    searches_once: bool,
}

/// The rates that hold for one call.
pub(super) struct CallRates<'a> {
    own: Layers<'a>,
    filler: Option<(Layers<'a>, Fills)>,
    /// A factor on the rates of tokens.
    pub(super) factor: Option<Rate>,
}

impl<'a> CallRates<'a> {
    /// Returns the rates of an entry under some terms, for a request of that much input.
    pub(super) fn of(basis: &Basis<'a>, terms: &Terms, input: u64) -> Result<Self, UnpricedReason> {
        let own = Layers::of(basis.entry, terms, input)?;
        let filler =
            basis.filler.and_then(|(filler, fills)| Some((Layers::of(filler, terms, input).ok()?, fills)));
        Ok(Self { own, filler, factor: basis.factor })
    }

    /// Returns whether the entry lists tokens: what is sold otherwise is not also billed by them.
    fn lists_tokens(&self) -> bool {
        [Unit::Input, Unit::Output].into_iter().any(|unit| self.own.get(unit) != Lookup::Absent)
    }

    /// Returns whether the other entry has the same rates for small requests without a cache, so that what it knows of
    /// large ones and of caches holds for this one too.
    fn agrees_with(&self, filler: &Layers<'_>) -> bool {
        let same = |unit| self.own.base(unit) == filler.base(unit);
        self.lists_tokens() && same(Unit::Input) && same(Unit::Output)
    }

    /// Returns the rate of a unit.
    pub(super) fn get(&self, unit: Unit) -> Lookup {
        let own = self.own.get(unit);
        let Some((filler, fills)) = &self.filler else { return own };
        let is_filled = || match unit.row().billing {
            Billing::Extra => true,
            Billing::Media => self.lists_tokens(),
            Billing::Token if *fills == Fills::Resold => self.lists_tokens(),
            Billing::Token => self.agrees_with(filler),
            Billing::Measure => false,
        };
        // A step for large requests that only the other entry knows.
        let takes_step = || {
            filler.has_steps(unit)
                && !self.own.has_steps(unit)
                && own == filler.base(unit)
                && self.agrees_with(filler)
        };
        match own {
            Lookup::Rate(_) if takes_step() => filler.get(unit),
            Lookup::Missing | Lookup::Absent if is_filled() => match filler.get(unit) {
                Lookup::Rate(rate) => Lookup::Rate(rate),
                Lookup::Missing | Lookup::Absent => own,
            },
            own => own,
        }
    }

    /// Returns whether an answer counts once for a unit, however often that was counted in it.
    pub(super) fn once(&self, unit: Unit) -> bool {
        let by = match (self.own.get(unit), &self.filler) {
            (Lookup::Rate(_), _) => self.own.searches_once,
            (_, filler) => filler.as_ref().is_some_and(|(filler, _)| filler.searches_once),
        };
        by && matches!(unit, Unit::WebSearches | Unit::MapQueries)
    }

    /// Returns the rate of the first of these units that has one.
    pub(super) fn first(&self, units: &[Unit]) -> Lookup {
        let mut known = units.iter().map(|unit| self.get(*unit)).filter(|lookup| *lookup != Lookup::Absent);
        known.next().unwrap_or(Lookup::Absent)
    }
}

impl<'a> Layers<'a> {
    /// Lays the prices of an entry that hold over each other.
    fn of(entry: &'a PriceEntry, terms: &Terms, input: u64) -> Result<Self, UnpricedReason> {
        let mut layers = Self { rates: Default::default(), input, searches_once: entry.searches_once };
        // Most prices hold always, and then the time need not be looked at.
        let time = OnceCell::new();
        let holds = |price: &&Price| {
            price.when.is_always() || price.when.holds(*time.get_or_init(|| unix_seconds(terms.time)))
        };
        let of_tier = |tier| entry.prices.iter().filter(move |price| price.tier == tier);
        let mut free = layers.rates.iter_mut();
        let mut lay = |price: &'a Price| {
            if let Some(layer) = free.next() {
                *layer = Some(&*price.rates);
            }
        };
        if terms.tier != STANDARD {
            let mut prices = of_tier(terms.tier).filter(holds).peekable();
            if prices.peek().is_none() {
                return Err(UnpricedReason::UnknownTier);
            }
            prices.for_each(&mut lay);
        }
        if let Some(route) = terms.route {
            of_tier(route).filter(holds).for_each(&mut lay);
        }
        // Where none holds yet, the first is the oldest that is known.
        let standard = of_tier(STANDARD).rev().find(holds).or_else(|| of_tier(STANDARD).next());
        standard.into_iter().for_each(lay);
        Ok(layers)
    }

    /// Returns the rate of a unit in the uppermost of these prices that has one.
    fn get(&self, unit: Unit) -> Lookup {
        self.at(unit, self.input)
    }

    /// Returns the rate of a unit for small requests.
    fn base(&self, unit: Unit) -> Lookup {
        self.at(unit, 0)
    }

    fn at(&self, unit: Unit, input: u64) -> Lookup {
        let layers = self.rates.iter().map_while(|layer| *layer);
        let mut known = layers.map(|rates| rates.at(unit, input)).filter(|rate| *rate != Lookup::Absent);
        known.next().unwrap_or(Lookup::Absent)
    }

    /// Returns whether the rate of a unit depends on the size of the request.
    fn has_steps(&self, unit: Unit) -> bool {
        let mut layers = self.rates.iter().map_while(|layer| *layer);
        layers.any(|rates| rates.get(unit).is_some_and(|rate| !rate.above.is_empty()))
    }
}
