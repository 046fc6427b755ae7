//! The request's body.

use super::shown;
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
    /// connection that could not be made), it polls `B` once, so that a body held in memory still tells user and model;
    /// it does not when the request carries `Expect`, nor when another copy was polled.
    #[derive(Clone)]
    pub struct RequestBody<B>
    where
        B: Body,
    {
        #[pin]
        inner: B,
        tap: Option<Tap>,
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
    pub(crate) fn new(inner: B, exchange: &Arc<Exchange>, headers: &http::HeaderMap) -> Self {
        let reader = exchange.request_reader(headers);
        let tap = Tap { exchange: Arc::clone(exchange), reader, offset: 0, polled: false };
        Self { inner, tap: Some(tap) }
    }

    /// A body that is passed on without a look.
    pub(crate) fn unmetered(inner: B) -> Self {
        Self { inner, tap: None }
    }
}

/// A body that is passed on without a look: what layers put in the place of one that they have used up.
impl<B: Body + Default> Default for RequestBody<B> {
    fn default() -> Self {
        Self::unmetered(B::default())
    }
}

/// Reads what passes and tells the exchange.
#[derive(Clone)]
struct Tap {
    exchange: Arc<Exchange>,
    reader: RequestReader,
    offset: u64,
    polled: bool,
}

impl Tap {
    fn look(&mut self, bytes: &[u8]) {
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        self.reader.push(&self.exchange.meter().request_members, bytes);
        if self.reader.take_news() {
            self.exchange.keep_facts(self.offset, self.reader.facts());
        }
    }

    /// Nothing more is read.
    fn end(mut self) {
        if let Some(texts) = self.reader.take_texts() {
            self.exchange.keep_texts(self.offset, texts);
        }
    }

    /// Polls a body once that is dropped before anybody has.
    fn read_unpolled<B: Body>(&mut self, inner: Pin<&mut B>) {
        if self.polled || !self.exchange.may_read_dropped_body() {
            return;
        }
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(Some(Ok(frame))) = inner.poll_frame(&mut context) {
            shown(frame, |bytes| self.look(bytes));
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
        let frame = shown(frame, |bytes| {
            if let Some(tap) = this.tap {
                tap.look(bytes);
            }
        });
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
