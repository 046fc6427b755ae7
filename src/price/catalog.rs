//! Price data, packed: flat tables that load fast, hold little and are read without an allocation.

use super::index::{Index, Key};
use super::matcher::Matcher;
use super::window::Window;
use crate::record::{Rate, Text, Unit};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Where an entry comes from, in the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Source {
    /// The application's own.
    Override = 0,
    /// The genai-prices data.
    GenAi = 1,
    /// LiteLLM's price map.
    LiteLlm = 2,
}

impl Source {
    /// All of them, by precedence.
    pub(super) const ALL: [Self; 3] = [Self::Override, Self::GenAi, Self::LiteLlm];
}

/// The place of an entry in its table.
pub(super) type EntryId = u32;
/// The place of a provider in its table.
pub(super) type ProviderId = u16;
/// The place of a card in its table.
pub(super) type CardId = u32;
/// The place of a tier in its table; [`STANDARD`] is the default.
pub(super) type TierId = u8;

/// The tier of a call that names none.
pub(super) const STANDARD: TierId = 0;
/// The tier of batch APIs.
pub(super) const BATCH: TierId = 1;
/// The names of the tiers that every catalogue has.
pub(super) const FIXED_TIERS: [&str; 2] = ["standard", "batch"];

/// At most this many prices of one tier may hold at the same time.
pub(super) const MAX_OVERLAYS: usize = 3;

/// A run of rows in another table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) len: u16,
}

impl Run {
    /// The rows of the run.
    #[inline]
    pub(super) fn of<T>(self, table: &[T]) -> &[T] {
        let first = self.first as usize;
        table.get(first..first + usize::from(self.len)).unwrap_or_default()
    }

    /// The part of a text.
    #[inline]
    pub(super) fn of_text(self, text: &str) -> &str {
        let first = self.first as usize;
        text.get(first..first + usize::from(self.len)).unwrap_or_default()
    }
}

/// The rates for requests of more than some number of tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    pub(super) above: u64,
    /// Where the rates begin.
    pub(super) first: u32,
    /// Which of them is the one of a unit, counted from 1; 0 for a unit that has none.
    pub(super) places: [u8; Unit::ALL.len()],
}

impl Band {
    /// A band without rates, of those that begin at `first`.
    pub(super) const fn new(above: u64, first: u32) -> Self {
        Self { above, first, places: [0; Unit::ALL.len()] }
    }

    /// Notes that the next rate is the one of `unit`; `None` where that is not after the units before it.
    pub(super) fn add(&mut self, unit: Unit) -> Option<()> {
        let last = self.places.iter().max().copied().unwrap_or(0);
        let (before, from) = self.places.split_at_mut_checked(unit as usize)?;
        let place = from.first_mut()?;
        *place = last + 1;
        (last == 0 || before.contains(&last)).then_some(())
    }
}

/// A price and when it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    pub(super) window: Window,
    pub(super) tier: TierId,
    pub(super) card: CardId,
}

/// A factor on the rates of tokens in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uplift {
    pub(super) region: Region,
    pub(super) factor: Rate,
}

/// The regions that a factor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// The data residency `eu`.
    Eu,
    /// The data residency `us`.
    Us,
    /// `gov`, which is authorised by `FedRAMP`.
    Gov,
    /// Every region but `global`.
    NotGlobal,
}

impl Region {
    /// Whether `region` is meant.
    pub(super) fn covers(self, region: &str) -> bool {
        match self {
            Self::Eu => region.eq_ignore_ascii_case("eu"),
            Self::Us => region.eq_ignore_ascii_case("us"),
            Self::Gov => region.eq_ignore_ascii_case("gov"),
            Self::NotGlobal => !region.eq_ignore_ascii_case("global"),
        }
    }
}

/// The prices of one model of one provider.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: Run,
    pub(super) provider: ProviderId,
    pub(super) source: Source,
    pub(super) periods: Run,
    pub(super) uplifts: Run,
    /// The least that is billed of [`Unit::Seconds`].
    pub(super) least_seconds: u8,
    /// Whether an answer is billed once for its searches, however many there were.
    pub(super) searches_once: bool,
    /// The place of the band, counted from 1, of an entry whose default tier has one price for all times and sizes: most
    /// have.
    pub(super) sole_band: u32,
    /// `provider/entry`, made when it is first needed.
    pub(super) label: OnceLock<Arc<str>>,
}

