//! OpenAI's chat and text completions, and the many that speak their dialect.
//!
//! `prompt_tokens` (`input_tokens` in Responses) includes cached tokens and `completion_tokens` (`output_tokens`)
//! includes reasoning: [chat completions](https://platform.openai.com/docs/api-reference/chat/object),
//! [prompt caching](https://platform.openai.com/docs/guides/prompt-caching). Others spell the parts in other
//! places, and some keep a part outside of its whole, which `total_tokens` shows.

use super::dialect::{Dialect, Home, Spoken, TextPlaces};
use super::google::tier_of_traffic;
use crate::api::details::{CacheCreation, InputDetails, OutputDetails};
use crate::api::lenient::{
    self, Flag, Ignored, Length, Lenient, Natural, ShortText, Source, UsdAmount, lenient,
};
use crate::api::members::{EMPTY, ItemMember, ItemOf, Member, NAME, NUMBER, ToolMember, USAGE};
use crate::api::reading::{Convention, Speaker, Sure, UsageReading, plus, sum};
use crate::api::route::ApiRoute;
use crate::json::{Kind, Scanned};
use crate::record::{Api, Operation, Provider, Text, Usage, Usd};
use crate::wire::select::InPieces::{All, Strings};
use http::Method;

pub(super) const DIALECT: Dialect = Dialect {
    apis: &[
        Spoken::text(Api::ChatCompletions, Operation::Chat),
        Spoken::text(Api::Completions, Operation::TextCompletion),
    ],
    route,
    at_home: Some(at_home),
    members: &[
        // xAI's deferred completions.
        ("request_id", Member::DeferredId, NAME),
        // Groq; Moonshot.
        ("x_groq.usage", Member::UsageElsewhere, USAGE),
        ("choices[].usage", Member::UsageElsewhere, USAGE),
        // Tools of Groq's; Moonshot's; Z.ai's.
        ("choices[].message.executed_tools[].type", Member::item(ItemOf::Answer, ItemMember::Executed), NAME),
        (
            "choices[].message.tool_calls[].function.name",
            Member::item(ItemOf::Answer, ItemMember::Type),
            NAME,
        ),
        ("choices[].delta.executed_tools[].type", Member::item(ItemOf::Event, ItemMember::Executed), NAME),
        ("web_search", Member::Tool(ToolMember::Result), EMPTY),
        // MiniMax.
        ("base_resp.status_code", Member::BaseStatus, NUMBER),
        // Baidu.
        ("error_code", Member::BaseStatus, NUMBER),
    ],
    content: &[
        "choices[].delta.content",
        "choices[].delta.reasoning_content",
        "choices[].delta.reasoning",
        "choices[].delta.tool_calls",
        "choices[].delta.function_call",
        "choices[].delta.refusal",
        "choices[].delta.audio",
        "choices[].delta.images",
        "choices[].text",
    ],
    texts: TextPlaces {
        // Anthropic, Converse, Cohere's second version and Ollama have the messages too.
        request: &[
            ("messages[].content", Strings),
            ("messages[].content[].text", Strings),
            ("messages[].reasoning_content", Strings),
            ("messages[].tool_calls[].function.name", Strings),
            ("messages[].tool_calls[].function.arguments", All),
            ("tools", All),
            ("functions", All),
            ("prompt", Strings),
            ("prompt[]", Strings),
            ("suffix", Strings),
        ],
        stream: &[
            ("choices[].delta.content", Strings),
            ("choices[].delta.reasoning_content", Strings),
            ("choices[].delta.reasoning", Strings),
            ("choices[].delta.refusal", Strings),
            ("choices[].delta.tool_calls[].function.name", Strings),
            ("choices[].delta.tool_calls[].function.arguments", Strings),
        ],
        document: &[
            ("choices[].message.content", Strings),
            ("choices[].message.content[].text", Strings),
            ("choices[].message.reasoning_content", Strings),
            ("choices[].message.reasoning", Strings),
            ("choices[].message.refusal", Strings),
            ("choices[].message.tool_calls[].function.name", Strings),
            ("choices[].message.tool_calls[].function.arguments", Strings),
        ],
        both: &[("choices[].text", Strings)],
    },
    objects: &[
        ("chat.completion", Api::ChatCompletions),
        ("chat.completion.chunk", Api::ChatCompletions),
        ("text_completion", Api::Completions),
    ],
    usage: &[Convention {
        keys: &[
            ("prompt_tokens", Sure::Certain),
            ("completion_tokens", Sure::Certain),
            ("total_tokens", Sure::Vaguely),
            ("seconds", Sure::Vaguely),
            ("cost", Sure::Vaguely),
            ("cost_in_usd_ticks", Sure::Vaguely),
        ],
        api: None,
        read: |json, speaker| read(json, speaker == Speaker::Google),
    }],
    ..Dialect::NONE
};

