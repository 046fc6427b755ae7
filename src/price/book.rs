//! The price book, and one that can be replaced.

use super::builder::PriceBookBuilder;
use super::catalog::Catalog;
use super::disagreement::{Disagreement, disagreements};
use super::error::{PriceError, Refused};
use super::overrides::PriceOverride;
use super::rates::unix_seconds;
use super::resolve::Resolution;
use super::snapshot;
use super::{PricedCall, Pricer};
use crate::record::{Cost, Text};
use arc_swap::ArcSwap;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

/// Prices of models, and the arithmetic on them. A clone is another handle to the same book.
///
/// ```
/// use std::time::SystemTime;
/// use tower_llm_metrics::record::{Text, Usage};
/// use tower_llm_metrics::{Cost, PriceBook, PricedCall, Pricer, Provider};
///
/// let book = PriceBook::from_genai_prices(br#"[{"id": "openai", "models": [
///     {"id": "gpt-5-mini", "match": {"starts_with": "gpt-5-mini"}, "prices": {"input_mtok": 0.25, "output_mtok": 2}}
/// ]}]"#).unwrap();
///
/// let mut usage = Usage::default();
/// (usage.input_tokens, usage.output_tokens) = (Some(1_000), Some(100));
/// let (provider, model) = (Provider::OPENAI, Text::new("gpt-5-mini-2025-08-07").unwrap());
/// let mut call = PricedCall::new(&usage, SystemTime::now());
/// (call.provider, call.model) = (Some(&provider), Some(&model));
///
/// let Cost::Priced(priced) = book.price(&call) else { panic!() };
/// assert_eq!(priced.total.to_string(), "0.00045");
/// assert_eq!(&*priced.entry, "openai/gpt-5-mini");
///
/// // A tier that is not in the book is a reason, never the standard price in silence.
/// let flex = Text::new("flex").unwrap();
/// call.service_tier = Some(&flex);
/// assert!(matches!(book.price(&call), Cost::Unpriced(_)));
/// ```
#[derive(Clone, Debug)]
pub struct PriceBook(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) catalog: Catalog,
    /// What names resolved to: those that the data does not spell take a few microseconds of patterns.
    pub(super) resolved: Cache<ModelName, Resolution>,
    pub(super) version: Arc<str>,
    date: Option<SystemTime>,
    pub(super) stale_after: Duration,
    /// From when on the book is old.
    pub(super) stale: Option<SystemTime>,
    pub(super) warned: AtomicBool,
    refused: Vec<Refused>,
}

/// A provider or an endpoint of one, a region, and the name of a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ModelName {
    pub(super) who: Text,
    pub(super) region: Option<Text>,
    pub(super) name: Text,
}

/// A borrowed [`ModelName`], so that looking one up copies nothing.
#[derive(Clone, Copy, Hash)]
pub(super) struct ModelNameRef<'a> {
    pub(super) who: &'a Text,
    pub(super) region: Option<&'a Text>,
    pub(super) name: &'a Text,
}

impl Equivalent<ModelName> for ModelNameRef<'_> {
    fn equivalent(&self, key: &ModelName) -> bool {
        *self.name == key.name && *self.who == key.who && self.region == key.region.as_ref()
    }
}

/// How many names a book remembers. Callers choose them.
const MAX_NAMES: usize = 4_096;

impl PriceBook {
    /// Creates a book that knows no price.
    pub fn empty() -> Self {
        Self::builder().build()
    }

    /// Returns a builder, to put a book together from several sources.
    pub fn builder() -> PriceBookBuilder {
        PriceBookBuilder::default()
    }

    /// Reads the data of [genai-prices](https://github.com/pydantic/genai-prices), format v2, as that project
    /// publishes it.
    ///
    /// # Errors
    /// When `data` is not of that format, or has no entry that can be used. Beside others, such an entry is left out and
    /// [noted](Self::refused).
    pub fn from_genai_prices(data: &[u8]) -> Result<Self, PriceError> {
        Self::builder()
            .genai_prices(data)?
            .build()
            .if_any("at least one entry of genai-prices that can be used")
    }

    /// Reads [LiteLLM](https://github.com/BerriAI/litellm)'s map of model prices as that project publishes it.
    ///
    /// # Errors
    /// When `data` is not of that format, or has no entry that can be used. Beside others, such an entry is left out and
    /// [noted](Self::refused).
    pub fn from_litellm(data: &[u8]) -> Result<Self, PriceError> {
        Self::builder().litellm(data)?.build().if_any("at least one entry of LiteLLM that can be used")
    }

