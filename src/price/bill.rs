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
use super::rates::{Basis, CallRates, Terms};
use crate::record::{Billing, Part, Parts, Pass, Unit, UnpricedReason, Usage};
use std::time::Duration;

/// The tokens of a call or of a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    pub(super) input: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
    pub(super) cache_write_1h: u64,
    pub(super) input_audio: u64,
    pub(super) input_image: u64,
    /// Audio and images among the tokens read from a cache, where the provider told them apart.
    pub(super) cache_read_kinds: Option<(u64, u64)>,
    pub(super) output: u64,
    pub(super) reasoning: u64,
    pub(super) output_audio: u64,
    pub(super) output_image: u64,
}

impl Tokens {
    /// The tokens of a call; `None` where they cannot be counted. What the provider did not say counts as none.
    pub(super) fn of_call(usage: &Usage) -> Option<Self> {
        let written =
            written(usage.cache_write_tokens, usage.cache_write_5m_tokens, usage.cache_write_1h_tokens)?;
        Some(Self {
            input: usage.input_tokens.unwrap_or(0),
            cache_read: usage.cache_read_tokens.unwrap_or(0),
            cache_write: written,
            cache_write_1h: usage.cache_write_1h_tokens.unwrap_or(0),
            input_audio: usage.input_audio_tokens.unwrap_or(0),
            input_image: usage.input_image_tokens.unwrap_or(0),
            cache_read_kinds: match (usage.cache_read_audio_tokens, usage.cache_read_image_tokens) {
                (None, None) => None,
                (audio, image) => Some((audio.unwrap_or(0), image.unwrap_or(0))),
            },
            output: usage.output_tokens.unwrap_or(0),
            reasoning: usage.reasoning_tokens.unwrap_or(0),
            output_audio: usage.output_audio_tokens.unwrap_or(0),
            output_image: usage.output_image_tokens.unwrap_or(0),
        })
    }

    /// The tokens of a pass; `None` where they cannot be counted.
    pub(super) fn of_pass(pass: &Pass) -> Option<Self> {
        Some(Self {
            input: pass.input_tokens.unwrap_or(0),
            cache_read: pass.cache_read_tokens.unwrap_or(0),
            cache_write: written(
                pass.cache_write_tokens,
                pass.cache_write_5m_tokens,
                pass.cache_write_1h_tokens,
            )?,
            cache_write_1h: pass.cache_write_1h_tokens.unwrap_or(0),
            input_image: pass.input_image_tokens.unwrap_or(0),
            output: pass.output_tokens.unwrap_or(0),
            output_image: pass.output_image_tokens.unwrap_or(0),
            ..Self::default()
        })
    }

    /// Whether there are tokens of any kind.
    pub(super) fn any(&self) -> bool {
        let Self { input, cache_read, cache_write, input_audio, input_image, output, .. } = *self;
        let Self { reasoning, output_audio, output_image, .. } = *self;
        let all = [input, cache_read, cache_write, input_audio, input_image, output, reasoning, output_audio];
        all.iter().any(|tokens| *tokens > 0) || output_image > 0
    }

