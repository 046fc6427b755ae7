//! Which API and operation a method and a path ask for.
//!
//! Paths are read from their end, since gateways put their own routes in front.

use super::dialects;
use super::route::{ApiRoute, decoded};
use crate::record::{Api, Operation, Text};
use http::Method;

/// How many segments from the end of a path are read. The longest known route has nine.
const MAX_SEGMENTS: usize = 12;

/// Returns what `method` on `path` asks for.
pub(super) fn route(method: &Method, path: &str) -> ApiRoute {
    // Nearly all calls go there, so they are spared the segments.
    match (path, method) {
        ("/v1/chat/completions", &Method::POST) => ApiRoute::new(Api::ChatCompletions, Operation::Chat),
        ("/v1/messages", &Method::POST) => ApiRoute::new(Api::Messages, Operation::Chat),
        ("/v1/responses", &Method::POST) => ApiRoute::new(Api::Responses, Operation::Chat),
        _ => by_segments(method, path),
    }
}

fn by_segments(method: &Method, path: &str) -> ApiRoute {
    let mut from_end = path.rsplit('/').filter(|segment| !segment.is_empty());
    let segments: [&str; MAX_SEGMENTS] = std::array::from_fn(|_| from_end.next().unwrap_or(""));
    let route = batches(&segments)
        .or_else(|| dialects::route(method, &segments))
        .or_else(|| housekeeping(method, &segments))
        .unwrap_or(ApiRoute::UNKNOWN);
    // A GET makes nothing. What its answer reports was billed when it was made.
    let made_elsewhere = !matches!(*method, Method::POST | Method::PUT | Method::CONNECT);
    let route = if made_elsewhere && route.consumes { route.repeated() } else { route };
    let by_shape = route.api == Some(Api::Management) && !route.batch && *method == Method::POST;
    let asked_for = if route.repeats { asked_for(&segments) } else { None };
    with_azure_deployment(ApiRoute { by_shape, asked_for, ..route }, &segments)
}

/// Returns the id in `runs/run_1`, `responses/resp_1/cancel` or `deferred-completion/1`.
fn asked_for(segments: &[&str]) -> Option<Text> {
    let (["cancel", id, ..] | [id, ..]) = segments else { return None };
    Text::new(&decoded(id)).ok()
}

/// Routes what makes batches and asks for them. Their requests are run and billed elsewhere.
fn batches(segments: &[&str]) -> Option<ApiRoute> {
    let named =
        |segment: &&str| matches!(*segment, "batches" | "batchPredictionJobs" | "model-invocation-jobs");
    let is_batch = segments.iter().take(3).any(named);
    is_batch.then_some(ApiRoute { batch: true, repeats: true, ..ApiRoute::MANAGEMENT })
}

/// Routes lists, files and settings.
fn housekeeping(method: &Method, segments: &[&str]) -> Option<ApiRoute> {
    const PLACES: [&str; 14] = [
        "assistants",
        "cachedContents",
        "containers",
        "conversations",
        "evals",
        "files",
        "fine_tuning",
        "fine_tunes",
        "key",
        "operations",
        "organization",
        "tunedModels",
        "uploads",
        "vector_stores",
    ];
    match segments {
        // A POST to a model does not list models.
        ["models" | "foundation-models", ..] | [_, "models", ..] | [_, _, "models", ..] => {
            (*method != Method::POST).then(|| ApiRoute::free(Api::Models))
        }
        _ => segments.iter().any(|segment| PLACES.contains(segment)).then_some(ApiRoute::MANAGEMENT),
    }
}

