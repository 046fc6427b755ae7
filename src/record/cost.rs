//! The cost of a call.

use super::listed::closed_list;
use super::parts::{Part, Parts};
use super::text::Text;
use super::usd::Usd;
use std::sync::Arc;

/// What a call cost, or why that is not known. It is never 0 for unknown.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Cost {
    /// Computed from the usage and a price list.
    Priced(Priced),
    /// The amount that the provider reported, with our own computation beside it.
    Reported {
        /// The provider's figure.
        total: Usd,
        /// Our own, where there was a price.
        computed: Option<Priced>,
    },
    /// Something was or may have been consumed, and its price is not known.
    Unpriced(UnpricedReason),
    /// Nothing was consumed: model lists, token counts, refused requests.
    #[default]
    None,
}

impl Cost {
    /// Returns the amount that counts: the provider's own figure, or else the computed one.
    pub fn total(&self) -> Option<Usd> {
        match self {
            Self::Priced(priced) => Some(priced.total),
            Self::Reported { total, .. } => Some(*total),
            Self::Unpriced(_) | Self::None => None,
        }
    }

    /// Returns our own computation, where there is one.
    pub fn computed(&self) -> Option<&Priced> {
        match self {
            Self::Priced(priced) => Some(priced),
            Self::Reported { computed, .. } => computed.as_ref(),
            Self::Unpriced(_) | Self::None => None,
        }
    }

    /// Returns what the application charges its own customer for the call, where it has set that.
    pub fn charge(&self) -> Option<Usd> {
        self.computed().and_then(Priced::charge)
    }

    /// Returns the value of `cost_state` in a record.
    pub const fn state(&self) -> &'static str {
        match self {
            Self::Priced(_) => "priced",
            Self::Reported { .. } => "reported",
            Self::Unpriced(_) => "unpriced",
            Self::None => "none",
        }
    }
}

/// A computed cost and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Priced {
    /// The sum, rounded half-even to 1e-12 once.
    pub total: Usd,
    /// The entry of the price list, as `provider/entry`.
    pub entry: Arc<str>,
    /// How the model's name led to the entry.
    pub matched: PriceMatch,
    /// The tier that applied, when it was not the default one.
    pub tier: Option<Text>,
    /// The version of the price data.
    pub version: Arc<str>,
    parts: Parts,
    /// Boxed: few applications have one, and a record should stay small for the others.
    charge: Option<Box<Usd>>,
}

impl Priced {
    /// Creates a cost computed by a pricer of the application's own.
    pub fn new(total: Usd, entry: impl Into<Arc<str>>, version: impl Into<Arc<str>>) -> Self {
        Self {
            total,
            entry: entry.into(),
            matched: PriceMatch::Exact,
            tier: None,
            version: version.into(),
            parts: Parts::default(),
            charge: None,
        }
    }

    /// Creates a cost computed from its parts, whose sum is `total`.
    #[inline]
    pub(crate) fn from_parts(
        (total, parts): (Usd, Parts),
        (entry, matched): (Arc<str>, PriceMatch),
        tier: Option<Text>,
        version: Arc<str>,
    ) -> Self {
        Self { total, entry, matched, tier, version, parts, charge: None }
    }

    /// Returns the parts by unit. They sum exactly to the total before its rounding. A cost that was read from a stored
    /// record has none, for a record's JSON does not carry them.
    pub fn parts(&self) -> impl Iterator<Item = Part> + Clone + '_ {
        self.parts.iter()
    }

    /// Returns what the application charges its own customer for the call, where it has set that (see
    /// [`Markup`](crate::price::Markup)).
    pub fn charge(&self) -> Option<Usd> {
        self.charge.as_deref().copied()
    }

    /// Sets what the application charges its own customer for the call.
    pub fn with_charge(mut self, charge: Usd) -> Self {
        self.charge = Some(Box::new(charge));
        self
    }
}

closed_list! {
    /// How a model's name led to a price.
    pub PriceMatch, "price_match" {
        /// The name is the entry's.
        Exact = "exact",
        /// The name is another spelling of the entry's: a prefix, a profile or a date taken off.
        Alias = "alias",
        /// A pattern of the price data covers the name.
        Pattern = "pattern",
        /// The name has several prices, and it is not known which endpoint of the provider was called. That of its main endpoint is used.
        Ambiguous = "ambiguous",
    }
}

closed_list! {
    /// Why a call has no price.
    pub UnpricedReason, "cost_reason" {
        /// There are no figures to multiply.
        NoUsage = "no_usage",
        /// A figure cannot be read, and the others alone would be too cheap.
        UnreadableUsage = "unreadable_usage",
        /// Something that may have been billed was counted and is not understood; the known figures alone would be too cheap.
        UnreadUsage = "unread_usage",
        /// The provider reported what came out and not what went in.
        IncompleteUsage = "incomplete_usage",
        /// The provider is not known.
        UnknownProvider = "unknown_provider",
        /// Neither the model that answered nor the requested one is in the book.
        UnknownModel = "unknown_model",
        /// The entry has no rate for something that was used.
        NoRate = "no_rate",
        /// The service tier is not in the book.
        UnknownTier = "unknown_tier",
        /// The figures are beyond what can be multiplied.
        Overflow = "overflow",
        /// The tokens are another record's.
        Repeated = "repeated",
        /// The application's pricer panicked.
        Panicked = "panicked",
    }
}
