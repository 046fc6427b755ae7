//! The price book.

use super::bill::{Terms, bill_call, bill_pass};
use super::builder::PriceBookBuilder;
use super::catalog::{BATCH, Catalog, Entry, STANDARD, Source, TierId};
use super::error::{PriceError, Refused};
use super::genai::ROUTE;
use super::memo::Memo;
use super::overrides::PriceOverride;
use super::pricer::{PricedCall, Pricer};
use super::quantities::Tokens;
use super::resolve::{Found, Resolved, provider_of, resolve};
use super::snapshot;
use super::window::unix_seconds;
use crate::record::{Cost, Parts, PriceMatch, Priced, Provider, Rate, Text, UnpricedReason};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
pub struct PriceBook(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    catalog: Catalog,
    memo: Memo,
    version: Arc<str>,
    date: Option<SystemTime>,
    stale_after: Duration,
    /// From when on the book is old.
    stale: Option<SystemTime>,
    warned: AtomicBool,
    refused: Vec<Refused>,
}

impl PriceBook {
    /// A book that knows no price.
    pub fn empty() -> Self {
        Self::builder().build()
    }

    /// A builder, to put a book together from several sources.
    pub fn builder() -> PriceBookBuilder {
        PriceBookBuilder::default()
    }

    /// Reads the data of [genai-prices](https://github.com/pydantic/genai-prices), format v2, as that project
    /// publishes it.
    ///
    /// # Errors
    /// When `data` is not of that format. An entry that cannot be used is left out and [noted](Self::refused).
    pub fn from_genai_prices(data: &[u8]) -> Result<Self, PriceError> {
        Ok(Self::builder().genai_prices(data)?.build())
    }

    /// Reads [LiteLLM](https://github.com/BerriAI/litellm)'s map of model prices as that project publishes it.
    ///
    /// # Errors
    /// When `data` is not of that format. An entry that cannot be used is left out and [noted](Self::refused).
    pub fn from_litellm(data: &[u8]) -> Result<Self, PriceError> {
        Ok(Self::builder().litellm(data)?.build())
    }

