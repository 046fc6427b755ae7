//! Every ending of a call leaves exactly one record that says how it ended.

use crate::support::{Records, Script, ScriptError, Step};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use std::future::{Pending, pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tower::retry::{Policy, Retry};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_llm_metrics::record::{UsageReason, UsageState};
use tower_llm_metrics::{Cost, MetricsSink, Outcome, Record, RequestBody, UserMetricsLayer};

const REQUEST: &str =
    r#"{"model":"gpt-5-mini","user":"alice","stream":true,"stream_options":{"include_usage":true}}"#;

const CONTENT: &str =
    "data: {\"model\":\"gpt-5-mini\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n";
const USAGE: &str = "data: {\"model\":\"gpt-5-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5,\"total_tokens\":8}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn request() -> Request<Script> {
    Request::post("https://api.openai.com/v1/chat/completions").body(Script::of([REQUEST])).unwrap()
}

/// An answer that streams events.
fn stream(events: &[&'static str]) -> Response<Script> {
    let mut response =
        Response::new(Script { tells_end: false, sized: false, ..Script::of(events.iter().copied()) });
    response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
    response
}

/// Sends one request to a service that reads it and answers with `answer`; the caller reads `frames` frames of the answer.
async fn call(answer: Result<Response<Script>, ScriptError>, frames: usize) -> Record {
    let (layer, records) = Records::layer();
    let mut answer = Some(answer);
    let service = layer.layer(service_fn(move |request: Request<RequestBody<Script>>| {
        let answer = answer.take();
        async move {
            request.into_body().collect().await?;
            answer.unwrap()
        }
    }));
    if let Ok(response) = service.oneshot(request()).await {
        let mut body = response.into_body();
        for _ in 0..frames {
            if !matches!(body.frame().await, Some(Ok(_))) {
                break;
            }
        }
        assert_eq!(layer.in_flight(), usize::from(records.all().is_empty()));
        drop(body);
    }
    assert_eq!(layer.in_flight(), 0);
    records.only()
}

#[tokio::test]
async fn a_stream_read_to_its_end_is_completed() {
    let record = call(Ok(stream(&[CONTENT, USAGE, DONE])), 9).await;
    assert_eq!((record.outcome, record.usage_state), (Outcome::Completed, UsageState::Reported));
    assert_eq!((record.usage.input_tokens, record.usage.output_tokens), (Some(3), Some(5)));
    assert!(record.stream && record.first_token.is_some_and(|time| time <= record.latency));
    assert!(matches!(record.cost, Cost::Priced(_)));
}

#[tokio::test]
async fn a_drop_after_the_terminal_event_is_completed() {
    let record = call(Ok(stream(&[CONTENT, USAGE, DONE])), 3).await;
    assert_eq!((record.outcome, record.usage_state), (Outcome::Completed, UsageState::Reported));
}

#[tokio::test]
async fn a_drop_after_trailers_is_completed_whether_or_not_the_body_tells_its_end() {
    // No terminal event tells the end.
    for tells_end in [false, true] {
        let mut response = stream(&[CONTENT, USAGE]);
        response.body_mut().steps.push_back(Step::Trailers);
        response.body_mut().tells_end = tells_end;
        let record = call(Ok(response), 3).await;
        assert_eq!((record.outcome, record.usage_state), (Outcome::Completed, UsageState::Reported));
    }
}

#[tokio::test]
async fn an_error_after_trailers_is_broken() {
    let mut response = stream(&[CONTENT]);
    response.body_mut().steps.extend([Step::Trailers, Step::Error(1)]);
    assert_eq!(call(Ok(response), 9).await.outcome, Outcome::Broken);
}

#[tokio::test]
async fn a_drop_at_the_announced_length_is_completed_and_one_before_it_aborted() {
    for (sized, header) in [(true, None), (false, Some("8")), (true, Some("8"))] {
        for (frames, outcome) in
            [(0, Outcome::Aborted), (1, Outcome::Aborted), (2, Outcome::Completed), (3, Outcome::Completed)]
        {
            // Speech, in which nothing tells the end.
            let mut response =
                Response::new(Script { tells_end: false, sized, ..Script::of(["ID3\0", "\0\0\0\0"]) });
            response.headers_mut().insert("content-type", "audio/mpeg".parse().unwrap());
            if let Some(length) = header {
                response.headers_mut().insert("content-length", length.parse().unwrap());
            }
            assert_eq!(call(Ok(response), frames).await.outcome, outcome, "{sized} {header:?} {frames}");
        }
    }
}

#[tokio::test]
async fn a_request_that_fails_in_its_own_middle_is_the_caller_s_and_not_broken() {
    let failing = || {
        let body = Script { sized: false, ..Script::of([REQUEST]).then(Step::Error(1)) };
        Request::post("https://api.openai.com/v1/chat/completions").body(body).unwrap()
    };
    // Before the answer.
    let (layer, records) = Records::layer();
    let service = layer.layer(service_fn(|request: Request<RequestBody<Script>>| async {
        request.into_body().collect().await?;
        Ok::<_, ScriptError>(Response::new(Script::default()))
    }));
    service.oneshot(failing()).await.unwrap_err();
    let record = records.only();
    assert_eq!((record.outcome, record.status), (Outcome::Cancelled, None));
    assert_eq!(record.user_id().map(AsRef::as_ref), Some("alice"));

    // While the answer comes, as over HTTP/2.
    let (layer, records) = Records::layer();
    let service = layer.layer(service_fn(|request: Request<RequestBody<Script>>| async {
        request.into_body().collect().await.unwrap_err();
        let mut response = stream(&[CONTENT]);
        response.body_mut().steps.push_back(Step::Error(2));
        Ok::<_, ScriptError>(response)
    }));
    service.oneshot(failing()).await.unwrap().into_body().collect().await.unwrap_err();
    assert_eq!(records.only().outcome, Outcome::Aborted);
}

#[tokio::test]
async fn a_transport_that_fails_at_another_attempt_than_the_request_is_broken() {
    let (layer, records) = Records::layer();
    let service = layer.layer(service_fn(|request: Request<RequestBody<Script>>| async {
        let mut again = request.body().clone();
        request.into_body().collect().await.unwrap_err();
        again.frame().await.unwrap().unwrap();
        Err::<Response<Script>, _>(ScriptError(2))
    }));
    let body = Script::of([REQUEST]).then(Step::Error(1));
    let request = Request::post("https://api.openai.com/v1/chat/completions").body(body).unwrap();
    service.oneshot(request).await.unwrap_err();
    assert_eq!(records.only().outcome, Outcome::Broken);
}

#[tokio::test]
async fn a_drop_in_the_middle_is_aborted_and_its_usage_absent() {
    let record = call(Ok(stream(&[CONTENT, CONTENT, USAGE, DONE])), 2).await;
    assert_eq!(record.outcome, Outcome::Aborted);
    assert_eq!((record.usage_state, record.usage_reason), (UsageState::Absent, Some(UsageReason::Aborted)));
    assert_eq!(record.usage.input_tokens, None, "absent is not zero");
    assert!(matches!(record.cost, Cost::Unpriced(_)), "unknown is not free");
}

#[tokio::test]
async fn a_drop_before_anything_was_read_is_aborted() {
    assert_eq!(call(Ok(stream(&[CONTENT, USAGE, DONE])), 0).await.outcome, Outcome::Aborted);
}

#[tokio::test]
async fn an_anthropic_stream_left_early_keeps_its_last_figures_as_partial() {
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":30,\"output_tokens\":1}}}\n\n";
    let record =
        call(Ok(stream(&[start, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"])), 1).await;
    assert_eq!((record.outcome, record.usage_state), (Outcome::Aborted, UsageState::Partial));
    assert_eq!(record.usage.input_tokens, Some(30));
}

#[tokio::test]
async fn a_status_of_400_or_above_is_failed_and_keeps_the_code_but_not_the_message() {
    let body =
        r#"{"error":{"message":"no key sk-secret","type":"invalid_request_error","code":"model_not_found"}}"#;
    let mut response = Response::new(Script::of([body]));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let record = call(Ok(response), 9).await;
    assert_eq!((record.outcome, record.status), (Outcome::Failed, Some(404)));
    assert_eq!(record.error.as_deref(), Some("model_not_found"));
    assert_eq!(record.usage_reason, Some(UsageReason::ErrorResponse));
    assert_eq!(record.cost, Cost::None, "a refused request consumed nothing");
    assert!(!record.to_json().contains("secret"));
}

#[tokio::test]
async fn an_error_event_within_a_stream_is_failed() {
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n";
    let record = call(Ok(stream(&[CONTENT, error])), 9).await;
    assert_eq!((record.outcome, record.status), (Outcome::Failed, Some(200)));
    assert_eq!(record.error.as_deref(), Some("overloaded_error"));
}

#[tokio::test]
async fn a_transport_error_before_the_answer_is_broken_and_the_user_is_known() {
    let record = call(Err(ScriptError(1)), 0).await;
    assert_eq!((record.outcome, record.status), (Outcome::Broken, None));
    assert_eq!(record.user_id().map(AsRef::as_ref), Some("alice"));
    assert_eq!(record.usage_reason, Some(UsageReason::NoResponse));
}

#[tokio::test]
async fn a_transport_error_within_the_answer_is_broken() {
    let mut response = stream(&[CONTENT]);
    response.body_mut().steps.push_back(Step::Error(1));
    assert_eq!(call(Ok(response), 9).await.outcome, Outcome::Broken);
}

#[tokio::test]
async fn a_call_dropped_before_the_answer_is_cancelled_and_its_unread_body_still_tells_the_user() {
    let (layer, records) = Records::layer();
    let mut service = layer.layer(service_fn(|request: Request<RequestBody<Script>>| async move {
        let _held = request;
        pending::<()>().await;
        Ok::<_, ScriptError>(Response::new(Script::default()))
    }));
    let mut future = Box::pin(service.call(request()));
    assert!(futures_poll_once(&mut future).is_pending());
    assert_eq!(layer.in_flight(), 1);
    drop(future);
    let record = records.only();
    assert_eq!((record.outcome, record.status), (Outcome::Cancelled, None));
    assert_eq!(record.user_id().map(AsRef::as_ref), Some("alice"));
    assert_eq!(record.model.as_deref(), Some("gpt-5-mini"));
}

#[tokio::test]
async fn a_call_whose_future_was_never_polled_leaves_a_record_too() {
    let (layer, records) = Records::layer();
    let mut service = layer.layer(service_fn(|_: Request<RequestBody<Script>>| pending_answer()));
    drop(service.call(request()));
    assert_eq!(records.only().outcome, Outcome::Cancelled);
}

fn pending_answer() -> Pending<Result<Response<Script>, ScriptError>> {
    pending()
}

fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

#[tokio::test]
async fn a_body_that_waits_for_100_continue_is_not_read_when_it_is_dropped() {
    let (layer, records) = Records::layer();
    let mut service = layer.layer(service_fn(|_: Request<RequestBody<Script>>| pending_answer()));
    let mut request = request();
    request.headers_mut().insert("expect", "100-continue".parse().unwrap());
    drop(service.call(request));
    assert_eq!(records.only().user, None);
}

#[tokio::test]
async fn an_answer_without_a_body_ends_at_once() {
    for (method, status) in [
        (Method::HEAD, 200),
        (Method::POST, 204),
        (Method::POST, 304),
        (Method::POST, 101),
        (Method::CONNECT, 200),
    ] {
        let (layer, records) = Records::layer();
        let service = layer.layer(service_fn(move |_: Request<RequestBody<Script>>| {
            // A body that would go on: nobody is going to poll it.
            let mut response = stream(&[CONTENT, DONE]);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            ready(Ok::<_, ScriptError>(response))
        }));
        let mut request = request();
        *request.method_mut() = method.clone();
        let response = service.oneshot(request).await.unwrap();
        let record = records.only();
        assert_eq!(record.outcome, Outcome::Completed, "{method} {status}");
        let upgraded = status == 101 || method == Method::CONNECT;
        assert_eq!(record.usage_reason == Some(UsageReason::Upgraded), upgraded, "{method} {status}");
        drop(response);
        records.only();
    }
}

#[tokio::test]
async fn a_body_that_is_at_its_end_from_the_start_ends_at_once() {
    let (layer, records) = Records::layer();
    let service = layer.layer(service_fn(|_: Request<RequestBody<Script>>| {
        ready(Ok::<_, ScriptError>(Response::new(Script::of([""; 0]))))
    }));
    let response = service.oneshot(request()).await.unwrap();
    assert_eq!(records.only().outcome, Outcome::Completed);
    drop(response);
}

#[tokio::test]
async fn the_inner_future_is_dropped_before_the_record_is_made() {
    struct SetOnDrop(Arc<AtomicBool>);
    impl Drop for SetOnDrop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let at_record = Arc::new(AtomicBool::new(false));
    let (seen, noted) = (Arc::clone(&dropped), Arc::clone(&at_record));
    let layer =
        UserMetricsLayer::new(move |_: &Record| noted.store(seen.load(Ordering::SeqCst), Ordering::SeqCst));
    let mut service = layer.layer(service_fn(|_: Request<RequestBody<Script>>| {
        let held = SetOnDrop(Arc::clone(&dropped));
        async move {
            let _held = held;
            pending_answer().await
        }
    }));
    drop(service.call(request()));
    assert!(at_record.load(Ordering::SeqCst));
}

#[derive(Clone)]
struct Twice;

impl<B: Clone> Policy<Request<B>, Response<Script>, ScriptError> for Twice {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<B>,
        result: &mut Result<Response<Script>, ScriptError>,
    ) -> Option<Self::Future> {
        result.is_err().then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

/// Fails the first time, answers the second.
fn flaky()
-> impl Service<Request<RequestBody<Script>>, Response = Response<Script>, Error = ScriptError, Future: Send>
+ Clone {
    let first = Arc::new(AtomicBool::new(true));
    service_fn(move |request: Request<RequestBody<Script>>| {
        let first = first.swap(false, Ordering::SeqCst);
        async move {
            request.into_body().collect().await?;
            if first { Err(ScriptError(1)) } else { Ok(stream(&[CONTENT, USAGE, DONE])) }
        }
    })
}

#[tokio::test]
async fn outside_of_retry_there_is_one_record_for_all_attempts() {
    let (layer, records) = Records::layer();
    let service =
        ServiceBuilder::new().layer(layer).layer_fn(|service| Retry::new(Twice, service)).service(flaky());
    service.oneshot(request()).await.unwrap().into_body().collect().await.unwrap();
    let record = records.only();
    assert_eq!((record.outcome, record.usage_state), (Outcome::Completed, UsageState::Reported));
    assert_eq!(record.user_id().map(AsRef::as_ref), Some("alice"));
}

#[tokio::test]
async fn a_panic_of_the_sink_never_reaches_the_traffic_and_is_counted() {
    let layer = UserMetricsLayer::new(|_: &Record| panic!("of the application"));
    let service = layer.layer(service_fn(|_: Request<RequestBody<Script>>| {
        ready(Ok::<_, ScriptError>(stream(&[CONTENT, USAGE, DONE])))
    }));
    let body = service.oneshot(request()).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), [CONTENT, USAGE, DONE].concat());
    assert_eq!((layer.panics(), layer.in_flight()), (1, 0));
}

#[tokio::test]
async fn a_panic_of_one_of_several_sinks_costs_the_others_nothing_and_is_counted() {
    let bad = |_: &Record| panic!("of the application");
    let (first, last) = (Records::default(), Records::default());
    let layer = UserMetricsLayer::new((first.clone(), (vec![bad, bad], last.clone())));
    let service = layer.layer(service_fn(|_: Request<RequestBody<Script>>| {
        ready(Ok::<_, ScriptError>(stream(&[CONTENT, USAGE, DONE])))
    }));
    service.oneshot(request()).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(first.only(), last.only());
    assert_eq!((layer.panics(), layer.in_flight()), (2, 0));
}

#[tokio::test]
async fn a_panic_whose_value_panics_when_it_is_dropped_is_caught_too() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("of the panic's value");
        }
    }
    let layer = UserMetricsLayer::new(|_: &Record| std::panic::panic_any(Bomb));
    let service = layer.layer(service_fn(|_: Request<RequestBody<Script>>| {
        ready(Ok::<_, ScriptError>(stream(&[CONTENT, USAGE, DONE])))
    }));
    service.oneshot(request()).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!((layer.panics(), layer.in_flight()), (1, 0));
}

#[tokio::test]
async fn a_record_is_made_when_the_application_panics() {
    let (layer, records) = Records::layer();
    let mut service = layer.layer(service_fn(|_: Request<RequestBody<Script>>| async {
        if true {
            panic!("of the inner service");
        }
        Ok::<_, ScriptError>(Response::new(Script::default()))
    }));
    let result = tokio::spawn(service.call(request())).await;
    assert!(result.is_err());
    assert_eq!(records.only().outcome, Outcome::Cancelled);
}

#[test]
fn everything_that_the_layer_makes_is_send_and_sync_where_what_it_wraps_is() {
    fn send_sync<T: Send + Sync + Unpin>() {}
    send_sync::<UserMetricsLayer>();
    send_sync::<RequestBody<Script>>();
    send_sync::<tower_llm_metrics::ResponseBody<Script>>();
    send_sync::<tower_llm_metrics::UserMetrics<()>>();
    send_sync::<tower_llm_metrics::ResponseFuture<()>>();
    fn object_safe(_: &dyn MetricsSink) {}
    object_safe(&|_: &Record| ());
}

#[tokio::test]
async fn neither_send_nor_static_is_asked_of_service_or_body() {
    use std::rc::Rc;
    let (layer, records) = Records::layer();
    let local = Rc::new(());
    let borrowed = &local;
    let service = layer.layer(service_fn(move |_: Request<RequestBody<Script>>| {
        let local = Rc::clone(borrowed);
        async move {
            drop(local);
            Ok::<_, ScriptError>(Response::new(Script::of(["{}"])))
        }
    }));
    service.oneshot(request()).await.unwrap().into_body().collect().await.unwrap();
    records.only();
}
