//! Who made a call, end to end.

use crate::support::{Records, Script, ScriptError};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use std::sync::{Arc, Mutex};
use tower::{Layer, ServiceExt, service_fn};
use tower_llm_metrics::record::UserIssue;
use tower_llm_metrics::{Provider, Record, RequestBody, User, UserId, UserMetricsLayer, UserSource};

const OPENAI: &str = "https://api.openai.com/v1/chat/completions";

/// Sends a request through `change`d layers and returns the record and the headers that went on.
fn send(
    change: impl FnOnce(UserMetricsLayer) -> UserMetricsLayer,
    request: Request<Script>,
) -> (Record, HeaderMap) {
    let (layer, records) = Records::layer();
    let passed = Arc::new(Mutex::new(HeaderMap::new()));
    let seen = Arc::clone(&passed);
    let service = change(layer).layer(service_fn(move |request: Request<RequestBody<Script>>| {
        *seen.lock().unwrap() = request.headers().clone();
        async move {
            request.into_body().collect().await?;
            Ok::<_, ScriptError>(Response::new(Script::of(["{}"])))
        }
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { service.oneshot(request).await.unwrap().into_body().collect().await.unwrap() });
    let headers = passed.lock().unwrap().clone();
    (records.only(), headers)
}

fn user_of(headers: &[(&str, &[u8])], body: &str) -> (Option<String>, Option<UserSource>, Option<UserIssue>) {
    let mut request = Request::post(OPENAI);
    for (name, value) in headers {
        request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
    }
    let (record, _) = send(|layer| layer, request.body(Script::chunked(body.as_bytes(), 5)).unwrap());
    (record.user_id().map(ToString::to_string), record.user.map(|user| user.source), record.user_issue)
}

fn header(value: &str) -> [(&'static str, &[u8]); 1] {
    [("Helicone-User-Id", value.as_bytes())]
}

fn from(id: &str, source: UserSource) -> (Option<String>, Option<UserSource>, Option<UserIssue>) {
    (Some(id.to_owned()), Some(source), None)
}

#[test]
fn the_three_ways_of_the_original_documentation_name_one_user() {
    let alice = "alicebob@gmail.com";
    // The body parameter.
    let body = r#"{"model": "gpt-3.5-turbo", "messages": [{"role": "user", "content": "hi"}], "user": "alicebob@gmail.com"}"#;
    assert_eq!(user_of(&[], body), from(alice, UserSource::Body));
    // curl, with the trailing comma of the page.
    let curl = "{\n  \"model\": \"text-davinci-003\",\n  \"prompt\": \"How do I enable custom rate limit policies?\",\n  \"user\": \"alicebob@gmail.com\",\n}";
    assert_eq!(user_of(&[], curl), from(alice, UserSource::Body));
    // The header, with curl's literal quotes, and as the clients for Python and Node send it.
    assert_eq!(user_of(&header("\"alicebob@gmail.com\""), ""), from(alice, UserSource::Header));
    assert_eq!(user_of(&header(alice), body), from(alice, UserSource::Header));
}

#[test]
fn the_header_wins_and_an_empty_one_falls_through_to_the_body() {
    let body = r#"{"user":"bob"}"#;
    assert_eq!(user_of(&header("alice"), body), from("alice", UserSource::Header));
    for empty in ["", "  ", "\"\"", "\" \""] {
        assert_eq!(user_of(&header(empty), body), from("bob", UserSource::Body));
    }
}

#[test]
fn an_unusable_header_falls_through_with_its_reason() {
    let long = "x".repeat(257);
    let (user, source, issue) = user_of(&header(&long), r#"{"user":"bob"}"#);
    assert_eq!(
        (user.as_deref(), source, issue),
        (Some("bob"), Some(UserSource::Body), Some(UserIssue::TooLong))
    );
    let (user, _, issue) = user_of(&[("Helicone-User-Id", b"zo\xeb")], "{}");
    assert_eq!((user, issue), (None, Some(UserIssue::NotUtf8)));
}

#[test]
fn nobody_is_kept_apart_from_somebody_called_anonymous() {
    assert_eq!(user_of(&[], "{}"), (None, None, None));
    assert_eq!(user_of(&header("anonymous"), "{}"), from("anonymous", UserSource::Header));
}

#[test]
fn body_fields_count_in_their_order_and_by_their_types() {
    for (body, user) in [
        (r#"{"safety_identifier":"s","user":"u"}"#, Some("u")),
        (r#"{"safety_identifier":"s","user":""}"#, Some("s")),
        (r#"{"safety_identifier":"s","user":null}"#, Some("s")),
        (r#"{"safety_identifier":"s","user":{"id":"x"}}"#, Some("s")),
        (r#"{"user":42}"#, Some("42")),
        (r#"{"user":4.5}"#, None),
        (r#"{"user":true}"#, None),
        (r#"{"user":"first","user":"last"}"#, Some("last")),
        (r#"{"user":"first","user":null}"#, None),
        (r#"{"\u0075ser":"escaped key"}"#, Some("escaped key")),
        (r#"{"user":"zo\u00eb \ud83d\ude00"}"#, Some("zoë 😀")),
        (r#"{"User":"wrong case"}"#, None),
        (r#"{"messages":[{"user":"nested"}],"tools":{"user":"nested"}}"#, None),
        (r#"{"messages":"\"user\":\"quoted\""}"#, None),
        (r#"{"metadata":{"user_id":"a tag of OpenAI's"}}"#, None),
        (r#"[{"user":"in an array"}]"#, None),
        (r#"{"model":"m"}{"user":"in a second document"}"#, None),
        (r#"{"user":"first"} {"user":"in a second document"}"#, Some("first")),
    ] {
        assert_eq!(user_of(&[], body).0.as_deref(), user, "{body}");
    }
}

#[test]
fn over_long_and_control_characters_in_a_body_are_refused_with_a_reason_that_does_not_quote() {
    let long = format!(r#"{{"user":"{}","safety_identifier":"s"}}"#, "secret".repeat(1000));
    assert_eq!(user_of(&[], &long), (Some("s".to_owned()), Some(UserSource::Body), Some(UserIssue::TooLong)));
    let control = r#"{"user":"secret\u0000"}"#;
    let (record, _) = send(|layer| layer, Request::post(OPENAI).body(Script::of([control])).unwrap());
    assert_eq!((&record.user, record.user_issue), (&None, Some(UserIssue::ControlCharacter)));
    assert!(!record.to_json().contains("secret"));
}

#[test]
fn anthropics_metadata_names_the_user_whatever_the_host() {
    for uri in ["https://api.anthropic.com/v1/messages", "http://gateway.local/anthropic/v1/messages"] {
        let body = Script::of([r#"{"model":"claude-sonnet-4-5","metadata":{"user_id":"bob"}}"#]);
        let (record, _) = send(|layer| layer, Request::post(uri).body(body).unwrap());
        assert_eq!(record.user_id().map(AsRef::as_ref), Some("bob"), "{uri}");
    }
}

#[test]
fn of_a_repeated_key_the_last_counts_at_every_depth() {
    for (body, user) in [
        (r#"{"metadata":{"user_id":"bob"},"metadata":{"user_id":"carol"}}"#, Some("carol")),
        (r#"{"metadata":{"user_id":"bob"},"metadata":{}}"#, None),
        (r#"{"metadata":{"user_id":"bob"},"metadata":null}"#, None),
        (r#"{"metadata":{"user_id":"bob"},"metadata":7}"#, None),
        (r#"{"metadata":null,"metadata":{"user_id":"bob"}}"#, Some("bob")),
    ] {
        let request = Request::post("https://api.anthropic.com/v1/messages");
        let (record, _) = send(|layer| layer, request.body(Script::chunked(body.as_bytes(), 3)).unwrap());
        assert_eq!(record.user_id().map(AsRef::as_ref), user, "{body}");
    }
}

#[test]
fn sessions_are_reduced_to_their_account_when_asked_to() {
    let body = r#"{"metadata":{"user_id":"user_ab_account_77_session_1"}}"#;
    let request = || Request::post("https://api.anthropic.com/v1/messages").body(Script::of([body])).unwrap();
    assert_eq!(send(|layer| layer.account_only(true), request()).0.user_id().unwrap().as_str(), "77");
    assert_eq!(send(|layer| layer, request()).0.user_id().unwrap().as_str(), "user_ab_account_77_session_1");
}

#[test]
fn other_headers_other_fields_and_the_applications_own_source_can_be_set() {
    let request = || {
        let body = Script::of([r#"{"user":"ignored","customer":{"id":"carol"}}"#]);
        Request::post("http://host/tenant/v1")
            .header("x-user", "alice")
            .header("helicone-user-id", "ignored")
            .body(body)
            .unwrap()
    };
    let by_header = |layer: UserMetricsLayer| layer.user_headers([HeaderName::from_static("x-user")]);
    assert_eq!(send(by_header, request()).0.user_id().unwrap().as_str(), "alice");
    let by_field = |layer: UserMetricsLayer| layer.user_headers([]).user_fields(["customer.id"]);
    assert_eq!(send(by_field, request()).0.user_id().unwrap().as_str(), "carol");
    let by_closure = |layer: UserMetricsLayer| {
        layer.user_headers([]).user_fields([]).identify(|request: &http::request::Parts| {
            UserId::new(request.uri.path().split('/').nth(1)?).ok()
        })
    };
    let (record, _) = send(by_closure, request());
    assert_eq!(record.user, Some(User::new(UserId::new("tenant").unwrap(), UserSource::Custom)));
}

#[test]
fn helicone_headers_are_removed_towards_providers_only_and_kept_on_the_record() {
    let request = || {
        Request::post(OPENAI)
            .header("Helicone-Auth", "Bearer secret")
            .header("Helicone-User-Id", "alice")
            .header("Helicone-Session-Id", "s-1")
            .header("Helicone-Request-Id", "r-1")
            .header("Helicone-Property-Team", "search")
            .header("Helicone-Property-Empty", " ")
            .header("Authorization", "Bearer sk-secret")
            .body(Script::default())
            .unwrap()
    };
    let (record, headers) = send(|layer| layer.faces_provider(true), request());
    assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["authorization"]);
    assert_eq!((record.session.as_deref(), record.client_request_id.as_deref()), (Some("s-1"), Some("r-1")));
    assert_eq!(record.properties.get("team"), Some("search"));
    assert_eq!((record.properties.len(), record.properties.dropped()), (1, 0));
    assert!(!record.to_json().contains("secret"));
    assert_eq!(send(|layer| layer.faces_provider(false), request()).1.len(), 7);
}

/// Which of the headers that name the caller went on to `uri`.
fn passed_to(uri: &str, change: impl FnOnce(UserMetricsLayer) -> UserMetricsLayer) -> Vec<String> {
    let request = Request::post(uri)
        .header("Helicone-User-Id", "alice")
        .header("X-User", "alice")
        .header("X-User", "alice@home")
        .header("Authorization", "Bearer key")
        .body(Script::default())
        .unwrap();
    let by_header = |layer: UserMetricsLayer| layer.user_headers([HeaderName::from_static("x-user")]);
    let (record, headers) = send(|layer| change(by_header(layer)), request);
    assert_eq!(record.user_id().map(AsRef::as_ref), Some("alice"));
    headers.keys().map(ToString::to_string).collect()
}

#[test]
fn no_header_that_names_the_user_reaches_a_provider_and_a_gateway_gets_them_all() {
    let all = ["helicone-user-id", "x-user", "authorization"];
    for (uri, passed) in [
        (OPENAI, &all[2..]),
        ("https://api.anthropic.com/v1/messages", &all[2..]),
        ("https://oai.helicone.ai/v1/chat/completions", &all[..]),
        ("https://oai.hconeai.com/v1/chat/completions", &all[..]),
        ("https://anthropic.helicone.ai/v1/messages", &all[..]),
        ("http://litellm.internal:4000/v1/chat/completions", &all[..]),
        ("/v1/chat/completions", &all[..]),
    ] {
        assert_eq!(passed_to(uri, |layer| layer), passed, "{uri}");
        assert_eq!(passed_to(uri, |layer| layer.faces_provider(true)), all[2..], "{uri}");
        assert_eq!(passed_to(uri, |layer| layer.faces_provider(false)), all, "{uri}");
        // Who is behind a gateway does not make it the provider.
        assert_eq!(passed_to(uri, |layer| layer.provider(Provider::OPENAI)), passed, "{uri}");
    }
}

#[test]
fn what_is_not_metered_reaches_the_provider_without_the_user_too() {
    let (layer, records) = Records::layer();
    let service = layer.filter(|_| false).layer(service_fn(|request: Request<RequestBody<Script>>| {
        assert!(request.headers().is_empty());
        std::future::ready(Ok::<_, ScriptError>(Response::new(Script::default())))
    }));
    let request = Request::post(OPENAI).header("Helicone-User-Id", "alice").body(Script::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(service.oneshot(request)).unwrap();
    assert!(records.all().is_empty());
}

#[test]
fn two_layers_of_which_the_outer_one_faces_the_provider_both_see_the_caller() {
    let user_headers = |layer: UserMetricsLayer| layer.user_headers([HeaderName::from_static("x-user")]);
    let request = || {
        Request::post(OPENAI)
            .header("X-User", "alice")
            .header("Helicone-User-Id", "helicone's alice")
            .header("Helicone-Auth", "secret")
            .header("Helicone-Session-Id", "s-1")
            .header("Helicone-Property-Team", "search")
            .body(Script::default())
            .unwrap()
    };
    // Each reads another header, and the third asks a closure.
    type Change = fn(UserMetricsLayer) -> UserMetricsLayer;
    let by_closure: Change = |layer| {
        layer.user_headers([]).identify(|request: &http::request::Parts| {
            assert!(!request.headers.contains_key("helicone-auth"));
            UserId::new(request.headers.get("x-user")?.to_str().ok()?).ok()
        })
    };
    for (inner_layer, inner_user) in [
        (user_headers as Change, "alice"),
        (|layer| layer, "helicone's alice"),
        (|layer| layer.faces_provider(false), "helicone's alice"),
        (by_closure, "alice"),
    ] {
        let (inner, inner_records) = Records::layer();
        let inner = inner_layer(inner);
        let passed = Arc::new(Mutex::new(HeaderMap::new()));
        let seen = Arc::clone(&passed);
        let provider = service_fn(move |request: Request<RequestBody<RequestBody<Script>>>| {
            *seen.lock().unwrap() = request.headers().clone();
            std::future::ready(Ok::<_, ScriptError>(Response::new(Script::default())))
        });
        let (outer, outer_records) = Records::layer();
        let service = user_headers(outer).layer(inner.layer(provider));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(service.oneshot(request())).unwrap();
        assert!(passed.lock().unwrap().is_empty(), "{passed:?}");
        for (record, user) in [(outer_records.only(), "alice"), (inner_records.only(), inner_user)] {
            assert_eq!(record.user_id().map(AsRef::as_ref), Some(user));
            assert_eq!(record.session.as_deref(), Some("s-1"));
            assert_eq!((record.properties.get("team"), record.properties.dropped()), (Some("search"), 0));
        }
    }
}

#[test]
fn a_session_or_request_id_over_the_bounds_is_left_out_and_counted() {
    let long = "s".repeat(257);
    let request =
        Request::post(OPENAI).header("Helicone-Session-Id", &long).header("Helicone-Request-Id", &long);
    let (record, _) = send(|layer| layer, request.body(Script::default()).unwrap());
    assert_eq!((&record.session, &record.client_request_id), (&None, &None));
    assert_eq!(record.properties.dropped(), 2);
}

#[cfg(feature = "pseudonym")]
#[test]
fn a_pseudonym_replaces_the_id_before_any_sink_sees_it() {
    let request = Request::post(OPENAI).header("Helicone-User-Id", "alice").body(Script::default()).unwrap();
    let (record, _) = send(|layer| layer.pseudonymize(b"key"), request);
    assert!(!record.to_json().contains("alice"));
    assert_eq!(record.user_id().unwrap().as_str().len(), 64);
}