    /// Reads either format: genai-prices writes a list, LiteLLM an object.
    ///
    /// # Errors
    /// When `data` is of neither format.
    pub fn from_json(data: &[u8]) -> Result<Self, PriceError> {
        match data.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => Self::from_genai_prices(data),
            Some(b'{') => Self::from_litellm(data),
            _ => Err(PriceError::shape("the list of genai-prices or the object of LiteLLM")),
        }
    }

    /// The prices that are compiled in: of genai-prices and LiteLLM, at the [date](Self::date) of this release. They are read
    /// when they are first asked for, which takes a few milliseconds.
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
            PriceBook::from_snapshot(include_str!("data/prices.txt")).unwrap_or_else(|_| PriceBook::empty())
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

    /// This book with prices of the application's own before its own. The version says that there are such.
    ///
    /// # Errors
    /// When one of them is refused; it is named, and this book stays as it is.
    pub fn with_overrides(
        &self,
        overrides: impl IntoIterator<Item = PriceOverride>,
    ) -> Result<Self, PriceError> {
        Ok(PriceBookBuilder::on(self).overrides(overrides)?.build())
    }

    /// This book with a file of prices of the application's own before its own. Rates have the keys of genai-prices, and may be
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

    /// The book in a compact text form, from which it loads about ten times faster than from what it was made of.
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
        let memo = Memo::default();
        Self(Arc::new(Inner { catalog, memo, version, date, stale_after, stale, warned, refused }))
    }

    /// The version of the price data, as records carry it.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// When the price data was current, where that is known.
    pub fn date(&self) -> Option<SystemTime> {
        self.0.date
    }

    /// How old the price data is at `time`; `None` where its date is not known.
    pub fn age(&self, time: SystemTime) -> Option<Duration> {
        self.0.date.map(|date| time.duration_since(date).unwrap_or(Duration::ZERO))
    }

    /// Whether the price data is older at `time` than the application allows.
    pub fn is_stale(&self, time: SystemTime) -> bool {
        self.0.stale.is_some_and(|stale| time >= stale)
    }

    /// The entries of the data that are not used, and why.
    pub fn refused(&self) -> &[Refused] {
        &self.0.refused
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.catalog.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.catalog.entries.is_empty()
    }

    /// The provider and the name of every entry.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        let catalog = &self.0.catalog;
        catalog.entries.iter().filter_map(|entry| {
            let provider = catalog.provider(entry.provider)?;
            Some((&*provider.id, catalog.name(entry)))
        })
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    pub(super) fn stale_after(&self) -> Duration {
        self.0.stale_after
    }

    pub(super) fn shared_version(&self) -> Arc<str> {
        Arc::clone(&self.0.version)
    }

    /// What the book knows of a model, whose name may be in any case.
    #[inline]
    fn resolve(&self, provider: &str, region: &str, model: &Text) -> Resolved {
        let mut buffer = [0; Text::MAX_LEN];
        let name = lower(model, &mut buffer);
        let Inner { catalog, memo, .. } = &*self.0;
        let hash = catalog.index.hash(provider, region, name);
        if region.is_empty() {
            // A name spelt in full, unless there may be more to it than LiteLLM knows.
            let key = catalog.index.find(hash, |key| {
                key.name.of_text(&catalog.text) == name
                    && catalog.provider(key.provider).is_some_and(|row| *row.id == *provider)
            });
            if let Some(key) = key.filter(|key| key.complete) {
                return Resolved::of_key(key);
            }
        }
        memo.get_or(hash, (provider, region, name), || resolve(catalog, provider, region, name))
    }

    /// What decides about rates beside the model.
    #[inline]
    fn terms(&self, call: &PricedCall<'_>) -> Result<Terms, UnpricedReason> {
        let tiers = &self.0.catalog.tiers;
        let route = call.region.and_then(|region| {
            let is_route = |tier: &Text| {
                tier.strip_prefix(ROUTE).is_some_and(|route| route.eq_ignore_ascii_case(region))
            };
            TierId::try_from(tiers.iter().position(is_route)?).ok()
        });
        let asked = call.service_tier.map_or(Asked::Default, |tier| Asked::of(tier));
        let tier = match asked {
            Asked::Default if call.batch => BATCH,
            Asked::Default => STANDARD,
            Asked::Tier("batch") => BATCH,
            Asked::Tier(_) if call.batch => return Err(UnpricedReason::UnknownTier),
            Asked::Tier(name) => {
                let known = tiers.iter().position(|tier| tier.eq_ignore_ascii_case(name));
                known.and_then(|at| TierId::try_from(at).ok()).ok_or(UnpricedReason::UnknownTier)?
            }
        };
        Ok(Terms { tier, route, time: call.time })
    }

    /// Bills by the first entry that has all rates. Where none has, the reason is the one of the last that came closest.
    #[inline]
    fn bill<'a>(
        &'a self,
        resolved: &Resolved,
        parts: &mut Parts,
        bill: impl Fn((&Entry, Option<Rate>), &mut Parts) -> Result<(), UnpricedReason>,
    ) -> Result<(&'a Entry, PriceMatch), UnpricedReason> {
        let mut reason = UnpricedReason::UnknownModel;
        let region = resolved.uplift(&self.0.catalog);
        for Found { entry, matched } in resolved.found() {
            let Some(entry) = self.0.catalog.entry(entry) else { continue };
            // The application's own prices are what it says they are, in every region.
            let uplift = region.filter(|_| entry.source != Source::Override);
            match bill((entry, uplift), parts) {
                Ok(()) => return Ok((entry, matched)),
                // That a rate is missing says more than that another source does not know the tier.
                Err(other) if reason != UnpricedReason::NoRate => reason = other,
                Err(_) => {}
            }
            *parts = Parts::default();
        }
        Err(reason)
    }

    /// Bills `call` into `parts`; by which entry, how that was found and at which tier.
    fn compute(
        &self,
        call: &PricedCall<'_>,
        parts: &mut Parts,
    ) -> Result<(&Entry, PriceMatch, TierId), UnpricedReason> {
        let usage = call.usage;
        if usage.input_tokens.is_none() && usage.is_empty() {
            return Err(UnpricedReason::NoUsage);
        }
        let provider = call.provider.map(Provider::as_str).ok_or(UnpricedReason::UnknownProvider)?;
        let region = call.region.map_or("", |region| region.as_str());
        let resolve = |model: &Text| self.resolve(provider, region, model);

        let mut resolved = call.response_model.map(resolve).unwrap_or_default();
        if !resolved.is_known()
            && let Some(asked) = call.model
        {
            resolved = resolve(asked);
        }
        if !resolved.is_known() {
            let unnamed = call.model.is_none() && call.response_model.is_none();
            let known = resolved.provider || (unnamed && provider_of(&self.0.catalog, provider).is_some());
            return Err(if known { UnpricedReason::UnknownModel } else { UnpricedReason::UnknownProvider });
        }
        let terms = self.terms(call)?;
        let catalog = &self.0.catalog;
        let tokens = Tokens::of_call(usage).ok_or(UnpricedReason::Overflow)?;
        let (entry, matched) = self.bill(&resolved, parts, |entry, parts| {
            bill_call(catalog, entry, &terms, (usage, &tokens), parts)
        })?;
        for pass in &usage.passes {
            let tokens = Tokens::of_pass(pass).ok_or(UnpricedReason::Overflow)?;
            let mut of_pass = Parts::default();
            let resolved = pass.model.as_ref().map_or(resolved, resolve);
            self.bill(&resolved, &mut of_pass, |entry, parts| {
                bill_pass(catalog, entry, &terms, &tokens, parts)
            })?;
            of_pass.iter().for_each(|part| parts.merge(part));
        }
        Ok((entry, matched, terms.tier))
    }

    /// Says once that the book is old.
    #[cold]
    fn warn_stale(&self, time: SystemTime) {
        if !self.0.warned.swap(true, Ordering::Relaxed) {
            #[cfg(feature = "tracing")]
            tracing::warn!(
                version = self.version(),
                days = self.age(time).map(|age| age.as_secs() / 86_400),
                "the price data is older than allowed; costs may be wrong"
            );
            #[cfg(not(feature = "tracing"))]
            let _ = time;
        }
    }
}

