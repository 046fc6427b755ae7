//! Answering in pieces, so that whoever awaits an answer serves others meanwhile.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// How much is done at a stretch: some tens of microseconds.
pub(super) const STRETCH: usize = 512;

/// Counts what an answer takes, and lets others have a turn after each [`STRETCH`] of it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    done: usize,
}

impl Pace {
    /// Another `count` cells, rows or values were looked at.
    #[inline]
    pub(super) async fn went(&mut self, count: usize) {
        self.done += count;
        if self.done >= STRETCH {
            self.done = 0;
            pause().await;
        }
    }
}

/// Lets the others of an executor have a turn.
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

/// The answer, for those who wait for it on their own thread. Nothing that is awaited here waits for anything else.
pub(super) fn at_once<T>(answer: impl Future<Output = T>) -> T {
    let mut answer = pin!(answer);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = answer.as_mut().poll(&mut context) {
            return answer;
        }
    }
}

/// Sorts values of which there may be a million.
pub(super) async fn sorted(mut values: Vec<i128>) -> Vec<i128> {
    let mut pace = Pace::default();
    for run in values.chunks_mut(STRETCH) {
        run.sort_unstable();
        pace.went(run.len()).await;
    }
    let mut length = STRETCH;
    while length < values.len() {
        let mut merged = Vec::with_capacity(values.len());
        for pair in values.chunks(2 * length) {
            let (left, right) = pair.split_at(length.min(pair.len()));
            let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
            loop {
                let from_left = match (left.peek(), right.peek()) {
                    (Some(left), Some(right)) => left <= right,
                    (left, _) => left.is_some(),
                };
                let Some(next) = (if from_left { left.next() } else { right.next() }) else { break };
                merged.push(*next);
                pace.went(1).await;
            }
        }
        values = merged;
        length = length.saturating_mul(2);
    }
    values
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
            let (sorted, turns) = turns(sorted(values.clone()));
            let mut expected = values;
            expected.sort_unstable();
            assert_eq!(sorted, expected);
            assert!(turns >= count / STRETCH, "{turns}");
        }
    }
}
