//! The bounded queue between those who record and the one thread that writes.
//!
//! Lines are gathered in a few buffers, so that two threads rarely meet at one lock. The writer swaps a full buffer
//! for an empty one: nothing is allocated and nothing is sent per line.

use super::sync::{AtomicUsize, Condvar, Mutex, MutexGuard, Ordering};
use std::sync::PoisonError;
use std::time::Duration;

/// Lines on their way to the disk.
#[derive(Debug)]
pub(super) struct Queue {
    shards: Box<[Shard]>,
    /// How many bytes a shard may hold.
    capacity: usize,
    /// Whether to wait for room rather than to refuse.
    block: bool,
    /// The length of a shard at which the writer wants to be woken; [`AWAKE`] when it is not asleep.
    wake_at: AtomicUsize,
    woken: Mutex<bool>,
    wake: Condvar,
    /// Counts how often room was made.
    room: Mutex<u64>,
    more_room: Condvar,
}

const AWAKE: usize = usize::MAX;

/// As long as a line may be: no record is, unless the application makes one of thousands of passes, and readers take no longer
/// one.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// A shard has cache lines of its own, so that threads do not disturb one another.
#[derive(Debug)]
#[repr(align(128))]
struct Shard(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    batch: Batch,
    closed: bool,
    tally: Tally,
}

/// Whole lines, and how many.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) lines: Vec<u8>,
    pub(super) records: u64,
}

impl Batch {
    /// Adds a line that fits into `limit` bytes, without growing beyond them.
    fn append(&mut self, line: &[u8], limit: usize) {
        let needed = self.lines.len() + line.len();
        if self.lines.capacity() < needed {
            let target = needed.saturating_mul(2).max(1 << 12).min(limit).max(needed);
            self.lines.reserve_exact(target - self.lines.len());
        }
        self.lines.extend_from_slice(line);
        self.records += 1;
    }

    /// Forgets the lines. Of room that was hardly used, a half is given back.
    pub(super) fn clear(&mut self) {
        const KEPT: usize = 1 << 20;
        let (used, room) = (self.lines.len(), self.lines.capacity());
        self.lines.clear();
        self.records = 0;
        if room > KEPT && used < room / 4 {
            self.lines.shrink_to(room / 2);
        }
    }
}