/// What a call says of its tier.
enum Asked<'a> {
    Default,
    Tier(&'a str),
}

impl<'a> Asked<'a> {
    fn of(tier: &'a str) -> Self {
        let is = |name: &str| tier.eq_ignore_ascii_case(name);
        match tier.trim() {
            "" | "default" | "standard" | "auto" | "on_demand" => Self::Default,
            // Anthropic's request, Vertex's and Bedrock's answers.
            _ if is("default") || is("standard") || is("auto") || is("on_demand") => Self::Default,
            _ if is("standard_only") || is("on-demand") => Self::Default,
            _ if is("on_demand_priority") => Self::Tier("priority"),
            _ if is("on_demand_flex") => Self::Tier("flex"),
            _ if is("batch") || is("batches") => Self::Tier("batch"),
            other => Self::Tier(other),
        }
    }
}

/// `text` in lower case, in `buffer` where it is not already.
#[inline]
fn lower<'a>(text: &'a str, buffer: &'a mut [u8; Text::MAX_LEN]) -> &'a str {
    // All bytes are looked at, for that is done many at a time.
    if !text.bytes().fold(false, |any, byte| any | byte.is_ascii_uppercase()) {
        return text;
    }
    let Some(copy) = buffer.get_mut(..text.len()) else { return text };
    copy.copy_from_slice(text.as_bytes());
    copy.make_ascii_lowercase();
    std::str::from_utf8(copy).unwrap_or(text)
}

/// The bundled book (feature `prices`), or else an empty one.
impl Default for PriceBook {
    fn default() -> Self {
        #[cfg(feature = "prices")]
        return Self::bundled();
        #[cfg(not(feature = "prices"))]
        Self::empty()
    }
}

impl Pricer for PriceBook {
    fn price(&self, call: &PricedCall<'_>) -> Cost {
        if self.is_stale(call.time) {
            self.warn_stale(call.time);
        }
        let mut parts = Parts::default();
        let (entry, matched, tier) = match self.compute(call, &mut parts) {
            Ok(billed) => billed,
            Err(reason) => return Cost::Unpriced(reason),
        };
        let Some(total) = parts.total() else { return Cost::Unpriced(UnpricedReason::Overflow) };
        let catalog = &self.0.catalog;
        let tier = match tier {
            STANDARD => None,
            tier => catalog.tiers.get(usize::from(tier)).cloned(),
        };
        let entry = (catalog.label(entry), matched);
        Cost::Priced(Priced::from_parts((total, parts), entry, tier, self.shared_version()))
    }
}
