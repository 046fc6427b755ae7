//! Puts a price book together, and writes and reads it as lines of JSON.
//!
//! Such a snapshot loads several times faster than what the book was made of. A header says how many lines of each kind follow. These are
//! rates, to which prices refer by their number; providers, to which entries refer by theirs; and entries. Lines that begin with `#`
//! before the header are comments.

use super::book::PriceBook;
use super::catalog::{
    Assembly, Catalog, Entry, EntryId, Price, PriceList, ProviderId, RegionalFactor, Regions,
};
use super::error::{PriceError, Problem};
use super::formats::{genai, litellm};
use super::overrides::{self, PriceOverride};
use super::pattern::Pattern;
use crate::record::Rate;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Puts a [`PriceBook`] together from several sources. What an earlier source knows, a later one does not change:
/// the application's overrides stand before genai-prices, and that before LiteLLM, in whatever order they are added.
///
/// ```
/// use tower_llm_metrics::PriceBook;
///
/// let book = PriceBook::builder()
///     .litellm(br#"{"gpt-9": {"litellm_provider": "openai", "input_cost_per_token": 1e-06}}"#)?
///     .version("my-list-7")
///     .build();
/// assert_eq!(book.version(), "my-list-7");
/// # Ok::<(), tower_llm_metrics::price::PriceError>(())
/// ```
pub struct PriceBookBuilder {
    assembly: Assembly,
    versions: Vec<Arc<str>>,
    version: Option<Arc<str>>,
    date: Option<SystemTime>,
    stale_after: Duration,
}

/// After this long price data counts as old: providers change prices every few weeks.
const STALE_AFTER: Duration = Duration::from_secs(90 * 86_400);

impl Default for PriceBookBuilder {
    fn default() -> Self {
        let assembly = Assembly::default();
        Self { assembly, versions: Vec::new(), version: None, date: None, stale_after: STALE_AFTER }
    }
}

impl fmt::Debug for PriceBookBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriceBookBuilder").field("catalog", &self.assembly.catalog).finish_non_exhaustive()
    }
}

impl PriceBookBuilder {
    /// Goes on from a book.
    pub(super) fn on(book: &PriceBook) -> Self {
        Self {
            assembly: Assembly::of(book.0.catalog.clone()),
            versions: vec![Arc::clone(&book.0.version)],
            date: book.date(),
            stale_after: book.0.stale_after,
            ..Self::default()
        }
    }

    /// Adds the data of genai-prices, format v2; see [`PriceBook::from_genai_prices`].
    ///
    /// # Errors
    /// When `data` is not of that format.
    pub fn genai_prices(mut self, data: &[u8]) -> Result<Self, PriceError> {
        genai::load(data, &mut self.assembly)?;
        self.versions.push(fingerprint("genai-prices", data));
        Ok(self)
    }

    /// Adds LiteLLM's map of prices; see [`PriceBook::from_litellm`].
    ///
    /// # Errors
    /// When `data` is not of that format.
    pub fn litellm(mut self, data: &[u8]) -> Result<Self, PriceError> {
        litellm::load(data, &mut self.assembly)?;
        self.versions.push(fingerprint("litellm", data));
        Ok(self)
    }

    /// Adds prices of the application's own; see [`PriceBook::with_overrides`].
    ///
    /// # Errors
    /// When one of them is refused; it is named.
    pub fn overrides(
        mut self,
        overrides: impl IntoIterator<Item = PriceOverride>,
    ) -> Result<Self, PriceError> {
        let overrides: Vec<_> = overrides.into_iter().collect();
        self.versions.push(fingerprint("overrides", format!("{overrides:?}").as_bytes()));
        overrides::add(overrides, &mut self.assembly)?;
        Ok(self)
    }

    /// Adds a file of prices of the application's own; see [`PriceBook::with_overrides_json`].
    ///
    /// # Errors
    /// When `data` is not of that format, or one of them is refused; it is named.
    pub fn overrides_json(self, data: &[u8]) -> Result<Self, PriceError> {
        let overrides = overrides::parse(data)?;
        self.overrides(overrides)
    }

    /// Adds what [`PriceBook::to_snapshot`] wrote, with its version and date.
    pub(super) fn snapshot(mut self, snapshot: &str) -> Result<Self, PriceError> {
        let header = read(snapshot, &mut self.assembly).map_err(PriceError::snapshot)?;
        self.versions.push((*header.version).into());
        let date = header.date.and_then(|date| u64::try_from(date).ok());
        self.date =
            date.and_then(|date| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(date))).or(self.date);
        Ok(self)
    }

    /// Names the version that records carry. Without a name it is made from the data's contents.
    pub fn version(mut self, version: impl Into<Arc<str>>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Says when the data was current.
    pub fn dated(mut self, date: SystemTime) -> Self {
        self.date = Some(date);
        self
    }

    /// Sets the age at which the data counts as old. Defaults to 90 days; it takes effect where the date of the data is known.
    pub fn stale_after(mut self, age: Duration) -> Self {
        self.stale_after = age;
        self
    }

    /// Builds the book.
    pub fn build(self) -> PriceBook {
        let (catalog, refused) = self.assembly.finish();
        let version = self.version.unwrap_or_else(|| match self.versions.as_slice() {
            [] => "none".into(),
            versions => versions.join("+").into(),
        });
        PriceBook::new(catalog, refused, version, self.date, self.stale_after)
    }
}

/// A version for data that does not name its own: the same bytes always have the same one.
fn fingerprint(kind: &str, data: &[u8]) -> Arc<str> {
    format!("{kind}-{:08x}", crc32fast::hash(data)).into()
}

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
pub(super) fn write_snapshot(catalog: &Catalog, version: &str, date: Option<i64>) -> String {
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
fn read<'a>(text: &'a str, assembly: &mut Assembly) -> Result<Header<'a>, Problem> {
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
    let id = assembly.push(line.provider, &line.name, |label| Entry {
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
