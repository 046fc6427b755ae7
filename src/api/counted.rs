//! What is counted one by one, outside of usage objects.

use super::fields::Member;
use super::lenient::{self, Count, Ignored, lenient};
use super::usage::{Reading, plus};
use crate::record::Usage;

lenient! {
    /// `usage_info` of Mistral's OCR.
    struct UsageInfo: billed {
        pages: Count = "pages_processed",
        // Billed beside the page (https://mistral.ai/pricing#api-pricing).
        annotated: Count = "pages_processed_annotation",
        _size: Ignored = "doc_size_bytes",
    }
}

/// Counters that stand alone, and things that are counted where they stand.
#[derive(Debug, Default)]
pub(super) struct Counted {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    characters: Option<u64>,
    pages: Option<u64>,
    annotated_pages: Option<u64>,
    /// Something was counted that is not known.
    unread: bool,
    images: Option<u64>,
}

impl Counted {
    /// Takes note of a counter.
    pub(super) fn note(&mut self, member: Member, raw: &[u8]) {
        if member == Member::UsageInfo {
            return self.note_pages(raw);
        }
        let Some((Count(Some(count)), _)) = lenient::read(raw) else { return };
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

    fn note_pages(&mut self, raw: &[u8]) {
        let Some((UsageInfo { pages, annotated, .. }, flaws)) = lenient::read(raw) else {
            self.unread = true;
            return;
        };
        (self.pages, self.annotated_pages) = (pages.0, annotated.0);
        self.unread = flaws.unreadable || flaws.unknown_fee;
    }

    /// An image was made.
    pub(super) fn add_image(&mut self) {
        self.images = plus(self.images, Some(1));
    }

    /// Whether tokens that came out were counted.
    pub(super) fn has_output(&self) -> bool {
        self.output_tokens.is_some()
    }

    /// Tokens that no object holds.
    pub(super) fn tokens(&self) -> Option<Reading> {
        let Self { input_tokens, output_tokens, .. } = *self;
        let any = input_tokens.is_some() || output_tokens.is_some();
        any.then(|| Usage { input_tokens, output_tokens, ..Usage::default() }.into())
    }

    /// Adds what is counted beside tokens.
    pub(super) fn complete(&self, reading: &mut Reading) {
        let usage = &mut reading.usage;
        usage.characters = usage.characters.or(self.characters);
        usage.pages = usage.pages.or(self.pages);
        usage.annotated_pages = usage.annotated_pages.or(self.annotated_pages);
        reading.unread |= self.unread;
        // Images are billed one by one only where they are not billed by tokens.
        if usage.output_tokens.is_none() {
            usage.images = usage.images.or(self.images);
        }
    }
}

fn last(_: u64, count: u64) -> u64 {
    count
}