/// A provider.
#[derive(Clone)]
pub(super) struct Provider {
    pub(super) id: Box<str>,
    /// Other names that the provider goes by.
    pub(super) aliases: Option<Matcher>,
    /// Providers whose models this one resells at their prices.
    pub(super) fallbacks: Vec<Box<str>>,
    /// Patterns over names, in the order in which they are tried.
    pub(super) patterns: Vec<(EntryId, Matcher)>,
}

impl Provider {
    /// Adds a pattern: of the data after those that are there, of the application before them.
    pub(super) fn add_pattern(&mut self, source: Source, entry: EntryId, pattern: Matcher) {
        let at = if source == Source::Override { 0 } else { self.patterns.len() };
        self.patterns.insert(at, (entry, pattern));
    }
}

/// All price data of one book.
#[derive(Clone, Default)]
pub(super) struct Catalog {
    pub(super) text: String,
    /// The rates of bands; `None` where a rate is known to be missing.
    pub(super) rates: Vec<Option<Rate>>,
    pub(super) bands: Vec<Band>,
    pub(super) cards: Vec<Run>,
    pub(super) periods: Vec<Period>,
    pub(super) uplifts: Vec<Uplift>,
    pub(super) entries: Vec<Entry>,
    pub(super) providers: Vec<Provider>,
    pub(super) tiers: Vec<Text>,
    pub(super) index: Index,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("providers", &self.providers.len())
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl Catalog {
    /// A row of the table of entries.
    #[inline]
    pub(super) fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(id as usize)
    }

    /// A row of the table of providers.
    #[inline]
    pub(super) fn provider(&self, id: ProviderId) -> Option<&Provider> {
        self.providers.get(usize::from(id))
    }

    /// The name of an entry, as the data spells it.
    pub(super) fn name(&self, entry: &Entry) -> &str {
        entry.name.of_text(&self.text)
    }

    /// `provider/entry`.
    #[inline]
    pub(super) fn label(&self, entry: &Entry) -> Arc<str> {
        let make = || {
            let provider = self.provider(entry.provider).map_or("", |provider| &provider.id);
            format!("{provider}/{}", self.name(entry)).into()
        };
        Arc::clone(entry.label.get_or_init(make))
    }

    /// The provider of that id.
    pub(super) fn provider_by_id(&self, id: &str) -> Option<ProviderId> {
        let at = self.providers.iter().position(|provider| *provider.id == *id)?;
        ProviderId::try_from(at).ok()
    }

    /// The entry that a source has for a name, which is in lower case, spelt in full.
    pub(super) fn exact(&self, provider: ProviderId, name: &str, source: Source) -> Option<EntryId> {
        let hash = self.index.hash(&self.provider(provider)?.id, "", name);
        let same = |key: &Key| key.provider == provider && key.name.of_text(&self.text) == name;
        self.index.find(hash, same)?.entry(source)
    }

    /// The tier of that name, where any entry has it.
    pub(super) fn tier(&self, name: &str) -> Option<TierId> {
        let at = self.tiers.iter().position(|tier| tier.as_str() == name)?;
        TierId::try_from(at).ok()
    }

    /// Notes of every entry whether its default tier has one price for all times and sizes.
    pub(super) fn note_sole_bands(&mut self) {
        for entry in &mut self.entries {
            let mut standard =
                entry.periods.of(&self.periods).iter().filter(|period| period.tier == STANDARD);
            let card = match (standard.next(), standard.next()) {
                (Some(Period { window: Window::Always, card, .. }), None) => self.cards.get(*card as usize),
                _ => None,
            };
            entry.sole_band = card.filter(|bands| bands.len == 1).map_or(0, |bands| bands.first + 1);
        }
    }

    /// The rates of a card for requests of that much input.
    #[inline]
    pub(super) fn band(&self, card: CardId, input: u64) -> Option<&Band> {
        let card = self.cards.get(card as usize)?;
        let bands = card.of(&self.bands);
        match bands {
            [only] => Some(only),
            bands => bands.iter().rev().find(|band| input > band.above).or(bands.first()),
        }
    }

    /// The rate of a unit in a band.
    #[inline]
    pub(super) fn rate(&self, band: &Band, unit: Unit) -> Lookup {
        let place = match band.places.get(unit as usize) {
            None | Some(0) => return Lookup::Absent,
            Some(place) => u32::from(*place) - 1,
        };
        match self.rates.get((band.first + place) as usize) {
            Some(Some(rate)) => Lookup::Rate(*rate),
            Some(None) | None => Lookup::Missing,
        }
    }
}

/// What is known of the rate of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The rate.
    Rate(Rate),
    /// The data has the unit, but not for this tier.
    Missing,
    /// The data does not know the unit.
    Absent,
}
