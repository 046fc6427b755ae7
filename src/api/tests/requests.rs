//! What requests say.

use super::*;
use crate::identify::UserFields;
use crate::record::{Api, UserIssue};

fn facts_with(fields: &RequestMembers, url: &str, headers: &HeaderMap, body: &[u8]) -> RequestFacts {
    let route = ApiRoute::of(&Method::POST, &url.parse().unwrap(), headers, None);
    let read_in = |chunk: usize| {
        let mut reader = RequestReader::new(&route, headers, None);
        for bytes in body.chunks(chunk) {
            reader.push(fields, bytes);
        }
        reader.facts().clone()
    };
    let whole = read_in(usize::MAX);
    for chunk in [1, 2, 3, 7, 64] {
        assert_eq!(read_in(chunk), whole, "in pieces of {chunk}");
    }
    whole
}

fn facts(url: &str, body: &str) -> RequestFacts {
    facts_with(&RequestMembers::default(), url, &HeaderMap::new(), body.as_bytes())
}

fn user(url: &str, body: &str) -> Option<String> {
    facts(url, body).user.id.map(|user| user.to_string())
}

#[test]
fn a_request_tells_its_user_model_and_wish_for_a_stream() {
    let facts = facts(
        CHAT,
        r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}],"stream":true,
            "stream_options":{"include_usage":true},"service_tier":"flex","user":" alice "}"#,
    );
    assert_eq!(facts.user.id.unwrap().as_str(), "alice");
    assert_eq!(facts.model.unwrap(), "gpt-5-mini");
    assert_eq!((facts.stream, facts.include_usage), (Some(true), Some(true)));
    assert_eq!(facts.service_tier.unwrap(), "flex");
}

