//! The bytes that a reqwest client sends, with the layer and without: `use reqwest;` stands in the test above.

use super::support::capture::{Capture, Tap};
use super::support::{PATH, Records, without_helicone};
use super::{SendThrough, reqwest};
use axum::Router;
use axum::body::Bytes;
use reqwest::{Client, ClientBuilder, RequestBuilder};
use serde_json::json;
use std::time::Duration;
use tower::Layer;

/// Requests of each kind, with heads in an order of their own.
fn requests(client: &Client, base: &str) -> Vec<RequestBuilder> {
    let url = format!("{base}{PATH}");
    let body = json!({ "model": "gpt-5-mini", "messages": [{ "role": "user", "content": "Hello" }] });
    const PIECES: [&str; 3] = ["{\"model\":\"gpt-5-mini\",", "\"messages\":", "[]}"];
    let pieces = || {
        let pieces = PIECES.map(Ok::<_, std::io::Error>);
        reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))
    };
    let requests = [
        client.post(&url).json(&body),
        client.post(&url).bearer_auth("key").body(body.to_string()),
        client.post(&url).body(pieces()),
        client.put(&url).header("content-length", PIECES.concat().len()).body(pieces()),
        client.post(&url).basic_auth("user", Some("password")).body(""),
        client.get(format!("{base}/v1/models?limit=%20&x=1")),
        client.head(&url),
        client.post(&url),
        client.delete(&url).timeout(Duration::from_secs(60)),
    ];
    let heads = |request: RequestBuilder| {
        request
            .header("X-Zebra", "1")
            .header("Helicone-User-Id", "\"alice\"")
            .header("x-twice", "a")
            .header("Helicone-Property-Team", "search")
            .header("X-Twice", "b")
            .header("x-apple", "last")
    };
    requests.into_iter().map(heads).collect()
}

fn plain() -> ClientBuilder {
    Client::builder().no_proxy()
}

/// Heads in lower case, heads in title case, and heads by default.
fn builders() -> [fn() -> ClientBuilder; 3] {
    [
        plain,
        || plain().http1_title_case_headers(),
        || {
            let mut headers = reqwest::header::HeaderMap::new();
            headers.insert("x-default", reqwest::header::HeaderValue::from_static("1"));
            plain().user_agent("test").default_headers(headers)
        },
    ]
}

#[tokio::test]
async fn requests_are_the_same() {
    let capture = Capture::start().await;
    let (layer, records) = Records::layer();
    let facing = layer.clone().faces_provider(true);
    let kinds = requests(&Client::new(), "http://localhost").len();
    for builder in builders() {
        for kind in 0..kinds {
            let request = |client: &Client| requests(client, &capture.url("")).remove(kind);
            let client = builder().build().unwrap();
            request(&client).send().await.unwrap().bytes().await.unwrap();
            let bare = capture.take();
            assert_eq!(bare.len(), 1);

            for (layer, expected) in [(&layer, bare.clone()), (&facing, without_helicone(&bare))] {
                let client = builder().build().unwrap();
                let service = layer.layer(client.clone());
                request(&client).send_through(&service).await.unwrap().bytes().await.unwrap();
                assert_eq!(capture.take(), expected);
            }
        }
    }
    records.are(2 * 3 * kinds);
}

#[tokio::test]
async fn redirects_are_the_same() {
    let capture = Capture::start().await;
    let (layer, records) = Records::layer();
    let body = json!({ "model": "gpt-5-mini", "user": "alice" });
    let client = plain().build().unwrap();
    let request = |client: &Client| client.post(capture.url("/moved")).json(&body);
    request(&client).send().await.unwrap().bytes().await.unwrap();
    let bare = capture.take();
    assert_eq!(bare.len(), 2, "the redirect sends the body again");

    let client = plain().build().unwrap();
    let service = layer.layer(client.clone());
    let answer = request(&client).send_through(&service).await.unwrap();
    assert_eq!(answer.url().path(), PATH);
    answer.bytes().await.unwrap();
    assert_eq!(capture.take(), bare);
    records.are(1);
}

#[tokio::test]
async fn frames_of_http_2_are_the_same() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let router = Router::new().fallback(async |_: Bytes| "{}");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let tap = Tap::before(server).await;
    let base = format!("http://{}", tap.address);
    let (layer, records) = Records::layer();
    let kinds = requests(&Client::new(), &base).len();
    for kind in 0..kinds {
        let request = |client: &Client| requests(client, &base).remove(kind);
        let client = plain().http2_prior_knowledge().build().unwrap();
        request(&client).send().await.unwrap().bytes().await.unwrap();
        let bare = tap.take();
        assert!(!bare.is_empty());

        let client = plain().http2_prior_knowledge().build().unwrap();
        let service = layer.layer(client.clone());
        request(&client).send_through(&service).await.unwrap().bytes().await.unwrap();
        assert_eq!(tap.take(), bare);
    }
    records.are(kinds);
}
