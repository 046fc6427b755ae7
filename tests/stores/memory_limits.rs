//! What the store does at its limits: the least active share a row or a name, totals stay exact, the answers say so,
//! and nobody can steer who that is.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{Priced, Text, UsageState};
use tower_llm_metrics::report::{
    CallFilter, GroupBy, GroupName, QueryError, Selection, SortBy, Step, UserQuery, Window,
};
use tower_llm_metrics::{Cost, MemorySink, MetricsSink, Outcome, Provider, Record, Usd, User, UserId};

/// 2026-03-02T00:00:00Z, a Monday.
const MONDAY: u64 = 1_772_409_600;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(MONDAY + second)
}

fn call(user: &str, second: u64) -> Record {
    let mut record = Record::new(at(second));
    record.user = Some(User::verified(UserId::new(user).unwrap()));
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

/// A call that a model answered.
fn answered(model: &str, second: u64) -> Record {
    let mut record = call("alice", second);
    record.response_model = Some(Text::new(model).unwrap());
    record
}

/// Requests by the name of their model; those whose name was let go are `None`.
fn by_model(users: &MemorySink) -> BTreeMap<Option<String>, u64> {
    let groups = users.report().breakdown(&Selection::new(), GroupBy::Model).unwrap().groups;
    let name = |name: GroupName| match name {
        GroupName::Is(name) => Some(name.to_string()),
        _ => None,
    };
    groups.into_iter().map(|group| (name(group.name), group.totals.requests())).collect()
}

fn of(models: &BTreeMap<Option<String>, u64>, name: &str) -> u64 {
    models.get(&Some(name.to_owned())).copied().unwrap_or(0)
}

#[test]
fn a_flood_of_new_ids_hides_nobody_who_is_active() {
    let users = MemorySink::builder().max_users(32).recent(0).build();
    for round in 0..40 {
        for n in 0..8 {
            users.record(&call(&format!("regular{n}"), round));
        }
        for n in 0..100 {
            users.record(&call(&format!("flood{round}-{n}"), round));
        }
    }
    let page = users.report().users(&UserQuery::new().limit(8));
    assert!(page.rows.iter().all(|row| row.who.to_string().starts_with("regular")), "{:?}", page.rows);
    assert_eq!(page.matching, 32);
    let all: u64 = users.report().users(&UserQuery::new()).rows.iter().map(|row| row.totals.requests()).sum();
    assert_eq!(all + page.other.unwrap().totals.requests(), 40 * 108);
}

#[test]
fn nobody_hides_large_costs_by_dropping_out_between_calls() {
    let users = MemorySink::builder().max_users(16).recent(0).build();
    // The store is full of users who did a little more than the newcomer with one call.
    for n in 0..16 {
        (0..3).for_each(|second| users.record(&call(&format!("resident{n}"), second)));
    }
    // One dear call at a time, and then ids that push the newcomer out again.
    for round in 0..30 {
        users.record(&paid("sly", round, 1));
        for n in 0..50 {
            users.record(&call(&format!("decoy{round}-{}", n / 5), round));
        }
    }
    let page = users.report().users(&UserQuery::new().sort(SortBy::Cost).limit(1));
    assert_eq!(page.rows[0].who.to_string(), "sly");
    let cost = page.rows[0].totals.cost().unwrap() + page.other.unwrap().totals.cost().unwrap_or_default();
    assert_eq!(cost, Usd::from_dollars(30));
}

#[test]
fn a_flood_of_models_and_properties_leaves_the_models_that_answered() {
    let users = MemorySink::builder().max_users(16).max_kinds(16).build();
    for n in 0..100 {
        let mut guess = call("mallory", n);
        guess.outcome = Outcome::Failed;
        guess.model = Some(Text::new(&format!("guess-{n}")).unwrap());
        users.record(&guess);
        let mut tagged = call("mallory", n);
        tagged.properties.insert("trace", &n.to_string());
        users.record(&tagged);
    }
    let mut answered = call("alice", 0);
    answered.response_model = Some(Text::new("claude").unwrap());
    users.record(&answered);
    let groups = users.report().breakdown(&Selection::new(), GroupBy::Model).unwrap().groups;
    let of = |name: &str| {
        let name = GroupName::Is(Text::new(name).unwrap());
        groups.iter().find(|group| group.name == name).map(|group| group.totals.requests())
    };
    assert_eq!((of("gpt-5"), of("claude")), (Some(100), Some(1)));
    let claude = CallFilter::Model(Text::new("claude").unwrap());
    let page = users.report().users_in(&Selection::new().calls(claude), &UserQuery::new()).unwrap();
    assert_eq!(page.rows[0].who.to_string(), "alice");
    assert!(page.gaps.undecided > 0, "guesses that were not kept apart can't be ruled out");
}

#[test]
fn too_many_cells_make_the_past_coarser_and_the_answers_say_so() {
    let clock = || at(30 * DAY);
    let users = MemorySink::builder().max_users(16).max_cells(100).clock(clock).build();
    for hour in 0..30 * 24 {
        users.record(&call("alice", hour * HOUR));
    }
    assert!(users.stats().cells <= 101, "{:?}", users.stats());
    let row = users.report().users(&UserQuery::new()).into_iter().next().unwrap();
    assert_eq!((row.totals.requests(), row.active_days), (720, 30));
    let fine = Window::since(at(2 * HOUR));
    let error = users.report().users_in(&Selection::new().window(fine), &UserQuery::new()).unwrap_err();
    assert!(matches!(error, QueryError::TooFine { .. }), "{error}");
    assert!(
        users
            .report()
            .users_in(&Selection::new().window(Window::since(at(28 * DAY))), &UserQuery::new())
            .is_ok()
    );
}

#[test]
fn however_long_a_flood_of_ids_lasts_it_gains_them_nothing() {
    let users = MemorySink::builder().max_users(32).recent(0).build();
    for second in 0..40 {
        (0..8).for_each(|n| users.record(&call(&format!("regular{n}"), second)));
    }
    (0..200_000).for_each(|n| users.record(&call(&format!("flood{n}"), 50)));
    let page = users.report().users(&UserQuery::new().limit(8));
    assert!(page.rows.iter().all(|row| row.totals.requests() == 40), "{:?}", page.rows);
    assert_eq!(page.gaps.other_users, 200_000 - 24);
}

#[test]
fn at_the_limit_of_kinds_new_models_share_a_kind_and_the_others_keep_their_names() {
    let users = MemorySink::builder().max_users(16).max_kinds(4).build();
    for (model, calls) in [("busy", 30), ("steady", 20), ("rare", 2), ("once", 1), ("new", 25)] {
        (0..calls).for_each(|n| users.record(&answered(model, n)));
    }
    let models = by_model(&users);
    assert_eq!(["busy", "steady", "rare", "once", "new"].map(|model| of(&models, model)), [30, 20, 2, 0, 0]);
    assert_eq!(models[&None], 26);

    let once = CallFilter::Model(Text::new("once").unwrap());
    let page = users.report().users_in(&Selection::new().calls(once), &UserQuery::new()).unwrap();
    assert_eq!((page.rows.len(), page.gaps.undecided), (0, models[&None]));
    let row = users.report().users(&UserQuery::new()).into_iter().next().unwrap();
    assert_eq!((row.totals.requests(), row.other_models), (78, models[&None]));
}

#[test]
fn a_flood_of_new_models_pushes_out_no_busy_one_whether_they_answer_or_not() {
    for outcome in [Outcome::Failed, Outcome::Completed] {
        let users = MemorySink::builder().max_users(16).max_kinds(16).recent(0).build();
        for _ in 0..10 {
            ["claude", "gemini", "gpt-5"].iter().for_each(|busy| users.record(&answered(busy, 0)));
        }
        for round in 0..190u64 {
            for busy in ["claude", "gemini", "gpt-5"] {
                users.record(&answered(busy, round));
            }
            for n in 0..200 {
                let mut guess = call("mallory", round);
                guess.outcome = outcome;
                guess.model = Some(Text::new(&format!("guess-{round}-{n}")).unwrap());
                users.record(&guess);
            }
            // One that comes in the midst of the flood is told apart, where nobody answers to the flood.
            if round >= 100 {
                users.record(&answered("late", round));
            }
        }
        let models = by_model(&users);
        assert_eq!(["claude", "gemini", "gpt-5"].map(|busy| of(&models, busy)), [200; 3], "{outcome:?}");
        assert_eq!(of(&models, "late"), if outcome == Outcome::Failed { 90 } else { 0 }, "{outcome:?}");
        assert_eq!(models.values().sum::<u64>(), 190 * 200 + 600 + 90);
    }
}

#[test]
fn a_property_that_is_new_with_each_call_costs_neither_models_nor_busy_properties_their_names() {
    let users = MemorySink::builder().max_users(16).max_kinds(16).recent(0).clock(|| at(12 * HOUR)).build();
    let mut bytes = 0;
    for n in 0..40_000u64 {
        let mut traced = answered(["claude", "gpt-5"][n as usize % 2], n);
        traced.properties.insert("trace", &n.to_string());
        users.record(&traced);
        if n % 20 == 0 {
            let mut tagged = answered("claude", n);
            tagged.properties.insert("team", "search");
            users.record(&tagged);
        }
        if n == 10_000 {
            bytes = users.stats().bytes;
        }
    }
    let models = by_model(&users);
    assert_eq!(
        models,
        [("claude", 22_000), ("gpt-5", 20_000)].map(|(name, n)| (Some(name.to_owned()), n)).into()
    );
    let team = CallFilter::Property(Text::new("team").unwrap(), Text::new("search").unwrap());
    let page = users.report().users_in(&Selection::new().calls(team), &UserQuery::new()).unwrap();
    // Its first calls were as rare as any trace.
    assert!(page.rows[0].totals.requests() >= 1_990, "{:?}", page.rows);
    assert!(page.gaps.undecided > 30_000, "{:?}", page.gaps);
    // Eleven hours in quarters, for each of the two models and what else is told apart of them.
    assert!(users.stats().bytes < bytes * 5, "{bytes} {:?}", users.stats());
    let per_hour = users.report().series(&Selection::new(), Step::Hour).unwrap();
    assert!(per_hour.points.iter().all(|hour| hour.totals.requests() <= 3_780));
    assert_eq!(per_hour.points.iter().map(|hour| hour.totals.requests()).sum::<u64>(), 42_000);
}