fn route(_: &Method, segments: &[&str]) -> Option<ApiRoute> {
    let chat = ApiRoute::new(Api::ChatCompletions, Operation::Chat);
    Some(match segments {
        // A stored prompt may be of either kind, which the answer shows.
        ["completions", _, "prompts", ..] => ApiRoute { operation: Operation::Chat, ..ApiRoute::UNKNOWN },
        ["completions", "chat" | "fim" | "agents", ..] => chat,
        [_, "completions", "chat", ..] | ["messages", _, "completions", "chat", ..] => chat.repeated(),
        ["completions", ..] => ApiRoute::new(Api::Completions, Operation::TextCompletion),
        _ => return None,
    })
}

fn at_home(home: &Home<'_>, route: &mut ApiRoute) {
    // OpenAI's conversations are kept, Mistral's are answered.
    if home.host == Some(&Provider::MISTRAL)
        && home.path.starts_with("/v1/conversations")
        && *home.method == Method::POST
    {
        (route.api, route.operation) = (None, Operation::Chat);
        (route.consumes, route.by_shape) = (true, false);
    }
}

lenient! {
    /// The object `usage`.
    struct ChatUsage {
        prompt_tokens: Natural = "prompt_tokens",
        input_tokens: Natural = "input_tokens",
        completion_tokens: Natural = "completion_tokens",
        output_tokens: Natural = "output_tokens",
        total_tokens: Natural = "total_tokens",

        prompt_tokens_details: InputDetails = "prompt_tokens_details",
        input_tokens_details: InputDetails = "input_tokens_details",
        // Writer and Assistants; transcriptions.
        prompt_token_details: InputDetails = "prompt_token_details",
        input_token_details: InputDetails = "input_token_details",
        completion_tokens_details: OutputDetails = "completion_tokens_details",
        output_tokens_details: OutputDetails = "output_tokens_details",
        completion_token_details: OutputDetails = "completion_token_details",
        output_token_details: OutputDetails = "output_token_details",

        // The same counters again, at the top: Together and Moonshot; Mistral; DeepSeek; Copilot.
        cached_tokens: Natural = "cached_tokens",
        num_cached_tokens: Natural = "num_cached_tokens",
        prompt_cache_hit_tokens: Natural = "prompt_cache_hit_tokens",
        _cache_miss: Ignored = "prompt_cache_miss_tokens",
        _text: Ignored = "text_tokens",
        reasoning_tokens: Natural = "reasoning_tokens",
        // In Anthropic's spelling, but within `prompt_tokens`: Databricks, Venice.
        cache_read_input_tokens: Natural = "cache_read_input_tokens",
        cache_creation_input_tokens: Natural = "cache_creation_input_tokens",
        cache_creation: CacheCreation = "cache_creation",

        // Transcriptions; Mistral.
        seconds: Length = "seconds",
        prompt_audio_seconds: Length = "prompt_audio_seconds",
        // LiteLLM; OpenRouter; xAI; Perplexity.
        server_tool_use: ServerTools = "server_tool_use",
        server_tool_use_details: ServerTools = "server_tool_use_details",
        tools_used: Natural = "num_server_side_tools_used",
        server_side_tool_usage_details: ServerTools = "server_side_tool_usage_details",
        num_search_queries: Natural = "num_search_queries",
        // Perplexity's deep research bills what it cites beside the wholes.
        citation_tokens: Natural = "citation_tokens",
        // Mistral's conversations: the tokens that connectors brought into the prompt, and how often each was asked.
        connector_tokens: Natural = "connector_tokens",
        connectors: Connectors = "connectors",

        service_tier: ShortText = "service_tier",
        extra_properties: ExtraProperties = "extra_properties",
        cost: Charge = "cost",
        // DeepInfra.
        estimated_cost: UsdAmount = "estimated_cost",
        is_byok: Flag = "is_byok",
        cost_details: CostDetails = "cost_details",
        cost_in_usd_ticks: Ticks = "cost_in_usd_ticks",
    }

    struct ServerTools: billed {
        web_search_requests: Natural = "web_search_requests",
        web_search_calls: Natural = "web_search_calls",
        // Tools of the caller's, whose results are tokens.
        _requested: Ignored = "tool_calls_requested",
        _executed: Ignored = "tool_calls_executed",
        mcp_calls: Natural = "mcp_calls",
    }

    struct Connectors: billed {
        web_search: Natural = "web_search",
    }

    /// Vertex AI's, at its endpoint that speaks as OpenAI's does.
    struct ExtraProperties {
        google: GoogleProperties = "google",
    }

    struct GoogleProperties {
        traffic_type: ShortText = "traffic_type",
    }

    struct CostDetails {
        upstream_inference_cost: UsdAmount = "upstream_inference_cost",
    }

    /// Perplexity's `cost`.
    struct CostObject {
        total_cost: UsdAmount = "total_cost",
        currency: ShortText = "currency",
    }
}

