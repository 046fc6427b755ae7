//! Breakdowns, histograms and the overview.

use super::Store;
use super::facet::{Facet, Name};
use super::gather::{CellFilter, CellRef};
use super::over_time::{takes, way};
use super::pace::{Pace, sorted};
use super::quarters::Quarters;
use super::visit::{RowRef, Visitor};
use crate::record::Text;
use crate::report::instant::to_micros;
use crate::report::overview::project;
use crate::report::{
    Amount, Breakdown, Gaps, Group, GroupBy, GroupName, Histogram, HistogramQuery, Measure, Overview,
    QueryError, Selection, Step, Totals, Window,
};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Gathers a breakdown.
struct InGroups<'a> {
    by: &'a GroupBy,
    groups: HashMap<GroupName, (Totals, u64)>,
    /// The groups of the current row.
    names: Vec<GroupName>,
    gaps: Gaps,
}

impl Visitor for InGroups<'_> {
    fn part(&mut self, seen: RowRef<'_>, choice: &CellFilter<'_>, part: CellRef<'_>) {
        if !takes(choice, part, seen, &mut self.gaps) {
            return;
        }
        let name = name_of(choice.facet(part.facet), self.by);
        let group = self.groups.entry(name.clone()).or_default();
        group.0.merge(part.totals);
        if let (RowRef::User(_), false) = (seen, self.names.contains(&name)) {
            group.1 += 1;
            self.names.push(name);
        }
    }

    fn end(&mut self, _: RowRef<'_>, _: &CellFilter<'_>) {
        self.names.clear();
    }
}

/// Gathers the values of a measure, one for each user.
struct Values {
    measure: Measure,
    row: Totals,
    values: Vec<i128>,
    unknown: u64,
    gaps: Gaps,
}

impl Visitor for Values {
    fn part(&mut self, seen: RowRef<'_>, choice: &CellFilter<'_>, part: CellRef<'_>) {
        if takes(choice, part, seen, &mut self.gaps) {
            self.row.merge_sums(part.totals);
        }
    }

    fn end(&mut self, seen: RowRef<'_>, _: &CellFilter<'_>) {
        let totals = std::mem::take(&mut self.row);
        let RowRef::User(_) = seen else { return };
        if totals.is_empty() {
            return;
        }
        match totals.measure(self.measure) {
            Some(Amount::Count(count)) => self.values.push(count.into()),
            Some(Amount::Cost(cost)) => self.values.push(cost.picos()),
            _ => self.unknown += 1,
        }
    }
}

/// Gathers an overview.
struct AtAGlance {
    window: Quarters,
    day: Quarters,
    month: Quarters,
    /// Today, the rest of this month and other times, each outside of the window and within it. So each cell is added once, and
    /// they are put together at the end.
    sums: [[Totals; 2]; 3],
    unpriced: HashMap<Option<Text>, u64>,
    /// Whether the current row has calls within the window, today and this month; and how many users have.
    row: [bool; 3],
    users: [u64; 3],
    gaps: Gaps,
}

impl Visitor for AtAGlance {
    fn part(&mut self, seen: RowRef<'_>, choice: &CellFilter<'_>, part: CellRef<'_>) {
        let within = part.span.is_within(self.window);
        let (is_today, is_month) = (part.span.is_within(self.day), part.span.is_within(self.month));
        let [of_today, of_month, of_rest] = &mut self.sums;
        let sum = match (is_today, is_month, within) {
            (true, ..) => of_today,
            (false, true, _) => of_month,
            (false, false, true) => of_rest,
            (false, false, false) => return,
        };
        if !takes(choice, part, seen, &mut self.gaps) {
            return;
        }
        let [all, today, this_month] = &mut self.row;
        (*all, *today, *this_month) = (*all | within, *today | is_today, *this_month | is_month);
        let [outside, inside] = sum;
        let sum = if within { inside } else { outside };
        sum.merge(part.totals);
        if within && part.totals.unpriced() != 0 {
            let model = match &choice.facet(part.facet).model {
                Name::Is(model) => Some(model.clone()),
                Name::Absent | Name::Other => None,
            };
            *self.unpriced.entry(model).or_default() += part.totals.unpriced();
        }
    }

    fn end(&mut self, seen: RowRef<'_>, _: &CellFilter<'_>) {
        let row = std::mem::take(&mut self.row);
        if let RowRef::User(_) = seen {
            self.users.iter_mut().zip(row).for_each(|(users, has)| *users += u64::from(has));
        }
    }
}

