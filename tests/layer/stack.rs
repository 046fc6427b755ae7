//! The layer among others over a client, in both orders, over real connections: what each order means is told in
//! `src/docs/ordering.md`.

use crate::calls::{LATER, SOON, VERSIONS, call, chat, chat_of, client, is_whole, reads_gzip, serve};
use crate::support::Records;
use crate::upstream;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;
use tower::buffer::BufferLayer;
use tower::retry::RetryLayer;
use tower::timeout::TimeoutLayer;
use tower::util::BoxCloneService;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::compression::CompressionLayer;
use tower_http::decompression::DecompressionLayer;
use tower_http::timeout::ResponseBodyTimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_llm_metrics::record::UsageState;
use tower_llm_metrics::{Outcome, StreamUsageLayer};

/// Calls by each version of HTTP, whole and streamed, through the layer outside of `$other` and inside of it: one whole record
/// each.
macro_rules! is_transparent_in_both_orders {
    ($other:expr) => {
        let server = serve(upstream::router()).await;
        for version in VERSIONS {
            for stream in [false, true] {
                let (layer, records) = Records::layer();
                let outside = ServiceBuilder::new().layer(layer).layer($other).service(client(version));
                call(outside, chat(server, stream)).await.unwrap();
                is_whole(&records.only(), stream);

                let (layer, records) = Records::layer();
                let inside = ServiceBuilder::new().layer($other).layer(layer).service(client(version));
                call(inside, chat(server, stream)).await.unwrap();
                is_whole(&records.only(), stream);
            }
        }
    };
}

#[tokio::test]
async fn a_buffer_a_limit_a_trace_and_timeouts_that_do_not_strike_change_nothing() {
    is_transparent_in_both_orders!(BufferLayer::new(4));
    is_transparent_in_both_orders!(tower::limit::ConcurrencyLimitLayer::new(1));
    is_transparent_in_both_orders!(TraceLayer::new_for_http());
    is_transparent_in_both_orders!(TimeoutLayer::new(LATER));
    is_transparent_in_both_orders!(ResponseBodyTimeoutLayer::new(LATER));
    is_transparent_in_both_orders!(tower_http::timeout::TimeoutLayer::with_status_code(
        StatusCode::GATEWAY_TIMEOUT,
        LATER
    ));
}

#[tokio::test]
async fn boxes_may_stand_on_both_sides() {
    let server = serve(upstream::router()).await;
    for version in VERSIONS {
        let (layer, records) = Records::layer();
        // The box inside names the wrapped body, the box outside hides it again.
        let boxed: BoxCloneService<Request<tower_llm_metrics::RequestBody<Full<Bytes>>>, _, _> =
            BoxCloneService::new(client(version));
        let boxed: BoxCloneService<Request<Full<Bytes>>, _, _> =
            BoxCloneService::new(ServiceBuilder::new().layer(layer).service(boxed));
        for service in [boxed.clone(), boxed] {
            call(service, chat(server, true)).await.unwrap();
        }
        assert_eq!(records.all().len(), 2);
        records.all().iter().for_each(|record| is_whole(record, true));
    }
}

/// Tries again, once, after an answer of 503.
#[derive(Clone)]
struct Again(bool);

impl<B: Clone, R, E> tower::retry::Policy<Request<B>, Response<R>, E> for Again {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<B>, result: &mut Result<Response<R>, E>) -> Option<Ready<()>> {
        let unavailable =
            matches!(result, Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE);
        (std::mem::take(&mut self.0) && unavailable).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn outside_of_a_retry_there_is_one_record_and_inside_one_for_each_attempt() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let flaky = upstream::router().layer(axum::middleware::from_fn(
        move |request: axum::extract::Request, next: axum::middleware::Next| {
            let first = attempts.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
            async move {
                if first {
                    // Read, as a server does that answers something.
                    request.into_body().collect().await.unwrap();
                    return StatusCode::SERVICE_UNAVAILABLE.into_response();
                }
                next.run(request).await
            }
        },
    ));
    let server = serve(flaky).await;
    for version in VERSIONS {
        let (layer, records) = Records::layer();
        let retry = RetryLayer::new(Again(true));
        let outside = ServiceBuilder::new().layer(layer).layer(retry.clone()).service(client(version));
        call(outside, chat(server, false)).await.unwrap();
        is_whole(&records.only(), false);

        let (layer, records) = Records::layer();
        let inside = ServiceBuilder::new().layer(retry).layer(layer).service(client(version));
        call(inside, chat(server, false)).await.unwrap();
        let all = records.all();
        assert_eq!((all.len(), all[0].status, all[0].outcome), (2, Some(503), Outcome::Failed));
        assert_eq!(all[0].user_id(), all[1].user_id());
        is_whole(&all[1], false);
    }
}

