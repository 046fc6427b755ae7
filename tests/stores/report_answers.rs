//! Known answers of the reports, worked out by hand.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{Priced, Text, UnpricedReason, UsageReason, UsageState};
use tower_llm_metrics::report::{
    CallFilter, GroupBy, GroupName, HistogramQuery, Measure, Pattern, QueryError, Report, Scope, Scoped,
    Selection, SortBy, Step, Table, UserFilter, UserQuery, Who, Window, Zone,
};
use tower_llm_metrics::sink::memory::{Alert, Fired, Watch};
use tower_llm_metrics::{Cost, MemorySink, MetricsSink, Outcome, Provider, Record, Usd, User, UserId};

/// 2026-03-02T00:00:00Z, a Monday.
const MONDAY: u64 = 1_772_409_600;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(MONDAY + second)
}

fn id(of: &str) -> UserId {
    UserId::new(of).unwrap()
}

fn call(user: &str, second: u64) -> Record {
    let mut record = Record::new(at(second));
    record.user = Some(User::verified(id(user)));
    record.outcome = Outcome::Completed;
    record.provider = Some(Provider::OPENAI);
    record.model = Some(Text::new("gpt-5").unwrap());
    record
}

fn paid(user: &str, second: u64, dollars: i64) -> Record {
    let mut record = call(user, second);
    record.usage_state = UsageState::Reported;
    record.usage.input_tokens = Some(10);
    record.cost = Cost::Priced(Priced::new(Usd::from_dollars(dollars), "openai/gpt-5", "1"));
    record
}

fn sink(records: &[Record]) -> MemorySink {
    let sink = MemorySink::builder().clock(|| at(9 * DAY + 12 * HOUR)).build();
    records.iter().for_each(|record| sink.record(record));
    sink
}

/// The answer of a future that waits for nothing.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn averages_are_over_what_they_say() {
    let mut failed = call("alice", 3 * DAY);
    failed.outcome = Outcome::Failed;
    let mut broken = call("alice", 3 * DAY + 1);
    broken.outcome = Outcome::Broken;
    let users = sink(&[paid("alice", 0, 1), paid("alice", 5, 2), failed, broken]);
    let row = users.report().users(&UserQuery::new()).into_iter().next().unwrap();
    assert_eq!(row.requests_per_active_day().to_string(), "2.00");
    assert_eq!(row.totals.tokens_per_request().to_string(), "10.00");
    assert_eq!(row.totals.cost_per_request().value(), Some("1.5".parse().unwrap()));
    assert_eq!(row.totals.error_rate().to_string(), "0.50");
    assert_eq!((row.totals.first(), row.totals.last()), (Some(at(0)), Some(at(3 * DAY + 1))));
}

#[test]
fn retention_counts_who_came_back_in_which_week() {
    let week = 7 * DAY;
    let users = sink(&[
        call("alice", 0),
        call("alice", 2 * week),
        call("bob", 3 * DAY),
        call("bob", week),
        call("bob", week + DAY),
        call("carol", week + 2 * DAY),
    ]);
    let retention = users.report().retention(&Selection::new()).unwrap();
    let cohorts: Vec<_> = retention
        .cohorts
        .iter()
        .map(|cohort| (cohort.label.as_str(), cohort.users, cohort.active.clone()))
        .collect();
    assert_eq!(cohorts, [("2026-03-02", 2, vec![2, 1, 1]), ("2026-03-09", 1, vec![1, 0])]);
    // Who came before the window is of no cohort in it.
    let later = Selection::new().window(Window::new(at(week), at(3 * week)));
    let cohorts = users.report().retention(&later).unwrap().cohorts;
    assert_eq!(
        cohorts.iter().map(|cohort| (cohort.users, cohort.active.clone())).collect::<Vec<_>>(),
        [(1, vec![1, 0])]
    );
}

#[test]
fn new_and_returning_users_are_told_apart_by_their_first_call_ever() {
    let users = sink(&[call("alice", 0), call("alice", DAY), call("bob", DAY + 5), call("bob", DAY + 6)]);
    let window = Window::new(at(DAY), at(3 * DAY));
    let series = users.report().series(&Selection::new().window(window), Step::Day).unwrap();
    let days: Vec<_> = series
        .points
        .iter()
        .map(|day| (day.label.as_str(), day.active_users, day.new_users, day.returning_users()))
        .collect();
    assert_eq!(days, [("2026-03-03", 2, 1, 1), ("2026-03-04", 0, 0, 0)]);
}

