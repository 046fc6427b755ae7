//! Anthropic's Messages, wherever they are served.
//!
//! `input_tokens` is what neither came from the cache nor went into it; `output_tokens` includes thinking
//! ([prompt caching](https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance)).
//! In a stream, `message_start` has first figures and each `message_delta` cumulative ones
//! ([streaming](https://docs.anthropic.com/en/docs/build-with-claude/streaming#event-types)).

use super::chat::{Charge, CostDetails, charged};
use super::dialect::{Dialect, EventName, Home, Spoken, TextPlaces};
use crate::api::details::{CacheCreation, InputDetails};
use crate::api::flaws::Flaws;
use crate::api::lenient::{self, Flag, Ignored, List, Natural, ShortText, lenient};
use crate::api::members::{ItemMember, ItemOf, Member, NAME, USAGE};
use crate::api::reading::{Convention, Sure, UsageReading, is_object, sum};
use crate::api::route::ApiRoute;
use crate::record::{Api, Operation, Pass, Provider, Text, Usage};
use crate::wire::select::InPieces::{All, Strings};
use http::Method;

/// The types of passes that the counters at the top cover.
const MESSAGE: ShortText = ShortText::Text(Text::from_static("message"));
const FALLBACK: ShortText = ShortText::Text(Text::from_static("fallback_message"));

pub(super) const DIALECT: Dialect = Dialect {
    apis: &[Spoken::text(Api::Messages, Operation::Chat)],
    route,
    at_home: Some(at_home),
    members: &[
        ("message.model", Member::Model, NAME),
        ("message.id", Member::Id, NAME),
        ("message.usage", Member::UsageAtStart, USAGE),
        ("content[].type", Member::item(ItemOf::Answer, ItemMember::Type), NAME),
        ("content_block.type", Member::item(ItemOf::Event, ItemMember::Type), NAME),
        // The results of a batch.
        ("result.type", Member::BatchResult, NAME),
    ],
    content: &["delta.text", "completion"],
    texts: TextPlaces {
        request: &[
            ("messages[].content[].input", All),
            ("messages[].content[].content", Strings),
            ("messages[].content[].content[].text", Strings),
            ("system", Strings),
            ("system[].text", Strings),
        ],
        stream: &[("delta.text", Strings), ("delta.thinking", Strings), ("delta.partial_json", Strings)],
        document: &[("content[].text", Strings), ("content[].thinking", Strings), ("content[].input", All)],
        both: &[("completion", Strings)],
    },
    events: &[
        ("message", EventName { is_message: true, ..EventName::NONE }),
        ("message_start", EventName { is_message: true, ..EventName::NONE }),
        ("content_block_delta", EventName::CONTENT),
        ("message_stop", EventName::LAST),
    ],
    usage: &[Convention {
        keys: &[
            ("cache_read_input_tokens", Sure::Strongly),
            ("cache_creation_input_tokens", Sure::Strongly),
            ("cache_creation", Sure::Strongly),
            ("iterations", Sure::Strongly),
        ],
        api: None,
        read: |json, _| read(json),
    }],
    ..Dialect::NONE
};

fn route(_: &Method, segments: &[&str]) -> Option<ApiRoute> {
    Some(match segments {
        ["count_tokens", "messages", ..] => ApiRoute::COUNT,
        ["messages", ..] => ApiRoute::new(Api::Messages, Operation::Chat),
        // The legacy API.
        ["complete", ..] => ApiRoute { operation: Operation::TextCompletion, ..ApiRoute::UNKNOWN },
        _ => return None,
    })
}

fn at_home(home: &Home<'_>, route: &mut ApiRoute) {
    if home.host == Some(&Provider::ANTHROPIC) && home.path == "/v1/complete" {
        route.api = Some(Api::Completions);
    }
}

