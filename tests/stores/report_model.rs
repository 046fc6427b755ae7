//! The reports of the store in memory against a plain fold over the list of records: whatever the records, zones,
//! windows, filters, restarts, merges and orders of arrival.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tower_llm_metrics::record::{Pass, Priced, Text, UnpricedReason, UsageState};
use tower_llm_metrics::report::{
    CallFilter, GroupBy, GroupName, HistogramQuery, Measure, Scope, Selection, SortBy, Step, Totals,
    UserFilter, UserQuery, UserSummary, Who, Window, Zone,
};
use tower_llm_metrics::sink::file::{Durability, FileSink, RecordLog};
use tower_llm_metrics::sink::memory::MemorySinkBuilder;
use tower_llm_metrics::{
    Cost, MemorySink, MetricsSink, Operation, Outcome, Provider, Record, Usd, User, UserId,
};

/// 2025-10-20T00:00:00Z: the first clocks change six days later, others a week after that.
const START: u64 = 1_760_918_400;
const DAYS: u64 = 24;
const QUARTERS: u64 = DAYS * 96;

fn quarter(at: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(START + at * 900)
}

fn text(of: &str) -> Text {
    Text::new(of).unwrap()
}

/// Whatever a provider can say, and a little that none should.
fn record() -> impl Strategy<Value = Record> {
    let tokens = || proptest::option::of(prop_oneof![0u64..5_000, Just(u64::MAX / 1_000)]);
    let when = (0..QUARTERS * 900_000_000).prop_map(|micros| {
        SystemTime::UNIX_EPOCH + Duration::from_secs(START) + Duration::from_micros(micros)
    });
    // Many at the edges of quarters, where a window could lose or double them.
    let when = prop_oneof![3 => when, 1 => (0..QUARTERS).prop_map(quarter)];
    let user =
        select(vec![None, Some("alice"), Some("bob"), Some("anonymous"), Some("(no user)"), Some("zoë")]);
    let cost = prop_oneof![
        Just(Cost::None),
        Just(Cost::Unpriced(UnpricedReason::UnknownModel)),
        any::<u64>().prop_map(|picos| Cost::Priced(Priced::new(Usd::from_picos(picos.into()), "p/m", "1"))),
        any::<u32>().prop_map(|p| Cost::Reported { total: Usd::from_picos(p.into()), computed: None }),
    ];
    let kind = (
        select(Outcome::ALL.to_vec()),
        select(vec![Operation::Chat, Operation::Embeddings]),
        select(vec![None, Some(Provider::OPENAI), Some(Provider::ANTHROPIC)]),
        select(vec![None, Some("gpt-5"), Some("claude")]),
        select(vec![None, Some("claude")]),
        select(vec![None, Some("search"), Some("ads")]),
    );
    let figures = (
        select(UsageState::ALL.to_vec()),
        [tokens(), tokens(), tokens(), tokens()],
        any::<bool>(),
        cost,
        0u64..10_000_000,
        proptest::option::of(0u64..1_000_000),
    );
    (when, user, kind, figures).prop_map(|(time, user, kind, figures)| {
        let mut record = Record::new(time);
        record.user = user.map(|id| User::verified(UserId::verbatim(id).unwrap()));
        record.outcome = kind.0;
        record.operation = kind.1;
        record.provider = kind.2;
        record.model = kind.3.map(text);
        record.response_model = kind.4.map(text);
        if let Some(team) = kind.5 {
            record.properties.insert("team", team);
        }
        record.usage_state = figures.0;
        let [input, output, cached, reasoning] = figures.1;
        record.usage.input_tokens = input;
        record.usage.output_tokens = output;
        record.usage.cache_read_tokens = cached;
        record.usage.reasoning_tokens = reasoning;
        if figures.2 {
            let mut pass = Pass::default();
            pass.input_tokens = Some(1_000);
            record.usage.passes.push(pass);
        }
        record.cost = figures.3;
        record.latency = Duration::from_micros(figures.4);
        record.first_token = figures.5.map(Duration::from_micros);
        record
    })
}

