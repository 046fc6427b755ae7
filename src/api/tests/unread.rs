//! What was billed and is not understood is told, so that it never passes for a price.

use super::*;
use proptest::prelude::*;

const GATEWAY: &str = "https://gateway.internal/v1/chat/completions";
const COHERE: &str = "https://api.cohere.com/v2/chat";
const CONVERSE: &str =
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse";
const OCR: &str = "https://api.mistral.ai/v1/ocr";
const INTERACTION: &str = "https://generativelanguage.googleapis.com/v1beta/interactions";

fn chat(usage: &str) -> Call<'static> {
    Call::new(
        GATEWAY,
        JSON,
        format!(r#"{{"object":"chat.completion","model":"m","choices":[],"usage":{usage}}}"#),
    )
}

fn message(usage: &str, content: &str) -> Call<'static> {
    let body =
        format!(r#"{{"type":"message","role":"assistant","model":"m","content":{content},"usage":{usage}}}"#);
    Call::new(MESSAGES, JSON, body)
}

fn response(output: &str, beside: &str) -> Call<'static> {
    let usage = r#"{"input_tokens":10,"output_tokens":1,"total_tokens":11}"#;
    let body = format!(
        r#"{{"object":"response","status":"completed","model":"m","output":{output},{beside}"usage":{usage}}}"#
    );
    Call::new(RESPONSES, JSON, body)
}

fn gemini(candidate: &str) -> Call<'static> {
    let usage = r#"{"promptTokenCount":10,"candidatesTokenCount":1,"totalTokenCount":11}"#;
    Call::new(
        GEMINI,
        JSON,
        format!(r#"{{"candidates":[{{"content":{{"parts":[]}},{candidate}}}],"usageMetadata":{usage}}}"#),
    )
}

fn is_unread(call: &Call<'_>) -> bool {
    let facts = call.facts();
    assert_eq!(facts.usage_state, UsageState::Reported, "{:?}", facts.usage_reason);
    facts.usage_reason == Some(UsageReason::Unread)
}

