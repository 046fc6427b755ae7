//! Answering in stretches, so that other tasks have their turn.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The number of cells in a stretch, which takes some tens of microseconds.
pub(super) const STRETCH: usize = 512;

/// Counts what an answer reads, and yields after each [`STRETCH`].
#[derive(Debug, Default)]
pub(super) struct Pace {
    done: usize,
}

impl Pace {
    /// Is called before `count` cells, rows or values are read.
    #[inline]
    pub(super) async fn next(&mut self, count: usize) {
        if self.done + count > STRETCH {
            self.done = 0;
            pause().await;
        }
        self.done += count;
    }
}

/// Yields once to the executor.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Makes an answer on the calling thread. Answers await nothing but the yields of [`Pace`].
pub(super) fn at_once<T>(answer: impl Future<Output = T>) -> T {
    let mut answer = pin!(answer);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = answer.as_mut().poll(&mut context) {
            return answer;
        }
    }
}

/// Sorts values in stretches, since there may be a million.
pub(super) async fn sorted<T>(values: Vec<T>, order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let mut pace = Pace::default();
    let mut values = values.into_iter();
    let mut runs = VecDeque::new();
    while values.len() > 0 {
        pace.next(STRETCH).await;
        let mut run: Vec<T> = values.by_ref().take(STRETCH).collect();
        run.sort_unstable_by(&order);
        runs.push_back(run);
    }
    let mut first = runs.pop_front().unwrap_or_default();
    while let Some(second) = runs.pop_front() {
        let mut merged = Vec::with_capacity(first.len() + second.len());
        let (mut left, mut right) = (first.into_iter().peekable(), second.into_iter().peekable());
        loop {
            let from_left = match (left.peek(), right.peek()) {
                (Some(left), Some(right)) => order(left, right).is_le(),
                (left, _) => left.is_some(),
            };
            let Some(next) = (if from_left { left.next() } else { right.next() }) else { break };
            merged.push(next);
            pace.next(1).await;
        }
        runs.push_back(merged);
        first = runs.pop_front().unwrap_or_default();
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often an answer lets others have a turn.
    fn turns<T>(answer: impl Future<Output = T>) -> (T, usize) {
        let mut answer = pin!(answer);
        let mut context = Context::from_waker(Waker::noop());
        let mut turns = 0;
        loop {
            match answer.as_mut().poll(&mut context) {
                Poll::Ready(answer) => return (answer, turns),
                Poll::Pending => turns += 1,
            }
        }
    }

    #[test]
    fn many_values_are_sorted_in_pieces() {
        for count in [0, 1, STRETCH, STRETCH + 1, 10 * STRETCH + 7] {
            let values: Vec<_> = (0..count as i128).map(|n| n * 7_919 % 10_007 - 5_000).collect();
            let (sorted, turns) = turns(sorted(values.clone(), i128::cmp));
            let mut expected = values;
            expected.sort_unstable();
            assert_eq!(sorted, expected);
            assert!(turns >= count.saturating_sub(1) / STRETCH, "{turns}");
        }
    }
}
