//! The bytes on the wire are the same with the layer and without: heads in their order and spelling, framing, lengths.

use crate::capture::{Capture, Tap, raw};
use crate::support::{Records, Script, Step};
use crate::upstream;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::{any, get};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Version};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use tower::{Layer, ServiceExt};
use tower_llm_metrics::{HeadersOnlyLayer, UserMetricsLayer};

const BODY: &str = r#"{"model":"gpt-5-mini","user":"alice","messages":[]}"#;

/// A request with heads in an order of their own, repeated and not only of ASCII.
fn request<B>(method: Method, url: &str, body: B) -> Request<B> {
    let mut request = Request::builder().method(method).uri(url).body(body).unwrap();
    let headers = request.headers_mut();
    for (name, value) in [
        ("x-zebra", "1"),
        ("helicone-user-id", "\"alice\""),
        ("authorization", "Bearer key"),
        ("x-twice", "a"),
        ("accept", "*/*"),
        ("helicone-property-team", "search"),
        ("x-twice", "b"),
        ("content-type", "application/json"),
        ("x-apple", "last"),
    ] {
        headers.append(name, HeaderValue::from_static(value));
    }
    headers.insert("x-latin", HeaderValue::from_bytes(b"zo\xeb").unwrap());
    request
}

fn whole() -> Full<Bytes> {
    Full::from(BODY)
}

fn in_pieces() -> Script {
    Script { sized: false, ..Script::chunked(BODY.as_bytes(), 7) }
}

/// The builders of hyper-util's client: heads in lower case, and in title case.
fn builders() -> [Builder; 2] {
    let plain = Client::builder(TokioExecutor::new());
    let mut titled = plain.clone();
    titled.http1_title_case_headers(true);
    [plain, titled]
}

/// Sends the same request by a bare client and by one under each of the two layers, and compares what comes.
macro_rules! same_bytes {
    ($capture:ident, $what:expr, $request:expr) => {
        for builder in builders() {
            let (layer, records) = Records::layer();
            let bare: Client<HttpConnector, _> = builder.build_http();
            bare.oneshot($request).await.unwrap().into_body().collect().await.unwrap();
            let bare = $capture.take();
            assert_eq!(bare.len(), 1);

            let layered: Client<HttpConnector, _> = builder.build_http();
            layer.layer(layered).oneshot($request).await.unwrap().into_body().collect().await.unwrap();
            assert_eq!($capture.take(), bare, "{}", $what);

            let layered: Client<HttpConnector, _> = builder.build_http();
            let layer = HeadersOnlyLayer::new(layer);
            layer.layer(layered).oneshot($request).await.unwrap().into_body().collect().await.unwrap();
            assert_eq!($capture.take(), bare, "{}, by its head only", $what);
            assert_eq!(records.all().len(), 2);
        }
    };
}

#[tokio::test]
async fn requests_of_hypers_client_are_the_same() {
    let capture = Capture::start().await;
    let url = capture.url("/v1/chat/completions?a=%20b");
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        same_bytes!(capture, "in memory", request(method.clone(), &url, whole()));
        same_bytes!(capture, "empty", request(method.clone(), &url, Full::<Bytes>::default()));
    }
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST] {
        same_bytes!(capture, "without a body", request(method.clone(), &url, Empty::<Bytes>::new()));
    }
    same_bytes!(capture, "in chunks", request(Method::POST, &url, in_pieces()));
    same_bytes!(
        capture,
        "in pieces of a known length",
        request(Method::POST, &url, Script::chunked(BODY.as_bytes(), 7))
    );
    same_bytes!(capture, "an end told late", {
        let body = Script { tells_end: false, ..Script::chunked(BODY.as_bytes(), 7) };
        request(Method::POST, &url, body)
    });
    same_bytes!(capture, "trailers", {
        let mut request = request(Method::POST, &url, in_pieces().then(Step::Trailers));
        request.headers_mut().insert("trailer", HeaderValue::from_static("x-checksum"));
        request
    });
    same_bytes!(capture, "a length of the caller's", {
        let mut request = request(Method::POST, &url, in_pieces());
        request.headers_mut().insert("content-length", HeaderValue::from(BODY.len()));
        request
    });
    same_bytes!(capture, "a host of the caller's", {
        let mut request = request(Method::POST, &url, whole());
        request.headers_mut().insert("host", HeaderValue::from_static("api.openai.com"));
        request
    });
    same_bytes!(capture, "HTTP/1.0", {
        let mut request = request(Method::POST, &url, whole());
        *request.version_mut() = Version::HTTP_10;
        request
    });
}

