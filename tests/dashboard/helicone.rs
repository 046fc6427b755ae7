//! The questions in Helicone's forms: what a client that was written for them sends and gets.

use bytes::Bytes;
use http::request::Parts;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};
use tower::ServiceExt;
use tower_llm_metrics::dashboard::Dashboard;
use tower_llm_metrics::record::{Priced, Text, UsageState};
use tower_llm_metrics::report::Scope;
use tower_llm_metrics::{Cost, MemorySink, MetricsSink, Outcome, Provider, Record, Usd, User, UserId};

/// 2026-03-02T00:00:00Z, a Monday.
const MONDAY: u64 = 1_772_409_600;
const HOUR: u64 = 3_600;

fn record(users: &MemorySink, user: &str, hour: u64, model: &str, cents: i128) {
    let mut record = Record::new(SystemTime::UNIX_EPOCH + Duration::from_secs(MONDAY + hour * HOUR));
    record.user = UserId::verbatim(user).ok().map(User::verified);
    record.outcome = Outcome::Completed;
    record.provider = Some(Provider::OPENAI);
    record.model = Some(Text::new(model).unwrap());
    record.properties.insert("team", if hour < 24 { "search" } else { "ads" });
    record.usage_state = UsageState::Reported;
    record.usage.input_tokens = Some(100);
    record.usage.output_tokens = Some(11);
    record.cost = Cost::Priced(Priced::new(Usd::from_picos(cents * 10_000_000_000), "p/m", "1"));
    users.record(&record);
}

/// Alice three times on two days, Bob once, and nobody once.
fn users() -> MemorySink {
    let clock = || SystemTime::UNIX_EPOCH + Duration::from_secs(MONDAY + 72 * HOUR);
    let users = MemorySink::builder().clock(clock).build();
    record(&users, "alice", 1, "gpt-5", 1);
    record(&users, "alice", 2, "gpt-5", 2);
    record(&users, "alice", 27, "gpt-5-mini", 4);
    record(&users, "bob", 28, "gpt-5-mini", 50);
    record(&users, "", 29, "gpt-5", 7);
    users
}

