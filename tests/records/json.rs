//! The JSON of a record: what is written, and what is read back.

use crate::records;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use serde_json::Value;
use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{
    Api, Cost, Operation, Outcome, Pass, PriceMatch, Priced, Provider, ProviderSource, Record, RecordId,
    Text, UnpricedReason, UsageReason, UsageState, User, UserId, UserIssue, UserSource,
};

const KNOWN: &str = concat!(
    r#"{"v":1,"id":"01890a5d-ac96-774b-bcce-b302099a8057","time":"2026-02-28T23:59:59.000042Z","latency_us":1500000,"#,
    r#""first_token_us":250,"user":"Zoë \"z\"","user_source":"header","user_issue":"too_long","provider":"anthropic","#,
    r#""provider_source":"host","host":"api.anthropic.com","operation":"chat","api":"messages","#,
    r#""model":"claude-x","response_model":"claude-x-1","stream":true,"status":200,"outcome":"completed","#,
    r#""error":"overloaded_error","usage_state":"reported","usage_reason":"part_exceeds_whole","input_tokens":10,"#,
    r#""cache_read_tokens":1,"cache_write_tokens":2,"cache_write_5m_tokens":1,"cache_write_1h_tokens":1,"#,
    r#""input_audio_tokens":3,"input_image_tokens":4,"cache_read_audio_tokens":1,"cache_read_image_tokens":0,"#,
    r#""output_tokens":20,"reasoning_tokens":5,"#,
    r#""output_audio_tokens":6,"output_image_tokens":7,"passes":[{"model":"claude-y","input_tokens":1,"#,
    r#""input_image_tokens":1,"output_tokens":2,"output_image_tokens":2},{}],"web_searches":8,"file_searches":3,"#,
    r#""map_queries":1,"search_units":9,"seconds":61.25,"images":11,"characters":12,"#,
    r#""pages":13,"annotated_pages":5,"service_tier":"priority","batch":true,"region":"us","cost_state":"reported","cost_usd":0.000112,"#,
    r#""computed_cost_usd":0.0001,"priced_as":"anthropic/claude-x","price_match":"alias","tier_applied":"priority","#,
    r#""price_version":"2026-02-01","request_id":"req_1","client_request_id":"mine","session":"s","#,
    r#""properties":{"team":"a\\b"},"properties_dropped":1}"#,
);

fn known() -> Record {
    let text = |text: &str| Some(Text::new(text).unwrap());
    let mut record = Record::new(SystemTime::UNIX_EPOCH + Duration::from_micros(1_772_323_199_000_042));
    record.id = "01890a5d-ac96-774b-bcce-b302099a8057".parse::<RecordId>().unwrap();
    record.latency = Duration::from_millis(1500);
    record.first_token = Some(Duration::from_micros(250));
    record.user = Some(User::new(UserId::new("Zoë \"z\"").unwrap(), UserSource::Header));
    record.user_issue = Some(UserIssue::TooLong);
    record.provider = Some(Provider::ANTHROPIC);
    record.provider_source = Some(ProviderSource::Host);
    record.host = text("api.anthropic.com");
    (record.operation, record.api) = (Operation::Chat, Some(Api::Messages));
    (record.model, record.response_model) = (text("claude-x"), text("claude-x-1"));
    (record.stream, record.status, record.outcome) = (true, Some(200), Outcome::Completed);
    record.error = text("overloaded_error");
    (record.usage_state, record.usage_reason) = (UsageState::Reported, Some(UsageReason::PartExceedsWhole));
    let usage = &mut record.usage;
    usage.input_tokens = Some(10);
    (usage.cache_read_tokens, usage.cache_write_tokens) = (Some(1), Some(2));
    (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) = (Some(1), Some(1));
    (usage.input_audio_tokens, usage.input_image_tokens) = (Some(3), Some(4));
    (usage.cache_read_audio_tokens, usage.cache_read_image_tokens) = (Some(1), Some(0));
    (usage.output_tokens, usage.reasoning_tokens) = (Some(20), Some(5));
    (usage.output_audio_tokens, usage.output_image_tokens) = (Some(6), Some(7));
    let mut pass = Pass::default();
    (pass.model, pass.input_tokens, pass.output_tokens) = (text("claude-y"), Some(1), Some(2));
    (pass.input_image_tokens, pass.output_image_tokens) = (Some(1), Some(2));
    usage.passes = vec![pass, Pass::default()];
    (usage.web_searches, usage.search_units) = (Some(8), Some(9));
    (usage.file_searches, usage.map_queries) = (Some(3), Some(1));
    usage.seconds = Some(Duration::from_millis(61_250));
    (usage.images, usage.characters, usage.pages) = (Some(11), Some(12), Some(13));
    usage.annotated_pages = Some(5);
    (record.service_tier, record.batch, record.region) = (text("priority"), true, text("us"));
    let mut computed = Priced::new("0.0001".parse().unwrap(), "anthropic/claude-x", "2026-02-01");
    (computed.matched, computed.tier) = (PriceMatch::Alias, text("priority"));
    record.cost = Cost::Reported { total: "0.000112".parse().unwrap(), computed: Some(computed) };
    (record.request_id, record.client_request_id, record.session) = (text("req_1"), text("mine"), text("s"));
    record.properties.insert("team", "a\\b");
    record.properties.refuse();
    record
}