lenient! {
    /// The object `usage`.
    struct Counters {
        input_tokens: Natural = "input_tokens",
        cache_read: Natural = "cache_read_input_tokens",
        cache_creation: Natural = "cache_creation_input_tokens",
        split: CacheCreation = "cache_creation",
        // DashScope's.
        prompt_details: InputDetails = "prompt_tokens_details",
        output_tokens: Natural = "output_tokens",
        total_tokens: Natural = "total_tokens",
        details: ThinkingDetails = "output_tokens_details",
        server_tool_use: ServerToolUse = "server_tool_use",
        service_tier: ShortText = "service_tier",
        // Of the tiers, the one that is chosen by `speed` in the request.
        speed: ShortText = "speed",
        inference_geo: ShortText = "inference_geo",
        iterations: List<Iteration> = "iterations",
        // OpenRouter's.
        cost: Charge = "cost",
        is_byok: Flag = "is_byok",
        cost_details: CostDetails = "cost_details",
        // Taken out of the context, not billed.
        _cache_deleted: Ignored = "cache_deleted_input_tokens",
    }

    struct ThinkingDetails {
        thinking_tokens: Natural = "thinking_tokens",
    }

    struct ServerToolUse: billed {
        web_search_requests: Natural = "web_search_requests",
        // What is fetched is billed as input alone
        // (https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-fetch-tool#usage-and-pricing).
        _web_fetch_requests: Ignored = "web_fetch_requests",
        _tool_search_requests: Ignored = "tool_search_requests",
    }

    /// One pass over a model. The counters at the top cover the passes of type `message`, or, where there is one,
    /// that of type `fallback_message`: the model that served what another had declined.
    struct Iteration {
        kind: ShortText = "type",
        model: ShortText = "model",
        input_tokens: Natural = "input_tokens",
        cache_read: Natural = "cache_read_input_tokens",
        cache_creation: Natural = "cache_creation_input_tokens",
        split: CacheCreation = "cache_creation",
        output_tokens: Natural = "output_tokens",
    }
}

/// Reads a whole usage object.
pub(super) fn read(json: &[u8]) -> Option<UsageReading> {
    let (counters, flaws): (Counters, _) = lenient::read(json)?;
    Some(counters.reading(flaws, false))
}

/// Reads the figures in one event of a stream, and what keeps them from being complete.
fn read_event(json: &[u8]) -> (Counters, Flaws) {
    let (counters, mut flaws) = lenient::read(json).unwrap_or_default();
    flaws.unreadable |= !is_object(json);
    (counters, flaws)
}

/// The usage of a stream, gathered from all its events.
#[derive(Clone, Debug)]
pub(in crate::api) struct CumulativeUsage {
    counters: Counters,
    flaws: Flaws,
    /// Whether the first event did not mention the cache, and none has stated the input anew.
    began_without_cache: bool,
    /// Whether a later event then mentioned it.
    cache_came_later: bool,
    /// Whether only the first event has stated figures.
    only_start: bool,
}

impl CumulativeUsage {
    /// Reads the figures of `message_start`. There are none where it is not JSON.
    pub(in crate::api) fn start(json: &[u8]) -> Self {
        let (counters, flaws) = read_event(json);
        let began_without_cache = counters.cache_read().is_none() && counters.cache_write().is_none();
        Self { counters, flaws, began_without_cache, cache_came_later: false, only_start: true }
    }

    /// Lays the figures of a `message_delta` over those known.
    pub(in crate::api) fn overlay(&mut self, json: &[u8]) {
        let (delta, flaws) = read_event(json);
        self.flaws |= flaws;
        self.only_start &= delta.output_tokens.0.is_none() && delta.input_tokens.0.is_none();
        let tells_of_cache = delta.cache_read().is_some() || delta.cache_write().is_some();
        self.began_without_cache &= delta.input_tokens.0.is_none();
        self.cache_came_later = self.began_without_cache && (self.cache_came_later || tells_of_cache);
        let counters = &mut self.counters;
        for (known, new) in [
            (&mut counters.input_tokens, delta.input_tokens),
            (&mut counters.cache_read, delta.cache_read),
            (&mut counters.cache_creation, delta.cache_creation),
            (&mut counters.split.ephemeral_5m, delta.split.ephemeral_5m),
            (&mut counters.split.ephemeral_1h, delta.split.ephemeral_1h),
            (&mut counters.output_tokens, delta.output_tokens),
            (&mut counters.total_tokens, delta.total_tokens),
            (&mut counters.details.thinking_tokens, delta.details.thinking_tokens),
            (&mut counters.server_tool_use.web_search_requests, delta.server_tool_use.web_search_requests),
        ] {
            if new.0.is_some() {
                *known = new;
            }
        }
        for (known, new) in [
            (&mut counters.service_tier, delta.service_tier),
            (&mut counters.speed, delta.speed),
            (&mut counters.inference_geo, delta.inference_geo),
        ] {
            if new != ShortText::Absent {
                *known = new;
            }
        }
        if delta.prompt_details.cache_read().is_some() || delta.prompt_details.cache_write().is_some() {
            counters.prompt_details = delta.prompt_details;
        }
        if !delta.iterations.0.is_empty() {
            counters.iterations = delta.iterations;
        }
        if delta.cost.0.is_some() {
            (counters.cost, counters.is_byok) = (delta.cost, delta.is_byok);
            counters.cost_details = delta.cost_details;
        }
    }

