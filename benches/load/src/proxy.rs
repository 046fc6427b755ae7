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
use tokio::net::TcpListener;
use tower_layer::Layer;
use tower_llm_metrics::{FileSink, MemorySink, Provider, Record, RequestBody, UserMetricsLayer};
use tower_service::Service;

type Upstream<B> = Client<HttpConnector, B>;

/// Passes on: as it is (`plain`), with the layer around the client that is to meter nothing (`filtered`), with one that
/// meters (`metered`), that keeps the records in memory (`memory`), and in a log in the folder `records` too (`file`).
pub(crate) async fn serve_as(
    name: &str,
    address: SocketAddr,
    upstream: Authority,
    records: Option<&str>,
) -> Result<()> {
    let nowhere = |_: &Record| ();
    let layer = match name {
        "plain" => return serve(address, upstream, client::<Incoming>()).await,
        "filtered" => UserMetricsLayer::new(nowhere).filter(|_| false),
        "metered" => UserMetricsLayer::new(nowhere),
        "memory" => UserMetricsLayer::new(MemorySink::new()),
        "file" => {
            let records = records.ok_or("name the folder of the records")?;
            UserMetricsLayer::new((MemorySink::new(), FileSink::new(records)?))
        }
        _ => return Err(format!("no server is called {name:?}").into()),
    };
    serve(address, upstream, layer.provider(Provider::OPENAI).layer(client::<RequestBody<Incoming>>())).await
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
