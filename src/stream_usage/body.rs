//! The bodies that may be changed.

use super::chunk::UsageChunkFilter;
use crate::body::in_one_piece;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The body of a request through a [`StreamUsageLayer`](super::StreamUsageLayer): first what was buffered, changed or not, then
/// the rest.
pub struct StreamUsageRequestBody<B: Body> {
    buffered: VecDeque<Bytes>,
    /// What came after the buffered data and ended it: trailers or an error.
    after: Option<Result<Frame<Bytes>, B::Error>>,
    /// Boxed, because it may have been polled before it moves on. `None` when it is at its end.
    rest: Option<Pin<Box<B>>>,
}

impl<B: Body> StreamUsageRequestBody<B> {
    pub(super) fn new(body: B) -> Self {
        Self { buffered: VecDeque::new(), after: None, rest: Some(Box::pin(body)) }
    }

    /// Buffers the body until it is whole, or until more than `limit` bytes would be held.
    pub(super) fn poll_buffer(&mut self, limit: usize, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(rest) = &mut self.rest {
            let held: usize = self.buffered.iter().map(Bytes::len).sum();
            if self.after.is_some() || held > limit || rest.size_hint().lower() > (limit - held) as u64 {
                break;
            }
            match ready!(rest.as_mut().poll_frame(cx)) {
                None => self.rest = None,
                Some(Err(error)) => self.after = Some(Err(error)),
                Some(Ok(frame)) => match in_one_piece(frame).into_data() {
                    Ok(data) => self.buffered.push_back(data),
                    Err(trailers) => self.after = Some(Ok(trailers)),
                },
            }
        }
        Poll::Ready(())
    }

    /// Returns all data of the body, if all of it is buffered and nothing went wrong.
    pub(super) fn whole(&self) -> Option<Vec<u8>> {
        let ended = match &self.after {
            None => self.rest.is_none(),
            Some(after) => after.is_ok(),
        };
        ended.then(|| self.buffered.iter().flatten().copied().collect())
    }

    /// Sends `data` instead of what is buffered.
    pub(super) fn replace(&mut self, data: Bytes) {
        self.buffered = VecDeque::from([data]);
    }
}

impl<B: Body> Body for StreamUsageRequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Some(data) = self.buffered.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(after) = self.after.take() {
            return Poll::Ready(Some(after));
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let frame = ready!(rest.as_mut().poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map(in_one_piece)))
    }

    fn is_end_stream(&self) -> bool {
        let rest_is_over = self.rest.as_ref().is_none_or(Body::is_end_stream);
        self.buffered.is_empty() && self.after.is_none() && rest_is_over
    }

    fn size_hint(&self) -> SizeHint {
        let buffered: u64 = self.buffered.iter().map(|data| data.len() as u64).sum();
        plus(&self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint), buffered)
    }
}

// Nothing in it is pinned in place: the rest has a place of its own.
impl<B: Body> Unpin for StreamUsageRequestBody<B> {}

/// Adds `more` bytes to the hint.
fn plus(hint: &SizeHint, more: u64) -> SizeHint {
    let mut sum = SizeHint::new();
    sum.set_lower(hint.lower().saturating_add(more));
    if let Some(upper) = hint.upper() {
        sum.set_upper(upper.saturating_add(more));
    }
    sum
}

impl<B: Body> fmt::Debug for StreamUsageRequestBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamUsageRequestBody").finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of an answer through a [`StreamUsageLayer`](super::StreamUsageLayer): without the chunk that the caller did
    /// not ask for, and else as it came.
    pub struct StreamUsageResponseBody<B: Body> {
        #[pin]
        inner: B,
        filter: Option<UsageChunkFilter>,
        // What came when held bytes had to go first.
        next: Option<Result<Frame<Bytes>, B::Error>>,
    }
}

impl<B: Body> StreamUsageResponseBody<B> {
    pub(super) fn new(inner: B, filter: Option<UsageChunkFilter>) -> Self {
        Self { inner, filter, next: None }
    }
}

impl<B: Body> Body for StreamUsageResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        if let Some(frame) = this.next.take() {
            return Poll::Ready(Some(frame));
        }
        loop {
            let polled = ready!(this.inner.as_mut().poll_frame(cx));
            let frame = polled.map(|frame| frame.map(in_one_piece));
            let Some(filter) = this.filter else { return Poll::Ready(frame) };
            if let Some(Ok(data)) = &frame
                && let Some(data) = data.data_ref()
            {
                let passed = filter.push(data);
                // A frame that was empty when it came is passed on; one that became empty is not.
                if !passed.is_empty() || data.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(passed))));
                }
                continue;
            }
            // Before the end, trailers or an error, what is held goes on.
            let held = filter.finish();
            *this.filter = None;
            if held.is_empty() {
                return Poll::Ready(frame);
            }
            *this.next = frame;
            return Poll::Ready(Some(Ok(Frame::data(held))));
        }
    }

    fn is_end_stream(&self) -> bool {
        let held = self.filter.as_ref().map_or(0, UsageChunkFilter::held);
        held == 0 && self.next.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Any byte that is still to come may be the chunk's.
        if self.filter.is_some() { SizeHint::default() } else { self.inner.size_hint() }
    }
}

impl<B: Body> fmt::Debug for StreamUsageResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamUsageResponseBody").finish_non_exhaustive()
    }
}
