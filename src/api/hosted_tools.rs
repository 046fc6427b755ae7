//! Tools that a provider runs itself while it answers, and bills beside the tokens.
//!
//! Some are counted in the answer's usage or beside it. Others leave an item for each call
//! ([OpenAI's tools](https://platform.openai.com/docs/pricing#built-in-tools)) or a list of queries
//! ([grounding with Google Search](https://ai.google.dev/gemini-api/docs/google-search#pricing)). One that was used and
//! not counted leaves the answer without a price.

use super::details::{InputDetails, OutputDetails};
use super::lenient::{self, Natural, lenient};
use super::members::{ItemOf, ToolMember};
use super::reading::{UsageReading, sum};
use super::tool_items::ToolItems;
use crate::json::{Kind, Reader, Scanned};
use crate::record::{Pass, Text, Usage};
use crate::wire::json::string;
use std::hash::{DefaultHasher, Hash, Hasher};

lenient! {
    /// `tool_usage` of OpenAI's responses.
    struct ToolUsage: billed {
        image_gen: ImageGeneration = "image_gen",
        web_search: WebSearch = "web_search",
    }

    /// The tokens of the model behind the image tool.
    struct ImageGeneration {
        input_tokens: Natural = "input_tokens",
        output_tokens: Natural = "output_tokens",
        total_tokens: Natural = "total_tokens",
        input_details: InputDetails = "input_tokens_details",
        output_details: OutputDetails = "output_tokens_details",
    }

    struct WebSearch: billed {
        num_requests: Natural = "num_requests",
    }
}

/// What an answer shows of its provider's tools.
#[derive(Debug, Default)]
pub(super) struct HostedTools {
    /// The items of the answer. A stream lists them once more at its end.
    listed: ToolItems,
    /// Those that events brought one by one.
    streamed: ToolItems,
    current: Current,
    queries: Queries,
    /// The answer rests on places of a map.
    maps: bool,
    /// And on pages of the web.
    web_chunks: bool,
    /// The model behind the image tool.
    image_model: Option<Text>,
    /// What the answer counts beside its usage.
    usage: Option<ToolUsage>,
    /// There is something that cannot be counted.
    unread: bool,
}

/// What the current event or document shows, which counts when it is over.
#[derive(Debug, Default)]
struct Current {
    listed: ToolItems,
    alone: ToolItems,
    image_model: Option<Text>,
}

/// The different queries of an answer, by their hashes.
#[derive(Debug, Default)]
struct Queries(Vec<u64>);

impl Queries {
    /// More than any answer has.
    const MAX: usize = 256;

    /// Reads a JSON list of queries. Returns whether it could be read.
    fn read(&mut self, json: &[u8]) -> bool {
        let text = lenient::text(json);
        let mut reader = Reader::new(&text);
        let read: Scanned<()> = reader.array(|reader| {
            if reader.kind() != Some(Kind::String) {
                return reader.skip().map(drop);
            }
            let query = reader.string()?;
            let mut hasher = DefaultHasher::new();
            query.trim().hash(&mut hasher);
            let hash = hasher.finish();
            if !query.trim().is_empty() && !self.0.contains(&hash) && self.0.len() <= Self::MAX {
                self.0.push(hash);
            }
            Ok(())
        });
        read.is_ok() && self.0.len() <= Self::MAX
    }

    fn count(&self) -> Option<u64> {
        (!self.0.is_empty()).then_some(self.0.len() as u64)
    }
}

impl HostedTools {
    /// Reads a member.
    pub(super) fn read(&mut self, member: ToolMember, raw: &[u8]) {
        match member {
            ToolMember::Item(of, member) => {
                let Current { listed, alone, .. } = &mut self.current;
                let items = if of == ItemOf::Answer { listed } else { alone };
                if let Some(value) = string(raw) {
                    items.count(member, &value);
                }
            }
            ToolMember::Queries => self.unread |= !self.queries.read(raw),
            ToolMember::OtherQueries => self.unread |= raw != b"[]",
            ToolMember::MapChunk => self.maps = true,
            ToolMember::WebChunk => self.web_chunks = true,
            ToolMember::Model => {
                self.current.image_model = string(raw).and_then(|model| Text::new(&model).ok());
            }
            ToolMember::Usage => match lenient::read::<ToolUsage>(raw) {
                Some((usage, flaws)) => {
                    let ImageGeneration { input_tokens, output_tokens, total_tokens, .. } = usage.image_gen;
                    let known = sum([input_tokens.0, output_tokens.0]);
                    self.unread = flaws.unreadable || flaws.leave_unread(known, total_tokens.0);
                    self.usage = Some(usage);
                }
                None => self.unread = true,
            },
            // Within the limit is only what is empty.
            ToolMember::Result => {}
        }
    }

