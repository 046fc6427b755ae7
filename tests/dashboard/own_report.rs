//! A report of one's own, made with the public API alone: a fold over records that answers every question as `MemorySink` does, and
//! that a dashboard can stand on.

use http::Request;
use http::request::Parts;
use http_body_util::{BodyExt, Empty};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tower::ServiceExt;
use tower_llm_metrics::dashboard::Dashboard;
use tower_llm_metrics::record::{Priced, Text, UnpricedReason, UsageReason, UsageState};
use tower_llm_metrics::report::{
    Amount, Breakdown, Cohort, Group, GroupBy, GroupName, Histogram, HistogramQuery, Overview, QueryError,
    Report, Retention, Scope, Selection, Series, Step, Sums, Totals, UserPage, UserQuery, UserSummary, Who,
    Window,
};
use tower_llm_metrics::{Cost, MemorySink, MetricsSink, Outcome, Provider, Record, Usd, User, UserId};

/// All calls, in the order of their start.
#[derive(Clone)]
struct Calls(Arc<Vec<Record>>);

/// 2026-03-02T00:00:00Z, a Monday.
fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_409_600 + second)
}

const DAY: u64 = 86_400;

fn now() -> SystemTime {
    at(9 * DAY + 3_600)
}

fn who(record: &Record) -> Who {
    record.user_id().map_or(Who::Nobody, |id| Who::User(id.clone()))
}

fn model(record: &Record) -> Option<&Text> {
    record.response_model.as_ref().or(record.model.as_ref())
}

fn name<'a>(record: &'a Record, by: &GroupBy) -> Option<&'a str> {
    match by {
        GroupBy::Model => model(record).map(Text::as_str),
        GroupBy::Provider => record.provider.as_ref().map(Provider::as_str),
        GroupBy::Operation => Some(record.operation.as_str()),
        GroupBy::Property(name) => record.properties.get(name),
        _ => {
            record.usage_reason.map(UsageReason::as_str).filter(|_| record.usage_state == UsageState::Absent)
        }
    }
}

/// The number of users among these calls.
fn users<'a>(calls: impl Iterator<Item = &'a Record>) -> u64 {
    calls.filter_map(Record::user_id).collect::<BTreeSet<_>>().len() as u64
}

impl Calls {
    fn of<'a>(&'a self, selection: &'a Selection) -> impl Iterator<Item = &'a Record> + Clone + 'a {
        self.0.iter().filter(|record| selection.matches(record))
    }

    fn by_user<'a>(&'a self, selection: &'a Selection) -> BTreeMap<Who, Vec<&'a Record>> {
        let mut rows: BTreeMap<_, Vec<_>> = BTreeMap::new();
        self.of(selection).for_each(|record| rows.entry(who(record)).or_default().push(record));
        rows
    }

    /// The window of a question, with the steps of the first and the last call in place of an open bound.
    fn bounds(&self, selection: &Selection, step: Step) -> Result<Option<Window>, QueryError> {
        let (window, zone) = (selection.get_window(), selection.get_zone());
        let mut calls = self.of(selection);
        let Some(first) = calls.next() else { return Ok(None) };
        let last = calls.last().unwrap_or(first);
        let start = Window::current(step, zone, first.time)?.start();
        let end = Window::current(step, zone, last.time)?.end();
        let (start, end) = (window.start().or(start).unwrap(), window.end().or(end).unwrap());
        Ok(Some(Window::new(start, end)))
    }
}

impl Report for Calls {
    async fn users(&self, selection: &Selection, query: &UserQuery) -> Result<UserPage, QueryError> {
        let mut rows = Vec::new();
        for (who, calls) in self.by_user(selection) {
            let mut row = UserSummary::new(who);
            row.totals = calls.iter().copied().collect();
            let day = |call: &&Record| Window::current(Step::Day, selection.get_zone(), call.time);
            let days = calls.iter().map(day).map(|day| day.map(|day| day.start()));
            row.active_days = days.collect::<Result<BTreeSet<_>, _>>()?.len() as u64;
            row.models = calls
                .iter()
                .filter_map(|call| model(call).cloned())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
            rows.push(row);
        }
        rows.retain(|row| query.get_filter().matches(row));
        rows.sort_by(|left, right| query.compare(left, right));
        let mut page = UserPage::default();
        page.matching = rows.len() as u64;
        if query.wants_sums() {
            let mut sums = Sums::default();
            rows.iter().for_each(|row| sums.add(row));
            page.sums = Some(sums);
        }
        let rest =
            rows.into_iter().filter(|row| query.get_after().is_none_or(|cursor| cursor.is_before(row)));
        let mut rest = rest.skip(query.get_offset());
        page.rows = rest.by_ref().take(query.get_limit()).collect();
        page.next = rest.next().and_then(|_| page.rows.last().map(|row| query.cursor(row)));
        Ok(page)
    }