fn without_helicone(requests: Vec<String>) -> Vec<String> {
    let for_us = |line: &&str| line.to_ascii_lowercase().starts_with("helicone-");
    let kept = |request: String| request.split_inclusive("\r\n").filter(|line| !for_us(line)).collect();
    requests.into_iter().map(kept).collect()
}

#[tokio::test]
async fn only_helicone_headers_are_missing_where_that_was_asked_for() {
    let capture = Capture::start().await;
    let url = capture.url("/v1/chat/completions");
    for builder in builders() {
        let (layer, _records) = Records::layer();
        let bare: Client<HttpConnector, _> = builder.build_http();
        bare.oneshot(request(Method::POST, &url, whole())).await.unwrap();
        let bare = capture.take();
        let expected = without_helicone(bare.clone());
        assert_ne!(expected, bare);
        let client: Client<HttpConnector, _> = builder.build_http();
        let layered = layer.faces_provider(true).layer(client);
        layered.oneshot(request(Method::POST, &url, whole())).await.unwrap();
        assert_eq!(capture.take(), expected);
    }
}

/// A reverse proxy that keeps the spelling of heads, as hyper can.
async fn reverse_proxy(upstream: SocketAddr, layer: Option<UserMetricsLayer>) -> SocketAddr {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.http1_preserve_header_case(true);
    let to_upstream = move |mut request: Request<hyper::body::Incoming>| {
        let path = request.uri().path_and_query().unwrap().to_string();
        *request.uri_mut() = format!("http://{upstream}{path}").parse().unwrap();
        request
    };
    let service = match layer {
        Some(layer) => {
            let client: Client<HttpConnector, _> = builder.build_http();
            let service = layer.layer(client).map_request(to_upstream);
            tower::util::BoxCloneService::new(service.map_response(|response| response.map(Body::new)))
        }
        None => {
            let client: Client<HttpConnector, hyper::body::Incoming> = builder.build_http();
            let service = client.map_request(to_upstream);
            tower::util::BoxCloneService::new(service.map_response(|response| response.map(Body::new)))
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let service = hyper_util::service::TowerToHyperService::new(service.clone());
            let mut server = hyper::server::conn::http1::Builder::new();
            server.preserve_header_case(true);
            tokio::spawn(server.serve_connection(TokioIo::new(connection), service));
        }
    });
    address
}

/// Heads as different clients spell and order them, with the host and the key last.
const SPELLINGS: [&str; 3] = [
    "Accept: application/json\r\nContent-Type: application/json\r\nUser-Agent: OpenAI/Python 1.0\r\nX-Stainless-Lang: python\r\nHelicone-User-Id: \"alice\"\r\nAuthorization: Bearer key\r\nHost: api\r\n",
    "host: api\r\nX-STAINLESS-lang: js\r\nHELICONE-USER-ID: alice\r\nx-Twice: a\r\nX-tWICE: b\r\ncontent-type: application/json\r\n",
    "Host: api\r\nHelicone-Property-Team: a\r\nX-A: 1\r\nHelicone-Property-App: b\r\nX-B: 2\r\nx-a: 3\r\nHelicone-Auth: Bearer k\r\nX-C: 4\r\n",
];

