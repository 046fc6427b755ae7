//! Puts a price book together.

use super::book::PriceBook;
use super::catalog::Assembly;
use super::error::PriceError;
use super::formats::{genai, litellm};
use super::overrides::{self, PriceOverride};
use super::snapshot;
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
    pub(super) fn snapshot(mut self, text: &str) -> Result<Self, PriceError> {
        let (version, date) = snapshot::read(text, &mut self.assembly).map_err(PriceError::snapshot)?;
        self.versions.push(version);
        self.date = date.or(self.date);
        Ok(self)
    }

    /// Sets the version that records carry. Defaults to one that is made from the data's contents.
    pub fn version(mut self, version: impl Into<Arc<str>>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets the date at which the data was current.
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

/// Returns a version for data that does not name its own: the same bytes always have the same one.
fn fingerprint(kind: &str, data: &[u8]) -> Arc<str> {
    format!("{kind}-{:08x}", crc32fast::hash(data)).into()
}