/// A zone twice: ours, and the library's that tells the calendar.
fn zone() -> impl Strategy<Value = (Zone, TimeZone)> {
    let fixed = select(vec![0, 330, 345, -570, 840, -720]).prop_map(|minutes| {
        let offset = Offset::from_seconds(minutes * 60).unwrap();
        (Zone::fixed(minutes).unwrap(), TimeZone::fixed(offset))
    });
    #[cfg(feature = "tz")]
    let fixed = prop_oneof![fixed, named()];
    fixed
}

#[cfg(feature = "tz")]
const NAMES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Chatham",
];

#[cfg(feature = "tz")]
fn named() -> impl Strategy<Value = (Zone, TimeZone)> {
    select(NAMES.to_vec()).prop_map(|name| (Zone::named(name).unwrap(), TimeZone::get(name).unwrap()))
}

fn window() -> impl Strategy<Value = Window> {
    let edge = || 0..QUARTERS;
    prop_oneof![
        Just(Window::ALL),
        (edge(), edge()).prop_map(|(from, to)| Window::new(quarter(from), quarter(to))),
        edge().prop_map(|from| Window::since(quarter(from))),
        edge().prop_map(|to| Window::until(quarter(to))),
    ]
}

/// A filter, and the same said about a record in other words.
type Said = fn(&Record) -> bool;

fn filter() -> impl Strategy<Value = (CallFilter, Said)> {
    fn model(record: &Record) -> Option<&str> {
        record.response_model.as_ref().or(record.model.as_ref()).map(|model| &**model)
    }
    let team = |value: &str| CallFilter::Property(text("team"), text(value));
    let openai = CallFilter::Provider(Provider::OPENAI);
    let claude = CallFilter::Model(text("claude"));
    select(vec![
        (CallFilter::All, (|_| true) as Said),
        (claude.clone(), |record| model(record) == Some("claude")),
        (claude.clone().negate(), |record| model(record) != Some("claude")),
        (CallFilter::Operation(Operation::Chat), |record| record.operation == Operation::Chat),
        (CallFilter::HasProperty(text("team")), |record| record.properties.get("team").is_some()),
        (openai.clone().and(team("ads")), |record| {
            record.provider == Some(Provider::OPENAI) && record.properties.get("team") == Some("ads")
        }),
        (openai.or(claude), |record| {
            record.provider == Some(Provider::OPENAI) || model(record) == Some("claude")
        }),
    ])
}

/// How the records reach the store.
#[derive(Clone, Copy, Debug)]
enum Way {
    InOrder,
    Backwards,
    Restored,
    RestoredTwice,
    RestoredFromLog,
    Merged,
    Threads,
}

fn way() -> impl Strategy<Value = Way> {
    select(vec![
        Way::InOrder,
        Way::Backwards,
        Way::Restored,
        Way::RestoredTwice,
        Way::RestoredFromLog,
        Way::Merged,
        Way::Threads,
    ])
}

/// Keeps everything for ever.
fn builder() -> MemorySinkBuilder {
    MemorySink::builder().keep_quarters(u32::MAX)
}

fn from_log(records: &[Record]) -> MemorySink {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("report-model-{}-{number}", std::process::id()));
    let sink = FileSink::builder(&dir).durability(Durability::Never).open().unwrap();
    records.iter().for_each(|record| sink.record(record));
    drop(sink);
    let restored = builder().restore_log(&RecordLog::open(&dir).unwrap(), |e| panic!("{e}")).unwrap();
    std::fs::remove_dir_all(dir).unwrap();
    restored
}

fn bring(records: &[Record], way: Way) -> MemorySink {
    let sink = builder().build();
    match way {
        Way::InOrder => records.iter().for_each(|record| sink.record(record)),
        Way::Backwards => records.iter().rev().for_each(|record| sink.record(record)),
        Way::Restored => return builder().restore(records.to_vec()),
        Way::RestoredTwice => return builder().restore(records.iter().chain(records.iter().rev()).cloned()),
        Way::RestoredFromLog => return from_log(records),
        Way::Merged => {
            let (left, right) = records.split_at(records.len() / 2);
            let other = builder().build();
            left.iter().for_each(|record| sink.record(record));
            right.iter().for_each(|record| other.record(record));
            sink.merge(&other);
            sink.merge(&sink.clone());
        }
        Way::Threads => std::thread::scope(|scope| {
            for part in records.chunks(records.len() / 2 + 1) {
                scope.spawn(|| part.iter().for_each(|record| sink.record(record)));
            }
        }),
    }
    sink
}

