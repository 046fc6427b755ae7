//! The threads of a sink: one that writes, and one that keeps closed segments when there is something to do for it.

use super::keep::Keeper;
use super::shared::Shared;
use super::storage::Storage;
use super::writer::{Next, Writer};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Starts the thread that writes. It ends after the channel is closed.
pub(super) fn write<S: Storage>(
    shared: Arc<Shared>,
    writer: Writer<S>,
    keeping: Option<Keeping>,
) -> io::Result<JoinHandle<()>> {
    Builder::new().name("llm-metrics-file".to_owned()).spawn(move || {
        // Dropped in the other order: the file and the lock are free before anybody hears of the end, and that the
        // end is heard of does not depend on how it came.
        let ending = Ending(shared);
        let keeping = keeping;
        let mut writer = writer;
        let started = Instant::now();
        while let Next::Sleep { length, until } = writer.turn(started.elapsed()) {
            if writer.take_sealed()
                && let Some(keeping) = &keeping
            {
                keeping.start();
            }
            let timeout = until.map(|until| until.saturating_sub(started.elapsed()));
            if timeout != Some(Duration::ZERO) {
                ending.0.channel.state().wake_at = length;
                ending.0.channel.wait(timeout);
            }
        }
    })
}

struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.channel.end();
    }
}

/// The thread that compresses and removes closed segments. Dropping it stops it, between two blocks of a file.
#[derive(Debug)]
pub(super) struct Keeping {
    work: Option<SyncSender<()>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Keeping {
    /// How often segments are looked at when none is closed.
    const AT_LEAST: Duration = Duration::from_secs(3600);

    pub(super) fn new(keeper: Keeper) -> io::Result<Self> {
        let (work, orders) = sync_channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let started = Instant::now();
        let thread = Builder::new().name("llm-metrics-keep".to_owned()).spawn(move || {
            loop {
                keeper.run(started.elapsed(), &stopped);
                match orders.recv_timeout(Self::AT_LEAST) {
                    Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self { work: Some(work), stop, thread: Some(thread) })
    }

    /// Asks for a look at the closed segments.
    fn start(&self) {
        if let Some(work) = &self.work {
            // One order waits already when the channel is full.
            let _ = work.try_send(());
        }
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.work.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to say; a panic in it has been printed.
            let _ = thread.join();
        }
    }
}
