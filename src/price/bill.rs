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
//! * What the data has for the default tier and not for the requested one is missing, and not billed as the default tier's.
//! * Nothing is free unless the entry says so: where all that was billed comes to 0 and something was passed over, the call has no price.

use super::call_rates::{Basis, CallRates, Terms};
use super::rates::Lookup;
use crate::record::{Part, Parts, Unit, UnpricedReason, Usage};
use std::time::Duration;

/// Calls `bill` with the tokens of each kind, every token in one kind only.
///
/// What goes in is split by cache and by modality. Where the provider does not say how the two cut across each other, tokens
/// from a cache are taken to be text as long as there is text: only what the whole cannot hold otherwise is cached audio or cached
/// images. Where parts exceed their whole, which the record says, they are billed up to the whole, and nothing is left over for the rest:
/// Cohere counts cached tokens in all that the model saw, and bills for less.
///
/// `bill` gets the number of tokens of a kind and the units whose rates they may be billed at; the first unit that has a rate
/// counts. It is not called for kinds that do not occur.
fn each_kind(
    usage: &Usage,
    has_reasoning_rate: bool,
    mut bill: impl FnMut(u64, &'static [Unit]) -> Result<(), UnpricedReason>,
) -> Result<(), UnpricedReason> {
    let count = |count: Option<u64>| count.unwrap_or(0);
    let mut each = |tokens, units| if tokens > 0 { bill(tokens, units) } else { Ok(()) };
    let (read, written_1h) = (count(usage.cache_read_tokens), count(usage.cache_write_1h_tokens));
    let read = read.min(usage.input_tokens.unwrap_or(u64::MAX));
    let written = written(usage).ok_or(UnpricedReason::Overflow)?;
    let fresh = count(usage.input_tokens).saturating_sub(read.saturating_add(written));
    let (all_audio, all_image) = (count(usage.input_audio_tokens), count(usage.input_image_tokens));
    let (told_audio, told_image) =
        (count(usage.cache_read_audio_tokens), count(usage.cache_read_image_tokens));
    let audio = all_audio.saturating_sub(told_audio).min(fresh);
    let image = all_image.saturating_sub(told_image).min(fresh - audio);
    let (cached_audio, cached_image) = match (usage.cache_read_audio_tokens, usage.cache_read_image_tokens) {
        (None, None) => (all_audio - audio, all_image - image),
        _ => (told_audio, told_image),
    };
    let cached_audio = cached_audio.min(read);
    let cached_image = cached_image.min(read - cached_audio);
    each(fresh - audio - image, &[Unit::Input])?;
    each(read - cached_audio - cached_image, &[Unit::CacheRead, Unit::Input])?;
    each(written - written_1h, &[Unit::CacheWrite, Unit::Input])?;
    each(written_1h, &[Unit::CacheWrite1h, Unit::CacheWrite, Unit::Input])?;
    each(audio, &[Unit::InputAudio, Unit::Input])?;
    each(cached_audio, &[Unit::CacheReadAudio, Unit::CacheRead, Unit::InputAudio, Unit::Input])?;
    each(image, &[Unit::InputImage, Unit::Input])?;
    each(cached_image, &[Unit::CacheReadImage, Unit::CacheRead, Unit::InputImage, Unit::Input])?;

    let output = count(usage.output_tokens);
    let audio = count(usage.output_audio_tokens).min(output);
    let image = count(usage.output_image_tokens).min(output - audio);
    let text = output - audio - image;
    let reasoning = if has_reasoning_rate { count(usage.reasoning_tokens).min(text) } else { 0 };
    each(text - reasoning, &[Unit::Output])?;
    each(reasoning, &[Unit::Reasoning, Unit::Output])?;
    each(audio, &[Unit::OutputAudio, Unit::Output])?;
    each(image, &[Unit::OutputImage, Unit::Output])
}

/// Returns all tokens written to a cache, at least those whose time to live is known; `None` where they cannot be counted. What is left beside
/// these is billed as kept for five minutes, which is what a provider means that knows one kind only.
fn written(usage: &Usage) -> Option<u64> {
    let by_time =
        usage.cache_write_5m_tokens.unwrap_or(0).checked_add(usage.cache_write_1h_tokens.unwrap_or(0))?;
    Some(usage.cache_write_tokens.unwrap_or(0).max(by_time))
}

/// Returns whether there are tokens of any kind, even such that are not part of a whole.
fn has_tokens(usage: &Usage) -> bool {
    let Usage { input_tokens, input_audio_tokens, input_image_tokens, cache_read_tokens, .. } = *usage;
    let Usage { output_tokens, reasoning_tokens, output_audio_tokens, output_image_tokens, .. } = *usage;
    let input = [input_tokens, input_audio_tokens, input_image_tokens, cache_read_tokens, written(usage)];
    let output = [output_tokens, reasoning_tokens, output_audio_tokens, output_image_tokens];
    input.iter().chain(&output).flatten().any(|tokens| *tokens > 0)
}

/// What the tokens of a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokensBilled {
    /// Each has a rate.
    All,
    /// What came out is not billed by this entry.
    InputAlone,
    /// There are tokens without a rate.
    Some,
}

