//! Puts a price book together.

use super::book::PriceBook;
use super::catalog::{
    Catalog, Entry, EntryId, FIXED_TIERS, Price, PriceList, ProviderId, ProviderRow, Rates, RegionalFactor,
    STANDARD, TierId,
};
use super::error::{PriceError, Problem, Refused};
use super::formats::{genai, litellm};
use super::overrides::{self, PriceOverride};
use super::pattern::Pattern;
use super::rates::MAX_OVERLAYS;
use super::snapshot;
use super::validity::Validity;
use crate::record::Text;
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
            assembly: Assembly { catalog: book.catalog().clone(), ..Assembly::default() },
            versions: vec![book.shared_version()],
            date: book.date(),
            stale_after: book.stale_after(),
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
        let header = snapshot::read(snapshot, &mut self.assembly).map_err(PriceError::snapshot)?;
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
        let Assembly { mut catalog, refused, .. } = self.assembly;
        catalog.entries.shrink_to_fit();
        catalog.rates.shrink_to_fit();
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

/// A catalog in the making.
pub(super) struct Assembly {
    pub(super) catalog: Catalog,
    /// The places of the rates that were added, so that the same ones are held once.
    known_rates: HashMap<Rates, u32>,
    refused: Vec<Refused>,
}

impl Default for Assembly {
    fn default() -> Self {
        let tiers = FIXED_TIERS.map(Text::from_static).into();
        let catalog = Catalog { tiers, ..Catalog::default() };
        Self { catalog, known_rates: HashMap::new(), refused: Vec::new() }
    }
}

/// An entry before it is added.
#[derive(Debug)]
pub(super) struct NewEntry<'a> {
    pub(super) list: PriceList,
    pub(super) provider: ProviderId,
    /// The entry's own name.
    pub(super) name: &'a str,
    /// Whether the name is one that callers send, rather than a label.
    pub(super) callable: bool,
    /// Other names.
    pub(super) names: Vec<Box<str>>,
    /// A pattern over names.
    pub(super) pattern: Option<Pattern>,
    pub(super) prices: Vec<NewPrice>,
    pub(super) factors: Vec<RegionalFactor>,
    pub(super) least_seconds: u8,
    pub(super) searches_once: bool,
}

/// A price of an entry before it is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewPrice {
    pub(super) when: Validity,
    pub(super) tier: TierId,
    pub(super) rates: Rates,
}

impl Assembly {
    /// Notes an entry that is not used.
    pub(super) fn refuse(&mut self, provider: &str, entry: &str, problem: Problem) {
        self.refused.push(Refused { entry: format!("{provider}/{entry}"), problem });
    }

    /// The provider of that id, which is added where it is new. `None` when there are too many, or the id cannot be one.
    pub(super) fn provider(&mut self, id: &str) -> Option<ProviderId> {
        if id.contains(char::is_control) {
            return None;
        }
        if let Some(known) = self.catalog.provider_by_id(id) {
            return Some(known);
        }
        let new = ProviderId::try_from(self.catalog.providers.len()).ok()?;
        self.catalog.providers.push(ProviderRow {
            id: id.into(),
            aliases: None,
            resells: Vec::new(),
            names: HashMap::new(),
            patterns: Vec::new(),
        });
        Some(new)
    }

    fn row(&mut self, provider: ProviderId) -> Option<&mut ProviderRow> {
        self.catalog.providers.get_mut(usize::from(provider))
    }

    /// Sets what else a provider goes by and whose models it resells.
    pub(super) fn describe(
        &mut self,
        provider: ProviderId,
        aliases: Option<Pattern>,
        resells: Vec<Box<str>>,
    ) {
        if let Some(row) = self.row(provider) {
            (row.aliases, row.resells) = (aliases, resells);
        }
    }

    /// The tier of that name, which is added where it is new. `None` for a name that is none, or one too many.
    pub(super) fn tier(&mut self, name: &str) -> Option<TierId> {
        if let Some(known) = self.catalog.tier(name) {
            return Some(known);
        }
        let new = TierId::try_from(self.catalog.tiers.len()).ok()?;
        self.catalog.tiers.push(Text::new(&name.to_ascii_lowercase()).ok()?);
        Some(new)
    }

