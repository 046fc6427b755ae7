//! The rates that hold for one call.
//!
//! An entry may lack what another one knows: a cloud's own list the rates of a model that it resells, a list of tokens the fee of a search. Where
//! it does, the other entry is asked unit by unit, and never the other way round.

use super::catalog::{Band, Catalog, Entry, Lookup, MAX_OVERLAYS, Period, STANDARD, TierId};
use super::sheet::is_token;
use super::window::{Window, unix_seconds};
use crate::record::{Rate, Unit, UnpricedReason};
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

/// Prices that lie over each other, the uppermost first.
type Layers<'a> = [Option<&'a Band>; 2 * MAX_OVERLAYS + 1];

/// What an entry takes from another one where it has no rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fills {
    /// What comes on top of the work.
    Extras,
    /// The rates of audio and images beside those of text too.
    Kinds,
    /// Tokens of every kind too: the other is the one whose models are resold.
    Resold,
}

impl Fills {
    const fn covers(self, unit: Unit) -> bool {
        match unit {
            Unit::WebSearches
            | Unit::FileSearches
            | Unit::MapQueries
            | Unit::AnnotatedPages
            | Unit::Requests => true,
            Unit::InputAudio
            | Unit::CacheReadAudio
            | Unit::InputImage
            | Unit::CacheReadImage
            | Unit::OutputAudio
            | Unit::OutputImage => !matches!(self, Self::Extras),
            other => matches!(self, Self::Resold) && is_token(other),
        }
    }
}

/// The entry that a call is billed by.
#[derive(Clone, Copy)]
pub(super) struct Basis<'a> {
    pub(super) entry: &'a Entry,
    /// The entry that is asked for what the first lacks, and for how much of it.
    pub(super) filler: Option<(&'a Entry, Fills)>,
    /// A factor on the rates of tokens.
    pub(super) uplift: Option<Rate>,
}

/// The rates that hold for one call.
pub(super) struct Rates<'a> {
    catalog: &'a Catalog,
    layers: Layers<'a>,
    filler: Layers<'a>,
    fills: Option<Fills>,
    /// A factor on the rates of tokens.
    pub(super) uplift: Option<Rate>,
    /// Whether an answer counts once for its searches, by the entry and by the one that fills it up.
    searches_once: (bool, bool),
}

impl<'a> Rates<'a> {
    /// The rates of an entry under some terms, for a request of that much input.
    #[inline(always)]
    pub(super) fn of(
        catalog: &'a Catalog,
        basis: &Basis<'_>,
        terms: &Terms,
        input: u64,
    ) -> Result<Self, UnpricedReason> {
        let Basis { entry, filler, uplift } = *basis;
        let mut rates = Self {
            catalog,
            layers: Layers::default(),
            filler: Layers::default(),
            fills: None,
            uplift,
            searches_once: (entry.searches_once, filler.is_some_and(|(filler, _)| filler.searches_once)),
        };
        take(catalog, &mut rates.layers, entry, terms, input)?;
        if let Some((filler, fills)) = filler
            && take(catalog, &mut rates.filler, filler, terms, input).is_ok()
        {
            let lists_tokens = || {
                let listed = |unit| !matches!(lookup(catalog, &rates.layers, unit), Lookup::Absent);
                listed(Unit::Input) || listed(Unit::Output)
            };
            // What is sold otherwise than by tokens is not also billed by them.
            rates.fills = Some(if lists_tokens() { fills } else { Fills::Extras });
        }
        Ok(rates)
    }

    #[inline(always)]
    pub(super) fn get(&self, unit: Unit) -> Lookup {
        let own = lookup(self.catalog, &self.layers, unit);
        if matches!(own, Lookup::Rate(_)) || !self.fills.is_some_and(|fills| fills.covers(unit)) {
            return own;
        }
        match lookup(self.catalog, &self.filler, unit) {
            Lookup::Rate(rate) => Lookup::Rate(rate),
            Lookup::Missing | Lookup::Absent => own,
        }
    }

    /// Whether an answer counts once for a unit, however often that was counted in it.
    pub(super) fn once(&self, unit: Unit) -> bool {
        let own = matches!(lookup(self.catalog, &self.layers, unit), Lookup::Rate(_));
        let (by_own, by_filler) = self.searches_once;
        matches!(unit, Unit::WebSearches | Unit::MapQueries) && if own { by_own } else { by_filler }
    }

    /// The rate of the first of these units that has one.
    #[inline(always)]
    pub(super) fn first(&self, units: &[Unit]) -> Lookup {
        units
            .iter()
            .map(|unit| self.get(*unit))
            .find(|lookup| *lookup != Lookup::Absent)
            .unwrap_or(Lookup::Absent)
    }
}

/// The rate of a unit in the uppermost of these prices that has one.
#[inline(always)]
fn lookup(catalog: &Catalog, layers: &Layers<'_>, unit: Unit) -> Lookup {
    for band in layers.iter().map_while(|layer| *layer) {
        match catalog.rate(band, unit) {
            Lookup::Absent => {}
            known => return known,
        }
    }
    Lookup::Absent
}

/// Takes the rates of an entry under some terms, for a request of that much input.
#[inline(always)]
fn take<'a>(
    catalog: &'a Catalog,
    layers: &mut Layers<'a>,
    entry: &Entry,
    terms: &Terms,
    input: u64,
) -> Result<(), UnpricedReason> {
    if let (Some(sole), STANDARD, None) = (entry.sole_band.checked_sub(1), terms.tier, terms.route)
        && let [lowest, ..] = layers
    {
        *lowest = catalog.bands.get(sole as usize);
        return Ok(());
    }
    lay(catalog, layers, entry.periods.of(&catalog.periods), terms, input)
}

/// Lays the prices that hold over each other.
fn lay<'a>(
    catalog: &'a Catalog,
    layers: &mut Layers<'a>,
    periods: &[Period],
    terms: &Terms,
    input: u64,
) -> Result<(), UnpricedReason> {
    // Most prices hold always, and then the time need not be looked at.
    let time = OnceCell::new();
    let holds = |period: &&Period| {
        matches!(period.window, Window::Always)
            || period.window.holds(*time.get_or_init(|| unix_seconds(terms.time)))
    };
    let mut next = layers.iter_mut();
    let mut lay = |period: &Period| {
        if let (Some(layer), Some(band)) = (next.next(), catalog.band(period.card, input)) {
            *layer = Some(band);
        }
    };
    if terms.tier != STANDARD {
        let mut of_tier = periods.iter().filter(|period| period.tier == terms.tier).filter(holds).peekable();
        if of_tier.peek().is_none() {
            return Err(UnpricedReason::UnknownTier);
        }
        of_tier.for_each(&mut lay);
    }
    if let Some(route) = terms.route {
        periods.iter().filter(|period| period.tier == route).filter(holds).for_each(&mut lay);
    }
    // Where none holds yet, the first is the oldest that is known.
    let mut standard = periods.iter().filter(|period| period.tier == STANDARD);
    if let Some(period) = standard.clone().rev().find(holds).or_else(|| standard.next()) {
        lay(period);
    }
    Ok(())
}