/// The JSON of a record of which nothing is known but that it was.
fn least() -> Value {
    let mut record = Record::new(SystemTime::UNIX_EPOCH);
    record.cost = Cost::Unpriced(UnpricedReason::NoUsage);
    serde_json::from_str(&record.to_json()).unwrap()
}

fn read(value: &Value) -> Result<Record, tower_llm_metrics::record::RecordError> {
    Record::from_json(value.to_string().as_bytes())
}

#[test]
fn a_full_record_is_written_with_all_keys_in_the_order_of_the_table() {
    assert_eq!(known().to_json(), KNOWN);
    assert_eq!(Record::from_json(KNOWN.as_bytes()), Ok(known()));
}

#[test]
fn keys_that_do_not_apply_are_absent() {
    let record = Record::new(SystemTime::UNIX_EPOCH);
    assert_eq!(
        record.to_json(),
        format!(
            r#"{{"v":1,"id":"{}","time":"1970-01-01T00:00:00.000000Z","latency_us":0,"operation":"other","stream":false,"outcome":"cancelled","usage_state":"absent","cost_state":"none"}}"#,
            record.id
        )
    );
}

#[test]
fn money_never_passes_through_a_float() {
    let mut value = KNOWN.replace("0.000112", "12345678901234567.000000000001");
    let record = Record::from_json(value.as_bytes()).unwrap();
    assert_eq!(record.cost.total().unwrap().picos(), 12_345_678_901_234_567_000_000_000_001);
    value = record.to_json();
    assert!(value.contains(r#""cost_usd":12345678901234567.000000000001,"#));
}

#[test]
fn another_version_is_refused_by_its_number_even_where_it_means_other_things() {
    let error = Record::from_json(br#"{"v":2,"id":{"new":"shape"}}"#).unwrap_err();
    assert_eq!((error.unknown_version(), error.key()), (Some(2), Some("v")));
    assert_eq!(error.to_string(), "a record of version 2, and only 1 can be read");
}

#[test]
fn what_a_later_minor_version_may_add_does_not_stop_an_older_reader() {
    let mut value = least();
    value["tomorrow"] = serde_json::json!({"deep": [1, "\"}", null], "v": 9});
    value["usage_reason"] = "new".into();
    value["api"] = "new".into();
    value["operation"] = "new".into();
    (value["user"], value["user_source"]) = ("u".into(), "new".into());
    value["region"] = Value::Null;
    let record = read(&value).unwrap();
    assert_eq!((record.usage_reason, record.api, record.operation), (None, None, Operation::Other));
    assert_eq!(record.user, Some(User::new(UserId::new("u").unwrap(), UserSource::Custom)));
    for key in ["outcome", "usage_state", "cost_state", "cost_reason"] {
        let mut value = least();
        value[key] = "new".into();
        assert_eq!(read(&value).unwrap_err().key(), Some(key));
    }
}

#[test]
fn what_stands_at_an_unknown_key_is_not_looked_into() {
    let record = Record::new(SystemTime::UNIX_EPOCH);
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for value in [r#""\ud83d""#, r#"{"\ud83d":[]}"#, &deep] {
        for json in [
            record.to_json().replacen('{', &format!("{{\"new\":{value},"), 1),
            record.to_json().replacen(",\"time\"", &format!(" ,\n\"new\" : {value}, \"time\""), 1),
        ] {
            assert_eq!(Record::from_json(json.as_bytes()).as_ref(), Ok(&record), "{json}");
        }
    }
}

#[test]
fn an_error_names_the_key_and_never_the_value() {
    for (key, bad) in [
        ("id", "\"not-a-uuid\""),
        ("time", "\"yesterday\""),
        ("latency_us", "-1"),
        ("user", "\"\""),
        ("user", "\"a\\nb\""),
        ("model", "7"),
        ("stream", "\"yes\""),
        ("status", "65536"),
        ("input_tokens", "1.5"),
        ("input_tokens", "18446744073709551616"),
        ("seconds", "-1"),
        ("seconds", "1e30"),
        ("passes", "{}"),
        ("passes", "[{\"input_tokens\":\"1\"}]"),
        ("cost_usd", "\"0.1\""),
        ("cost_usd", "1e60"),
        ("properties", "{\"a\":1}"),
        ("properties_dropped", "4294967296"),
    ] {
        let mut value = least();
        value[key] = serde_json::from_str(bad).unwrap_or(Value::Null);
        let text = match value[key].is_f64() {
            // serde_json would write the number in its own way.
            true => value.to_string().replace(&value[key].to_string(), bad),
            false => value.to_string(),
        };
        let error = Record::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(error.key(), Some(key), "{bad}");
        assert_eq!(error.to_string(), format!("the value of `{key}` is not valid"));
    }
    for key in ["v", "id", "time", "outcome", "usage_state", "cost_state", "cost_reason"] {
        let mut value = least();
        value.as_object_mut().unwrap().remove(key);
        let error = read(&value).unwrap_err();
        assert_eq!(error.to_string(), format!("`{key}` is missing"));
    }
}

#[test]
fn what_is_no_object_is_no_record() {
    for text in ["", "null", "[]", "1", "{", "{}}", "{,}", "{\"v\":1,}", "{\"v\" 1}", "\u{feff}{}"] {
        let error = Record::from_json(text.as_bytes()).unwrap_err();
        assert!(error.key().is_none() || text == "{\"v\":1,}", "{text}: {error}");
    }
    assert_eq!(Record::from_json(b"{\"\xff\":1}").unwrap_err().to_string(), "not a JSON object");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_record_reads_back_as_itself(record in records::record()) {
        let text = record.to_json();
        let read = Record::from_json(text.as_bytes());
        prop_assert_eq!(read.as_ref(), Ok(&record));
        prop_assert_eq!(&serde_json::to_string(&record).unwrap(), &text);
        prop_assert_eq!(&serde_json::from_str::<Record>(&text).unwrap(), &record);
    }

    #[test]
    fn the_order_of_keys_and_white_space_do_not_matter(record in records::record()) {
        // serde_json's map sorts its keys. It reads numbers as floats, so that only the shape is compared.
        let value: Value = serde_json::from_str(&record.to_json()).unwrap();
        let read = Record::from_json(serde_json::to_string_pretty(&value).unwrap().as_bytes());
        prop_assert!(read.as_ref().is_ok_and(|read| read.id == record.id && read.user == record.user)
            || read.is_err_and(|e| matches!(e.key(), Some("cost_usd" | "computed_cost_usd" | "seconds"))));
    }

    #[test]
    fn what_is_read_is_json_and_nothing_panics(
        record in records::record(),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut text = record.to_json().into_bytes();
        let at = at.index(text.len());
        if cut { text.truncate(at) } else { text[at] = byte }
        if Record::from_json(&text).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&text).is_ok(), "{}", String::from_utf8_lossy(&text));
        }
    }
}
