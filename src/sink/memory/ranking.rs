//! The first rows of an order, among many.

use super::pace::{Pace, STRETCH};
use crate::report::users::Order;
use crate::report::{Amount, Cursor, Who};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A row that is among the first ones so far.
#[derive(Debug)]
struct Candidate {
    amount: Option<Amount>,
    who: Who,
    order: Order,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.compare((self.amount, &self.who), (other.amount, &other.who))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

/// The first rows after a cursor, while all rows are offered.
#[derive(Debug)]
pub(crate) struct Ranking<'a> {
    order: Order,
    limit: usize,
    after: Option<&'a Cursor>,
    // The last one on top.
    first: BinaryHeap<Candidate>,
    /// How many rows were offered.
    pub(crate) offered: u64,
    candidates: u64,
}

impl<'a> Ranking<'a> {
    pub(crate) fn new(order: Order, limit: usize, after: Option<&'a Cursor>) -> Self {
        Self { order, limit, after, first: BinaryHeap::new(), offered: 0, candidates: 0 }
    }

    /// Offers a row. Whose it is, is asked only where the amount does not decide.
    #[inline]
    pub(crate) fn offer(&mut self, amount: Option<Amount>, who: impl Fn() -> Who) {
        self.offered += 1;
        if self.after.is_some_and(|after| !after.is_before((amount, &who()))) {
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
        self.first.push(Candidate { amount, who: who(), order: self.order });
    }

    /// The rows in order without the first `offset`, and where they end if there are more.
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
        // There may be a million, each with an id.
        let mut rest = self.first.into_vec();
        while !rest.is_empty() {
            pace.next(STRETCH).await;
            rest.truncate(rest.len().saturating_sub(STRETCH));
        }
        (rows, next)
    }
}
