//! The bytes on the wire of the clients above reqwest: each makes the same call with the layer and without.

mod support;

use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::{HttpRequestFactory, ReqwestService};
use reqwest::Client;
use rig_core::completion::CompletionRequest;
use rig_reqwest::ReqwestMiddlewareClient;
use serde_json::json;
use support::capture::Capture;
use support::{PATH, Records, without_helicone};
use tower::{Layer, ServiceExt, service_fn};
use tower_llm_metrics::UserMetricsLayer;

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// Makes `$call` with no layer, with one that takes nothing out and with one that faces the provider, and compares.
macro_rules! same_bytes {
    ($call:expr) => {
        let capture = Capture::start().await;
        let call = $call;
        call(None, capture.url("")).await;
        let bare = capture.take();
        assert_eq!(bare.len(), 1);
        let (layer, records) = Records::layer();
        call(Some(layer.clone()), capture.url("")).await;
        assert_eq!(capture.take(), bare);
        call(Some(layer.faces_provider(true)), capture.url("")).await;
        assert_eq!(capture.take(), without_helicone(&bare));
        records.are(2);
    };
}

#[tokio::test]
async fn reqwest_middleware_sends_the_same() {
    same_bytes!(async |layer: Option<UserMetricsLayer>, base: String| {
        let builder = reqwest_middleware::ClientBuilder::new(client());
        let client = match layer {
            Some(layer) => builder.with(layer).build(),
            None => builder.build(),
        };
        let request = client.post(base + PATH).header("X-Zebra", "1").header("Helicone-User-Id", "alice");
        request.json(&json!({ "model": "gpt-5-mini" })).send().await.unwrap().bytes().await.unwrap();
    });
}

/// The way of reqwest-middleware 0.4, which is made for reqwest 0.12: a middleware of one's own puts the layer around the rest.
struct Metered(UserMetricsLayer);

#[async_trait::async_trait]
impl reqwest_middleware04::Middleware for Metered {
    async fn handle(
        &self,
        request: reqwest012::Request,
        extensions: &mut http::Extensions,
        next: reqwest_middleware04::Next<'_>,
    ) -> reqwest_middleware04::Result<reqwest012::Response> {
        let rest = service_fn(|request| {
            let (next, mut extensions) = (next.clone(), extensions.clone());
            async move { next.run(request, &mut extensions).await }
        });
        self.0.layer(rest).oneshot(request).await
    }
}

#[tokio::test]
async fn reqwest_middleware_04_sends_the_same() {
    same_bytes!(async |layer: Option<UserMetricsLayer>, base: String| {
        let client = reqwest012::Client::builder().no_proxy().build().unwrap();
        let builder = reqwest_middleware04::ClientBuilder::new(client);
        let client = match layer {
            Some(layer) => builder.with(Metered(layer)).build(),
            None => builder.build(),
        };
        let request = client.post(base + PATH).header("X-Zebra", "1").header("Helicone-User-Id", "alice");
        request.json(&json!({ "model": "gpt-5-mini" })).send().await.unwrap().bytes().await.unwrap();
    });
}

#[tokio::test]
async fn async_openai_sends_the_same() {
    same_bytes!(async |layer: Option<UserMetricsLayer>, base: String| {
        let config = OpenAIConfig::new().with_api_base(base + "/v1").with_api_key("key");
        let config = config.with_header("Helicone-User-Id", "alice").unwrap();
        let openai = async_openai::Client::with_config(config);
        let openai = match layer {
            Some(layer) => {
                let metered = layer.layer(client());
                openai.with_http_service(service_fn(move |factory: HttpRequestFactory| {
                    let metered = metered.clone();
                    async move { metered.oneshot(factory.build().await?).await.map_err(OpenAIError::Reqwest) }
                }))
            }
            None => openai.with_http_service(ReqwestService::new(client())),
        };
        let message = async_openai::types::chat::ChatCompletionRequestUserMessageArgs::default()
            .content("Hello")
            .build()
            .unwrap();
        let request = async_openai::types::chat::CreateChatCompletionRequestArgs::default()
            .model("gpt-5-mini")
            .messages([message.into()])
            .build()
            .unwrap();
        openai.chat().create(request).await.unwrap();
    });
}

#[tokio::test]
async fn rig_sends_the_same() {
    same_bytes!(async |layer: Option<UserMetricsLayer>, base: String| {
        let builder = reqwest_middleware::ClientBuilder::new(client());
        let client = match layer {
            Some(layer) => builder.with(layer).build(),
            None => builder.build(),
        };
        let config = rig_core::providers::openai::OpenAIConfig::new("key").with_base_url(base + "/v1");
        let model = config.connect(ReqwestMiddlewareClient::from(client)).chat("gpt-5-mini");
        model
            .call(CompletionRequest::new("Hello").additional_params(json!({ "user": "alice" })))
            .await
            .unwrap();
    });
}