    /// Reads either format: genai-prices writes a list, LiteLLM an object.
    ///
    /// # Errors
    /// When `data` is of neither format, or has no entry that can be used.
    pub fn from_json(data: &[u8]) -> Result<Self, PriceError> {
        match data.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => Self::from_genai_prices(data),
            Some(b'{') => Self::from_litellm(data),
            _ => Err(PriceError::shape("the list of genai-prices or the object of LiteLLM")),
        }
    }

    /// Returns this book unless it is empty: an error message in JSON is not a price list.
    fn if_any(self, expected: &'static str) -> Result<Self, PriceError> {
        if self.is_empty() { Err(PriceError::shape(expected)) } else { Ok(self) }
    }

    /// Returns the compiled-in prices of genai-prices and LiteLLM, as of the [date](Self::date) of this release. They are read
    /// when this is first called, which takes a few milliseconds.
    ///
    /// ```
    /// use tower_llm_metrics::PriceBook;
    ///
    /// let book = PriceBook::bundled();
    /// assert!(book.len() > 5_000 && book.refused().is_empty());
    /// ```
    #[cfg(feature = "prices")]
    pub fn bundled() -> Self {
        static BUNDLED: std::sync::LazyLock<PriceBook> = std::sync::LazyLock::new(|| {
            // The tests read it: there is no error.
            PriceBook::from_snapshot(include_str!("data/prices.jsonl")).unwrap_or_else(|_| PriceBook::empty())
        });
        BUNDLED.clone()
    }

    /// Reads what [`to_snapshot`](Self::to_snapshot) wrote.
    ///
    /// # Errors
    /// When a line cannot be read, or the end is missing.
    pub fn from_snapshot(snapshot: &str) -> Result<Self, PriceError> {
        Ok(Self::builder().snapshot(snapshot)?.build())
    }

    /// Returns this book with the application's own prices, which take precedence. The version changes with them.
    ///
    /// # Errors
    /// When one of them is refused; it is named, and this book stays as it is.
    pub fn with_overrides(
        &self,
        overrides: impl IntoIterator<Item = PriceOverride>,
    ) -> Result<Self, PriceError> {
        Ok(PriceBookBuilder::on(self).overrides(overrides)?.build())
    }

    /// Returns this book with a file of the application's own prices, which take precedence. Rates have the keys of genai-prices, and may be
    /// numbers or strings:
    ///
    /// ```
    /// use tower_llm_metrics::PriceBook;
    ///
    /// let book = PriceBook::empty().with_overrides_json(br#"[{
    ///     "provider": "openai", "model": "gpt-5-mini", "aliases": ["our-mini"], "prefixes": ["gpt-5-mini-"],
    ///     "prices": {"input_mtok": 0.2, "output_mtok": {"base": 1.6, "tiers": [{"start": 200000, "price": 3.2}]}},
    ///     "tiers": {"batch": {"input_mtok": "0.1", "output_mtok": "0.8"}}
    /// }]"#)?;
    /// # Ok::<(), tower_llm_metrics::price::PriceError>(())
    /// ```
    ///
    /// # Errors
    /// When `data` is not of that format, or one of them is refused; it is named, and this book stays as it is.
    pub fn with_overrides_json(&self, data: &[u8]) -> Result<Self, PriceError> {
        Ok(PriceBookBuilder::on(self).overrides_json(data)?.build())
    }

    /// Writes the book as lines of JSON, from which it loads several times faster than from what it was made of.
    pub fn to_snapshot(&self) -> String {
        snapshot::write(&self.0.catalog, &self.0.version, self.0.date.map(unix_seconds))
    }

    pub(super) fn new(
        catalog: Catalog,
        refused: Vec<Refused>,
        version: Arc<str>,
        date: Option<SystemTime>,
        stale_after: Duration,
    ) -> Self {
        let stale = date.and_then(|date| date.checked_add(stale_after));
        let warned = AtomicBool::new(false);
        let resolved = Cache::new(MAX_NAMES);
        Self(Arc::new(Inner { catalog, resolved, version, date, stale_after, stale, warned, refused }))
    }

    /// Returns the version of the price data, as records carry it.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// Returns when the price data was current, where that is known.
    pub fn date(&self) -> Option<SystemTime> {
        self.0.date
    }

    /// Returns how old the price data is at `time`; `None` where its date is not known.
    pub fn age(&self, time: SystemTime) -> Option<Duration> {
        self.0.date.map(|date| time.duration_since(date).unwrap_or(Duration::ZERO))
    }

    /// Returns whether the price data is older at `time` than the application allows.
    pub fn is_stale(&self, time: SystemTime) -> bool {
        self.0.stale.is_some_and(|stale| time >= stale)
    }

    /// Returns the entries of the data that are not used, and why.
    pub fn refused(&self) -> &[Refused] {
        &self.0.refused
    }

    /// Returns the entries of the data that are not used, by the [reason](super::Problem::reason): a list of prices has hundreds of one kind.
    ///
    /// ```
    /// use tower_llm_metrics::PriceBook;
    ///
    /// let book = PriceBook::builder().litellm(br#"{"a": {}, "b": {}}"#)?.build();
    /// for (reason, refused) in book.refused_by_reason() {
    ///     assert_eq!(format!("{} {reason}, {} for one", refused.len(), refused[0].entry), "2 describes no model, litellm/a for one");
    /// }
    /// # Ok::<(), tower_llm_metrics::price::PriceError>(())
    /// ```
    pub fn refused_by_reason(&self) -> BTreeMap<&'static str, Vec<&Refused>> {
        let mut by_reason: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for refused in self.refused() {
            by_reason.entry(refused.problem.reason()).or_default().push(refused);
        }
        by_reason
    }

    /// Returns how many entries there are.
    pub fn len(&self) -> usize {
        self.0.catalog.entries.len()
    }

    /// Returns whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.catalog.entries.is_empty()
    }

    /// Returns the provider and the name of every entry. What costs otherwise at one endpoint of a provider has the endpoint's id: `bedrock_mantle` of `aws`,
    /// `azure_ai` of `azure`, `gemini` of `google`.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        let catalog = &self.0.catalog;
        catalog.entries.iter().filter_map(|entry| {
            let provider = catalog.provider(entry.provider)?;
            Some((&*provider.id, catalog.name(entry)))
        })
    }

    /// Returns the names for which the sources of the book have different rates, at the default tier and after all start dates.
    /// A unit that one of them does not mention is billed as the kind that it is part of, and is compared as such.
    pub fn disagreements(&self) -> Vec<Disagreement> {
        disagreements(&self.0.catalog)
    }
}