async fn ask(path: &str, body: Value) -> (StatusCode, Value) {
    let dashboard = Dashboard::new(users(), |_: &Parts| Some(Scope::All));
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
    let response = dashboard.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn metrics(change: Value) -> Value {
    let mut body = json!({"filter": "all", "offset": 0, "limit": 10});
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    let (status, answer) = ask("/v1/user/metrics/query", body).await;
    assert_eq!((status, &answer["error"]), (StatusCode::OK, &Value::Null), "{answer}");
    answer["data"].clone()
}

fn ids(data: &Value) -> Vec<&str> {
    data["users"].as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn users_come_in_the_form_with_the_last_active_first() {
    let data = metrics(json!({})).await;
    assert_eq!(ids(&data), ["", "bob", "alice"]);
    assert_eq!((&data["count"], &data["hasUsers"]), (&json!(3), &json!(true)));
    let alice = json!({
        "id": "alice", "user_id": "alice", "active_for": 2,
        "first_active": "2026-03-02T01:00:00Z", "last_active": "2026-03-03T03:00:00Z",
        "total_requests": 3, "average_requests_per_day_active": 1.5, "average_tokens_per_request": 111.0,
        "total_completion_tokens": 33, "total_prompt_tokens": 300, "cost": 0.07,
    });
    assert_eq!(data["users"][2], alice);
}

#[tokio::test]
async fn sort_offset_and_limit_are_kept_to() {
    assert_eq!(ids(&metrics(json!({"sort": {"cost": "desc"}})).await), ["bob", "alice", ""]);
    assert_eq!(ids(&metrics(json!({"sort": {"total_requests": "desc"}, "limit": 1})).await), ["alice"]);
    assert_eq!(ids(&metrics(json!({"sort": {"user_id": "asc"}, "offset": 1})).await), ["bob", ""]);
    let none = metrics(json!({"limit": 0})).await;
    assert_eq!((ids(&none).len(), &none["count"]), (0, &json!(3)));
}

#[tokio::test]
async fn filters_choose_calls_and_users() {
    let leaf = |table: &str, column: &str, operators: Value| json!({ table: { column: operators } });
    let model = leaf("request_response_rmt", "model", json!({"equals": "gpt-5"}));
    let data = metrics(json!({"filter": model})).await;
    assert_eq!((ids(&data), &data["users"][1]["total_requests"]), (vec!["", "alice"], &json!(2)));
    let costly = leaf("users_view", "user_cost", json!({"gt": 0.07}));
    assert_eq!(ids(&metrics(json!({"filter": costly})).await), ["bob"]);
    let like = leaf("users_view", "user_user_id", json!({"contains": "ALI"}));
    assert_eq!(ids(&metrics(json!({"filter": like})).await), ["alice"]);
    let both = json!({"left": model, "operator": "and", "right": like});
    assert_eq!(metrics(json!({"filter": both})).await["users"][0]["total_requests"], 2);
    let either = json!({"left": costly, "operator": "or", "right": like});
    assert_eq!(ids(&metrics(json!({"filter": either})).await), ["bob", "alice"]);
    let team = leaf("request_response_rmt", "properties", json!({"team": {"equals": "search"}}));
    assert_eq!(ids(&metrics(json!({"filter": team})).await), ["alice"]);
    let none =
        metrics(json!({"filter": leaf("users_view", "user_user_id", json!({"equals": "carol"}))})).await;
    assert_eq!((&none["count"], &none["hasUsers"]), (&json!(0), &json!(true)));
}

#[tokio::test]
async fn times_are_widened_to_quarters_and_days_are_those_of_the_zone() {
    let time = |start: u64, end: u64| json!({"startTimeUnixSeconds": MONDAY + start, "endTimeUnixSeconds": MONDAY + end});
    assert_eq!(ids(&metrics(json!({"timeFilter": time(27 * HOUR + 7, 27 * HOUR + 8)})).await), ["alice"]);
    assert_eq!(ids(&metrics(json!({"timeFilter": time(0, HOUR)})).await).len(), 0);
    let days = |minutes: i64| async move {
        let data = metrics(json!({"timeZoneDifferenceMinutes": minutes, "filter": {"users_view": {"user_user_id": {"equals": "alice"}}}})).await;
        data["users"][0]["active_for"].clone()
    };
    // At UTC-2 Alice's first call is on the day before.
    assert_eq!((days(0).await, days(120).await, days(-60).await), (json!(2), json!(3), json!(2)));
}

#[tokio::test]
async fn an_overview_has_two_histograms_up_to_the_percentile() {
    let body = json!({"filter": "all", "pSize": "p99.9", "useInterquartile": false});
    let (status, answer) = ask("/v1/user/metrics-overview/query", body).await;
    assert_eq!(status, StatusCode::OK);
    let users = |name: &str| -> u64 {
        answer["data"][name].as_array().unwrap().iter().map(|row| row["value"].as_u64().unwrap()).sum()
    };
    // Calls without a user are no user's.
    assert_eq!((users("request_count"), users("user_cost")), (2, 2));
    assert_eq!(answer["data"]["user_cost"][0]["range_start"], "0.07");
    for size in ["p50", "p75", "p95", "p99"] {
        let body = json!({"filter": {"request_response_rmt": {"user_id": {"equals": "bob"}}}, "pSize": size, "useInterquartile": true});
        let (status, answer) = ask("/v1/user/metrics-overview/query", body).await;
        assert_eq!(status, StatusCode::OK, "{size}");
        assert_eq!(
            answer["data"]["request_count"],
            json!([{"range_start": "1", "range_end": "1", "value": 1}]),
            "{size}"
        );
    }
}

#[tokio::test]
async fn totals_are_told_of_the_users_that_are_named() {
    let (_, answer) = ask("/v1/user/query", json!({"userIds": ["alice", "carol"]})).await;
    let alice = json!([{"count": 3, "prompt_tokens": 300, "completion_tokens": 33, "user_id": "alice", "cost": 0.07}]);
    assert_eq!(answer, json!({"data": alice, "error": null}));
    let (_, all) = ask("/v1/user/query", json!({})).await;
    assert_eq!(all["data"].as_array().unwrap().len(), 3);
    let (status, error) = ask("/v1/user/query", json!({"userIds": [1]})).await;
    assert_eq!((status, &error["error"]), (StatusCode::BAD_REQUEST, &json!("userIds[0]: must be a string")));
}

#[tokio::test]
async fn what_cannot_be_asked_is_an_error_that_names_it() {
    for (change, wanted) in [
        (json!({"sort": {"rate_limited_count": "asc"}}), "sort.rate_limited_count: "),
        (json!({"sort": {"cost": "up"}}), "sort.cost: "),
        (json!({"offset": -1}), "offset: "),
        (json!({"limit": null}), "limit: is missing"),
        (json!({"timeZoneDifferenceMinutes": 7}), "timeZoneDifferenceMinutes: "),
        (
            json!({"timeFilter": {"startTimeUnixSeconds": "now", "endTimeUnixSeconds": 1}}),
            "timeFilter.startTimeUnixSeconds: ",
        ),
        (
            json!({"filter": {"request_response_rmt": {"latency": {"gt": 1}}}}),
            "filter.request_response_rmt.latency: ",
        ),
    ] {
        let mut body = json!({"filter": "all", "offset": 0, "limit": 10});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, answer) = ask("/v1/user/metrics/query", body).await;
        assert_eq!((status, &answer["data"]), (StatusCode::BAD_REQUEST, &Value::Null));
        assert!(answer["error"].as_str().unwrap().starts_with(wanted), "{answer}");
    }
}