impl Store {
    pub(super) async fn breakdown(
        &self,
        selection: &Selection,
        by: GroupBy,
    ) -> Result<Breakdown, QueryError> {
        let window = self.opened(selection.window.quarters()?);
        let mut seen = InGroups { by: &by, groups: HashMap::new(), names: Vec::new(), gaps: Gaps::default() };
        let edges = [window.start, window.end];
        self.answer(&edges, self.visit(way(selection, window), &mut seen, &mut Pace::default())).await?;
        let InGroups { groups, gaps, .. } = seen;
        let groups = groups.into_iter().map(|(name, (totals, users))| Group { name, totals, users });
        let order = |left: &Group, right: &Group| {
            let key = |group: &Group| Reverse(group.totals.requests());
            key(left).cmp(&key(right)).then_with(|| left.name.cmp(&right.name))
        };
        Ok(Breakdown { by, groups: sorted(groups.collect(), order).await, gaps })
    }

    pub(super) async fn histogram(
        &self,
        selection: &Selection,
        query: HistogramQuery,
    ) -> Result<Histogram, QueryError> {
        let window = self.opened(selection.window.quarters()?);
        let mut seen = Values {
            measure: query.measure,
            row: Totals::default(),
            values: Vec::new(),
            unknown: 0,
            gaps: Gaps::default(),
        };
        let edges = [window.start, window.end];
        self.answer(&edges, self.visit(way(selection, window), &mut seen, &mut Pace::default())).await?;
        Ok(query.of(sorted(seen.values, i128::cmp).await, seen.unknown, seen.gaps))
    }

    pub(super) async fn overview(&self, selection: &Selection) -> Result<Overview, QueryError> {
        let now = self.clock();
        let day = Window::current(Step::Day, &selection.zone, now)?.quarters()?;
        let month_window = Window::current(Step::Month, &selection.zone, now)?;
        let month = month_window.quarters()?;
        let window = self.opened(selection.window.quarters()?);
        let mut seen = AtAGlance {
            window,
            day,
            month,
            sums: Default::default(),
            unpriced: HashMap::new(),
            row: [false; 3],
            users: [0; 3],
            gaps: Gaps::default(),
        };
        let edges = [window.start, window.end, day.start, day.end, month.start, month.end];
        self.answer(&edges, self.visit(way(selection, Quarters::ALL), &mut seen, &mut Pace::default()))
            .await?;
        let [[today_outside, today_inside], [month_outside, month_inside], [_, inside]] = &seen.sums;
        let sum = |parts: [&Totals; 3]| {
            let mut sum = Totals::default();
            parts.into_iter().for_each(|part| sum.merge(part));
            sum
        };
        let today = sum([today_outside, today_inside, &Totals::default()]);
        let month = sum([month_outside, month_inside, &today]);
        let [users, users_today, users_this_month] = seen.users;
        let most = |left: &(Option<Text>, u64), right: &(Option<Text>, u64)| {
            right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0))
        };
        let unpriced_models = sorted(seen.unpriced.into_iter().collect(), most).await;
        Ok(Overview {
            totals: sum([today_inside, month_inside, inside]),
            users,
            users_today,
            users_this_month,
            month_projection: month.cost().and_then(|cost| project(cost, month_window, to_micros(now))),
            today,
            month,
            unpriced_models,
            dropped: self.options.dropped.call(),
            gaps: seen.gaps,
        })
    }
}

/// Returns the group of a kind of calls.
fn name_of(facet: &Facet, by: &GroupBy) -> GroupName {
    fn text(name: &str) -> GroupName {
        Text::new(name).map_or(GroupName::Absent, GroupName::Is)
    }
    match by {
        GroupBy::Model => name(&facet.model, |model| GroupName::Is(model.clone())),
        GroupBy::Provider => name(&facet.provider, |provider| text(provider.as_str())),
        GroupBy::Operation => name(&facet.operation, |operation| text(operation.as_str())),
        GroupBy::AbsentUsage => name(&facet.absent_usage, |reason| text(reason.as_str())),
        GroupBy::Property(wanted) => match facet.properties.iter().find(|(property, _)| property == wanted) {
            Some((_, value)) => name(value, |value| GroupName::Is(value.clone())),
            None if facet.more_properties => GroupName::Other,
            None => GroupName::Absent,
        },
    }
}

fn name<T>(name: &Name<T>, is: impl FnOnce(&T) -> GroupName) -> GroupName {
    match name {
        Name::Is(name) => is(name),
        Name::Absent => GroupName::Absent,
        Name::Other => GroupName::Other,
    }
}
