//! Every order in which threads can meet at the channel behind `FileSink` and `QueueSink`, up to a bound on preemptions.
#![cfg(test)]

/// What the channel is made of, in loom's form.
mod sync {
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
}

#[path = "../../../src/sink/channel.rs"]
#[allow(dead_code, reason = "requests are answered through a channel of std's, which loom does not know")]
mod channel;

use channel::{Channel, Pushed, Queue, Tally};
use loom::sync::Arc;
use loom::thread;

/// Bytes that wait, with room for so many.
#[derive(Debug)]
struct Bytes(Vec<u8>, usize);

impl Queue for Bytes {
    const LOSS: &'static str = "were lost";

    fn waiting(&self) -> usize {
        self.0.len()
    }

    fn lost(&self) -> u64 {
        0
    }

    fn abandon(&mut self) {}
}

/// A channel whose worker is awake.
fn channel(room: usize) -> Arc<Channel<Bytes>> {
    let channel = Arc::new(Channel::new(Bytes(Vec::new(), room)));
    channel.requests();
    channel
}

fn push(channel: &Channel<Bytes>, wait: bool, line: &[u8]) -> Pushed {
    channel.push(wait, |Bytes(bytes, room)| {
        let fits = bytes.len() + line.len() <= *room;
        if fits {
            bytes.extend_from_slice(line);
        }
        fits
    })
}

/// Waits until `length` bytes wait, as a worker does, and takes them.
fn take(channel: &Channel<Bytes>, length: usize) -> Vec<u8> {
    channel.wait(length, None);
    channel.requests();
    let taken = std::mem::take(&mut channel.state().queue.0);
    channel.made_room();
    taken
}

fn explore(test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(test);
}

#[test]
fn a_sleeping_worker_is_woken_by_every_first_record_and_none_is_lost_or_doubled() {
    explore(|| {
        let channel = channel(100);
        let threads: Vec<_> = [b"a", b"b"]
            .into_iter()
            .map(|line| {
                let channel = Arc::clone(&channel);
                thread::spawn(move || assert_eq!(push(&channel, false, line), Pushed::Queued))
            })
            .collect();
        // The worker, which would sleep for ever if it was not woken: loom tells of a deadlock.
        let mut written = Vec::new();
        while written.len() < 2 {
            written.extend(take(&channel, 1));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        written.sort_unstable();
        assert_eq!(written, b"ab");
        assert_eq!(channel.state().tally, Tally { accepted: 2, ..Tally::default() });
    });
}

#[test]
fn a_worker_that_waits_for_plenty_is_woken_when_there_is() {
    explore(|| {
        let channel = channel(100);
        let other = Arc::clone(&channel);
        let thread = thread::spawn(move || {
            push(&other, false, b"aa");
            push(&other, false, b"aa");
        });
        assert_eq!(take(&channel, 4).len(), 4);
        thread.join().unwrap();
    });
}

#[test]
fn a_request_made_at_any_moment_wakes_the_worker() {
    explore(|| {
        let channel = channel(100);
        let other = Arc::clone(&channel);
        let thread = thread::spawn(move || {
            push(&other, false, b"a");
            assert!(other.request(false).is_some());
        });
        channel.wait(50, None);
        assert_eq!(channel.requests().flushes.len(), 1);
        thread.join().unwrap();
    });
}

#[test]
fn whoever_waits_for_room_gets_it_and_the_bound_is_kept() {
    explore(|| {
        let channel = channel(2);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let channel = Arc::clone(&channel);
                thread::spawn(move || assert_eq!(push(&channel, true, b"xx"), Pushed::Queued))
            })
            .collect();
        let mut written = Vec::new();
        while written.len() < 4 {
            let taken = take(&channel, 1);
            assert!(taken.len() <= 2);
            written.extend(taken);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(channel.state().tally.accepted, 2);
    });
}

#[test]
fn closing_frees_whoever_waits_and_everything_is_either_queued_or_counted() {
    explore(|| {
        let channel = channel(4);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let channel = Arc::clone(&channel);
                thread::spawn(move || {
                    let pushed = [b"xx", b"yy"].map(|line| push(&channel, true, line));
                    pushed.iter().filter(|pushed| **pushed == Pushed::Queued).count()
                })
            })
            .collect();
        channel.refuse();
        let queued: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        let state = channel.state();
        assert_eq!((state.tally.accepted, state.tally.full), (4, 0));
        assert_eq!(state.queue.waiting(), 2 * queued);
        assert_eq!(state.tally.closed, 4 - queued as u64);
    });
}

#[test]
fn without_waiting_what_finds_no_room_is_counted() {
    explore(|| {
        let channel = channel(4);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let channel = Arc::clone(&channel);
                thread::spawn(move || [b"xx", b"yy"].map(|line| push(&channel, false, line)))
            })
            .collect();
        let taken = std::mem::take(&mut channel.state().queue.0).len() as u64 / 2;
        for thread in threads {
            thread.join().unwrap();
        }
        let state = channel.state();
        assert_eq!(state.tally.accepted, 4);
        assert_eq!(taken + state.queue.waiting() as u64 / 2 + state.tally.full, 4);
        assert!(state.tally.full <= 2);
    });
}
