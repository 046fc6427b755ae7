//! Calls by what they were, how they are spread over users, and all at a glance.

use super::Store;
use super::over_time::takes;
use super::visit::Seen;
use crate::record::Text;
use crate::report::facet::{Facet, Name};
use crate::report::instant::to_micros;
use crate::report::overview::project;
use crate::report::window::Quarters;
use crate::report::{
    Amount, Breakdown, Gaps, Group, GroupBy, GroupName, Histogram, HistogramQuery, Overview, QueryError,
    Selection, Step, Totals, Window,
};
use std::cmp::Reverse;
use std::collections::HashMap;

impl Store {
    pub(super) fn breakdown(&self, selection: &Selection, by: GroupBy) -> Result<Breakdown, QueryError> {
        let window = selection.window.quarters()?;
        let mut groups: HashMap<GroupName, (Totals, u64)> = HashMap::new();
        let mut gaps = Gaps::default();
        self.answer_window(window, &[], |window| {
            let mut names = Vec::new();
            self.visit(&selection.scope, &selection.calls, window, |seen, choice| {
                names.clear();
                for part in seen.history().parts() {
                    if !takes(choice, part, seen, &mut gaps) {
                        continue;
                    }
                    let name = name_of(choice.facet(part.facet), &by);
                    let group = groups.entry(name.clone()).or_default();
                    group.0.merge(part.totals);
                    if let (Seen::User(_), false) = (seen, names.contains(&name)) {
                        group.1 += 1;
                        names.push(name);
                    }
                }
            });
        })?;
        let mut groups: Vec<_> =
            groups.into_iter().map(|(name, (totals, users))| Group { name, totals, users }).collect();
        groups.sort_by(|left, right| {
            let key = |group: &Group| Reverse(group.totals.requests());
            key(left).cmp(&key(right)).then_with(|| left.name.cmp(&right.name))
        });
        Ok(Breakdown { by, groups, gaps })
    }

    pub(super) fn histogram(
        &self,
        selection: &Selection,
        query: HistogramQuery,
    ) -> Result<Histogram, QueryError> {
        let window = selection.window.quarters()?;
        let (mut values, mut unknown, mut gaps) = (Vec::new(), 0, Gaps::default());
        self.answer_window(window, &[], |window| {
            self.visit(&selection.scope, &selection.calls, window, |seen, choice| {
                let totals = total(seen, &mut gaps, |part, gaps| takes(choice, part, seen, gaps));
                let Seen::User(_) = seen else { return };
                if totals.is_empty() {
                    return;
                }
                match totals.measure(query.measure) {
                    Some(Amount::Count(count)) => values.push(count.into()),
                    Some(Amount::Cost(cost)) => values.push(cost.picos()),
                    _ => unknown += 1,
                }
            });
        })?;
        Ok(query.of(values, unknown, gaps))
    }

    pub(super) fn overview(&self, selection: &Selection) -> Result<Overview, QueryError> {
        let now = self.clock();
        let day = Window::current(Step::Day, &selection.zone, now)?;
        let month_window = Window::current(Step::Month, &selection.zone, now)?;
        let window = selection.window.quarters()?;
        let (day, month) = (day.quarters()?, month_window.quarters()?);
        let mut overview = Overview {
            totals: Totals::default(),
            users: 0,
            today: Totals::default(),
            users_today: 0,
            month: Totals::default(),
            users_this_month: 0,
            month_projection: None,
            unpriced_models: Vec::new(),
            dropped: self.settings.dropped.count(),
            gaps: Gaps::default(),
        };
        let mut unpriced: HashMap<Option<Text>, u64> = HashMap::new();
        let edges = [day.start, day.end, month.start, month.end];
        // Today, the rest of this month and other times, each within the window and outside of it: each call is added once, and
        // they are put together when all are there.
        let mut sums: [[Totals; 2]; 3] = Default::default();
        self.answer_window(window, &edges, |window| {
            self.visit(&selection.scope, &selection.calls, Quarters::ALL, |seen, choice| {
                let (mut all, mut today, mut this_month) = (false, false, false);
                for part in seen.history().parts() {
                    let within = part.span.is_within(window);
                    let (is_today, is_month) = (part.span.is_within(day), part.span.is_within(month));
                    let [of_today, of_month, of_rest] = &mut sums;
                    let sum = match (is_today, is_month, within) {
                        (true, ..) => of_today,
                        (false, true, _) => of_month,
                        (false, false, true) => of_rest,
                        (false, false, false) => continue,
                    };
                    if !takes(choice, part, seen, &mut overview.gaps) {
                        continue;
                    }
                    (all, today, this_month) = (all | within, today | is_today, this_month | is_month);
                    let [outside, inside] = sum;
                    let sum = if within { inside } else { outside };
                    sum.merge(part.totals);
                    if within && part.totals.unpriced() != 0 {
                        let model = match &choice.facet(part.facet).model {
                            Name::Is(model) => Some(model.clone()),
                            Name::Absent | Name::Other => None,
                        };
                        *unpriced.entry(model).or_default() += part.totals.unpriced();
                    }
                }
                if let Seen::User(_) = seen {
                    overview.users += u64::from(all);
                    overview.users_today += u64::from(today);
                    overview.users_this_month += u64::from(this_month);
                }
            });
        })?;
        let [[today_outside, today_inside], [month_outside, month_inside], [_, inside]] = &sums;
        [today_outside, today_inside].into_iter().for_each(|sum| overview.today.merge(sum));
        [month_outside, month_inside, &overview.today].into_iter().for_each(|sum| overview.month.merge(sum));
        [today_inside, month_inside, inside].into_iter().for_each(|sum| overview.totals.merge(sum));
        overview.month_projection =
            overview.month.cost().and_then(|cost| project(cost, month_window, to_micros(now)));
        overview.unpriced_models = unpriced.into_iter().collect();
        overview
            .unpriced_models
            .sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        Ok(overview)
    }
}

/// What the parts that count add up to, without the durations.
fn total(
    seen: Seen<'_>,
    gaps: &mut Gaps,
    counts: impl Fn(crate::report::gather::Part<'_>, &mut Gaps) -> bool,
) -> Totals {
    let mut totals = Totals::default();
    for part in seen.history().parts() {
        if counts(part, gaps) {
            totals.merge_sums(part.totals);
        }
    }
    totals
}

/// The group of a kind of calls.
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
