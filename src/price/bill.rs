//! Quantities times rates.
//!
//! Which units must have a rate:
//! * A token of any kind is billed at the rate of its kind, or else of the kind that it is a part of: cached audio as
//!   cached tokens, reasoning as output. It is never billed at nothing.
//! * An entry with a rate for input and none for output is billed by its input alone: both lists write embeddings,
//!   rerankers and classifiers so.
//! * Seconds, images, characters, pages, search units and tokens are ways to measure one piece of work. One that the
//!   entry has no rate for is passed over where another is billed; where none is, the call has no price.
//! * Searches, map queries and annotated pages come on top. Where there were some and there is no rate, the call has no price.
//! * What the data has for the default tier and not for the one asked for is missing, not the default tier's.
//! * Nothing is free unless the entry says so: where all that was billed comes to 0 and something was passed over, the call has no price.

use super::catalog::{Catalog, Lookup};
use super::quantities::{Tokens, extras, measures};
use super::rates::{Basis, Rates, Terms};
use crate::record::{Part, Parts, Unit, UnpricedReason, Usage};

/// What the tokens of a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Billed {
    /// Each has a rate.
    All,
    /// What came out is not billed by this entry.
    InputAlone,
    /// There are tokens without a rate.
    Some,
}

/// What a call of these tokens is billed, without the counted things.
///
/// Adds to `parts` what could be billed; what is there already stays.
#[inline(always)]
fn bill_tokens(rates: &Rates<'_>, tokens: &Tokens, parts: &mut Parts) -> Result<Billed, UnpricedReason> {
    let reasoning = tokens.reasoning > 0 && !matches!(rates.get(Unit::Reasoning), Lookup::Absent);
    let mut billed = Billed::All;
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
            Lookup::Absent
                if units.contains(&Unit::Output) && matches!(rates.get(Unit::Input), Lookup::Rate(_)) =>
            {
                if billed == Billed::All {
                    billed = Billed::InputAlone;
                }
            }
            Lookup::Absent => billed = Billed::Some,
        }
        Ok(())
    })?;
    Ok(billed)
}

/// What the tokens of a pass are billed.
pub(super) fn bill_pass(
    catalog: &Catalog,
    basis: &Basis<'_>,
    terms: &Terms,
    tokens: &Tokens,
    parts: &mut Parts,
) -> Result<(), UnpricedReason> {
    let rates = Rates::of(catalog, basis, terms, tokens.input)?;
    match bill_tokens(&rates, tokens, parts)? {
        Billed::All | Billed::InputAlone => Ok(()),
        Billed::Some => Err(UnpricedReason::NoRate),
    }
}

/// Whether something was counted beside tokens and what comes on top.
#[inline]
fn counts_other_things(usage: &Usage) -> bool {
    usage.seconds.is_some()
        || usage.search_units.is_some()
        || usage.images.is_some()
        || usage.characters.is_some()
        || usage.pages.is_some()
}

/// What is billed beside tokens and what comes on top; whether something was passed over. An error where nothing that measures the work
/// has a rate.
fn bill_measures(
    rates: &Rates<'_>,
    least_seconds: u8,
    (usage, tokens): (&Usage, &Tokens),
    all_tokens: bool,
    parts: &mut Parts,
) -> Result<bool, UnpricedReason> {
    let (mut billed, mut passed_over) = (false, false);
    for (unit, quantity) in measures(usage, least_seconds).ok_or(UnpricedReason::Overflow)? {
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
    if billed || tokens_billed || (all_tokens && !passed_over) {
        Ok(passed_over)
    } else {
        Err(UnpricedReason::NoRate)
    }
}

/// What comes on top of the work. Each must have a rate.
fn bill_extras(rates: &Rates<'_>, usage: &Usage, parts: &mut Parts) -> Result<(), UnpricedReason> {
    for (unit, quantity) in extras(usage) {
        if quantity == 0 {
            continue;
        }
        let Lookup::Rate(rate) = rates.get(unit) else { return Err(UnpricedReason::NoRate) };
        let quantity = if rates.once(unit) { 1 } else { quantity };
        parts.push(&Part::new(unit, quantity, rate));
    }
    Ok(())
}

/// What a call is billed, without its passes.
pub(super) fn bill_call(
    catalog: &Catalog,
    basis: &Basis<'_>,
    terms: &Terms,
    (usage, tokens): (&Usage, &Tokens),
    parts: &mut Parts,
) -> Result<(), UnpricedReason> {
    let rates = Rates::of(catalog, basis, terms, tokens.input)?;
    let billed = bill_tokens(&rates, tokens, parts)?;
    let all_tokens = billed != Billed::Some;
    let mut passed_over = billed != Billed::All;
    if !all_tokens || counts_other_things(usage) {
        passed_over |= bill_measures(&rates, basis.entry.least_seconds, (usage, tokens), all_tokens, parts)?;
    }
    bill_extras(&rates, usage, parts)?;
    if let Lookup::Rate(rate) = rates.get(Unit::Requests) {
        parts.push(&Part::new(Unit::Requests, 1, rate));
    }
    // Parts without a whole are tokens too.
    let lost = parts.is_empty() && tokens.any();
    if lost || (passed_over && parts.iter().all(|part| part.rate.is_zero())) {
        return Err(UnpricedReason::NoRate);
    }
    Ok(())
}
