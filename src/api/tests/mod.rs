//! Calls written for the project, and those of the corpus.

mod binary;
mod corpus;
mod encodings;
mod forms;
mod random;
mod reasons;
mod requests;
mod traps;
mod unread;

use super::{ApiRoute, Ended, RequestFacts, RequestMembers, RequestReader, ResponseReader};
use crate::record::{Api, Operation, Outcome, Pass, Record, Text, Usage, UsageReason, UsageState, Usd};
use http::{HeaderMap, Method, header};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";

const CHAT: &str = "https://api.openai.com/v1/chat/completions";
const RESPONSES: &str = "https://api.openai.com/v1/responses";
const MESSAGES: &str = "https://api.anthropic.com/v1/messages";

/// An answer and what it is an answer to.
#[derive(Clone)]
struct Call<'a> {
    method: Method,
    url: &'a str,
    request: &'a str,
    status: u16,
    headers: Vec<(&'a str, &'a str)>,
    body: Vec<u8>,
    ended: Ended,
}

impl<'a> Call<'a> {
    fn new(url: &'a str, content_type: &'a str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: Method::POST,
            url,
            request: "{}",
            status: 200,
            headers: vec![(header::CONTENT_TYPE.as_str(), content_type)],
            body: body.into(),
            ended: Ended::Whole,
        }
    }

    fn get(mut self) -> Self {
        self.method = Method::GET;
        self
    }

    fn asking(mut self, request: &'a str) -> Self {
        self.request = request;
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn ended(mut self, ended: Ended) -> Self {
        self.ended = ended;
        self
    }

    fn request_facts(&self, route: &ApiRoute, chunk: usize) -> RequestFacts {
        let fields = RequestMembers::default();
        let mut reader = RequestReader::new(route, &HeaderMap::new(), None);
        for bytes in self.request.as_bytes().chunks(chunk) {
            reader.push(&fields, bytes);
        }
        reader.facts().clone()
    }

    fn read_in(&self, chunk: usize) -> Read {
        let route = ApiRoute::of(&self.method, &self.url.parse().unwrap(), &HeaderMap::new(), None);
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap());
        }
        let mut reader = ResponseReader::new(&route, &headers, None);
        if chunk < usize::MAX {
            // Frames may be empty.
            reader.push(b"");
        }
        for bytes in self.body.chunks(chunk) {
            reader.push(bytes);
        }
        Read::finish(&mut reader, &route, &self.request_facts(&route, chunk), self.status, self.ended)
    }

    /// The facts, which are the same however the bodies are cut.
    fn facts(&self) -> Read {
        let whole = self.read_in(usize::MAX);
        for chunk in [1, 2, 3, 7, 64] {
            assert_eq!(self.read_in(chunk), whole, "in pieces of {chunk}");
        }
        whole
    }

    fn usage(&self) -> Usage {
        let facts = self.facts();
        assert_eq!(facts.usage_state, UsageState::Reported, "{:?}", facts.usage_reason);
        facts.usage
    }

    fn absent(&self) -> UsageReason {
        let facts = self.facts();
        assert_eq!(facts.usage_state, UsageState::Absent);
        assert_eq!(facts.usage, Usage::default());
        facts.usage_reason.unwrap()
    }
}

/// What an answer has left in the record of its call and beside it.
#[derive(Clone, Debug, PartialEq)]
struct Read {
    api: Option<Api>,
    operation: Operation,
    model: Option<Text>,
    stream: bool,
    failed: bool,
    error: Option<Text>,
    usage: Usage,
    usage_state: UsageState,
    usage_reason: Option<UsageReason>,
    service_tier: Option<Text>,
    request_id: Option<Text>,
    response_id: Option<Text>,
    consumes: bool,
    pending: bool,
    reported_cost: Option<Usd>,
}

impl Read {
    fn finish(
        reader: &mut ResponseReader,
        route: &ApiRoute,
        request: &RequestFacts,
        status: u16,
        ended: Ended,
    ) -> Self {
        let mut record = Record::blank();
        route.fill(&mut record);
        record.model = request.model.clone().or(record.model);
        record.status = Some(status);
        let facts = reader.finish(route, request, &mut record, ended);
        Self {
            api: record.api,
            operation: record.operation,
            model: record.response_model,
            stream: record.stream,
            failed: record.outcome == Outcome::Failed,
            error: record.error,
            usage: record.usage,
            usage_state: record.usage_state,
            usage_reason: record.usage_reason,
            service_tier: record.service_tier,
            request_id: record.request_id,
            response_id: facts.response_id,
            consumes: facts.consumes,
            pending: facts.pending,
            reported_cost: facts.reported_cost,
        }
    }
}

/// An event stream with these data.
fn events(data: &[&str]) -> String {
    data.iter().map(|data| format!("data: {data}\n\n")).collect()
}

