//! The rates that hold for one call.
//!
//! An entry may lack what another one knows: a cloud's own list the rates of a model that it resells, a list of tokens the fee of a search. Where
//! it does, the other entry is asked unit by unit, and never the other way round.

use super::catalog::{Catalog, Entry, Lookup, Price, Rates, STANDARD, TierId};
use super::validity::unix_seconds;
use crate::record::{Billing, Rate, Unit, UnpricedReason};
use std::cell::OnceCell;
use std::time::SystemTime;

/// At most this many prices of one tier may hold at the same time.
pub(super) const MAX_OVERLAYS: usize = 3;

/// What decides about rates beside the model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) tier: TierId,
    /// A tier that stands for the route or region, where there is one.
    pub(super) route: Option<TierId>,
    pub(super) time: SystemTime,
}

/// What an entry takes from another one where it has no rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fills {
    /// What comes on top of the work, and the rates of audio and images beside those of text.
    Kinds,
    /// Tokens of every kind too: the other is the one whose models are resold.
    Resold,
}

/// The entry that a call is billed by.
#[derive(Clone, Copy)]
pub(super) struct Basis<'a> {
    pub(super) entry: &'a Entry,
    /// The entry that is asked for what the first lacks, and for how much of it.
    pub(super) filler: Option<(&'a Entry, Fills)>,
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
    /// Whether the entry lists tokens: what is sold otherwise is not also billed by them.
    lists_tokens: bool,
}

impl<'a> CallRates<'a> {
    /// The rates of an entry under some terms, for a request of that much input.
    pub(super) fn of(
        catalog: &'a Catalog,
        basis: &Basis<'_>,
        terms: &Terms,
        input: u64,
    ) -> Result<Self, UnpricedReason> {
        let own = Layers::of(catalog, basis.entry, terms, input)?;
        let filler = basis
            .filler
            .and_then(|(filler, fills)| Some((Layers::of(catalog, filler, terms, input).ok()?, fills)));
        let lists_tokens = [Unit::Input, Unit::Output].iter().any(|unit| own.get(*unit) != Lookup::Absent);
        Ok(Self { own, filler, factor: basis.factor, lists_tokens })
    }

    /// The rate of a unit.
    pub(super) fn get(&self, unit: Unit) -> Lookup {
        let own = self.own.get(unit);
        let Some((filler, fills)) = &self.filler else { return own };
        let fills = match unit.row().billing {
            Billing::Extra => true,
            Billing::Media => self.lists_tokens,
            Billing::Token => self.lists_tokens && *fills == Fills::Resold,
            Billing::Measure => false,
        };
        match own {
            Lookup::Missing | Lookup::Absent if fills => match filler.get(unit) {
                Lookup::Rate(rate) => Lookup::Rate(rate),
                Lookup::Missing | Lookup::Absent => own,
            },
            own => own,
        }
    }

    /// Whether an answer counts once for a unit, however often that was counted in it.
    pub(super) fn once(&self, unit: Unit) -> bool {
        let by = match (self.own.get(unit), &self.filler) {
            (Lookup::Rate(_), _) => self.own.searches_once,
            (_, filler) => filler.as_ref().is_some_and(|(filler, _)| filler.searches_once),
        };
        by && matches!(unit, Unit::WebSearches | Unit::MapQueries)
    }

    /// The rate of the first of these units that has one.
    pub(super) fn first(&self, units: &[Unit]) -> Lookup {
        let mut known = units.iter().map(|unit| self.get(*unit)).filter(|lookup| *lookup != Lookup::Absent);
        known.next().unwrap_or(Lookup::Absent)
    }
}

impl<'a> Layers<'a> {
    /// Lays the prices of an entry that hold over each other.
    fn of(catalog: &'a Catalog, entry: &Entry, terms: &Terms, input: u64) -> Result<Self, UnpricedReason> {
        let mut layers = Self { rates: Default::default(), input, searches_once: entry.searches_once };
        // Most prices hold always, and then the time need not be looked at.
        let time = OnceCell::new();
        let holds = |price: &&Price| {
            price.when.is_always() || price.when.holds(*time.get_or_init(|| unix_seconds(terms.time)))
        };
        let of_tier = |tier| entry.prices.iter().filter(move |price| price.tier == tier);
        let mut free = layers.rates.iter_mut();
        let mut lay = |price: &Price| {
            if let Some(layer) = free.next() {
                *layer = catalog.rates(price);
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

    /// The rate of a unit in the uppermost of these prices that has one.
    fn get(&self, unit: Unit) -> Lookup {
        let layers = self.rates.iter().map_while(|layer| *layer);
        let mut known = layers.map(|rates| rates.at(unit, self.input)).filter(|rate| *rate != Lookup::Absent);
        known.next().unwrap_or(Lookup::Absent)
    }
}