/// Reads a usage object. `google`: it is Google who answers.
pub(super) fn read(json: &[u8], google: bool) -> Option<UsageReading> {
    let (tokens, flaws): (ChatUsage, _) = lenient::read(json)?;
    let mut usage = tokens.parts();
    usage.input_tokens = tokens.prompt_tokens.0.or(tokens.input_tokens.0);
    usage.output_tokens = tokens.completion_tokens.0.or(tokens.output_tokens.0);
    if let Some(total) = tokens.total_tokens.0 {
        settle_with_total(&mut usage, total, tokens.connector_tokens.0, google);
    }
    // Of Mistral's transcriptions the seconds are billed, and no counter but the total has the tokens of the audio.
    let total = tokens.total_tokens.0.filter(|_| tokens.prompt_audio_seconds.0.is_none());
    let mut reading = UsageReading::new(usage, flaws, total);
    let tools = &tokens.server_side_tool_usage_details;
    reading.unread |= tokens.citation_tokens.0 > Some(0)
        || tokens.tools_used.0 > Some(sum([tools.web_search_calls.0, tools.mcp_calls.0]));
    reading.cost = tokens.charged();
    let traffic = tier_of_traffic(&tokens.extra_properties.google.traffic_type);
    reading.service_tier = tokens.service_tier.text().or(traffic);
    Some(reading)
}