#[tokio::test]
async fn requests_through_a_reverse_proxy_are_the_same_in_spelling_and_order() {
    let capture = Capture::start().await;
    let bare = reverse_proxy(capture.address, None).await;
    let (layer, records) = Records::layer();
    let layered = reverse_proxy(capture.address, Some(layer.clone())).await;
    let facing = reverse_proxy(capture.address, Some(layer.faces_provider(true))).await;
    let chunks = format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len());
    for spelling in SPELLINGS {
        for (framing, body) in [
            (format!("content-length: {}\r\n", BODY.len()), BODY.to_owned()),
            ("Transfer-Encoding: chunked\r\n".to_owned(), chunks.clone()),
        ] {
            let request = format!(
                "POST /v1/chat/completions HTTP/1.1\r\n{spelling}{framing}Connection: close\r\n\r\n{body}"
            );
            let answer = raw(bare, request.as_bytes()).await;
            let at_upstream = capture.take();
            assert!(at_upstream[0].contains(spelling.lines().next().unwrap()), "{at_upstream:?}");

            assert_eq!(raw(layered, request.as_bytes()).await, answer);
            assert_eq!(capture.take(), at_upstream);
            assert_eq!(raw(facing, request.as_bytes()).await, answer);
            assert_eq!(capture.take(), without_helicone(at_upstream));
        }
    }
    assert_eq!(records.all().len(), 12);
}

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn answers_of_a_server_are_the_same() {
    let router = upstream::router()
        .route("/empty", get(async || StatusCode::NO_CONTENT))
        .route("/unchanged", get(async || StatusCode::NOT_MODIFIED))
        .route("/text", get(async || "text"))
        .route(
            "/trailers",
            get(async || {
                let body = in_pieces().then(Step::Trailers);
                Response::builder().header("trailer", "x-checksum").body(Body::new(body)).unwrap()
            }),
        )
        .route("/sized", any(async || Response::new(Body::new(Script::chunked(BODY.as_bytes(), 7)))));
    let bare = serve(router.clone()).await;
    let (layer, records) = Records::layer();
    let layered = serve(router.layer(layer)).await;
    let post = |path: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let get = |method: &str, path: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: close\r\n\r\n")
    };
    let stream = r#"{"model":"gpt-5-mini","stream":true,"messages":[]}"#;
    let requests = [
        post("/v1/chat/completions", BODY),
        post("/v1/chat/completions", stream),
        post("/v1/messages", stream),
        post("/v1/chat/completions", "no JSON"),
        post("/v1/chat/completions", r#"{"model":"no-such-model"}"#),
        get("GET", "/empty"),
        get("GET", "/unchanged"),
        get("GET", "/text"),
        get("HEAD", "/text"),
        get("GET", "/trailers"),
        get("GET", "/sized"),
        get("HEAD", "/sized"),
        get("GET", "/not-there"),
        "GET /text HTTP/1.0\r\n\r\n".to_owned(),
    ];
    for request in &requests {
        let answer = raw(bare, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1."), "{answer}");
        assert_eq!(raw(layered, request.as_bytes()).await, answer, "{request}");
    }
    assert_eq!(records.all().len(), requests.len());
}

#[tokio::test]
async fn frames_of_http_2_are_the_same() {
    let collect = any(|request: Request<Body>| async {
        request.into_body().collect().await.unwrap();
        "{}"
    });
    let server = serve(Router::new().fallback(collect)).await;
    let tap = Tap::before(server).await;
    let url = format!("http://{}/v1/chat/completions", tap.address);
    macro_rules! same_frames {
        ($request:expr) => {{
            let builder = || {
                let mut builder = Client::builder(TokioExecutor::new());
                builder.http2_only(true);
                builder
            };
            let (layer, records) = Records::layer();
            let bare: Client<HttpConnector, _> = builder().build_http();
            bare.oneshot($request).await.unwrap().into_body().collect().await.unwrap();
            let bare = tap.take();
            assert!(!bare.is_empty());
            let client: Client<HttpConnector, _> = builder().build_http();
            layer.layer(client).oneshot($request).await.unwrap().into_body().collect().await.unwrap();
            assert_eq!(tap.take(), bare);
            records.only();
        }};
    }
    same_frames!(request(Method::POST, &url, whole()));
    same_frames!(request(Method::POST, &url, in_pieces()));
    same_frames!(request(Method::POST, &url, in_pieces().then(Step::Trailers)));
    same_frames!(request(Method::GET, &url, Empty::<Bytes>::new()));
}
