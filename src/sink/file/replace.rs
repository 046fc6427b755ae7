//! Replacing a segment by a new file, whole or not at all.

use super::disk::{create_private, sync_dir};
use super::segment::Segment;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file that is written beside a segment, and removed unless it is put in place.
#[derive(Debug)]
pub(super) struct Replacement {
    path: PathBuf,
    file: File,
    /// When the segment was last written to, from which its age is counted.
    modified: SystemTime,
    put: bool,
}

impl Replacement {
    /// Makes an empty file beside `segment`, which is open as `file`.
    pub(super) fn of(segment: &Segment, file: &File) -> io::Result<Self> {
        let path = segment.unfinished();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let modified = file.metadata()?.modified()?;
        Ok(Self { file: create_private(&path)?, path, modified, put: false })
    }

    /// Returns the file to write to.
    pub(super) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Brings the file to the disk and renames it to `path`.
    pub(super) fn put(mut self, path: &Path) -> io::Result<()> {
        self.file.set_modified(self.modified)?;
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        self.put = true;
        path.parent().map_or(Ok(()), sync_dir)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.put {
            // If this fails, the file is removed when the directory is opened the next time.
            let _ = fs::remove_file(&self.path);
        }
    }
}