/// Takes the deployment in `/openai/deployments/{deployment}/chat/completions` for the model.
fn with_azure_deployment(route: ApiRoute, segments: &[&str]) -> ApiRoute {
    let deployment = segments.windows(3).find_map(|window| match window {
        [deployment, "deployments", "openai"] => Some(decoded(deployment)),
        _ => None,
    });
    match deployment {
        Some(deployment) if route.model.is_none() => route.with_model(Text::new(&deployment).ok()),
        _ => route,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str) -> ApiRoute {
        route(&Method::POST, path)
    }

    fn get(path: &str) -> ApiRoute {
        route(&Method::GET, path)
    }

    #[test]
    fn the_usual_paths_ask_for_what_their_segments_say() {
        for path in ["/v1/chat/completions", "/v1/messages", "/v1/responses"] {
            for method in [Method::POST, Method::GET, Method::DELETE] {
                assert_eq!(route(&method, path), by_segments(&method, path), "{method} {path}");
            }
        }
    }

    #[test]
    fn the_end_of_a_path_tells_the_api_whatever_stands_before_it() {
        for (path, api, operation) in [
            ("/v1/chat/completions", Api::ChatCompletions, Operation::Chat),
            ("/openai/v1/chat/completions", Api::ChatCompletions, Operation::Chat),
            ("//openai/deployments/d/chat/completions", Api::ChatCompletions, Operation::Chat),
            ("/models/chat/completions", Api::ChatCompletions, Operation::Chat),
            ("/client/v4/accounts/0/ai/v1/chat/completions/", Api::ChatCompletions, Operation::Chat),
            ("/v1/completions", Api::Completions, Operation::TextCompletion),
            ("/v1/responses", Api::Responses, Operation::Chat),
            ("/backend-api/codex/responses", Api::Responses, Operation::Chat),
            ("/v1/responses/compact", Api::Responses, Operation::Chat),
            ("/router/v2/anthropic/v1/messages", Api::Messages, Operation::Chat),
            ("/v1/embeddings", Api::Embeddings, Operation::Embeddings),
            ("/v2/embed", Api::Embeddings, Operation::Embeddings),
            ("/v1/moderations", Api::Moderations, Operation::Other),
            ("/v1/images/edits", Api::Images, Operation::Other),
            ("/v1/audio/transcriptions", Api::Audio, Operation::Other),
            ("/v1/threads/thread_1/runs", Api::Assistants, Operation::InvokeAgent),
            ("/v1/threads/runs", Api::Assistants, Operation::InvokeAgent),
            ("/v1/threads/t/runs/r/submit_tool_outputs", Api::Assistants, Operation::InvokeAgent),
            ("/v1beta/interactions", Api::Interactions, Operation::GenerateContent),
            ("/v2/rerank", Api::Rerank, Operation::Other),
            ("/v1/ocr", Api::Ocr, Operation::Other),
            ("/api/v1/videos", Api::Videos, Operation::Other),
            ("/v1/videos/video_1/remix", Api::Videos, Operation::Other),
            ("/v1/text-to-speech/voice/stream", Api::Audio, Operation::Other),
            ("/ml/v1-beta/generation/text_stream", Api::Watsonx, Operation::TextCompletion),
        ] {
            let route = post(path);
            assert_eq!((route.api, route.operation), (Some(api), operation), "{path}");
            assert!(route.consumes && !route.repeats, "{path}");
        }
    }

    #[test]
    fn what_consumes_nothing_is_known() {
        for path in [
            "/v1/messages/count_tokens",
            "/v1/responses/input_tokens",
            "/v1beta/models/gemini-3.5-flash:countTokens",
            "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/count-tokens",
            "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict",
            "/v1/files",
            "/v1/batches",
            "/v1/threads",
            "/v1/threads/t/messages",
            "/v1/vector_stores/vs/search",
            "/v1beta/models/gemini-3.5-flash:batchGenerateContent",
        ] {
            assert!(!post(path).consumes, "{path}");
        }
        assert_eq!(get("/v1/models").api, Some(Api::Models));
        assert_eq!(get("/v1/models/gpt-4").api, Some(Api::Models));
        assert!(!get("/v1/models/gpt-4").consumes);
        assert!(!get("/anything").consumes);
        assert!(post("/v1/messages/batches").batch);
    }

    #[test]
    fn a_polled_answer_repeats_what_another_call_is_billed_for() {
        for path in [
            "/v1/responses/resp_1",
            "/v1/threads/t/runs/r",
            "/v1/threads/t/runs/r/steps",
            "/v1/threads/t/runs/r/steps/s",
            "/v1/chat/completions/chatcmpl-1",
            "/v1beta/interactions/v1_x",
            "/v1/batches/batch_1",
            "/api/v1/videos/job_1",
        ] {
            let route = get(path);
            assert!(route.repeats && !route.consumes, "{path}");
        }
        assert!(post("/v1/responses/resp_1/cancel").repeats);
        assert!(post("/v1/threads/t/runs/r/cancel").repeats);
        assert!(!route(&Method::DELETE, "/v1/responses/resp_1").repeats);
    }

    #[test]
    fn the_model_is_read_from_the_path_and_decoded() {
        let model = |path: &str| post(path).model.map(|model| model.to_string());
        let gemini = post("/v1beta/models/gemini-2.5-flash:streamGenerateContent");
        assert_eq!((gemini.model.as_deref(), gemini.stream), (Some("gemini-2.5-flash"), Some(true)));
        let vertex = post(
            "/v1/projects/p/locations/us-central1/publishers/google/models/gemini-1.5-pro:generateContent",
        );
        assert_eq!(
            (vertex.model.as_deref(), vertex.region.as_deref()),
            (Some("gemini-1.5-pro"), Some("us-central1"))
        );
        assert_eq!(
            model("/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4@20250514:streamRawPredict")
                .unwrap(),
            "claude-sonnet-4@20250514"
        );
        assert_eq!(model("/v1beta/models/text-embedding-004%3AembedContent").unwrap(), "text-embedding-004");
        let nova = post("/model/us.amazon.nova-lite-v1%3A0/converse-stream");
        assert_eq!((nova.model.as_deref(), nova.stream), (Some("us.amazon.nova-lite-v1:0"), Some(true)));
        assert_eq!(
            model("/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/invoke").unwrap(),
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.x"
        );
        assert_eq!(model("/openai/deployments/my-gpt/chat/completions").unwrap(), "my-gpt");
        assert_eq!(model("/serving-endpoints/my-model/invocations").unwrap(), "my-model");
        assert_eq!(
            model("/client/v4/accounts/0/ai/run/@cf/meta/llama-3.1-8b-instruct").unwrap(),
            "@cf/meta/llama-3.1-8b-instruct"
        );
    }

    #[test]
    fn odd_paths_are_unknown_and_harmless() {
        for path in ["", "/", "//", "/:", "/%", "/%zz", "/a:b:c", "/model//converse", "*"] {
            let route = post(path);
            assert!(route.api.is_none() && route.model.is_none(), "{path}: {route:?}");
        }
    }
}
