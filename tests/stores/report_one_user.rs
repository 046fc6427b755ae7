//! Known answers about one user, worked out by hand: over time, by what the calls were, and the last calls.

use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{Priced, Text, UsageState};
use tower_llm_metrics::report::{
    CallFilter, GroupBy, GroupName, HistogramQuery, Measure, Selection, Step, Table, Window, Zone,
};
use tower_llm_metrics::{
    Cost, MemorySink, MetricsSink, Operation, Outcome, Provider, Record, Usd, User, UserId,
};

/// 2026-03-02T00:00:00Z, a Monday.
const MONDAY: u64 = 1_772_409_600;
const DAY: u64 = 86_400;

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(MONDAY + second)
}

fn call(user: &str, second: u64, dollars: i64) -> Record {
    let mut record = Record::new(at(second));
    record.user = Some(User::verified(UserId::new(user).unwrap()));
    record.outcome = Outcome::Completed;
    record.operation = Operation::Chat;
    record.provider = Some(Provider::OPENAI);
    record.model = Some(Text::new("gpt-5").unwrap());
    record.usage_state = UsageState::Reported;
    record.usage.input_tokens = Some(10);
    record.cost = Cost::Priced(Priced::new(Usd::from_dollars(dollars), "openai/gpt-5", "1"));
    record
}

/// Alice's calls at 23:35 on Monday, 0:05 on Tuesday, 23:59 on Sunday, 0:00 on the next Monday and 0:00 on the first
/// of April, by a clock that is 5:45 ahead of UTC; and one of Bob's in each of her hours.
fn store() -> MemorySink {
    let users = MemorySink::builder().clock(|| at(31 * DAY)).build();
    let calls =
        [(64_200, 1), (66_000, 2), (6 * DAY + 65_640, 4), (6 * DAY + 65_700, 8), (29 * DAY + 65_700, 16)];
    for (n, (second, dollars)) in calls.into_iter().enumerate() {
        let mut record = call("alice", second, dollars);
        if n == 2 {
            record.operation = Operation::Embeddings;
            record.outcome = Outcome::Failed;
        }
        if n > 2 {
            record.response_model = Some(Text::new("gpt-5-2025-08-07").unwrap());
        }
        if n < 2 {
            record.properties.insert("team", ["search", "ads"][n]);
        }
        users.record(&record);
        users.record(&call("bob", second, 1_000));
    }
    users
}

fn alice() -> Selection {
    Selection::new().scope(UserId::new("alice").unwrap()).zone(Zone::fixed(345).unwrap())
}

#[test]
fn a_user_over_time_by_hour_day_week_and_month_of_the_zone() {
    let users = store();
    let of = |step| -> Vec<(String, u64, i128)> {
        let series = users.report().series(&alice(), step).unwrap();
        let active = series.points.into_iter().filter(|point| !point.totals.is_empty());
        active
            .map(|point| {
                let dollars = point.totals.cost().unwrap().picos() / Usd::from_dollars(1).picos();
                (point.label, point.totals.requests(), dollars)
            })
            .collect()
    };
    let row = |label: &str, requests, dollars| (label.to_owned(), requests, dollars);
    assert_eq!(
        of(Step::Hour),
        [
            row("2026-03-02T23:00", 1, 1),
            row("2026-03-03T00:00", 1, 2),
            row("2026-03-08T23:00", 1, 4),
            row("2026-03-09T00:00", 1, 8),
            row("2026-04-01T00:00", 1, 16),
        ]
    );
    assert_eq!(
        of(Step::Day),
        [
            row("2026-03-02", 1, 1),
            row("2026-03-03", 1, 2),
            row("2026-03-08", 1, 4),
            row("2026-03-09", 1, 8),
            row("2026-04-01", 1, 16),
        ]
    );
    assert_eq!(of(Step::Week), [row("2026-03-02", 3, 7), row("2026-03-09", 1, 8), row("2026-03-30", 1, 16)]);
    assert_eq!(of(Step::Month), [row("2026-03", 4, 15), row("2026-04", 1, 16)]);
}

#[test]
fn a_user_by_model_operation_and_property() {
    let users = store();
    let by = |by: GroupBy| -> Vec<(GroupName, u64, u64, u64)> {
        let groups = users.report().breakdown(&alice(), by).unwrap().groups;
        let row = |group: tower_llm_metrics::report::Group| {
            (group.name, group.totals.requests(), group.totals.failed(), group.users)
        };
        groups.into_iter().map(row).collect()
    };
    let is = |name: &str| GroupName::Is(Text::new(name).unwrap());
    assert_eq!(by(GroupBy::Model), [(is("gpt-5"), 3, 1, 1), (is("gpt-5-2025-08-07"), 2, 0, 1)]);
    assert_eq!(by(GroupBy::Operation), [(is("chat"), 4, 0, 1), (is("embeddings"), 1, 1, 1)]);
    let team = GroupBy::Property(Text::new("team").unwrap());
    assert_eq!(by(team), [(GroupName::Absent, 3, 1, 1), (is("ads"), 1, 0, 1), (is("search"), 1, 0, 1)]);
}

#[test]
fn the_last_calls_of_a_user_are_nobody_elses_and_the_latest_come_first() {
    let users = store();
    let costs = |selection: &Selection, limit| -> Vec<Usd> {
        let calls = users.report().calls(selection, limit);
        assert!(calls.iter().all(|call| call.user_id().unwrap().as_str() == "alice"));
        calls.iter().map(|call| call.cost.total().unwrap()).collect()
    };
    let dollars = |of: &[i64]| of.iter().map(|&dollars| Usd::from_dollars(dollars)).collect::<Vec<_>>();
    assert_eq!(costs(&alice(), 2), dollars(&[16, 8]));
    let march = alice().window(Window::until(at(29 * DAY)));
    assert_eq!(costs(&march, 9), dollars(&[8, 4, 2, 1]));
    let chats = march.calls(CallFilter::Operation(Operation::Chat));
    assert_eq!(costs(&chats, 2), dollars(&[8, 2]));
}

#[test]
fn costs_per_user_are_spread_over_bins_up_to_the_percentile() {
    let users = MemorySink::builder().clock(|| at(0)).build();
    for (n, dollars) in [1, 1, 2, 3, 4, 5, 6, 7, 8, 1_000].into_iter().enumerate() {
        users.record(&call(&format!("user{n}"), 0, dollars));
    }
    let query = HistogramQuery::new(Measure::Cost).bins(2).up_to_permille(900);
    let histogram = users.report().histogram(&Selection::new(), query).unwrap();
    let counts: Vec<_> = histogram.bins.iter().map(|bin| bin.users).collect();
    assert_eq!((counts, histogram.beyond), (vec![5, 4], 1));
    assert_eq!(histogram.bins[0].from, Usd::from_dollars(1).picos());
    assert_eq!(histogram.bins[1].to, Usd::from_dollars(8).picos());
    // The same in an export, as is who came back.
    assert_eq!(histogram.to_csv().lines().count(), 3);
    let retention = users.report().retention(&Selection::new()).unwrap();
    let lines: Vec<serde_json::Value> =
        retention.to_json_lines().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].as_object().unwrap().values().any(|value| *value == 10), "{lines:?}");
}
