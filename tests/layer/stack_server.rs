//! The layer among others around a server, in both orders, over real connections: what each order means is told in
//! `src/docs/ordering.md`.

use crate::calls::{LATER, SOON, VERSIONS, call, chat, chat_of, client, is_whole, reads_gzip, serve};
use crate::support::Records;
use crate::upstream;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use http::Version;
use std::net::SocketAddr;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::compression::CompressionLayer;
use tower_http::decompression::DecompressionLayer;
use tower_http::timeout::ResponseBodyTimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_llm_metrics::{Outcome, UserMetricsLayer};

/// Calls by each version of HTTP, whole and streamed, to a router with the layer inside of `$other` and outside: what is added to the router last stands outside.
macro_rules! is_transparent_at_a_server_in_both_orders {
    ($other:expr) => {
        for version in VERSIONS {
            for stream in [false, true] {
                let (layer, records) = Records::layer();
                let inside = serve(upstream::router().layer(layer).layer($other)).await;
                call(client(version), chat(inside, stream)).await.unwrap();
                is_whole(&records.only(), stream);

                let (layer, records) = Records::layer();
                let outside = serve(upstream::router().layer($other).layer(layer)).await;
                call(client(version), chat(outside, stream)).await.unwrap();
                is_whole(&records.only(), stream);
            }
        }
    };
}

#[tokio::test]
async fn around_a_router_a_limit_a_trace_and_timeouts_that_do_not_strike_change_nothing() {
    is_transparent_at_a_server_in_both_orders!(tower::limit::ConcurrencyLimitLayer::new(1));
    is_transparent_at_a_server_in_both_orders!(TraceLayer::new_for_http());
    is_transparent_at_a_server_in_both_orders!(ResponseBodyTimeoutLayer::new(LATER));
    is_transparent_at_a_server_in_both_orders!(tower_http::timeout::TimeoutLayer::with_status_code(
        StatusCode::GATEWAY_TIMEOUT,
        LATER
    ));
}

#[tokio::test]
async fn around_a_router_a_timeout_that_answers_is_a_failed_call_outside_and_a_cancelled_one_inside() {
    let timeout = tower_http::timeout::TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, SOON);
    for version in VERSIONS {
        for (outside, status, outcome) in
            [(true, Some(504), Outcome::Failed), (false, None, Outcome::Cancelled)]
        {
            let (layer, records) = Records::layer();
            let router = match outside {
                true => upstream::router().layer(timeout).layer(layer),
                false => upstream::router().layer(layer).layer(timeout),
            };
            let server = serve(router).await;
            call(client(version), chat_of("silent", server, false)).await.unwrap();
            let record = records.only();
            assert_eq!((record.status, record.outcome), (status, outcome));
        }
    }
}

#[tokio::test]
async fn inside_of_compression_all_is_read_and_outside_what_the_features_can() {
    for version in VERSIONS {
        for inside in [true, false] {
            let (layer, records) = Records::layer();
            let router = match inside {
                true => upstream::router().layer(layer).layer(CompressionLayer::new()),
                false => upstream::router().layer(CompressionLayer::new()).layer(layer),
            };
            let server = serve(router).await;
            let client = ServiceBuilder::new().layer(DecompressionLayer::new()).service(client(version));
            call(client, chat(server, false)).await.unwrap();
            let record = records.only();
            if inside { is_whole(&record, false) } else { reads_gzip(&record) }
        }
    }
}

/// Passes everything on to `upstream`, through `layer`.
fn reverse_proxy(upstream: SocketAddr, version: Version, layer: UserMetricsLayer) -> Router {
    let client = ServiceBuilder::new().layer(layer).service(client(version));
    Router::new().fallback(async move |mut request: axum::extract::Request| {
        let path = request.uri().path_and_query().unwrap().to_string();
        *request.uri_mut() = format!("http://{upstream}{path}").parse().unwrap();
        *request.version_mut() = version;
        request.headers_mut().remove("host");
        client.oneshot(request).await.map(|answer| answer.map(Body::new)).map_err(|_| StatusCode::BAD_GATEWAY)
    })
}

#[tokio::test]
async fn a_reverse_proxy_and_the_server_behind_it_see_the_same_call() {
    for version in VERSIONS {
        for stream in [false, true] {
            let (server_layer, at_server) = Records::layer();
            let (proxy_layer, at_proxy) = Records::layer();
            let (client_layer, at_client) = Records::layer();
            let server = serve(upstream::router().layer(server_layer)).await;
            let proxy = serve(reverse_proxy(server, version, proxy_layer)).await;
            let client = ServiceBuilder::new().layer(client_layer).service(client(version));
            call(client, chat(proxy, stream)).await.unwrap();
            for records in [at_client, at_proxy, at_server] {
                is_whole(&records.only(), stream);
            }
        }
    }
}
