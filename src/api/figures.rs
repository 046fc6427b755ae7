//! The figures of an answer: which of those that it states is the last.

use super::carrier::{Carrier, Replaced};
use super::dialects;
use super::elsewhere::Elsewhere;
use super::fields::Member;
use super::usage::{Convention, Reading, Speaker};
use crate::record::{Api, Text};

/// The figures of an answer, as they pass.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// A usage object was over the limit.
    pub(super) too_large: bool,
    /// The usage is no JSON object, or a figure in it cannot be read; the latter is known when it is read.
    pub(super) malformed: bool,
    /// How many members with figures have been noted.
    noted: u32,
    /// How many before the current event.
    before: Option<u32>,
    usage: Carrier,
    /// Boxed, as few answers have any.
    elsewhere: Option<Box<Elsewhere>>,
    cumulative: Option<Box<Cumulative>>,
}

/// Anthropic's stream.
#[derive(Debug)]
struct Cumulative {
    counters: dialects::Cumulative,
    /// Only the first figures have been seen.
    only_start: bool,
}

/// The last usage that an answer stated.
#[derive(Debug)]
pub(super) struct Last {
    pub(super) reading: Reading,
    /// They are but the first figures of a stream.
    pub(super) only_start: bool,
}

impl Figures {
    /// Takes note of a member; the API that it tells of. `counts`: whether a usage is the answer's own, and not within
    /// another.
    pub(super) fn note(&mut self, member: Member, raw: &[u8], counts: bool) -> Option<Api> {
        self.noted = self.noted.wrapping_add(1);
        match member {
            // A place that holds other things too says nothing by holding one.
            Member::UsageIfKnown if self.cumulative.is_none() && Convention::of(raw).is_none() => {}
            Member::Usage | Member::UsageIfKnown if counts => return self.note_usage(raw),
            Member::Usage | Member::UsageIfKnown => {}
            Member::UsageAtStart => self.start(raw),
            _ => self.elsewhere.get_or_insert_default().note(member, raw),
        }
        None
    }

    /// Takes note of a member that is over its limit.
    pub(super) fn note_too_long(&mut self, member: Member, first: u8) {
        match member {
            Member::Usage => self.too_large |= first == b'{',
            Member::UsageAtStart => {
                self.too_large |= first == b'{';
                self.start(b"{}");
            }
            Member::Image if first == b'"' => self.elsewhere.get_or_insert_default().counted.add_image(),
            Member::MapChunk
            | Member::WebChunk
            | Member::HostedResult
            | Member::Queries
            | Member::OtherQueries
            | Member::ToolUsage => {
                self.elsewhere.get_or_insert_default().hosted.note_too_long(member);
            }
            Member::UsageInfo => self.too_large = true,
            _ => {}
        }
    }

    /// Takes note of what a tool of the provider's left.
    pub(super) fn note_hosted(&mut self, member: Member, raw: &[u8]) {
        self.elsewhere.get_or_insert_default().hosted.note(member, raw);
    }

    /// What the provider's tools left in the current event does not count.
    pub(super) fn drop_hosted_of_event(&mut self) {
        if let Some(elsewhere) = &mut self.elsewhere {
            elsewhere.hosted.drop_event();
        }
    }

    fn note_usage(&mut self, raw: &[u8]) -> Option<Api> {
        if let Some(cumulative) = &mut self.cumulative {
            // Deltas are laid over what the stream began with.
            if cumulative.counters.overlay(raw) {
                cumulative.only_start = false;
            }
            return None;
        }
        match self.usage.replace(raw) {
            Replaced::Not { malformed } => {
                self.malformed = malformed;
                None
            }
            Replaced::By(convention) => {
                // What was wrong with those before is of no consequence.
                (self.malformed, self.too_large) = (false, false);
                convention.api
            }
        }
    }

    /// The first figures of a stream.
    fn start(&mut self, raw: &[u8]) {
        let counters = dialects::Cumulative::start(raw);
        self.cumulative = Some(Box::new(Cumulative { counters, only_start: true }));
    }

    /// How many members with figures have been noted.
    pub(super) fn noted(&self) -> u32 {
        self.noted
    }

    /// How many were noted before the current event, or by now where there are no events.
    pub(super) fn before(&self) -> u32 {
        self.before.unwrap_or(self.noted)
    }

    /// The document or event is over. `item_has_begun`: its item comes again when it is done.
    #[inline]
    pub(super) fn end_event(&mut self, item_has_begun: bool) {
        self.before = Some(self.noted);
        if let Some(elsewhere) = &mut self.elsewhere {
            elsewhere.hosted.end_event(item_has_begun);
        }
    }

    /// Drops all figures.
    pub(super) fn forget(&mut self) {
        self.usage = Carrier::default();
        self.elsewhere = None;
        self.cumulative = None;
    }

    /// Whether tokens that came out stand alone.
    pub(super) fn count_output(&self) -> bool {
        self.elsewhere.as_ref().is_some_and(|elsewhere| elsewhere.counted.has_output())
    }

    /// The usage of an answer of `model`, as `speaker` stated it last. `image_model`: the model behind an image tool that the
    /// request names.
    pub(super) fn last(
        &mut self,
        speaker: Speaker,
        model: Option<&Text>,
        image_model: Option<&Text>,
    ) -> Option<Last> {
        let final_figures = |reading| Last { reading, only_start: false };
        let elsewhere = self.elsewhere.take().map_or_else(Elsewhere::default, |elsewhere| *elsewhere);
        let mut last = match self.cumulative.take() {
            Some(cumulative) => {
                let Cumulative { counters, only_start } = *cumulative;
                // Bedrock's counters stand for those that a stream was too short to bring.
                match elsewhere.metrics.read(speaker).filter(|_| only_start) {
                    Some(metrics) => final_figures(metrics),
                    None => Last { reading: counters.reading(), only_start },
                }
            }
            // The best of the objects, or the counters that stand alone.
            None => {
                let reading = self.usage.read(speaker).or_else(|| elsewhere.read(speaker));
                final_figures(reading.unwrap_or_default())
            }
        };
        self.malformed |= std::mem::take(&mut last.reading.unreadable);
        elsewhere.counted.complete(&mut last.reading);
        if last.reading == Reading::default() {
            self.malformed |= self.usage.is_malformed(speaker) || elsewhere.is_malformed(speaker);
            return None;
        }
        elsewhere.hosted.complete(&mut last.reading, model, image_model);
        Some(last)
    }
}