    /// Whether they are but the first figures of a stream.
    pub(in crate::api) fn only_start(&self) -> bool {
        self.only_start
    }

    /// Returns what the events said together.
    pub(in crate::api) fn reading(self) -> UsageReading {
        self.counters.reading(self.flaws, self.cache_came_later)
    }
}

impl Counters {
    fn cache_read(&self) -> Option<u64> {
        self.cache_read.0.or(self.prompt_details.cache_read())
    }

    fn cache_write(&self) -> Option<u64> {
        written(self.cache_creation, self.split).or(self.prompt_details.cache_write())
    }

    /// Brings the counters to our form. `input_is_whole` says whether the input includes what was cached.
    fn reading(self, flaws: Flaws, input_is_whole: bool) -> UsageReading {
        let (cache_read, cache_write) = (self.cache_read(), self.cache_write());
        let split = self.split.or(self.prompt_details.split());
        let input_tokens = if input_is_whole {
            // DashScope begins a stream with all of the input, and says at its end how much of it was cached.
            self.input_tokens.0.map(|input| input.max(sum([cache_read, cache_write])))
        } else {
            self.whole_input(cache_read, cache_write)
        };
        let covered = if self.served_by_fallback() { FALLBACK } else { MESSAGE };
        let model =
            self.iterations.0.iter().rfind(|pass| pass.kind == FALLBACK).map(|pass| pass.model.clone());
        let service_tier = self.tier();
        let passes =
            self.iterations.0.iter().filter(|pass| pass.kind != ShortText::Absent && pass.kind != covered);
        let too_many = passes.count() > Usage::MAX_PASSES;
        let usage = Usage {
            input_tokens,
            cache_read_tokens: cache_read,
            cache_write_tokens: cache_write,
            cache_write_5m_tokens: split.ephemeral_5m.0,
            cache_write_1h_tokens: split.ephemeral_1h.0,
            output_tokens: self.output_tokens.0,
            reasoning_tokens: self.details.thinking_tokens.0,
            passes: self
                .iterations
                .0
                .into_iter()
                .filter(|pass| pass.kind != ShortText::Absent && pass.kind != covered)
                .map(Iteration::pass)
                .take(Usage::MAX_PASSES)
                .collect(),
            web_searches: self.server_tool_use.web_search_requests.0,
            ..Usage::default()
        };
        UsageReading {
            service_tier,
            region: self.inference_geo.text().filter(|geo| geo != &Text::from_static("not_available")),
            cost: charged(self.cost, self.is_byok, &self.cost_details),
            model: model.and_then(ShortText::text),
            too_large: too_many,
            ..UsageReading::new(usage, flaws, self.total_tokens.0)
        }
    }

    /// Returns the tier. A fast answer is billed as such whatever its tier
    /// ([fast mode](https://platform.claude.com/docs/en/build-with-claude/fast-mode)).
    fn tier(&self) -> Option<Text> {
        let fast = Text::from_static("fast");
        if self.speed == ShortText::Text(fast.clone()) {
            Some(fast)
        } else {
            self.service_tier.clone().text()
        }
    }

    fn served_by_fallback(&self) -> bool {
        self.iterations.0.iter().any(|pass| pass.kind == FALLBACK)
    }

    fn whole_input(&self, cache_read: Option<u64>, cache_write: Option<u64>) -> Option<u64> {
        let stated = self.input_tokens.0;
        // Anthropic states no total. A gateway that does, and whose total has no room for the cache beside the
        // input, has counted the cache in already.
        let included = self.total_tokens.0 == Some(sum([stated, self.output_tokens.0]));
        if included {
            return stated;
        }
        stated.map(|input| sum([Some(input), cache_read, cache_write]))
    }
}

impl Iteration {
    fn pass(self) -> Pass {
        let cache_write = written(self.cache_creation, self.split);
        Pass {
            model: self.model.text(),
            input_tokens: self.input_tokens.0.map(|input| sum([Some(input), self.cache_read.0, cache_write])),
            cache_read_tokens: self.cache_read.0,
            cache_write_tokens: cache_write,
            cache_write_5m_tokens: self.split.ephemeral_5m.0,
            cache_write_1h_tokens: self.split.ephemeral_1h.0,
            output_tokens: self.output_tokens.0,
            ..Pass::default()
        }
    }
}

