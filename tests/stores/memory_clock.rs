//! The store in memory when the clock is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tower_llm_metrics::report::{
    HistogramQuery, Measure, QueryError, Report, Selection, Step, UserQuery, Window, Zone,
};
use tower_llm_metrics::{MemorySink, MetricsSink, Record, User, UserId};

/// 2026-03-02T00:00:00Z, a Monday.
const MONDAY: u64 = 1_772_409_600;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(MONDAY + second)
}

/// A store, and its clock in seconds.
struct Clocked(MemorySink, Arc<AtomicU64>);

impl Clocked {
    fn new() -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&clock);
        let users = MemorySink::builder().clock(move || at(read.load(Ordering::Relaxed))).build();
        Self(users, clock)
    }

    /// A call at a time of the clock.
    fn call(&self, second: u64) {
        self.1.store(second, Ordering::Relaxed);
        let mut record = Record::new(at(second));
        record.user = Some(User::verified(UserId::new("alice").unwrap()));
        self.0.record(&record);
    }

    fn requests(&self, from: u64, to: u64) -> Result<u64, QueryError> {
        let page = self
            .0
            .report()
            .users_in(&Selection::new().window(Window::new(at(from), at(to))), &UserQuery::new())?;
        Ok(page.rows.iter().map(|row| row.totals.requests()).sum())
    }
}

#[tokio::test]
async fn one_call_while_the_clock_is_ahead_costs_no_answer() {
    let store = Clocked::new();
    (0..48).for_each(|hour| store.call(hour * HOUR));
    store.call(3_000 * DAY);
    assert_eq!(store.requests(HOUR, 3 * HOUR).unwrap(), 2, "while it is ahead");
    (48..72).for_each(|hour| store.call(hour * HOUR));
    assert_eq!(store.requests(HOUR, 3 * HOUR).unwrap(), 2);
    assert_eq!(store.requests(DAY, 3 * DAY).unwrap(), 48);
    let window = Window::new(at(DAY), at(3 * DAY));
    let selection = Selection::new().window(window);
    let report = &store.0;
    assert_eq!(report.series(&selection, Step::Hour).await.unwrap().points.len(), 48);
    report.overview(&selection).await.unwrap();
    report.retention(&selection).await.unwrap();
    report.histogram(&selection, HistogramQuery::new(Measure::Requests)).await.unwrap();
    // The call of the future is in the sums, and where it says that it was.
    let row = &store.0.report().users(&UserQuery::new()).rows[0];
    assert_eq!((row.totals.requests(), row.active_days), (73, 4));
    assert_eq!(store.requests(3_000 * DAY, 3_001 * DAY).unwrap(), 1);
}

#[test]
fn a_clock_that_is_ahead_for_hours_costs_no_answer_and_the_past_is_rolled_up_all_the_same() {
    let store = Clocked::new();
    (0..48).for_each(|hour| store.call(hour * HOUR));
    (0..20).for_each(|hour| store.call(3_000 * DAY + hour * HOUR));
    (48..72).for_each(|hour| store.call(hour * HOUR));
    assert_eq!(store.requests(HOUR, 3 * HOUR).unwrap(), 2);
    // Quarters of an hour are kept for 62 days.
    (72..75 * 24).for_each(|hour| store.call(hour * HOUR));
    assert!(matches!(store.requests(HOUR, 3 * HOUR), Err(QueryError::TooFine { .. })));
    assert_eq!(store.requests(DAY, 3 * DAY).unwrap(), 48);
    assert_eq!(store.requests(70 * DAY + HOUR, 71 * DAY).unwrap(), 23);
    assert_eq!(store.0.stats().cells, 63 * 24 + 12 + 20);
}

#[test]
fn a_clock_that_was_ahead_from_the_beginning_is_followed_when_it_comes_back() {
    let store = Clocked::new();
    store.call(3_000 * DAY);
    (0..48).for_each(|hour| store.call(hour * HOUR));
    assert_eq!(store.requests(HOUR, DAY).unwrap(), 23);
    let today = Window::current(Step::Day, &Zone::UTC, at(DAY)).unwrap();
    assert_eq!(
        store.0.report().users_in(&Selection::new().window(today), &UserQuery::new()).unwrap().rows[0]
            .totals
            .requests(),
        24
    );
}

#[test]
fn what_was_rolled_up_while_the_clock_was_ahead_for_days_is_an_error_and_not_left_out_in_silence() {
    let store = Clocked::new();
    (0..48).for_each(|hour| store.call(hour * HOUR));
    (0..10).for_each(|day| store.call((3_000 + day) * DAY));
    (48..96).for_each(|hour| store.call(hour * HOUR));
    assert!(matches!(store.requests(DAY, 3 * DAY), Err(QueryError::TooFine { .. })));
    // What came after that day is told apart as ever.
    assert_eq!(store.requests(2 * DAY + HOUR, 4 * DAY).unwrap(), 47);
    let row = &store.0.report().users(&UserQuery::new()).rows[0];
    assert_eq!((row.totals.requests(), row.active_days), (106, 14));
}
