//! Bodies of frames in memory, and a call that is driven without a runtime.

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tower::Service;

/// A body of frames.
#[derive(Clone, Default)]
pub struct Frames(pub VecDeque<Bytes>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|frame| Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|frame| frame.len() as u64).sum())
    }
}

/// Reads a body to its end.
pub fn drain<B: Body>(body: B) {
    let mut body = pin!(body);
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
        black_box(&frame.is_ok());
        if body.is_end_stream() {
            break;
        }
    }
}

/// The service at the bottom: reads the request, and answers what the request carries with it.
pub fn answer<B: Body>(request: Request<B>) -> Ready<Result<Response<Frames>, Infallible>> {
    let (mut parts, body) = request.into_parts();
    drain(body);
    ready(Ok(parts.extensions.remove::<Response<Frames>>().unwrap_or_default()))
}

/// Makes a call and reads the answer.
pub fn call<S, B, R>(service: &mut S, request: Request<B>)
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    let mut future = pin!(service.call(request));
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            if let Ok(response) = result {
                drain(response.into_body());
            }
            return;
        }
    }
}
