//! What goes through the layer arrives as if the layer were not there.

use crate::support::{Records, Script, ScriptError, Seen, read, script};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use proptest::prelude::*;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tower::{Layer, Service, service_fn};
use tower_llm_metrics::{RequestBody, UserMetricsLayer};

const REQUESTS: &[&str] = &[
    r#"{"model":"gpt-5-mini","user":"alice","messages":[{"role":"user","content":"say \"user\":\"mallory\""}]}"#,
    r#"{"model":"claude-sonnet-4-5","metadata":{"user_id":"bob"},"stream":true,"messages":[]}"#,
    r#"{"user":"carol",}"#,
    "",
];

const RESPONSES: &[&str] = &[
    r#"{"model":"gpt-5-mini","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}"#,
    "data: {\"model\":\"gpt-5-mini\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n",
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    "",
];

/// The result of a future that is ready at once.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is ready at once"),
    }
}

/// A call as it is going to happen.
#[derive(Clone, Debug)]
struct Plan {
    method: Method,
    upload: Script,
    upload_polls: usize,
    answer: Result<(StatusCode, Script), ScriptError>,
    download_polls: usize,
}

/// What both ends of a call saw.
#[derive(Debug, PartialEq)]
struct Call {
    upload: Vec<Seen>,
    answer: Result<(StatusCode, Vec<Seen>), ScriptError>,
}

impl Plan {
    /// A service that reads the request as planned, notes what it sees, and answers as planned.
    fn service<B>(
        &self,
        seen: &Arc<Mutex<Vec<Seen>>>,
    ) -> impl Service<Request<B>, Response = Response<Script>, Error = ScriptError>
    where
        B: Body<Data = Bytes, Error = ScriptError>,
    {
        let (plan, seen) = (self.clone(), Arc::clone(seen));
        service_fn(move |request: Request<B>| {
            seen.lock().unwrap().extend(read(request.into_body(), plan.upload_polls));
            ready(plan.answer.clone().map(|(status, body)| {
                let mut response = Response::new(body);
                *response.status_mut() = status;
                response
            }))
        })
    }

    fn request(&self) -> Request<Script> {
        let uri = match self.method {
            Method::CONNECT => "api.openai.com:443",
            _ => "https://api.openai.com/v1/chat/completions",
        };
        Request::builder().method(self.method.clone()).uri(uri).body(self.upload.clone()).unwrap()
    }

    fn run<S, R>(&self, mut service: S, seen: &Mutex<Vec<Seen>>) -> Call
    where
        S: Service<Request<Script>, Response = Response<R>, Error = ScriptError>,
        R: Body<Data = Bytes, Error = ScriptError>,
    {
        let answer = now(service.call(self.request()));
        let answer =
            answer.map(|response| (response.status(), read(response.into_body(), self.download_polls)));
        Call { upload: std::mem::take(&mut seen.lock().unwrap()), answer }
    }

    fn bare(&self) -> Call {
        let seen = Arc::default();
        self.run(self.service(&seen), &seen)
    }

    fn layered(&self, layer: &UserMetricsLayer) -> Call {
        let seen = Arc::default();
        self.run(layer.layer(self.service(&seen)), &seen)
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let statuses = proptest::sample::select(vec![101u16, 200, 200, 200, 204, 304, 404, 500]);
    let methods = proptest::sample::select(vec![
        Method::POST,
        Method::POST,
        Method::GET,
        Method::HEAD,
        Method::CONNECT,
    ]);
    let answer = prop_oneof![
        9 => (statuses, script(RESPONSES)).prop_map(|(status, body)| Ok((StatusCode::from_u16(status).unwrap(), body))),
        1 => (1u8..).prop_map(|code| Err(ScriptError(code))),
    ];
    (methods, script(REQUESTS), 0usize..24, answer, 0usize..24).prop_map(
        |(method, upload, upload_polls, answer, download_polls)| Plan {
            method,
            upload,
            upload_polls,
            answer,
            download_polls,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn both_directions_arrive_frame_for_frame_and_every_call_leaves_one_record(plan in plans()) {
        let (layer, records) = Records::layer();
        prop_assert_eq!(plan.layered(&layer), plan.bare());
        records.only();
        prop_assert_eq!((layer.in_flight(), layer.panics()), (0, 0));
    }

    #[test]
    fn what_is_not_metered_arrives_frame_for_frame_and_leaves_no_record(plan in plans()) {
        let (layer, records) = Records::layer();
        prop_assert_eq!(plan.layered(&layer.filter(|_| false)), plan.bare());
        prop_assert!(records.all().is_empty());
    }
}

#[test]
fn heads_extensions_and_the_error_value_pass() {
    #[derive(Clone, Debug, PartialEq)]
    struct Marker(u8);

    let (layer, _records) = Records::layer();
    let service = service_fn(|request: Request<RequestBody<Script>>| {
        assert_eq!(request.extensions().get::<Marker>(), Some(&Marker(1)));
        assert_eq!(request.headers()["helicone-user-id"], "alice");
        assert_eq!(request.version(), http::Version::HTTP_2);
        let mut response = Response::new(Script::default());
        response.extensions_mut().insert(Marker(2));
        response.headers_mut().insert("x-answer", "42".parse().unwrap());
        ready(Ok::<_, ScriptError>(response))
    });
    let mut request = Request::new(Script::default());
    *request.version_mut() = http::Version::HTTP_2;
    request.headers_mut().insert("helicone-user-id", "alice".parse().unwrap());
    request.extensions_mut().insert(Marker(1));
    let response = now(layer.layer(service).call(request)).unwrap();
    assert_eq!(response.extensions().get::<Marker>(), Some(&Marker(2)));
    assert_eq!(response.headers()["x-answer"], "42");
}

#[test]
fn readiness_and_its_error_are_the_inner_services() {
    struct NeverReady;
    impl Service<Request<RequestBody<Script>>> for NeverReady {
        type Response = Response<Script>;
        type Error = ScriptError;
        type Future = Ready<Result<Self::Response, ScriptError>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ScriptError>> {
            Poll::Ready(Err(ScriptError(7)))
        }
        fn call(&mut self, _: Request<RequestBody<Script>>) -> Self::Future {
            unreachable!("it is never ready")
        }
    }
    let (layer, records) = Records::layer();
    let mut service = layer.layer(NeverReady);
    let readiness =
        Service::<Request<Script>>::poll_ready(&mut service, &mut Context::from_waker(Waker::noop()));
    assert_eq!(readiness, Poll::Ready(Err(ScriptError(7))));
    assert!(records.all().is_empty(), "a call that was not dispatched leaves no record");
}

#[test]
fn data_in_several_pieces_is_read_whole() {
    use bytes::Buf;
    use http_body_util::BodyExt;

    let (layer, records) = Records::layer();
    let service = layer.layer(service_fn(|request: Request<RequestBody<_>>| {
        let body = now(BodyExt::collect(request.into_body())).map(http_body_util::Collected::to_bytes);
        ready(body.map(|body| Response::new(Script::of([body]))))
    }));
    let pieces = |frame: Bytes| frame.slice(..5).chain(frame.slice(5..));
    let body = Script::of([r#"{"user":"alice","model":"m"}"#]).map_frame(move |frame| frame.map_data(pieces));
    let mut service = service;
    let response = now(service.call(Request::new(body))).unwrap();
    let echoed = now(response.into_body().collect()).unwrap().to_bytes();
    assert_eq!(echoed, r#"{"user":"alice","model":"m"}"#);
    assert_eq!(records.only().user_id().unwrap().as_str(), "alice");
}
