//! Rates as a price list writes them, before they are packed.

use super::error::Problem;
use crate::record::{Rate, Unit};
use std::collections::BTreeMap;

/// The rate of one unit: a base, and others for requests whose input is larger than a threshold. `None` is a rate that is
/// known to be missing, which is not the same as one that nobody mentions.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Listed {
    pub(super) base: Option<Rate>,
    /// Threshold and rate, by rising threshold.
    pub(super) above: Vec<(u64, Option<Rate>)>,
}

impl Listed {
    /// One rate for requests of all sizes.
    pub(super) fn flat(rate: Rate) -> Self {
        Self { base: Some(rate), above: Vec::new() }
    }

    /// A rate that is known to be missing.
    pub(super) fn missing() -> Self {
        Self::default()
    }

    /// The rate for a request of more than `threshold` tokens.
    fn over(&self, threshold: u64) -> Option<Rate> {
        self.above.iter().rev().find(|(start, _)| *start <= threshold).map_or(self.base, |(_, rate)| *rate)
    }

    fn rates(&self) -> impl Iterator<Item = Rate> + '_ {
        self.base.into_iter().chain(self.above.iter().filter_map(|(_, rate)| *rate))
    }
}

/// The rates of one price, by unit.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Sheet(pub(super) BTreeMap<Unit, Listed>);

impl Sheet {
    /// The thresholds at which rates change, 0 first.
    pub(super) fn thresholds(&self) -> Vec<u64> {
        let mut all = vec![0];
        all.extend(self.0.values().flat_map(|listed| listed.above.iter().map(|(start, _)| *start)));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The rates for a request of more than `threshold` tokens, or of any size for 0.
    pub(super) fn over(&self, threshold: u64) -> impl Iterator<Item = (Unit, Option<Rate>)> + '_ {
        self.0.iter().map(move |(unit, listed)| {
            let rate = if threshold == 0 { listed.base } else { listed.over(threshold) };
            (*unit, rate)
        })
    }

    /// Every rate times a factor, but for those that are not for tokens.
    pub(super) fn times(&self, factor: Rate) -> Option<Self> {
        let times = |rate: Option<Rate>| rate.map_or(Some(None), |rate| rate.times(factor).map(Some));
        let mut scaled = self.clone();
        for listed in scaled.0.iter_mut().filter(|(unit, _)| is_token(**unit)).map(|(_, listed)| listed) {
            listed.base = times(listed.base)?;
            for (_, rate) in &mut listed.above {
                *rate = times(*rate)?;
            }
        }
        Some(scaled)
    }

    /// Whether every rate is below what can be right.
    pub(super) fn check(&self) -> Result<(), Problem> {
        for (unit, listed) in &self.0 {
            if listed.rates().any(|rate| rate > ceiling(*unit)) {
                return Err(Problem::AboveCeiling { key: unit.as_str().to_owned() });
            }
        }
        Ok(())
    }
}

/// Whether the unit is a kind of token.
pub(super) const fn is_token(unit: Unit) -> bool {
    match unit {
        Unit::Input
        | Unit::CacheRead
        | Unit::CacheWrite
        | Unit::CacheWrite1h
        | Unit::InputAudio
        | Unit::CacheReadAudio
        | Unit::InputImage
        | Unit::CacheReadImage
        | Unit::Output
        | Unit::Reasoning
        | Unit::OutputAudio
        | Unit::OutputImage => true,
        Unit::WebSearches
        | Unit::SearchUnits
        | Unit::Seconds
        | Unit::Images
        | Unit::Characters
        | Unit::Pages
        | Unit::Requests
        | Unit::FileSearches
        | Unit::MapQueries
        | Unit::AnnotatedPages => false,
    }
}

/// The highest rate that is believed. The dearest token of 2026 costs 600 dollars a million; prices entered a
/// thousand times too high have been seen in every public list.
pub(super) fn ceiling(unit: Unit) -> Rate {
    match unit {
        Unit::Characters => Rate::from_parts(1, 2),
        Unit::WebSearches | Unit::SearchUnits | Unit::FileSearches | Unit::MapQueries => Rate::ONE,
        Unit::Images | Unit::Pages | Unit::AnnotatedPages => Rate::from_parts(10, 0),
        Unit::Requests => Rate::from_parts(100, 0),
        Unit::Seconds => Rate::from_parts(36_000, 0),
        // A thousand dollars a million tokens.
        _ => Rate::from_parts(1, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        Rate::from_decimal(text).unwrap()
    }

    #[test]
    fn each_threshold_has_the_rates_that_hold_beyond_it() {
        let tiered =
            Listed { base: Some(rate("1e-6")), above: vec![(128_000, Some(rate("2e-6"))), (256_000, None)] };
        let sheet = Sheet([(Unit::Input, tiered), (Unit::Output, Listed::flat(rate("3e-6")))].into());
        assert_eq!(sheet.thresholds(), [0, 128_000, 256_000]);
        let at = |threshold| sheet.over(threshold).map(|(_, rate)| rate).collect::<Vec<_>>();
        assert_eq!(at(0), [Some(rate("1e-6")), Some(rate("3e-6"))]);
        assert_eq!(at(128_000), [Some(rate("2e-6")), Some(rate("3e-6"))]);
        assert_eq!(at(256_000), [None, Some(rate("3e-6"))]);
    }

    #[test]
    fn a_rate_a_thousand_times_too_high_is_noticed_in_every_tier() {
        let sheet = |listed| Sheet([(Unit::Output, listed)].into());
        assert!(sheet(Listed::flat(rate("0.0006"))).check().is_ok());
        assert!(sheet(Listed::flat(rate("0.0032"))).check().is_err());
        let hidden = Listed { base: Some(rate("1e-6")), above: vec![(1, Some(rate("1")))] };
        assert!(sheet(hidden).check().is_err());
    }

    #[test]
    fn a_factor_applies_to_tokens_only() {
        let flat = |unit, text| (unit, Listed::flat(rate(text)));
        let sheet = Sheet([flat(Unit::Input, "2e-6"), flat(Unit::WebSearches, "0.01")].into());
        let scaled = sheet.times(rate("1.1")).unwrap();
        assert_eq!(scaled.0.get(&Unit::Input), Some(&Listed::flat(rate("2.2e-6"))));
        assert_eq!(scaled.0.get(&Unit::WebSearches), Some(&Listed::flat(rate("0.01"))));
    }
}
