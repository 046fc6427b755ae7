//! The meter's memory does not depend on the size of what passes.

use crate::support::Records;
use allocation_counter::measure;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use std::convert::Infallible;
use std::future::ready;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tower::{Layer, Service, service_fn};
use tower_llm_metrics::RequestBody;

const FRAME: usize = 16 * 1024;
const LIMIT: u64 = 64 * 1024;

/// A body of `head`, then `filler` over and over for about `size` bytes, then `tail`. Its frames are made before anything is
/// measured.
struct Huge {
    head: Option<Bytes>,
    filler: Bytes,
    left: usize,
    tail: Option<Bytes>,
}

impl Huge {
    fn new(head: &'static str, filler: &str, tail: &'static str, size: usize) -> Self {
        let filler = Bytes::from(filler.repeat(FRAME / filler.len()));
        let left = size / filler.len();
        Self { head: Some(head.into()), filler, left, tail: Some(tail.into()) }
    }
}

impl Body for Huge {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match self.head.take() {
            Some(head) => Some(head),
            None if self.left > 0 => {
                self.left -= 1;
                Some(self.filler.clone())
            }
            None => self.tail.take(),
        };
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }
}

/// Reads a body to its end and returns how far the heap grew meanwhile.
fn drain(body: impl Body<Data = Bytes, Error = Infallible>) -> u64 {
    let mut body = pin!(body);
    let mut context = Context::from_waker(Waker::noop());
    let read = measure(|| while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut context) {});
    read.bytes_max
}

/// The growth of the heap while a request and an answer of about `size` bytes pass.
fn growth(request: Huge, answer: Huge) -> (u64, tower_llm_metrics::Record) {
    let (layer, records) = Records::layer();
    let mut answer = Some(answer);
    let mut uploaded = 0;
    let mut request = Some(request);
    let mut response = None;
    let open = measure(|| {
        let mut service = layer.layer(service_fn(|request: Request<RequestBody<Huge>>| {
            uploaded = drain(request.into_body());
            ready(Ok::<_, Infallible>(Response::new(answer.take().unwrap())))
        }));
        let request =
            Request::post("https://api.openai.com/v1/chat/completions").body(request.take().unwrap());
        let mut future = pin!(service.call(request.unwrap()));
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(answer)) => response = Some(answer),
            _ => panic!("the service is ready at once"),
        }
    });
    let open = u64::try_from(open.bytes_current).unwrap_or(0);
    let downloaded = drain(response.unwrap().into_body());
    (open + uploaded.max(downloaded), records.only())
}

const HUNDRED_MEGABYTES: usize = 100 << 20;

#[test]
fn a_hundred_megabytes_pass_each_way_within_64_kilobytes() {
    let text = r#"some text with \"user\": \"mallory\" and \\ in it, "#;
    for (name, filler) in [("one string", text), ("base64", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo")] {
        for size in [1 << 20, HUNDRED_MEGABYTES] {
            let request = Huge::new(
                r#"{"messages":[{"content":""#,
                filler,
                r#""}],"user":"alice","model":"gpt-5-mini"}"#,
                size,
            );
            let answer = Huge::new(
                r#"{"choices":[{"message":{"content":""#,
                filler,
                r#""}}],"model":"gpt-5-mini","usage":{"prompt_tokens":3,"completion_tokens":5}}"#,
                size,
            );
            let (grown, record) = growth(request, answer);
            assert!(grown < LIMIT, "{name} of {size} bytes: {grown} bytes");
            assert_eq!(record.user_id().map(AsRef::as_ref), Some("alice"), "{name}");
            assert_eq!(record.usage.output_tokens, Some(5), "{name}");
        }
    }

    let nested = Huge::new("", "[", "", HUNDRED_MEGABYTES);
    let keys = Huge::new("{", r#""k":{"usage":1},"#, "}", HUNDRED_MEGABYTES);
    assert!(growth(nested, keys).0 < LIMIT, "nesting and keys");

    let user = Huge::new(r#"{"user":""#, "x", r#""}"#, HUNDRED_MEGABYTES);
    let usage = Huge::new(r#"{"usage":{"prompt_tokens":1"#, r#","k":1"#, "}}", HUNDRED_MEGABYTES);
    let (grown, record) = growth(user, usage);
    assert!(grown < LIMIT, "a huge user and a huge usage: {grown} bytes");
    assert_eq!(record.user_issue.map(tower_llm_metrics::record::UserIssue::as_str), Some("too_long"));
    assert_eq!(record.usage_reason.map(tower_llm_metrics::record::UsageReason::as_str), Some("too_large"));

    let events = Huge::new(
        "data: {\"model\":\"m\"}\n\n",
        "data: {\"choices\":[]}\n\n",
        "data: [DONE]\n\n",
        HUNDRED_MEGABYTES,
    );
    let line = Huge::new("data: ", "x", "\n\n", HUNDRED_MEGABYTES);
    assert!(growth(Huge::new("", " ", "", 0), events).0 < LIMIT, "many events");
    assert!(growth(Huge::new("", " ", "", 0), line).0 < LIMIT, "one event without an end");
}
