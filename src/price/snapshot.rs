//! A price book as lines of JSON.
//!
//! Such a snapshot loads several times faster than what the book was made of. A header says how many lines of each kind follow. These are
//! rates, to which prices refer by their number; providers, to which entries refer by theirs; and entries. Lines that begin with `#`
//! before the header are comments.

use super::catalog::{
    Assembly, Catalog, EntryId, EntryNames, Price, PriceEntry, PriceList, ProviderId, RegionalFactor,
    Regions, STANDARD, TierId,
};
use super::error::Problem;
use super::pattern::NamePattern;
use super::rates::{Rates, Validity};
use crate::record::Rate;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    /// The date of the data, in seconds since 1970.
    date: Option<i64>,
    tiers: Vec<Cow<'a, str>>,
    rates: usize,
    providers: usize,
    entries: usize,
}

/// An entry. Its names are left out where its own is the only one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    provider: ProviderId,
    #[serde(default, skip_serializing_if = "is_default")]
    list: PriceList,
    prices: Vec<PriceText>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    names: Option<Vec<Cow<'a, str>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pattern: Option<Cow<'a, NamePattern>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    factors: Vec<(Regions, String)>,
    #[serde(default, skip_serializing_if = "is_default")]
    least_seconds: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    searches_once: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A price: the number of its rates alone, where it is that of the default tier at all times.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PriceText {
    Standard(usize),
    At(TierId, usize),
    During(TierId, usize, Validity),
}

/// Writes the snapshot of a catalog.
pub(super) fn write(catalog: &Catalog, version: &str, date: Option<i64>) -> String {
    let mut names: HashMap<EntryId, Vec<&str>> = HashMap::new();
    for (name, entries) in catalog.providers.iter().flat_map(|row| &row.names) {
        entries.all().for_each(|entry| names.entry(entry).or_default().push(name));
    }
    let patterns = catalog.providers.iter().flat_map(|row| &row.patterns);
    let mut patterns: HashMap<EntryId, &NamePattern> =
        patterns.map(|(entry, pattern)| (*entry, pattern)).collect();
    let (mut rates, mut numbers): (Vec<String>, HashMap<&Rates, usize>) = Default::default();
    let mut entries = Vec::with_capacity(catalog.entries.len());
    for (id, entry) in (0..).zip(&catalog.entries) {
        let prices = entry.prices.iter().map(|price| {
            let number = *numbers.entry(&price.rates).or_insert_with(|| {
                rates.push(line(&*price.rates));
                rates.len() - 1
            });
            match (price.tier, price.when) {
                (STANDARD, Validity::Always) => PriceText::Standard(number),
                (tier, Validity::Always) => PriceText::At(tier, number),
                (tier, when) => PriceText::During(tier, number, when),
            }
        });
        let name = catalog.name(entry);
        let mut names = names.remove(&id).unwrap_or_default();
        names.sort_unstable();
        entries.push(line(EntryLine {
            name: name.into(),
            provider: entry.provider,
            list: entry.list,
            prices: prices.collect(),
            names: (names != [&*name.to_ascii_lowercase()])
                .then(|| names.into_iter().map(Into::into).collect()),
            pattern: patterns.remove(&id).map(Cow::Borrowed),
            factors: entry.factors.iter().map(|of| (of.regions, of.factor.to_string())).collect(),
            least_seconds: entry.least_seconds,
            searches_once: entry.searches_once,
        }));
    }
    let header = Header {
        version: version.into(),
        date,
        tiers: catalog.tiers.iter().map(|tier| tier.as_str().into()).collect(),
        rates: rates.len(),
        providers: catalog.providers.len(),
        entries: entries.len(),
    };
    let providers = catalog.providers.iter().map(line);
    std::iter::once(line(header)).chain(rates).chain(providers).chain(entries).collect()
}

fn line(value: impl Serialize) -> String {
    // This fails only for maps whose keys are not strings, and there are none.
    serde_json::to_string(&value).unwrap_or_default() + "\n"
}

/// Adds a snapshot to what is empty, and returns its version and date.
pub(super) fn read(text: &str, assembly: &mut Assembly) -> Result<(Arc<str>, Option<SystemTime>), Problem> {
    let mut lines = (1u32..).zip(text.lines()).skip_while(|(_, line)| line.starts_with('#'));
    let header: Header<'_> = next(&mut lines)?;
    for (at, tier) in header.tiers.iter().enumerate() {
        if assembly.tier(tier).map(usize::from) != Some(at) {
            return Err(Problem::Shape("the tiers of the snapshot".to_owned()));
        }
    }
    let rates = (0..header.rates).map(|_| next(&mut lines).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
    for _ in 0..header.providers {
        assembly.catalog.providers.push(next(&mut lines)?);
    }
    for _ in 0..header.entries {
        read_entry(next(&mut lines)?, &rates, assembly)?;
    }
    let seconds = header.date.and_then(|date| u64::try_from(date).ok());
    let date = seconds.and_then(|date| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(date)));
    Ok(((*header.version).into(), date))
}

/// Reads the next line.
fn next<'a, T: Deserialize<'a>>(lines: &mut impl Iterator<Item = (u32, &'a str)>) -> Result<T, Problem> {
    let (number, line) =
        lines.next().ok_or_else(|| Problem::Shape("a snapshot that is cut off".to_owned()))?;
    serde_json::from_str(line)
        .map_err(|error| Problem::Shape(format!("line {number} of the snapshot: {error}")))
}

fn read_entry(line: EntryLine<'_>, rates: &[Arc<Rates>], assembly: &mut Assembly) -> Result<(), Problem> {
    let tiers = assembly.catalog.tiers.len();
    let price = |text: &PriceText| {
        let (tier, number, when) = match *text {
            PriceText::Standard(number) => (STANDARD, number, Validity::Always),
            PriceText::At(tier, number) => (tier, number, Validity::Always),
            PriceText::During(tier, number, when) => (tier, number, when),
        };
        let rates = rates.get(number).filter(|_| usize::from(tier) < tiers)?;
        Some(Price { when, tier, rates: Arc::clone(rates) })
    };
    let prices = line.prices.iter().map(price).collect::<Option<_>>();
    let prices =
        prices.ok_or_else(|| Problem::Shape(format!("the prices of {} in the snapshot", line.name)))?;
    let factor = |(regions, factor): &(Regions, String)| {
        Ok(RegionalFactor { regions: *regions, factor: Rate::from_decimal(factor)? })
    };
    let factors = line.factors.iter().map(factor).collect::<Result<_, _>>();
    let factors = factors.map_err(|error| Problem::Rate { key: line.name.clone().into(), error })?;
    let entry = PriceEntry {
        label: assembly.label(line.provider, &line.name),
        provider: line.provider,
        list: line.list,
        prices,
        factors,
        least_seconds: line.least_seconds,
        searches_once: line.searches_once,
    };
    let full = line.names.unwrap_or_else(|| vec![line.name]).into_iter().map(Into::into).collect();
    let pattern = line.pattern.map(Cow::into_owned);
    assembly.add(entry, EntryNames { full, pattern }).map(drop)
}
