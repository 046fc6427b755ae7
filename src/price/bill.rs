//! Quantities times rates.
//!
//! Which units must have a rate:
//! * A token of any kind is billed at the rate of its kind, or else of the kind that it is a part of: cached audio as
//!   cached tokens, reasoning as output. It is never billed at nothing.
//! * An entry with a rate for input and none for output is billed by its input alone: both lists write embeddings,
//!   rerankers and classifiers so.
//! * Seconds, images, characters, pages, search units and tokens are ways to measure one piece of work. One that the
//!   entry has no rate for is passed over where another is billed; where none is, the call has no price.
//! * Web searches come on top. Where there were some and there is no rate, the call has no price.
//! * What the data has for the default tier and not for the one asked for is missing, not the default tier's.

use super::catalog::{Band, Catalog, Entry, Lookup, MAX_OVERLAYS, Period, STANDARD, TierId};
use super::quantities::{Kind, Tokens, measures};
use super::window::Window;
use crate::record::{Part, Parts, Rate, Unit, UnpricedReason, Usage};

/// What decides about rates beside the model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) tier: TierId,
    /// A tier that stands for the route or region, where there is one.
    pub(super) route: Option<TierId>,
    /// In seconds since 1970.
    pub(super) time: i64,
    /// A factor on the rates of tokens.
    pub(super) uplift: Option<Rate>,
}

/// The rates that hold for one call, the uppermost first.
struct Rates<'a> {
    catalog: &'a Catalog,
    layers: [Option<&'a Band>; 2 * MAX_OVERLAYS + 1],
    uplift: Option<Rate>,
}

impl<'a> Rates<'a> {
    /// The rates of an entry under some terms, for a request of that much input.
    fn of(catalog: &'a Catalog, entry: &Entry, terms: Terms, input: u64) -> Result<Self, UnpricedReason> {
        let mut layers = [None; 2 * MAX_OVERLAYS + 1];
        let periods = entry.periods.of(&catalog.periods);
        let holds = |period: &&Period| period.window == Window::Always || period.window.holds(terms.time);
        let mut next = layers.iter_mut();
        let mut lay = |period: &Period| {
            if let (Some(layer), Some(band)) = (next.next(), catalog.band(period.card, input)) {
                *layer = Some(band);
            }
        };
        if terms.tier != STANDARD {
            let mut of_tier =
                periods.iter().filter(|period| period.tier == terms.tier).filter(holds).peekable();
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
        Ok(Self { catalog, layers, uplift: terms.uplift })
    }

    fn get(&self, unit: Unit) -> Lookup {
        for band in self.layers.iter().map_while(|layer| *layer) {
            match self.catalog.rate(band, unit) {
                Lookup::Absent => {}
                known => return known,
            }
        }
        Lookup::Absent
    }

    /// The rate of the first of these units that has one.
    fn first(&self, units: &[Unit]) -> Lookup {
        units
            .iter()
            .map(|unit| self.get(*unit))
            .find(|lookup| *lookup != Lookup::Absent)
            .unwrap_or(Lookup::Absent)
    }
}

/// What a call of these tokens is billed, without the counted things.
///
/// Adds to `parts` what could be billed; what is there already stays. `Ok(false)` when tokens were used that have no rate.
fn bill_tokens(rates: &Rates<'_>, tokens: &Tokens, parts: &mut Parts) -> Result<bool, UnpricedReason> {
    let reasoning = rates.get(Unit::Reasoning) != Lookup::Absent;
    let mut all = true;
    for (quantity, units) in tokens.kinds(reasoning).into_iter().filter(|(quantity, _): &Kind| *quantity > 0)
    {
        let Some(kind) = units.first() else { continue };
        match rates.first(units) {
            Lookup::Rate(rate) => {
                let rate = match rates.uplift {
                    None => rate,
                    Some(factor) => rate.times(factor).ok_or(UnpricedReason::Overflow)?,
                };
                parts.push(Part::new(*kind, quantity, rate));
            }
            Lookup::Missing => return Err(UnpricedReason::NoRate),
            Lookup::Absent
                if units.contains(&Unit::Output) && matches!(rates.get(Unit::Input), Lookup::Rate(_)) => {}
            Lookup::Absent => all = false,
        }
    }
    Ok(all)
}

/// What the tokens of a pass are billed.
pub(super) fn bill_pass(
    catalog: &Catalog,
    entry: &Entry,
    terms: Terms,
    tokens: &Tokens,
    parts: &mut Parts,
) -> Result<(), UnpricedReason> {
    let rates = Rates::of(catalog, entry, terms, tokens.input)?;
    if bill_tokens(&rates, tokens, parts)? { Ok(()) } else { Err(UnpricedReason::NoRate) }
}

/// What a call is billed, without its passes.
pub(super) fn bill_call(
    catalog: &Catalog,
    entry: &Entry,
    terms: Terms,
    (usage, tokens): (&Usage, &Tokens),
    parts: &mut Parts,
) -> Result<(), UnpricedReason> {
    let rates = Rates::of(catalog, entry, terms, tokens.input)?;
    let all_tokens = bill_tokens(&rates, tokens, parts)?;
    let (mut measured, mut unmeasured) = (tokens.input > 0 || tokens.output > 0, false);
    measured &= all_tokens;
    let mut otherwise = false;
    for (unit, quantity) in measures(usage, entry.least_seconds).ok_or(UnpricedReason::Overflow)? {
        if quantity == 0 {
            continue;
        }
        match rates.get(unit) {
            Lookup::Rate(rate) => {
                parts.push(Part::new(unit, quantity, rate));
                otherwise = true;
            }
            Lookup::Missing => return Err(UnpricedReason::NoRate),
            Lookup::Absent => unmeasured = true,
        }
    }
    if !otherwise && (!all_tokens || (unmeasured && !measured)) {
        return Err(UnpricedReason::NoRate);
    }
    if let Some(searches) = usage.web_searches.filter(|searches| *searches > 0) {
        match rates.get(Unit::WebSearches) {
            Lookup::Rate(rate) => parts.push(Part::new(Unit::WebSearches, searches, rate)),
            Lookup::Missing | Lookup::Absent => return Err(UnpricedReason::NoRate),
        }
    }
    if let Lookup::Rate(rate) = rates.get(Unit::Requests) {
        parts.push(Part::new(Unit::Requests, 1, rate));
    }
    Ok(())
}
