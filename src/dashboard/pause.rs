//! Long answers in pieces, so that the executor serves others meanwhile.

use std::task::Poll;

/// How many rows are written at a stretch: some milliseconds of work.
pub(super) const ROWS: usize = 256;

/// Lets the other tasks of the executor have a turn.
pub(super) async fn pause() {
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

/// A table with these rows as several, of [`ROWS`] each and at least one.
pub(super) fn pieces<T, U>(rows: &[T], table: impl Fn(&[T]) -> U) -> Vec<U> {
    if rows.is_empty() { vec![table(rows)] } else { rows.chunks(ROWS).map(table).collect() }
}
