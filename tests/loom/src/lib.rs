//! Every order in which threads can meet at the queue of `FileSink`, up to a bound on preemptions.
#![cfg(test)]

/// What the queue is made of, in loom's form.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicUsize, Ordering};
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
}

#[path = "../../../src/sink/file/queue.rs"]
mod queue;

use loom::sync::Arc;
use loom::thread;
use queue::{Batch, Pushed, Queue, Tally};

fn explore(test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(test);
}

/// Takes everything that the queue holds.
fn drain(queue: &Queue, into: &mut Vec<u8>) -> u64 {
    let mut taken = 0;
    for shard in 0..queue.shards() {
        let mut batch = Batch::default();
        queue.swap(shard, &mut batch);
        taken += batch.records;
        into.extend_from_slice(&batch.lines);
        batch.clear();
    }
    taken
}

#[test]
fn a_sleeping_writer_is_woken_by_every_first_record_and_none_is_lost_or_doubled() {
    explore(|| {
        let queue = Arc::new(Queue::new(2, 100, false));
        let threads: Vec<_> = [b"a", b"b"]
            .into_iter()
            .enumerate()
            .map(|(slot, line)| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || assert_eq!(queue.push(slot, line), Pushed::Queued))
            })
            .collect();
        // The writer, which would sleep for ever if it was not woken: loom tells of a deadlock.
        let mut written = Vec::new();
        while written.len() < 2 {
            queue.wait(1, None);
            drain(&queue, &mut written);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        written.sort_unstable();
        assert_eq!(written, b"ab");
        assert_eq!(queue.tally(), Tally { accepted: 2, ..Tally::default() });
    });
}

#[test]
fn a_writer_that_waits_for_plenty_is_woken_when_there_is() {
    explore(|| {
        let queue = Arc::new(Queue::new(1, 100, false));
        let other = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            other.push(0, b"aa");
            other.push(0, b"aa");
        });
        queue.wait(4, None);
        assert!(queue.longest() >= 4);
        thread.join().unwrap();
    });
}

#[test]
fn an_order_given_at_any_moment_wakes_the_writer() {
    explore(|| {
        let queue = Arc::new(Queue::new(1, 100, false));
        let other = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            other.push(0, b"a");
            other.wake();
        });
        queue.wait(50, None);
        thread.join().unwrap();
    });
}

#[test]
fn whoever_waits_for_room_gets_it_and_the_bound_is_kept() {
    explore(|| {
        let queue = Arc::new(Queue::new(1, 2, true));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || assert_eq!(queue.push(0, b"xx"), Pushed::Queued))
            })
            .collect();
        let mut written = Vec::new();
        while written.len() < 4 {
            queue.wait(1, None);
            assert!(queue.tally().bytes <= 2);
            drain(&queue, &mut written);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(queue.tally().accepted, 2);
    });
}

#[test]
fn closing_frees_whoever_waits_and_everything_is_either_queued_or_counted() {
    explore(|| {
        let queue = Arc::new(Queue::new(2, 4, true));
        let threads: Vec<_> = (0..2)
            .map(|slot| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    let first = queue.push(slot, b"xx");
                    let second = queue.push(slot, b"yy");
                    [first, second].iter().filter(|pushed| **pushed == Pushed::Queued).count() as u64
                })
            })
            .collect();
        queue.close();
        let queued: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        let tally = queue.tally();
        assert_eq!((tally.accepted, tally.queued, tally.full), (4, queued, 0));
        assert_eq!(tally.accepted, tally.queued + tally.closed);
        assert_eq!(drain(&queue, &mut Vec::new()), queued);
    });
}

#[test]
fn without_waiting_what_finds_no_room_is_counted() {
    explore(|| {
        let queue = Arc::new(Queue::new(2, 4, false));
        let threads: Vec<_> = (0..2)
            .map(|slot| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    queue.push(slot, b"xx");
                    queue.push(slot, b"yy");
                })
            })
            .collect();
        let mut written = Vec::new();
        let taken = drain(&queue, &mut written);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let tally = queue.tally();
        assert_eq!(tally.accepted, 4);
        assert_eq!(taken + tally.queued + tally.full, 4);
        assert!(tally.full <= 2, "another shard's room is used as well");
    });
}