#[test]
fn the_overview_projects_the_month_and_names_what_has_no_price() {
    let mut unpriced = paid("bob", 9 * DAY, 0);
    unpriced.cost = Cost::Unpriced(UnpricedReason::UnknownModel);
    unpriced.response_model = Some(Text::new("mystery-1").unwrap());
    // It is noon of 11 March: 10.5 of 31 days have passed, 21 of 62 halves.
    let users =
        sink(&[paid("alice", 0, 20), paid("alice", 9 * DAY, 1), unpriced, paid("alice", 40 * DAY, 100)]);
    let overview = users.report().overview(&Selection::new()).unwrap();
    assert_eq!(overview.totals.cost(), Some(Usd::from_dollars(121)));
    assert_eq!(overview.today.cost(), Some(Usd::from_dollars(1)));
    assert_eq!(overview.month.cost(), Some(Usd::from_dollars(21)));
    assert_eq!(overview.month_projection, Some(Usd::from_dollars(62)));
    assert_eq!((overview.users, overview.users_today, overview.users_this_month), (2, 2, 2));
    assert_eq!(overview.unpriced_models, [(Some(Text::new("mystery-1").unwrap()), 1)]);
    // In Auckland it is the 12th already.
    let auckland = Selection::new().zone(Zone::fixed(13 * 60).unwrap());
    assert!(users.report().overview(&auckland).unwrap().today.is_empty());
}

#[test]
fn histograms_count_each_user_once() {
    let records: Vec<_> =
        (1..=10u64).flat_map(|user| (0..user).map(move |n| call(&format!("user{user}"), n))).collect();
    let users = sink(&records);
    let query = HistogramQuery::new(Measure::Requests).bins(3).up_to_permille(900);
    let histogram = users.report().histogram(&Selection::new(), query).unwrap();
    let bins: Vec<_> = histogram.bins.iter().map(|bin| (bin.from, bin.to, bin.users)).collect();
    assert_eq!(bins, [(1, 3, 3), (4, 6, 3), (7, 9, 3)]);
    assert_eq!((histogram.beyond, histogram.quartiles), (1, Some([3, 5, 8])));
    let cost = users.report().histogram(&Selection::new(), HistogramQuery::new(Measure::Cost)).unwrap();
    assert_eq!((cost.bins.len(), cost.unknown), (0, 10));
}

#[test]
fn windows_finer_than_a_quarter_of_an_hour_are_errors() {
    let users = sink(&[call("alice", 0)]);
    let window = Window::since(at(1));
    let errors = [
        users.report().users_in(&Selection::new().window(window), &UserQuery::new()).unwrap_err(),
        users.report().series(&Selection::new().window(window), Step::Hour).unwrap_err(),
        users.report().breakdown(&Selection::new().window(window), GroupBy::Model).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| matches!(error, QueryError::WithinQuarter)));
    let eternal = Selection::new().window(Window::new(SystemTime::UNIX_EPOCH, at(0)));
    assert!(matches!(users.report().series(&eternal, Step::Hour), Err(QueryError::TooManyPoints { .. })));
}