#[tokio::test]
async fn outside_of_a_timeout_a_call_is_broken_and_inside_it_is_cancelled() {
    let server = serve(upstream::router()).await;
    for version in VERSIONS {
        let (layer, records) = Records::layer();
        let outside =
            ServiceBuilder::new().layer(layer).layer(TimeoutLayer::new(SOON)).service(client(version));
        assert!(call(outside, chat_of("silent", server, false)).await.is_err());
        assert_eq!(records.only().outcome, Outcome::Broken);

        let (layer, records) = Records::layer();
        let inside =
            ServiceBuilder::new().layer(TimeoutLayer::new(SOON)).layer(layer).service(client(version));
        assert!(call(inside, chat_of("silent", server, false)).await.is_err());
        assert_eq!(records.only().outcome, Outcome::Cancelled);
    }
}

#[tokio::test]
async fn a_timeout_that_answers_is_a_failed_call_outside_and_a_cancelled_one_inside() {
    let timeout = tower_http::timeout::TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, SOON);
    let server = serve(upstream::router()).await;
    for version in VERSIONS {
        let (layer, records) = Records::layer();
        let outside = ServiceBuilder::new().layer(layer).layer(timeout).service(client(version));
        call(outside, chat_of("silent", server, false)).await.unwrap();
        let record = records.only();
        assert_eq!((record.status, record.outcome), (Some(504), Outcome::Failed));

        let (layer, records) = Records::layer();
        let inside = ServiceBuilder::new().layer(timeout).layer(layer).service(client(version));
        call(inside, chat_of("silent", server, false)).await.unwrap();
        let record = records.only();
        assert_eq!((record.status, record.outcome), (None, Outcome::Cancelled));
    }
}

#[tokio::test]
async fn a_stream_that_stalls_is_broken_outside_of_a_body_timeout_and_aborted_inside() {
    let stalling = post(async || {
        let (mut sender, body) = http_body_util::channel::Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            sender.send_data("data: {\"choices\":[]}\n\n".into()).await.unwrap();
            // Held until the client has gone.
            std::future::pending::<()>().await;
            drop(sender);
        });
        ([("content-type", "text/event-stream")], Body::new(body))
    });
    let server = serve(Router::new().route("/v1/chat/completions", stalling)).await;
    let timeout = ResponseBodyTimeoutLayer::new(SOON);
    for version in VERSIONS {
        let (layer, records) = Records::layer();
        let outside = ServiceBuilder::new().layer(layer).layer(timeout.clone()).service(client(version));
        assert!(call(outside, chat(server, true)).await.is_err());
        assert_eq!(records.only().outcome, Outcome::Broken);

        let (layer, records) = Records::layer();
        let inside = ServiceBuilder::new().layer(timeout.clone()).layer(layer).service(client(version));
        assert!(call(inside, chat(server, true)).await.is_err());
        assert_eq!(records.only().outcome, Outcome::Aborted);
    }
}

#[tokio::test]
async fn outside_of_decompression_all_is_read_and_inside_what_the_features_can() {
    let server = serve(upstream::router().layer(CompressionLayer::new())).await;
    for version in VERSIONS {
        let (layer, records) = Records::layer();
        let outside =
            ServiceBuilder::new().layer(layer).layer(DecompressionLayer::new()).service(client(version));
        let plain = call(outside, chat(server, false)).await.unwrap();
        is_whole(&records.only(), false);

        let (layer, records) = Records::layer();
        let inside =
            ServiceBuilder::new().layer(DecompressionLayer::new()).layer(layer).service(client(version));
        assert_eq!(call(inside, chat(server, false)).await.unwrap(), plain);
        reads_gzip(&records.only());
    }
}

