//! Activity over time, and who came back.

use super::Store;
use super::visit::Seen;
use crate::report::gather::{Choice, Part, Span};
use crate::report::instant::{QUARTER_MICROS, QUARTERS_PER_DAY, from_micros, quarter_start};
use crate::report::window::{Quarters, label};
use crate::report::{Cohort, Gaps, Point, QueryError, Retention, Selection, Series, Step, Totals, Zone};
use std::collections::BTreeMap;

/// The steps of a question, as quarters.
struct Steps {
    edges: Vec<i32>,
}

impl Steps {
    /// The steps of a window of which both ends are known.
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

    /// The step that a span is within.
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

    /// Start and end of each.
    fn spans(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        let ends = self.edges.iter().skip(1);
        self.edges.iter().zip(ends).map(|(&start, &end)| (quarter_start(start), quarter_start(end)))
    }
}

/// The earliest call of a row that counts, at any time.
fn first_ever(seen: Seen<'_>, choice: &Choice<'_>) -> Option<i64> {
    let ever = seen.history().parts().filter(|part| choice.counts(part.facet) == Some(true));
    ever.filter_map(|part| part.totals.first_micros()).min()
}

impl Store {
    pub(super) fn series(&self, selection: &Selection, step: Step) -> Result<Series, QueryError> {
        let Some(bounds) = self.bounds(selection, step)? else {
            return Ok(Series { step, points: Vec::new(), gaps: Gaps::default() });
        };
        let zone = &selection.zone;
        let steps = Steps::new(step, zone, bounds)?;
        let mut points: Vec<Point> =
            steps.spans().map(|(start, end)| point(step, zone, start, end)).collect();
        let mut gaps = Gaps::default();
        self.answer(&steps.edges, || {
            let mut active = Vec::new();
            self.visit(&selection.scope, &selection.calls, steps.window(), |seen, choice| {
                active.clear();
                for part in seen.history().parts() {
                    let Some(at) =
                        takes(choice, part, seen, &mut gaps).then(|| steps.of(part.span)).flatten()
                    else {
                        continue;
                    };
                    if let Some(point) = points.get_mut(at) {
                        point.totals.merge(part.totals);
                        active.push(at);
                    }
                }
                if let (Seen::User(_), false) = (seen, active.is_empty()) {
                    let first = first_ever(seen, choice);
                    active.sort_unstable();
                    active.dedup();
                    for &at in &active {
                        let Some(point) = points.get_mut(at) else { continue };
                        point.active_users += 1;
                        let is_new = first.is_some_and(|first| from_micros(first) >= point.start);
                        point.new_users += u64::from(is_new);
                    }
                }
            });
        })?;
        Ok(Series { step, points, gaps })
    }

    pub(super) fn retention(&self, selection: &Selection) -> Result<Retention, QueryError> {
        let Some(bounds) = self.bounds(selection, Step::Week)? else {
            return Ok(Retention { cohorts: Vec::new(), gaps: Gaps::default() });
        };
        let zone = &selection.zone;
        let steps = Steps::new(Step::Week, zone, bounds)?;
        let weeks: Vec<_> = steps.spans().collect();
        let mut cohorts: BTreeMap<usize, Cohort> = BTreeMap::new();
        let mut gaps = Gaps::default();
        self.answer(&steps.edges, || {
            let mut active = Vec::new();
            self.visit(&selection.scope, &selection.calls, steps.window(), |seen, choice| {
                active.clear();
                let parts = seen.history().parts();
                let taken = parts.filter(|part| takes(choice, *part, seen, &mut gaps));
                active.extend(taken.filter_map(|part| steps.of(part.span)));
                let Seen::User(_) = seen else { return };
                let first = first_ever(seen, choice).map(crate::report::instant::quarter_of);
                let Some(week) = first.and_then(|first| steps.of_quarter(first)) else { return };
                active.sort_unstable();
                active.dedup();
                let cohort = cohorts.entry(week).or_insert_with(|| {
                    let start = weeks.get(week).map_or(0, |week| week.0);
                    Cohort {
                        start: from_micros(start),
                        label: label(Step::Week, zone, start),
                        users: 0,
                        active: vec![0; weeks.len() - week],
                    }
                });
                cohort.users += 1;
                for later in active.iter().filter_map(|at| at.checked_sub(week)) {
                    if let Some(count) = cohort.active.get_mut(later) {
                        *count += 1;
                    }
                }
            });
        })?;
        Ok(Retention { cohorts: cohorts.into_values().collect(), gaps })
    }

    /// The window of a question, with the steps of the first and the last call in place of what it leaves open;
    /// `None` where there is no call.
    fn bounds(&self, selection: &Selection, step: Step) -> Result<Option<(i64, i64)>, QueryError> {
        let (start, end) = selection.window.bounds();
        if start != i64::MIN && end != i64::MAX {
            return Ok(Some((start, end)));
        }
        let mut all = Totals::default();
        let window = selection.window.quarters()?;
        self.visit(&selection.scope, &selection.calls, window, |seen, choice| {
            let taken = seen.history().parts().filter(|part| choice.takes(*part) == Some(true));
            taken.for_each(|part| all.merge_sums(part.totals));
        });
        let (Some(first), Some(last)) = (all.first_micros(), all.last_micros()) else { return Ok(None) };
        let zone = &selection.zone;
        let start = if start == i64::MIN { step.floor(zone, first)? } else { start };
        let end = if end == i64::MAX { step.next(zone, last)? } else { end };
        Ok(Some((start, end)))
    }
}

/// Whether a part counts; what can't be told goes into the gaps.
pub(super) fn takes(choice: &Choice<'_>, part: Part<'_>, seen: Seen<'_>, gaps: &mut Gaps) -> bool {
    let requests = || part.totals.requests();
    match choice.takes(part) {
        None => gaps.undecided = gaps.undecided.saturating_add(requests()),
        Some(false) => {}
        Some(true) => {
            if let Seen::Other(_) = seen {
                gaps.other_users = gaps.other_users.saturating_add(requests());
            }
            return true;
        }
    }
    false
}

fn point(step: Step, zone: &Zone, start: i64, end: i64) -> Point {
    Point {
        start: from_micros(start),
        end: from_micros(end),
        label: label(step, zone, start),
        totals: Totals::default(),
        active_users: 0,
        new_users: 0,
    }
}
