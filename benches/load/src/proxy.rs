//! A reverse proxy that does nothing but pass on, and the same with the layer around its client.

use crate::Result;
use http::uri::Authority;
use http::{Request, Response, Uri};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::TcpListener;
use tower_layer::Layer;
use tower_llm_metrics::{FileSink, MemorySink, Provider, RequestBody, UserMetricsLayer};
use tower_service::Service;

type Upstream<B> = Client<HttpConnector, B>;

/// Passes on.
pub(crate) async fn plain(address: SocketAddr, upstream: Authority) -> Result<()> {
    serve(address, upstream, client::<Incoming>()).await
}

/// Passes on and meters, with a store in memory and a log in `records`.
pub(crate) async fn layered(address: SocketAddr, upstream: Authority, records: PathBuf) -> Result<()> {
    let sinks = (MemorySink::new(), FileSink::new(records)?);
    let layer = UserMetricsLayer::new(sinks).provider(Provider::OPENAI);
    serve(address, upstream, layer.layer(client::<RequestBody<Incoming>>())).await
}

fn client<B>() -> Upstream<B>
where
    B: Body + Send,
    B::Data: Send,
{
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

async fn serve<S, R>(address: SocketAddr, upstream: Authority, client: S) -> Result<()>
where
    S: Service<Request<Incoming>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: std::error::Error + Send + Sync + 'static,
    S::Future: Send,
    R: Body + Send + 'static,
    R::Data: Send,
    R::Error: std::error::Error + Send + Sync + 'static,
{
    let listener = TcpListener::bind(address).await?;
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let (client, upstream) = (client.clone(), upstream.clone());
        let service = service_fn(move |request| forward(client.clone(), upstream.clone(), request));
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service),
        );
    }
}

async fn forward<S, R>(
    mut client: S,
    upstream: Authority,
    mut request: Request<Incoming>,
) -> Result<Response<R>>
where
    S: Service<Request<Incoming>, Response = Response<R>>,
    S::Error: std::error::Error + Send + Sync + 'static,
{
    let path = request.uri().path_and_query().cloned();
    let mut uri = Uri::builder().scheme("http").authority(upstream);
    if let Some(path) = path {
        uri = uri.path_and_query(path);
    }
    *request.uri_mut() = uri.build()?;
    request.headers_mut().remove(http::header::HOST);
    // hyper's client is always ready.
    Ok(client.call(request).await?)
}