#[tokio::test]
async fn inside_of_the_layer_that_asks_for_usage_it_is_read_and_outside_it_is_gone() {
    let server = serve(upstream::router()).await;
    let unasked = || {
        let body = json!({ "model": "gpt-5-mini", "messages": [], "user": "alice", "stream": true });
        let request = Request::post(format!("http://{server}/v1/chat/completions"));
        request.body(Full::from(body.to_string())).unwrap()
    };
    for version in VERSIONS {
        let (layer, records) = Records::layer();
        let outside =
            ServiceBuilder::new().layer(layer).layer(StreamUsageLayer::new()).service(client(version));
        call(outside, unasked()).await.unwrap();
        let record = records.only();
        assert_eq!((record.outcome, record.usage_state), (Outcome::Completed, UsageState::Absent));

        let (layer, records) = Records::layer();
        let inside =
            ServiceBuilder::new().layer(StreamUsageLayer::new()).layer(layer).service(client(version));
        call(inside, unasked()).await.unwrap();
        is_whole(&records.only(), true);
    }
}

/// A server that says when a request has come, and never answers it.
async fn silent() -> (SocketAddr, Arc<Notify>) {
    let come = Arc::new(Notify::new());
    let notify = Arc::clone(&come);
    let silent = post(async move |body: Bytes| {
        drop(body);
        notify.notify_one();
        std::future::pending::<()>().await;
    });
    (serve(Router::new().route("/v1/chat/completions", silent)).await, come)
}

/// Polls a call until `come`, and leaves it in flight.
macro_rules! begin {
    ($service:expr, $request:expr, $come:expr) => {{
        let mut call = Box::pin($service.clone().oneshot($request));
        tokio::select! {
            _ = &mut call => panic!("nobody answers"),
            () = $come.notified() => {}
        }
        call
    }};
}

#[tokio::test]
async fn a_call_that_waits_in_a_buffer_leaves_a_record_outside_of_it_only() {
    for version in VERSIONS {
        let (server, come) = silent().await;
        let (outer, outer_records) = Records::layer();
        let (inner, inner_records) = Records::layer();
        // One call at a time is let through, so that the second one waits in the buffer.
        let stack = ServiceBuilder::new().layer(outer).buffer(4).concurrency_limit(1).layer(inner);
        let stack = stack.service(client(version));
        let first = begin!(stack, chat(server, false), come);
        let mut second = Box::pin(stack.clone().oneshot(chat(server, false)));
        assert!(futures_now(&mut second).await.is_none());
        drop(second);
        assert_eq!(outer_records.only().outcome, Outcome::Cancelled);
        assert!(inner_records.all().is_empty());

        drop(first);
        assert_eq!(outer_records.all().len(), 2);
        assert_eq!(inner_records.only().outcome, Outcome::Cancelled);
    }
}

/// The output of a future that is polled once.
async fn futures_now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| match std::pin::Pin::new(&mut *future).poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn a_call_that_waits_for_a_limit_is_not_dispatched_in_either_order() {
    for version in VERSIONS {
        let (server, come) = silent().await;
        let limit = tower::limit::ConcurrencyLimitLayer::new(1);
        let (layer, records) = Records::layer();
        let outside = ServiceBuilder::new().layer(layer).layer(limit.clone()).service(client(version));
        let first = begin!(outside, chat(server, false), come);
        let mut second = Box::pin(outside.clone().oneshot(chat(server, false)));
        assert!(futures_now(&mut second).await.is_none());
        drop((first, second));
        assert_eq!(records.only().outcome, Outcome::Cancelled);

        let (layer, records) = Records::layer();
        let inside = ServiceBuilder::new().layer(limit).layer(layer).service(client(version));
        let first = begin!(inside, chat(server, false), come);
        let mut second = Box::pin(inside.clone().oneshot(chat(server, false)));
        assert!(futures_now(&mut second).await.is_none());
        drop((first, second));
        assert_eq!(records.only().outcome, Outcome::Cancelled);
    }
}

#[tokio::test]
async fn a_whole_stack_of_layers_is_metered_once() {
    let router = upstream::router().layer(CompressionLayer::new()).layer(TraceLayer::new_for_http());
    let server = serve(router).await;
    for version in VERSIONS {
        let (layer, records) = Records::layer();
        let stack = ServiceBuilder::new()
            .buffer(8)
            .layer(TraceLayer::new_for_http())
            .layer(layer)
            .layer(RetryLayer::new(Again(true)))
            .concurrency_limit(2)
            .layer(TimeoutLayer::new(LATER))
            .layer(DecompressionLayer::new())
            .service(client(version));
        call(stack, chat(server, true)).await.unwrap();
        is_whole(&records.only(), true);
    }
}
