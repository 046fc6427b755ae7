//! The bodies of answers.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::report::QueryError;

/// The body of an answer: whole, or one that is made part by part while it is read, so that an export of all users takes no more
/// memory than a part.
pub struct DashboardBody(Kind);

enum Kind {
    Whole(Full<Bytes>),
    Parts(Next),
}

/// The next part, and the one after it where there is one.
pub(super) type Next = Pin<Box<dyn Future<Output = Result<Part, QueryError>> + Send>>;

/// A part of a body.
pub(super) struct Part {
    pub(super) bytes: Bytes,
    pub(super) next: Option<Next>,
}

impl DashboardBody {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Whole(Full::new(bytes.into())))
    }

    /// A body that begins with a part. An error of a later part breaks the body off: the answer has begun by then.
    pub(super) fn parts(first: Part) -> Self {
        match first.next {
            None => Self::whole(first.bytes),
            Some(next) => {
                let bytes = first.bytes;
                Self(Kind::Parts(Box::pin(async move { Ok(Part { bytes, next: Some(next) }) })))
            }
        }
    }
}

impl Body for DashboardBody {
    type Data = Bytes;
    type Error = QueryError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, QueryError>>> {
        let next = match &mut self.0 {
            Kind::Whole(full) => {
                let frame = ready!(Pin::new(full).poll_frame(cx));
                return Poll::Ready(frame.map(|frame| frame.map_err(|never: Infallible| match never {})));
            }
            Kind::Parts(next) => next,
        };
        let part = ready!(next.as_mut().poll(cx));
        let next = match &mut self.0 {
            Kind::Whole(_) => return Poll::Ready(None),
            next @ Kind::Parts(_) => next,
        };
        Poll::Ready(Some(match part {
            Ok(Part { bytes, next: after }) => {
                *next = after.map_or_else(|| Kind::Whole(Full::default()), Kind::Parts);
                Ok(Frame::data(bytes))
            }
            Err(error) => {
                *next = Kind::Whole(Full::default());
                Err(error)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(full) => full.is_end_stream(),
            Kind::Parts(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(full) => full.size_hint(),
            Kind::Parts(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for DashboardBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DashboardBody").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn part(count: u8) -> Part {
        let next = (count > 1).then(|| Box::pin(async move { Ok(part(count - 1)) }) as Next);
        Part { bytes: Bytes::from(vec![count]), next }
    }

    #[tokio::test]
    async fn parts_come_one_after_the_other_and_then_the_end() {
        for count in 1..4 {
            let body = DashboardBody::parts(part(count)).collect().await.unwrap().to_bytes();
            assert_eq!(body, (1..=count).rev().collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn an_error_breaks_the_body_off() {
        let failing: Next = Box::pin(async { Err(QueryError::OutOfRange) });
        let mut body = DashboardBody::parts(Part { bytes: Bytes::from_static(b"a"), next: Some(failing) });
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none() && body.is_end_stream());
    }
}
