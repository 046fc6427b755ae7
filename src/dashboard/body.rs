//! The bodies of responses.

use crate::report::QueryError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The body of a response: whole, or made part by part while it is read, so that an export of all users takes no more memory than
/// a part of it.
pub struct DashboardBody(BodyKind);

enum BodyKind {
    Whole(Full<Bytes>),
    Parts(NextPart),
}

/// What makes the next part.
pub(super) type NextPart = Pin<Box<dyn Future<Output = Result<BodyPart, QueryError>> + Send>>;

/// A part of a body, and what makes the one after it.
pub(super) struct BodyPart {
    pub(super) bytes: Bytes,
    pub(super) next: Option<NextPart>,
}

impl DashboardBody {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(BodyKind::Whole(Full::new(bytes.into())))
    }

    /// Creates a body that begins with a part. An error of a later part ends the body, because the response has begun by then.
    pub(super) fn parts(first: BodyPart) -> Self {
        match first.next {
            None => Self::whole(first.bytes),
            Some(next) => {
                let bytes = first.bytes;
                Self(BodyKind::Parts(Box::pin(async move { Ok(BodyPart { bytes, next: Some(next) }) })))
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
            BodyKind::Whole(full) => {
                let frame = ready!(Pin::new(full).poll_frame(cx));
                return Poll::Ready(frame.map(|frame| frame.map_err(|never: Infallible| match never {})));
            }
            BodyKind::Parts(next) => next,
        };
        let part = ready!(next.as_mut().poll(cx));
        let next = match &mut self.0 {
            BodyKind::Whole(_) => return Poll::Ready(None),
            next @ BodyKind::Parts(_) => next,
        };
        Poll::Ready(Some(match part {
            Ok(BodyPart { bytes, next: after }) => {
                *next = after.map_or_else(|| BodyKind::Whole(Full::default()), BodyKind::Parts);
                Ok(Frame::data(bytes))
            }
            Err(error) => {
                *next = BodyKind::Whole(Full::default());
                Err(error)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            BodyKind::Whole(full) => full.is_end_stream(),
            BodyKind::Parts(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            BodyKind::Whole(full) => full.size_hint(),
            BodyKind::Parts(_) => SizeHint::default(),
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

    fn part(count: u8) -> BodyPart {
        let next = (count > 1).then(|| Box::pin(async move { Ok(part(count - 1)) }) as NextPart);
        BodyPart { bytes: Bytes::from(vec![count]), next }
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
        let failing: NextPart = Box::pin(async { Err(QueryError::OutOfRange) });
        let mut body =
            DashboardBody::parts(BodyPart { bytes: Bytes::from_static(b"a"), next: Some(failing) });
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none() && body.is_end_stream());
    }
}
