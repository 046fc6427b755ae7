//! What real servers do, and what no recording shows.

use super::*;
use crate::record::Api;

/// Events whose framing is as odd as the standard allows.
#[test]
fn framing_of_every_allowed_kind_reads_the_same() {
    let plain = chat_events();
    let expected = Call::new(CHAT, EVENTS, plain.clone()).facts();
    assert_eq!(expected.usage, chat_usage());
    let bytes = |text: String| text.into_bytes();
    let marked = [b"\xEF\xBB\xBF".as_slice(), plain.as_bytes()].concat();
    for (what, body) in [
        ("CRLF", bytes(plain.replace('\n', "\r\n"))),
        ("bare CR", bytes(plain.replace('\n', "\r"))),
        ("no space after the colon", bytes(plain.replace("data: ", "data:"))),
        ("no blank line at the end", bytes(plain.trim_end().to_owned())),
        ("a byte order mark", marked),
        ("comments and ids", bytes(plain.replace("data: ", ": PROCESSING\nid: 7\nretry: 10\ndata: "))),
        ("names of events", bytes(plain.replace("data: {", "event: data\ndata: {"))),
        ("several lines of data", bytes(plain.replace(",\"choices\":", ",\ndata: \"choices\":"))),
        ("blank lines before", bytes(format!("\n\n{plain}"))),
        ("blank lines and white space before", bytes(format!("\n{}\n{plain}", " ".repeat(40)))),
    ] {
        assert_eq!(Call::new(CHAT, EVENTS, body).facts(), expected, "{what}");
    }
    assert_eq!(Call::new(CHAT, JSON, plain).facts(), expected, "the content type of JSON");
}

