//! What is counted one by one, outside of usage objects.

use super::fields::Member;
use super::lenient::{self, Count};
use super::usage::{Reading, plus};
use crate::record::Usage;

/// Counters that stand alone, and things that are counted where they stand.
#[derive(Debug, Default)]
pub(super) struct Counted {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    web_searches: Option<u64>,
    characters: Option<u64>,
    pages: Option<u64>,
    images: Option<u64>,
}

impl Counted {
    /// Takes note of a counter.
    pub(super) fn note(&mut self, member: Member, raw: &[u8]) {
        let Some((Count(Some(count)), _)) = lenient::read(raw) else { return };
        let (counter, combine): (_, fn(u64, u64) -> u64) = match member {
            Member::InputTokens => (&mut self.input_tokens, last),
            Member::OutputTokens => (&mut self.output_tokens, last),
            Member::InputTokensOfPart => (&mut self.input_tokens, u64::saturating_add),
            Member::OutputTokensOfPart => (&mut self.output_tokens, u64::saturating_add),
            Member::LargestInputTokens => (&mut self.input_tokens, u64::max),
            Member::LargestOutputTokens => (&mut self.output_tokens, u64::max),
            Member::WebSearches => (&mut self.web_searches, last),
            Member::Characters => (&mut self.characters, last),
            Member::Pages => (&mut self.pages, last),
            _ => return,
        };
        *counter = Some(counter.map_or(count, |known| combine(known, count)));
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
    pub(super) fn complete(&self, usage: &mut Usage) {
        // OpenAI counts searches beside a usage that is not there yet, too.
        if !usage.is_empty() {
            usage.web_searches = usage.web_searches.or(self.web_searches);
        }
        usage.characters = usage.characters.or(self.characters);
        usage.pages = usage.pages.or(self.pages);
        // Images are billed one by one only where they are not billed by tokens.
        if usage.output_tokens.is_none() {
            usage.images = usage.images.or(self.images);
        }
    }
}

fn last(_: u64, count: u64) -> u64 {
    count
}