/// The plain fold: no cells, no buckets, no shards.
#[derive(Debug, Default, PartialEq)]
struct Plain {
    outcomes: [u64; 5],
    coverage: [u64; 5],
    tokens: [Option<u64>; 4],
    with_tokens: u64,
    cost: Option<Usd>,
    first: Option<SystemTime>,
    last: Option<SystemTime>,
}

fn plain<'a>(records: impl IntoIterator<Item = &'a Record>) -> Plain {
    let mut sum = Plain::default();
    for record in records {
        let outcome = Outcome::ALL.iter().position(|outcome| *outcome == record.outcome).unwrap();
        sum.outcomes[outcome] += 1;
        sum.first = Some(sum.first.map_or(record.time, |first| first.min(record.time)));
        sum.last = Some(sum.last.map_or(record.time, |last| last.max(record.time)));
        let state = record.usage_state;
        if state == UsageState::Repeated {
            sum.coverage[4] += 1;
            continue;
        }
        if let Some(total) = record.cost.total() {
            sum.coverage[0] += 1;
            sum.cost = Some(sum.cost.unwrap_or_default() + total);
        } else {
            let place = match (&record.cost, state) {
                (Cost::None, _) => 3,
                (_, UsageState::Absent) => 2,
                _ => 1,
            };
            sum.coverage[place] += 1;
        }
        if state == UsageState::Absent {
            continue;
        }
        let usage = &record.usage;
        let mut kinds =
            [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.reasoning_tokens];
        for pass in &usage.passes {
            kinds[0] = Some(kinds[0].unwrap_or(0) + pass.input_tokens.unwrap());
        }
        sum.with_tokens += u64::from(kinds[0].is_some() || kinds[1].is_some());
        for (sum, tokens) in sum.tokens.iter_mut().zip(kinds) {
            *sum = match (*sum, tokens) {
                (Some(sum), Some(tokens)) => Some(sum + tokens),
                (sum, tokens) => sum.or(tokens),
            };
        }
    }
    sum
}

fn told(totals: &Totals) -> Plain {
    Plain {
        outcomes: [
            totals.completed(),
            totals.failed(),
            totals.aborted(),
            totals.cancelled(),
            totals.broken(),
        ],
        coverage: [
            totals.priced(),
            totals.unpriced(),
            totals.without_usage(),
            totals.free(),
            totals.repeated(),
        ],
        tokens: [
            totals.input_tokens(),
            totals.output_tokens(),
            totals.cache_read_tokens(),
            totals.reasoning_tokens(),
        ],
        with_tokens: totals.with_tokens(),
        cost: totals.cost(),
        first: totals.first(),
        last: totals.last(),
    }
}

fn who(record: &Record) -> Who {
    record.user_id().map_or(Who::Nobody, |id| Who::User(id.clone()))
}

fn date(zone: &TimeZone, time: SystemTime) -> jiff::civil::Date {
    zone.to_datetime(Timestamp::try_from(time).unwrap()).date()
}

/// The duration at a percentage, by sorting all of them.
fn exact(mut durations: Vec<Duration>, percent: usize) -> Option<Duration> {
    durations.sort_unstable();
    durations.get((durations.len() * percent).div_ceil(100).max(1) - 1).copied()
}

fn is_near(told: Option<Duration>, exact: Option<Duration>) -> bool {
    match (told, exact) {
        (Some(told), Some(exact)) => told.abs_diff(exact) * 100 <= exact,
        (told, exact) => told == exact,
    }
}

