//! The dashboard through its service: what it answers, to whom, and what is wrong with what it refuses.

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};
use tower::ServiceExt;
use tower_llm_metrics::dashboard::{Dashboard, SinkCounts};
use tower_llm_metrics::record::{Priced, Text, UnpricedReason, UsageReason, UsageState};
use tower_llm_metrics::report::{Measure, Scope, Table, UserQuery, Who};
use tower_llm_metrics::{
    Cost, MemorySink, MetricsSink, Operation, Outcome, Provider, Record, Usd, User, UserId,
};

/// 2026-03-02T00:00:00Z, a Monday.
const MONDAY: u64 = 1_772_409_600;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(MONDAY + second)
}

fn call(user: &str, second: u64, cents: i64) -> Record {
    let mut record = Record::new(at(second));
    record.user = UserId::verbatim(user).ok().map(User::verified);
    record.outcome = Outcome::Completed;
    record.operation = Operation::Chat;
    record.provider = Some(Provider::OPENAI);
    record.model = Some(Text::new("gpt-5").unwrap());
    record.usage_state = UsageState::Reported;
    record.usage.input_tokens = Some(100);
    record.usage.output_tokens = Some(10);
    let total = Usd::from_picos(i128::from(cents) * 10_000_000_000);
    record.cost = Cost::Priced(Priced::new(total, "openai/gpt-5", "1"));
    record
}

fn emoji() -> String {
    "\u{1f600}".repeat(64)
}

/// Alice on three days, Bob twice on one, one call each of ids that want to be something else, and one of nobody.
fn users() -> MemorySink {
    let users = MemorySink::builder().clock(|| at(7 * DAY)).build();
    for (user, second, cents) in [
        ("alice", 0, 1),
        ("alice", DAY, 2),
        ("alice", 2 * DAY + 23 * HOUR, 3),
        ("bob", DAY, 50),
        ("bob", DAY + 60, 50),
        ("<script>alert(1)</script>", 3 * DAY, 5),
        ("=1+1", 3 * DAY, 5),
        (&emoji(), 4 * DAY, 5),
        ("", 4 * DAY, 5),
    ] {
        users.record(&call(user, second, cents));
    }
    let mut absent = call("alice", 5 * DAY, 0);
    absent.usage_state = UsageState::Absent;
    absent.usage_reason = Some(UsageReason::NotRequested);
    absent.usage = Default::default();
    absent.cost = Cost::Unpriced(UnpricedReason::NoUsage);
    users.record(&absent);
    let mut unpriced = call("bob", 5 * DAY, 0);
    unpriced.model = Some(Text::new("house-model").unwrap());
    unpriced.cost = Cost::Unpriced(UnpricedReason::UnknownModel);
    users.record(&unpriced);
    users
}

type Body = Full<Bytes>;

fn dashboard(users: &MemorySink) -> Dashboard<MemorySink> {
    Dashboard::new(users.clone(), |_: &Parts| Some(Scope::All)).clock(|| at(5 * DAY + 12 * HOUR))
}

async fn ask(dashboard: &Dashboard<MemorySink>, request: Request<Body>) -> (Response<()>, String) {
    let (parts, body) = dashboard.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).unwrap())
}

async fn get(dashboard: &Dashboard<MemorySink>, path: &str) -> (Response<()>, String) {
    ask(dashboard, Request::get(path).body(Body::default()).unwrap()).await
}

