//! The whole layer: any request and any answer leave one record and arrive unchanged, frame for frame; and the record is
//! the same however the bodies are cut.

#![no_main]

use bytes::Bytes;
use differential::decode;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use libfuzzer_sys::fuzz_target;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};
use tower::{Layer, Service, service_fn};
use tower_llm_metrics::record::{RecordId, UsageState};
use tower_llm_metrics::{PriceBook, Record, RequestBody, UserMetricsLayer};
use tower_llm_metrics_fuzz::{cut, messages, split};

const ROUTES: [(&str, &str); 16] = [
    ("POST", "https://api.openai.com/v1/chat/completions"),
    ("POST", "https://api.openai.com/v1/responses"),
    ("GET", "https://api.openai.com/v1/responses/resp_1"),
    ("POST", "https://api.openai.com/v1/embeddings"),
    ("POST", "https://api.openai.com/v1/audio/transcriptions"),
    ("POST", "https://api.openai.com/v1/images/generations"),
    ("POST", "https://api.openai.com/v1/threads/t/runs"),
    ("POST", "https://api.anthropic.com/v1/messages"),
    ("POST", "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-flash:streamGenerateContent"),
    (
        "POST",
        "https://us-east1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/m:predict",
    ),
    ("POST", "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-v2/converse-stream"),
    ("POST", "https://bedrock-runtime.us-east-1.amazonaws.com/model/meta.llama3/invoke-with-response-stream"),
    ("POST", "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova/invoke"),
    ("POST", "https://api.cohere.com/v2/chat"),
    ("POST", "http://localhost:11434/api/chat"),
    ("POST", "https://gateway.example/llm"),
];
const TYPES: [&str; 6] = [
    "application/json",
    "text/event-stream",
    "application/vnd.amazon.eventstream",
    "application/x-ndjson",
    "multipart/form-data; boundary=b",
    "",
];
const ENCODINGS: [&str; 8] = ["", "", "", "", "gzip", "br", "zstd", "deflate"];
const STATUSES: [u16; 4] = [200, 200, 201, 429];

/// A body of frames in memory.
#[derive(Clone, Debug, Default)]
struct Frames {
    frames: VecDeque<Bytes>,
    /// Whether the length and the end are told in advance.
    tells: bool,
}

impl Frames {
    fn of<'a>(pieces: impl Iterator<Item = &'a [u8]>, tells: bool) -> Self {
        Self { frames: pieces.map(Bytes::copy_from_slice).collect(), tells }
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
        self.tells && self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.frames.iter().map(|bytes| bytes.len() as u64).sum();
        if self.tells { SizeHint::with_exact(length) } else { SizeHint::default() }
    }
}

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

/// Reads at most `limit` frames and drops the body.
fn read<B: Body<Data = Bytes, Error = Infallible>>(body: B, limit: usize) -> VecDeque<Bytes> {
    let mut body = pin!(body);
    let mut frames = VecDeque::new();
    while frames.len() < limit
        && let Some(Ok(frame)) = now(std::future::poll_fn(|context| body.as_mut().poll_frame(context)))
    {
        frames.push_back(frame.into_data().expect("there are no trailers"));
    }
    frames
}

static PRICES: LazyLock<Arc<PriceBook>> = LazyLock::new(|| Arc::new(PriceBook::default()));
static SAME_ID: LazyLock<RecordId> = LazyLock::new(|| Record::new(SystemTime::UNIX_EPOCH).id);

struct Plan<'a> {
    method: &'a str,
    uri: &'a str,
    request_type: &'a str,
    response_type: &'a str,
    encoding: &'a str,
    status: u16,
}

impl Plan<'_> {
    /// Sends a request, reads `limit` frames of the answer, and returns the one record without what differs in each call.
    fn call(&self, upload: &Frames, download: &Frames, limit: usize) -> Record {
        let records = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&records);
        let layer = UserMetricsLayer::new(move |record: &Record| sink.lock().unwrap().push(record.clone()))
            .pricer(Arc::clone(&PRICES));
        let answer = download.clone();
        let mut service = layer.layer(service_fn(|request: Request<RequestBody<Frames>>| {
            assert_eq!(read(request.into_body(), usize::MAX), upload.frames);
            let mut response = Response::builder().status(self.status);
            for (name, value) in [("content-type", self.response_type), ("content-encoding", self.encoding)] {
                if !value.is_empty() {
                    response = response.header(name, value);
                }
            }
            ready(Ok::<_, Infallible>(response.body(answer.clone()).unwrap()))
        }));
        let request = Request::builder().method(self.method).uri(self.uri);
        let request = request.header("content-type", self.request_type).body(upload.clone()).unwrap();
        let response = now(service.call(request)).unwrap();
        assert!(read(response.into_body(), limit).iter().eq(download.frames.iter().take(limit)));

        assert_eq!((layer.in_flight(), layer.panics()), (0, 0));
        let mut records = std::mem::take(&mut *records.lock().unwrap());
        let (Some(mut record), true) = (records.pop(), records.is_empty()) else {
            panic!("one call leaves one record");
        };
        assert!(record.usage_state != UsageState::Absent || record.usage_reason.is_some());
        assert_eq!(
            Record::from_json(record.to_json().as_bytes()).as_ref().map(Record::to_json),
            Ok(record.to_json())
        );
        (record.id, record.time) = (*SAME_ID, SystemTime::UNIX_EPOCH);
        record.latency = Duration::ZERO;
        record.first_token = record.first_token.map(|_| Duration::ZERO);
        record
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((lengths, [route, kind, flags, bodies @ ..])) = split(input) else { return };
    let pick = |all: &[&'static str], at: u8| all[usize::from(at) % all.len()];
    let (method, uri) = ROUTES[usize::from(*route) % ROUTES.len()];
    let plan = Plan {
        method,
        uri,
        request_type: if flags & 1 == 0 { "application/json" } else { TYPES[4] },
        response_type: pick(&TYPES, *kind),
        encoding: pick(&ENCODINGS, flags >> 1),
        status: STATUSES[usize::from(flags >> 4) % STATUSES.len()],
    };
    let tells = flags & 0x40 == 0;
    let mut bodies = bodies.splitn(2, |&byte| byte == 0x1e);
    let (request, response) = (bodies.next().unwrap_or_default(), bodies.next().unwrap_or_default());
    let made = if kind & 0x80 == 0 { response.to_vec() } else { messages(response) };

    let frames = |body: &[u8]| Frames::of(cut(body, lengths), tells);
    let one_frame = |body: &[u8]| Frames::of([body].into_iter(), tells);
    let whole = plan.call(&one_frame(request), &one_frame(&made), usize::MAX);
    let in_pieces = plan.call(&frames(request), &frames(&made), usize::MAX);
    // How much of a damaged compressed body can be read before the damage is seen depends on the pieces.
    let damaged = decode(plan.encoding, 1 << 30, [&made[..]], |_| {}) != Ok(true);
    if !plan.encoding.is_empty() && damaged {
        assert_eq!((in_pieces.usage_state, in_pieces.usage_reason), (whole.usage_state, whole.usage_reason));
    } else {
        assert_eq!(in_pieces, whole);
    }
    plan.call(&frames(request), &frames(&made), usize::from(lengths[0]));
});
