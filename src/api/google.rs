//! Google's usage objects: the Gemini API, Vertex AI and interactions.
//!
//! Thinking and the prompts of tools stand beside the candidates and the prompt, cached content within the prompt:
//! [`UsageMetadata`](https://ai.google.dev/api/generate-content#UsageMetadata). Thinking is
//! [billed as output](https://ai.google.dev/gemini-api/docs/thinking#pricing).

use super::lenient::{self, Count, List, Word, lenient};
use super::usage::{Reading, plus, sum};
use crate::record::{Text, Usage};

lenient! {
    struct Metadata {
        prompt: Count = "promptTokenCount",
        candidates: Count = "candidatesTokenCount",
        thoughts: Count = "thoughtsTokenCount",
        tool_use_prompt: Count = "toolUsePromptTokenCount",
        cached: Count = "cachedContentTokenCount",
        total: Count = "totalTokenCount",
        prompt_details: List<Modality> = "promptTokensDetails",
        // What embeddings call it.
        prompt_detail: List<Modality> = "promptTokenDetails",
        tool_use_details: List<Modality> = "toolUsePromptTokensDetails",
        candidates_details: List<Modality> = "candidatesTokensDetails",
        cache_details: List<Modality> = "cacheTokensDetails",
        service_tier: Word = "serviceTier",
        traffic_type: Word = "trafficType",
    }

    struct Modality {
        modality: Word = "modality",
        tokens: Count = "tokenCount",
    }

    /// The usage of an interaction.
    struct Interaction {
        input: Count = "total_input_tokens",
        output: Count = "total_output_tokens",
        thought: Count = "total_thought_tokens",
        tool_use: Count = "total_tool_use_tokens",
        cached: Count = "total_cached_tokens",
        total: Count = "total_tokens",
        input_modalities: List<InteractionModality> = "input_tokens_by_modality",
        output_modalities: List<InteractionModality> = "output_tokens_by_modality",
        cached_modalities: List<InteractionModality> = "cached_tokens_by_modality",
        grounding: List<Grounding> = "grounding_tool_count",
    }

    struct InteractionModality {
        modality: Word = "modality",
        tokens: Count = "tokens",
    }

    struct Grounding {
        kind: Word = "type",
        count: Count = "count",
    }
}

// Vertex AI's `Modality`, for clients that ask for enums as numbers.
const IMAGE: (&str, u64) = ("image", 2);
const AUDIO: (&str, u64) = ("audio", 4);

/// Reads a `usageMetadata`.
pub(super) fn read(json: &[u8]) -> Option<Reading> {
    let (metadata, flaws): (Metadata, _) = lenient::read(json)?;
    let mut usage = Usage {
        input_tokens: plus(metadata.prompt.0, metadata.tool_use_prompt.0),
        cache_read_tokens: metadata.cached.0,
        output_tokens: metadata.candidates.0,
        reasoning_tokens: metadata.thoughts.0,
        ..Usage::default()
    };
    add_thinking(&mut usage, metadata.total.0);
    let input = [&metadata.prompt_details, &metadata.prompt_detail, &metadata.tool_use_details];
    let input_of = |kind| input.iter().fold(None, |known, list| plus(known, of_modality(list, kind)));
    usage.input_audio_tokens = input_of(AUDIO);
    usage.input_image_tokens = input_of(IMAGE);
    usage.cache_read_audio_tokens = of_modality(&metadata.cache_details, AUDIO);
    usage.cache_read_image_tokens = of_modality(&metadata.cache_details, IMAGE);
    usage.output_audio_tokens = of_modality(&metadata.candidates_details, AUDIO);
    usage.output_image_tokens = of_modality(&metadata.candidates_details, IMAGE);
    let service_tier = metadata.service_tier.text().or_else(|| tier_of_traffic(&metadata.traffic_type));
    let unread = flaws.leave_unread(sum([usage.input_tokens, usage.output_tokens]), metadata.total.0);
    let unreadable = flaws.unreadable;
    Some(Reading { usage, service_tier, unreadable, unread, ..Reading::default() })
}

/// Reads the `usage` of an interaction.
pub(super) fn read_interaction(json: &[u8]) -> Option<Reading> {
    let (interaction, flaws): (Interaction, _) = lenient::read(json)?;
    let of = |list: &List<InteractionModality>, (name, number): (&str, u64)| {
        let of_kind = list.0.iter().filter(|entry| entry.modality.is(name, number));
        of_kind.fold(None, |known, entry| plus(known, entry.tokens.0))
    };
    let grounding = |tool: &str| {
        let of_tool = interaction.grounding.0.iter().filter(|entry| entry.kind.is(tool, u64::MAX));
        of_tool.fold(None, |known, entry| plus(known, entry.count.0))
    };
    let grounded = interaction.grounding.0.iter().fold(None, |known, entry| plus(known, entry.count.0));
    let mut usage = Usage {
        input_tokens: plus(interaction.input.0, interaction.tool_use.0),
        cache_read_tokens: interaction.cached.0,
        input_audio_tokens: of(&interaction.input_modalities, AUDIO),
        input_image_tokens: of(&interaction.input_modalities, IMAGE),
        output_tokens: interaction.output.0,
        reasoning_tokens: interaction.thought.0,
        output_audio_tokens: of(&interaction.output_modalities, AUDIO),
        output_image_tokens: of(&interaction.output_modalities, IMAGE),
        cache_read_audio_tokens: of(&interaction.cached_modalities, AUDIO),
        cache_read_image_tokens: of(&interaction.cached_modalities, IMAGE),
        web_searches: grounding("google_search"),
        map_queries: grounding("google_maps"),
        ..Usage::default()
    };
    add_thinking(&mut usage, interaction.total.0);
    let another_tool = sum([grounded]) > sum([usage.web_searches, usage.map_queries]);
    let known = sum([usage.input_tokens, usage.output_tokens]);
    let unread = another_tool || flaws.leave_unread(known, interaction.total.0);
    Some(Reading { usage, unreadable: flaws.unreadable, unread, ..Reading::default() })
}

