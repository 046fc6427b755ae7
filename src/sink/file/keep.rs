//! Compressing and removing closed segments.

use super::codec::{self, Encoder};
use super::disk::sync_dir;
use super::lock::SharedLock;
use super::replace::Replacement;
use super::segment::{Segment, SegmentFormat};
use super::shared::FileShared;
use crate::sink::thread::Thread;
use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// What a keeper does with closed segments.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeeperOptions {
    pub(super) compress: Option<SegmentFormat>,
    pub(super) keep_for: Option<Duration>,
    pub(super) keep_bytes: Option<u64>,
}

impl KeeperOptions {
    /// Returns whether there is anything to do.
    pub(super) fn is_needed(&self) -> bool {
        self.compress.is_some() || self.keep_for.is_some() || self.keep_bytes.is_some()
    }
}

/// Compresses closed segments and removes old ones.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) dir: PathBuf,
    pub(super) lock: Arc<SharedLock>,
    pub(super) shared: Arc<FileShared>,
    /// The time of day when the sink was opened. It is not asked again, so that a step of the clock does not make all segments
    /// old.
    pub(super) opened: SystemTime,
    pub(super) options: KeeperOptions,
}

impl Keeper {
    /// Goes through all closed segments, `now` after the sink was opened.
    fn run(&self, now: Duration, stop: &AtomicBool) {
        let _alone = self.shared.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let assured = self.lock.assure();
        if let Err(e) = assured.and_then(|()| self.remove_old(now)).and_then(|()| self.compress(stop)) {
            self.shared.failed(e);
        }
    }

    /// Returns the closed segments that a sink has made. Files of other names and links are left alone.
    fn segments(&self) -> io::Result<Vec<Segment>> {
        let mut segments = self.shared.closed_segments(&self.dir)?;
        segments.retain(|segment| segment.began.is_some() && !segment.path.is_symlink());
        Ok(segments)
    }

    fn compress(&self, stop: &AtomicBool) -> io::Result<()> {
        let Some(format) = self.options.compress else { return Ok(()) };
        for segment in self.segments()?.iter().filter(|segment| segment.format == SegmentFormat::Plain) {
            if !compress(segment, format, stop)? {
                break;
            }
            self.shared.count(|ledger| ledger.compressed += 1);
        }
        Ok(())
    }

    fn remove_old(&self, now: Duration) -> io::Result<()> {
        let KeeperOptions { keep_for, keep_bytes, .. } = self.options;
        if keep_for.is_none() && keep_bytes.is_none() {
            return Ok(());
        }
        let segments = self.segments()?;
        let sizes = segments.iter().map(|segment| fs::metadata(&segment.path));
        let files = sizes.map(|file| Ok((file.as_ref().map_or(0, fs::Metadata::len), file?.modified()?)));
        let files: Vec<(u64, SystemTime)> = files.collect::<io::Result<_>>()?;
        let mut total: u64 = files.iter().map(|(bytes, _)| bytes).sum();
        for (segment, (bytes, written)) in segments.iter().zip(files) {
            let age = (self.opened + now).duration_since(written).unwrap_or_default();
            let old = keep_for.is_some_and(|limit| age > limit);
            let over = keep_bytes.is_some_and(|limit| total > limit);
            if old || over {
                fs::remove_file(&segment.path)?;
                total -= bytes;
                self.shared.count(|ledger| ledger.removed += 1);
            }
        }
        sync_dir(&self.dir)
    }
}

/// Compresses a plain segment. Returns false if it was stopped.
fn compress(segment: &Segment, format: SegmentFormat, stop: &AtomicBool) -> io::Result<bool> {
    let file = segment.open_own()?;
    let mut lines = codec::reader(file.try_clone()?, segment.format)?;
    let replacement = Replacement::of(segment, &file)?;
    let mut encoder = Encoder::new(replacement.file()?, format)?;
    let mut block = vec![0; 1 << 18];
    loop {
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        match lines.read(&mut block)? {
            0 => break,
            length => encoder.write_all(block.get(..length).unwrap_or_default())?,
        }
    }
    encoder.finish()?;
    replacement.put(&segment.path_as(format))?;
    fs::remove_file(&segment.path)?;
    Ok(true)
}

/// The thread of a keeper. Dropping it stops the keeper, even in the middle of a segment.
#[derive(Debug)]
pub(super) struct KeeperThread {
    wake: Option<SyncSender<()>>,
    stop: Arc<AtomicBool>,
    thread: Thread,
}

impl KeeperThread {
    /// How often the keeper runs when no segment is closed.
    const AT_LEAST: Duration = Duration::from_secs(3600);

    pub(super) fn start(keeper: Keeper) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let started = Instant::now();
        let thread = Thread::start("llm-metrics-keep", move || {
            loop {
                keeper.run(started.elapsed(), &stopped);
                match woken.recv_timeout(Self::AT_LEAST) {
                    Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self { wake: Some(wake), stop, thread })
    }

    /// Makes the keeper run.
    pub(super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            // When the channel is full, the keeper is about to run anyway.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for KeeperThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.wake.take());
        self.thread.join();
    }
}
