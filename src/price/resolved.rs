//! What a name led to.

use super::catalog::{Catalog, EntryId, Source};
use super::index::{Key, NO_ENTRY};
use super::rates::Fills;
use crate::record::{PriceMatch, Rate, UnpricedReason};

/// An entry, and how the name led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) entry: EntryId,
    pub(super) matched: PriceMatch,
}

impl Found {
    /// The same, found by another spelling of the name.
    pub(super) fn as_alias(self) -> Self {
        match self.matched {
            PriceMatch::Exact => Self { matched: PriceMatch::Alias, ..self },
            PriceMatch::Alias | PriceMatch::Pattern | PriceMatch::Ambiguous => self,
        }
    }
}

/// What is known of a name. It is copied once a call, and so kept small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The entries by source; [`NO_ENTRY`] for a source that has none.
    entries: [EntryId; Source::ALL.len()],
    /// How the name led to them.
    matched: [PriceMatch; Source::ALL.len()],
    /// LiteLLM's entry for another endpoint of the provider, where nobody knows which was called.
    pub(super) elsewhere: EntryId,
    /// How the entries of the data stand to each other.
    pub(super) order: Order,
    pub(super) uplift: Uplift,
    /// Whether the provider is in the book.
    pub(super) provider: bool,
}

/// Which entry of the data stands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// That of genai-prices.
    GenAi,
    /// LiteLLM's, which knows a price of the endpoint that was called.
    LiteLlm,
    /// LiteLLM's, which is the provider's own. That of genai-prices is the price of whoever made the model.
    Resold,
}

/// The factor on the rates of tokens for a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uplift {
    None,
    /// The place in the table.
    At(u32),
    /// There is one, and the data does not say which.
    Missing,
}

impl Default for Resolved {
    fn default() -> Self {
        Self {
            entries: [NO_ENTRY; Source::ALL.len()],
            matched: [PriceMatch::Exact; Source::ALL.len()],
            elsewhere: NO_ENTRY,
            order: Order::GenAi,
            uplift: Uplift::None,
            provider: false,
        }
    }
}

/// An entry to bill by.
pub(super) struct Candidate {
    pub(super) found: Found,
    /// The entry to ask for what that one lacks, and for how much of it.
    pub(super) filler: Option<(EntryId, Fills)>,
}

impl Resolved {
    /// What is known of a name that the data spells in full.
    #[inline]
    pub(super) fn of_key(key: &Key) -> Self {
        Self { entries: key.entries, provider: true, ..Self::default() }
    }

    /// What is known of a name of a provider that is in the book.
    pub(super) fn new(found: [Option<Found>; Source::ALL.len()]) -> Self {
        let entries = found.map(|found| found.map_or(NO_ENTRY, |found| found.entry));
        let matched = found.map(|found| found.map_or(PriceMatch::Exact, |found| found.matched));
        Self { entries, matched, provider: true, ..Self::default() }
    }

    /// Whether there is any entry.
    #[inline]
    pub(super) fn is_known(&self) -> bool {
        self.entries.iter().any(|entry| *entry != NO_ENTRY)
    }

    /// The entries to try, by precedence.
    #[inline]
    pub(super) fn candidates(&self) -> impl Iterator<Item = Candidate> {
        let [ours, genai, litellm] = self.entries;
        let [by_us, by_genai, by_litellm] = self.matched;
        let fills = |entry: EntryId, fills| (entry != NO_ENTRY).then_some((entry, fills));
        let first = match self.order {
            Order::Resold => Fills::Resold,
            Order::GenAi | Order::LiteLlm => Fills::Kinds,
        };
        let mut all = [
            (ours, by_us, None),
            (genai, by_genai, fills(litellm, Fills::Kinds)),
            (litellm, by_litellm, fills(genai, first)),
        ];
        if self.order != Order::GenAi {
            all.swap(1, 2);
        }
        all.into_iter()
            .filter(|(entry, ..)| *entry != NO_ENTRY)
            .map(|(entry, matched, filler)| Candidate { found: Found { entry, matched }, filler })
    }

    /// LiteLLM's entries for the endpoints of the provider, where these cost otherwise and nobody knows which was called.
    #[inline]
    pub(super) fn endpoints(&self) -> Option<[EntryId; 2]> {
        let [.., litellm] = self.entries;
        (self.elsewhere != NO_ENTRY && litellm != NO_ENTRY).then_some([litellm, self.elsewhere])
    }

    /// The factor on the rates of tokens, for the region asked about.
    ///
    /// # Errors
    /// When there is one and the data does not say which.
    #[inline]
    pub(super) fn uplift(&self, catalog: &Catalog) -> Result<Option<Rate>, UnpricedReason> {
        match self.uplift {
            Uplift::None => Ok(None),
            Uplift::At(place) => Ok(catalog.uplifts.get(place as usize).map(|uplift| uplift.factor)),
            Uplift::Missing => Err(UnpricedReason::NoRate),
        }
    }
}
