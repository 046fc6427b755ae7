//! Activity over time, and who came back.

use super::Store;
use super::gather::{CellFilter, CellRef, Span};
use super::pace::Pace;
use super::quarters::Quarters;
use super::visit::{RowRef, Visit, Visitor, takes};
use crate::report::instant::{QUARTER_MICROS, QUARTERS_PER_DAY, from_micros, quarter_of, quarter_start};
use crate::report::{Cohort, Gaps, Point, QueryError, Retention, Selection, Series, Step, Totals, Zone};
use std::collections::BTreeMap;

/// The steps of a question, in quarters.
struct Steps {
    edges: Vec<i32>,
}

impl Steps {
    /// Divides a window with both bounds into steps.
    fn new(step: Step, zone: &Zone, bounds: (i64, i64)) -> Result<Self, QueryError> {
        let edges = step.edges(zone, bounds, Series::MAX_POINTS)?.into_iter().map(|edge| {
            if edge % QUARTER_MICROS != 0 {
                return Err(QueryError::WithinQuarter);
            }
            i32::try_from(edge / QUARTER_MICROS).map_err(|_| QueryError::OutOfRange)
        });
        Ok(Self { edges: edges.collect::<Result<_, _>>()? })
    }

    fn window(&self) -> Quarters {
        let edge = |edge: Option<&i32>| edge.copied().unwrap_or_default();
        Quarters { start: edge(self.edges.first()), end: edge(self.edges.last()) }
    }

    /// Returns the step that a span is within.
    fn of(&self, span: Span<'_>) -> Option<usize> {
        let quarter = match span {
            Span::Quarter(quarter) => quarter,
            Span::Day(day, _) => day.saturating_mul(QUARTERS_PER_DAY),
            Span::Ever(_) => return None,
        };
        self.of_quarter(quarter)
    }

    fn of_quarter(&self, quarter: i32) -> Option<usize> {
        let after = self.edges.partition_point(|&edge| edge <= quarter);
        after.checked_sub(1).filter(|_| after < self.edges.len())
    }

    /// Returns the start and the end of each step.
    fn spans(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        let ends = self.edges.iter().skip(1);
        self.edges.iter().zip(ends).map(|(&start, &end)| (quarter_start(start), quarter_start(end)))
    }
}

/// The activity of one row.
#[derive(Default)]
struct Active {
    steps: Vec<usize>,
    /// The earliest call that counts, at any time.
    first: Option<i64>,
}

impl Active {
    fn see(&mut self, filter: &CellFilter<'_>, cell: CellRef<'_>) {
        if filter.counts(cell.facet) == Some(true) {
            self.first = self.first.into_iter().chain(cell.totals.first_micros()).min();
        }
    }

    /// Ends a row: returns the steps in which there were calls, each once, and the earliest call.
    fn take(&mut self) -> (Vec<usize>, Option<i64>) {
        let mut steps = std::mem::take(&mut self.steps);
        steps.sort_unstable();
        steps.dedup();
        (steps, self.first.take())
    }
}

/// Gathers activity over time.
struct InSteps<'a> {
    steps: &'a Steps,
    points: Vec<Point>,
    active: Active,
    gaps: Gaps,
}

impl Visitor for InSteps<'_> {
    fn cell(&mut self, row: RowRef<'_>, filter: &CellFilter<'_>, cell: CellRef<'_>) {
        self.active.see(filter, cell);
        if !takes(filter, cell, row, &mut self.gaps) {
            return;
        }
        let at = self.steps.of(cell.span);
        if let Some((at, point)) = at.and_then(|at| Some((at, self.points.get_mut(at)?))) {
            point.totals.merge(cell.totals);
            self.active.steps.push(at);
        }
    }

    fn end(&mut self, row: RowRef<'_>, _: &CellFilter<'_>) {
        let (steps, first) = self.active.take();
        let RowRef::User(_) = row else { return };
        for at in steps {
            let Some(point) = self.points.get_mut(at) else { continue };
            point.active_users += 1;
            let is_new = first.is_some_and(|first| from_micros(first) >= point.start);
            point.new_users += u64::from(is_new);
        }
    }
}

/// Gathers who came back.
struct InWeeks<'a> {
    steps: &'a Steps,
    weeks: &'a [(i64, i64)],
    zone: &'a Zone,
    cohorts: BTreeMap<usize, Cohort>,
    active: Active,
    gaps: Gaps,
}