    /// Takes notice of a member that is over its limit.
    pub(super) fn read_too_long(&mut self, member: ToolMember) {
        match member {
            ToolMember::MapChunk => self.maps = true,
            ToolMember::WebChunk => self.web_chunks = true,
            ToolMember::Result | ToolMember::Queries | ToolMember::OtherQueries | ToolMember::Usage => {
                self.unread = true;
            }
            ToolMember::Item(..) | ToolMember::Model => {}
        }
    }

    /// Ends the document or event. `begun` says that its item has only begun, and comes again.
    pub(super) fn end_event(&mut self, begun: bool) {
        let Current { listed, alone, image_model } = std::mem::take(&mut self.current);
        if listed != ToolItems::default() {
            self.listed = listed;
        }
        if !begun {
            self.streamed = self.streamed.plus(alone);
        }
        self.image_model = image_model.or(self.image_model.take());
    }

    /// Drops what the current event shows.
    pub(super) fn drop_event(&mut self) {
        self.current = Current::default();
    }

    /// Adds what the tools are billed for to the figures of the answer of `model`. `image_model` is the one that the request
    /// names.
    pub(super) fn complete(
        mut self,
        reading: &mut UsageReading,
        model: Option<&Text>,
        image_model: Option<&Text>,
    ) {
        self.end_event(false);
        if reading.usage.is_empty() {
            return;
        }
        let Self { listed, streamed, queries, maps, web_chunks, usage, .. } = self;
        // An answer that rests on a map alone lists the queries to it as searches.
        let queries = queries.count().filter(|_| web_chunks || !maps);
        let items = listed.or_more(streamed);
        let counts_images = usage.as_ref().is_some_and(|usage| usage.image_gen.output_tokens.0.is_some());
        let counted = usage.as_ref().and_then(|usage| usage.web_search.num_requests.0);
        let figures = &mut reading.usage;
        let stated = figures.web_searches;
        figures.web_searches = stated.or(counted).or(items.searches()).or(queries);
        figures.file_searches = figures.file_searches.or(Some(items.file_searches).filter(|n| *n > 0));
        figures.map_queries = figures.map_queries.or(maps.then_some(1));
        // With models that do not reason, the older tool has another price than the data have
        // (https://platform.openai.com/docs/pricing#built-in-tools).
        let old_search = items.previews > 0
            && items.web_searches > 0
            && model.is_some_and(|model| model.starts_with("gpt-4"));
        let image_model = self.image_model.or_else(|| image_model.cloned());
        let pass = usage.and_then(|usage| usage.image_gen.pass(image_model));
        let without_model = pass.as_ref().is_some_and(|pass| pass.model.is_none());
        if figures.passes.len() < Usage::MAX_PASSES {
            figures.passes.extend(pass);
        }
        reading.unread |= self.unread
            || without_model
            || old_search
            || items.others > 0
            || (items.executions > 0 && stated.is_none())
            || (items.images > 0 && !counts_images)
            || (items.search_results > 0 && stated.is_none())
            // Code is free of charge where it serves a search
            // (https://platform.claude.com/docs/en/agents-and-tools/tool-use/code-execution-tool#usage-and-pricing).
            || (items.code > 0 && items.search_results == 0);
    }
}

impl ImageGeneration {
    /// Returns the tokens of the model, if there were any.
    fn pass(&self, model: Option<Text>) -> Option<Pass> {
        let used = sum([self.input_tokens.0, self.output_tokens.0]) > 0;
        used.then(|| Pass {
            model,
            input_tokens: self.input_tokens.0,
            cache_read_tokens: self.input_details.cache_read(),
            input_image_tokens: self.input_details.image_tokens.0,
            output_tokens: self.output_tokens.0,
            output_image_tokens: self.output_details.image_tokens.0,
            ..Pass::default()
        })
    }
}