/// Brings parts that stand outside of their wholes into them, where only that makes the total come out.
fn settle_with_total(usage: &mut Usage, total: u64, connectors: Option<u64>, google: bool) {
    let (Some(input), output) = (usage.input_tokens, usage.output_tokens) else {
        // Voyage and some rerankers say nothing but the total.
        if usage.output_tokens.is_none() {
            usage.input_tokens = Some(total);
        }
        return;
    };
    let stated = sum([Some(input), output]);
    if stated == total {
        return;
    }
    let is_total = |outside: u64| stated.checked_add(outside) == Some(total);
    let audio = usage.input_audio_tokens.unwrap_or(0);
    let reasoning = usage.reasoning_tokens.unwrap_or(0);
    if is_total(connectors.unwrap_or(0)) {
        // Mistral: "connector_tokens" stand beside "prompt_tokens".
        usage.input_tokens = plus(Some(input), connectors);
    } else if is_total(reasoning) {
        // xAI: "total_tokens" counts "reasoning_tokens" beside "completion_tokens".
        usage.output_tokens = plus(output, Some(reasoning));
    } else if is_total(audio) {
        // Mistral's Voxtral: "prompt_tokens" leaves the audio out.
        usage.input_tokens = plus(Some(input), Some(audio));
    } else if is_total(audio.saturating_add(reasoning)) {
        usage.input_tokens = plus(Some(input), Some(audio));
        usage.output_tokens = plus(output, Some(reasoning));
    } else if google && usage.reasoning_tokens.is_none() && total > stated {
        // Google's OpenAI-compatible endpoint shows thinking, which is billed as output
        // (https://ai.google.dev/gemini-api/docs/thinking#pricing), as nothing but the difference.
        let thinking = total - stated;
        usage.reasoning_tokens = Some(thinking);
        usage.output_tokens = plus(output, Some(thinking));
    }
}

impl ChatUsage {
    /// Returns everything but the two wholes.
    fn parts(&self) -> Usage {
        let input = [
            &self.prompt_tokens_details,
            &self.input_tokens_details,
            &self.prompt_token_details,
            &self.input_token_details,
        ];
        let output = [
            &self.completion_tokens_details,
            &self.output_tokens_details,
            &self.completion_token_details,
            &self.output_token_details,
        ];
        let of_input = |part: fn(&InputDetails) -> Natural| input.iter().find_map(|details| part(details).0);
        let of_output =
            |part: fn(&OutputDetails) -> Natural| output.iter().find_map(|details| part(details).0);
        let cache_write = input
            .iter()
            .find_map(|details| details.cache_write())
            .or(self.cache_creation_input_tokens.0)
            .or(self.cache_creation.whole());
        let kept = input.iter().fold(self.cache_creation, |known, details| known.or(details.split()));
        // How nothing is split says nothing.
        let split = |part: Natural| part.0.filter(|_| cache_write.is_some_and(|written| written > 0));
        Usage {
            cache_read_tokens: input
                .iter()
                .find_map(|details| details.cache_read())
                .or(self.cached_tokens.0)
                .or(self.num_cached_tokens.0)
                .or(self.prompt_cache_hit_tokens.0)
                .or(self.cache_read_input_tokens.0),
            cache_write_tokens: cache_write,
            cache_write_5m_tokens: split(kept.ephemeral_5m),
            cache_write_1h_tokens: split(kept.ephemeral_1h),
            input_audio_tokens: of_input(|details| details.audio_tokens),
            input_image_tokens: of_input(|details| details.image_tokens),
            cache_read_audio_tokens: of_input(|details| details.cached_tokens_details.audio_tokens),
            cache_read_image_tokens: of_input(|details| details.cached_tokens_details.image_tokens),
            reasoning_tokens: of_output(|details| details.reasoning_tokens).or(self.reasoning_tokens.0),
            output_audio_tokens: of_output(|details| details.audio_tokens),
            output_image_tokens: of_output(|details| details.image_tokens),
            web_searches: self
                .server_tool_use
                .web_search_requests
                .0
                .or(self.server_tool_use_details.web_search_requests.0)
                .or(self.server_side_tool_usage_details.web_search_calls.0)
                .or(self.num_search_queries.0)
                .or(self.connectors.web_search.0),
            seconds: self.seconds.0.or(self.prompt_audio_seconds.0),
            ..Usage::default()
        }
    }

