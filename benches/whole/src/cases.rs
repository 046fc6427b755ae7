//! What is asked and answered.

use crate::body::Frames;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Request, Response};
use std::io::Write;

/// One kind of call.
#[derive(Clone)]
pub struct Case {
    pub name: &'static str,
    host: &'static str,
    path: &'static str,
    user_in_header: bool,
    request: Vec<Bytes>,
    content_type: &'static str,
    encoding: Option<&'static str>,
    answer: Vec<Bytes>,
}

impl Case {
    /// A request that carries its answer with it. The frames are shared, not copied.
    pub fn request(&self) -> Request<Frames> {
        let mut response = Response::builder().header("content-type", self.content_type);
        if let Some(encoding) = self.encoding {
            response = response.header("content-encoding", encoding);
        }
        let response = response.body(Frames(self.answer.iter().cloned().collect())).unwrap();
        let mut request = Request::post(format!("https://{}{}", self.host, self.path))
            .header("content-type", "application/json")
            .extension(response);
        if self.user_in_header {
            request = request.header("helicone-user-id", "alice");
        }
        request.body(Frames(self.request.iter().cloned().collect())).unwrap()
    }

    /// How many frames the answer has.
    pub fn frames(&self) -> usize {
        self.answer.len()
    }

    /// The same with each frame of the answer cut in two.
    pub fn halved(&self) -> Self {
        let halves = |frame: &Bytes| [frame.slice(..frame.len() / 2), frame.slice(frame.len() / 2..)];
        Self { answer: self.answer.iter().flat_map(halves).collect(), ..self.clone() }
    }

    fn openai(name: &'static str, path: &'static str, request: String, answer: Vec<Bytes>) -> Self {
        Self {
            name,
            host: "api.openai.com",
            path,
            user_in_header: true,
            request: vec![request.into()],
            content_type: "text/event-stream",
            encoding: None,
            answer,
        }
    }
}

/// All of them.
pub fn all() -> Vec<Case> {
    let stream = || {
        r#"{"model":"gpt-5-mini","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#
            .to_owned()
    };
    let json = |case: Case| Case { content_type: "application/json", ..case };
    let chat = "/v1/chat/completions";
    let events = openai_events();
    let text: Vec<u8> = events.concat();
    vec![
        json(Case::openai("1 KB JSON, user in the header", chat, ask(""), vec![chat_answer()])),
        json(Case {
            user_in_header: false,
            ..Case::openai("1 KB JSON, user in the body", chat, ask(r#","user":"bob""#), vec![chat_answer()])
        }),
        Case::openai("100 events of OpenAI", chat, stream(), events),
        Case {
            host: "api.anthropic.com",
            ..Case::openai("100 events of Anthropic", "/v1/messages", stream(), anthropic_events())
        },
        Case::openai("100 events of Responses", "/v1/responses", stream(), responses_events(1)),
        Case {
            host: "generativelanguage.googleapis.com",
            ..Case::openai(
                "100 events of Gemini",
                "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
                r#"{"contents":[{"parts":[{"text":"Hello"}]}]}"#.into(),
                gemini_events(),
            )
        },
        Case {
            host: "bedrock-runtime.us-east-1.amazonaws.com",
            content_type: "application/vnd.amazon.eventstream",
            ..Case::openai(
                "100 messages of Bedrock",
                "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
                r#"{"messages":[{"role":"user","content":[{"text":"Hello"}]}]}"#.into(),
                bedrock_messages(),
            )
        },
        json(Case {
            user_in_header: false,
            request: image_request(),
            ..Case::openai("1 MB request, an image before the user", chat, String::new(), vec![chat_answer()])
        }),
        json(Case::openai(
            "5 MB of embedding floats",
            "/v1/embeddings",
            r#"{"model":"text-embedding-3-large","input":["a"]}"#.into(),
            embeddings(),
        )),
        Case::openai(
            "300 KB in the last event of Responses",
            "/v1/responses",
            stream(),
            responses_events(300 << 10),
        ),
        Case {
            encoding: Some("gzip"),
            ..Case::openai("100 events of OpenAI in gzip", chat, stream(), frames(gzip(&text)))
        },
        Case {
            encoding: Some("zstd"),
            ..Case::openai(
                "100 events of OpenAI in zstd",
                chat,
                stream(),
                frames(zstd::encode_all(&*text, 3).unwrap()),
            )
        },
    ]
}

/// As a connection hands it out.
fn frames(bytes: Vec<u8>) -> Vec<Bytes> {
    let mut rest = Bytes::from(bytes);
    let mut frames = Vec::new();
    while !rest.is_empty() {
        frames.push(rest.split_to(rest.len().min(16 << 10)));
    }
    frames
}

fn prose() -> String {
    "The quick brown fox jumps over the lazy dog, and then it rests. ".repeat(10)
}

fn ask(user: &str) -> String {
    format!(r#"{{"model":"gpt-5-mini","messages":[{{"role":"user","content":"{}"}}]{user}}}"#, prose())
}

fn chat_answer() -> Bytes {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1760000000,"model":"gpt-5-mini-2025-08-07","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","refusal":null}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":130,"completion_tokens":150,"total_tokens":280,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":64,"audio_tokens":0}}}},"service_tier":"default"}}"#,
        prose()
    )
    .into()
}

fn event(json: &str) -> Bytes {
    format!("data: {json}\n\n").into()
}