#[test]
fn exports_say_the_same_as_the_answer_and_run_nowhere() {
    let mut evil = paid("=HYPERLINK(\"http://x\")", 0, 2);
    evil.latency = Duration::from_micros(7);
    let users = sink(&[evil, call("bob", 5)]);
    let page = users.report().users(&UserQuery::new().sort(SortBy::Cost));
    let csv = page.to_csv();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("row,user,requests,completed,failed,"), "{csv}");
    assert!(lines[1].starts_with("\"user\",\"'=HYPERLINK(\"\"http://x\"\")\",1,1,0,"), "{csv}");
    let columns = page.columns();
    for (line, row) in page.to_json_lines().lines().zip(&page.rows) {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(json["user"], row.who.user().unwrap().as_str());
        assert_eq!(json["requests"], row.totals.requests());
        assert_eq!(
            json.get("cost_usd").map(ToString::to_string),
            row.totals.cost().map(|cost| cost.to_string())
        );
        assert!(json.as_object().unwrap().keys().all(|key| columns.contains(&key.as_str())));
    }
    let selection = Selection::new();
    let series = users.report().series(&selection, Step::Day).unwrap();
    let tables: [&dyn Table; 3] = [
        &series,
        &users.report().breakdown(&selection, GroupBy::Model).unwrap(),
        &users.report().overview(&selection).unwrap(),
    ];
    for table in tables {
        assert!(
            table.to_json_lines().lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
        );
        let columns = table.columns().len();
        table
            .rows(&mut |row| {
                assert_eq!(row.len(), columns);
                Ok(())
            })
            .unwrap();
    }
    let calls = users.report().calls(&selection, 1);
    assert_eq!(calls.to_csv().lines().count(), 2);
}

#[test]
fn a_scoped_report_narrows_every_question_and_can_be_awaited() {
    let users = sink(&[paid("alice", 0, 1), paid("bob", 0, 2)]);
    let own = Scoped::new(users, Scope::from(id("alice")));
    let everything = Selection::new();
    let page = now(own.users(&everything, &UserQuery::new())).unwrap();
    assert_eq!(page.rows.iter().map(|row| row.who.to_string()).collect::<Vec<_>>(), ["alice"]);
    let stranger = now(own.users(&Selection::new().scope(id("bob")), &UserQuery::new())).unwrap();
    assert_eq!(stranger.matching, 0);
    assert_eq!(now(own.overview(&everything)).unwrap().totals.cost(), Some(Usd::from_dollars(1)));
    assert_eq!(now(own.calls(&everything, 9)).unwrap().len(), 1);
    assert_eq!(now(own.series(&everything, Step::Day)).unwrap().points[0].totals.requests(), 1);
    assert_eq!(now(own.breakdown(&everything, GroupBy::Model)).unwrap().groups[0].totals.requests(), 1);
    assert_eq!(now(own.retention(&everything)).unwrap().cohorts[0].users, 1);
    let histogram = now(own.histogram(&everything, HistogramQuery::new(Measure::Cost))).unwrap();
    assert_eq!(histogram.bins.iter().map(|bin| bin.users).sum::<u64>(), 1);
    fn is_send<T: Send>(_: T) {}
    is_send(own.users(&everything, &UserQuery::new()));
}

/// Alerts that write down what they say.
fn watched(alert: Alert) -> (MemorySink, Arc<Mutex<Vec<String>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&said);
    let write = move |fired: &Fired| writer.lock().unwrap().push(fired.to_string());
    (MemorySink::builder().keep_quarters(u32::MAX).alert(alert, write).build(), said)
}

#[test]
fn an_alert_fires_at_the_edge_once_per_user_and_window() {
    let (users, said) = watched(Alert::cost(Usd::from_dollars(10)));
    for (user, second, dollars) in [
        ("alice", 0, 9),
        ("bob", 1, 9),
        ("alice", 2, 1),
        ("alice", 3, 50),
        ("alice", DAY, 9),
        ("alice", DAY + 1, 2),
    ] {
        users.record(&paid(user, second, dollars));
    }
    assert_eq!(
        *said.lock().unwrap(),
        [
            "alice: cost 10 of 10 in the day from 2026-03-02T00:00:00Z",
            "alice: cost 11 of 10 in the day from 2026-03-03T00:00:00Z"
        ]
    );
    // A call of yesterday that ended after midnight counts yesterday.
    users.record(&paid("bob", DAY, 1));
    users.record(&paid("bob", DAY - 1, 1));
    assert_eq!(
        said.lock().unwrap().last().unwrap(),
        "bob: cost 10 of 10 in the day from 2026-03-02T00:00:00Z"
    );
}

