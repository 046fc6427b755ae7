//! How often a call asks for memory.

use allocation_counter::measure;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tower::{Layer, Service, service_fn};
use tower_llm_metrics::{MemorySink, RequestBody, UserMetricsLayer};

fn read<B: Body>(body: B) {
    let mut body = pin!(body);
    while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop())) {}
}

/// Answers with `answer`, when the request has been read.
fn answering<B: Body>(
    content_type: &'static str,
    answer: &Bytes,
) -> impl Service<Request<B>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Unpin> {
    let answer = answer.clone();
    service_fn(move |request: Request<B>| {
        read(request.into_body());
        let response = Response::builder().header("content-type", content_type);
        ready(Ok::<_, Infallible>(response.body(Full::new(answer.clone())).unwrap()))
    })
}

fn request(user: Option<&str>, body: &Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::post("https://api.openai.com/v1/chat/completions");
    if let Some(user) = user {
        request = request.header("helicone-user-id", user);
    }
    request.body(Full::new(body.clone())).unwrap()
}

/// Makes a call; how often memory was asked for.
fn allocations<S, R>(service: &mut S, request: Request<Full<Bytes>>) -> u64
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>>,
    R: Body,
{
    let mut request = Some(request);
    let call = measure(|| {
        let mut call = pin!(service.call(request.take().unwrap()));
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(response)) => read(response.into_body()),
            _ => panic!("the answer is at hand"),
        }
    });
    call.count_total
}

/// How often a call with the layer and a store asks for memory beyond the same call without, once the store is full.
fn more(user: Option<&str>, body: &str, content_type: &'static str, answer: &str) -> u64 {
    more_of(&layer().faces_provider(false), user, body, content_type, answer)
}

fn layer() -> UserMetricsLayer {
    UserMetricsLayer::new(MemorySink::builder().recent(32).build())
}

fn more_of(
    layer: &UserMetricsLayer,
    user: Option<&str>,
    body: &str,
    content_type: &'static str,
    answer: &str,
) -> u64 {
    let (body, answer) = (Bytes::from(body.to_owned()), Bytes::from(answer.to_owned()));
    let mut metered = layer.layer(answering::<RequestBody<Full<Bytes>>>(content_type, &answer));
    for _ in 0..200 {
        allocations(&mut metered, request(user, &body));
    }
    let bare = allocations(&mut answering::<Full<Bytes>>(content_type, &answer), request(user, &body));
    allocations(&mut metered, request(user, &body)) - bare
}

#[test]
fn a_call_allocates_for_itself_its_usage_and_its_user_and_nothing_for_an_event() {
    let prose = "The quick brown fox jumps over the lazy dog. ".repeat(20);
    let ask = |user: &str| format!(r#"{{"model":"gpt-5-mini","messages":[{{"content":"{prose}"}}]{user}}}"#);
    let answer = format!(
        r#"{{"id":"c-1","object":"chat.completion","model":"gpt-5-mini-2025-08-07","choices":[{{"message":{{"content":"{prose}"}}}}],"usage":{{"prompt_tokens":130,"completion_tokens":150,"total_tokens":280}}}}"#
    );
    assert!(more(Some("alice"), &ask(""), "application/json", &answer) <= 2, "the user in the header");
    assert!(more(None, &ask(r#","user":"bob""#), "application/json", &answer) <= 3, "the user in the body");

    // The header is taken out and passed on to layers within: a list, and three for the extensions.
    let taken_out = more_of(&layer(), Some("alice"), &ask(""), "application/json", &answer);
    assert!(taken_out <= 6, "the user in a header that the provider does not get: {taken_out}");

    let stream = |count: usize| {
        let event = r#"data: {"id":"c-1","object":"chat.completion.chunk","model":"gpt-5-mini","choices":[{"delta":{"content":"word"}}],"usage":null}"#;
        let usage =
            r#"data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":98,"total_tokens":107}}"#;
        format!("{}{usage}\n\ndata: [DONE]\n\n", format!("{event}\n\n").repeat(count))
    };
    let of_stream =
        |count| more(Some("alice"), &ask(r#","stream":true"#), "text/event-stream", &stream(count));
    assert_eq!(of_stream(10), of_stream(1000));
    assert!(of_stream(1000) <= 4);
}