    /// The tokens by kind, each in one kind only.
    ///
    /// What goes in is split by cache and by modality. Where the provider does not say how the two cut across each other, tokens
    /// from a cache are taken to be text as long as there is text: only what the whole cannot hold otherwise is cached audio or cached
    /// images. Where parts exceed their whole, which the record says, nothing is left over for the rest: cached tokens are billed as they
    /// were reported, other parts up to the whole.
    ///
    /// `bill` is told how many there are of a kind and the units whose rates they may be billed at, of which the first that has one
    /// counts. It is not told of kinds that do not occur.
    pub(super) fn each_kind<E>(
        &self,
        has_reasoning_rate: bool,
        mut bill: impl FnMut(u64, &'static [Unit]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut each = |tokens, units| if tokens > 0 { bill(tokens, units) } else { Ok(()) };
        let cached = self.cache_read.saturating_add(self.cache_write);
        let fresh = self.input.saturating_sub(cached);
        let (told_audio, told_image) = self.cache_read_kinds.unwrap_or((0, 0));
        let audio = self.input_audio.saturating_sub(told_audio).min(fresh);
        let image = self.input_image.saturating_sub(told_image).min(fresh - audio);
        let (cached_audio, cached_image) = match self.cache_read_kinds {
            Some(told) => told,
            None => (self.input_audio - audio, self.input_image - image),
        };
        let cached_audio = cached_audio.min(self.cache_read);
        let cached_image = cached_image.min(self.cache_read - cached_audio);
        each(fresh - audio - image, &[Unit::Input])?;
        each(self.cache_read - cached_audio - cached_image, &[Unit::CacheRead, Unit::Input])?;
        each(self.cache_write - self.cache_write_1h, &[Unit::CacheWrite, Unit::Input])?;
        each(self.cache_write_1h, &[Unit::CacheWrite1h, Unit::CacheWrite, Unit::Input])?;
        each(audio, &[Unit::InputAudio, Unit::Input])?;
        each(cached_audio, &[Unit::CacheReadAudio, Unit::CacheRead, Unit::InputAudio, Unit::Input])?;
        each(image, &[Unit::InputImage, Unit::Input])?;
        each(cached_image, &[Unit::CacheReadImage, Unit::CacheRead, Unit::InputImage, Unit::Input])?;

        let audio = self.output_audio.min(self.output);
        let image = self.output_image.min(self.output - audio);
        let text = self.output - audio - image;
        let reasoning = if has_reasoning_rate { self.reasoning.min(text) } else { 0 };
        each(text - reasoning, &[Unit::Output])?;
        each(reasoning, &[Unit::Reasoning, Unit::Output])?;
        each(audio, &[Unit::OutputAudio, Unit::Output])?;
        each(image, &[Unit::OutputImage, Unit::Output])
    }
}

/// All tokens written to a cache, at least those whose time to live is known. What is left beside these is billed as kept
/// for five minutes, which is what a provider means that knows one kind only.
fn written(all: Option<u64>, five_minutes: Option<u64>, hour: Option<u64>) -> Option<u64> {
    Some(all.unwrap_or(0).max(five_minutes.unwrap_or(0).checked_add(hour.unwrap_or(0))?))
}

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
fn bill_tokens(rates: &CallRates<'_>, tokens: &Tokens, parts: &mut Parts) -> Result<Billed, UnpricedReason> {
    let reasoning = tokens.reasoning > 0 && !matches!(rates.get(Unit::Reasoning), Lookup::Absent);
    let mut billed = Billed::All;
    tokens.each_kind(reasoning, |quantity, units| {
        let Some(kind) = units.first() else { return Ok(()) };
        match rates.first(units) {
            Lookup::Rate(rate) => {
                let rate = match rates.factor {
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
    let rates = CallRates::of(catalog, basis, terms, tokens.input)?;
    match bill_tokens(&rates, tokens, parts)? {
        Billed::All | Billed::InputAlone => Ok(()),
        Billed::Some => Err(UnpricedReason::NoRate),
    }
}

/// The units that are billed in that way.
fn of_billing(billing: Billing) -> impl Iterator<Item = Unit> {
    Unit::ALL.iter().copied().filter(move |unit| unit.row().billing == billing)
}

/// How much of a unit other than tokens was counted.
fn count(usage: &Usage, unit: Unit) -> u64 {
    (unit.row().count)(usage).unwrap_or(0)
}

/// The length that is billed, in nanoseconds. `None` for more than the 584 years that can be counted.
fn length(usage: &Usage, least_seconds: u8) -> Option<u64> {
    let length = match usage.seconds {
        Some(length) if !length.is_zero() => length.max(Duration::from_secs(least_seconds.into())),
        _ => Duration::ZERO,
    };
    u64::try_from(length.as_nanos()).ok()
}

/// What is billed beside tokens and what comes on top; whether something was passed over. An error where nothing that measures the work
/// has a rate.
fn bill_measures(
    rates: &CallRates<'_>,
    least_seconds: u8,
    (usage, tokens): (&Usage, &Tokens),
    all_tokens: bool,
    parts: &mut Parts,
) -> Result<bool, UnpricedReason> {
    let (mut billed, mut passed_over) = (false, false);
    for unit in of_billing(Billing::Measure) {
        let quantity = match unit {
            Unit::Seconds => length(usage, least_seconds).ok_or(UnpricedReason::Overflow)?,
            unit => count(usage, unit),
        };
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
fn bill_extras(rates: &CallRates<'_>, usage: &Usage, parts: &mut Parts) -> Result<(), UnpricedReason> {
    for unit in of_billing(Billing::Extra) {
        let quantity = count(usage, unit);
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
    let rates = CallRates::of(catalog, basis, terms, tokens.input)?;
    let billed = bill_tokens(&rates, tokens, parts)?;
    let all_tokens = billed != Billed::Some;
    let mut passed_over = billed != Billed::All;
    if !all_tokens
        || (usage.seconds.is_some()
            || of_billing(Billing::Measure).any(|unit| (unit.row().count)(usage).is_some()))
    {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(tokens: Tokens) -> Vec<(Unit, u64)> {
        let mut kinds = Vec::new();
        let note = |amount, units: &[Unit]| {
            kinds.push((units[0], amount));
            Ok::<(), ()>(())
        };
        tokens.each_kind(true, note).unwrap();
        kinds
    }

    #[test]
    fn parts_are_taken_out_of_the_whole_once() {
        let tokens = Tokens {
            input: 100,
            cache_read: 20,
            cache_write: 30,
            cache_write_1h: 10,
            input_audio: 5,
            output: 50,
            reasoning: 40,
            output_audio: 4,
            ..Tokens::default()
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
        assert_eq!(amounts(tokens), parts);
        assert_eq!(amounts(tokens).iter().map(|(_, n)| n).sum::<u64>(), 150);
    }

    #[test]
    fn cached_tokens_are_text_as_long_as_there_is_text() {
        let mixed = Tokens { input: 100, cache_read: 60, input_audio: 50, ..Tokens::default() };
        assert_eq!(
            amounts(mixed),
            [(Unit::CacheRead, 50), (Unit::InputAudio, 40), (Unit::CacheReadAudio, 10)]
        );
    }

    #[test]
    fn what_of_the_cache_was_audio_is_taken_from_what_the_provider_told() {
        let told = |audio, image| Tokens {
            input: 1_000,
            cache_read: 900,
            input_audio: 900,
            cache_read_kinds: Some((audio, image)),
            ..Tokens::default()
        };
        assert_eq!(amounts(told(900, 0)), [(Unit::Input, 100), (Unit::CacheReadAudio, 900)]);
        assert_eq!(amounts(told(0, 0)), [(Unit::CacheRead, 900), (Unit::InputAudio, 100)]);
        let max = u64::MAX;
        assert_eq!(amounts(told(max, max)), [(Unit::Input, 100), (Unit::CacheReadAudio, 900)]);
    }

    #[test]
    fn contradictions_never_wrap() {
        let cached = Tokens { input: 208, cache_read: 314, ..Tokens::default() };
        assert_eq!(amounts(cached), [(Unit::CacheRead, 314)]);
        let max = u64::MAX;
        let all = Tokens {
            input: 1,
            cache_read: max,
            cache_write: max,
            cache_write_1h: max,
            input_audio: max,
            input_image: max,
            cache_read_kinds: None,
            output: 1,
            reasoning: max,
            output_audio: max,
            output_image: max,
        };
        assert!(amounts(all).iter().all(|(_, n)| *n <= max));
    }

    #[test]
    fn cache_writes_without_a_time_to_live_count_as_five_minutes() {
        assert_eq!(written(Some(10), None, None), Some(10));
        assert_eq!(written(Some(10), None, Some(4)), Some(10));
        assert_eq!(written(None, Some(3), Some(4)), Some(7));
        assert_eq!(written(Some(5), Some(3), Some(4)), Some(7));
        assert_eq!(written(None, Some(u64::MAX), Some(1)), None);
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