impl Visitor for InWeeks<'_> {
    fn cell(&mut self, row: RowRef<'_>, filter: &CellFilter<'_>, cell: CellRef<'_>) {
        self.active.see(filter, cell);
        if takes(filter, cell, row, &mut self.gaps) {
            self.active.steps.extend(self.steps.of(cell.span));
        }
    }

    fn end(&mut self, row: RowRef<'_>, _: &CellFilter<'_>) {
        let (active, first) = self.active.take();
        let RowRef::User(_) = row else { return };
        let Some(week) = first.and_then(|first| self.steps.of_quarter(quarter_of(first))) else { return };
        let cohort = self.cohorts.entry(week).or_insert_with(|| {
            let start = self.weeks.get(week).map_or(0, |week| week.0);
            let mut cohort = Cohort::new(self.zone, from_micros(start));
            cohort.active = vec![0; self.weeks.len() - week];
            cohort
        });
        cohort.users += 1;
        for later in active.iter().filter_map(|at| at.checked_sub(week)) {
            if let Some(count) = cohort.active.get_mut(later) {
                *count += 1;
            }
        }
    }
}

/// Finds the first and the last call that counts.
#[derive(Default)]
struct Extent(Totals);

impl Visitor for Extent {
    fn cell(&mut self, _: RowRef<'_>, filter: &CellFilter<'_>, cell: CellRef<'_>) {
        if filter.takes(cell) == Some(true) {
            self.0.merge_sums(cell.totals);
        }
    }

    fn end(&mut self, _: RowRef<'_>, _: &CellFilter<'_>) {}
}

impl Store {
    pub(super) async fn series(&self, selection: &Selection, step: Step) -> Result<Series, QueryError> {
        let Some(bounds) = self.bounds(selection, step).await? else {
            return Ok(Series { step, points: Vec::new(), gaps: Gaps::default() });
        };
        let zone = &selection.zone;
        let steps = Steps::new(step, zone, bounds)?;
        let points = steps
            .spans()
            .map(|(start, end)| Point::new(step, zone, from_micros(start), from_micros(end)))
            .collect();
        let mut visitor = InSteps { steps: &steps, points, active: Active::default(), gaps: Gaps::default() };
        self.answer(
            &steps.edges,
            self.visit(Visit::of(selection, steps.window()), &mut visitor, &mut Pace::default()),
        )
        .await?;
        Ok(Series { step, points: visitor.points, gaps: visitor.gaps })
    }

    pub(super) async fn retention(&self, selection: &Selection) -> Result<Retention, QueryError> {
        let Some(bounds) = self.bounds(selection, Step::Week).await? else {
            return Ok(Retention { cohorts: Vec::new(), gaps: Gaps::default() });
        };
        let zone = &selection.zone;
        let steps = Steps::new(Step::Week, zone, bounds)?;
        let weeks: Vec<_> = steps.spans().collect();
        let mut visitor = InWeeks {
            steps: &steps,
            weeks: &weeks,
            zone,
            cohorts: BTreeMap::new(),
            active: Active::default(),
            gaps: Gaps::default(),
        };
        self.answer(
            &steps.edges,
            self.visit(Visit::of(selection, steps.window()), &mut visitor, &mut Pace::default()),
        )
        .await?;
        Ok(Retention { cohorts: visitor.cohorts.into_values().collect(), gaps: visitor.gaps })
    }

    /// Returns the window of a question, with the steps of the first and the last call in place of missing bounds; `None` if
    /// there is no call.
    async fn bounds(&self, selection: &Selection, step: Step) -> Result<Option<(i64, i64)>, QueryError> {
        let (start, end) = selection.window.bounds();
        if start != i64::MIN && end != i64::MAX {
            return Ok(Some((start, end)));
        }
        let mut sum = Extent::default();
        self.visit(Visit::of(selection, selection.window.quarters()?), &mut sum, &mut Pace::default()).await;
        let (Some(first), Some(last)) = (sum.0.first_micros(), sum.0.last_micros()) else { return Ok(None) };
        let zone = &selection.zone;
        let start = if start == i64::MIN { step.floor(zone, first)? } else { start };
        let end = if end == i64::MAX { step.next(zone, last)? } else { end };
        Ok(Some((start, end)))
    }
}
