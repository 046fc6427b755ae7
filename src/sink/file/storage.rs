//! The file system, as far as the writer needs it. Tests put one in its place that fails.

use super::lock::SharedLock;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where segments are made.
pub(super) trait Storage: Send + 'static {
    /// Makes an empty segment whose name outlives a crash.
    fn create(&mut self, name: &str) -> io::Result<Box<dyn SegmentFile>>;
}

/// A segment that is being written.
pub(super) trait SegmentFile: Send + 'static {
    /// Appends a part of `bytes` and says how much.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Brings everything that was appended to the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Whether the file is still to be found under its name.
    fn is_linked(&self) -> bool;
}

/// A directory of which this process is the one writer.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: Arc<SharedLock>,
}

impl Directory {
    pub(super) fn new(path: PathBuf, lock: Arc<SharedLock>) -> Self {
        Self { path, lock }
    }
}

impl Storage for Directory {
    fn create(&mut self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        self.lock.assure()?;
        let path = self.path.join(name);
        let file = create_private(&path)?;
        sync_dir(&self.path)?;
        let identity = identity(&file.metadata()?);
        Ok(Box::new(OnDisk { file, path, identity }))
    }
}

struct OnDisk {
    file: File,
    path: PathBuf,
    identity: Identity,
}

impl SegmentFile for OnDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn is_linked(&self) -> bool {
        is_there(&self.path, self.identity)
    }
}

/// A new file that only its owner can read.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Brings the names in `dir` to the disk, where directories can be synced.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Whether the file at `path`, and not one that it is a link to, is the one of this identity.
pub(super) fn is_there(path: &Path, file: Identity) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|there| !there.is_symlink() && identity(&there) == file)
}

/// What tells a file from another one of its name.
#[cfg(unix)]
pub(super) type Identity = (u64, u64);
#[cfg(not(unix))]
pub(super) type Identity = ();

#[cfg(unix)]
pub(super) fn identity(metadata: &std::fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
pub(super) fn identity(_: &std::fs::Metadata) -> Identity {}