#[test]
fn calls_without_a_user_and_repeated_figures_are_watched_as_they_count() {
    let (users, said) = watched(Alert::requests(3).per(Step::Week).zone(Zone::fixed(60).unwrap()));
    for second in [0, 2 * DAY, 4 * DAY] {
        let mut record = call("x", second);
        record.user = None;
        users.record(&record);
    }
    assert_eq!(*said.lock().unwrap(), ["(no user): requests 3 of 3 in the week from 2026-03-01T23:00:00Z"]);
    let (users, said) = watched(Alert::tokens(20));
    let mut repeated = paid("alice", 0, 1);
    repeated.usage_state = UsageState::Repeated;
    for _ in 0..5 {
        users.record(&repeated);
    }
    assert!(said.lock().unwrap().is_empty());
}

#[test]
fn a_spike_is_today_against_the_users_own_median_day() {
    let (users, said) = watched(Alert::spike(Watch::Requests, 3).at_least(7));
    // Days with 1, 3 and 2 calls: the median is 2, the limit 6 or at least 7.
    for (day, calls) in [(0, 1), (1, 3), (4, 2), (6, 8)] {
        (0..calls).for_each(|n| users.record(&call("alice", day * DAY + n)));
    }
    assert_eq!(*said.lock().unwrap(), ["alice: requests 7 of 7 in the day from 2026-03-08T00:00:00Z"]);
    // Nobody knows what is usual for somebody who came yesterday.
    (0..50).for_each(|n| users.record(&call("bob", DAY + n * HOUR)));
    assert_eq!(said.lock().unwrap().len(), 1);
}

#[test]
fn a_panic_of_an_alert_reaches_nobody_and_restored_records_fire_nothing() {
    let panics = MemorySink::builder().alert(Alert::requests(1), |_| panic!("on purpose")).build();
    panics.record(&call("alice", 0));
    assert_eq!((panics.stats().alert_panics, panics.stats().users), (1, 1));
    let builder = MemorySink::builder().alert(Alert::requests(1), |_| panic!("on purpose"));
    let restored = builder.restore([call("alice", 0)]);
    restored.record(&call("alice", 1));
    assert_eq!(restored.stats().alert_panics, 0);
}

#[test]
fn forgetting_keeps_the_totals_and_lets_go_of_who_it_was() {
    let mut own = paid("alice", 0, 3);
    own.properties.insert("email", "alice@example.com");
    own.properties.insert("team", "search");
    let mut shared = paid("bob", 0, 4);
    shared.properties.insert("team", "search");
    let users = MemorySink::builder().max_users(16).build();
    users.record(&own);
    users.record(&shared);
    assert!(users.forget(&id("alice")));
    assert!(!users.forget(&id("alice")));

    let page = users.report().users(&UserQuery::new());
    assert_eq!(page.rows.iter().map(|row| row.who.to_string()).collect::<Vec<_>>(), ["bob"]);
    let other = page.other.unwrap();
    assert_eq!((other.who, other.totals.cost()), (Who::Other, Some(Usd::from_dollars(3))));
    assert_eq!(page.gaps.other_users, 1);
    assert!(users.records().iter().all(|record| record.user_id() == Some(&id("bob"))));
    let email = GroupBy::Property(Text::new("email").unwrap());
    let groups = users.report().breakdown(&Selection::new(), email).unwrap().groups;
    assert!(groups.iter().all(|group| !matches!(group.name, GroupName::Is(_))));
    let team = CallFilter::HasProperty(Text::new("team").unwrap());
    assert_eq!(
        users.report().users_in(&Selection::new().calls(team), &UserQuery::new()).unwrap().rows.len(),
        1
    );
    // A newcomer of the same name begins anew.
    users.record(&paid("alice", 9, 1));
    assert_eq!(users.report().users(&UserQuery::new()).matching, 2);
}

#[test]
fn absent_usage_is_told_by_its_reason() {
    let absent = |user: &str, reason| {
        let mut record = call(user, 0);
        record.usage_reason = reason;
        record
    };
    let mut present = paid("alice", 0, 1);
    present.usage_reason = Some(UsageReason::PartExceedsWhole);
    let users = sink(&[
        absent("alice", Some(UsageReason::Aborted)),
        absent("bob", Some(UsageReason::Aborted)),
        absent("bob", Some(UsageReason::Encoded)),
        absent("bob", None),
        present,
    ]);
    let groups = users.report().breakdown(&Selection::new(), GroupBy::AbsentUsage).unwrap().groups;
    let told: Vec<_> =
        groups.iter().map(|group| (group.name.clone(), group.totals.requests(), group.users)).collect();
    let is = |reason: &str| GroupName::Is(Text::new(reason).unwrap());
    assert_eq!(told, [(is("aborted"), 2, 2), (GroupName::Absent, 2, 2), (is("encoded"), 1, 1)]);
}

