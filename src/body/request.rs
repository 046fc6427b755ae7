//! The request's body.

use super::in_one_piece;
use crate::api::RequestReader;
use crate::exchange::Exchange;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

pin_project! {
    /// The body of a metered request: every frame, trailer, hint and error of `B`, at once and unchanged.
    ///
    /// It is `Clone` when `B` is, so that a request can be retried. When it is dropped before anybody polled it (a
    /// connection that could not be made), it polls `B` once, so that a body held in memory still names user and model;
    /// it does not when the request carries `Expect`, nor when another copy was polled.
    #[derive(Clone)]
    pub struct RequestBody<B>
    where
        B: Body,
    {
        #[pin]
        inner: B,
        tap: Option<RequestTap>,
    }

    impl<B> PinnedDrop for RequestBody<B>
    where
        B: Body,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(mut tap) = this.tap.take() {
                tap.read_unpolled(this.inner);
                tap.end();
            }
        }
    }
}

impl<B: Body> RequestBody<B> {
    /// Wraps the body of a request, which is metered if there is an exchange.
    pub(crate) fn new(inner: B, exchange: Option<&Arc<Exchange>>, headers: &http::HeaderMap) -> Self {
        let Some(exchange) = exchange else { return Self::unmetered(inner) };
        let reader = exchange.request_reader(headers);
        let tap = RequestTap { exchange: Arc::clone(exchange), reader, offset: 0, polled: false };
        Self { inner, tap: Some(tap) }
    }

    /// Wraps a body that is not metered.
    fn unmetered(inner: B) -> Self {
        Self { inner, tap: None }
    }
}

/// Creates a body that is not metered. Layers put it in the place of one that they have used up.
impl<B: Body + Default> Default for RequestBody<B> {
    fn default() -> Self {
        Self::unmetered(B::default())
    }
}

/// Reads what passes for the exchange.
#[derive(Clone)]
struct RequestTap {
    exchange: Arc<Exchange>,
    reader: RequestReader,
    offset: u64,
    polled: bool,
}

impl RequestTap {
    fn read(&mut self, frame: &Frame<Bytes>) {
        let Some(bytes) = frame.data_ref() else { return };
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        self.reader.push(&self.exchange.meter().request_members, bytes);
        if self.reader.take_news() {
            self.exchange.keep_facts(self.offset, self.reader.facts());
        }
    }

    /// Ends the reading.
    fn end(mut self) {
        if let Some(texts) = self.reader.take_texts() {
            self.exchange.keep_texts(self.offset, texts);
        }
    }

    /// Polls a body once that is dropped before it was polled.
    fn read_unpolled<B: Body>(&mut self, inner: Pin<&mut B>) {
        if self.polled || !self.exchange.may_read_dropped_body() {
            return;
        }
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(Some(Ok(frame))) = inner.poll_frame(&mut context) {
            self.read(&in_one_piece(frame));
        }
    }
}

impl<B: Body> Body for RequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        if let Some(tap) = this.tap.as_mut().filter(|tap| !tap.polled) {
            tap.polled = true;
            tap.exchange.request_is_polled();
        }
        let polled = ready!(this.inner.as_mut().poll_frame(cx));
        let frame = match polled {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                if let Some(tap) = this.tap {
                    tap.exchange.request_fails();
                }
                return Poll::Ready(Some(Err(error)));
            }
            None => {
                if let Some(tap) = this.tap.take() {
                    tap.end();
                }
                return Poll::Ready(None);
            }
        };
        let frame = in_one_piece(frame);
        if let Some(tap) = this.tap {
            tap.read(&frame);
        }
        if (frame.is_trailers() || this.inner.is_end_stream())
            && let Some(tap) = this.tap.take()
        {
            tap.end();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Body + fmt::Debug> fmt::Debug for RequestBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("inner", &self.inner).finish_non_exhaustive()
    }
}
