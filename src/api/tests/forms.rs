//! Each API in each of its forms.

use super::*;
use std::time::Duration;

#[test]
fn a_call_gives_the_same_usage_streamed_and_not_streamed() {
    let ollama = r#"{"model":"qwen3:4b","message":{"role":"assistant","content":"Hi"},"done":true,"prompt_eval_count":39,"eval_count":289}"#;
    let ollama_lines = format!(
        "{}\n{}\n{ollama}\n",
        r#"{"model":"qwen3:4b","message":{"role":"assistant","content":"H"},"done":false}"#,
        r#"{"model":"qwen3:4b","message":{"role":"assistant","content":"i"},"done":false}"#,
    );
    let cohere_usage = r#"{"billed_units":{"input_tokens":5,"output_tokens":7},"tokens":{"input_tokens":71,"output_tokens":9},"cached_tokens":2}"#;
    let cohere =
        format!(r#"{{"id":"c1","message":{{"role":"assistant","content":[]}},"usage":{cohere_usage}}}"#);
    let cohere_events = format!(
        "event: message-start\ndata: {{\"id\":\"c1\",\"type\":\"message-start\",\"delta\":{{\"message\":{{\"role\":\"assistant\"}}}}}}\n\nevent: content-delta\ndata: {{\"type\":\"content-delta\",\"delta\":{{\"message\":{{\"content\":{{\"text\":\"Hi\"}}}}}}}}\n\nevent: message-end\ndata: {{\"type\":\"message-end\",\"delta\":{{\"finish_reason\":\"COMPLETE\",\"usage\":{cohere_usage}}}}}\n\n"
    );
    let cohere_v1 = format!(r#"{{"response_id":"c1","text":"Hi","meta":{cohere_usage}}}"#);
    let cohere_v1_lines = format!(
        "{}\n{}\n{}\n",
        r#"{"is_finished":false,"event_type":"stream-start","generation_id":"g"}"#,
        r#"{"is_finished":false,"event_type":"text-generation","text":"Hi"}"#,
        format_args!(r#"{{"is_finished":true,"event_type":"stream-end","response":{cohere_v1}}}"#)
    );
    let interaction_usage = r#"{"total_input_tokens":34,"total_output_tokens":2,"total_thought_tokens":1016,"total_tokens":1052}"#;
    let interaction = format!(
        r#"{{"id":"v1_x","object":"interaction","status":"completed","model":"gemini-3-flash","usage":{interaction_usage}}}"#
    );
    let interaction_events = events(&[
        r#"{"event_type":"interaction.created","interaction":{"id":"v1_x","object":"interaction","status":"in_progress","model":"gemini-3-flash"}}"#,
        r#"{"event_type":"step.delta","delta":{"text":"Hi","type":"text"}}"#,
        &format!(r#"{{"event_type":"interaction.completed","interaction":{interaction}}}"#),
        "[DONE]",
    ]);
    let watsonx = r#"{"model_id":"google/flan-ul2","results":[{"generated_text":"ab","generated_token_count":11,"input_token_count":8,"stop_reason":"eos_token"}]}"#;
    let watsonx_events = events(&[
        r#"{"model_id":"google/flan-ul2","results":[{"generated_text":"","generated_token_count":0,"input_token_count":8}]}"#,
        r#"{"model_id":"google/flan-ul2","results":[{"generated_text":"a","generated_token_count":5,"input_token_count":0}]}"#,
        r#"{"model_id":"google/flan-ul2","results":[{"generated_text":"b","generated_token_count":11,"input_token_count":0}]}"#,
    ]);
    let transcript_usage = r#"{"type":"tokens","input_tokens":37,"output_tokens":14,"total_tokens":51,"input_token_details":{"audio_tokens":37,"text_tokens":0}}"#;
    let transcript = format!(r#"{{"text":"Hi","usage":{transcript_usage}}}"#);
    let transcript_events = events(&[
        r#"{"type":"transcript.text.delta","delta":"Hi"}"#,
        &format!(r#"{{"type":"transcript.text.done","text":"Hi","usage":{transcript_usage}}}"#),
    ])
    .replace('\n', "\r\n");
    let run = r#"{"id":"run_1","object":"thread.run","status":"completed","model":"gpt-4o","usage":{"prompt_tokens":60,"completion_tokens":5,"total_tokens":65}}"#;
    let run_events = format!(
        "event: thread.run.created\ndata: {}\n\nevent: thread.message.delta\ndata: {}\n\nevent: thread.run.step.completed\ndata: {}\n\nevent: thread.run.completed\ndata: {run}\n\nevent: done\ndata: [DONE]\n\n",
        r#"{"id":"run_1","object":"thread.run","status":"queued","model":"gpt-4o","usage":null}"#,
        r#"{"id":"msg_1","object":"thread.message.delta","delta":{"content":[{"type":"text","text":{"value":"Hi"}}]}}"#,
        r#"{"id":"step_1","object":"thread.run.step","status":"completed","usage":{"prompt_tokens":40,"completion_tokens":3,"total_tokens":43}}"#,
    );

    for (url, whole, stream_url, content_type, streamed, expected) in [
        (CHAT, chat_json(), CHAT, EVENTS, chat_events(), chat_usage()),
        (MESSAGES, ANTHROPIC_JSON.into(), MESSAGES, EVENTS, ANTHROPIC_EVENTS.into(), anthropic_usage()),
        (
            RESPONSES,
            RESPONSE_OBJECT.into(),
            RESPONSES,
            EVENTS,
            responses_events("response.completed"),
            responses_usage(),
        ),
        (
            GEMINI,
            GEMINI_WHOLE.into(),
            GEMINI_STREAM,
            EVENTS,
            events(&[GEMINI_PART, GEMINI_WHOLE]),
            gemini_usage(),
        ),
        (
            GEMINI,
            GEMINI_WHOLE.into(),
            GEMINI_STREAM,
            JSON,
            format!("[{GEMINI_PART},\r\n{GEMINI_WHOLE}]"),
            gemini_usage(),
        ),
        (
            "http://localhost:11434/api/chat",
            ollama.into(),
            "http://localhost:11434/api/chat",
            LINES,
            ollama_lines,
            tokens(39, 289),
        ),
        (
            "https://api.cohere.com/v2/chat",
            cohere,
            "https://api.cohere.com/v2/chat",
            EVENTS,
            cohere_events,
            Usage { cache_read_tokens: Some(2), ..tokens(5, 7) },
        ),
        (
            "https://api.cohere.com/v1/chat",
            cohere_v1,
            "https://api.cohere.com/v1/chat",
            "application/stream+json",
            cohere_v1_lines,
            Usage { cache_read_tokens: Some(2), ..tokens(5, 7) },
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/interactions",
            interaction,
            "https://generativelanguage.googleapis.com/v1beta/interactions",
            EVENTS,
            interaction_events,
            Usage { reasoning_tokens: Some(1016), ..tokens(34, 1018) },
        ),
        (
            "https://us-south.ml.cloud.ibm.com/ml/v1/text/generation",
            watsonx.into(),
            "https://us-south.ml.cloud.ibm.com/ml/v1/text/generation_stream",
            EVENTS,
            watsonx_events,
            tokens(8, 11),
        ),
        (
            "https://api.openai.com/v1/audio/transcriptions",
            transcript,
            "https://api.openai.com/v1/audio/transcriptions",
            EVENTS,
            transcript_events,
            Usage { input_audio_tokens: Some(37), ..tokens(37, 14) },
        ),
        (
            "https://api.openai.com/v1/threads/t/runs",
            run.into(),
            "https://api.openai.com/v1/threads/t/runs",
            EVENTS,
            run_events,
            tokens(60, 5),
        ),
    ] {
        let whole = Call::new(url, JSON, whole).facts();
        let streamed = Call::new(stream_url, content_type, streamed).facts();
        assert_eq!(whole.usage, expected, "{url}");
        assert_eq!(streamed.usage, expected, "{stream_url}");
        assert_eq!((whole.stream, streamed.stream), (false, true), "{url}");
        let same = |facts: Read| {
            (
                facts.api,
                facts.operation,
                facts.model,
                facts.response_id,
                facts.service_tier,
                facts.usage_state,
                facts.pending,
            )
        };
        assert_eq!(same(streamed), same(whole), "{url}");
    }
}

#[test]
fn every_shape_that_is_not_streamed_is_read() {
    let images = r#"{"created":1,"data":[{"b64_json":"iVBORw0KGgo="}],"usage":{"input_tokens":14,"output_tokens":272,"total_tokens":286,"input_tokens_details":{"text_tokens":14,"image_tokens":0},"output_tokens_details":{"image_tokens":272,"text_tokens":0}}}"#;
    let dall_e = r#"{"created":1,"data":[{"url":"https://example.com/1"},{"url":"https://example.com/2","revised_prompt":"x"}]}"#;
    for (url, body, expected) in [
        (
            "https://api.openai.com/v1/embeddings",
            r#"{"object":"list","data":[{"object":"embedding","embedding":[0.5,-1e-3]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}"#,
            Usage { input_tokens: Some(8), ..Usage::default() },
        ),
        (
            "https://api.openai.com/v1/images/generations",
            images,
            Usage { input_image_tokens: Some(0), output_image_tokens: Some(272), ..tokens(14, 272) },
        ),
        (
            "https://api.openai.com/v1/images/generations",
            dall_e,
            Usage { images: Some(2), ..Usage::default() },
        ),
        (
            "https://api.openai.com/v1/audio/transcriptions",
            r#"{"text":"x","usage":{"type":"duration","seconds":6.5}}"#,
            Usage { seconds: Some(Duration::from_millis(6500)), ..Usage::default() },
        ),
        (
            "https://api.mistral.ai/v1/ocr",
            r#"{"pages":[{"index":0}],"model":"mistral-ocr-2505","usage_info":{"pages_processed":3,"doc_size_bytes":9}}"#,
            Usage { pages: Some(3), ..Usage::default() },
        ),
        (
            "https://api.cohere.com/v2/rerank",
            r#"{"results":[{"index":0,"relevance_score":0.9}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}"#,
            Usage { search_units: Some(1), ..Usage::default() },
        ),
        (
            "https://api.cohere.com/v2/embed",
            r#"{"embeddings":{"float":[[0.1]]},"meta":{"billed_units":{"images":1}}}"#,
            Usage { images: Some(1), ..Usage::default() },
        ),
        (
            "https://api.voyageai.com/v1/embeddings",
            r#"{"data":[],"model":"voyage-3","usage":{"total_tokens":3}}"#,
            Usage { input_tokens: Some(3), ..Usage::default() },
        ),
        (
            "https://aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/text-embedding-004:predict",
            r#"{"predictions":[{"embeddings":{"statistics":{"token_count":1},"values":[0.1]}},{"embeddings":{"statistics":{"token_count":3}}}],"metadata":{"billableCharacterCount":11}}"#,
            Usage { input_tokens: Some(4), characters: Some(11), ..Usage::default() },
        ),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-text-express-v1/invoke",
            r#"{"inputTextTokenCount":6.0,"results":[{"tokenCount":3,"outputText":"x"},{"tokenCount":4,"outputText":"y"}]}"#,
            tokens(6, 7),
        ),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-embed-text-v2%3A0/invoke",
            r#"{"embedding":[0.25],"inputTextTokenCount":5}"#,
            Usage { input_tokens: Some(5), ..Usage::default() },
        ),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/meta.llama3-8b-instruct-v1%3A0/invoke",
            r#"{"generation":"x","prompt_token_count":9,"generation_token_count":26,"stop_reason":"stop"}"#,
            tokens(9, 26),
        ),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-sonnet-4-20250514-v1%3A0/invoke",
            ANTHROPIC_JSON,
            anthropic_usage(),
        ),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse",
            r#"{"output":{"message":{"content":[{"text":"x"}]}},"stopReason":"end_turn","usage":{"inputTokens":4,"outputTokens":2,"totalTokens":33,"cacheReadInputTokens":27,"cacheReadInputTokenCount":27},"metrics":{"latencyMs":5},"trace":{"guardrail":{"inputAssessment":{"g":{"invocationMetrics":{"usage":{"topicPolicyUnits":1}}}}}}}"#,
            Usage { cache_read_tokens: Some(27), ..tokens(31, 2) },
        ),
        (
            "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/anthropic/models/claude-sonnet-4@20250514:rawPredict",
            ANTHROPIC_JSON,
            anthropic_usage(),
        ),
        (
            "https://api.replicate.com/v1/models/meta/llama-3/predictions",
            r#"{"id":"p1","model":"meta/llama-3","status":"succeeded","metrics":{"input_token_count":7,"output_token_count":8}}"#,
            tokens(7, 8),
        ),
        (
            "https://api.aleph-alpha.com/complete",
            r#"{"completions":[],"num_tokens_prompt_total":9,"num_tokens_generated":1000}"#,
            tokens(9, 1000),
        ),
        (
            "http://gateway.internal/llm/ask",
            r#"{"object":"chat.completion","model":"llama-3","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#,
            tokens(1, 2),
        ),
    ] {
        assert_eq!(Call::new(url, JSON, body).usage(), expected, "{url}");
    }
}