    async fn series(&self, selection: &Selection, step: Step) -> Result<Series, QueryError> {
        let Some(window) = self.bounds(selection, step)? else { return Ok(Series::new(step)) };
        let mut series = Series::of_window(step, selection.get_zone(), window)?;
        let ever = selection.clone().window(Window::ALL);
        for point in &mut series.points {
            let within = Window::new(point.start, point.end);
            let calls = self.of(selection).filter(|call| within.contains(call.time));
            let before = self.of(&ever).filter(|call| call.time < point.start);
            let known: BTreeSet<_> = before.filter_map(Record::user_id).collect();
            point.totals = calls.clone().collect();
            point.active_users = users(calls.clone());
            point.new_users =
                users(calls.filter(|call| call.user_id().is_some_and(|id| !known.contains(id))));
        }
        Ok(series)
    }

    async fn breakdown(&self, selection: &Selection, by: GroupBy) -> Result<Breakdown, QueryError> {
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for call in self.of(selection) {
            let name =
                name(call, &by).map_or(GroupName::Absent, |name| GroupName::Is(Text::new(name).unwrap()));
            groups.entry(name).or_default().push(call);
        }
        let groups = groups.into_iter().map(|(name, calls)| {
            let mut group = Group::new(name);
            group.totals = calls.iter().copied().collect();
            group.users = users(calls.into_iter());
            group
        });
        let mut breakdown = Breakdown::new(by);
        breakdown.groups = groups.collect();
        breakdown.groups.sort_by_key(|group| std::cmp::Reverse(group.totals.requests()));
        Ok(breakdown)
    }

    async fn retention(&self, selection: &Selection) -> Result<Retention, QueryError> {
        let mut retention = Retention::default();
        let Some(window) = self.bounds(selection, Step::Week)? else { return Ok(retention) };
        let weeks = Series::of_window(Step::Week, selection.get_zone(), window)?.points;
        let week = |call: &&Record| weeks.iter().position(|week| (week.start..week.end).contains(&call.time));
        let mut rows = self.by_user(selection);
        rows.remove(&Who::Nobody);
        let active: Vec<BTreeSet<_>> =
            rows.values().map(|calls| calls.iter().filter_map(week).collect()).collect();
        for (number, point) in weeks.iter().enumerate() {
            let users: Vec<_> = active.iter().filter(|weeks| weeks.first() == Some(&number)).collect();
            if users.is_empty() {
                continue;
            }
            let mut cohort = Cohort::new(selection.get_zone(), point.start);
            cohort.users = users.len() as u64;
            let came = |week| users.iter().filter(|weeks| weeks.contains(&week)).count() as u64;
            cohort.active = (number..weeks.len()).map(came).collect();
            retention.cohorts.push(cohort);
        }
        Ok(retention)
    }

    async fn histogram(&self, selection: &Selection, query: HistogramQuery) -> Result<Histogram, QueryError> {
        let mut rows = self.by_user(selection);
        rows.remove(&Who::Nobody);
        let (mut values, mut unknown) = (Vec::new(), 0);
        for calls in rows.values() {
            let totals: Totals = calls.iter().copied().collect();
            match totals.measure(query.get_measure()) {
                Some(Amount::Count(count)) => values.push(count.into()),
                Some(Amount::Cost(cost)) => values.push(cost.picos()),
                _ => unknown += 1,
            }
        }
        Ok(query.histogram(values, unknown))
    }

