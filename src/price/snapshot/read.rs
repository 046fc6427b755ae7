//! Reads a snapshot.

use super::super::build::Builder;
use super::super::catalog::{
    Band, Catalog, Entry, EntryId, FIXED_TIERS, Period, ProviderId, Region, Run, STANDARD, Source, Uplift,
};
use super::super::error::Problem;
use super::super::matcher::Matcher;
use super::super::regex::Regex;
use super::super::window::Window;
use super::{source, unit};
use crate::record::Rate;
use std::str::FromStr;
use std::sync::OnceLock;

/// What a snapshot says of itself.
#[derive(Debug, Default)]
pub(in super::super) struct About<'a> {
    pub(in super::super) version: &'a str,
    /// In seconds since 1970.
    pub(in super::super) date: Option<i64>,
}

/// The deepest that rules are nested.
const MAX_DEPTH: u8 = 16;

/// Adds a snapshot to an empty builder; what is wrong with it otherwise.
pub(in super::super) fn read<'a>(text: &'a str, builder: &mut Builder) -> Result<About<'a>, Problem> {
    let mut about = About::default();
    let mut provider = 0;
    for (number, line) in (1u32..).zip(text.lines()) {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        let known = match mark {
            "#" => Some(()),
            "v" => {
                about.version = rest;
                Some(())
            }
            "d" => rest.parse().ok().map(|date| about.date = Some(date)),
            "n" => rest.parse().ok().map(|names| builder.reserve(names, text.len())),
            "t" => builder.tier(rest).map(drop),
            "c" => card(builder.tables(), rest),
            "p" => builder.provider(rest).map(|id| provider = id),
            "a" => describe(builder, provider, rest),
            "f" => fallbacks(builder, provider, rest),
            // What follows would be another file.
            "." => return Ok(about),
            _ => source(mark).and_then(|source| entry(builder, source, provider, rest)),
        };
        known.ok_or_else(|| Problem::Shape(format!("line {number} of the snapshot")))?;
    }
    Err(Problem::Shape("a snapshot that is cut off".to_owned()))
}

fn index(length: usize) -> Option<u32> {
    u32::try_from(length).ok()
}

fn card(catalog: &mut Catalog, rest: &str) -> Option<()> {
    let first = index(catalog.bands.len())?;
    let mut band = Band::new(0, index(catalog.rates.len())?);
    for field in rest.split(' ').filter(|field| !field.is_empty()) {
        if let Some(above) = field.strip_prefix('>') {
            catalog.bands.push(band);
            band = Band::new(above.parse().ok()?, index(catalog.rates.len())?);
            continue;
        }
        let (letter, rate) = field.split_at_checked(1)?;
        band.add(unit(*letter.as_bytes().first()?)?)?;
        catalog.rates.push(if rate == "-" { None } else { Some(compact(rate)?) });
    }
    catalog.bands.push(band);
    let len = u16::try_from(index(catalog.bands.len())? - first).ok()?;
    catalog.cards.push(Run { first, len });
    Some(())
}

/// A rate as its digits and its exponent.
fn compact(text: &str) -> Option<Rate> {
    Rate::from_decimal(text).ok()
}

fn describe(builder: &mut Builder, provider: ProviderId, rest: &str) -> Option<()> {
    let mut fields = rest.split('\t');
    let aliases = rule(&mut fields, MAX_DEPTH)?;
    let row = builder.tables().providers.get_mut(usize::from(provider))?;
    row.aliases = Some(aliases);
    fields.next().is_none().then_some(())
}

fn fallbacks(builder: &mut Builder, provider: ProviderId, rest: &str) -> Option<()> {
    let row = builder.tables().providers.get_mut(usize::from(provider))?;
    row.fallbacks = rest.split(' ').map(Into::into).collect();
    Some(())
}

