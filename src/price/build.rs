//! Packs price data into a [`Catalog`].

use super::catalog::{
    Band, CardId, Catalog, Entry, EntryId, FIXED_TIERS, MAX_OVERLAYS, Period, Provider, ProviderId, Run,
    STANDARD, Source, TierId, Uplift,
};
use super::endpoint;
use super::error::{Problem, Refused};
use super::index::Key;
use super::matcher::Matcher;
use super::resolve::is_complete;
use super::sheet::Sheet;
use super::window::Window;
use crate::record::{Rate, Text, Unit};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

/// An entry before it is packed.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) source: Source,
    pub(super) provider: ProviderId,
    /// The entry's own name.
    pub(super) name: &'a str,
    /// Whether the name is one that callers send, rather than a label.
    pub(super) callable: bool,
    /// Other names, in lower case.
    pub(super) names: Vec<Box<str>>,
    /// A pattern over names.
    pub(super) pattern: Option<Matcher>,
    pub(super) prices: Vec<Price>,
    pub(super) uplifts: Vec<Uplift>,
    pub(super) least_seconds: u8,
    pub(super) searches_once: bool,
}

/// One price of an entry: for a tier, while it holds. Of the prices of the default tier the last that holds is the one; those of
/// another tier lie over it, the first that holds on top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Price {
    pub(super) window: Window,
    pub(super) tier: TierId,
    pub(super) sheet: Sheet,
}

