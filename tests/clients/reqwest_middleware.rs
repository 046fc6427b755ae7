//! The layer as a middleware of reqwest-middleware, against a real server.

use crate::support::Records;
use crate::upstream;
use http::Extensions;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};
use serde_json::json;
use tower_llm_metrics::{Outcome, User, UserId, UserMetricsLayer, UserSource};

fn body(stream: bool) -> String {
    let body = json!({
        "model": "gpt-5-mini", "messages": [{ "role": "user", "content": "hello" }], "user": "alice",
        "stream": stream, "stream_options": { "include_usage": true },
    });
    body.to_string()
}

fn client(layer: UserMetricsLayer) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new()).with(layer).build()
}

async fn chat_url() -> String {
    format!("http://{}/v1/chat/completions", upstream::start().await.unwrap())
}

/// Sends every request twice, as a middleware that retries does.
struct Twice;

#[async_trait::async_trait]
impl Middleware for Twice {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<reqwest::Response> {
        let again = request.try_clone().unwrap();
        next.clone().run(request, extensions).await?.bytes().await?;
        next.run(again, extensions).await
    }
}

#[tokio::test]
async fn a_call_is_sent_as_ever_and_metered() {
    let url = chat_url().await;
    let (layer, records) = Records::layer();
    let client = client(layer);
    for stream in [false, true] {
        let response = client.post(&url).body(body(stream)).send().await.unwrap();
        assert_eq!(response.url().as_str(), url);
        assert!(response.text().await.unwrap().contains("completion_tokens"));
    }
    for record in records.all() {
        assert_eq!(
            (record.user_id().map(AsRef::as_ref), record.outcome),
            (Some("alice"), Outcome::Completed)
        );
        assert!(record.usage.output_tokens.is_some());
    }
    assert_eq!(records.all().iter().map(|record| record.stream).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn a_user_in_the_extensions_is_verified() {
    let (layer, records) = Records::layer();
    let user = User::verified(UserId::new("carol").unwrap());
    let request = client(layer).post(chat_url().await).body(body(false)).with_extension(user);
    request.send().await.unwrap().bytes().await.unwrap();
    let user = records.only().user.unwrap();
    assert_eq!((user.id.as_str(), user.source), ("carol", UserSource::Verified));
}

#[tokio::test]
async fn before_a_retry_there_is_one_record_and_behind_it_one_for_each_attempt() {
    let url = chat_url().await;
    let (layer, records) = Records::layer();
    let before = ClientBuilder::new(reqwest::Client::new()).with(layer).with(Twice).build();
    before.post(&url).body(body(false)).send().await.unwrap().bytes().await.unwrap();
    records.only();

    let (layer, records) = Records::layer();
    let behind = ClientBuilder::new(reqwest::Client::new()).with(Twice).with(layer).build();
    behind.post(&url).body(body(false)).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(records.all().len(), 2);
    assert!(records.all().iter().all(|record| record.user_id().is_some()));
}

#[tokio::test]
async fn both_of_two_middlewares_see_the_caller_whom_the_provider_does_not_in_every_attempt() {
    let server = upstream::start().await.unwrap();
    let client = reqwest::Client::builder().resolve("api.openai.com", server).build().unwrap();
    /// The last one before the network.
    struct NoHelicone;
    #[async_trait::async_trait]
    impl Middleware for NoHelicone {
        async fn handle(
            &self,
            request: reqwest::Request,
            extensions: &mut Extensions,
            next: Next<'_>,
        ) -> Result<reqwest::Response> {
            assert!(!request.headers().keys().any(|name| name.as_str().starts_with("helicone-")));
            next.run(request, extensions).await
        }
    }
    let (outer, outer_records) = Records::layer();
    let (inner, inner_records) = Records::layer();
    let client = ClientBuilder::new(client).with(outer).with(Twice).with(inner).with(NoHelicone).build();
    let request = client
        .post(format!("http://api.openai.com:{}/v1/chat/completions", server.port()))
        .header("Helicone-User-Id", "carol")
        .header("Helicone-Property-Team", "search")
        .body(body(false));
    request.send().await.unwrap().bytes().await.unwrap();
    let records = [outer_records.all(), inner_records.all()].concat();
    assert_eq!(records.len(), 3);
    for record in records {
        assert_eq!(record.user_id().map(AsRef::as_ref), Some("carol"));
        assert_eq!(record.properties.get("team"), Some("search"));
    }
}

#[tokio::test]
async fn errors_of_the_transport_and_of_other_middleware_pass() {
    struct Refuses;
    #[async_trait::async_trait]
    impl Middleware for Refuses {
        async fn handle(
            &self,
            _: reqwest::Request,
            _: &mut Extensions,
            _: Next<'_>,
        ) -> Result<reqwest::Response> {
            Err(reqwest_middleware::Error::middleware(std::io::Error::other("refused")))
        }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/v1/chat/completions", listener.local_addr().unwrap());
    drop(listener);

    let (layer, records) = Records::layer();
    let error = client(layer.clone()).post(&nobody).body(body(false)).send().await.unwrap_err();
    assert!(error.is_connect());
    let refusing = ClientBuilder::new(reqwest::Client::new()).with(layer).with(Refuses).build();
    let error = refusing.post(&nobody).body(body(false)).send().await.unwrap_err();
    assert_eq!(error.to_string(), "refused");
    assert_eq!(records.all().iter().map(|record| record.outcome).collect::<Vec<_>>(), [Outcome::Broken; 2]);
}

#[tokio::test]
async fn a_call_that_is_dropped_before_its_answer_is_cancelled() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}/v1/chat/completions", listener.local_addr().unwrap());
    let (layer, records) = Records::layer();
    let client = client(layer);
    tokio::select! {
        _ = client.post(&silent).body(body(false)).send() => panic!("nobody answers"),
        accepted = listener.accept() => drop(accepted.unwrap()),
    }
    assert_eq!(records.only().outcome, Outcome::Cancelled);
}
