//! The overview.

use super::Store;
use super::facet::Name;
use super::gather::{CellFilter, CellRef};
use super::pace::{Pace, sorted};
use super::quarters::Quarters;
use super::visit::{RowRef, Visit, Visitor, takes};
use crate::record::Text;
use crate::report::{Gaps, Overview, QueryError, Selection, Step, Totals, Window};
use std::collections::HashMap;

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
    fn cell(&mut self, row: RowRef<'_>, filter: &CellFilter<'_>, cell: CellRef<'_>) {
        let within = cell.span.is_within(self.window);
        let (is_today, is_month) = (cell.span.is_within(self.day), cell.span.is_within(self.month));
        let [of_today, of_month, of_rest] = &mut self.sums;
        let sum = match (is_today, is_month, within) {
            (true, ..) => of_today,
            (false, true, _) => of_month,
            (false, false, true) => of_rest,
            (false, false, false) => return,
        };
        if !takes(filter, cell, row, &mut self.gaps) {
            return;
        }
        let [all, today, this_month] = &mut self.row;
        (*all, *today, *this_month) = (*all | within, *today | is_today, *this_month | is_month);
        let [outside, inside] = sum;
        let sum = if within { inside } else { outside };
        sum.merge(cell.totals);
        if within && cell.totals.unpriced() != 0 {
            let model = match &filter.facet(cell.facet).model {
                Name::Is(model) => Some(model.clone()),
                Name::Absent | Name::Other => None,
            };
            *self.unpriced.entry(model).or_default() += cell.totals.unpriced();
        }
    }

    fn end(&mut self, row: RowRef<'_>, _: &CellFilter<'_>) {
        let active = std::mem::take(&mut self.row);
        if let RowRef::User(_) = row {
            self.users.iter_mut().zip(active).for_each(|(users, has)| *users += u64::from(has));
        }
    }
}

impl Store {
    pub(super) async fn overview(&self, selection: &Selection) -> Result<Overview, QueryError> {
        let now = self.clock();
        let day = Window::current(Step::Day, &selection.zone, now)?.quarters()?;
        let month_window = Window::current(Step::Month, &selection.zone, now)?;
        let month = month_window.quarters()?;
        let window = self.opened(selection.window.quarters()?);
        let mut visitor = AtAGlance {
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
        self.answer(
            &edges,
            self.visit(Visit::of(selection, Quarters::ALL), &mut visitor, &mut Pace::default()),
        )
        .await?;
        let [[today_outside, today_inside], [month_outside, month_inside], [_, inside]] = &visitor.sums;
        let sum = |parts: [&Totals; 3]| {
            let mut sum = Totals::default();
            parts.into_iter().for_each(|totals| sum.merge(totals));
            sum
        };
        let today = sum([today_outside, today_inside, &Totals::default()]);
        let month = sum([month_outside, month_inside, &today]);
        let [users, users_today, users_this_month] = visitor.users;
        let most = |left: &(Option<Text>, u64), right: &(Option<Text>, u64)| {
            right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0))
        };
        let unpriced_models = sorted(visitor.unpriced.into_iter().collect(), most).await;
        Ok(Overview {
            totals: sum([today_inside, month_inside, inside]),
            users,
            users_today,
            users_this_month,
            month_projection: Overview::project(month.cost(), month_window, now),
            today,
            month,
            unpriced_models,
            dropped: self.options.dropped.call(),
            gaps: visitor.gaps,
        })
    }
}