#[test]
fn a_stream_that_is_answered_by_one_document_is_read_as_one() {
    let facts = Call::new(CHAT, EVENTS, chat_json()).asking(r#"{"stream":true}"#).facts();
    assert_eq!((facts.usage, facts.stream), (chat_usage(), false));
}

#[test]
fn white_space_that_keeps_a_connection_alive_is_no_content() {
    let padded = format!("{}{}", "\n         \n".repeat(2000), chat_json());
    assert_eq!(Call::new(CHAT, JSON, padded).usage(), chat_usage());
}

#[test]
fn words_in_the_answer_s_text_are_not_usage() {
    let decoy = r#"\"usage\":{\"prompt_tokens\":999,\"completion_tokens\":999}"#;
    let text = format!(r#"{{"content":"{{{decoy}}}"}}"#);
    let arguments = format!(
        r#"{{"tool_calls":[{{"index":0,"function":{{"name":"usage","arguments":"{{{decoy}}}"}}}}]}}"#
    );
    let nested =
        r#"{"tool_calls":[{"usage":{"prompt_tokens":999},"arguments":{"usage":{"prompt_tokens":999}}}]}"#;
    for delta in [&text, &arguments, nested] {
        let last = format!(r#"{{"choices":[],"usage":{CHAT_USAGE}}}"#);
        let stream = events(&[&chat_chunk(delta, "null"), &last, &chat_chunk(delta, "null"), "[DONE]"]);
        assert_eq!(Call::new(CHAT, EVENTS, stream).usage(), chat_usage(), "{delta}");
        let whole = format!(r#"{{"usage":{CHAT_USAGE},"choices":[{{"message":{delta}}}],"extra":{delta}}}"#);
        assert_eq!(Call::new(CHAT, JSON, whole).usage(), chat_usage(), "{delta}");
    }
    let anthropic = ANTHROPIC_EVENTS.replace("\"text\":\"Hi\"", &format!("\"text\":\"{decoy}\""));
    assert_eq!(Call::new(MESSAGES, EVENTS, anthropic).usage(), anthropic_usage());
}

#[test]
fn look_alikes_of_usage_are_not_usage() {
    let compound = format!(
        r#"{{"object":"chat.completion","usage":{CHAT_USAGE},"usage_breakdown":{{"models":[{{"usage":{{"prompt_tokens":999}}}}]}}}}"#
    );
    assert_eq!(
        Call::new("https://api.groq.com/openai/v1/chat/completions", JSON, compound).usage(),
        chat_usage()
    );
    let results = r#"{"custom_id":"0","result":{"type":"succeeded","message":{"usage":{"input_tokens":9}}}}"#;
    let batch = Call::new("https://api.anthropic.com/v1/messages/batches/b/results", LINES, results).get();
    assert_eq!(batch.facts().usage, Usage::default());
}

#[test]
fn the_last_usage_counts_wherever_it_stands_and_is_never_added_up() {
    let small = r#"{"prompt_tokens":19,"completion_tokens":1,"total_tokens":20}"#;
    for last in [
        // Perplexity, Databricks: in every chunk.
        events(&[&chat_chunk("{}", small), &chat_chunk("{}", CHAT_USAGE)]),
        // OpenRouter: in a chunk that still has choices, with chunks after it.
        events(&[&chat_chunk("{}", CHAT_USAGE), &chat_chunk("{}", "null"), "[DONE]"]),
        // Cerebras: an empty object after it.
        events(&[&chat_chunk("{}", CHAT_USAGE), &chat_chunk("{}", "{}"), "[DONE]"]),
        // Groq: three times.
        events(&[
            &format!(r#"{{"choices":[{{}}],"x_groq":{{"id":"r","usage":{small}}},"usage":{CHAT_USAGE}}}"#),
            &format!(r#"{{"choices":[],"usage":{CHAT_USAGE}}}"#),
            "[DONE]",
        ]),
    ] {
        assert_eq!(Call::new(CHAT, EVENTS, last.clone()).usage(), chat_usage(), "{last}");
    }
    let groq_only =
        events(&[&format!(r#"{{"choices":[{{}}],"x_groq":{{"id":"r","usage":{CHAT_USAGE}}}}}"#), "[DONE]"]);
    assert_eq!(
        Call::new("https://api.groq.com/openai/v1/chat/completions", EVENTS, groq_only).usage(),
        chat_usage()
    );
}

/// Events behind the first content, of which most need no more than a look. `Call` compares what all chunkings say.
#[test]
fn late_events_are_read_the_same_however_they_are_cut() {
    let first = chat_chunk(r#"{"content":"Hello"}"#, "null");
    let pad = "x".repeat(80);
    let usage = format!(r#"{{"choices":[],"usage":{CHAT_USAGE}}}"#);
    let late = |event: &str| Call::new(CHAT, EVENTS, events(&[&first, event, &usage, "[DONE]"])).facts();
    let tier = late(&format!(r#"{{"service_tier":"priority","choices":[],"pad":"{pad}"}}"#));
    assert_eq!(tier.service_tier, late(&chat_chunk("{}", "null")).service_tier, "only beside what counts");
    let beside = usage.replacen('{', r#"{"service_tier":"priority","#, 1);
    let facts = Call::new(CHAT, EVENTS, events(&[&first, &beside, "[DONE]"])).facts();
    assert_eq!(facts.service_tier.as_deref(), Some("priority"));
    let escaped = format!(r#"{{"choices":[],"us\u0061ge":{CHAT_USAGE},"pad":"{pad}"}}"#);
    let facts = Call::new(CHAT, EVENTS, events(&[&first, &escaped, "[DONE]"])).facts();
    assert_eq!(facts.usage, chat_usage());
    let failed = late(&format!(r#"{{"err\u006fr":{{"code":"zz"}},"pad":"{pad}"}}"#));
    assert_eq!((failed.failed, failed.error.as_deref()), (true, Some("zz")));
    assert!(late(&format!(r#"{{"type":"err\u006fr","pad":"{pad}"}}"#)).failed);
    // Broken, but of no consequence.
    let cut = late(&first[..first.len() - 3]);
    assert_eq!((cut.usage, cut.usage_state, cut.usage_reason), (chat_usage(), UsageState::Reported, None));
    // Broken, and it would have mattered.
    let stream = events(&[&first, &usage[..usage.len() - 9], "[DONE]"]);
    assert_eq!(Call::new(CHAT, EVENTS, stream).absent(), UsageReason::Malformed);
}

#[test]
fn a_terminal_event_is_seen_whatever_its_length() {
    let padded = ANTHROPIC_EVENTS
        .replace(r#"{"type":"message_stop"}"#, &format!(r#"{{"type":"message_stop"{}}}"#, " ".repeat(80)));
    let facts = Call::new(MESSAGES, EVENTS, padded).ended(Ended::Aborted).facts();
    assert_eq!((facts.usage, facts.usage_state), (anthropic_usage(), UsageState::Reported));
    for (last, failed) in [("incomplete", false), ("failed", true)] {
        let delta = r#"{"type":"response.output_text.delta","delta":"Hi","response":{"model":"gpt-5"}}"#;
        let last = format!(
            r#"{{"type":"response.{last}","response":{{"id":"resp_1","status":"{last}","error":null,"usage":null,"model":"gpt-5"}}}}"#
        );
        let call = Call::new(RESPONSES, EVENTS, events(&[delta, delta, &last])).ended(Ended::Aborted);
        let facts = call.facts();
        assert_eq!(
            (facts.failed, facts.usage_reason == Some(UsageReason::Aborted)),
            (failed, false),
            "{last}"
        );
    }
}

#[test]
fn after_the_sentinel_nothing_counts() {
    let late = events(&["[DONE]", &chat_chunk("{}", r#"{"prompt_tokens":999,"completion_tokens":999}"#)]);
    let facts = Call::new(CHAT, EVENTS, format!("{}{late}data: nonsense\n\n", chat_events())).facts();
    assert_eq!((facts.usage, facts.usage_reason), (chat_usage(), None));
}

#[test]
fn an_error_member_that_says_nothing_is_no_error() {
    for error in ["null", "false", "0", "\"\"", "{}", "[]", "{ }", "[\n]", r#"{"code":null,"message":null}"#]
    {
        let body = chat_json().replacen('{', &format!("{{\"error\":{error},"), 1);
        assert!(!Call::new(CHAT, JSON, body).facts().failed, "{error}");
    }
    for error in ["true", "1", "\"overloaded\"", "[\"overloaded\"]", "{\"code\":5}"] {
        let body = chat_json().replacen('{', &format!("{{\"error\":{error},"), 1);
        assert!(Call::new(CHAT, JSON, body).facts().failed, "{error}");
    }
}

#[test]
fn the_last_object_of_gemini_counts_whole_though_its_total_went_down() {
    let facts = Call::new(GEMINI_STREAM, EVENTS, events(&[GEMINI_PART, GEMINI_WHOLE])).facts();
    assert_eq!(facts.usage, gemini_usage());
}

#[test]
fn an_empty_model_of_azure_s_first_chunk_is_none() {
    let first = r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[]}"#;
    let stream = events(&[first, &chat_chunk("{}", CHAT_USAGE), "[DONE]"]);
    let facts =
        Call::new("https://res.openai.azure.com/openai/deployments/d/chat/completions", EVENTS, stream)
            .facts();
    assert_eq!(facts.model.unwrap(), "gpt-5-mini-2025-08-07");
    assert_eq!(facts.response_id.unwrap(), "chatcmpl-1");
}

#[test]
fn a_terminal_event_of_responses_is_known_by_its_type_without_a_name() {
    for last in ["response.completed", "response.incomplete"] {
        let named = responses_events(last);
        let nameless: String = named
            .lines()
            .filter(|line| !line.starts_with("event:"))
            .map(|line| format!("{line}\n"))
            .collect();
        let facts = Call::new(RESPONSES, EVENTS, format!("{nameless}data: [DONE]\n\n")).facts();
        assert_eq!((facts.usage, facts.failed, facts.pending), (responses_usage(), false, false), "{last}");
        assert_eq!(facts.api, Some(Api::Responses));
    }
}

#[test]
fn a_failed_response_has_its_code() {
    let failed = r#"{"id":"resp_1","status":"failed","error":{"code":"insufficient_quota","message":"a b"},"model":"gpt-5","usage":null}"#;
    let nameless = failed.replace(r#"{"code":"insufficient_quota","message":"a b"}"#, "null");
    for body in [nameless.clone(), failed.to_owned()] {
        let object = body.replacen('{', r#"{"object":"response","#, 1);
        assert!(Call::new(RESPONSES, JSON, object).facts().failed, "{body}");
    }
    let stream = events(&[&format!(r#"{{"type":"response.failed","response":{nameless}}}"#)]);
    assert!(Call::new(RESPONSES, EVENTS, stream).facts().failed);
    let stream = events(&[&format!(r#"{{"type":"response.failed","response":{failed}}}"#)]);
    let facts = Call::new(RESPONSES, EVENTS, stream).facts();
    assert!(facts.failed);
    assert_eq!(facts.error.unwrap(), "insufficient_quota");
    assert_eq!(facts.usage_reason, Some(UsageReason::ErrorResponse));
}

#[test]
fn an_error_in_the_middle_of_a_stream_fails_the_call_and_keeps_the_figures() {
    let (begun, _) = ANTHROPIC_EVENTS.split_once("event: message_delta").unwrap();
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let facts = Call::new(MESSAGES, EVENTS, format!("{begun}{error}")).facts();
    assert!(facts.failed);
    assert_eq!(facts.error.unwrap(), "overloaded_error");
    assert_eq!((facts.usage_state, facts.usage.input_tokens), (UsageState::Partial, Some(108)));

    let openrouter = format!(
        r#"{{"object":"chat.completion.chunk","error":{{"code":502,"message":"x"}},"choices":[],"usage":{CHAT_USAGE}}}"#
    );
    let facts =
        Call::new("https://openrouter.ai/api/v1/chat/completions", EVENTS, events(&[&openrouter])).facts();
    assert!(facts.failed);
    assert_eq!((facts.error.as_deref(), facts.usage_state), (Some("502"), UsageState::Reported));

    let groq = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[]}\n\nevent: error\ndata: {\"error\":{\"message\":\"x y\",\"type\":\"invalid_request_error\",\"code\":\"tool_use_failed\"}}\n\n";
    let facts = Call::new("https://api.groq.com/openai/v1/chat/completions", EVENTS, groq).facts();
    assert_eq!((facts.failed, facts.error.as_deref()), (true, Some("tool_use_failed")));
    assert_eq!(facts.usage_reason, Some(UsageReason::ErrorResponse));
}

#[test]
fn a_null_or_false_error_is_none() {
    for error in ["null", "false", "\"\"", "{}"] {
        let body = format!(
            r#"{{"object":"response","error":{error},"usage":{{"input_tokens":1,"output_tokens":1}}}}"#
        );
        assert!(!Call::new(RESPONSES, JSON, body).facts().failed, "{error}");
    }
}

#[test]
fn anthropic_s_events_from_a_gateway_may_begin_without_figures_and_end_with_openai_s_sentinel() {
    let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"anthropic/claude-haiku-4.5\",\"usage\":{\"input_tokens\":0,\"output_tokens\":0,\"cache_read_input_tokens\":null}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":12,\"output_tokens\":30,\"cost\":0.000112}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\nevent: data\ndata: [DONE]\n\n";
    let facts = Call::new("https://openrouter.ai/api/v1/messages", EVENTS, stream).facts();
    assert_eq!((facts.usage, facts.usage_state), (tokens(12, 30), UsageState::Reported));
    assert_eq!(facts.reported_cost.unwrap().to_string(), "0.000112");
}

#[test]
fn a_part_larger_than_its_whole_is_told_and_kept() {
    let grok = r#"{"object":"chat.completion","usage":{"prompt_tokens":208,"completion_tokens":27,"total_tokens":235,"prompt_tokens_details":{"cached_tokens":314}}}"#;
    let facts = Call::new(CHAT, JSON, grok).facts();
    assert_eq!(
        (facts.usage_state, facts.usage_reason),
        (UsageState::Reported, Some(UsageReason::PartExceedsWhole))
    );
    assert_eq!(facts.usage.cache_read_tokens, Some(314));
}

#[test]
fn wrong_types_in_usage_are_absent_and_the_rest_is_read() {
    let odd = r#"{"object":"chat.completion","model":7,"id":["x"],"usage":{"prompt_tokens":"5","completion_tokens":-1,"total_tokens":28.0,"completion_tokens_details":[],"prompt_tokens_details":"x","cost":{}}}"#;
    let facts = Call::new(CHAT, JSON, odd).facts();
    assert_eq!(facts.usage, Usage { input_tokens: Some(28), ..Usage::default() });
    assert_eq!((facts.model, facts.response_id), (None, None));
    let none = r#"{"object":"chat.completion","usage":[{"prompt_tokens":5}]}"#;
    assert_eq!(Call::new(CHAT, JSON, none).absent(), UsageReason::Malformed);
}

#[test]
fn the_events_that_one_look_passes_over_hide_nothing() {
    // Once the model and the first content are known, events are only looked at. The same facts come out when they
    // are cut into pieces, which are scanned.
    let filler =
        chat_chunk(r#"{"content":"some more of the answer, long enough to be passed over"}"#, "null");
    let tricky = chat_chunk(r#"{"content":"usage\" and error\":"}"#, "null");
    let last = chat_chunk("{}", CHAT_USAGE);
    let stream = events(&[&filler, &filler, &tricky, &filler, &last, &filler, "[DONE]"]);
    let facts = Call::new(CHAT, EVENTS, stream).facts();
    assert_eq!((facts.usage, facts.failed), (chat_usage(), false));
}

#[test]
fn a_bad_line_does_not_hurt_its_neighbours() {
    let lines = "{\"model\":\"m\",\"done\":false}\n{\"model\" garbage\n\r\n{\"done\":true,\"prompt_eval_count\":3,\"eval_count\":4}\r\n";
    let facts = Call::new("http://localhost:11434/api/generate", LINES, lines).facts();
    assert_eq!((facts.usage, facts.model.as_deref()), (tokens(3, 4), Some("m")));
    let unfinished = "{\"done\":true,\"prompt_eval_count\":3,\"eval_count\":4}";
    assert_eq!(Call::new("http://localhost:11434/api/generate", LINES, unfinished).usage(), tokens(3, 4));
}
