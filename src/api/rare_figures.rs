//! Figures that few answers have, beside a usage object or in its place.

use super::hosted_tools::HostedTools;
use super::lenient::{self, Ignored, Natural, lenient};
use super::members::Member;
use super::reading::{Speaker, UsageReading, plus};
use super::usage_object::UsageObject;
use crate::record::Usage;

lenient! {
    /// `usage_info` of Mistral's OCR.
    struct UsageInfo: billed {
        pages: Natural = "pages_processed",
        // Billed beside the page (https://mistral.ai/pricing#api-pricing).
        annotated: Natural = "pages_processed_annotation",
        _size: Ignored = "doc_size_bytes",
    }
}

/// Figures that few answers have.
#[derive(Debug, Default)]
pub(super) struct RareFigures {
    /// A usage object that counts where there is no other.
    usage: UsageObject,
    /// Bedrock's own counters beside those of the model.
    pub(super) metrics: UsageObject,
    pub(super) counters: LoneCounters,
    pub(super) tools: HostedTools,
}

impl RareFigures {
    /// Reads a member.
    pub(super) fn read(&mut self, member: Member, raw: &[u8]) {
        match member {
            Member::UsageElsewhere => drop(self.usage.replace(raw)),
            Member::InvocationMetrics => drop(self.metrics.replace(raw)),
            _ => self.counters.read(member, raw),
        }
    }

    /// Reads the figures that stand in for those of a usage object.
    pub(super) fn reading(&self, speaker: Speaker) -> Option<UsageReading> {
        let counted = self.counters.tokens();
        counted.or_else(|| self.metrics.reading(speaker)).or_else(|| self.usage.reading(speaker))
    }

    /// Whether there was something that cannot be read.
    pub(super) fn is_malformed(&self, speaker: Speaker) -> bool {
        self.metrics.is_malformed(speaker) || self.usage.is_malformed(speaker)
    }
}

/// Counters that stand outside of usage objects, and things that are counted one by one.
#[derive(Debug, Default)]
pub(super) struct LoneCounters {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    characters: Option<u64>,
    pages: Option<u64>,
    annotated_pages: Option<u64>,
    /// Whether something was counted that is not known.
    unread: bool,
    images: Option<u64>,
}

impl LoneCounters {
    /// Reads a counter.
    fn read(&mut self, member: Member, raw: &[u8]) {
        if member == Member::UsageInfo {
            return self.read_pages(raw);
        }
        let Some((Natural(Some(count)), _)) = lenient::read(raw) else { return };
        let (counter, combine): (_, fn(u64, u64) -> u64) = match member {
            Member::InputTokens => (&mut self.input_tokens, last),
            Member::OutputTokens => (&mut self.output_tokens, last),
            Member::InputTokensOfPart => (&mut self.input_tokens, u64::saturating_add),
            Member::OutputTokensOfPart => (&mut self.output_tokens, u64::saturating_add),
            Member::LargestInputTokens => (&mut self.input_tokens, u64::max),
            Member::LargestOutputTokens => (&mut self.output_tokens, u64::max),
            Member::Characters => (&mut self.characters, last),
            _ => return,
        };
        *counter = Some(counter.map_or(count, |known| combine(known, count)));
    }

    fn read_pages(&mut self, raw: &[u8]) {
        let Some((UsageInfo { pages, annotated, .. }, flaws)) = lenient::read(raw) else {
            self.unread = true;
            return;
        };
        (self.pages, self.annotated_pages) = (pages.0, annotated.0);
        self.unread = flaws.unreadable || flaws.unknown_fee;
    }

    /// Counts an image that was made.
    pub(super) fn add_image(&mut self) {
        self.images = plus(self.images, Some(1));
    }

    /// Whether tokens that came out were counted.
    pub(super) fn has_output(&self) -> bool {
        self.output_tokens.is_some()
    }

    /// Returns the tokens that no object holds.
    pub(super) fn tokens(&self) -> Option<UsageReading> {
        let Self { input_tokens, output_tokens, .. } = *self;
        let any = input_tokens.is_some() || output_tokens.is_some();
        any.then(|| Usage { input_tokens, output_tokens, ..Usage::default() }.into())
    }

    /// Adds what is counted beside tokens.
    pub(super) fn complete(&self, reading: &mut UsageReading) {
        let usage = &mut reading.usage;
        usage.characters = usage.characters.or(self.characters);
        usage.pages = usage.pages.or(self.pages);
        usage.annotated_pages = usage.annotated_pages.or(self.annotated_pages);
        reading.unread |= self.unread;
        // Images are billed by their number only where they are not billed by tokens.
        if usage.output_tokens.is_none() {
            usage.images = usage.images.or(self.images);
        }
    }
}

fn last(_: u64, count: u64) -> u64 {
    count
}