fn check_row(row: &UserSummary, records: &[&Record], zone: &TimeZone) {
    assert_eq!(told(&row.totals), plain(records.iter().copied()));
    let days: BTreeSet<_> = records.iter().map(|record| date(zone, record.time)).collect();
    assert_eq!(row.active_days, days.len() as u64);
    let models: BTreeSet<_> = records
        .iter()
        .filter_map(|record| record.response_model.as_ref().or(record.model.as_ref()).cloned())
        .collect();
    assert_eq!(row.models, models.into_iter().collect::<Vec<_>>());
    for percent in [50, 95] {
        let latency = records.iter().map(|record| record.latency).collect();
        let first_token = records.iter().filter_map(|record| record.first_token).collect();
        assert!(is_near(row.totals.latency().at(percent), exact(latency, percent.into())));
        assert!(is_near(row.totals.first_token().at(percent), exact(first_token, percent.into())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn the_table_of_users_is_the_fold_over_their_records(
        records in vec(record(), 0..80),
        (zone, calendar) in zone(),
        window in window(),
        (filter, said) in filter(),
        way in way(),
    ) {
        let sink = bring(&records, way);
        let selection = Selection::new().zone(zone).calls(filter).window(window);
        let page = sink.report().users_in(&selection, &UserQuery::new().sort_by_id()).unwrap();
        let mut wanted: BTreeMap<Who, Vec<&Record>> = BTreeMap::new();
        for record in records.iter().filter(|record| window.contains(record.time) && said(record)) {
            wanted.entry(who(record)).or_default().push(record);
        }
        prop_assert!(page.gaps.is_empty() && page.other.is_none() && page.next.is_none());
        prop_assert_eq!(page.matching, wanted.len() as u64);
        prop_assert_eq!(page.rows.iter().map(|row| &row.who).collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
        for (row, records) in page.rows.iter().zip(wanted.values()) {
            check_row(row, records, &calendar);
        }
        // The quick way to the same rows.
        if window == Window::ALL {
            for by in [SortBy::Cost, SortBy::Tokens, SortBy::FirstActive, SortBy::P95Latency] {
                let some = UserFilter::AtLeast(Measure::Requests, 0.into());
                let quick = sink.report().users(&UserQuery::new().sort(by).limit(3));
                let slow = sink.report().users(&UserQuery::new().sort(by).limit(3).filter(some));
                prop_assert_eq!(quick, slow);
            }
        }
    }

    #[test]
    fn steps_are_the_fold_over_their_records_and_add_up_to_the_window(
        records in vec(record(), 1..80),
        (zone, calendar) in zone(),
        window in window(),
        (filter, said) in filter(),
        step in select(vec![Step::Hour, Step::Day, Step::Week, Step::Month]),
        way in way(),
    ) {
        let sink = bring(&records, way);
        let selection = Selection::new().zone(zone).calls(filter).window(window);
        let series = sink.report().series(&selection, step).unwrap();
        let counted: Vec<_> = records.iter().filter(|record| said(record)).collect();
        let mut first: BTreeMap<Who, SystemTime> = BTreeMap::new();
        for record in &counted {
            let first = first.entry(who(record)).or_insert(record.time);
            *first = (*first).min(record.time);
        }
        let mut sum = Totals::default();
        let mut last_end = None;
        for point in &series.points {
            prop_assert!(last_end.is_none_or(|end| end == point.start), "steps leave nothing out");
            last_end = Some(point.end);
            let within: Vec<_> = counted
                .iter()
                .copied()
                .filter(|record| point.start <= record.time && record.time < point.end)
                .collect();
            prop_assert_eq!(told(&point.totals), plain(within.iter().copied()));
            let users: BTreeSet<_> = within.iter().map(|record| who(record)).filter(|who| *who != Who::Nobody).collect();
            prop_assert_eq!(point.active_users, users.len() as u64);
            let new = users.iter().filter(|who| first[who] >= point.start).count();
            prop_assert_eq!(point.new_users, new as u64);
            if step == Step::Day {
                let days: BTreeSet<_> = within.iter().map(|record| date(&calendar, record.time)).collect();
                prop_assert!(days.len() <= 1);
                prop_assert!(days.iter().all(|day| day.to_string() == point.label));
            }
            sum.merge(&point.totals);
        }
        let within = counted.iter().copied().filter(|record| window.contains(record.time));
        prop_assert_eq!(told(&sum), plain(within));
    }

    #[test]
    fn groups_and_the_overview_are_the_fold_over_their_records(
        records in vec(record(), 0..60),
        window in window(),
        (filter, said) in filter(),
        way in way(),
        now in 0..QUARTERS,
    ) {
        let sink = bring(&records, way);
        let selection = Selection::new().calls(filter.clone()).window(window);
        let within: Vec<_> =
            records.iter().filter(|record| window.contains(record.time) && said(record)).collect();
        let breakdown = sink.report().breakdown(&selection, GroupBy::Property(text("team"))).unwrap();
        let mut sum = Totals::default();
        for group in &breakdown.groups {
            let of: Vec<_> = within
                .iter()
                .copied()
                .filter(|record| match &group.name {
                    GroupName::Is(team) => record.properties.get("team") == Some(team.as_str()),
                    _ => record.properties.get("team").is_none(),
                })
                .collect();
            prop_assert_eq!(told(&group.totals), plain(of.iter().copied()));
            let users: BTreeSet<_> = of.iter().filter_map(|record| record.user_id()).collect();
            prop_assert_eq!(group.users, users.len() as u64);
            sum.merge(&group.totals);
        }
        prop_assert_eq!(told(&sum), plain(within.iter().copied()));

        let clocked = builder().clock(move || quarter(now)).restore(records.clone());
        let overview = clocked.report().overview(&Selection::new().calls(filter)).unwrap();
        let all: Vec<_> = records.iter().filter(|record| said(record)).collect();
        prop_assert_eq!(told(&overview.totals), plain(all.iter().copied()));
        let today = Window::current(Step::Day, &Zone::UTC, quarter(now)).unwrap();
        let today: Vec<_> = all.iter().copied().filter(|record| today.contains(record.time)).collect();
        prop_assert_eq!(told(&overview.today), plain(today.iter().copied()));
        let users: BTreeSet<_> = today.iter().filter_map(|record| record.user_id()).collect();
        prop_assert_eq!(overview.users_today, users.len() as u64);
    }

    #[test]
    fn who_came_back_and_how_figures_are_spread_are_the_fold_over_their_records(
        records in vec(record(), 1..80),
        (zone, calendar) in zone(),
        (filter, said) in filter(),
        way in way(),
        bins in 1u16..6,
        permille in select(vec![500u16, 950, 1_000]),
    ) {
        let sink = bring(&records, way);
        let selection = Selection::new().zone(zone).calls(filter);
        let mut of: BTreeMap<&UserId, Vec<&Record>> = BTreeMap::new();
        for record in records.iter().filter(|record| said(record)) {
            if let Some(id) = record.user_id() {
                of.entry(id).or_default().push(record);
            }
        }
        let week = |record: &Record| {
            let date = date(&calendar, record.time);
            date - jiff::Span::new().days(date.weekday().to_monday_zero_offset())
        };
        let mut cohorts: BTreeMap<_, Vec<BTreeSet<_>>> = BTreeMap::new();
        for records in of.values() {
            let weeks: BTreeSet<_> = records.iter().map(|record| week(record)).collect();
            cohorts.entry(*weeks.first().unwrap()).or_default().push(weeks);
        }
        let retention = sink.report().retention(&selection).unwrap();
        prop_assert_eq!(retention.cohorts.len(), cohorts.len());
        for (told, (first, users)) in retention.cohorts.iter().zip(&cohorts) {
            prop_assert_eq!((&told.label, told.users), (&first.to_string(), users.len() as u64));
            for (later, active) in told.active.iter().enumerate() {
                let week = *first + jiff::Span::new().weeks(later as i64);
                prop_assert_eq!(*active, users.iter().filter(|weeks| weeks.contains(&week)).count() as u64);
            }
        }

        let mut values: Vec<i128> = of.values().map(|records| records.len() as i128).collect();
        values.sort_unstable();
        let query = HistogramQuery::new(Measure::Requests).bins(bins).up_to_permille(permille);
        let histogram = sink.report().histogram(&selection, query).unwrap();
        for bin in &histogram.bins {
            let within = values.iter().filter(|value| (bin.from..=bin.to).contains(value)).count();
            prop_assert_eq!(bin.users, within as u64);
        }
        let shown: u64 = histogram.bins.iter().map(|bin| bin.users).sum();
        prop_assert_eq!(shown + histogram.beyond, values.len() as u64);
        let cut = (values.len() * usize::from(permille)).div_ceil(1_000);
        prop_assert!(shown as usize >= cut && histogram.bins.len() <= usize::from(bins));
    }

    #[test]
    fn rolling_up_loses_nothing_and_what_it_can_not_tell_is_an_error(
        records in vec(record(), 1..80),
        (zone, calendar) in zone(),
        keep in (0u32..10, 0u32..20),
        way in select(vec!["alone", "with a fine one", "with another like it"]),
    ) {
        // As if time went on after the last call.
        let coarse = || {
            let clock = || quarter(QUARTERS - 1);
            MemorySink::builder().keep_quarters(keep.0).keep_days(keep.1).clock(clock).build()
        };
        let sink = coarse();
        let other = if way == "with a fine one" { builder().build() } else { coarse() };
        for (n, record) in records.iter().enumerate() {
            // Some arrive already rolled up, some are merged in fine.
            if way == "alone" || n % 2 == 0 { sink.record(record) } else { other.record(record) }
        }
        sink.merge(&other);
        let page = sink.report().users_in(&Selection::new().zone(zone.clone()), &UserQuery::new().sort_by_id()).unwrap();
        let mut wanted: BTreeMap<Who, Vec<&Record>> = BTreeMap::new();
        for record in &records {
            wanted.entry(who(record)).or_default().push(record);
        }
        prop_assert_eq!(page.rows.len(), wanted.len());
        let kept = u64::from(keep.1.max(keep.0));
        for (row, records) in page.rows.iter().zip(wanted.values()) {
            prop_assert_eq!(told(&row.totals), plain(records.iter().copied()));
            // Days before all days are kept by UTC.
            if kept >= DAYS {
                check_row(row, records, &calendar);
            }
        }
        let utc = sink.report().users(&UserQuery::new().sort_by_id());
        for (row, records) in utc.rows.iter().zip(wanted.values()) {
            check_row(row, records, &TimeZone::UTC);
        }
        for edge in (0..QUARTERS).step_by(37).chain((0..DAYS).map(|day| day * 96)) {
            let window = Window::since(quarter(edge));
            let age = DAYS - 1 - (edge / 96).min(DAYS - 1);
            // Before the first call there is nothing to be told apart.
            let nothing_before = records.iter().all(|record| record.time >= quarter(edge));
            let can_be_told = nothing_before || age <= keep.0.into() || (edge % 96 == 0 && age <= kept);
            match sink.report().users_in(&Selection::new().window(window), &UserQuery::new()) {
                Ok(page) => {
                    let within: Vec<_> = records.iter().filter(|record| window.contains(record.time)).collect();
                    let requests: u64 = page.rows.iter().map(|row| row.totals.requests()).sum();
                    prop_assert!(can_be_told);
                    prop_assert_eq!(requests, within.len() as u64);
                }
                Err(error) => prop_assert!(!can_be_told, "{}", error),
            }
        }
    }

    #[test]
    fn however_small_the_store_totals_stay_exact_and_rows_are_true(
        records in vec(record(), 1..120),
        max_users in 0usize..4,
        max_kinds in 0usize..6,
        max_cells in select(vec![0, usize::MAX]),
        way in select(vec!["alone", "merged", "forgotten"]),
    ) {
        let small = || builder().max_users(max_users).max_kinds(max_kinds).max_cells(max_cells).build();
        let (sink, other) = (small(), small());
        for (n, record) in records.iter().enumerate() {
            if way == "merged" && n % 2 == 0 { other.record(record) } else { sink.record(record) }
        }
        sink.merge(&other);
        // However often names were let go, each step and each name has its calls, or they are said to be others'.
        let by_model = sink.report().breakdown(&Selection::new(), GroupBy::Model).unwrap();
        let all: Totals = by_model.groups.iter().fold(Totals::default(), |mut all, group| {
            all.merge(&group.totals);
            all
        });
        prop_assert_eq!(told(&all), plain(&records));
        for group in &by_model.groups {
            let model = |record: &&Record| record.response_model.clone().or(record.model.clone());
            let of: u64 = match &group.name {
                GroupName::Is(name) => records.iter().filter(|record| model(record).as_ref() == Some(name)).count() as u64,
                GroupName::Absent => records.iter().filter(|record| model(record).is_none()).count() as u64,
                _ => u64::MAX,
            };
            prop_assert!(group.totals.requests() <= of);
        }
        if max_cells != 0 {
            for point in sink.report().series(&Selection::new(), Step::Hour).unwrap().points {
                let within = records.iter().filter(|record| point.start <= record.time && record.time < point.end);
                prop_assert_eq!(told(&point.totals), plain(within));
            }
        }
        if way == "forgotten" {
            sink.forget(&UserId::new("alice").unwrap());
        }
        let page = sink.report().users(&UserQuery::new());
        prop_assert!(page.rows.iter().filter(|row| row.who != Who::Nobody).count() <= max_users);
        let mut sum = Totals::default();
        page.rows.iter().chain(&page.other).for_each(|row| sum.merge(&row.totals));
        prop_assert_eq!(told(&sum), plain(&records));
        prop_assert_eq!(page.gaps.other_users, page.other.map_or(0, |other| other.totals.requests()));
        for row in &page.rows {
            let all = records.iter().filter(|record| who(record) == row.who).count() as u64;
            prop_assert!(row.totals.requests() <= all);
            // What was in the other row of a merged store is of nobody here.
            prop_assert!(way == "merged" || all <= row.totals.requests() + row.in_other);
        }
        // What a filter can't decide on is said.
        let claude = CallFilter::Model(text("claude"));
        let page = sink.report().users_in(&Selection::new().calls(claude.clone()), &UserQuery::new()).unwrap();
        let counted: u64 = page.rows.iter().chain(&page.other).map(|row| row.totals.requests()).sum();
        let wanted = records.iter().filter(|record| claude.matches(record)).count() as u64;
        prop_assert!(counted <= wanted && wanted <= counted + page.gaps.undecided);
    }

    #[test]
    fn what_one_may_see_holds_nothing_of_anybody_else(records in vec(record(), 1..60), window in window()) {
        let sink = bring(&records, Way::InOrder);
        let mine: Vec<_> =
            records.iter().filter(|record| record.user_id().is_some_and(|id| id.as_str() == "alice")).cloned().collect();
        let only = bring(&mine, Way::InOrder);
        let scope = Scope::from(UserId::new("alice").unwrap());
        let (own, all) = (Selection::new().window(window).scope(scope), Selection::new().window(window));
        let (sink, only) = (sink.report(), only.report());
        prop_assert_eq!(
            sink.users_in(&own, &UserQuery::new()).unwrap(),
            only.users_in(&all, &UserQuery::new()).unwrap()
        );
        prop_assert_eq!(sink.series(&own, Step::Day).unwrap(), only.series(&all, Step::Day).unwrap());
        prop_assert_eq!(sink.retention(&own).unwrap(), only.retention(&all).unwrap());
        prop_assert_eq!(sink.overview(&own).unwrap(), only.overview(&all).unwrap());
        prop_assert_eq!(sink.calls(&own, 100), only.calls(&all, 100));
        for by in [GroupBy::Model, GroupBy::Provider, GroupBy::Operation] {
            prop_assert_eq!(sink.breakdown(&own, by.clone()).unwrap(), only.breakdown(&all, by).unwrap());
        }
    }
}

/// One call in every quarter of an hour of more than a year: each day has as many as it is long.
#[cfg(feature = "tz")]
#[test]
fn every_day_of_every_zone_has_as_many_quarters_as_it_is_long() {
    let sink = builder().build();
    let quarters = 400 * 96;
    let mut record = Record::new(quarter(0));
    record.user = Some(User::verified(UserId::new("alice").unwrap()));
    for at in 0..quarters {
        record.time = quarter(at);
        sink.record(&record);
    }
    for name in
        NAMES.into_iter().chain(["Africa/Casablanca", "America/Sao_Paulo", "Asia/Gaza", "Africa/Cairo"])
    {
        let selection = Selection::new().zone(Zone::named(name).unwrap());
        for step in [Step::Day, Step::Week, Step::Month] {
            let series = sink.report().series(&selection, step).unwrap();
            let sum: u64 = series.points.iter().map(|point| point.totals.requests()).sum();
            assert_eq!(sum, quarters, "{name}");
            for point in series.points.iter().skip(1).rev().skip(1) {
                let length = point.end.duration_since(point.start).unwrap();
                assert_eq!(point.totals.requests(), length.as_secs() / 900, "{name} {}", point.label);
            }
        }
    }
}