/// A price book that can be replaced while calls are priced by it, without a lock on their way. A clone is another
/// handle to the same place.
///
/// ```
/// use tower_llm_metrics::PriceBook;
/// use tower_llm_metrics::price::SharedPriceBook;
///
/// let book = SharedPriceBook::new(PriceBook::empty());
/// // Give `book.clone()` to the layer, and later:
/// let error = book.reload(|| PriceBook::from_json(b"<html>502</html>")).unwrap_err();
/// assert!(error.to_string().contains("shape"));
/// assert!(book.load().is_empty(), "the old book is kept");
/// ```
#[derive(Clone)]
pub struct SharedPriceBook(Arc<ArcSwap<PriceBook>>);

impl SharedPriceBook {
    /// Creates a handle that holds `book`.
    pub fn new(book: PriceBook) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(book)))
    }

    /// Returns the current book.
    pub fn load(&self) -> PriceBook {
        self.0.load().as_ref().clone()
    }

    /// Puts `book` in the place of the one that is there, which is returned. Calls that are being priced go on with
    /// the old one.
    pub fn replace(&self, book: PriceBook) -> PriceBook {
        self.0.swap(Arc::new(book)).as_ref().clone()
    }

    /// Puts the book that `load` makes in the place of the one that is there.
    ///
    /// # Errors
    /// Those of `load`; the old book stays.
    pub fn reload<E>(&self, load: impl FnOnce() -> Result<PriceBook, E>) -> Result<(), E> {
        self.0.store(Arc::new(load()?));
        Ok(())
    }
}

impl From<PriceBook> for SharedPriceBook {
    fn from(book: PriceBook) -> Self {
        Self::new(book)
    }
}

impl fmt::Debug for SharedPriceBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedPriceBook").field(&*self.0.load()).finish()
    }
}

impl Pricer for SharedPriceBook {
    fn price(&self, call: &PricedCall<'_>) -> Cost {
        self.0.load().price(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Provider, Rate, Text, Unit, Usage, Usd};

    #[test]
    fn calls_are_priced_by_the_book_that_is_there() {
        let book = |rate| {
            let price = PriceOverride::new("acme", "m").rate(Unit::Input, Rate::from_parts(rate, 6));
            PriceBook::empty().with_overrides([price]).unwrap()
        };
        let (provider, model) = (Provider::new("acme").unwrap(), Text::new("m").unwrap());
        let usage = Usage { input_tokens: Some(1), ..Usage::default() };
        let mut call = PricedCall::new(&usage, std::time::UNIX_EPOCH);
        (call.provider, call.model) = (Some(&provider), Some(&model));

        let shared = SharedPriceBook::new(book(1));
        let other = shared.clone();
        assert_eq!(other.price(&call).total().map(Usd::picos), Some(1_000_000));
        let old = shared.replace(book(2));
        assert_eq!(other.price(&call).total().map(Usd::picos), Some(2_000_000));
        assert_eq!(old.price(&call).total().map(Usd::picos), Some(1_000_000));
        assert!(shared.reload(|| PriceBook::from_json(b"[{}]")).is_err());
        assert_eq!(other.price(&call).total().map(Usd::picos), Some(2_000_000));
    }
}
