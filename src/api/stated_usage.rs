//! The usage that an answer states. The last statement counts.

use super::dialects::{CumulativeUsage, convention_of};
use super::members::{Member, ToolMember};
use super::rare_figures::RareFigures;
use super::reading::{Speaker, UsageReading, is_object};
use super::usage_object::UsageObject;
use crate::record::{Api, Text};

/// The usage of an answer, gathered as it passes.
#[derive(Debug, Default)]
pub(super) struct StatedUsage {
    /// Whether a usage object was over the limit.
    pub(super) too_large: bool,
    /// Whether the usage is not a JSON object, or a figure in it cannot be read. The latter is known at the end.
    pub(super) malformed: bool,
    /// How many members with figures there were.
    members: u32,
    /// How many there were before the current event.
    before_event: Option<u32>,
    object: UsageObject,
    /// Boxed, as few answers have any.
    rare: Option<Box<RareFigures>>,
    /// The usage of Anthropic's streams.
    cumulative: Option<Box<CumulativeUsage>>,
}

/// The usage that an answer stated last.
#[derive(Debug)]
pub(super) struct LastUsage {
    pub(super) reading: UsageReading,
    /// Whether these are only the first figures of a stream.
    pub(super) only_start: bool,
}

impl From<UsageReading> for LastUsage {
    fn from(reading: UsageReading) -> Self {
        Self { reading, only_start: false }
    }
}

impl StatedUsage {
    /// Reads a member with figures. Returns the API that has such figures. `counts` says whether a usage is the answer's own, and
    /// not within another.
    pub(super) fn read(&mut self, member: Member, raw: &[u8], counts: bool) -> Option<Api> {
        self.members = self.members.wrapping_add(1);
        match member {
            // Such a place may hold something that is not a usage.
            Member::UsageIfKnown if self.cumulative.is_none() && convention_of(raw).is_none() => None,
            Member::Usage | Member::UsageIfKnown if counts => self.read_usage(raw),
            Member::Usage | Member::UsageIfKnown => None,
            Member::UsageAtStart => {
                self.start(raw);
                None
            }
            _ => {
                self.rare.get_or_insert_default().read(member, raw);
                None
            }
        }
    }

    fn read_usage(&mut self, raw: &[u8]) -> Option<Api> {
        if let Some(cumulative) = &mut self.cumulative {
            cumulative.overlay(raw);
            return None;
        }
        let convention = self.object.replace(raw);
        self.malformed = convention.is_none() && !is_object(raw);
        // Flaws of earlier objects do not matter any more.
        self.too_large &= convention.is_none();
        convention?.api
    }

    /// Reads the first figures of a stream.
    fn start(&mut self, raw: &[u8]) {
        self.cumulative = Some(Box::new(CumulativeUsage::start(raw)));
    }

    /// Takes notice of a member that is over its limit.
    pub(super) fn read_too_long(&mut self, member: Member, first: u8) {
        match member {
            Member::Usage => self.too_large |= first == b'{',
            Member::UsageAtStart => {
                self.too_large |= first == b'{';
                self.start(b"{}");
            }
            Member::UsageInfo => self.too_large = true,
            Member::Image if first == b'"' => self.rare.get_or_insert_default().counters.add_image(),
            Member::Tool(member) => self.rare.get_or_insert_default().tools.read_too_long(member),
            _ => {}
        }
    }

    /// Reads a member that a tool of the provider's left.
    pub(super) fn read_tools(&mut self, member: ToolMember, raw: &[u8]) {
        self.rare.get_or_insert_default().tools.read(member, raw);
    }

    /// Drops what the provider's tools left in the current event.
    pub(super) fn drop_tools_of_event(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.tools.drop_event();
        }
    }

    /// Returns how many members with figures there were.
    pub(super) fn members(&self) -> u32 {
        self.members
    }

    /// Returns how many there were before the current event, or by now where there are no events.
    pub(super) fn before_event(&self) -> u32 {
        self.before_event.unwrap_or(self.members)
    }

    /// Ends the document or event. `begins_item` says that its item comes again when it is done.
    #[inline]
    pub(super) fn end_event(&mut self, begins_item: bool) {
        self.before_event = Some(self.members);
        if let Some(rare) = &mut self.rare {
            rare.tools.end_event(begins_item);
        }
    }

    /// Drops all figures.
    pub(super) fn forget(&mut self) {
        self.object = UsageObject::default();
        self.rare = None;
        self.cumulative = None;
    }

    /// Whether tokens that came out are counted alone.
    pub(super) fn counts_output(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.counters.has_output())
    }

    /// Returns the usage of an answer of `model`, as `speaker` stated it last. `image_model` is the model behind an image tool
    /// that the request names.
    pub(super) fn last(
        &mut self,
        speaker: Speaker,
        model: Option<&Text>,
        image_model: Option<&Text>,
    ) -> Option<LastUsage> {
        let rare = self.rare.take().map_or_else(RareFigures::default, |rare| *rare);
        let mut last = match self.cumulative.take() {
            Some(cumulative) => {
                let only_start = cumulative.only_start();
                // Bedrock's counters stand for those that a stream was too short to bring.
                let metrics = rare.metrics.reading(speaker).filter(|_| only_start).map(LastUsage::from);
                metrics.unwrap_or_else(|| LastUsage { reading: cumulative.reading(), only_start })
            }
            // The best of the objects, or the counters that stand alone.
            None => {
                let reading = self.object.reading(speaker).or_else(|| rare.reading(speaker));
                reading.unwrap_or_default().into()
            }
        };
        self.malformed |= std::mem::take(&mut last.reading.unreadable);
        rare.counters.complete(&mut last.reading);
        if last.reading == UsageReading::default() {
            self.malformed |= self.object.is_malformed(speaker) || rare.is_malformed(speaker);
            return None;
        }
        rare.tools.complete(&mut last.reading, model, image_model);
        Some(last)
    }
}