    async fn overview(&self, selection: &Selection) -> Result<Overview, QueryError> {
        let current = |step| Window::current(step, selection.get_zone(), now());
        let (day, month) = (current(Step::Day)?, current(Step::Month)?);
        let (today, this_month) = (selection.clone().window(day), selection.clone().window(month));
        let mut overview = Overview::default();
        overview.totals = self.of(selection).collect();
        overview.users = users(self.of(selection));
        overview.today = self.of(&today).collect();
        overview.users_today = users(self.of(&today));
        overview.month = self.of(&this_month).collect();
        overview.users_this_month = users(self.of(&this_month));
        overview.month_projection = Overview::project(overview.month.cost(), month, now());
        let mut unpriced: BTreeMap<_, u64> = BTreeMap::new();
        for call in self.of(selection) {
            let alone: Totals = [call].into_iter().collect();
            *unpriced.entry(model(call).cloned()).or_default() += alone.unpriced();
        }
        overview.unpriced_models = unpriced.into_iter().filter(|(_, calls)| *calls > 0).collect();
        overview.unpriced_models.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
        Ok(overview)
    }

    async fn calls(&self, selection: &Selection, limit: usize) -> Result<Vec<Record>, QueryError> {
        let mut calls: Vec<_> = self.of(selection).cloned().collect();
        calls.reverse();
        calls.truncate(limit);
        Ok(calls)
    }
}

fn calls() -> Vec<Record> {
    let mut calls = Vec::new();
    for (number, user) in
        ["alice", "bob", "", "alice", "carol", "bob", "alice", "dave", "alice"].into_iter().enumerate()
    {
        let mut call = Record::new(at(number as u64 * (DAY + 5_000)));
        call.user = UserId::new(user).ok().map(User::verified);
        call.outcome = if number == 4 { Outcome::Failed } else { Outcome::Completed };
        call.provider = Some(Provider::OPENAI);
        call.model = Some(Text::new(if number % 3 == 0 { "gpt-5" } else { "house-model" }).unwrap());
        call.latency = Duration::from_millis(40 * (number as u64 + 1));
        call.usage_state = UsageState::Reported;
        call.usage.input_tokens = Some(100 + number as u64);
        call.usage.output_tokens = Some(10);
        call.cost = if number % 3 == 0 {
            Cost::Priced(Priced::new(Usd::from_picos(1_000_000_007 * number as i128), "openai/gpt-5", "1"))
        } else {
            Cost::Unpriced(UnpricedReason::UnknownModel)
        };
        calls.push(call);
    }
    calls
}

async fn answer<R: Report + Clone + 'static>(report: &R, path: &str) -> (u16, String) {
    let dashboard = Dashboard::new(report.clone(), |_: &Parts| Some(Scope::All)).clock(now);
    let request = Request::get(path).body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = dashboard.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_report_of_ones_own_answers_as_the_sink_does() {
    let memory = MemorySink::builder().clock(now).build();
    let calls = calls();
    calls.iter().for_each(|call| memory.record(call));
    let own = Calls(Arc::new(calls));
    for path in [
        "/users",
        "/user?id=alice",
        "/activity",
        "/health",
        "/api/users",
        "/api/users?sort=cost_usd&order=asc&limit=2&offset=1&zone=%2B05:45",
        "/api/users?filter=requests%3E%3D2&format=csv",
        "/api/user?id=bob",
        "/api/user?row=nobody",
        "/api/series?step=day",
        "/api/series?step=week&model=gpt-5",
        "/api/series?range=7d&format=csv",
        "/api/breakdown?by=model",
        "/api/breakdown?by=property:team",
        "/api/breakdown?by=absent_usage",
        "/api/retention",
        "/api/histogram?measure=tokens&bins=3",
        "/api/histogram?measure=cost_usd&percentile=p50",
        "/api/overview",
        "/api/calls?limit=3",
        "/api/health",
    ] {
        let (own, memory) = (answer(&own, path).await, answer(&memory, path).await);
        assert_eq!(own, memory, "{path}");
        assert_eq!(own.0, 200, "{path}: {}", own.1);
    }
}

#[tokio::test]
async fn a_page_goes_on_where_the_one_before_it_ended() {
    let own = Calls(Arc::new(calls()));
    let query = UserQuery::new().sort_by_id().limit(2);
    let first = own.users(&Selection::new(), &query).await.unwrap();
    let second =
        own.users(&Selection::new(), &UserQuery::new().limit(9).after(first.next.unwrap())).await.unwrap();
    let names = |rows: Vec<UserSummary>| rows.iter().map(|row| row.who.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (names(first.rows).join(" "), names(second.rows).join(" ")),
        ("alice bob".into(), "carol dave (no user)".into())
    );
    assert!(second.next.is_none());
}
