//! A server that answers like OpenAI, at once.

use crate::Result;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::channel::Channel;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::net::TcpListener;

pub(crate) async fn serve(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let service = service_fn(answer);
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service),
        );
    }
}

async fn answer(
    request: Request<Incoming>,
) -> std::result::Result<Response<BoxBody<Bytes, Infallible>>, hyper::Error> {
    let asked = request.into_body().collect().await?.to_bytes();
    let is_stream = asked.windows(13).any(|window| window == br#""stream":true"#);
    let (content_type, body) =
        if is_stream { ("text/event-stream", stream()) } else { ("application/json", json()) };
    let response = Response::builder().header("content-type", content_type).body(body);
    Ok(response.unwrap_or_default())
}

fn json() -> BoxBody<Bytes, Infallible> {
    let text = "The quick brown fox jumps over the lazy dog, and then it rests. ".repeat(10);
    Full::from(format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-5-mini","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":130,"completion_tokens":150,"total_tokens":280}}}}"#
    ))
    .boxed()
}

/// 100 events, each a chunk of its own.
fn stream() -> BoxBody<Bytes, Infallible> {
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        for word in 0..98 {
            let event = format!(
                "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"gpt-5-mini\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" word{word}\"}},\"finish_reason\":null}}],\"usage\":null}}\n\n"
            );
            if sender.send_data(event.into()).await.is_err() {
                return;
            }
        }
        let usage = "data: {\"choices\":[],\"model\":\"gpt-5-mini\",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":98}}\n\n";
        // A caller that has left needs no end.
        let _ = sender.send_data(usage.into()).await;
        let _ = sender.send_data("data: [DONE]\n\n".into()).await;
    });
    body.boxed()
}
