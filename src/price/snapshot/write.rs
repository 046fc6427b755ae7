//! Writes a snapshot.

use super::super::catalog::{CardId, Catalog, Entry, FIXED_TIERS, Lookup, Region, STANDARD};
use super::super::matcher::Matcher;
use super::super::window::Window;
use super::{letter, mark};
use crate::record::{Rate, Unit};
use std::fmt::{self, Write};

/// The snapshot of a catalogue.
pub(in super::super) fn write(catalog: &Catalog, version: &str, date: Option<i64>) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = lines(&mut text, catalog, version, date);
    text
}

fn lines(text: &mut String, catalog: &Catalog, version: &str, date: Option<i64>) -> fmt::Result {
    writeln!(text, "v {version}")?;
    if let Some(date) = date {
        writeln!(text, "d {date}")?;
    }
    writeln!(text, "n {}", catalog.index.keys().len())?;
    for tier in catalog.tiers.iter().skip(FIXED_TIERS.len()) {
        writeln!(text, "t {tier}")?;
    }
    for card in 0..catalog.cards.len() {
        write_card(text, catalog, CardId::try_from(card).unwrap_or(CardId::MAX))?;
    }
    let names = names(catalog);
    for (number, provider) in (0u16..).zip(&catalog.providers) {
        writeln!(text, "p {}", provider.id)?;
        if let Some(aliases) = &provider.aliases {
            writeln!(text, "a {}", Rule(aliases))?;
        }
        if !provider.fallbacks.is_empty() {
            writeln!(text, "f {}", provider.fallbacks.join(" "))?;
        }
        for (id, entry) in (0u32..).zip(&catalog.entries).filter(|(_, entry)| entry.provider == number) {
            let own = names.iter().filter(|(of, _)| *of == id).map(|(_, name)| *name);
            write_entry(text, catalog, entry, own)?;
            if let Some((_, pattern)) = provider.patterns.iter().find(|(of, _)| *of == id) {
                write!(text, "\t{}", Rule(pattern))?;
            }
            writeln!(text)?;
        }
    }
    writeln!(text, ".")
}

/// The names by which each entry is found.
fn names(catalog: &Catalog) -> Vec<(u32, &str)> {
    let mut names: Vec<_> = catalog
        .index
        .keys()
        .iter()
        .flat_map(|key| {
            let of = super::super::catalog::Source::ALL.into_iter().filter_map(|source| key.entry(source));
            of.map(|entry| (entry, key.name.of_text(&catalog.text)))
        })
        .collect();
    names.sort_unstable();
    names
}

fn write_card(text: &mut String, catalog: &Catalog, card: CardId) -> fmt::Result {
    write!(text, "c")?;
    let bands = catalog.cards.get(card as usize).map(|run| run.of(&catalog.bands)).unwrap_or_default();
    for (place, band) in bands.iter().enumerate() {
        if place > 0 {
            write!(text, " >{}", band.above)?;
        }
        for unit in Unit::ALL {
            match catalog.rate(band, *unit) {
                Lookup::Rate(rate) => write!(text, " {}{}", letter(*unit), Compact(rate))?,
                Lookup::Missing => write!(text, " {}-", letter(*unit))?,
                Lookup::Absent => {}
            }
        }
    }
    writeln!(text)
}

fn write_entry<'a>(
    text: &mut String,
    catalog: &Catalog,
    entry: &Entry,
    names: impl Iterator<Item = &'a str> + Clone,
) -> fmt::Result {
    let name = catalog.name(entry);
    let is_own = |other: &&str| other.eq_ignore_ascii_case(name);
    let hidden = if names.clone().any(|name| is_own(&name)) { "" } else { "~" };
    write!(text, "{} {hidden}{name}\t", mark(entry.source))?;
    let mut space = "";
    for period in entry.periods.of(&catalog.periods) {
        write!(text, "{space}")?;
        space = " ";
        if period.tier != STANDARD {
            write!(text, "T{}", period.tier)?;
        }
        match period.window {
            Window::Always => {}
            Window::From(start) => write!(text, "F{start}")?,
            Window::Daily { days, start, end, zone } => write!(text, "D{days},{start},{end},{zone}")?,
        }
        write!(text, "C{}", period.card)?;
    }
    for uplift in entry.uplifts.of(&catalog.uplifts) {
        let region = match uplift.region {
            Region::Eu => 'e',
            Region::Us => 'u',
            Region::Gov => 'g',
            Region::NotGlobal => 'r',
        };
        write!(text, " U{region}{}", Compact(uplift.factor))?;
    }
    if entry.least_seconds > 0 {
        write!(text, " S{}", entry.least_seconds)?;
    }
    if entry.searches_once {
        write!(text, " W")?;
    }
    for other in names.filter(|name| !is_own(name)) {
        write!(text, "\t={other}")?;
    }
    Ok(())
}

/// A rate as its digits and its exponent.
struct Compact(Rate);

impl fmt::Display for Compact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.parts() {
            (digits, 0) => write!(f, "{digits}"),
            (digits, scale) => write!(f, "{digits}e-{scale}"),
        }
    }
}

/// A rule, as fields divided by tabs.
struct Rule<'a>(&'a Matcher);

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, rules) = match self.0 {
            Matcher::Equals(text) => return write!(f, "={text}"),
            Matcher::StartsWith(text) => return write!(f, "^{text}"),
            Matcher::EndsWith(text) => return write!(f, "${text}"),
            Matcher::Contains(text) => return write!(f, "*{text}"),
            Matcher::Regex(regex) => return write!(f, "/{}", regex.as_str()),
            Matcher::All(rules) => ('&', rules),
            Matcher::Any(rules) => ('|', rules),
        };
        write!(f, "{sign}{}", rules.len())?;
        rules.iter().try_for_each(|rule| write!(f, "\t{}", Rule(rule)))
    }
}
