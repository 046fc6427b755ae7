//! The store in memory and its per-user table, through the public API.

use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{Priced, Text, UnpricedReason, UsageState};
use tower_llm_metrics::report::{
    CallFilter, Measure, Scope, Selection, SortBy, UserFilter, UserPage, UserQuery, UserSummary, Who, Zone,
};
use tower_llm_metrics::{
    Cost, MemorySink, MetricsSink, Operation, Outcome, Provider, Record, Usd, User, UserId,
};

/// 2026-03-01T00:00:00Z.
const MARCH: u64 = 1_772_323_200;

fn id(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

fn call(user: Option<&str>, second: u64) -> Record {
    let mut record = Record::new(SystemTime::UNIX_EPOCH + Duration::from_secs(MARCH + second));
    record.user = user.map(|user| User::verified(id(user)));
    record.outcome = Outcome::Completed;
    record.operation = Operation::Chat;
    record.provider = Some(Provider::OPENAI);
    record.model = Some(Text::new("gpt-5-mini").unwrap());
    record.latency = Duration::from_micros(100);
    record
}

fn paid(user: &str, second: u64, tokens: u64, picos: i128) -> Record {
    let mut record = call(Some(user), second);
    record.usage_state = UsageState::Reported;
    record.usage.input_tokens = Some(tokens);
    record.usage.output_tokens = Some(1);
    record.cost = Cost::Priced(Priced::new(Usd::from_picos(picos), "openai/gpt-5-mini", "test"));
    record
}

fn names(page: &UserPage) -> Vec<String> {
    page.rows.iter().map(|row| row.who.to_string()).collect()
}

fn row(users: &MemorySink, name: &str) -> UserSummary {
    let page = users.report().users_in(&Selection::new().scope(id(name)), &UserQuery::new()).unwrap();
    assert_eq!(page.matching, 1);
    page.into_iter().next().unwrap()
}

#[test]
fn the_quick_tour_prints_one_readable_line_per_user() {
    let users = MemorySink::new();
    users.record(&paid("alice", 0, 10, 112_000_000));
    users.record(&paid("alice", 86_400, 10, 1));
    let mut refused = call(Some("bob"), 5);
    refused.outcome = Outcome::Failed;
    users.record(&refused);

    let mut lines = Vec::new();
    for user in users.report().users(&UserQuery::new().sort(SortBy::Cost).limit(10)) {
        lines.push(format!("{user}"));
    }
    assert_eq!(
        lines,
        [
            "alice: 2 requests, 20 tokens in, 2 out, $0.000112000001, 2 active days, \
             2026-03-01T00:00:00Z to 2026-03-02T00:00:00Z",
            "bob: 1 request (1 failed), - tokens in, - out, cost -, 1 active day, \
             2026-03-01T00:00:05Z to 2026-03-01T00:00:05Z",
        ]
    );
}

#[test]
fn calls_without_a_user_have_a_row_that_no_id_can_be_mistaken_for() {
    let users = MemorySink::new();
    for name in ["anonymous", "(no user)", "(other users)"] {
        users.record(&call(Some(name), 0));
    }
    users.record(&call(None, 0));
    users.record(&call(None, 1));
    let page = users.report().users(&UserQuery::new());
    assert_eq!(names(&page), ["(no user)", "\"(no user)\"", "\"(other users)\"", "anonymous"]);
    assert_eq!(page.rows[0].who, Who::Nobody);
    assert_eq!(page.rows[0].totals.requests(), 2);
    assert!(page.gaps.is_empty() && page.other.is_none());
}

#[test]
fn a_scope_for_one_user_sees_nobody_else_whatever_is_asked() {
    let users = MemorySink::new();
    for name in ["alice", "bob"] {
        users.record(&paid(name, 0, 10, 5));
    }
    users.record(&call(None, 0));
    let own = Selection::new().scope(id("alice"));
    let ask = |selection: &Selection, query: &UserQuery| users.report().users_in(selection, query).unwrap();
    let anything = UserFilter::Prefix(Text::new("bob").unwrap()).negate().or(UserFilter::All);
    for (selection, query) in [
        (own.clone(), UserQuery::new()),
        (own.clone(), UserQuery::new().filter(anything).sort_by_id()),
        (own.clone().calls(CallFilter::Provider(Provider::OPENAI)), UserQuery::new()),
    ] {
        let page = ask(&selection, &query);
        assert_eq!((names(&page), page.matching), (vec!["alice".to_owned()], 1));
    }
    let nobody = ask(&own, &UserQuery::new().filter(UserFilter::Prefix(Text::new("b").unwrap())));
    assert_eq!((nobody.rows.len(), nobody.matching), (0, 0));
    let nothing = ask(&Selection::new().scope(Scope::Nothing), &UserQuery::new());
    assert_eq!(nothing.matching, 0);
    let anonymous = ask(&Selection::new().scope(Scope::Only(Who::Nobody)), &UserQuery::new());
    assert_eq!(names(&anonymous), ["(no user)"]);
}

#[test]
fn pages_follow_each_other_without_gaps_or_repeats_while_calls_flow() {
    let users = MemorySink::new();
    for n in 0..25 {
        users.record(&paid(&format!("user{n:02}"), 0, 10, i128::from(n / 3)));
    }
    let query = UserQuery::new().sort(SortBy::Cost).limit(4);
    let (mut seen, mut next) = (Vec::new(), None);
    loop {
        let page = users.report().users(&match next.take() {
            None => query.clone(),
            Some(cursor) => query.clone().after(cursor),
        });
        seen.extend(names(&page));
        // A newcomer above the place where the last page ended shifts nothing.
        users.record(&paid(&format!("new{}", seen.len()), 0, 10, 1_000));
        match page.next {
            None => break,
            cursor => next = cursor,
        }
    }
    let mut wanted: Vec<_> = (0..25).map(|n| (n / 3, format!("user{n:02}"))).collect();
    wanted.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
    assert_eq!(seen, wanted.into_iter().map(|(_, name)| name).collect::<Vec<_>>());
}

#[test]
fn rows_are_sorted_by_any_measure_and_unknown_ones_come_last_both_ways() {
    let users = MemorySink::new();
    users.record(&paid("cheap", 10, 500, 1));
    users.record(&paid("dear", 20, 5, 900));
    users.record(&call(Some("unknown"), 30));
    users.record(&call(Some("unknown"), 40));
    let sorted = |query: UserQuery| names(&users.report().users(&query));
    assert_eq!(sorted(UserQuery::new().sort(SortBy::Cost)), ["dear", "cheap", "unknown"]);
    assert_eq!(sorted(UserQuery::new().sort_ascending(SortBy::Cost)), ["cheap", "dear", "unknown"]);
    assert_eq!(sorted(UserQuery::new().sort(SortBy::Requests)), ["unknown", "cheap", "dear"]);
    assert_eq!(sorted(UserQuery::new().sort(SortBy::TokensPerRequest)), ["cheap", "dear", "unknown"]);
    assert_eq!(sorted(UserQuery::new().sort_by_id()), ["cheap", "dear", "unknown"]);
    for &measure in Measure::ALL {
        for query in [UserQuery::new().sort(measure), UserQuery::new().sort_ascending(measure)] {
            let page = users.report().users(&query);
            assert_eq!(page.rows.len(), 3);
            let known: Vec<_> = page.rows.iter().map(|row| row.measure(measure).is_some()).collect();
            assert!(known.is_sorted_by(|before, after| before >= after), "{}", measure.as_str());
        }
    }
}

#[test]
fn rows_are_filtered_by_what_their_calls_add_up_to_and_by_what_the_calls_were() {
    let users = MemorySink::new();
    users.record(&paid("alice", 0, 10, 5));
    users.record(&paid("alice", 1, 10, 5));
    let mut claude = paid("alice", 2, 100, 7);
    claude.response_model = Some(Text::new("claude-opus-4-5").unwrap());
    claude.provider = Some(Provider::ANTHROPIC);
    claude.properties.insert("team", "search");
    users.record(&claude);
    users.record(&paid("bob", 0, 10, 5));

    let by = |query: UserQuery| users.report().users(&query);
    let two = by(UserQuery::new().filter(UserFilter::AtLeast(Measure::Requests, 2.into())));
    assert_eq!(names(&two), ["alice"]);
    let cheap = UserFilter::AtMost(Measure::Cost, Usd::from_picos(5).into());
    assert_eq!(names(&by(UserQuery::new().filter(cheap.clone()))), ["bob"]);
    assert_eq!(names(&by(UserQuery::new().filter(cheap.negate()))), ["alice"]);
    let another_kind = UserFilter::AtLeast(Measure::Cost, 0.into());
    assert_eq!(by(UserQuery::new().filter(another_kind)).matching, 0);

    let opus = CallFilter::Model(Text::new("claude-opus-4-5").unwrap());
    let of = |filter| users.report().users_in(&Selection::new().calls(filter), &UserQuery::new()).unwrap();
    let page = of(opus.clone());
    assert_eq!(names(&page), ["alice"]);
    assert_eq!(page.rows[0].totals.input_tokens(), Some(100));
    assert_eq!(page.rows[0].models, [Text::new("claude-opus-4-5").unwrap()]);
    let rest = of(opus.negate());
    assert_eq!(rest.rows.iter().map(|row| row.totals.requests()).collect::<Vec<_>>(), [2, 1]);
    let (team, search) = (Text::new("team").unwrap(), Text::new("search").unwrap());
    for filter in [CallFilter::HasProperty(team.clone()), CallFilter::Property(team, search)] {
        assert_eq!(of(filter).rows[0].totals.requests(), 1);
    }
}

#[test]
fn active_days_are_those_of_the_zone_that_is_asked_for() {
    let users = MemorySink::new();
    // 23:30 and 00:15 of the next day in UTC.
    users.record(&call(Some("alice"), 84_600));
    users.record(&call(Some("alice"), 87_300));
    let days = |minutes| {
        let local = Selection::new().zone(Zone::fixed(minutes).unwrap());
        users.report().users_in(&local, &UserQuery::new()).unwrap().rows[0].active_days
    };
    assert_eq!((days(0), days(30), days(-15), days(-30), days(345)), (2, 1, 2, 1, 1));
}

#[test]
fn repeated_and_unknown_figures_are_counted_and_stay_outside_of_the_sums() {
    let users = MemorySink::new();
    users.record(&paid("alice", 0, 10, 5));
    let mut repeated = paid("alice", 1, 10, 5);
    repeated.usage_state = UsageState::Repeated;
    repeated.cost = Cost::Unpriced(UnpricedReason::Repeated);
    users.record(&repeated);
    let mut absent = call(Some("alice"), 2);
    absent.cost = Cost::Unpriced(UnpricedReason::NoUsage);
    users.record(&absent);
    users.record(&call(Some("alice"), 3));

    let totals = row(&users, "alice").totals;
    assert_eq!((totals.requests(), totals.tokens(), totals.cost()), (4, Some(11), Some(Usd::from_picos(5))));
    assert_eq!((totals.priced(), totals.repeated(), totals.without_usage(), totals.free()), (1, 1, 1, 1));
    assert_eq!(totals.tokens_per_request().over, 1);
}

#[test]
fn the_last_records_are_kept_whole() {
    let users = MemorySink::builder().recent(3).build();
    for second in 0..5 {
        users.record(&call(Some("alice"), second));
    }
    let seconds = |records: Vec<Record>| -> Vec<u64> {
        let since = |record: &Record| record.time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        records.iter().map(|record| since(record) - MARCH).collect()
    };
    assert_eq!(seconds(users.records()), [2, 3, 4]);
    assert_eq!(seconds(users.recent(2)), [4, 3]);
    assert_eq!(row(&users, "alice").totals.requests(), 5);
}

#[test]
fn a_clone_is_another_handle_on_the_same_store() {
    let users = MemorySink::new();
    users.clone().record(&call(Some("alice"), 0));
    assert_eq!(row(&users, "alice").totals.requests(), 1);
}

#[test]
fn pages_show_every_row_once_by_any_measure_both_ways_unknown_ones_included() {
    let users = MemorySink::new();
    for n in 0..12 {
        let name = format!("user{n:02}");
        // A third of them without usage and cost, so that much is not known of these.
        users.record(&if n % 3 == 0 { call(Some(&name), n) } else { paid(&name, n, n, n.into()) });
    }
    users.record(&call(None, 0));
    for &measure in Measure::ALL {
        for query in [UserQuery::new().sort(measure), UserQuery::new().sort_ascending(measure)] {
            let whole = names(&users.report().users(&query));
            assert_eq!(whole.len(), 13);
            let (mut paged, mut query) = (Vec::new(), query.limit(5));
            loop {
                let page = users.report().users(&query);
                assert_eq!(page.matching, 13);
                paged.extend(names(&page));
                let Some(cursor) = page.next else { break };
                query = UserQuery::new().limit(5).after(cursor);
            }
            assert_eq!(paged, whole, "{}", measure.as_str());
        }
    }
}

#[test]
fn ids_are_searched_by_how_they_begin_and_by_what_they_hold() {
    let users = MemorySink::new();
    for name in ["ann@example.com", "joann@example.com", "ANN@example.com", "zoë"] {
        users.record(&call(Some(name), 0));
    }
    users.record(&call(None, 0));
    let search = |filter: UserFilter| names(&users.report().users(&UserQuery::new().filter(filter)));
    let text = |of: &str| Text::new(of).unwrap();
    assert_eq!(search(UserFilter::Prefix(text("ann"))), ["ann@example.com"]);
    assert_eq!(search(UserFilter::Contains(text("ann"))), ["ann@example.com", "joann@example.com"]);
    assert_eq!(search(UserFilter::Contains(text("ë"))), ["zoë"]);
    assert_eq!(search(UserFilter::Contains(text("no user"))), Vec::<String>::new());
    let other = UserFilter::Contains(text("@example.com")).and(UserFilter::Prefix(text("ann")).negate());
    assert_eq!(search(other), ["ANN@example.com", "joann@example.com"]);
}