/// Bills the tokens of a call.
///
/// Adds to `parts` what could be billed; what is there already stays.
fn bill_tokens(
    rates: &CallRates<'_>,
    usage: &Usage,
    parts: &mut Parts,
) -> Result<TokensBilled, UnpricedReason> {
    let reasoning = usage.reasoning_tokens.is_some() && !matches!(rates.get(Unit::Reasoning), Lookup::Absent);
    let mut billed = TokensBilled::All;
    each_kind(usage, reasoning, |quantity, units| {
        let Some(kind) = units.first() else { return Ok(()) };
        match rates.first(units) {
            Lookup::Rate(rate) => {
                let rate = match rates.factor {
                    None => rate,
                    Some(factor) => rate.times(factor).ok_or(UnpricedReason::Overflow)?,
                };
                parts.push(Part::new(*kind, quantity, rate));
            }
            Lookup::Missing => return Err(UnpricedReason::NoRate),
            Lookup::Absent
                if units.contains(&Unit::Output) && matches!(rates.get(Unit::Input), Lookup::Rate(_)) =>
            {
                if billed == TokensBilled::All {
                    billed = TokensBilled::InputAlone;
                }
            }
            Lookup::Absent => billed = TokensBilled::Some,
        }
        Ok(())
    })?;
    Ok(billed)
}

/// Bills the tokens of a pass.
pub(super) fn bill_pass(
    basis: &Basis<'_>,
    terms: &Terms,
    pass: &Usage,
    parts: &mut Parts,
) -> Result<(), UnpricedReason> {
    let rates = CallRates::of(basis, terms, pass.input_tokens.unwrap_or(0))?;
    match bill_tokens(&rates, pass, parts)? {
        TokensBilled::All | TokensBilled::InputAlone => Ok(()),
        TokensBilled::Some => Err(UnpricedReason::NoRate),
    }
}

/// Returns how much of a unit other than tokens was counted.
fn count(usage: &Usage, unit: Unit) -> u64 {
    (unit.row().count)(usage).unwrap_or(0)
}

/// Returns the length that is billed, in nanoseconds. `None` for more than the 584 years that can be counted.
fn length(usage: &Usage, least_seconds: u8) -> Option<u64> {
    let length = match usage.seconds {
        Some(length) if !length.is_zero() => length.max(Duration::from_secs(least_seconds.into())),
        _ => Duration::ZERO,
    };
    u64::try_from(length.as_nanos()).ok()
}

/// Bills the measures beside tokens, and returns whether one was passed over. It is an error where nothing that measures the work
/// has a rate.
fn bill_measures(
    rates: &CallRates<'_>,
    least_seconds: u8,
    usage: &Usage,
    all_tokens: bool,
    parts: &mut Parts,
) -> Result<bool, UnpricedReason> {
    let (mut billed, mut passed_over) = (false, false);
    for unit in Unit::MEASURES {
        let quantity = match unit {
            Unit::Seconds => length(usage, least_seconds).ok_or(UnpricedReason::Overflow)?,
            unit => count(usage, unit),
        };
        if quantity == 0 {
            continue;
        }
        match rates.get(unit) {
            Lookup::Rate(rate) => {
                parts.push(Part::new(unit, quantity, rate));
                billed = true;
            }
            Lookup::Missing => return Err(UnpricedReason::NoRate),
            Lookup::Absent => passed_over = true,
        }
    }
    let tokens_billed =
        all_tokens && [usage.input_tokens, usage.output_tokens].iter().flatten().any(|tokens| *tokens > 0);
    if billed || tokens_billed || (all_tokens && !passed_over) {
        Ok(passed_over)
    } else {
        Err(UnpricedReason::NoRate)
    }
}

/// Bills what comes on top of the work, each of which must have a rate.
fn bill_extras(rates: &CallRates<'_>, usage: &Usage, parts: &mut Parts) -> Result<(), UnpricedReason> {
    for unit in Unit::EXTRAS {
        let quantity = count(usage, unit);
        if quantity == 0 {
            continue;
        }
        let Lookup::Rate(rate) = rates.get(unit) else { return Err(UnpricedReason::NoRate) };
        let quantity = if rates.once(unit) { 1 } else { quantity };
        parts.push(Part::new(unit, quantity, rate));
    }
    Ok(())
}