    /// Adds an entry with its prices, its names and its pattern.
    pub(super) fn add(&mut self, new: NewEntry<'_>) -> Result<EntryId, Problem> {
        let NewEntry { list, provider, name, .. } = new;
        if new.prices.is_empty() {
            return Err(Problem::NoRates);
        }
        if new.names.iter().any(|name| name.contains(char::is_control)) {
            return Err(Problem::Shape("a control character in a name".to_owned()));
        }
        for price in &new.prices {
            if let Some(unit) = price.rates.above_ceiling() {
                return Err(Problem::AboveCeiling { key: unit.as_str().to_owned() });
            }
            let same = new.prices.iter().filter(|other| other.tier == price.tier).count();
            if price.tier != STANDARD && same > MAX_OVERLAYS {
                return Err(too_many());
            }
        }
        let mut prices = Vec::with_capacity(new.prices.len());
        for NewPrice { when, tier, rates } in new.prices {
            prices.push(Price { when, tier, rates: self.rates(rates).ok_or_else(too_many)? });
        }
        let id = self.push(provider, name, |label| Entry {
            label,
            provider,
            list,
            prices: prices.into(),
            factors: new.factors.into(),
            least_seconds: new.least_seconds,
            searches_once: new.searches_once,
        })?;
        for name in new.names.iter().map(|name| &**name).chain(new.callable.then_some(name)) {
            self.add_name(provider, name, (list, id));
        }
        if let Some(pattern) = new.pattern {
            self.add_pattern(provider, (list, id), pattern);
        }
        Ok(id)
    }

    /// Adds what `entry` makes of the label for that name.
    pub(super) fn push(
        &mut self,
        provider: ProviderId,
        name: &str,
        entry: impl FnOnce(Arc<str>) -> Entry,
    ) -> Result<EntryId, Problem> {
        let id = EntryId::try_from(self.catalog.entries.len()).map_err(|_| too_many())?;
        let row = self
            .catalog
            .provider(provider)
            .ok_or_else(|| Problem::Shape("an unknown provider".to_owned()))?;
        let label: Arc<str> = [&row.id, "/", name].concat().into();
        if label.contains(char::is_control) {
            return Err(Problem::Shape("a control character in a name".to_owned()));
        }
        self.catalog.entries.push(entry(label));
        Ok(id)
    }

    /// Whether a list has an entry of that name already.
    pub(super) fn has_name(&self, provider: ProviderId, name: &str, list: PriceList) -> bool {
        self.catalog.exact(provider, &name.to_ascii_lowercase(), list).is_some()
    }

    /// Adds a name by which an entry is found. An entry of the same list that has it already keeps it, but for the application's own
    /// prices, which replace each other.
    pub(super) fn add_name(
        &mut self,
        provider: ProviderId,
        name: &str,
        (list, entry): (PriceList, EntryId),
    ) -> bool {
        let Some(row) = self.row(provider) else { return false };
        let held = row.names.entry(name.to_ascii_lowercase().into()).or_default().of_mut(list);
        let free = held.is_none() || list == PriceList::Own;
        if free {
            *held = Some(entry);
        }
        free
    }

    /// Adds a pattern: of the data after those that are there, of the application before them.
    pub(super) fn add_pattern(
        &mut self,
        provider: ProviderId,
        (list, entry): (PriceList, EntryId),
        pattern: Pattern,
    ) {
        if let Some(row) = self.row(provider) {
            let at = if list == PriceList::Own { 0 } else { row.patterns.len() };
            row.patterns.insert(at, (entry, pattern));
        }
    }

    /// The place of these rates, which are added where they are new.
    fn rates(&mut self, rates: Rates) -> Option<u32> {
        if let Some(known) = self.known_rates.get(&rates) {
            return Some(*known);
        }
        let new = u32::try_from(self.catalog.rates.len()).ok()?;
        self.catalog.rates.push(rates.clone());
        self.known_rates.insert(rates, new);
        Some(new)
    }
}

fn too_many() -> Problem {
    Problem::Shape("more prices than can be held".to_owned())
}
