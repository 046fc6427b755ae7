//! What several test files need: bodies that follow a script, and a layer whose records can be looked at.

#![allow(dead_code, reason = "each test file uses a part of it")]

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tower_llm_metrics::{MetricsSink, Record, UserMetricsLayer};

/// Keeps every record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records(Arc<Mutex<Vec<Record>>>);

impl MetricsSink for Records {
    fn record(&self, record: &Record) {
        self.0.lock().unwrap().push(record.clone());
    }
}

impl Records {
    pub(crate) fn layer() -> (UserMetricsLayer, Self) {
        let records = Self::default();
        (UserMetricsLayer::new(records.clone()), records)
    }

    pub(crate) fn all(&self) -> Vec<Record> {
        self.0.lock().unwrap().clone()
    }

    /// The one record there is.
    pub(crate) fn only(&self) -> Record {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "exactly one record per dispatched call: {all:?}");
        all.remove(0)
    }
}

/// One thing that a body does when it is polled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Data(Bytes),
    Trailers,
    Pending,
    Error(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScriptError(pub(crate) u8);

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scripted error {}", self.0)
    }
}

impl std::error::Error for ScriptError {}

/// A body that follows a script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub(crate) steps: VecDeque<Step>,
    /// Whether the length is told in advance.
    pub(crate) sized: bool,
    /// Whether the end is told with the last frame.
    pub(crate) tells_end: bool,
}

impl Script {
    pub(crate) fn of(frames: impl IntoIterator<Item = impl Into<Bytes>>) -> Self {
        let steps = frames.into_iter().map(|frame| Step::Data(frame.into())).collect();
        Self { steps, sized: true, tells_end: true }
    }

    /// `bytes` in frames of `size`.
    pub(crate) fn chunked(bytes: &[u8], size: usize) -> Self {
        Self::of(bytes.chunks(size).map(Bytes::copy_from_slice))
    }

    #[must_use]
    pub(crate) fn then(mut self, step: Step) -> Self {
        self.steps.push_back(step);
        self
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = ScriptError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ScriptError>>> {
        match self.steps.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Step::Trailers) => Poll::Ready(Some(Ok(Frame::trailers(trailers())))),
            Some(Step::Error(code)) => Poll::Ready(Some(Err(ScriptError(code)))),
            Some(Step::Pending) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.tells_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let length = |step: &Step| if let Step::Data(data) = step { data.len() as u64 } else { 0 };
        if self.sized {
            SizeHint::with_exact(self.steps.iter().map(length).sum())
        } else {
            SizeHint::default()
        }
    }
}

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("x-checksum"), HeaderValue::from_static("42"))])
}

/// What a reader of a body sees at one poll.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Hints { end: bool, lower: u64, upper: Option<u64> },
    Data(Bytes),
    Trailers(HeaderMap),
    Error(ScriptError),
    Pending,
    End,
}

/// Reads `body` as a careful consumer does, hints before every poll, for at most `polls` polls, and drops it.
pub(crate) fn read<B: Body<Data = Bytes, Error = ScriptError>>(body: B, polls: usize) -> Vec<Seen> {
    let mut body = Box::pin(body);
    let mut seen = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        let hint = body.size_hint();
        seen.push(Seen::Hints { end: body.is_end_stream(), lower: hint.lower(), upper: hint.upper() });
        let now = match body.as_mut().poll_frame(&mut context) {
            Poll::Pending => Seen::Pending,
            Poll::Ready(None) => Seen::End,
            Poll::Ready(Some(Err(error))) => Seen::Error(error),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Seen::Data(data),
                Err(frame) => Seen::Trailers(frame.into_trailers().unwrap()),
            },
        };
        let last = matches!(now, Seen::End | Seen::Error(_));
        seen.push(now);
        if last {
            break;
        }
    }
    seen
}

/// A random script: pieces of `text` and of random bytes, in random frames, with everything that a body can do.
pub(crate) fn script(texts: &'static [&'static str]) -> impl Strategy<Value = Script> {
    let bytes = prop_oneof![
        proptest::sample::select(texts).prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..64),
    ];
    let cuts = proptest::collection::vec(0usize..512, 0..12);
    let ending = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Step::Trailers)),
        1 => (1u8..).prop_map(|code| Some(Step::Error(code))),
    ];
    (bytes, cuts, ending, any::<(bool, bool)>(), 0usize..4).prop_map(
        |(bytes, cuts, ending, (sized, tells_end), pending)| {
            let mut cuts: Vec<usize> =
                cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            // Equal cuts make frames of length zero.
            let mut steps: VecDeque<Step> = cuts
                .windows(2)
                .map(|cut| Step::Data(Bytes::copy_from_slice(&bytes[cut[0]..cut[1]])))
                .collect();
            for n in 0..pending {
                steps.insert(n % (steps.len() + 1), Step::Pending);
            }
            steps.extend(ending);
            Script { steps, sized, tells_end }
        },
    )
}
