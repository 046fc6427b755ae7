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
use super::quantities::{Tokens, measures};
use super::window::{Window, unix_seconds};
use crate::record::{Part, Parts, Rate, Unit, UnpricedReason, Usage};
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

/// The rates that hold for one call, the uppermost first.
struct Rates<'a> {
    catalog: &'a Catalog,
    layers: [Option<&'a Band>; 2 * MAX_OVERLAYS + 1],
    /// A factor on the rates of tokens.
    uplift: Option<Rate>,
}

impl<'a> Rates<'a> {
    /// No rates yet.
    #[inline(always)]
    const fn none(catalog: &'a Catalog, uplift: Option<Rate>) -> Self {
        Self { catalog, layers: [None; 2 * MAX_OVERLAYS + 1], uplift }
    }

    /// Takes the rates of an entry under some terms, for a request of that much input.
    #[inline(always)]
    fn take(&mut self, entry: &Entry, terms: &Terms, input: u64) -> Result<(), UnpricedReason> {
        if let (Some(sole), STANDARD, None) = (entry.sole_band.checked_sub(1), terms.tier, terms.route)
            && let [lowest, ..] = &mut self.layers
        {
            *lowest = self.catalog.bands.get(sole as usize);
            return Ok(());
        }
        self.lay(entry.periods.of(&self.catalog.periods), terms, input)
    }

    /// Lays the prices that hold over each other.
    fn lay(&mut self, periods: &[Period], terms: &Terms, input: u64) -> Result<(), UnpricedReason> {
        let catalog = self.catalog;
        // Most prices hold always, and then the time need not be looked at.
        let time = OnceCell::new();
        let holds = |period: &&Period| {
            matches!(period.window, Window::Always)
                || period.window.holds(*time.get_or_init(|| unix_seconds(terms.time)))
        };
        let mut next = self.layers.iter_mut();
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
        Ok(())
    }

    #[inline(always)]
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
    #[inline(always)]
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
#[inline(always)]
fn bill_tokens(rates: &Rates<'_>, tokens: &Tokens, parts: &mut Parts) -> Result<bool, UnpricedReason> {
    let reasoning = tokens.reasoning > 0 && !matches!(rates.get(Unit::Reasoning), Lookup::Absent);
    let mut all = true;
    tokens.each_kind(reasoning, |quantity, units| {
        let Some(kind) = units.first() else { return Ok(()) };
        match rates.first(units) {
            Lookup::Rate(rate) => {
                let rate = match rates.uplift {
                    None => rate,
                    Some(factor) => rate.times(factor).ok_or(UnpricedReason::Overflow)?,
                };
                parts.push(&Part::new(*kind, quantity, rate));
            }
            Lookup::Missing => return Err(UnpricedReason::NoRate),
            // Billed by its input alone.
            Lookup::Absent
                if units.contains(&Unit::Output) && matches!(rates.get(Unit::Input), Lookup::Rate(_)) => {}
            Lookup::Absent => all = false,
        }
        Ok(())
    })?;
    Ok(all)
}

/// What the tokens of a pass are billed.
pub(super) fn bill_pass(
    catalog: &Catalog,
    (entry, uplift): (&Entry, Option<Rate>),
    terms: &Terms,
    tokens: &Tokens,
    parts: &mut Parts,
) -> Result<(), UnpricedReason> {
    let mut rates = Rates::none(catalog, uplift);
    rates.take(entry, terms, tokens.input)?;
    if bill_tokens(&rates, tokens, parts)? { Ok(()) } else { Err(UnpricedReason::NoRate) }
}

/// Whether something was counted beside tokens and searches.
#[inline]
fn counts_other_things(usage: &Usage) -> bool {
    usage.seconds.is_some()
        || usage.search_units.is_some()
        || usage.images.is_some()
        || usage.characters.is_some()
        || usage.pages.is_some()
}

/// What is billed beside tokens and searches. An error where nothing that measures the work has a rate.
fn bill_measures(
    rates: &Rates<'_>,
    entry: &Entry,
    (usage, tokens): (&Usage, &Tokens),
    all_tokens: bool,
    parts: &mut Parts,
) -> Result<(), UnpricedReason> {
    let (mut billed, mut passed_over) = (false, false);
    for (unit, quantity) in measures(usage, entry.least_seconds).ok_or(UnpricedReason::Overflow)? {
        if quantity == 0 {
            continue;
        }
        match rates.get(unit) {
            Lookup::Rate(rate) => {
                parts.push(&Part::new(unit, quantity, rate));
                billed = true;
            }
            Lookup::Missing => return Err(UnpricedReason::NoRate),
            Lookup::Absent => passed_over = true,
        }
    }
    let tokens_billed = all_tokens && (tokens.input > 0 || tokens.output > 0);
    if billed || tokens_billed || (all_tokens && !passed_over) { Ok(()) } else { Err(UnpricedReason::NoRate) }
}

/// What a call is billed, without its passes.
pub(super) fn bill_call(
    catalog: &Catalog,
    (entry, uplift): (&Entry, Option<Rate>),
    terms: &Terms,
    (usage, tokens): (&Usage, &Tokens),
    parts: &mut Parts,
) -> Result<(), UnpricedReason> {
    let mut rates = Rates::none(catalog, uplift);
    rates.take(entry, terms, tokens.input)?;
    let all_tokens = bill_tokens(&rates, tokens, parts)?;
    if !all_tokens || counts_other_things(usage) {
        bill_measures(&rates, entry, (usage, tokens), all_tokens, parts)?;
    }
    if let Some(searches) = usage.web_searches.filter(|searches| *searches > 0) {
        match rates.get(Unit::WebSearches) {
            Lookup::Rate(rate) => parts.push(&Part::new(Unit::WebSearches, searches, rate)),
            Lookup::Missing | Lookup::Absent => return Err(UnpricedReason::NoRate),
        }
    }
    if let Lookup::Rate(rate) = rates.get(Unit::Requests) {
        parts.push(&Part::new(Unit::Requests, 1, rate));
    }
    Ok(())
}
