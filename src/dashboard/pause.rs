//! Long answers in pieces, so that the executor can run other tasks in between.

use std::task::Poll;

/// The number of rows that are written without a pause: some milliseconds of work.
pub(super) const ROWS: usize = 256;

/// Yields to the other tasks of the executor.
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

/// Splits the rows of a table into tables of [`ROWS`] rows each, at least one.
pub(super) fn pieces<T, U>(rows: &[T], table: impl Fn(&[T]) -> U) -> Vec<U> {
    if rows.is_empty() { vec![table(rows)] } else { rows.chunks(ROWS).map(table).collect() }
}