    /// Returns what was charged.
    fn charged(&self) -> Option<Usd> {
        if let Some(charged) = charged(self.cost, self.is_byok, &self.cost_details) {
            return Some(charged);
        }
        if let UsdAmount(Some(charged)) = self.estimated_cost {
            return Some(charged);
        }
        // xAI counts in ticks. Azure's copy of the field is 0 whatever the call cost.
        let ticks = self.cost_in_usd_ticks.0.filter(|ticks| *ticks > 0)?;
        Some(Usd::from_picos(i128::from(ticks) * 100))
    }
}

/// Returns what was charged in all. With a key of the caller's own, OpenRouter charges only its fee; the rest goes to the caller's
/// account upstream (<https://openrouter.ai/docs/use-cases/usage-accounting>).
pub(super) fn charged(cost: Charge, is_byok: Flag, details: &CostDetails) -> Option<Usd> {
    let upstream = details.upstream_inference_cost.0.filter(|_| is_byok.0);
    cost.0.map(|charged| charged + upstream.unwrap_or(Usd::ZERO))
}

/// An amount in ticks of 1e-10 dollars. Like other amounts, it is no figure of what was used when it cannot be read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ticks(Option<u64>);

impl Lenient for Ticks {
    fn read(source: &mut Source<'_>) -> Scanned<Self> {
        Ok(Self(source.skip()?.parse().ok()))
    }
}

/// `cost`: a number of dollars, or Perplexity's object.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Charge(pub(super) Option<Usd>);

