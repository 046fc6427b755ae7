//! What becomes of closed segments: compression and removal.

use super::codec::{self, Encoder};
use super::lock::SharedLock;
use super::options::FileSinkBuilder;
use super::replace::Replacement;
use super::segment::{Format, Segment};
use super::shared::Shared;
use super::storage::sync_dir;
use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

/// Compresses closed segments and removes old ones.
#[derive(Debug)]
pub(super) struct Keeper {
    dir: PathBuf,
    lock: Arc<SharedLock>,
    shared: Arc<Shared>,
    /// The time of day when the sink was opened: a step of the clock must not make everything old.
    opened: SystemTime,
    compress: Option<Format>,
    keep_for: Option<Duration>,
    keep_bytes: Option<u64>,
}

impl Keeper {
    /// A keeper, when the options leave something to do for it.
    pub(super) fn new(
        options: &FileSinkBuilder,
        lock: Arc<SharedLock>,
        shared: Arc<Shared>,
        opened: SystemTime,
    ) -> Option<Self> {
        let keeper = Self {
            dir: options.dir.clone(),
            lock,
            shared,
            opened,
            compress: options.compression.format(),
            keep_for: options.keep_for,
            keep_bytes: options.keep_bytes,
        };
        (keeper.compress.is_some() || keeper.keep_for.is_some() || keeper.keep_bytes.is_some())
            .then_some(keeper)
    }

    /// Looks at all closed segments, `now` after the sink was opened.
    pub(super) fn run(&self, now: Duration, stop: &AtomicBool) {
        let _alone = self.shared.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let assured = self.lock.assure();
        if let Err(e) = assured.and_then(|()| self.remove_old(now)).and_then(|()| self.compress(stop)) {
            self.shared.failed(&e);
        }
    }

    /// The closed segments that a sink has made. Files of other names, and what links lead to, are not ours to change.
    fn segments(&self) -> io::Result<Vec<Segment>> {
        let mut segments = self.shared.closed_segments(&self.dir)?;
        segments.retain(|segment| segment.began.is_some() && !segment.path.is_symlink());
        Ok(segments)
    }

    fn compress(&self, stop: &AtomicBool) -> io::Result<()> {
        let Some(format) = self.compress else { return Ok(()) };
        for segment in self.segments()?.iter().filter(|segment| segment.format == Format::Plain) {
            if !compress(segment, format, stop)? {
                break;
            }
            self.shared.count(|ledger| ledger.compressed += 1);
        }
        Ok(())
    }

    fn remove_old(&self, now: Duration) -> io::Result<()> {
        if self.keep_for.is_none() && self.keep_bytes.is_none() {
            return Ok(());
        }
        let segments = self.segments()?;
        let sizes = segments.iter().map(|segment| fs::metadata(&segment.path));
        let files = sizes.map(|file| Ok((file.as_ref().map_or(0, fs::Metadata::len), file?.modified()?)));
        let files: Vec<(u64, SystemTime)> = files.collect::<io::Result<_>>()?;
        let mut total: u64 = files.iter().map(|(bytes, _)| bytes).sum();
        for (segment, (bytes, written)) in segments.iter().zip(files) {
            let age = (self.opened + now).duration_since(written).unwrap_or_default();
            let old = self.keep_for.is_some_and(|limit| age > limit);
            let over = self.keep_bytes.is_some_and(|limit| total > limit);
            if old || over {
                fs::remove_file(&segment.path)?;
                total -= bytes;
                self.shared.count(|ledger| ledger.removed += 1);
            }
        }
        sync_dir(&self.dir)
    }
}

/// Stores a plain segment in another form. Says whether it was not stopped.
fn compress(segment: &Segment, format: Format, stop: &AtomicBool) -> io::Result<bool> {
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