#[test]
fn the_first_field_with_a_usable_id_is_the_user() {
    for (body, expected) in [
        (r#"{"safety_identifier":"b","user":"a"}"#, Some("a")),
        (r#"{"safety_identifier":"b"}"#, Some("b")),
        (r#"{"user":"","safety_identifier":"b"}"#, Some("b")),
        (r#"{"user":null,"safety_identifier":"b"}"#, Some("b")),
        (r#"{"user":{"id":"x"},"safety_identifier":"b"}"#, Some("b")),
        (r#"{"user":["x"],"safety_identifier":7}"#, Some("7")),
        (r#"{"user":-3}"#, Some("-3")),
        (r#"{"user":1.5}"#, None),
        (r#"{"user":1e5}"#, None),
        (r#"{"user":true}"#, None),
        (r#"{"user":"a","user":"b"}"#, Some("b")),
        (r#"{"user":"a","user":null}"#, None),
        (r#"{"\u0075ser":"a"}"#, Some("a")),
        (r#"{"User":"a","USER":"b"}"#, None),
        (r#"{"messages":[{"user":"x"}],"tools":{"user":"y"}}"#, None),
        (r#"{"user":"anonymous"}"#, Some("anonymous")),
        (r#"{"user":"\"quoted\""}"#, Some("\"quoted\"")),
        (r#"{"user":"\ud83d\ude00 \u00e9"}"#, Some("😀 é")),
        // The curl example of the original documentation.
        ("{\"model\":\"m\",\"user\":\"alicebob@gmail.com\",\n}", Some("alicebob@gmail.com")),
        (r#"{"user":"a","messages":["#, Some("a")),
    ] {
        assert_eq!(user(CHAT, body).as_deref(), expected, "{body}");
    }
}

#[test]
fn an_id_that_is_refused_falls_through_and_is_told() {
    let long = "x".repeat(257);
    let huge = "x".repeat(5000);
    for (body, issue) in [
        (format!(r#"{{"user":"{long}","safety_identifier":"b"}}"#), UserIssue::TooLong),
        (format!(r#"{{"user":"{huge}","safety_identifier":"b"}}"#), UserIssue::TooLong),
        (r#"{"user":"a\nb","safety_identifier":"b"}"#.to_owned(), UserIssue::ControlCharacter),
        ("{\"user\":\"a\u{1}b\",\"safety_identifier\":\"b\"}".to_owned(), UserIssue::ControlCharacter),
        (r#"{"user":"\ud800","safety_identifier":"b"}"#.to_owned(), UserIssue::NotUtf8),
    ] {
        let facts = facts(CHAT, &body);
        assert_eq!((facts.user.id.unwrap().as_str(), facts.user.issue), ("b", Some(issue)));
    }
    let bytes = facts_with(&RequestMembers::default(), CHAT, &HeaderMap::new(), b"{\"user\":\"a\xFFb\"}");
    assert_eq!((bytes.user.id, bytes.user.issue), (None, Some(UserIssue::NotUtf8)));
    let exact = format!(r#"{{"user":"{}"}}"#, "x".repeat(256));
    assert_eq!(facts(CHAT, &exact).user.issue, None);
    assert_eq!(facts(CHAT, r#"{"user":""}"#).user.issue, None);
}

#[test]
fn metadata_user_id_counts_in_anthropic_s_messages_whatever_the_host() {
    let body = r#"{"metadata":{"user_id":"a"}}"#;
    assert_eq!(user(MESSAGES, body).as_deref(), Some("a"));
    assert_eq!(user("http://gateway.internal/anthropic/v1/messages", body).as_deref(), Some("a"));
    assert_eq!(user(CHAT, body), None);
    assert_eq!(user(RESPONSES, body), None);
    let bedrock = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude/invoke";
    assert_eq!(user(bedrock, body), None);
    for body in [
        r#"{"anthropic_version":"bedrock-2023-05-31","metadata":{"user_id":"a"}}"#,
        r#"{"metadata":{"user_id":"a"},"anthropic_version":"bedrock-2023-05-31"}"#,
    ] {
        assert_eq!(user(bedrock, body).as_deref(), Some("a"), "{body}");
    }
    let mut headers = HeaderMap::new();
    headers.insert("anthropic-version", "2023-06-01".parse().unwrap());
    let by_header =
        facts_with(&RequestMembers::default(), "http://gateway.internal/ask", &headers, body.as_bytes());
    assert_eq!(by_header.user.id.unwrap().as_str(), "a");
}

#[test]
fn the_application_chooses_the_fields_and_their_order() {
    let fields = RequestMembers::new(UserFields::new([
        ("tenant.user", None),
        ("model", None),
        ("user", Some(Api::Responses)),
    ]));
    let of = |url, body: &str| facts_with(&fields, url, &HeaderMap::new(), body.as_bytes());
    assert_eq!(of(CHAT, r#"{"tenant":{"user":"t"},"user":"u"}"#).user.id.unwrap().as_str(), "t");
    assert_eq!(of(CHAT, r#"{"user":"u"}"#).user.id, None);
    assert_eq!(of(RESPONSES, r#"{"user":"u"}"#).user.id.unwrap().as_str(), "u");
    let model = of(CHAT, r#"{"model":"m"}"#);
    assert_eq!((model.user.id.unwrap().as_str(), model.model.as_deref()), ("m", Some("m")));
}

#[test]
fn news_is_told_once() {
    let fields = RequestMembers::default();
    let route = ApiRoute::of(&Method::POST, &CHAT.parse().unwrap(), &HeaderMap::new(), None);
    let mut reader = RequestReader::new(&route, &HeaderMap::new(), None);
    reader.push(&fields, br#"{"messages":"#);
    assert!(!reader.take_news());
    reader.push(&fields, br#"[],"user":"a""#);
    assert!(reader.take_news());
    assert!(!reader.take_news());
    reader.push(&fields, b"}");
    assert!(!reader.take_news());
}

#[test]
fn bodies_that_are_no_json_tell_nothing_and_harm_nothing() {
    for body in ["", "user=alice", "\0\0\0", "[1,2]", "\"user\"", "{]", "<xml user=\"x\"/>"] {
        assert_eq!(facts(CHAT, body), RequestFacts::default(), "{body}");
    }
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (disposition, text) in parts {
        body.extend_from_slice(
            format!("--x\r\nContent-Disposition: form-data; {disposition}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(text);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x--\r\n");
    body
}

fn form_facts(parts: &[(&str, &[u8])]) -> RequestFacts {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=x".parse().unwrap());
    let url = "https://api.openai.com/v1/audio/transcriptions";
    facts_with(&RequestMembers::default(), url, &headers, &form(parts))
}

#[test]
fn a_form_tells_what_json_tells_and_its_files_are_passed_over() {
    let facts = form_facts(&[
        ("name=\"file\"; filename=\"a.wav\"", b"RIFF\x00{\"user\":\"x\"}\r\n--y\r\nname=\"user\""),
        ("name=\"model\"", b"whisper-1"),
        ("name=\"stream\"", b"true"),
        ("name=user", " zo\u{e9} ".as_bytes()),
        ("name=\"metadata.user_id\"", b"decoy"),
    ]);
    assert_eq!(facts.user.id.unwrap().as_str(), "zo\u{e9}");
    assert_eq!((facts.model.as_deref(), facts.stream), (Some("whisper-1"), Some(true)));
    let other = form_facts(&[("name=\"user\"", b""), ("name=\"safety_identifier\"", b"42")]);
    assert_eq!(other.user.id.unwrap().as_str(), "42");
}

#[test]
fn an_id_in_a_form_is_refused_for_the_same_reasons() {
    for (id, issue) in [
        (vec![b'x'; 257], UserIssue::TooLong),
        (vec![b'x'; 5000], UserIssue::TooLong),
        (b"a\x00b".to_vec(), UserIssue::ControlCharacter),
        (b"a\xFFb".to_vec(), UserIssue::NotUtf8),
    ] {
        let facts = form_facts(&[("name=\"user\"", &id), ("name=\"safety_identifier\"", b"b")]);
        assert_eq!((facts.user.id.unwrap().as_str(), facts.user.issue), ("b", Some(issue)));
    }
}

#[test]
fn a_copy_of_an_unread_reader_reads_like_the_first() {
    let fields = RequestMembers::default();
    let route = ApiRoute::of(&Method::POST, &CHAT.parse().unwrap(), &HeaderMap::new(), None);
    let mut first = RequestReader::new(&route, &HeaderMap::new(), None);
    let mut second = first.clone();
    for reader in [&mut first, &mut second] {
        reader.push(&fields, br#"{"user":"a"}"#);
    }
    assert_eq!(first.facts(), second.facts());
}