async fn json_of(dashboard: &Dashboard<MemorySink>, path: &str) -> Value {
    let (response, body) = get(dashboard, path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

async fn post(dashboard: &Dashboard<MemorySink>, path: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json; charset=utf-8");
    let (response, body) = ask(dashboard, request.body(Body::from(body.to_owned())).unwrap()).await;
    (response.status(), serde_json::from_str(&body).unwrap())
}

const PAGES: [&str; 5] = ["/users", "/user?id=alice", "/activity", "/health", "/user?row=nobody"];

#[tokio::test]
async fn every_page_is_whole_and_asks_no_other_host() {
    let dashboard = dashboard(&users()).sink("own", || SinkCounts::new([("sent", 7)]).lost(3));
    for page in PAGES {
        let (response, html) = get(&dashboard, page).await;
        assert_eq!(response.status(), StatusCode::OK, "{page}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"), "{page}");
        assert!(!html.contains(" style=\"") && !html.contains("<style"), "{page}");
        assert!(
            !html.contains("href=\"/") && !html.contains("src=\"/") && !html.contains("href=\"http"),
            "{page}"
        );
    }
}

#[tokio::test]
async fn the_policy_lets_nothing_run_that_does_not_come_from_here() {
    let dashboard = dashboard(&users());
    for path in ["/users", "/api/users", "/dashboard.js", "/nowhere", "/openapi.json"] {
        let (response, _) = get(&dashboard, path).await;
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
    }
    assert_eq!(get(&dashboard, "/users").await.0.headers()[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn ids_and_models_are_escaped_wherever_they_stand() {
    let users = users();
    let mut hostile = call("<script>alert(1)</script>", 5 * DAY, 1);
    hostile.model = Some(Text::new("<img src=x onerror=alert(2)>").unwrap());
    hostile.cost = Cost::Unpriced(UnpricedReason::UnknownModel);
    users.record(&hostile);
    let dashboard = dashboard(&users);
    let id = "id=%3Cscript%3Ealert%281%29%3C%2Fscript%3E";
    let (_, list) =
        get(&dashboard, "/users?q=%3Cscript%3E&model=%3Cimg%20src%3Dx%20onerror%3Dalert(2)%3E").await;
    assert!(list.contains(id), "{list}");
    let (response, page) = get(&dashboard, &format!("/user?{id}")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let (_, health) = get(&dashboard, "/health").await;
    let (_, error) = get(&dashboard, "/users?zone=%3Cscript%3E").await;
    for html in [list, page, health, error] {
        assert!(!html.contains("<script>alert") && !html.contains("<img"), "{html}");
    }
}

#[tokio::test]
async fn an_id_of_256_bytes_of_emoji_has_a_page() {
    let dashboard = dashboard(&users());
    let query = form(&[("id", &emoji())]);
    let (response, html) = get(&dashboard, &format!("/user?{query}")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(html.contains(&format!("<h1 dir=\"auto\">{}</h1>", emoji())));
    assert!(get(&dashboard, "/users").await.1.contains(&query));
}

fn form(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn rows_are_sorted_filtered_and_paged() {
    let dashboard = dashboard(&users());
    let ids = |answer: &Value| -> Vec<String> {
        let rows = answer["rows"].as_array().unwrap();
        rows.iter().map(|row| row["user"].as_str().unwrap_or("-").to_owned()).collect()
    };
    let by_cost = json_of(&dashboard, "/api/users?sort=cost_usd&limit=2").await;
    assert_eq!(
        (ids(&by_cost), &by_cost["matching"]),
        (vec!["bob".to_owned(), "alice".to_owned()], &json!(6))
    );
    let sums =
        json!({"users": 5, "requests": 11, "input_tokens": 1_000, "output_tokens": 100, "cost_usd": 1.26});
    assert_eq!(by_cost["sums"], sums);
    let next = json_of(&dashboard, "/api/users?sort=cost_usd&limit=2&offset=2").await;
    assert!(!ids(&next).iter().any(|id| id == "bob" || id == "alice"));
    let up = json_of(&dashboard, "/api/users?sort=user&limit=2").await;
    let down = json_of(&dashboard, "/api/users?sort=user&order=desc").await;
    assert_eq!(ids(&up), ["<script>alert(1)</script>", "=1+1"]);
    let mut whole = ids(&json_of(&dashboard, "/api/users?sort=user").await);
    whole.reverse();
    assert_eq!(ids(&down), whole);
    let alice = json_of(&dashboard, "/api/users?q=ALI").await;
    let sums = json!({"users": 1, "requests": 4, "input_tokens": 300, "output_tokens": 30, "cost_usd": 0.06});
    assert_eq!((ids(&alice), &alice["sums"]), (vec!["alice".to_owned()], &sums));
    let costly = form(&[("filter", "cost_usd>=0.06"), ("filter", "cost_usd<=0.5")]);
    assert_eq!(ids(&json_of(&dashboard, &format!("/api/users?{costly}")).await), ["alice"]);
    // As the page's form has it.
    let form_of = "/api/users?measure=cost_usd&at=least&value=0.5";
    assert_eq!(ids(&json_of(&dashboard, form_of).await), ["bob"]);
    assert_eq!(ids(&json_of(&dashboard, "/api/users?model=house-model").await), ["bob"]);
    assert_eq!(ids(&json_of(&dashboard, "/api/users?row=nobody").await), ["-"]);
}

#[tokio::test]
async fn days_are_those_of_the_zone() {
    let dashboard = dashboard(&users());
    let days = |zone: &str| {
        let (dashboard, path) =
            (dashboard.clone(), format!("/api/users?q=alice&{}", form(&[("zone", zone)])));
        async move { json_of(&dashboard, &path).await["rows"][0]["active_days"].clone() }
    };
    assert_eq!(days("UTC").await, 4);
    assert_eq!(days("Asia/Kathmandu").await, 4);
    let series = json_of(
        &dashboard,
        &format!("/api/series?id=alice&step=day&{}", form(&[("zone", "Asia/Kathmandu")])),
    )
    .await;
    let labels = series["rows"].as_array().unwrap().iter().filter(|row| row["requests"] != 0);
    let labels: Vec<_> = labels.map(|row| row["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["2026-03-02", "2026-03-03", "2026-03-05", "2026-03-07"]);
    let ranged = json_of(&dashboard, "/api/users?from=2026-03-03&to=2026-03-03").await;
    assert_eq!(ranged["rows"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_csv_says_what_the_api_says() {
    let users = users();
    let dashboard = dashboard(&users);
    let (response, csv) = get(&dashboard, "/api/users?format=csv&sort=cost_usd").await;
    assert_eq!(response.headers()[header::CONTENT_DISPOSITION], "attachment; filename=\"users.csv\"");
    let page = users.report().users(&UserQuery::new().sort(Measure::Cost));
    assert_eq!(csv, page.to_csv());
    let (_, lines) = get(&dashboard, "/api/users?format=jsonl&sort=cost_usd").await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json_of(&dashboard, "/api/users?sort=cost_usd").await["rows"], Value::from(lines));
    // A text that a spreadsheet would run is defused.
    assert!(csv.contains("\"'=1+1\""));
}

#[tokio::test]
async fn an_export_of_many_users_comes_in_parts_and_holds_each_once() {
    let users = MemorySink::new();
    (0..45_000).for_each(|number| users.record(&call(&format!("user-{number}"), number % DAY, 1)));
    let (response, csv) = get(&dashboard(&users), "/api/users?format=csv&sort=last_active").await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut ids: Vec<_> = csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(ids.len(), 45_000);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 45_000);
}

#[tokio::test]
async fn the_row_of_the_other_users_ends_an_export_and_is_no_row_of_a_page() {
    let users = MemorySink::builder().max_users(2).build();
    for (user, calls) in [("alice", 30), ("bob", 20), ("carol", 1)] {
        (0..calls).for_each(|second| users.record(&call(user, second, 1)));
    }
    let dashboard = dashboard(&users);
    let page = json_of(&dashboard, "/api/users").await;
    assert_eq!((&page["matching"], &page["other"]["requests"]), (&json!(2), &json!(1)));
    let (_, csv) = get(&dashboard, "/api/users?format=csv").await;
    assert!(csv.lines().last().unwrap().starts_with("\"other\",,1,"), "{csv}");
    let (_, html) = get(&dashboard, "/users").await;
    assert!(html.contains("(other users)"));
}

#[tokio::test]
async fn a_guard_decides_who_sees_whom() {
    let users = users();
    let guard = |parts: &Parts| match parts.headers.get("x-session")?.to_str().ok()? {
        "operator" => Some(Scope::All),
        "locked" => Some(Scope::Nothing),
        id => Some(Scope::Only(Who::User(UserId::new(id).ok()?))),
    };
    let dashboard = Dashboard::new(users, guard).sink("memory", || SinkCounts::new([("secret", 1)]));
    let as_user = |who: &'static str, path: &str| {
        let request = Request::get(path).header("x-session", who).body(Body::default()).unwrap();
        let dashboard = dashboard.clone();
        async move { ask(&dashboard, request).await }
    };
    for path in ["/users", "/api/users", "/health", "/dashboard.js", "/nowhere"] {
        assert_eq!(get(&dashboard, path).await.0.status(), StatusCode::FORBIDDEN, "{path}");
    }
    for path in PAGES.iter().chain(&[
        "/api/users",
        "/api/breakdown",
        "/api/calls",
        "/api/users?format=csv",
        "/api/health",
    ]) {
        let (_, own) = as_user("alice", path).await;
        assert!(
            !own.contains("bob") && !own.contains("house-model") && !own.contains("secret"),
            "{path}: {own}"
        );
    }
    assert_eq!(as_user("alice", "/user?id=bob").await.0.status(), StatusCode::NOT_FOUND);
    assert_eq!(as_user("alice", "/user").await.0.status(), StatusCode::OK);
    assert_eq!(as_user("alice", "/").await.0.headers()[header::LOCATION], "user");
    assert_eq!(as_user("operator", "/").await.0.headers()[header::LOCATION], "users");
    assert!(as_user("operator", "/health").await.1.contains("secret"));
    let (_, nothing) = as_user("locked", "/api/users").await;
    assert!(nothing.contains("\"matching\":0"), "{nothing}");
    let body = json!({"filter": "all", "offset": 0, "limit": 10}).to_string();
    let request = Request::post("/v1/user/metrics/query")
        .header("x-session", "alice")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .unwrap();
    let answer: Value = serde_json::from_str(&ask(&dashboard, request).await.1).unwrap();
    assert_eq!(answer["data"]["users"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn health_tells_what_is_not_known_and_what_was_lost() {
    let dashboard = dashboard(&users())
        .sink("own", || SinkCounts::new([("sent", 7)]).lost(3).last_error(Some("full".into())));
    let health = json_of(&dashboard, "/api/health").await;
    assert_eq!(health["unpriced_models"], json!([{"model": "house-model", "requests": 1}]));
    assert_eq!(health["absent_usage"], json!([{"reason": "not_requested", "requests": 1}]));
    assert_eq!((&health["dropped_records"], &health["without_usage"]), (&json!(0), &json!(1)));
    let sink =
        json!([{"name": "own", "counts": [{"name": "sent", "count": 7}], "lost": 3, "last_error": "full"}]);
    assert_eq!(health["sinks"], sink);
    let (_, html) = get(&dashboard, "/health").await;
    for wanted in ["house-model", "not_requested", "3 records lost", "Last error: full"] {
        assert!(html.contains(wanted), "{wanted}");
    }
}

#[tokio::test]
async fn figures_move_while_calls_flow_and_a_page_that_did_not_change_is_not_sent_again() {
    let users = users();
    let dashboard = dashboard(&users);
    let (first, _) = get(&dashboard, "/users").await;
    let tag = first.headers()[header::ETAG].clone();
    let again = || {
        let request = Request::get("/users").header(header::IF_NONE_MATCH, tag.clone());
        ask(&dashboard, request.body(Body::default()).unwrap())
    };
    let (same, nothing) = again().await;
    assert_eq!((same.status(), nothing.as_str()), (StatusCode::NOT_MODIFIED, ""));
    users.record(&call("newcomer", 5 * DAY, 1));
    let (changed, html) = again().await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert!(html.contains("newcomer"));
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_field_in_the_form_of_the_place() {
    let dashboard = dashboard(&users());
    for (path, field) in [
        ("/api/users?limit=1001", "limit"),
        ("/api/users?offset=1000001", "offset"),
        ("/api/users?sort=mood", "sort"),
        ("/api/users?order=up", "order"),
        ("/api/users?filter=requests", "filter"),
        ("/api/users?zone=Mars", "zone"),
        ("/api/users?range=1y", "range"),
        ("/api/users?operation=sing", "operation"),
        ("/api/users?format=xml", "format"),
        ("/api/user", "id"),
        ("/api/user?id=a%00b", "id"),
        ("/api/series?step=year", "step"),
        ("/api/breakdown?by=mood", "by"),
        ("/api/histogram?measure=error_rate", "measure"),
        ("/api/histogram?percentile=p1", "percentile"),
        ("/api/histogram?bins=101", "bins"),
    ] {
        let (response, body) = get(&dashboard, path).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}: {body}");
        let error: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(error["error"]["field"], field, "{path}");
    }
    let (response, html) = get(&dashboard, "/users?columns=mood").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(html.contains("<code>columns</code>"));
    assert_eq!(get(&dashboard, "/user?id=who").await.0.status(), StatusCode::NOT_FOUND);
    assert_eq!(get(&dashboard, "/../etc/passwd").await.0.status(), StatusCode::NOT_FOUND);
    let (status, error) =
        post(&dashboard, "/v1/user/metrics/query", r#"{"filter":"all","offset":0,"limit":1001}"#).await;
    let wanted = json!({"data": null, "error": "limit: must be a whole number from 0 to 1000"});
    assert_eq!((status, error), (StatusCode::BAD_REQUEST, wanted));
}

#[tokio::test]
async fn methods_bodies_and_kinds_of_bodies_have_their_limits() {
    let dashboard = dashboard(&users());
    let request = Request::delete("/api/users").body(Body::default()).unwrap();
    let (response, _) = ask(&dashboard, request).await;
    assert_eq!(
        (response.status(), &response.headers()[header::ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().unwrap())
    );
    let (response, body) = ask(&dashboard, Request::head("/users").body(Body::default()).unwrap()).await;
    assert_eq!((response.status(), body.as_str()), (StatusCode::OK, ""));
    assert_eq!(get(&dashboard, "/v1/user/query").await.0.status(), StatusCode::METHOD_NOT_ALLOWED);
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(post(&dashboard, "/v1/user/query", &large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    for bad in ["", "{", "[]", "\"all\"", "{}", "\u{0}"] {
        assert_eq!(post(&dashboard, "/v1/user/metrics/query", bad).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
    let plain = Request::post("/v1/user/query").body(Body::from("{}")).unwrap();
    assert_eq!(ask(&dashboard, plain).await.0.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_mounted_dashboard_goes_on_to_its_first_page() {
    let users = users();
    let app = axum::Router::new().nest_service("/admin/usage", dashboard(&users).mounted_at("/admin/usage/"));
    let get =
        |path: &'static str| app.clone().oneshot(Request::get(path).body(axum::body::Body::empty()).unwrap());
    for root in ["/admin/usage", "/admin/usage/"] {
        let response = get(root).await.unwrap();
        assert_eq!(response.headers()[header::LOCATION], "/admin/usage/users", "{root}");
    }
    assert_eq!(get("/admin/usage/users").await.unwrap().status(), StatusCode::OK);
    assert_eq!(get("/admin/usage/dashboard.css").await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_long_ago_is_told_in_whole_days_of_utc() {
    let users = MemorySink::builder().clock(|| at(100 * DAY)).build();
    users.record(&call("alice", 0, 1));
    users.record(&call("alice", 100 * DAY, 1));
    let dashboard = Dashboard::new(users, |_: &Parts| Some(Scope::All)).clock(|| at(100 * DAY));
    let query = form(&[("from", "2026-03-03"), ("zone", "Asia/Kathmandu")]);
    let page = json_of(&dashboard, &format!("/api/users?{query}")).await;
    assert_eq!((&page["rows"][0]["requests"], &page["widened"]), (&json!(2), &json!(true)));
    for path in ["series?step=day&", "breakdown?", "retention?", "histogram?", "overview?", "user?id=alice&"]
    {
        let answer = json_of(&dashboard, &format!("/api/{path}{query}")).await;
        assert_eq!(answer["widened"], true, "{path}");
    }
    let (_, html) = get(&dashboard, &format!("/activity?{query}")).await;
    assert!(html.contains("whole days of UTC"));
}

#[tokio::test]
async fn every_path_and_column_is_in_the_document_and_is_answered() {
    let dashboard = dashboard(&users());
    let document = json_of(&dashboard, "/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 12);
    for (path, methods) in paths {
        let status = if methods.get("post").is_some() {
            post(
                &dashboard,
                path,
                r#"{"filter":"all","offset":0,"limit":1,"pSize":"p99","useInterquartile":false}"#,
            )
            .await
            .0
        } else {
            get(&dashboard, &format!("{path}?id=alice")).await.0.status()
        };
        assert_eq!(status, StatusCode::OK, "{path}");
    }
    let columns = document["components"]["schemas"]["User"]["properties"].as_object().unwrap();
    let known = MemorySink::new().report().users(&UserQuery::new());
    let mut names: Vec<_> = columns.keys().map(String::as_str).collect();
    let mut wanted = known.columns();
    names.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
}

/// What a long answer is made of: how often other tasks had a turn, and the sizes of its frames.
fn turns(users: MemorySink, path: &str) -> (usize, Vec<usize>) {
    let dashboard = Dashboard::new(users, |_: &Parts| Some(Scope::All)).clock(|| at(7 * DAY));
    let mut context = Context::from_waker(Waker::noop());
    let mut turns = 0;
    let mut answer = pin!(dashboard.oneshot(Request::get(path).body(Body::default()).unwrap()));
    let response = loop {
        match answer.as_mut().poll(&mut context) {
            Poll::Ready(response) => break response.unwrap(),
            Poll::Pending => turns += 1,
        }
    };
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let (mut body, mut frames) = (response.into_body(), Vec::new());
    loop {
        match Pin::new(&mut body).poll_frame(&mut context) {
            Poll::Ready(None) => return (turns, frames),
            Poll::Ready(Some(frame)) => frames.push(frame.unwrap().into_data().unwrap().len()),
            Poll::Pending => turns += 1,
        }
    }
}

#[test]
fn a_long_answer_lets_the_executor_serve_others_meanwhile() {
    const USERS: u64 = 30_000;
    let users = MemorySink::builder().clock(|| at(7 * DAY)).build();
    (0..USERS).for_each(|user| users.record(&call(&format!("user-{user:05}"), user * 20, 1)));
    let rows = USERS as usize;
    for (path, least) in [
        ("/api/users?format=csv", rows / 256),
        ("/api/users?format=jsonl&sort=cost_usd&from=2026-03-02", rows / 256),
        ("/api/users?offset=29000&limit=10", rows / 512),
        ("/users?q=-99&filter=requests%3E%3D1&from=2026-03-02", rows / 512),
        ("/activity", rows / 512),
    ] {
        let (turns, frames) = turns(users.clone(), path);
        assert!(turns >= least, "{path}: {turns} {}", frames.len());
        let is_file = path.contains("format");
        assert!(!is_file || frames.iter().all(|frame| *frame < 200_000), "{path}: {frames:?}");
    }
}

#[tokio::test]
async fn a_file_of_many_users_holds_each_once_and_what_is_in_no_row_of_its_own_at_the_end() {
    let users = MemorySink::builder().max_users(20_500).clock(|| at(7 * DAY)).build();
    (0..21_000).for_each(|user| users.record(&call(&format!("user-{user:05}"), user, 1)));
    let (_, csv) = get(&dashboard(&users), "/api/users?format=csv&sort=user").await;
    let lines: Vec<_> = csv.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 1 + 20_500 + 1);
    let ids: std::collections::BTreeSet<_> = lines[1..=20_500].iter().collect();
    assert_eq!(ids.len(), 20_500);
    assert!(lines[20_501].starts_with("\"other\""), "{}", lines[20_501]);
}