/// What a queue has seen and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Everything that was offered.
    pub(super) accepted: u64,
    /// Refused because there was no room.
    pub(super) full: u64,
    /// Refused because the queue was closed.
    pub(super) closed: u64,
    /// Waiting.
    pub(super) queued: u64,
    /// The bytes of those that wait.
    pub(super) bytes: usize,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued,
    Full,
    Closed,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// A queue of `shards` buffers that hold `capacity` bytes together.
    pub(super) fn new(shards: usize, capacity: usize, block: bool) -> Self {
        let shards = shards.max(1);
        Self {
            capacity: capacity / shards,
            shards: (0..shards).map(|_| Shard(Mutex::new(Held::default()))).collect(),
            block,
            wake_at: AtomicUsize::new(AWAKE),
            woken: Mutex::new(false),
            wake: Condvar::new(),
            room: Mutex::new(0),
            more_room: Condvar::new(),
        }
    }

    pub(super) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// How many bytes one shard may hold.
    pub(super) fn shard_capacity(&self) -> usize {
        self.capacity
    }

    fn longest_line(&self) -> usize {
        self.capacity.min(LONGEST_LINE)
    }

    /// Takes `line`, into the shard of `slot` or, when that is full, into another one.
    pub(super) fn push(&self, slot: usize, line: &[u8]) -> Pushed {
        loop {
            let seen = if self.block { *lock(&self.room) } else { 0 };
            match self.offer(slot, line) {
                Pushed::Full if self.block && line.len() <= self.longest_line() => self.wait_for_room(seen),
                pushed => return pushed,
            }
        }
    }

    fn offer(&self, slot: usize, line: &[u8]) -> Pushed {
        let own = slot % self.shards.len();
        let (before, after) = self.shards.split_at_checked(own).unwrap_or((&[], &self.shards));
        for shard in after.iter().chain(before) {
            let mut held = lock(&shard.0);
            if held.closed {
                held.tally.accepted += 1;
                held.tally.closed += 1;
                return Pushed::Closed;
            }
            if line.len() <= self.longest_line() && held.batch.lines.len() + line.len() <= self.capacity {
                held.batch.append(line, self.capacity);
                held.tally.accepted += 1;
                let wake = held.batch.lines.len() >= self.wake_at.load(Ordering::Relaxed);
                drop(held);
                if wake {
                    self.wake_if_asleep();
                }
                return Pushed::Queued;
            }
        }
        // Whoever is going to wait is counted when there is room.
        if (!self.block || line.len() > self.longest_line())
            && let Some(shard) = after.first()
        {
            let mut held = lock(&shard.0);
            held.tally.accepted += 1;
            held.tally.full += 1;
        }
        Pushed::Full
    }

    fn wait_for_room(&self, seen: u64) {
        self.wake();
        let mut room = lock(&self.room);
        while *room == seen {
            room = self.more_room.wait(room).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn made_room(&self) {
        if self.block {
            *lock(&self.room) += 1;
            self.more_room.notify_all();
        }
    }

    fn wake_if_asleep(&self) {
        if self.wake_at.swap(AWAKE, Ordering::Relaxed) != AWAKE {
            self.wake();
        }
    }

    /// Wakes the writer, or keeps it from falling asleep the next time.
    pub(super) fn wake(&self) {
        *lock(&self.woken) = true;
        self.wake.notify_one();
    }

    /// Waits until a shard holds `length` bytes, [`Queue::wake`] is called or `timeout` has passed. For the writer.
    pub(super) fn wait(&self, length: usize, timeout: Option<Duration>) {
        // A swap rather than a store, here and below: all changes are then in one order, in which every recorder that
        // finds the writer asleep wakes it. The model checker insists.
        self.wake_at.swap(length.min(AWAKE - 1), Ordering::Relaxed);
        // Whoever pushes after this look has locked the shard after us and so sees what was just stored.
        if self.longest() < length {
            let mut woken = lock(&self.woken);
            while !*woken {
                woken = match timeout {
                    None => self.wake.wait(woken).unwrap_or_else(PoisonError::into_inner),
                    Some(timeout) => {
                        self.wake.wait_timeout(woken, timeout).unwrap_or_else(PoisonError::into_inner).0
                    }
                };
                if timeout.is_some() {
                    break; // Woken for nothing or not, the writer looks again.
                }
            }
            *woken = false;
        }
        self.wake_at.swap(AWAKE, Ordering::Relaxed);
    }

    /// The length of the longest shard.
    pub(super) fn longest(&self) -> usize {
        self.shards.iter().map(|shard| lock(&shard.0).batch.lines.len()).max().unwrap_or(0)
    }

    /// Swaps what shard `index` holds for the empty `batch`. For the writer.
    pub(super) fn swap(&self, index: usize, batch: &mut Batch) {
        if let Some(shard) = self.shards.get(index) {
            std::mem::swap(&mut lock(&shard.0).batch, batch);
            self.made_room();
        }
    }

    /// Refuses everything from now on. What is held stays.
    pub(super) fn close(&self) {
        for shard in &self.shards {
            lock(&shard.0).closed = true;
        }
        self.made_room();
        self.wake();
    }

    pub(super) fn tally(&self) -> Tally {
        self.shards.iter().fold(Tally::default(), |sum, shard| {
            let held = lock(&shard.0);
            Tally {
                accepted: sum.accepted + held.tally.accepted,
                full: sum.full + held.tally.full,
                closed: sum.closed + held.tally.closed,
                queued: sum.queued + held.batch.records,
                bytes: sum.bytes + held.batch.lines.len(),
            }
        })
    }
}
