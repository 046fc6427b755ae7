//! Why figures are absent or partial, and what else an answer's end tells.

use super::*;
use crate::record::{Api, Operation};

fn chat_without_usage() -> String {
    events(&[&chat_chunk(r#"{"content":"Hello"}"#, "null"), "[DONE]"])
}

#[test]
fn a_stream_whose_usage_nobody_asked_for_is_told_apart_from_one_that_leaves_it_out() {
    let unasked = Call::new(CHAT, EVENTS, chat_without_usage()).asking(r#"{"stream":true}"#);
    assert_eq!(unasked.absent(), UsageReason::NotRequested);
    let asked = unasked.asking(r#"{"stream":true,"stream_options":{"include_usage":true}}"#);
    assert_eq!(asked.absent(), UsageReason::NotReported);
}

#[test]
fn a_stream_that_ends_early_has_its_last_figures_or_a_reason() {
    let begun = events(&[&chat_chunk(r#"{"content":"Hello"}"#, "null")]);
    let begun = Call::new(CHAT, EVENTS, begun);
    assert_eq!(begun.clone().ended(Ended::Aborted).absent(), UsageReason::Aborted);
    assert_eq!(begun.ended(Ended::Broken).absent(), UsageReason::NoResponse);
    assert_eq!(Call::new(CHAT, JSON, "").ended(Ended::Broken).absent(), UsageReason::NoResponse);

    // Cumulative figures, and a cost that covers only a part.
    let usage = r#"{"prompt_tokens":19,"completion_tokens":1,"total_tokens":20,"cost":{"total_cost":0}}"#;
    let cumulative = events(&[&chat_chunk(r#"{"content":"H"}"#, usage)]);
    let facts = Call::new("https://api.perplexity.ai/chat/completions", EVENTS, cumulative)
        .ended(Ended::Aborted)
        .facts();
    assert_eq!((facts.usage_state, facts.usage), (UsageState::Partial, tokens(19, 1)));
    assert_eq!(facts.reported_cost, None);

    let (begun, _) = ANTHROPIC_EVENTS.split_once("event: message_delta").unwrap();
    for ended in [Ended::Whole, Ended::Aborted, Ended::Broken] {
        let facts = Call::new(MESSAGES, EVENTS, begun).ended(ended).facts();
        assert_eq!(
            (facts.usage_state, facts.usage.output_tokens),
            (UsageState::Partial, Some(1)),
            "{ended:?}"
        );
    }
}

#[test]
fn who_leaves_after_the_terminal_event_has_not_left_early() {
    for (url, body) in [
        (CHAT, chat_events()),
        (MESSAGES, ANTHROPIC_EVENTS.to_owned()),
        (RESPONSES, responses_events("response.completed")),
        (GEMINI_STREAM, events(&[GEMINI_PART, GEMINI_WHOLE])),
    ] {
        let facts = Call::new(url, EVENTS, body).ended(Ended::Aborted).facts();
        assert_eq!(facts.usage_state, UsageState::Reported, "{url}");
    }
    // A document whose figures were read before the caller left.
    let facts = Call::new(CHAT, JSON, &chat_json()[..chat_json().len() - 2]).ended(Ended::Aborted).facts();
    assert_eq!(facts.usage_state, UsageState::Reported);
}

#[test]
fn the_terminal_event_and_the_first_content_are_told_when_they_have_passed() {
    let events_of = |url: &str, content_type: &'static str, body: &str| {
        let route = ApiRoute::of(&Method::POST, &url.parse().unwrap(), &HeaderMap::new(), None);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
        let mut reader = ResponseReader::new(&route, &headers, None);
        let (mut content, mut terminal) = (None, None);
        for (at, byte) in body.bytes().enumerate() {
            reader.push(&[byte]);
            content = content.or(reader.has_content().then_some(at));
            terminal = terminal.or(reader.terminal().then_some(at));
        }
        let upto = |at: Option<usize>| at.map(|at| body[..=at].to_owned());
        (upto(content).unwrap_or_default(), upto(terminal).unwrap_or_default())
    };
    let (content, terminal) = events_of(CHAT, EVENTS, &chat_events());
    assert!(content.ends_with(r#"{"content":"Hel""#), "{content}");
    assert!(terminal.ends_with("data: [DONE]\n\n"), "{terminal}");
    let (content, terminal) = events_of(MESSAGES, EVENTS, ANTHROPIC_EVENTS);
    assert!(content.ends_with(r#"{"type":"content_block_delta""#), "{content}");
    assert_eq!(terminal, ANTHROPIC_EVENTS);
    let responses = responses_events("response.completed");
    let (content, terminal) = events_of(RESPONSES, EVENTS, &responses);
    assert!(content.ends_with(r#"{"type":"response.output_text.delta""#), "{content}");
    assert_eq!(terminal, responses);
    let (content, terminal) = events_of(GEMINI_STREAM, EVENTS, &events(&[GEMINI_PART, GEMINI_WHOLE]));
    assert!(content.ends_with(r#"[{"text":"He"}]"#), "{content}");
    assert!(terminal.ends_with("\n\n"), "{terminal}");
    let lines = "{\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":false}\n{\"done\":true,\"eval_count\":1}\n";
    let (content, terminal) = events_of("http://localhost:11434/api/chat", LINES, lines);
    assert!(content.ends_with("\"a\""), "{content}");
    assert!(terminal.ends_with("\"eval_count\":1}\n"), "{terminal}");
    let (_, terminal) = events_of(CHAT, JSON, &chat_json());
    assert_eq!(terminal, chat_json());
}

#[test]
fn an_answer_that_is_not_there_or_not_known_has_a_reason() {
    assert_eq!(Call::new(CHAT, JSON, "").absent(), UsageReason::NotReported);
    assert_eq!(Call::new("http://h/api", JSON, "").absent(), UsageReason::Unrecognized);
    assert_eq!(Call::new("http://h/api", JSON, r#"{"answer":42}"#).absent(), UsageReason::Unrecognized);
    assert_eq!(
        Call::new("http://h/api", "text/html", "<html>usage</html>").absent(),
        UsageReason::Unrecognized
    );
    assert_eq!(
        Call::new(CHAT, JSON, r#"{"object":"chat.completion","choices":["#).absent(),
        UsageReason::Malformed
    );
    assert_eq!(Call::new(CHAT, JSON, r#"{"object" "chat.completion"}"#).absent(), UsageReason::Malformed);
    assert_eq!(
        Call::new(CHAT, "audio/mpeg", b"\xFF\xFB\x90usage".to_vec()).absent(),
        UsageReason::NotReported
    );
    assert_eq!(Call::new(CHAT, JSON, "x").ended(Ended::Upgraded).absent(), UsageReason::Upgraded);
}

#[test]
fn an_answer_that_is_not_what_it_should_be_is_malformed() {
    for (what, url, content_type, body) in [
        ("a page instead of JSON", CHAT, JSON, "<html>502 Bad Gateway</html>"),
        ("a page that says so", CHAT, "text/html", "<html>502 Bad Gateway</html>"),
        ("a page without a content type", CHAT, "", "<html>502 Bad Gateway</html>"),
        ("a page instead of events", CHAT, EVENTS, "<html>502 Bad Gateway</html>"),
        ("a word instead of JSON", CHAT, JSON, "not found"),
        ("a text that begins as an event does", CHAT, "text/plain", "dear caller,\n\nno\n\n"),
        ("an event that is cut off", CHAT, EVENTS, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1"),
        ("an event that is no JSON", CHAT, EVENTS, "data: {\"choices\":}\n\ndata: [DONE]\n\n"),
        ("a sentinel that is cut off", CHAT, EVENTS, "data: [DON"),
        (
            "a usage that is cut off",
            CHAT,
            JSON,
            "{\"object\":\"chat.completion\",\"usage\":{\"prompt_tokens\":1",
        ),
        ("a usage that is a text", CHAT, JSON, "{\"object\":\"chat.completion\",\"usage\":\"none\"}"),
    ] {
        let facts = Call::new(url, content_type, body).facts();
        assert_eq!(facts.usage_reason, Some(UsageReason::Malformed), "{what}");
        assert_eq!(facts.usage_state, UsageState::Absent, "{what}");
    }
}

#[test]
fn a_document_that_is_a_single_value_is_well_formed() {
    for body in ["null", "true", "12", " -1.5e3 ", "\"hi\"", "[]"] {
        assert_eq!(Call::new(CHAT, JSON, body).absent(), UsageReason::NotReported, "{body}");
    }
    assert_eq!(Call::new(CHAT, JSON, "nulls").absent(), UsageReason::Malformed);
}

#[test]
fn an_answer_that_need_not_be_json_is_not_malformed() {
    const TRANSCRIPTIONS: &str = "https://api.openai.com/v1/audio/transcriptions";
    for text in [
        "error: he said",
        "data: here",
        "Hello.",
        "not found",
        "1\n00:00:00,000 --> 00:00:01,000\nHello.",
        "dear caller",
        "true",
    ] {
        let facts = Call::new(TRANSCRIPTIONS, "text/plain; charset=utf-8", text).facts();
        assert_eq!((facts.usage_reason, facts.stream), (Some(UsageReason::NotReported), false), "{text}");
    }
    let speech = Call::new("https://api.openai.com/v1/audio/speech", "audio/mpeg", b"ID3\x04data".to_vec());
    assert_eq!(speech.absent(), UsageReason::NotReported);
}

#[test]
fn a_text_that_only_begins_as_an_event_does_is_no_stream() {
    for text in ["dear caller", "error", "id", "retry: no", ": a colon", "everything\n\nis fine"] {
        assert!(!Call::new("http://h/api", "text/plain", text).facts().stream, "{text}");
    }
    // What has announced events is a stream before its first event.
    assert!(Call::new(CHAT, EVENTS, ": OPENROUTER PROCESSING\n\n").ended(Ended::Aborted).facts().stream);
}

#[test]
fn a_stream_whose_last_event_is_cut_off_has_partial_figures() {
    let stream = format!("{}data: {{\"usageMetadata\":{{\"prompt", events(&[GEMINI_PART]));
    let facts = Call::new(GEMINI_STREAM, EVENTS, stream).facts();
    assert_eq!(facts.usage_state, UsageState::Partial);
    let perplexity = events(&[&chat_chunk(r#"{"content":"a"}"#, CHAT_USAGE)]);
    let stream = format!("{perplexity}data: {{\"model\":\"sonar\",\"cho");
    let facts = Call::new("https://api.perplexity.ai/chat/completions", EVENTS, stream).facts();
    assert_eq!(facts.usage_state, UsageState::Partial, "wherever the last event is cut");
    // Nonsense before the terminal event takes nothing from what came at the end.
    let stream = format!("data: nonsense\n\n{}", chat_events());
    let facts = Call::new(CHAT, EVENTS, stream).facts();
    assert_eq!((facts.usage_state, facts.usage), (UsageState::Reported, chat_usage()));
}

#[test]
fn a_usage_object_over_the_limit_is_refused_with_a_reason() {
    let padding = "x".repeat(17 * 1024);
    let body =
        format!(r#"{{"object":"chat.completion","usage":{{"prompt_tokens":1,"padding":"{padding}"}}}}"#);
    assert_eq!(Call::new(CHAT, JSON, body).absent(), UsageReason::TooLarge);
}

#[test]
fn calls_that_consume_nothing_say_so_whatever_their_answers_look_like() {
    for (url, body) in [
        ("https://api.anthropic.com/v1/messages/count_tokens", r#"{"input_tokens":11}"#),
        (
            "https://api.openai.com/v1/responses/input_tokens",
            r#"{"object":"response.input_tokens","input_tokens":11}"#,
        ),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/m/count-tokens", r#"{"inputTokens":19}"#),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/m:countTokens",
            r#"{"totalTokens":8,"usageMetadata":{"promptTokenCount":8}}"#,
        ),
    ] {
        assert_eq!(Call::new(url, JSON, body).absent(), UsageReason::NotConsumption, "{url}");
    }
    let models = Call::new("https://api.openai.com/v1/models", JSON, r#"{"object":"list","data":[]}"#).get();
    assert_eq!(models.absent(), UsageReason::NotConsumption);
}

#[test]
fn a_gateways_route_is_its_own_whatever_it_is_called() {
    for path in
        ["/models/m/generate", "/conversations/42/ask", "/organization/acme/ask", "/threads/42", "/files/ask"]
    {
        let call = Call::new(format!("http://gateway.internal{path}").leak(), JSON, chat_json());
        let facts = call.facts();
        assert_eq!(
            (facts.usage, facts.api, facts.consumes),
            (chat_usage(), Some(Api::ChatCompletions), true),
            "{path}"
        );
    }
    let file = Call::new("https://api.openai.com/v1/files", JSON, r#"{"object":"file","bytes":3}"#);
    assert_eq!(file.absent(), UsageReason::NotConsumption);
    let cached = r#"{"name":"cachedContents/1","model":"models/gemini-2.5-flash","usageMetadata":{"totalTokenCount":9}}"#;
    let cached = Call::new("https://generativelanguage.googleapis.com/v1beta/cachedContents", JSON, cached);
    assert_eq!(cached.absent(), UsageReason::NotConsumption);
    let conversation = format!(r#"{{"object":"conversation.response","outputs":[],"usage":{CHAT_USAGE}}}"#);
    let mistral = Call::new("https://api.mistral.ai/v1/conversations", JSON, conversation).facts();
    assert_eq!((mistral.usage, mistral.consumes), (chat_usage(), true));
}

#[test]
fn a_message_of_anthropics_is_read_as_one_whoever_serves_it() {
    let usage = r#"{"input_tokens":10,"output_tokens":50,"output_tokens_details":{"thinking_tokens":20},"server_tool_use":{"web_search_requests":2}}"#;
    let body = format!(r#"{{"type":"message","model":"claude-sonnet-4-5","usage":{usage}}}"#);
    let bedrock = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-sonnet-4-5/invoke";
    for url in [MESSAGES, "http://gateway.internal/ask", bedrock] {
        let usage = Call::new(url, JSON, body.clone()).usage();
        assert_eq!((usage.web_searches, usage.reasoning_tokens), (Some(2), Some(20)), "{url}");
    }
}

#[test]
fn what_stands_where_usage_may_stand_too_spoils_nothing() {
    for beside in [
        r#""metadata":{"usage":"chat"}"#,
        r#""meta":[]"#,
        r#""meta":"x""#,
        r#""meta":{"max_tokens":"auto"}"#,
        r#""result":{"usage":5}"#,
        r#""x_groq":{"usage":"x"}"#,
    ] {
        for body in [
            format!(r#"{{"object":"chat.completion","usage":{CHAT_USAGE},{beside}}}"#),
            format!(r#"{{{beside},"object":"chat.completion","usage":{CHAT_USAGE}}}"#),
        ] {
            let facts = Call::new(CHAT, JSON, body).facts();
            assert_eq!((facts.usage, facts.usage_reason), (chat_usage(), None), "{beside}");
        }
    }
    assert_eq!(
        Call::new("http://gateway.internal/ask", JSON, r#"{"meta":[]}"#).absent(),
        UsageReason::Unrecognized
    );
    // A figure that nobody reads may be anything.
    let odd = CHAT_USAGE.replacen('{', r#"{"time_per_output_tokens":0.02,"estimated_tokens":false,"#, 1);
    let facts = Call::new(CHAT, JSON, format!(r#"{{"object":"chat.completion","usage":{odd}}}"#)).facts();
    assert_eq!((facts.usage, facts.usage_reason), (chat_usage(), None));
}

#[test]
fn what_only_looks_like_a_known_shape_is_unrecognized() {
    for body in [
        r#"{"usage":{"cost":3}}"#,
        r#"{"usage":{"seconds":60}}"#,
        r#"{"meta":{"cost":12.5}}"#,
        r#"{"id":1,"done":true}"#,
        r#"{"type":"message","text":"x"}"#,
    ] {
        let facts = Call::new("http://gateway.internal/anything", JSON, body).facts();
        assert_eq!((facts.usage_reason, facts.api), (Some(UsageReason::Unrecognized), None), "{body}");
        assert_eq!(facts.reported_cost, None, "{body}");
    }
}

#[test]
fn an_error_after_figures_that_grow_leaves_them_partial() {
    let error = r#"{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}"#;
    for (content_type, body) in [
        (EVENTS, events(&[GEMINI_PART, error])),
        (JSON, format!("[{GEMINI_PART},\r\n{error}]")),
        (LINES, format!("{GEMINI_PART}\n{error}\n")),
    ] {
        let facts = Call::new(GEMINI_STREAM, content_type, body).facts();
        assert_eq!((facts.failed, facts.usage_state), (true, UsageState::Partial), "{content_type}");
    }
    // The last word is the figures'.
    let error = r#"{"model":"m","error":{"code":502},"choices":[]}"#;
    let last = format!(r#"{{"model":"m","choices":[],"usage":{CHAT_USAGE}}}"#);
    let facts = Call::new(CHAT, EVENTS, events(&[error, &last, "[DONE]"])).facts();
    assert_eq!((facts.failed, facts.usage_state, facts.usage), (true, UsageState::Reported, chat_usage()));
}

#[test]
fn a_polled_answer_carries_its_figures_as_repeated() {
    let url = "https://api.openai.com/v1/responses/resp_1";
    let facts = Call::new(url, JSON, RESPONSE_OBJECT).get().facts();
    assert_eq!(
        (facts.usage_state, facts.usage, facts.pending),
        (UsageState::Repeated, responses_usage(), false)
    );
    assert_eq!(facts.response_id.unwrap(), "resp_1");
    let pending = r#"{"id":"resp_1","object":"response","status":"in_progress","error":null,"model":"gpt-5","usage":null}"#;
    let facts = Call::new(url, JSON, pending).get().facts();
    assert_eq!((facts.usage_state, facts.usage_reason), (UsageState::Absent, Some(UsageReason::NotReported)));
    assert!(facts.pending);
    let begun = Call::new(RESPONSES, JSON, pending).facts();
    assert_eq!((begun.usage_reason, begun.pending), (Some(UsageReason::NotReported), true));
}

#[test]
fn an_error_answer_has_its_code_and_never_its_message() {
    for (url, status, body, code) in [
        (
            CHAT,
            401,
            r#"{"error":{"message":"Incorrect API key: sk-x","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            "invalid_api_key",
        ),
        (
            MESSAGES,
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            "overloaded_error",
        ),
        (
            GEMINI,
            400,
            r#"{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}"#,
            "INVALID_ARGUMENT",
        ),
        (
            GEMINI_STREAM,
            400,
            r#"[{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}]"#,
            "INVALID_ARGUMENT",
        ),
    ] {
        let facts = Call::new(url, JSON, body).status(status).facts();
        assert_eq!((facts.failed, facts.error.as_deref()), (true, Some(code)), "{url}");
        assert_eq!(
            (facts.usage_state, facts.usage_reason),
            (UsageState::Absent, Some(UsageReason::ErrorResponse))
        );
    }
    let aws = Call::new(
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse",
        JSON,
        r#"{"message":"no"}"#,
    )
    .status(400)
    .header("x-amzn-errortype", "ValidationException:http://internal/");
    assert_eq!(aws.facts().error.as_deref(), Some("ValidationException"));
    let plain = Call::new(CHAT, "text/plain", "upstream connect error").status(503).facts();
    assert_eq!((plain.failed, plain.error), (true, None));
    let filtered =
        Call::new(CHAT, JSON, r#"{"error":{"message":"x","code":"content_filter","status":400}}"#).facts();
    assert_eq!((filtered.failed, filtered.error.as_deref()), (true, Some("content_filter")));
}

#[test]
fn the_head_tells_what_the_body_leaves_out() {
    let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/cohere.command-text-v14/invoke";
    let facts = Call::new(url, JSON, r#"{"generations":[{"text":"x"}]}"#)
        .header("x-amzn-bedrock-input-token-count", "9")
        .header("x-amzn-bedrock-output-token-count", "4")
        .header("x-amzn-requestid", "34a8c7a8")
        .facts();
    assert_eq!((facts.usage, facts.usage_state), (tokens(9, 4), UsageState::Reported));
    assert_eq!(facts.request_id.unwrap(), "34a8c7a8");
    let facts = Call::new(GEMINI, JSON, GEMINI_WHOLE.replace(r#","serviceTier":"standard""#, ""))
        .header("x-gemini-service-tier", "flex")
        .facts();
    assert_eq!(facts.service_tier.unwrap(), "flex");
}

#[test]
fn the_shape_tells_the_api_where_the_path_does_not() {
    let gateway = "http://gateway.internal/llm";
    for (content_type, body, api, operation) in [
        (JSON, chat_json(), Api::ChatCompletions, Operation::Chat),
        (EVENTS, chat_events(), Api::ChatCompletions, Operation::Chat),
        (JSON, RESPONSE_OBJECT.to_owned(), Api::Responses, Operation::Chat),
        (JSON, ANTHROPIC_JSON.to_owned(), Api::Messages, Operation::Chat),
        (EVENTS, ANTHROPIC_EVENTS.to_owned(), Api::Messages, Operation::Chat),
        (JSON, GEMINI_WHOLE.to_owned(), Api::GenerateContent, Operation::GenerateContent),
        (JSON, r#"{"usage":{"inputTokens":1,"outputTokens":1}}"#.to_owned(), Api::Converse, Operation::Chat),
        (
            JSON,
            r#"{"response":"x","done":true,"eval_count":2}"#.to_owned(),
            Api::OllamaGenerate,
            Operation::TextCompletion,
        ),
    ] {
        let facts = Call::new(gateway, content_type, body).facts();
        assert_eq!((facts.api, facts.operation), (Some(api), operation));
        assert_eq!(facts.usage_state, UsageState::Reported);
    }
}

#[test]
fn the_readers_take_less_than_a_kilobyte_inline() {
    assert!(size_of::<ResponseReader>() <= 1024, "{}", size_of::<ResponseReader>());
    assert!(size_of::<RequestReader>() <= 256, "{}", size_of::<RequestReader>());
}
