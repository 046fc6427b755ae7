//! Embeddings, moderations, images, video, audio and documents, as OpenAI has them, and their likes.

use super::dialect::{Dialect, EventName, Home, Spoken};
use crate::api::members::{Member, NUMBER, USAGE};
use crate::api::route::ApiRoute;
use crate::record::{Api, Operation, Provider, Usage};
use http::{HeaderMap, Method};

pub(super) const DIALECT: Dialect = Dialect {
    apis: &[
        Spoken::text(Api::Embeddings, Operation::Embeddings),
        Spoken::other(Api::Moderations),
        Spoken::other(Api::Images),
        Spoken::other(Api::Videos),
        Spoken::other(Api::Audio),
        Spoken::other(Api::Rerank),
        Spoken::other(Api::Ocr),
    ],
    route,
    at_home: Some(at_home),
    members: &[
        // Mistral's OCR; MiniMax' speech.
        ("usage_info", Member::UsageInfo, USAGE),
        ("extra_info.usage_characters", Member::Characters, NUMBER),
        ("usage_characters", Member::Characters, NUMBER),
    ],
    events: &[
        ("transcript.text.done", EventName::LAST),
        ("speech.audio.done", EventName::LAST),
        ("image_generation.completed", EventName::LAST),
        ("image_edit.completed", EventName::LAST),
    ],
    head: Some(read_headers),
    ..Dialect::NONE
};

fn route(method: &Method, segments: &[&str]) -> Option<ApiRoute> {
    let other = |api| ApiRoute::new(api, Operation::Other);
    Some(match segments {
        ["embeddings" | "embed", ..] => ApiRoute::new(Api::Embeddings, Operation::Embeddings),
        ["moderations", ..] => other(Api::Moderations),
        ["generations" | "edits" | "variations", "images", ..] => other(Api::Images),
        ["speech" | "transcriptions" | "translations", "audio", ..]
        // ElevenLabs.
        | [_, "text-to-speech", ..]
        | ["stream" | "with-timestamps", _, "text-to-speech", ..] => other(Api::Audio),
        ["videos" | "remix", ..] => other(Api::Videos),
        [_, "videos", ..] if *method != Method::DELETE => other(Api::Videos).repeated(),
        ["content", _, "videos", ..]
        | [_, "videos", ..]
        // What a browser is given to open a session with.
        | ["client_secrets" | "sessions" | "transcription_sessions", "realtime", ..] => ApiRoute::MANAGEMENT,
        ["rerank", ..] => other(Api::Rerank),
        ["ocr", ..] => other(Api::Ocr),
        _ => return None,
    })
}

/// Settles the routes of speech at Deepgram and others, and of OpenAI's moderations.
fn at_home(home: &Home<'_>, route: &mut ApiRoute) {
    let speaks = matches!(home.path, "/v1/listen" | "/v1/speak" | "/v1/stt" | "/v1/tts");
    if speaks && home.host.is_some() {
        route.api = Some(Api::Audio);
    }
    // Free of charge (https://platform.openai.com/docs/guides/moderation).
    if route.api == Some(Api::Moderations) && home.host == Some(&Provider::OPENAI) {
        route.consumes = false;
    }
}

/// Reads the characters that speech is billed by, at ElevenLabs
/// ([cost tracking](https://elevenlabs.io/docs/api-reference/introduction#tracking-generation-costs)) and Deepgram.
fn read_headers(headers: &HeaderMap) -> Option<Usage> {
    let count = headers.get("character-cost").or_else(|| headers.get("dg-char-count"))?;
    let characters = count.to_str().ok()?.trim().parse().ok()?;
    Some(Usage { characters: Some(characters), ..Usage::default() })
}
