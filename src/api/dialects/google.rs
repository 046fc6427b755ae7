//! Google's `generateContent`: the Gemini API and Vertex AI.
//!
//! Thinking and the prompts of tools stand beside the candidates and the prompt, cached content within the prompt:
//! [`UsageMetadata`](https://ai.google.dev/api/generate-content#UsageMetadata). Thinking is
//! [billed as output](https://ai.google.dev/gemini-api/docs/thinking#pricing).

use super::dialect::{Dialect, Spoken, TextPlaces};
use crate::api::lenient::{self, List, Natural, ShortText, lenient};
use crate::api::members::{EMPTY, Member, NAME, NUMBER, ToolMember, USAGE};
use crate::api::reading::{Convention, Sure, UsageReading, plus, sum};
use crate::api::route::{ApiRoute, decoded};
use crate::record::{Api, Operation, Text, Usage};
use crate::wire::select::InPieces::{All, Strings};
use http::Method;

pub(super) const DIALECT: Dialect = Dialect {
    apis: &[Spoken::text(Api::GenerateContent, Operation::GenerateContent), Spoken::other(Api::Predict)],
    route,
    members: &[
        ("modelVersion", Member::Model, NAME),
        ("responseId", Member::Id, NAME),
        ("serviceTier", Member::ServiceTier, NAME),
        ("usageMetadata", Member::Usage, USAGE),
        // Of Code Assist, and of a batch.
        ("response.usageMetadata", Member::Usage, USAGE),
        ("candidates[].finishReason", Member::FinishReason, NAME),
        ("candidates[].groundingMetadata.webSearchQueries", Member::Tool(ToolMember::Queries), USAGE),
        ("candidates[].groundingMetadata.imageSearchQueries", Member::Tool(ToolMember::OtherQueries), EMPTY),
        ("candidates[].groundingMetadata.retrievalQueries", Member::Tool(ToolMember::OtherQueries), EMPTY),
        ("candidates[].groundingMetadata.groundingChunks[].maps", Member::Tool(ToolMember::MapChunk), EMPTY),
        ("candidates[].groundingMetadata.groundingChunks[].web", Member::Tool(ToolMember::WebChunk), EMPTY),
        // LiteLLM's.
        ("vertex_ai_grounding_metadata", Member::Tool(ToolMember::Result), EMPTY),
        // Vertex AI.
        ("predictions[].embeddings.statistics.token_count", Member::InputTokensOfPart, NUMBER),
        ("metadata.billableCharacterCount", Member::Characters, NUMBER),
        // The results of a batch: lines, or all in one.
        ("key", Member::BatchKey, NAME),
        ("response.candidates", Member::BatchResult, EMPTY),
        ("response.inlinedResponses", Member::BatchResults, EMPTY),
    ],
    content: &["candidates[].content.parts"],
    texts: TextPlaces {
        request: &[
            ("contents[].parts[].text", Strings),
            ("contents[].parts[].functionCall.args", All),
            ("contents[].parts[].functionResponse.response", All),
            ("content.parts[].text", Strings),
            ("systemInstruction.parts[].text", Strings),
            ("system_instruction.parts[].text", Strings),
        ],
        both: &[
            ("candidates[].content.parts[].text", Strings),
            ("candidates[].content.parts[].functionCall.args", All),
        ],
        ..TextPlaces::NONE
    },
    usage: &[Convention {
        keys: &[
            ("promptTokenCount", Sure::Certain),
            ("candidatesTokenCount", Sure::Certain),
            ("totalTokenCount", Sure::Certain),
        ],
        api: Some(Api::GenerateContent),
        read: |json, _| read(json),
    }],
    ..Dialect::NONE
};

