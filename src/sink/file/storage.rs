//! The file system as the writer needs it. Tests replace it by one that fails.

use super::disk::{FileId, create_private, sync_dir};
use super::lock::SharedLock;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// Makes segments.
pub(super) trait Storage: Send + 'static {
    /// Makes an empty segment whose name outlives a crash.
    fn create(&mut self, name: &str) -> io::Result<Box<dyn SegmentFile>>;
}

/// A segment that is being written.
pub(super) trait SegmentFile: Send + 'static {
    /// Appends a part of `bytes` and returns its length.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Brings everything that was appended to the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Returns whether the file is still there under its name.
    fn is_linked(&self) -> bool;
}

/// A directory that only this sink writes to.
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
        Ok(Box::new(OnDisk { id: FileId::of(&file)?, file, path }))
    }
}

struct OnDisk {
    file: File,
    path: PathBuf,
    id: FileId,
}

impl SegmentFile for OnDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn is_linked(&self) -> bool {
        self.id.is_at(&self.path)
    }
}
