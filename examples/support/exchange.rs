//! A recorded HTTP exchange, and how it is sent through the layer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use tower::{Layer, ServiceExt, service_fn};
use tower_llm_metrics::{PriceBook, Record, RequestBody, UserMetricsLayer};

/// One recorded exchange; what else stands on its line is not read.
#[derive(Clone, Deserialize)]
pub(crate) struct Exchange {
    method: Option<String>,
    url: String,
    #[serde(default)]
    request_headers: Option<BTreeMap<String, String>>,
    request_body: Option<String>,
    request_body_b64: Option<String>,
    status: Option<u16>,
    #[serde(default)]
    response_headers: Option<BTreeMap<String, String>>,
    response_body: Option<String>,
    response_body_b64: Option<String>,
}

impl Exchange {
    /// Sends the exchange, with bodies in frames of `chunk` bytes, through a layer of its own around a service that reads
    /// the request and answers as recorded.
    pub(crate) async fn replay(
        self,
        chunk: Option<usize>,
        prices: &Arc<PriceBook>,
    ) -> Result<Record, Box<dyn Error>> {
        let method = Method::from_bytes(self.method.as_deref().unwrap_or("POST").as_bytes())?;
        let status = StatusCode::from_u16(self.status.unwrap_or(200))?;
        let request_body = bytes(self.request_body, self.request_body_b64)?;
        let response_body = bytes(self.response_body, self.response_body_b64)?;

        let mut request = Request::new(Frames::of(request_body, chunk));
        *request.method_mut() = method;
        *request.uri_mut() = uri(&self.url)?;
        *request.headers_mut() = headers(self.request_headers.unwrap_or_default());

        let mut response = Response::new(Frames::of(response_body, chunk));
        *response.status_mut() = status;
        *response.headers_mut() = headers(self.response_headers.unwrap_or_default());
        let mut response = Some(response);

        let (sender, records) = mpsc::channel();
        let sink = move |record: &Record| drop(sender.send(record.clone()));
        let layer = UserMetricsLayer::new(sink).pricer(Arc::clone(prices));
        let service = layer.layer(service_fn(move |request: Request<RequestBody<Frames>>| {
            let response = response.take();
            async move {
                request.into_body().collect().await?;
                Ok::<_, Infallible>(response.unwrap_or_default())
            }
        }));
        let response = service.oneshot(request).await?;
        response.into_body().collect().await?;
        Ok(records.try_recv()?)
    }
}

fn bytes(text: Option<String>, base64: Option<String>) -> Result<Bytes, base64::DecodeError> {
    match (text, base64) {
        (Some(text), _) => Ok(text.into()),
        (None, Some(base64)) => Ok(STANDARD.decode(base64)?.into()),
        (None, None) => Ok(Bytes::new()),
    }
}

/// The recorded headers, without those that a recording made untrue: bodies are stored decoded.
fn headers(recorded: BTreeMap<String, String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in recorded {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value))
        {
            headers.append(name, value);
        }
    }
    for untrue in [header::CONTENT_ENCODING, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(untrue);
    }
    headers
}

/// The recorded URL with what a URI may not hold made fit: recordings have placeholders in hosts and paths.
fn uri(url: &str) -> Result<Uri, Box<dyn Error>> {
    let (scheme, rest) = url.split_once("://").ok_or("the url has no scheme")?;
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host: String = host
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || ".-:[]@_".contains(c) { c } else { '-' })
        .collect();
    let mut fit = format!("{scheme}://{host}");
    if !path.starts_with('/') {
        fit.push('/');
    }
    for byte in path.split('#').next().unwrap_or_default().bytes() {
        match byte {
            b'!' | b'$'..=b';' | b'=' | b'?'..=b'Z' | b'_' | b'a'..=b'z' | b'~' => fit.push(char::from(byte)),
            _ => fit.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(fit.parse()?)
}

/// A body of frames of a fixed size.
#[derive(Clone, Default)]
struct Frames {
    frames: VecDeque<Bytes>,
}

impl Frames {
    fn of(mut bytes: Bytes, chunk: Option<usize>) -> Self {
        let mut frames = VecDeque::new();
        while !bytes.is_empty() {
            let size = chunk.unwrap_or(bytes.len()).min(bytes.len());
            frames.push_back(bytes.split_to(size));
        }
        Self { frames }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.frames.pop_front().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.frames.iter().map(|bytes| bytes.len() as u64).sum())
    }
}