/// Answers whose usage states a total, in the place of `#`, and the sum of what they count. At each `%` another counter may stand.
fn with_totals() -> Vec<(&'static str, String, u64)> {
    vec![
        (GATEWAY, r#"{"object":"chat.completion","model":"m","usage":{%"prompt_tokens":19,"completion_tokens":10,"prompt_tokens_details":{%"cached_tokens":8,"audio_tokens":2},"completion_tokens_details":{%"reasoning_tokens":4},"total_tokens":#}}"#.to_owned(), 29),
        (RESPONSES, r#"{"object":"response","model":"m","usage":{%"input_tokens":75,"input_tokens_details":{%"cached_tokens":64},"output_tokens":20,"output_tokens_details":{%"reasoning_tokens":11},"total_tokens":#}}"#.to_owned(), 95),
        (GEMINI, r#"{"candidates":[],"usageMetadata":{%"promptTokenCount":9,"candidatesTokenCount":2,"thoughtsTokenCount":40,"totalTokenCount":#}}"#.to_owned(), 51),
        (INTERACTION, r#"{"object":"interaction","status":"completed","model":"m","usage":{%"total_input_tokens":34,"total_output_tokens":2,"total_thought_tokens":6,"total_tokens":#}}"#.to_owned(), 42),
        (CONVERSE, r#"{"output":{},"usage":{%"inputTokens":4,"outputTokens":7,"cacheReadInputTokens":27,"cacheWriteInputTokens":8,"totalTokens":#}}"#.to_owned(), 46),
    ]
}

proptest! {
    /// A random counter beside each known one: where the total has room for it, it is missing from the figures.
    #[test]
    fn a_counter_that_the_total_shows_to_be_missing_is_told(
        case in prop::sample::select(with_totals()),
        place in 0..3usize,
        name in "[a-z]{3,9}(_tokens|TokenCount|_units|)",
        count in 1..100_000u64,
        within in any::<bool>(),
    ) {
        let (url, template, known) = case;
        let places = template.matches('%').count();
        let mut at = 0;
        let mut body = String::new();
        for part in template.split_inclusive('%') {
            body.push_str(part.trim_end_matches('%'));
            if part.ends_with('%') {
                if at == place % places {
                    body.push_str(&format!(r#""zz_{name}":{count},"#));
                }
                at += 1;
            }
        }
        let total = if within { known } else { known + count };
        let call = Call::new(url, JSON, body.replace('#', &total.to_string()));
        let facts = call.read_in(usize::MAX);
        prop_assert_eq!(facts.usage_state, UsageState::Reported);
        // What the total vouches for is a part of the others, unless its name says that it is no token.
        if !within {
            prop_assert_eq!(facts.usage_reason, Some(UsageReason::Unread));
        } else if name.ends_with("_tokens") {
            prop_assert_eq!(facts.usage_reason, None);
        }
        prop_assert_eq!(facts, call.read_in(1));
    }

    /// Where each figure is billed by itself, any that is not known is told.
    #[test]
    fn a_fee_that_is_not_known_is_told_whatever_its_name(name in "zz[a-z_]{1,12}", count in 1..1000u64) {
        for call in [
            Call::new(COHERE, JSON, format!(r#"{{"usage":{{"billed_units":{{"input_tokens":1,"{name}":{count}}}}}}}"#)),
            Call::new(OCR, JSON, format!(r#"{{"model":"m","usage_info":{{"pages_processed":1,"{name}":{count}}}}}"#)),
            response("[]", &format!(r#""tool_usage":{{"{name}":{{"num_requests":{count}}}}},"#)),
            response("[]", &format!(r#""tool_usage":{{"web_search":{{"{name}":{count}}}}},"#)),
            message(&format!(r#"{{"input_tokens":1,"output_tokens":1,"server_tool_use":{{"{name}":{count}}}}}"#), "[]"),
            message(&format!(r#"{{"input_tokens":1,"cache_creation":{{"{name}":{count}}},"output_tokens":1}}"#), "[]"),
            chat(&format!(r#"{{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"connectors":{{"{name}":{count}}}}}"#)),
            chat(&format!(r#"{{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"server_side_tool_usage_details":{{"{name}":{count}}}}}"#)),
        ] {
            let facts = call.read_in(usize::MAX);
            prop_assert_eq!(facts.usage_reason, Some(UsageReason::Unread), "{}", String::from_utf8_lossy(&call.body));
        }
    }
}

#[test]
fn where_there_is_no_total_a_counter_of_tokens_that_is_not_known_is_told() {
    assert!(is_unread(&message(r#"{"input_tokens":1,"output_tokens":1,"wizard_tokens":5}"#, "[]")));
    assert!(is_unread(&chat(r#"{"prompt_tokens":1,"completion_tokens":1,"wizard_tokens":5}"#)));
    assert!(!is_unread(&chat(r#"{"prompt_tokens":1,"completion_tokens":1,"wizard_tokens":0}"#)));
    assert!(is_unread(&chat(
        r#"{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"image_count":3}"#
    )));
    assert!(is_unread(&chat(
        r#"{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"citation_tokens":3}"#
    )));
}

#[test]
fn times_rates_and_prices_are_no_counters() {
    assert!(!is_unread(&chat(
        r#"{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"queue_time":0.5,"tokens_per_second":80,"market_cost":3,"latency_checkpoint":{"total_ms":3}}"#
    )));
}

#[test]
fn an_item_of_a_hosted_tool_is_counted_or_told() {
    let item = |kind: &str| format!(r#"[{{"type":"{kind}","id":"x"}}]"#);
    for kind in ["code_interpreter_call", "image_generation_call", "x_search_call"] {
        assert!(is_unread(&response(&item(kind), "")), "{kind}");
    }
    let shell = r#"[{"type":"shell_call","environment":{"type":"container_reference"}}]"#;
    assert!(is_unread(&response(shell, "")));
    for kind in ["bing_grounding_call", "some_day_call"] {
        assert!(is_unread(&response(&item(kind), "")), "{kind}");
    }
    for kind in ["message", "reasoning", "function_call", "mcp_call", "computer_call", "shell_call"] {
        assert!(!is_unread(&response(&item(kind), "")), "{kind}");
    }
    let usage = r#"{"input_tokens":1,"output_tokens":1}"#;
    let counted = r#"{"input_tokens":1,"output_tokens":1,"server_tool_use":{"web_search_requests":1}}"#;
    for kind in ["web_search_tool_result", "code_execution_tool_result", "bash_code_execution_tool_result"] {
        assert!(is_unread(&message(usage, &item(kind))), "{kind}");
    }
    let offered = response("[]", r#""tools":[{"type":"code_interpreter"},{"type":"some_day_call"}],"#);
    assert!(!is_unread(&offered), "what is only offered costs nothing");
    // Code that serves a search is free.
    let search = r#"[{"type":"code_execution_tool_result"},{"type":"web_search_tool_result"}]"#;
    assert!(!is_unread(&message(counted, search)));
    assert!(!is_unread(&message(usage, &item("text"))));
}

#[test]
fn a_tool_of_a_provider_s_that_only_leaves_its_result_is_told() {
    let usage = r#""usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}"#;
    let chat = |message: &str, beside: &str| {
        let body = format!(
            r#"{{"object":"chat.completion","model":"m","choices":[{{"message":{{{message}}}}}],{beside}{usage}}}"#
        );
        is_unread(&Call::new(GATEWAY, JSON, body))
    };
    assert!(chat(r#""executed_tools":[{"type":"browser_search"}]"#, ""));
    assert!(chat(r#""tool_calls":[{"type":"builtin_function","function":{"name":"$web_search"}}]"#, ""));
    assert!(chat("", r#""web_search":[{"title":"t"}],"#));
    assert!(chat("", r#""vertex_ai_grounding_metadata":[{"a":1}],"#));
    assert!(!chat(
        r#""tool_calls":[{"type":"function","function":{"name":"web_search"}}]"#,
        r#""web_search":[],"#
    ));
    let chunk = |delta: &str| {
        format!(r#"{{"model":"m","object":"chat.completion.chunk","choices":[{{"delta":{delta}}}]}}"#)
    };
    let last = format!(r#"{{"model":"m","choices":[],{usage}}}"#);
    let tools = chunk(r#"{"executed_tools":[{"type":"browser_search"}]}"#);
    let stream = events(&[&chunk(r#"{"content":"x"}"#), &tools, &last, "[DONE]"]);
    assert!(is_unread(&Call::new(GATEWAY, EVENTS, stream)));
    let guarded = r#"{"output":{},"trace":{"guardrail":{"inputAssessment":{"g":{}}}},"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#;
    assert!(is_unread(&Call::new(CONVERSE, JSON, guarded)));
    let execution = r#"{"outputs":[{"type":"tool.execution","name":"web_search"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2%}}"#;
    let conversation = |more: &str| {
        is_unread(&Call::new("https://api.mistral.ai/v1/conversations", JSON, execution.replace('%', more)))
    };
    assert!(conversation(""));
    assert!(!conversation(r#","connectors":{"web_search":1}"#));
}

#[test]
fn an_older_search_tool_and_a_faster_answer_have_other_prices() {
    let search = r#"[{"type":"web_search_call","action":{"type":"search"}}]"#;
    let with = |model: &str, tool: &str| {
        let call = response(search, &format!(r#""tools":[{{"type":"{tool}"}}],"#));
        let body =
            String::from_utf8(call.body).unwrap().replace(r#""model":"m""#, &format!(r#""model":"{model}""#));
        is_unread(&Call::new(RESPONSES, JSON, body))
    };
    assert!(with("gpt-4.1", "web_search_preview"));
    assert!(!with("gpt-4.1", "web_search"));
    assert!(!with("gpt-5-mini", "web_search_preview"));
    let converse = |latency: &str| {
        let body = format!(
            r#"{{"output":{{}},"performanceConfig":{{"latency":"{latency}"}},"usage":{{"inputTokens":1,"outputTokens":1,"totalTokens":2}}}}"#
        );
        Call::new(CONVERSE, JSON, body).facts().service_tier
    };
    assert_eq!((converse("optimized").as_deref(), converse("standard")), (Some("optimized"), None));
}

#[test]
fn parts_that_are_known_and_cost_nothing_more_are_no_alarm() {
    for usage in [
        r#"{"prompt_tokens":9,"completion_tokens":9,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":5,"text_tokens":9}"#,
        r#"{"prompt_tokens":9,"completion_tokens":9,"completion_tokens_details":{"accepted_prediction_tokens":3,"text_tokens":6}}"#,
        r#"{"prompt_tokens":4,"completion_tokens":250,"total_tokens":1004,"prompt_audio_seconds":60}"#,
        r#"{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18,"request_count":1,"num_server_side_tools_used":2,"server_side_tool_usage_details":{"web_search_calls":2}}"#,
        r#"{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18,"server_tool_use":{"web_search_requests":2}}"#,
    ] {
        assert!(!is_unread(&chat(usage)), "{usage}");
    }
    let anthropic = r#"{"input_tokens":1,"output_tokens":1,"cache_deleted_input_tokens":5,"server_tool_use":{"web_search_requests":0,"tool_search_requests":2}}"#;
    assert!(!is_unread(&message(anthropic, "[]")));
    assert!(is_unread(&chat(
        r#"{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18,"num_server_side_tools_used":3}"#
    )));
}

#[test]
fn searches_are_counted_by_their_items_where_nothing_else_counts_them() {
    let items = r#"[{"type":"web_search_call","action":{"type":"search","query":"q"}},{"action":{"type":"open_page"},"type":"web_search_call"},{"type":"web_search_call","action":{"type":"find_in_page"}},{"type":"file_search_call","queries":["a","b"]},{"type":"web_search_call"}]"#;
    let usage = response(items, "").usage();
    assert_eq!((usage.web_searches, usage.file_searches), (Some(2), Some(1)));
    let counted = response(items, r#""tool_usage":{"web_search":{"num_requests":7}},"#).usage();
    assert_eq!(counted.web_searches, Some(7));
    assert_eq!(response("[]", "").usage().web_searches, None);
}

#[test]
fn a_stream_counts_an_item_once_though_it_comes_three_times() {
    let item = r#"{"type":"web_search_call","action":{"type":"search"}}"#;
    let event = |name: &str| format!(r#"{{"item":{item},"type":"{name}"}}"#);
    let usage = r#"{"input_tokens":10,"output_tokens":1,"total_tokens":11}"#;
    let created = r#"{"type":"response.created","response":{"object":"response","model":"m","output":[]}}"#;
    let delta = r#"{"type":"response.output_text.delta","delta":"x"}"#;
    for output in [format!("[{item},{item}]"), "[]".to_owned()] {
        let last = format!(
            r#"{{"type":"response.completed","response":{{"model":"m","output":{output},"usage":{usage}}}}}"#
        );
        let (added, done) = (event("response.output_item.added"), event("response.output_item.done"));
        let stream = events(&[created, delta, &added, &done, delta, &added, &done, &last]);
        assert_eq!(Call::new(RESPONSES, EVENTS, stream).usage().web_searches, Some(2), "{output}");
    }
}

#[test]
fn a_tool_of_anthropic_s_is_seen_in_a_stream_too() {
    let block = |kind: &str| {
        format!(
            r#"{{"type":"content_block_start","index":1,"content_block":{{"type":"{kind}","content":[]}}}}"#
        )
    };
    let start = r#"{"type":"message_start","message":{"type":"message","model":"m","usage":{"input_tokens":1,"cache_read_input_tokens":0}}}"#;
    let text = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}"#;
    let end = r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":5}}"#;
    for (kind, unread) in [("code_execution_tool_result", true), ("text", false)] {
        let stream = events(&[start, text, &block(kind), end, r#"{"type":"message_stop"}"#]);
        assert_eq!(is_unread(&Call::new(MESSAGES, EVENTS, stream)), unread, "{kind}");
    }
}

#[test]
fn grounding_is_counted_by_its_different_queries_and_by_the_map() {
    let queries = r#""groundingMetadata":{"webSearchQueries":["a","b"," a ","",null]}"#;
    assert_eq!(gemini(queries).usage().web_searches, Some(2));
    let chunk = |queries: &str| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[]}},"groundingMetadata":{{"webSearchQueries":{queries}}}}}],"usageMetadata":{{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2}}}}"#
        )
    };
    let stream = events(&[&chunk(r#"["a"]"#), &chunk(r#"["a","b"]"#)]);
    assert_eq!(Call::new(GEMINI_STREAM, EVENTS, stream).usage().web_searches, Some(2));
    let maps = r#""groundingMetadata":{"groundingChunks":[{"web":{"uri":"u"}},{"maps":{"placeId":"p"}},{"maps":{"placeId":"q"}}]}"#;
    let usage = gemini(maps).usage();
    assert_eq!((usage.map_queries, usage.web_searches), (Some(1), None));
    let places = r#""groundingMetadata":{"webSearchQueries":["near me"],"groundingChunks":[{"maps":{"placeId":"p"}}]}"#;
    assert_eq!(gemini(places).usage().web_searches, None, "the queries are those to the map");
    assert!(is_unread(&gemini(r#""groundingMetadata":{"imageSearchQueries":["a"]}"#)));
    assert!(!is_unread(&gemini(r#""groundingMetadata":{"imageSearchQueries":[],"webSearchQueries":[]}"#)));
    let many: Vec<String> = (0..300).map(|n| format!("\"{n}\"")).collect();
    assert!(is_unread(&gemini(&format!(
        r#""groundingMetadata":{{"webSearchQueries":[{}]}}"#,
        many.join(",")
    ))));
}

#[test]
fn the_tokens_of_an_image_tool_are_a_pass_of_the_model_behind_it() {
    let tool_usage = r#""tool_usage":{"image_gen":{"input_tokens":30,"input_tokens_details":{"image_tokens":20},"output_tokens":70,"output_tokens_details":{"image_tokens":70},"total_tokens":100}},"#;
    let items = r#"[{"type":"image_generation_call"}]"#;
    let tools =
        r#""tools":[{"type":"function","name":"f"},{"type":"image_generation","model":"gpt-image-2"}]"#;
    let in_answer = response(items, &format!("{tools},{tool_usage}"));
    let request = format!("{{{tools}}}");
    let in_request = response(items, tool_usage).asking(&request).usage();
    let usage = in_answer.usage();
    assert_eq!(usage, in_request);
    let [pass] = &usage.passes[..] else { panic!("{usage:?}") };
    assert_eq!(pass.model.as_deref(), Some("gpt-image-2"));
    assert_eq!((pass.input_tokens, pass.input_image_tokens), (Some(30), Some(20)));
    assert_eq!((pass.output_tokens, pass.output_image_tokens), (Some(70), Some(70)));
    assert!(!is_unread(&in_answer));
    assert!(is_unread(&response(items, tool_usage)));
    let zero = r#""tool_usage":{"image_gen":{"input_tokens":0,"output_tokens":0}},"#;
    assert!(response("[]", zero).usage().passes.is_empty());
}

#[test]
fn annotated_pages_and_speech_have_counts_of_their_own() {
    let ocr = r#"{"model":"m","usage_info":{"pages_processed":2,"doc_size_bytes":9,"pages_processed_annotation":1}}"#;
    let usage = Call::new(OCR, JSON, ocr).usage();
    assert_eq!((usage.pages, usage.annotated_pages), (Some(2), Some(1)));
    let minimax = r#"{"data":{},"extra_info":{"usage_characters":26},"base_resp":{"status_code":0}}"#;
    assert_eq!(Call::new("https://api.minimax.io/v1/t2a_v2", JSON, minimax).usage().characters, Some(26));
    let speech = Call::new("https://api.openai.com/v1/audio/speech", "audio/mpeg", vec![0xff, 0xf3, 0x44])
        .asking(r#"{"model":"tts-1","input":"H\u00e9 \ud83d\ude00\n","voice":"x"}"#);
    let route = ApiRoute::of(&Method::POST, &speech.url.parse().unwrap(), &HeaderMap::new(), None);
    for chunk in [1, 3, usize::MAX] {
        assert_eq!(speech.request_facts(&route, chunk).characters, Some(5));
    }
    let chat = Call::new(CHAT, JSON, "{}").asking(r#"{"input":"not spoken"}"#);
    let route = ApiRoute::of(&Method::POST, &CHAT.parse().unwrap(), &HeaderMap::new(), None);
    assert_eq!(chat.request_facts(&route, usize::MAX).characters, None);
}

#[test]
fn a_call_that_is_refused_with_the_status_of_a_success_consumed_nothing() {
    let url = "https://api.minimax.io/v1/text/chatcompletion_v2";
    let facts =
        Call::new(url, JSON, r#"{"choices":null,"base_resp":{"status_code":1004,"status_msg":"auth"}}"#)
            .facts();
    assert!(facts.failed && !facts.consumes);
    assert_eq!(facts.error.as_deref(), Some("1004"));
    for refusal in [r#"{"error":{"code":429,"message":"m"}}"#, r#"{"error_code":17,"error_msg":"m"}"#] {
        let facts = Call::new(GATEWAY, JSON, refusal).facts();
        assert!(facts.failed && !facts.consumes, "{refusal}");
    }
    let facts = Call::new(url, JSON, r#"{"choices":[],"base_resp":{"status_code":0}}"#).facts();
    assert!(!facts.failed && facts.consumes);
}

#[test]
fn the_results_of_a_batch_are_known_by_their_form() {
    let openai = "{\"custom_id\":\"a\",\"response\":{\"status_code\":200,\"body\":{\"usage\":{}}},\"error\":null}\n{\"custom_id\":\"b\",\"response\":null,\"error\":{\"code\":\"x\"}}\n";
    let anthropic = "{\"custom_id\":\"a\",\"result\":{\"type\":\"succeeded\",\"message\":{\"usage\":{\"input_tokens\":1}}}}\n";
    let gemini =
        "{\"key\":\"a\",\"response\":{\"candidates\":[{}],\"usageMetadata\":{\"promptTokenCount\":1}}}\n";
    let inlined = r#"{"name":"batches/b","done":true,"response":{"inlinedResponses":{"inlinedResponses":[{"response":{}}]}}}"#;
    for (url, content_type, body) in [
        ("https://api.openai.com/v1/files/file-1/content", "application/octet-stream", openai),
        ("https://api.anthropic.com/v1/messages/batches/b/results", "application/x-jsonl", anthropic),
        (
            "https://generativelanguage.googleapis.com/download/v1beta/files/f:download",
            "application/octet-stream",
            gemini,
        ),
        ("https://generativelanguage.googleapis.com/v1beta/batches/b", JSON, inlined),
    ] {
        let facts = Call::new(url, content_type, body).get().facts();
        assert_eq!(facts.usage_reason, Some(UsageReason::BatchResults), "{url}");
        assert!(facts.consumes && !facts.failed, "{url}");
    }
    let requests = "{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{}}\n";
    let url = "https://api.openai.com/v1/files/file-1/content";
    let facts = Call::new(url, "application/octet-stream", requests).get().facts();
    assert_eq!((facts.usage_reason, facts.consumes), (Some(UsageReason::NotConsumption), false));
}

#[test]
fn a_stream_that_is_known_to_tell_its_usage_unasked_was_not_left_without_it_for_not_asking() {
    let stream = |url| Call::new(url, EVENTS, chat_events().replace(CHAT_USAGE, "null")).absent();
    assert_eq!(stream(CHAT), UsageReason::NotRequested);
    assert_eq!(stream("https://api.moonshot.ai/v1/chat/completions"), UsageReason::NotReported);
}