fn openai_events() -> Vec<Bytes> {
    let chunk = |word: usize| {
        event(&format!(
            r#"{{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1760000000,"model":"gpt-5-mini-2025-08-07","service_tier":"default","system_fingerprint":null,"choices":[{{"index":0,"delta":{{"content":" word{word}"}},"finish_reason":null}}],"usage":null,"obfuscation":"aBcDeF"}}"#
        ))
    };
    let usage = r#"{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","model":"gpt-5-mini-2025-08-07","service_tier":"default","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":98,"total_tokens":107}}"#;
    (0..98).map(chunk).chain([event(usage), event("[DONE]")]).collect()
}

fn anthropic_events() -> Vec<Bytes> {
    let named = |name: &str, json: &str| Bytes::from(format!("event: {name}\ndata: {json}\n\n"));
    let start = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[],"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}}"#;
    let delta = |word: usize| {
        let json = format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":" word{word}"}}}}"#
        );
        named("content_block_delta", &json)
    };
    let last = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":97}}"#;
    [named("message_start", start)]
        .into_iter()
        .chain((0..97).map(delta))
        .chain([named("message_delta", last), named("message_stop", r#"{"type":"message_stop"}"#)])
        .collect()
}

/// `text`: how much of it the last event repeats.
fn responses_events(text: usize) -> Vec<Bytes> {
    let named = |name: &str, json: &str| Bytes::from(format!("event: {name}\ndata: {json}\n\n"));
    let created = r#"{"type":"response.created","response":{"id":"resp_1","object":"response","status":"in_progress","error":null,"model":"gpt-5-mini-2025-08-07","service_tier":"auto","usage":null}}"#;
    let delta = |word: usize| {
        let json = format!(
            r#"{{"type":"response.output_text.delta","sequence_number":{word},"item_id":"msg_68a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5","output_index":0,"content_index":0,"delta":" word{word}","logprobs":[],"obfuscation":"aBcDeFgHiJ"}}"#
        );
        named("response.output_text.delta", &json)
    };
    let text = prose().repeat(text.div_ceil(640));
    let completed = format!(
        r#"{{"type":"response.completed","response":{{"id":"resp_1","object":"response","status":"completed","error":null,"model":"gpt-5-mini-2025-08-07","output":[{{"type":"message","content":[{{"type":"output_text","text":"{text}"}}]}}],"service_tier":"default","usage":{{"input_tokens":75,"input_tokens_details":{{"cached_tokens":0}},"output_tokens":97,"output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":172}}}}}}"#
    );
    [named("response.created", created)]
        .into_iter()
        .chain((0..98).map(delta))
        .chain(frames(named("response.completed", &completed).to_vec()))
        .collect()
}

fn gemini_events() -> Vec<Bytes> {
    let event = |word: usize, finish: &str| {
        Bytes::from(format!(
            "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\" word{word}\"}}],\"role\":\"model\"}},\"index\":0{finish}}}],\"usageMetadata\":{{\"promptTokenCount\":9,\"candidatesTokenCount\":{word},\"totalTokenCount\":{},\"promptTokensDetails\":[{{\"modality\":\"TEXT\",\"tokenCount\":9}}]}},\"modelVersion\":\"gemini-2.5-flash\",\"responseId\":\"r-1\"}}\r\n\r\n",
            word + 9
        ))
    };
    (1..100).map(|word| event(word, "")).chain([event(100, r#","finishReason":"STOP""#)]).collect()
}

/// A message of Amazon's binary event streams.
fn message(event_type: &str, payload: &str) -> Bytes {
    let mut headers = Vec::new();
    for (name, value) in
        [(":event-type", event_type), (":content-type", "application/json"), (":message-type", "event")]
    {
        headers.push(name.len() as u8);
        headers.extend_from_slice(name.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let total = 16 + headers.len() + payload.len();
    let mut message = (total as u32).to_be_bytes().to_vec();
    message.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message.extend_from_slice(&headers);
    message.extend_from_slice(payload.as_bytes());
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message.into()
}

fn bedrock_messages() -> Vec<Bytes> {
    let delta = |word: usize| {
        let payload =
            format!(r#"{{"contentBlockIndex":0,"delta":{{"text":" word{word}"}},"p":"abcdefghijkl"}}"#);
        message("contentBlockDelta", &payload)
    };
    let metadata =
        r#"{"metrics":{"latencyMs":900},"usage":{"inputTokens":9,"outputTokens":97,"totalTokens":106}}"#;
    (0..98)
        .map(delta)
        .chain([message("messageStop", r#"{"stopReason":"end_turn"}"#), message("metadata", metadata)])
        .collect()
}

fn image_request() -> Vec<Bytes> {
    frames(image_text())
}

/// A request of 1 MB, with an image before its user.
pub fn image_text() -> Vec<u8> {
    let image = "iVBORw0KGgoAAAANSUhEUgAA".repeat((1 << 20) / 24);
    format!(
        r#"{{"model":"gpt-5-mini","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{image}"}}}}]}}],"user":"bob"}}"#
    )
    .into_bytes()
}

fn embeddings() -> Vec<Bytes> {
    let floats: Vec<String> =
        (0..3072).map(|n| format!("{:.9}", f64::from(n * 7919 % 3072) / 30_720.0 - 0.05)).collect();
    let vector = floats.join(",");
    let one = format!(r#"{{"object":"embedding","index":0,"embedding":[{vector}]}}"#);
    let many = vec![one.as_str(); (5 << 20) / one.len()].join(",");
    frames(
        format!(
            r#"{{"object":"list","data":[{many}],"model":"text-embedding-3-large","usage":{{"prompt_tokens":8,"total_tokens":8}}}}"#
        )
        .into_bytes(),
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