/// Bills a call without its passes.
pub(super) fn bill_call(
    basis: &Basis<'_>,
    terms: &Terms,
    usage: &Usage,
    parts: &mut Parts,
) -> Result<(), UnpricedReason> {
    let rates = CallRates::of(basis, terms, usage.input_tokens.unwrap_or(0))?;
    let billed = bill_tokens(&rates, usage, parts)?;
    let all_tokens = billed != TokensBilled::Some;
    let mut passed_over = billed != TokensBilled::All;
    if !all_tokens
        || (usage.seconds.is_some()
            || Unit::MEASURES.into_iter().any(|unit| (unit.row().count)(usage).is_some()))
    {
        passed_over |= bill_measures(&rates, basis.entry.least_seconds, usage, all_tokens, parts)?;
    }
    bill_extras(&rates, usage, parts)?;
    if let Lookup::Rate(rate) = rates.get(Unit::Requests) {
        parts.push(Part::new(Unit::Requests, 1, rate));
    }
    // Parts without a whole are tokens too.
    let lost = parts.is_empty() && has_tokens(usage);
    if lost || (passed_over && parts.iter().all(|part| part.rate.is_zero())) {
        return Err(UnpricedReason::NoRate);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(usage: &Usage) -> Vec<(Unit, u64)> {
        let mut kinds = Vec::new();
        let note = |amount, units: &[Unit]| {
            kinds.push((units[0], amount));
            Ok(())
        };
        each_kind(usage, true, note).unwrap();
        kinds
    }

    #[test]
    fn parts_are_taken_out_of_the_whole_once() {
        let tokens = Usage {
            input_tokens: Some(100),
            cache_read_tokens: Some(20),
            cache_write_tokens: Some(30),
            cache_write_1h_tokens: Some(10),
            input_audio_tokens: Some(5),
            output_tokens: Some(50),
            reasoning_tokens: Some(40),
            output_audio_tokens: Some(4),
            ..Usage::default()
        };
        let parts = [
            (Unit::Input, 45),
            (Unit::CacheRead, 20),
            (Unit::CacheWrite, 20),
            (Unit::CacheWrite1h, 10),
            (Unit::InputAudio, 5),
            (Unit::Output, 6),
            (Unit::Reasoning, 40),
            (Unit::OutputAudio, 4),
        ];
        assert_eq!(amounts(&tokens), parts);
        assert_eq!(amounts(&tokens).iter().map(|(_, n)| n).sum::<u64>(), 150);
    }

    #[test]
    fn cached_tokens_are_text_as_long_as_there_is_text() {
        let mixed = Usage {
            input_tokens: Some(100),
            cache_read_tokens: Some(60),
            input_audio_tokens: Some(50),
            ..Usage::default()
        };
        assert_eq!(
            amounts(&mixed),
            [(Unit::CacheRead, 50), (Unit::InputAudio, 40), (Unit::CacheReadAudio, 10)]
        );
    }

    #[test]
    fn what_of_the_cache_was_audio_is_taken_from_what_the_provider_told() {
        let told = |audio, image| Usage {
            input_tokens: Some(1_000),
            cache_read_tokens: Some(900),
            input_audio_tokens: Some(900),
            cache_read_audio_tokens: Some(audio),
            cache_read_image_tokens: Some(image),
            ..Usage::default()
        };
        assert_eq!(amounts(&told(900, 0)), [(Unit::Input, 100), (Unit::CacheReadAudio, 900)]);
        assert_eq!(amounts(&told(0, 0)), [(Unit::CacheRead, 900), (Unit::InputAudio, 100)]);
        let max = u64::MAX;
        assert_eq!(amounts(&told(max, max)), [(Unit::Input, 100), (Unit::CacheReadAudio, 900)]);
    }

    #[test]
    fn contradictions_never_wrap() {
        let cached = Usage { input_tokens: Some(208), cache_read_tokens: Some(314), ..Usage::default() };
        assert_eq!(amounts(&cached), [(Unit::CacheRead, 208)]);
        let max = u64::MAX;
        let all = Usage {
            input_tokens: Some(1),
            cache_read_tokens: Some(max),
            cache_write_tokens: Some(max),
            cache_write_1h_tokens: Some(max),
            input_audio_tokens: Some(max),
            input_image_tokens: Some(max),
            output_tokens: Some(1),
            reasoning_tokens: Some(max),
            output_audio_tokens: Some(max),
            output_image_tokens: Some(max),
            ..Usage::default()
        };
        assert!(amounts(&all).iter().all(|(_, n)| *n <= max));
    }

    #[test]
    fn cache_writes_without_a_time_to_live_count_as_five_minutes() {
        let all = |all, five_minutes, hour| {
            written(&Usage {
                cache_write_tokens: all,
                cache_write_5m_tokens: five_minutes,
                cache_write_1h_tokens: hour,
                ..Usage::default()
            })
        };
        assert_eq!(all(Some(10), None, None), Some(10));
        assert_eq!(all(Some(10), None, Some(4)), Some(10));
        assert_eq!(all(None, Some(3), Some(4)), Some(7));
        assert_eq!(all(Some(5), Some(3), Some(4)), Some(7));
        assert_eq!(all(None, Some(u64::MAX), Some(1)), None);
    }

    #[test]
    fn a_least_length_applies_to_what_has_a_length() {
        let billed = |seconds| {
            let usage = Usage { seconds: Some(Duration::from_secs(seconds)), ..Usage::default() };
            length(&usage, 10)
        };
        assert_eq!(billed(3), Some(10_000_000_000));
        assert_eq!(billed(12), Some(12_000_000_000));
        assert_eq!(billed(0), Some(0));
        assert_eq!(billed(u64::MAX), None);
    }
}
