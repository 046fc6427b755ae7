//! A price book as lines of JSON, which load several times faster than what the book was made of.
//!
//! A header says how many lines of each kind follow: rates, to which prices refer by their number; providers, to which entries refer by
//! theirs; and entries. Lines that begin with `#` before the header are comments.

use super::builder::Assembly;
use super::catalog::{Catalog, EntryId, Price, PriceList, ProviderId, RegionalFactor, Regions};
use super::error::Problem;
use super::pattern::Pattern;
use crate::record::Rate;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header<'a> {
    #[serde(borrow)]
    pub(super) version: Cow<'a, str>,
    /// The date of the data, in seconds since 1970.
    pub(super) date: Option<i64>,
    tiers: Vec<Cow<'a, str>>,
    rates: usize,
    providers: usize,
    entries: usize,
}

/// An entry. Names that it is found by are there unless its own is the only one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    provider: ProviderId,
    /// LiteLLM's map where it is not said.
    #[serde(default, skip_serializing_if = "is_default")]
    list: PriceList,
    prices: Cow<'a, [Price]>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    names: Option<Vec<Cow<'a, str>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pattern: Option<Cow<'a, Pattern>>,
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

/// Writes the snapshot of a catalog.
pub(super) fn write(catalog: &Catalog, version: &str, date: Option<i64>) -> String {
    let header = Header {
        version: version.into(),
        date,
        tiers: catalog.tiers.iter().map(|tier| tier.as_str().into()).collect(),
        rates: catalog.rates.len(),
        providers: catalog.providers.len(),
        entries: catalog.entries.len(),
    };
    let mut names: HashMap<EntryId, Vec<&str>> = HashMap::new();
    for (name, entries) in catalog.providers.iter().flat_map(|row| &row.names) {
        entries.all().for_each(|entry| names.entry(entry).or_default().push(name));
    }
    let mut patterns: HashMap<EntryId, &Pattern> = catalog
        .providers
        .iter()
        .flat_map(|row| &row.patterns)
        .map(|(entry, pattern)| (*entry, pattern))
        .collect();
    let entries = (0..).zip(&catalog.entries).map(|(id, entry)| {
        let name = catalog.name(entry);
        let mut names = names.remove(&id).unwrap_or_default();
        names.sort_unstable();
        EntryLine {
            name: name.into(),
            provider: entry.provider,
            list: entry.list,
            prices: Cow::Borrowed(&entry.prices),
            names: (names != [&*name.to_ascii_lowercase()])
                .then(|| names.into_iter().map(Into::into).collect()),
            pattern: patterns.remove(&id).map(Cow::Borrowed),
            factors: entry.factors.iter().map(|of| (of.regions, of.factor.to_string())).collect(),
            least_seconds: entry.least_seconds,
            searches_once: entry.searches_once,
        }
    });
    // What has no maps with other keys than texts can be written.
    fn line(value: impl Serialize) -> String {
        serde_json::to_string(&value).unwrap_or_default() + "\n"
    }
    std::iter::once(line(header))
        .chain(catalog.rates.iter().map(line))
        .chain(catalog.providers.iter().map(line))
        .chain(entries.map(line))
        .collect()
}

/// Adds a snapshot to what is empty; what is wrong with it otherwise.
pub(super) fn read<'a>(text: &'a str, assembly: &mut Assembly) -> Result<Header<'a>, Problem> {
    let mut lines = (1u32..).zip(text.lines()).skip_while(|(_, line)| line.starts_with('#'));
    fn next<'a, T: Deserialize<'a>>(lines: &mut impl Iterator<Item = (u32, &'a str)>) -> Result<T, Problem> {
        let (number, line) =
            lines.next().ok_or_else(|| Problem::Shape("a snapshot that is cut off".to_owned()))?;
        serde_json::from_str(line)
            .map_err(|error| Problem::Shape(format!("line {number} of the snapshot: {error}")))
    }
    let header: Header<'a> = next(&mut lines)?;
    for (at, tier) in header.tiers.iter().enumerate() {
        if assembly.tier(tier).map(usize::from) != Some(at) {
            return Err(Problem::Shape("the tiers of the snapshot".to_owned()));
        }
    }
    for _ in 0..header.rates {
        assembly.catalog.rates.push(next(&mut lines)?);
    }
    for _ in 0..header.providers {
        assembly.catalog.providers.push(next(&mut lines)?);
    }
    for _ in 0..header.entries {
        entry(next(&mut lines)?, assembly)?;
    }
    Ok(header)
}

fn entry(line: EntryLine<'_>, assembly: &mut Assembly) -> Result<(), Problem> {
    let catalog = &assembly.catalog;
    let (tiers, rates) = (catalog.tiers.len(), catalog.rates.len());
    let known = |price: &Price| usize::from(price.tier) < tiers && (price.rates as usize) < rates;
    if line.prices.is_empty() || !line.prices.iter().all(known) {
        return Err(Problem::Shape(format!("the prices of {} in the snapshot", line.name)));
    }
    let factor = |(regions, factor): &(Regions, String)| {
        let factor = Rate::from_decimal(factor);
        factor.map(|factor| RegionalFactor { regions: *regions, factor })
    };
    let factors = line.factors.iter().map(factor).collect::<Result<_, _>>();
    let factors = factors.map_err(|error| Problem::Rate { key: line.name.clone().into(), error })?;
    let id = assembly.push(line.provider, &line.name, |label| super::catalog::Entry {
        label,
        provider: line.provider,
        list: line.list,
        prices: line.prices.into_owned().into(),
        factors,
        least_seconds: line.least_seconds,
        searches_once: line.searches_once,
    })?;
    for name in line.names.unwrap_or_else(|| vec![line.name]) {
        assembly.add_name(line.provider, &name, (line.list, id));
    }
    if let Some(pattern) = line.pattern {
        assembly.add_pattern(line.provider, (line.list, id), pattern.into_owned());
    }
    Ok(())
}