/// Adds thinking to the output, unless the total says that it is in there.
fn add_thinking(usage: &mut Usage, total: Option<u64>) {
    let within = total == Some(sum([usage.input_tokens, usage.output_tokens]));
    if !within || usage.output_tokens.is_none() {
        usage.output_tokens = plus(usage.output_tokens, usage.reasoning_tokens);
    }
}

fn of_modality(list: &List<Modality>, (name, number): (&str, u64)) -> Option<u64> {
    let of_kind = list.0.iter().filter(|entry| entry.modality.is(name, number));
    of_kind.fold(None, |known, entry| plus(known, entry.tokens.0))
}

/// Vertex AI's traffic, where it is not the usual one that is paid for on demand.
pub(super) fn tier_of_traffic(traffic: &Word) -> Option<Text> {
    const PROVISIONED: Text = Text::from_static("PROVISIONED_THROUGHPUT");
    if traffic.is(&PROVISIONED, 2) {
        return Some(PROVISIONED);
    }
    let usual = traffic.is("ON_DEMAND", 1) || traffic.is("TRAFFIC_TYPE_UNSPECIFIED", 0);
    traffic.clone().text().filter(|_| !usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str) -> Usage {
        read(json.as_bytes()).unwrap().usage
    }

    #[test]
    fn thoughts_are_output_and_the_prompts_of_tools_are_input() {
        let usage = usage(
            r#"{"promptTokenCount":91,"candidatesTokenCount":93,"thoughtsTokenCount":211,
                "toolUsePromptTokenCount":574,"cachedContentTokenCount":40,"totalTokenCount":969}"#,
        );
        assert_eq!((usage.input_tokens, usage.cache_read_tokens), (Some(665), Some(40)));
        assert_eq!((usage.output_tokens, usage.reasoning_tokens), (Some(304), Some(211)));
    }

    #[test]
    fn no_candidates_is_not_zero_candidates() {
        assert_eq!(usage(r#"{"promptTokenCount":3,"totalTokenCount":3}"#).output_tokens, None);
        let thought = r#"{"promptTokenCount":3,"thoughtsTokenCount":9,"totalTokenCount":12}"#;
        assert_eq!(usage(thought).output_tokens, Some(9));
    }

    #[test]
    fn a_total_without_room_for_the_thoughts_says_that_they_are_within() {
        let within =
            r#"{"promptTokenCount":3,"candidatesTokenCount":12,"thoughtsTokenCount":9,"totalTokenCount":15}"#;
        assert_eq!(usage(within).output_tokens, Some(12));
    }

    #[test]
    fn modalities_are_names_or_numbers_and_may_lack_their_count() {
        let names = r#"{"promptTokenCount":300,"promptTokensDetails":[{"modality":"TEXT","tokenCount":2},
            {"modality":"IMAGE","tokenCount":258},{"modality":"AUDIO","tokenCount":40},{"modality":"VIDEO"}],
            "candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":111}]}"#;
        let numbers = r#"{"promptTokenCount":300,"promptTokensDetails":[{"modality":1,"tokenCount":2},
            {"modality":2,"tokenCount":258},{"modality":4,"tokenCount":40},{"modality":3}],
            "candidatesTokensDetails":[{"modality":4,"tokenCount":111}],"trafficType":1}"#;
        assert_eq!(usage(names), usage(numbers));
        assert_eq!(usage(names).input_image_tokens, Some(258));
        assert_eq!(usage(names).input_audio_tokens, Some(40));
        assert_eq!(usage(names).output_audio_tokens, Some(111));
        assert_eq!(usage(names).output_image_tokens, None);
    }

    #[test]
    fn the_tier_is_named_or_follows_from_unusual_traffic() {
        let tier = |json: &str| read(json.as_bytes()).unwrap().service_tier;
        assert_eq!(tier(r#"{"serviceTier":"priority"}"#).unwrap(), "priority");
        assert_eq!(tier(r#"{"trafficType":"ON_DEMAND"}"#), None);
        assert_eq!(tier(r#"{"trafficType":1}"#), None);
        assert_eq!(tier(r#"{"trafficType":2}"#).unwrap(), "PROVISIONED_THROUGHPUT");
        assert_eq!(tier(r#"{"trafficType":"ON_DEMAND_FLEX"}"#).unwrap(), "ON_DEMAND_FLEX");
    }

    #[test]
    fn an_interaction_counts_thoughts_and_tools_beside() {
        let json = br#"{"total_input_tokens":22,"total_output_tokens":590,"total_thought_tokens":1173,
            "total_tool_use_tokens":198,"total_cached_tokens":0,"total_tokens":1983,
            "input_tokens_by_modality":[{"modality":"text","tokens":20},{"modality":"image","tokens":2}],
            "grounding_tool_count":[{"type":"google_search","count":1}]}"#;
        let usage = read_interaction(json).unwrap().usage;
        assert_eq!((usage.input_tokens, usage.output_tokens), (Some(220), Some(1763)));
        assert_eq!((usage.input_image_tokens, usage.web_searches), (Some(2), Some(1)));
    }
}
