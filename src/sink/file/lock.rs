//! The lock of a directory, which only one sink writes to.

use super::disk::{FileId, create_private};
use super::error::named;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const NAME: &str = "writer.lock";

/// The right to write to a directory, held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    /// The file is locked while it is open.
    _file: File,
    path: PathBuf,
    id: FileId,
}

impl Lock {
    /// Locks `dir`, which is made if it is not there.
    pub(super) fn take(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir).map_err(named(dir))?;
        let path = dir.join(NAME);
        let file = open(&path).map_err(named(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { id: FileId::of(&file)?, _file: file, path }),
            Err(TryLockError::Error(e)) => Err(e),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!("another sink, here or in another process, writes to {}", dir.display()),
            )),
        }
    }

    /// Returns whether the lock file is still in the directory.
    fn is_held(&self) -> bool {
        self.id.is_at(&self.path)
    }
}

/// Opens the lock file, and makes it if it is not there. A link is not followed.
fn open(path: &Path) -> io::Result<File> {
    match create_private(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        created => return created,
    }
    let file = File::options().write(true).open(path)?;
    if FileId::of(&file)?.is_at(path) {
        return Ok(file);
    }
    Err(io::Error::other("it is a link, or was replaced just now"))
}

/// The lock that the threads of a sink share. It is free when the last of them has dropped it.
#[derive(Debug)]
pub(super) struct SharedLock {
    dir: PathBuf,
    lock: Mutex<Lock>,
}

impl SharedLock {
    /// Locks `dir`, like [`Lock::take`].
    pub(super) fn take(dir: &Path) -> io::Result<Self> {
        Ok(Self { lock: Mutex::new(Lock::take(dir)?), dir: dir.to_owned() })
    }

    /// Locks the directory again if it was removed along with the lock. It may have been made again by another sink, so this is
    /// called before anything is changed there.
    pub(super) fn assure(&self) -> io::Result<()> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if !lock.is_held() {
            *lock = Lock::take(&self.dir)?;
        }
        Ok(())
    }
}
