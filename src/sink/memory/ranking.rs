//! Selecting the first rows of an order.

use super::pace::{Pace, STRETCH};
use crate::report::{Amount, Cursor, RowOrder, Who};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A row that is one of the first so far.
#[derive(Debug)]
struct RankedRow {
    amount: Option<Amount>,
    who: Who,
    order: RowOrder,
}

impl Ord for RankedRow {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.compare((self.amount, &self.who), (other.amount, &other.who))
    }
}

impl PartialOrd for RankedRow {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RankedRow {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for RankedRow {}

/// Selects the first rows after a cursor from all that are offered.
#[derive(Debug)]
pub(crate) struct Ranking<'a> {
    order: RowOrder,
    limit: usize,
    after: Option<&'a Cursor>,
    // The last of them is on top.
    first: BinaryHeap<RankedRow>,
    /// The number of rows that were offered.
    pub(crate) offered: u64,
    candidates: u64,
}

impl<'a> Ranking<'a> {
    pub(crate) fn new(order: RowOrder, limit: usize, after: Option<&'a Cursor>) -> Self {
        Self { order, limit, after, first: BinaryHeap::new(), offered: 0, candidates: 0 }
    }

    /// Offers a row. `who` is called only if the amount does not decide.
    #[inline]
    pub(crate) fn offer(&mut self, amount: Option<Amount>, who: impl Fn() -> Who) {
        self.offered += 1;
        if self.after.is_some_and(|after| !after.precedes((amount, &who()))) {
            return;
        }
        self.candidates += 1;
        if self.first.len() >= self.limit {
            let Some(last) = self.first.peek() else { return };
            let by_amount = self.order.compare_amounts(amount, last.amount);
            if by_amount.then_with(|| self.order.compare_ids(&who(), &last.who)) != Ordering::Less {
                return;
            }
            self.first.pop();
        }
        self.first.push(RankedRow { amount, who: who(), order: self.order });
    }

    /// Returns the rows in order without the first `offset`, and where they end if there are more.
    pub(crate) async fn finish(mut self, offset: usize) -> (Vec<Who>, Option<Cursor>) {
        let mut pace = Pace::default();
        let more = self.candidates > self.first.len() as u64;
        let next = self.first.peek().filter(|_| more).map(|last| Cursor {
            order: self.order,
            amount: last.amount,
            who: last.who.clone(),
        });
        let mut rows = Vec::new();
        while self.first.len() > offset {
            pace.next(1).await;
            rows.extend(self.first.pop().map(|last| last.who));
        }
        rows.reverse();
        // Dropping takes its time, too: there may be a million rows, each with an id.
        let mut rest = self.first.into_vec();
        while !rest.is_empty() {
            pace.next(STRETCH).await;
            rest.truncate(rest.len().saturating_sub(STRETCH));
        }
        (rows, next)
    }
}