/// `name` in lower case, which most are already.
fn lowercase(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// The rates of a card as they are compared for being the same: by threshold, unit and rate.
type CardKey = Vec<(u64, Vec<(Unit, Option<Rate>)>)>;

/// Packs price data.
#[derive(Default)]
pub(super) struct Builder {
    catalog: Catalog,
    cards: HashMap<CardKey, CardId>,
    refused: Vec<Refused>,
}

impl Builder {
    /// Goes on from what a catalogue holds. Its cards are not shared with what is added.
    pub(super) fn on(catalog: Catalog) -> Self {
        let mut builder = Self { catalog, ..Self::default() };
        for name in FIXED_TIERS {
            builder.tier(name);
        }
        builder
    }

    /// The catalogue, and the entries that were refused.
    pub(super) fn finish(mut self) -> (Catalog, Vec<Refused>) {
        let catalog = &mut self.catalog;
        catalog.text.shrink_to_fit();
        catalog.rates.shrink_to_fit();
        catalog.bands.shrink_to_fit();
        catalog.cards.shrink_to_fit();
        catalog.periods.shrink_to_fit();
        catalog.entries.shrink_to_fit();
        catalog.note_sole_bands();
        let rows = catalog.providers.iter().map(|row| {
            endpoint::others(&row.id).filter_map(|id| catalog.provider_by_id(id)).collect::<Vec<_>>()
        });
        let endpoints: Vec<_> = rows.collect();
        // The application's own entries stand before all names that they may reach, under any spelling.
        let ours = |entry: &&Entry| entry.source == Source::Override;
        let mut overridden: BTreeSet<_> =
            catalog.entries.iter().filter(ours).map(|entry| entry.provider).collect();
        // Those for an endpoint stand before the names of its provider too.
        let of_endpoint = |row: &ProviderId| {
            let (provider, _) = endpoint::provider(&catalog.provider(*row)?.id)?;
            catalog.provider_by_id(provider)
        };
        let providers: Vec<_> = overridden.iter().filter_map(of_endpoint).collect();
        overridden.extend(providers);
        let complete = |key: &Key| {
            let is_ours = key.entry(Source::Override).is_some();
            let others = endpoints.get(usize::from(key.provider)).map_or(&[][..], Vec::as_slice);
            (is_ours || !overridden.contains(&key.provider)) && is_complete(catalog, key, others)
        };
        let complete: Vec<_> = catalog.index.keys().iter().map(complete).collect();
        catalog.index.complete(complete);
        (self.catalog, self.refused)
    }

    /// What is packed so far.
    pub(super) const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The tables to be filled directly, by the reader of the snapshot.
    pub(super) const fn tables(&mut self) -> &mut Catalog {
        &mut self.catalog
    }

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
        self.catalog.providers.push(Provider {
            id: id.into(),
            aliases: None,
            fallbacks: Vec::new(),
            patterns: Vec::new(),
        });
        Some(new)
    }

    /// Sets what else a provider goes by and whose models it resells.
    pub(super) fn describe(
        &mut self,
        provider: ProviderId,
        aliases: Option<Matcher>,
        fallbacks: Vec<Box<str>>,
    ) {
        if let Some(provider) = self.catalog.providers.get_mut(usize::from(provider)) {
            (provider.aliases, provider.fallbacks) = (aliases, fallbacks);
        }
    }

    /// The tier of that name, which is added where it is new. `None` for a name that is none, or one too many.
    pub(super) fn tier(&mut self, name: &str) -> Option<TierId> {
        if let Some(known) = self.catalog.tier(name) {
            return Some(known);
        }
        let new = TierId::try_from(self.catalog.tiers.len()).ok()?;
        self.catalog.tiers.push(Text::new(name).ok()?);
        Some(new)
    }

    /// Packs an entry.
    pub(super) fn entry(&mut self, draft: Draft<'_>) -> Result<EntryId, Problem> {
        let too_many = || Problem::Shape("more prices than can be held".to_owned());
        if draft.prices.is_empty() {
            return Err(Problem::NoRates);
        }
        if draft
            .names
            .iter()
            .map(|name| &**name)
            .chain([draft.name])
            .any(|name| name.contains(char::is_control))
        {
            return Err(Problem::Shape("a control character in a name".to_owned()));
        }
        // A snapshot marks names so that callers do not send.
        if draft.name.starts_with('~') {
            return Err(Problem::Shape("a name that begins with ~".to_owned()));
        }
        for price in &draft.prices {
            price.sheet.check()?;
            let same = draft.prices.iter().filter(|other| other.tier == price.tier).count();
            if price.tier != STANDARD && same > MAX_OVERLAYS {
                return Err(too_many());
            }
        }
        let id = EntryId::try_from(self.catalog.entries.len()).map_err(|_| too_many())?;
        let name = self.text(draft.name).ok_or_else(too_many)?;
        let periods = Run {
            first: u32::try_from(self.catalog.periods.len()).map_err(|_| too_many())?,
            len: u16::try_from(draft.prices.len()).map_err(|_| too_many())?,
        };
        for price in &draft.prices {
            let card = self.card(&price.sheet).ok_or_else(too_many)?;
            self.catalog.periods.push(Period { window: price.window, tier: price.tier, card });
        }
        let uplifts = Run {
            first: u32::try_from(self.catalog.uplifts.len()).map_err(|_| too_many())?,
            len: u16::try_from(draft.uplifts.len()).map_err(|_| too_many())?,
        };
        self.catalog.uplifts.extend(draft.uplifts);
        self.catalog.entries.push(Entry {
            name,
            provider: draft.provider,
            source: draft.source,
            periods,
            uplifts,
            least_seconds: draft.least_seconds,
            searches_once: draft.searches_once,
            sole_band: 0,
            label: OnceLock::new(),
        });
        if draft.callable {
            self.add_name(draft.provider, draft.name, (draft.source, id), Some(name));
        }
        for other in &draft.names {
            self.add_name(draft.provider, other, (draft.source, id), None);
        }
        if let Some(pattern) = draft.pattern
            && let Some(provider) = self.catalog.providers.get_mut(usize::from(draft.provider))
        {
            provider.add_pattern(draft.source, id, pattern);
        }
        Ok(id)
    }

    /// Whether a source has an entry of that name already.
    pub(super) fn has_name(&self, provider: ProviderId, name: &str, source: Source) -> bool {
        self.catalog.exact(provider, &lowercase(name), source).is_some()
    }

    /// Adds a name by which an entry is found; an entry of the same source that has it already keeps it.
    pub(super) fn add_name(
        &mut self,
        provider: ProviderId,
        name: &str,
        entry: (Source, EntryId),
        spelt: Option<Run>,
    ) -> bool {
        let lower = lowercase(name);
        let run = match spelt {
            Some(run) if matches!(lower, Cow::Borrowed(_)) => run,
            _ => match self.text(&lower) {
                Some(run) => run,
                None => return false,
            },
        };
        let Catalog { index, text, providers, .. } = &mut self.catalog;
        let id_of =
            |provider: ProviderId| providers.get(usize::from(provider)).map_or("", |provider| &*provider.id);
        let hash = index.hash(id_of(provider), "", &lower);
        index.insert(
            hash,
            (provider, run),
            entry,
            |key| key.provider == provider && key.name.of_text(text) == lower,
            |index, key| index.hash(id_of(key.provider), "", key.name.of_text(text)),
        )
    }

    /// Makes room for that many names and that much text, of an empty builder.
    pub(super) fn reserve(&mut self, names: usize, text: usize) {
        // A snapshot says how many names it has, and cannot have more than it has bytes.
        let names = names.min(text);
        self.catalog.index.reserve(names);
        self.catalog.entries.reserve(names.min(text / 16));
        self.catalog.text.reserve(text / 2);
    }

    /// Keeps a text.
    pub(super) fn text(&mut self, text: &str) -> Option<Run> {
        let run =
            Run { first: u32::try_from(self.catalog.text.len()).ok()?, len: u16::try_from(text.len()).ok()? };
        self.catalog.text.push_str(text);
        Some(run)
    }

    /// The card with these rates, which is added where it is new.
    fn card(&mut self, sheet: &Sheet) -> Option<CardId> {
        let key: CardKey = sheet.thresholds().into_iter().map(|at| (at, sheet.over(at).collect())).collect();
        if let Some(known) = self.cards.get(&key) {
            return Some(*known);
        }
        let card =
            Run { first: u32::try_from(self.catalog.bands.len()).ok()?, len: u16::try_from(key.len()).ok()? };
        for (above, rates) in &key {
            let mut band = Band::new(*above, u32::try_from(self.catalog.rates.len()).ok()?);
            for (unit, rate) in rates {
                band.add(*unit)?;
                self.catalog.rates.push(*rate);
            }
            self.catalog.bands.push(band);
        }
        let new = CardId::try_from(self.catalog.cards.len()).ok()?;
        self.catalog.cards.push(card);
        self.cards.insert(key, new);
        Some(new)
    }
}