impl Lenient for Charge {
    fn read(source: &mut Source<'_>) -> Scanned<Self> {
        const DOLLARS: Text = Text::from_static("USD");
        if !source.is(Kind::Object) {
            return UsdAmount::read(source).map(|amount| Self(amount.0));
        }
        let object = CostObject::read(source)?;
        let in_dollars = object.currency.text().is_none_or(|currency| currency == DOLLARS);
        Ok(Self(object.total_cost.0.filter(|_| in_dollars)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn reading(json: &str) -> UsageReading {
        read(json.as_bytes(), false).unwrap()
    }

    fn usage(json: &str) -> Usage {
        reading(json).usage
    }

    #[test]
    fn chat_and_responses_name_the_same_things_differently() {
        let expected = Usage {
            input_tokens: Some(1217),
            cache_read_tokens: Some(1024),
            cache_write_tokens: Some(12),
            input_audio_tokens: Some(0),
            output_tokens: Some(300),
            reasoning_tokens: Some(192),
            ..Usage::default()
        };
        let chat = r#"{"prompt_tokens":1217,"completion_tokens":300,"total_tokens":1517,
            "prompt_tokens_details":{"cached_tokens":1024,"cache_write_tokens":12,"audio_tokens":0},
            "completion_tokens_details":{"reasoning_tokens":192}}"#;
        let responses = r#"{"input_tokens":1217,"output_tokens":300,"total_tokens":1517,
            "input_tokens_details":{"cached_tokens":1024,"cache_write_tokens":12,"audio_tokens":0},
            "output_tokens_details":{"reasoning_tokens":192}}"#;
        assert_eq!(usage(chat), expected);
        assert_eq!(usage(responses), expected);
    }

    #[test]
    fn one_counter_under_several_names_is_not_added_up() {
        let deepseek = r#"{"prompt_tokens":67,"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":3,
            "prompt_tokens_details":{"cached_tokens":64},"completion_tokens":1,"total_tokens":68}"#;
        assert_eq!(usage(deepseek).cache_read_tokens, Some(64));
        assert_eq!(usage(deepseek).input_tokens, Some(67));
        let databricks = r#"{"prompt_tokens":26,"completion_tokens":5,"total_tokens":31,
            "cache_read_input_tokens":20,"cache_creation_input_tokens":6,
            "cache_creation":{"ephemeral_5m_input_tokens":6,"ephemeral_1h_input_tokens":0}}"#;
        assert_eq!(usage(databricks).input_tokens, Some(26));
        assert_eq!(usage(databricks).cache_read_tokens, Some(20));
        assert_eq!(usage(databricks).cache_write_5m_tokens, Some(6));
        let mistral = r#"{"prompt_tokens":40,"num_cached_tokens":32,"prompt_tokens_details":null}"#;
        assert_eq!(usage(mistral).cache_read_tokens, Some(32));
    }

    #[test]
    fn the_total_tells_whether_a_part_stands_outside_its_whole() {
        let xai = r#"{"prompt_tokens":307,"completion_tokens":26,"total_tokens":560,
            "completion_tokens_details":{"reasoning_tokens":227}}"#;
        assert_eq!(usage(xai).output_tokens, Some(253));
        let voxtral = r#"{"prompt_tokens":5,"completion_tokens":20,"total_tokens":400,
            "prompt_audio_seconds":3,"prompt_tokens_details":{"audio_tokens":375}}"#;
        assert_eq!(usage(voxtral).input_tokens, Some(380));
        assert_eq!(usage(voxtral).seconds, Some(Duration::from_secs(3)));
        let both = r#"{"prompt_tokens":5,"completion_tokens":20,"total_tokens":410,
            "prompt_tokens_details":{"audio_tokens":375},"completion_tokens_details":{"reasoning_tokens":10}}"#;
        assert_eq!((usage(both).input_tokens, usage(both).output_tokens), (Some(380), Some(30)));
        let voyage = r#"{"total_tokens":3}"#;
        assert_eq!((usage(voyage).input_tokens, usage(voyage).output_tokens), (Some(3), None));
        let unclear = r#"{"prompt_tokens":5,"completion_tokens":20,"total_tokens":99}"#;
        assert_eq!(usage(unclear).output_tokens, Some(20));
    }

    #[test]
    fn hidden_thinking_is_read_from_the_total_of_google_alone() {
        let hidden = br#"{"completion_tokens":12,"prompt_tokens":35,"total_tokens":109}"#;
        let google = read(hidden, true).unwrap().usage;
        assert_eq!((google.output_tokens, google.reasoning_tokens), (Some(74), Some(62)));
        let other = read(hidden, false).unwrap().usage;
        assert_eq!((other.output_tokens, other.reasoning_tokens), (Some(12), None));
    }

    #[test]
    fn a_reported_cost_is_read_in_each_spelling() {
        let cost = |json: &str| reading(json).cost.map(|cost| cost.to_string());
        assert_eq!(cost(r#"{"cost":5.952e-05,"is_byok":false}"#).unwrap(), "0.00005952");
        assert_eq!(cost(r#"{"cost":0}"#).unwrap(), "0");
        let own_key = r#"{"cost":0.1,"is_byok":true,"cost_details":{"upstream_inference_cost":3.6e-06}}"#;
        assert_eq!(cost(own_key).unwrap(), "0.1000036");
        assert_eq!(cost(r#"{"cost":{"total_cost":0.00937,"request_cost":0.005}}"#).unwrap(), "0.00937");
        assert_eq!(cost(r#"{"cost":{"total_cost":1,"currency":"EUR"}}"#), None);
        assert_eq!(cost(r#"{"cost":null,"cost_in_usd_ticks":16306000}"#).unwrap(), "0.0016306");
        assert_eq!(cost(r#"{"cost_in_usd_ticks":0}"#), None);
        assert_eq!(cost(r#"{"cost":"0.1"}"#), None);
    }

    #[test]
    fn a_transcription_is_billed_by_tokens_or_by_seconds() {
        let tokens = r#"{"type":"tokens","input_tokens":54,"output_tokens":16,"total_tokens":70,
            "input_token_details":{"audio_tokens":54,"text_tokens":0}}"#;
        assert_eq!(usage(tokens).input_audio_tokens, Some(54));
        assert_eq!(usage(tokens).input_tokens, Some(54));
        let duration = r#"{"type":"duration","seconds":6}"#;
        assert_eq!(usage(duration), Usage { seconds: Some(Duration::from_secs(6)), ..Usage::default() });
    }
}