fn entry(builder: &mut Builder, source: Source, provider: ProviderId, rest: &str) -> Option<()> {
    let mut fields = rest.split('\t');
    let (name, prices) = (fields.next()?, fields.next()?);
    let (hidden, name) = name.strip_prefix('~').map_or((false, name), |name| (true, name));
    let spelt = builder.text(name)?;
    let catalog = builder.tables();
    // An entry stands below its provider.
    catalog.provider(provider)?;
    let id = EntryId::try_from(catalog.entries.len()).ok()?;
    let mut periods = Run { first: index(catalog.periods.len())?, len: 0 };
    let mut uplifts = Run { first: index(catalog.uplifts.len())?, len: 0 };
    let mut least_seconds = 0;
    let mut searches_once = false;
    for field in prices.split(' ') {
        if let Some(uplift) = field.strip_prefix('U') {
            catalog.uplifts.push(self::uplift(uplift)?);
            uplifts.len += 1;
        } else if let Some(seconds) = field.strip_prefix('S') {
            least_seconds = seconds.parse().ok()?;
        } else if field == "W" {
            searches_once = true;
        } else {
            let period = period(field)?;
            let (cards, tiers) = (catalog.cards.len(), catalog.tiers.len());
            if usize::try_from(period.card).ok()? >= cards
                || usize::from(period.tier) >= tiers.max(FIXED_TIERS.len())
            {
                return None;
            }
            catalog.periods.push(period);
            periods.len = periods.len.checked_add(1)?;
        }
    }
    catalog.entries.push(Entry {
        name: spelt,
        provider,
        source,
        periods,
        uplifts,
        least_seconds,
        searches_once,
        sole_band: 0,
        label: OnceLock::new(),
    });
    if !hidden {
        builder.add_name(provider, name, (source, id), Some(spelt));
    }
    let mut fields = fields.peekable();
    while let Some(other) = fields.peek().and_then(|field| field.strip_prefix('=')) {
        builder.add_name(provider, other, (source, id), None);
        fields.next();
    }
    if fields.peek().is_some() {
        let pattern = rule(&mut fields, MAX_DEPTH)?;
        builder.tables().providers.get_mut(usize::from(provider))?.add_pattern(source, id, pattern);
    }
    fields.next().is_none().then_some(())
}

fn period(field: &str) -> Option<Period> {
    let (terms, card) = field.split_once('C')?;
    let (tier, window) = match terms.strip_prefix('T') {
        None => (STANDARD, terms),
        Some(rest) => {
            let end = rest.find(['F', 'D']).unwrap_or(rest.len());
            let (tier, window) = rest.split_at_checked(end)?;
            (tier.parse().ok()?, window)
        }
    };
    let window = match window.split_at_checked(1) {
        None => Window::Always,
        Some(("F", start)) => Window::From(start.parse().ok()?),
        Some(("D", fields)) => {
            let mut fields = fields.split(',');
            let days = number(fields.next())?;
            let (start, end, zone) = (number(fields.next())?, number(fields.next())?, number(fields.next())?);
            Window::Daily { days, start, end, zone }
        }
        Some(_) => return None,
    };
    Some(Period { window, tier, card: card.parse().ok()? })
}

fn number<T: FromStr>(field: Option<&str>) -> Option<T> {
    field?.parse().ok()
}

fn uplift(field: &str) -> Option<Uplift> {
    let (region, factor) = field.split_at_checked(1)?;
    let region = match region {
        "e" => Region::Eu,
        "u" => Region::Us,
        "g" => Region::Gov,
        "r" => Region::NotGlobal,
        _ => return None,
    };
    Some(Uplift { region, factor: compact(factor)? })
}

fn rule(fields: &mut dyn Iterator<Item = &str>, depth: u8) -> Option<Matcher> {
    let depth = depth.checked_sub(1)?;
    let (sign, text) = fields.next()?.split_at_checked(1)?;
    let mut several = || {
        let count: usize = text.parse().ok()?;
        (0..count).map(|_| rule(fields, depth)).collect::<Option<Vec<_>>>()
    };
    Some(match sign {
        "=" => Matcher::Equals(text.into()),
        "^" => Matcher::StartsWith(text.into()),
        "$" => Matcher::EndsWith(text.into()),
        "*" => Matcher::Contains(text.into()),
        "/" => Matcher::Regex(Box::new(Regex::new(text)?)),
        "&" => Matcher::All(several()?),
        "|" => Matcher::Any(several()?),
        _ => return None,
    })
}