/// Returns all that was written to the cache: the sum of the split where only that is given.
fn written(whole: Natural, split: CacheCreation) -> Option<u64> {
    whole.0.or(split.whole())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CACHED: &str = r#"{"input_tokens":4,"cache_read_input_tokens":100,"cache_creation_input_tokens":50,
        "cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":30},"output_tokens":7,
        "output_tokens_details":{"thinking_tokens":3},"server_tool_use":{"web_search_requests":2},
        "service_tier":"standard","inference_geo":"us"}"#;

    fn reading(json: &str) -> UsageReading {
        read(json.as_bytes()).unwrap()
    }

    #[test]
    fn cached_tokens_are_added_to_the_input_which_leaves_them_out() {
        let reading = reading(CACHED);
        let expected = Usage {
            input_tokens: Some(154),
            cache_read_tokens: Some(100),
            cache_write_tokens: Some(50),
            cache_write_5m_tokens: Some(20),
            cache_write_1h_tokens: Some(30),
            output_tokens: Some(7),
            reasoning_tokens: Some(3),
            web_searches: Some(2),
            ..Usage::default()
        };
        assert_eq!(reading.usage, expected);
        assert_eq!(reading.service_tier.unwrap(), "standard");
        assert_eq!(reading.region.unwrap(), "us");
    }

    #[test]
    fn a_gateway_s_total_that_leaves_no_room_for_the_cache_says_that_it_is_counted_in() {
        let inclusive =
            r#"{"input_tokens":154,"cache_read_input_tokens":100,"output_tokens":7,"total_tokens":161}"#;
        assert_eq!(reading(inclusive).usage.input_tokens, Some(154));
        let exclusive =
            r#"{"input_tokens":54,"cache_read_input_tokens":100,"output_tokens":7,"total_tokens":161}"#;
        assert_eq!(reading(exclusive).usage.input_tokens, Some(154));
    }

    #[test]
    fn a_write_without_its_whole_is_the_sum_of_its_split() {
        let split = r#"{"input_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":3}}"#;
        assert_eq!(reading(split).usage.cache_write_tokens, Some(5));
        assert_eq!(reading(split).usage.input_tokens, Some(6));
    }

    #[test]
    fn deltas_are_cumulative_and_only_what_they_say_replaces_what_was_known() {
        let mut cumulative = CumulativeUsage::start(CACHED.as_bytes());
        assert!(cumulative.only_start());
        cumulative.overlay(br#"{"output_tokens":90,"input_tokens":null}"#);
        assert!(!cumulative.only_start());
        cumulative.overlay(br#"{"output_tokens":112,"input_tokens":8,"cache_read_input_tokens":0}"#);
        let usage = cumulative.reading().usage;
        assert_eq!(usage.output_tokens, Some(112));
        assert_eq!(usage.cache_read_tokens, Some(0));
        assert_eq!(usage.input_tokens, Some(58));
        assert_eq!(usage.web_searches, Some(2));
    }

    #[test]
    fn passes_that_the_counters_leave_out_are_kept_beside_them() {
        let advised = r#"{"input_tokens":2411,"output_tokens":145,"iterations":[
            {"type":"message","input_tokens":1128,"output_tokens":135},
            {"type":"advisor_message","model":"claude-opus-4-8","input_tokens":2543,"output_tokens":18,
             "cache_read_input_tokens":7,"cache_creation_input_tokens":0},
            {"type":"message","input_tokens":1283,"output_tokens":10}]}"#;
        let usage = reading(advised).usage;
        assert_eq!((usage.input_tokens, usage.output_tokens), (Some(2411), Some(145)));
        let [pass] = &usage.passes[..] else { panic!("{usage:?}") };
        assert_eq!(pass.model.as_deref(), Some("claude-opus-4-8"));
        assert_eq!((pass.input_tokens, pass.output_tokens), (Some(2550), Some(18)));
    }

    #[test]
    fn the_pass_of_a_fallback_is_what_the_counters_cover() {
        let declined = r#"{"input_tokens":20,"output_tokens":9,"iterations":[
            {"type":"message","model":"claude-fable-5","input_tokens":19,"output_tokens":1},
            {"type":"fallback_message","model":"claude-opus-4-8","input_tokens":20,"output_tokens":9}]}"#;
        let reading = reading(declined);
        assert_eq!(reading.model.unwrap(), "claude-opus-4-8");
        let [pass] = &reading.usage.passes[..] else { panic!("{:?}", reading.usage) };
        assert_eq!(pass.model.as_deref(), Some("claude-fable-5"));
    }

    #[test]
    fn more_passes_than_a_provider_sends_are_cut_off() {
        let many = vec![r#"{"type":"compaction","input_tokens":1}"#; Usage::MAX_PASSES + 5].join(",");
        let usage = reading(&format!(r#"{{"input_tokens":1,"iterations":[{many}]}}"#)).usage;
        assert_eq!(usage.passes.len(), Usage::MAX_PASSES);
    }
}
