//! Gemini's interactions.
//!
//! Thinking and the prompts of tools stand beside the output and the input, as in `generateContent`.

use super::dialect::{Dialect, EventName, Spoken, TextPlaces};
use super::google::{AUDIO, IMAGE, Modality, add_thinking, of_modality};
use crate::api::lenient::{self, List, Natural, ShortText, lenient};
use crate::api::members::{ERROR, Member, NAME, USAGE};
use crate::api::reading::{Convention, Sure, UsageReading, plus, sum};
use crate::api::route::ApiRoute;
use crate::record::{Api, Operation, Usage};
use crate::wire::select::InPieces::Strings;
use http::Method;

pub(super) const DIALECT: Dialect = Dialect {
    apis: &[Spoken::text(Api::Interactions, Operation::GenerateContent)],
    route,
    members: &[
        ("interaction.model", Member::Model, NAME),
        ("interaction.id", Member::Id, NAME),
        ("interaction.status", Member::Status, NAME),
        ("interaction.service_tier", Member::ServiceTier, NAME),
        ("interaction.error", Member::Error, ERROR),
        ("interaction.usage", Member::Usage, USAGE),
    ],
    texts: TextPlaces { both: &[("outputs[].text", Strings)], ..TextPlaces::NONE },
    events: &[
        ("interaction.completed", EventName::LAST),
        ("interaction.complete", EventName::LAST),
        ("interaction.failed", EventName::FAILED),
    ],
    objects: &[("interaction", Api::Interactions)],
    usage: &[Convention {
        keys: &[("total_input_tokens", Sure::Own), ("total_output_tokens", Sure::Own)],
        api: Some(Api::Interactions),
        read: |json, _| read(json),
    }],
    ..Dialect::NONE
};

/// Routes `interactions`, and those that are asked for again.
fn route(method: &Method, segments: &[&str]) -> Option<ApiRoute> {
    let call = ApiRoute::new(Api::Interactions, Operation::GenerateContent);
    match segments {
        ["interactions", ..] => Some(call),
        ["cancel", _, "interactions", ..] | [_, "interactions", ..] => {
            Some(if *method == Method::DELETE { ApiRoute::MANAGEMENT } else { call.repeated() })
        }
        _ => None,
    }
}

lenient! {
    /// The usage of an interaction.
    struct Interaction {
        input: Natural = "total_input_tokens",
        output: Natural = "total_output_tokens",
        thought: Natural = "total_thought_tokens",
        tool_use: Natural = "total_tool_use_tokens",
        cached: Natural = "total_cached_tokens",
        total: Natural = "total_tokens",
        input_modalities: List<Modality> = "input_tokens_by_modality",
        output_modalities: List<Modality> = "output_tokens_by_modality",
        cached_modalities: List<Modality> = "cached_tokens_by_modality",
        grounding: List<Grounding> = "grounding_tool_count",
    }

    struct Grounding {
        kind: ShortText = "type",
        count: Natural = "count",
    }
}

/// Reads the `usage` of an interaction.
fn read(json: &[u8]) -> Option<UsageReading> {
    let (interaction, flaws): (Interaction, _) = lenient::read(json)?;
    let grounding = |tool: &str| {
        let of_tool = interaction.grounding.0.iter().filter(|entry| entry.kind.is(tool, u64::MAX));
        of_tool.fold(None, |known, entry| plus(known, entry.count.0))
    };
    let grounded = interaction.grounding.0.iter().fold(None, |known, entry| plus(known, entry.count.0));
    let mut usage = Usage {
        input_tokens: plus(interaction.input.0, interaction.tool_use.0),
        cache_read_tokens: interaction.cached.0,
        input_audio_tokens: of_modality(&interaction.input_modalities, AUDIO),
        input_image_tokens: of_modality(&interaction.input_modalities, IMAGE),
        output_tokens: interaction.output.0,
        reasoning_tokens: interaction.thought.0,
        output_audio_tokens: of_modality(&interaction.output_modalities, AUDIO),
        output_image_tokens: of_modality(&interaction.output_modalities, IMAGE),
        cache_read_audio_tokens: of_modality(&interaction.cached_modalities, AUDIO),
        cache_read_image_tokens: of_modality(&interaction.cached_modalities, IMAGE),
        web_searches: grounding("google_search"),
        map_queries: grounding("google_maps"),
        ..Usage::default()
    };
    add_thinking(&mut usage, interaction.total.0);
    let another_tool = sum([grounded]) > sum([usage.web_searches, usage.map_queries]);
    let mut reading = UsageReading::new(usage, flaws, interaction.total.0);
    reading.unread |= another_tool;
    Some(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interaction_counts_thoughts_and_tools_beside() {
        let json = br#"{"total_input_tokens":22,"total_output_tokens":590,"total_thought_tokens":1173,
            "total_tool_use_tokens":198,"total_cached_tokens":0,"total_tokens":1983,
            "input_tokens_by_modality":[{"modality":"text","tokens":20},{"modality":"image","tokens":2}],
            "grounding_tool_count":[{"type":"google_search","count":1}]}"#;
        let usage = read(json).unwrap().usage;
        assert_eq!((usage.input_tokens, usage.output_tokens), (Some(220), Some(1763)));
        assert_eq!((usage.input_image_tokens, usage.web_searches), (Some(2), Some(1)));
    }
}
