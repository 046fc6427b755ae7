//! The response's body.

use super::in_one_piece;
use crate::api::{Ended, ResponseReader};
use crate::exchange::{AnswerEnd, ExchangeGuard};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

pin_project! {
    /// The body of a metered answer: every frame, trailer, hint and error of `B`, at once and unchanged.
    ///
    /// The record of the call is made at the first of: a frame after which `B` is at its end, the end itself, an error,
    /// or the drop of this body. A drop after trailers, or when the announced length has been read, is an end like any other.
    pub struct ResponseBody<B> {
        // Dropped before the tap, as what its drop does belongs to the call.
        #[pin]
        inner: B,
        tap: Option<ResponseTap>,
    }
}

impl<B: Body> ResponseBody<B> {
    /// Wraps the body of an answer, which is metered if there is a guard.
    pub(crate) fn new(
        inner: B,
        guard: Option<ExchangeGuard>,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Self {
        let Some(guard) = guard else { return Self::unmetered(inner) };
        let exchange = guard.exchange();
        let counter = exchange.meter().token_counter.as_ref();
        let reader = ResponseReader::new(exchange.route(), headers, counter);
        let upgraded = exchange.is_upgrade(status);
        let bodiless = upgraded || exchange.answer_is_bodiless(status) || inner.is_end_stream();
        let left = inner.size_hint().exact().or_else(|| content_length(headers));
        let mut tap = ResponseTap { reader, guard: Some(guard), status, first_token: None, left };
        if bodiless {
            tap.close(if upgraded { Ended::Upgraded } else { Ended::Whole });
            return Self::unmetered(inner);
        }
        Self { inner, tap: Some(tap) }
    }

    /// Wraps a body that is not metered.
    fn unmetered(inner: B) -> Self {
        Self { inner, tap: None }
    }
}

/// Creates a body that is not metered, for answers that other layers give themselves.
impl<B: Body + Default> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::unmetered(B::default())
    }
}

/// Reads what passes, and closes the exchange.
struct ResponseTap {
    reader: ResponseReader,
    /// Taken when the exchange is closed.
    guard: Option<ExchangeGuard>,
    status: StatusCode,
    first_token: Option<Duration>,
    /// How many bytes are to come, where that is known.
    left: Option<u64>,
}

/// Returns the length that the head announces.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl ResponseTap {
    fn read(&mut self, frame: &Frame<Bytes>) {
        let Some(bytes) = frame.data_ref() else {
            // Nothing comes after trailers.
            self.left = Some(0);
            return;
        };
        self.left = self.left.and_then(|left| left.checked_sub(bytes.len() as u64));
        self.reader.push(bytes);
        if self.first_token.is_none() && self.reader.has_content() {
            self.first_token = self.guard.as_ref().map(|guard| guard.exchange().elapsed());
        }
    }

    /// Closes the exchange of an answer that has ended. The first end counts.
    fn close(&mut self, ended: Ended) {
        let Some(guard) = self.guard.take() else { return };
        let is_callers_own = ended == Ended::Broken && guard.exchange().request_has_failed();
        let ended = if is_callers_own { Ended::Aborted } else { ended };
        // Consumers stop reading at the terminal event of a stream, at the announced length, and at trailers, after which
        // nothing can come: a drop then is a whole answer.
        let is_all = self.left == Some(0) || self.reader.terminal();
        let ended = if ended == Ended::Aborted && is_all { Ended::Whole } else { ended };
        let end = AnswerEnd { status: self.status, ended, first_token: self.first_token };
        guard.answered(&mut self.reader, end);
    }
}

impl Drop for ResponseTap {
    fn drop(&mut self) {
        self.close(Ended::Aborted);
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let polled = ready!(this.inner.as_mut().poll_frame(cx));
        let polled = polled.map(|result| result.map(in_one_piece));
        if let (Some(tap), Some(Ok(frame))) = (this.tap.as_mut(), &polled) {
            tap.read(frame);
        }
        let ended = match &polled {
            None => Some(Ended::Whole),
            Some(Err(_)) => Some(Ended::Broken),
            Some(Ok(_)) => this.inner.is_end_stream().then_some(Ended::Whole),
        };
        if let Some(ended) = ended
            && let Some(tap) = this.tap
        {
            tap.close(ended);
            *this.tap = None;
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: fmt::Debug> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("inner", &self.inner).finish_non_exhaustive()
    }
}