/// Routes `models/gemini-2.5-flash:streamGenerateContent` and its siblings.
fn route(_: &Method, segments: &[&str]) -> Option<ApiRoute> {
    let [last, before, ..] = segments else { return None };
    let last = decoded(last);
    let (model, verb) = last.rsplit_once(':')?;
    let generate = ApiRoute::new(Api::GenerateContent, Operation::GenerateContent);
    let embed = ApiRoute::new(Api::Embeddings, Operation::Embeddings);
    let predict = ApiRoute::new(Api::Predict, Operation::Other);
    let call = match verb {
        "generateContent" => generate.with_stream(false),
        "streamGenerateContent" => generate.with_stream(true),
        "embedContent" | "batchEmbedContents" => embed,
        "asyncBatchEmbedContent" | "batchGenerateContent" => ApiRoute { batch: true, ..ApiRoute::MANAGEMENT },
        "countTokens" | "computeTokens" => ApiRoute::COUNT,
        "predict" if model.contains("embedding") => ApiRoute { operation: Operation::Embeddings, ..predict },
        "predict" | "predictLongRunning" => predict,
        "fetchPredictOperation" => predict.repeated(),
        // A partner's model in its own shape.
        "rawPredict" if model == "count-tokens" => ApiRoute::COUNT,
        "rawPredict" => partner(segments).with_stream(false),
        "streamRawPredict" => partner(segments).with_stream(true),
        _ => return None,
    };
    let call = if *before == "models" { call.with_model(Text::new(model).ok()) } else { call };
    Some(ApiRoute { region: location(segments), ..call })
}

/// Routes a `rawPredict` by the publisher whose shape it has: `publishers/anthropic/models/{model}:rawPredict`.
fn partner(segments: &[&str]) -> ApiRoute {
    match segments {
        [_, "models", "anthropic", ..] => ApiRoute::new(Api::Messages, Operation::Chat),
        [_, "models", "mistralai", ..] => ApiRoute::new(Api::ChatCompletions, Operation::Chat),
        _ => ApiRoute::UNKNOWN,
    }
}

/// Reads the region from Vertex AI's `projects/{project}/locations/us-central1`.
fn location(segments: &[&str]) -> Option<Text> {
    let place = segments.windows(2).find_map(|pair| match pair {
        [place, "locations"] => Some(decoded(place)),
        _ => None,
    })?;
    Text::new(&place).ok()
}

lenient! {
    struct UsageMetadata {
        prompt: Natural = "promptTokenCount",
        candidates: Natural = "candidatesTokenCount",
        thoughts: Natural = "thoughtsTokenCount",
        tool_use_prompt: Natural = "toolUsePromptTokenCount",
        cached: Natural = "cachedContentTokenCount",
        total: Natural = "totalTokenCount",
        prompt_details: List<Modality> = "promptTokensDetails",
        // What embeddings call it.
        prompt_detail: List<Modality> = "promptTokenDetails",
        tool_use_details: List<Modality> = "toolUsePromptTokensDetails",
        candidates_details: List<Modality> = "candidatesTokensDetails",
        cache_details: List<Modality> = "cacheTokensDetails",
        service_tier: ShortText = "serviceTier",
        traffic_type: ShortText = "trafficType",
    }

    struct Modality {
        modality: ShortText = "modality",
        tokens: Natural = "tokenCount",
        // In interactions.
        interaction_tokens: Natural = "tokens",
    }
}

// Vertex AI's `Modality`, for clients that ask for enums as numbers.
pub(super) const IMAGE: (&str, u64) = ("image", 2);
pub(super) const AUDIO: (&str, u64) = ("audio", 4);

/// Reads a `usageMetadata`.
pub(super) fn read(json: &[u8]) -> Option<UsageReading> {
    let (metadata, flaws): (UsageMetadata, _) = lenient::read(json)?;
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
    Some(UsageReading { service_tier, ..UsageReading::new(usage, flaws, metadata.total.0) })
}

/// Adds thinking to the output, unless the total says that it is in there.
pub(super) fn add_thinking(usage: &mut Usage, total: Option<u64>) {
    let within = total == Some(sum([usage.input_tokens, usage.output_tokens]));
    if !within || usage.output_tokens.is_none() {
        usage.output_tokens = plus(usage.output_tokens, usage.reasoning_tokens);
    }
}

/// Returns the tokens of a modality.
pub(super) fn of_modality(list: &List<Modality>, (name, number): (&str, u64)) -> Option<u64> {
    let of_kind = list.0.iter().filter(|entry| entry.modality.is(name, number));
    of_kind.fold(None, |known, entry| plus(known, entry.tokens.0.or(entry.interaction_tokens.0)))
}

/// Returns Vertex AI's type of traffic as a tier, unless it is the usual one that is paid for on demand.
pub(super) fn tier_of_traffic(traffic: &ShortText) -> Option<Text> {
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
}