fn tokens(input: u64, output: u64) -> Usage {
    Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() }
}

// The same call in several forms.

const CHAT_USAGE: &str = r#"{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":4}}"#;

fn chat_json() -> String {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-5-mini-2025-08-07","choices":[{{"message":{{"role":"assistant","content":"Hello"}},"finish_reason":"stop"}}],"usage":{CHAT_USAGE},"service_tier":"default"}}"#
    )
}

fn chat_chunk(delta: &str, usage: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","model":"gpt-5-mini-2025-08-07","service_tier":"default","choices":[{{"index":0,"delta":{delta}}}],"usage":{usage},"obfuscation":"aBcDeFgHiJkLmNoP"}}"#
    )
}

fn chat_events() -> String {
    let last = format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","model":"gpt-5-mini-2025-08-07","service_tier":"default","choices":[],"usage":{CHAT_USAGE}}}"#
    );
    events(&[
        &chat_chunk(r#"{"role":"assistant","content":""}"#, "null"),
        &chat_chunk(r#"{"content":"Hel"}"#, "null"),
        &chat_chunk(r#"{"content":"lo"}"#, "null"),
        &last,
        "[DONE]",
    ])
}

fn chat_usage() -> Usage {
    Usage { cache_read_tokens: Some(8), reasoning_tokens: Some(4), ..tokens(19, 10) }
}

const ANTHROPIC_JSON: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":12,"cache_creation_input_tokens":5,"cache_read_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":3},"output_tokens":30,"service_tier":"standard"}}"#;

const ANTHROPIC_EVENTS: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-4-6\",\"content\":[],\"usage\":{\"input_tokens\":3,\"cache_creation_input_tokens\":5,\"cache_read_input_tokens\":100,\"cache_creation\":{\"ephemeral_5m_input_tokens\":2,\"ephemeral_1h_input_tokens\":3},\"output_tokens\":1,\"service_tier\":\"standard\"}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":12,\"output_tokens\":30}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn anthropic_usage() -> Usage {
    Usage {
        cache_read_tokens: Some(100),
        cache_write_tokens: Some(5),
        cache_write_5m_tokens: Some(2),
        cache_write_1h_tokens: Some(3),
        ..tokens(117, 30)
    }
}

const RESPONSE_OBJECT: &str = r#"{"id":"resp_1","object":"response","status":"completed","error":null,"model":"gpt-5-2025-08-07","output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]}],"service_tier":"default","tool_usage":{"image_gen":{"input_tokens":7,"output_tokens":7,"total_tokens":14},"web_search":{"num_requests":2}},"usage":{"input_tokens":75,"input_tokens_details":{"cached_tokens":64},"output_tokens":20,"output_tokens_details":{"reasoning_tokens":11},"total_tokens":95},"user":"not-the-caller"}"#;

fn responses_events(last: &str) -> String {
    let begun = r#""response":{"id":"resp_1","object":"response","status":"in_progress","error":null,"model":"gpt-5-2025-08-07","output":[],"service_tier":"auto","usage":null}"#;
    let event = |name: &str, rest: &str| format!("event: {name}\ndata: {{\"type\":\"{name}\",{rest}}}\n\n");
    [
        event("response.created", begun),
        event("response.in_progress", begun),
        event(
            "response.output_text.delta",
            r#""delta":"Hi","obfuscation":"0123456789abcdefghijklmnopqrstuvwxyz""#,
        ),
        event("response.output_text.done", r#""text":"Hi""#),
        event(
            last,
            &format!(
                r#""response":{}"#,
                RESPONSE_OBJECT.replace("\"completed\"", &format!("{:?}", &last[9..]))
            ),
        ),
    ]
    .concat()
}

fn responses_usage() -> Usage {
    let image = Pass { input_tokens: Some(7), output_tokens: Some(7), ..Pass::default() };
    Usage {
        cache_read_tokens: Some(64),
        reasoning_tokens: Some(11),
        web_searches: Some(2),
        passes: vec![image],
        ..tokens(75, 20)
    }
}

const GEMINI: &str =
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent";
const GEMINI_STREAM: &str =
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent";

const GEMINI_PART: &str = r#"{"candidates":[{"content":{"parts":[{"text":"He"}],"role":"model"}}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1,"thoughtsTokenCount":700,"totalTokenCount":710,"toolUsePromptTokenCount":9},"modelVersion":"gemini-2.5-flash","responseId":"r1"}"#;
const GEMINI_WHOLE: &str = r#"{"candidates":[{"content":{"parts":[{"text":"Hello"}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2,"thoughtsTokenCount":40,"totalTokenCount":51,"serviceTier":"standard"},"modelVersion":"gemini-2.5-flash","responseId":"r1"}"#;

fn gemini_usage() -> Usage {
    Usage { reasoning_tokens: Some(40), ..tokens(9, 42) }
}