#[test]
fn an_offset_leaves_out_the_first_rows_in_either_direction() {
    let users = sink(&["a", "b", "c", "d", ""].map(|user| {
        let mut record = call("x", 0);
        record.user = UserId::new(user).ok().map(User::verified);
        record
    }));
    let ids = |query: UserQuery| -> Vec<String> {
        let page = users.report().users(&query);
        assert_eq!(page.matching, 5);
        page.rows.iter().map(|row| row.who.to_string()).collect()
    };
    assert_eq!(ids(UserQuery::new().sort_by_id().offset(1).limit(2)), ["b", "c"]);
    assert_eq!(ids(UserQuery::new().sort_by_id_descending().limit(2)), ["(no user)", "d"]);
    assert_eq!(ids(UserQuery::new().sort_by_id_descending().offset(4)), ["a"]);
    assert!(ids(UserQuery::new().offset(usize::MAX)).is_empty());
    let first = users.report().users(&UserQuery::new().sort_by_id_descending().limit(2)).next.unwrap();
    assert_eq!(ids(UserQuery::new().after(first)), ["c", "b", "a"]);
}

#[test]
fn one_row_or_those_alike_can_be_asked_for() {
    let users = sink(&[call("Alice", 0), call("alice", 0), call("bob", 0), {
        let mut nobody = call("x", 0);
        nobody.user = None;
        nobody
    }]);
    let ids = |filter: UserFilter| -> Vec<String> {
        let page = users.report().users(&UserQuery::new().sort_by_id().filter(filter));
        page.rows.iter().map(|row| row.who.to_string()).collect()
    };
    let like = Pattern::new(&Text::new("%LIC_").unwrap()).ignore_case();
    assert_eq!(ids(UserFilter::Is(id("alice"))), ["alice"]);
    assert_eq!(ids(UserFilter::Nobody), ["(no user)"]);
    assert_eq!(ids(UserFilter::Like(like.clone())), ["Alice", "alice"]);
    assert_eq!(ids(UserFilter::Like(like).or(UserFilter::Nobody).negate()), ["bob"]);
}

#[test]
fn today_and_this_month_are_whole_whatever_the_window_is() {
    let users = sink(&[paid("alice", 0, 1), paid("alice", 8 * DAY, 2), paid("bob", 9 * DAY, 4)]);
    let window = Window::new(at(0), at(DAY));
    let overview = users.report().overview(&Selection::new().window(window)).unwrap();
    assert_eq!((overview.totals.cost(), overview.users), (Some(Usd::from_dollars(1)), 1));
    assert_eq!((overview.today.cost(), overview.users_today), (Some(Usd::from_dollars(4)), 1));
    assert_eq!((overview.month.cost(), overview.users_this_month), (Some(Usd::from_dollars(7)), 2));
    let all = users.report().overview(&Selection::new()).unwrap();
    assert_eq!((all.totals.cost(), all.users), (Some(Usd::from_dollars(7)), 2));
    assert_eq!((all.totals.latency().count(), all.month.latency().count()), (3, 3));
}

#[test]
fn a_spike_of_the_rows_that_are_no_users_is_measured_against_all_of_their_days() {
    let nobodys = |time| {
        let mut record = call("x", time);
        record.user = None;
        record
    };
    let (users, said) = watched(Alert::spike(Watch::Requests, 3));
    for day in 0..8 {
        (0..200).for_each(|n| users.record(&nobodys(day * DAY + n)));
    }
    assert!(said.lock().unwrap().is_empty(), "{:?}", said.lock().unwrap());
    (0..600).for_each(|n| users.record(&nobodys(8 * DAY + n)));
    assert_eq!(
        *said.lock().unwrap(),
        ["(no user): requests 600 of 600 in the day from 2026-03-10T00:00:00Z"]
    );
}
