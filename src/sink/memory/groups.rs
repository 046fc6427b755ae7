//! Breakdowns and histograms.

use super::Store;
use super::facet::{Facet, Name};
use super::gather::{CellFilter, CellRef};
use super::pace::{Pace, sorted};
use super::visit::{RowRef, Visit, Visitor, takes};
use crate::record::Text;
use crate::report::{
    Amount, Breakdown, Gaps, Group, GroupBy, GroupName, Histogram, HistogramQuery, Measure, QueryError,
    Selection, Totals,
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
    fn cell(&mut self, row: RowRef<'_>, filter: &CellFilter<'_>, cell: CellRef<'_>) {
        if !takes(filter, cell, row, &mut self.gaps) {
            return;
        }
        let name = name_of(filter.facet(cell.facet), self.by);
        let group = self.groups.entry(name.clone()).or_default();
        group.0.merge(cell.totals);
        if let (RowRef::User(_), false) = (row, self.names.contains(&name)) {
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
    fn cell(&mut self, row: RowRef<'_>, filter: &CellFilter<'_>, cell: CellRef<'_>) {
        if takes(filter, cell, row, &mut self.gaps) {
            self.row.merge_sums(cell.totals);
        }
    }

    fn end(&mut self, row: RowRef<'_>, _: &CellFilter<'_>) {
        let totals = std::mem::take(&mut self.row);
        let RowRef::User(_) = row else { return };
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

impl Store {
    pub(super) async fn breakdown(
        &self,
        selection: &Selection,
        by: GroupBy,
    ) -> Result<Breakdown, QueryError> {
        let window = self.opened(selection.window.quarters()?);
        let mut visitor =
            InGroups { by: &by, groups: HashMap::new(), names: Vec::new(), gaps: Gaps::default() };
        let edges = [window.start, window.end];
        self.answer(&edges, self.visit(Visit::of(selection, window), &mut visitor, &mut Pace::default()))
            .await?;
        let InGroups { groups, gaps, .. } = visitor;
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
        let mut visitor = Values {
            measure: query.get_measure(),
            row: Totals::default(),
            values: Vec::new(),
            unknown: 0,
            gaps: Gaps::default(),
        };
        let edges = [window.start, window.end];
        self.answer(&edges, self.visit(Visit::of(selection, window), &mut visitor, &mut Pace::default()))
            .await?;
        let values = sorted(visitor.values, i128::cmp).await;
        Ok(Histogram { gaps: visitor.gaps, ..query.histogram(values, visitor.unknown) })
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
