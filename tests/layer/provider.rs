//! Whose API it was.

use crate::support::{Records, Script, ScriptError};
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_llm_metrics::record::ProviderSource;
use tower_llm_metrics::{Provider, Record, RequestBody, UserMetricsLayer};

const GATEWAY: &str = "http://gateway.internal/v1/chat/completions";
const OPENAI: &str = "https://api.openai.com/v1/chat/completions";

/// Asks `url` for `model`, and is answered by `answer`, or not at all.
async fn call(
    url: &str,
    model: &str,
    answer: Option<&str>,
    change: impl FnOnce(UserMetricsLayer) -> UserMetricsLayer,
) -> Record {
    let (layer, records) = Records::layer();
    let answer = answer.map(|model| format!(r#"{{"object":"chat.completion","model":"{model}"}}"#));
    let service = change(layer).layer(service_fn(async |request: Request<RequestBody<Script>>| {
        request.into_body().collect().await?;
        let answer = answer.clone().ok_or(ScriptError(1))?;
        Ok::<_, ScriptError>(Response::new(Script::chunked(answer.as_bytes(), 7)))
    }));
    let body = Script::chunked(format!(r#"{{"model":"{model}"}}"#).as_bytes(), 5);
    if let Ok(response) = service.oneshot(Request::post(url).body(body).unwrap()).await {
        response.into_body().collect().await.unwrap();
    }
    records.only()
}

fn provider(record: &Record) -> (Option<&Provider>, Option<ProviderSource>) {
    (record.provider.as_ref(), record.provider_source)
}

#[tokio::test]
async fn on_an_unknown_host_only_a_closed_model_family_names_the_provider() {
    for (model, expected) in [
        ("gpt-5-mini", Some(Provider::OPENAI)),
        ("claude-sonnet-4-6", Some(Provider::ANTHROPIC)),
        ("gpt-oss-120b", None),
        ("llama-3.3-70b", None),
    ] {
        let source = expected.is_some().then_some(ProviderSource::Model);
        for answer in [Some(model), None] {
            let record = call(GATEWAY, model, answer, |layer| layer).await;
            assert_eq!(provider(&record), (expected.as_ref(), source), "{model}");
        }
    }
    // The model that answers comes first.
    let record = call(GATEWAY, "our-model", Some("o3-mini"), |layer| layer).await;
    assert_eq!(provider(&record), (Some(&Provider::OPENAI), Some(ProviderSource::Model)));
}

#[tokio::test]
async fn host_and_setting_come_before_the_model() {
    let record = call(OPENAI, "claude-sonnet-4-6", None, |layer| layer).await;
    assert_eq!(provider(&record), (Some(&Provider::OPENAI), Some(ProviderSource::Host)));
    let record = call(OPENAI, "gpt-5", None, |layer| layer.provider(Provider::AZURE)).await;
    assert_eq!(provider(&record), (Some(&Provider::AZURE), Some(ProviderSource::Setting)));
}
