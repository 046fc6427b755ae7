//! What is done for a directory when a sink is opened on it, before anything is written.

use super::segment::{self, Format, Segment, UNFINISHED};
use super::storage::sync_dir;
use crate::record::Record;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Brings `dir`, of which we hold the lock, into order after a crash. Returns its segments and how many lines were
/// torn and cut off.
pub(super) fn recover(dir: &Path) -> io::Result<(Vec<Segment>, u64)> {
    remove_unfinished(dir)?;
    let mut torn = 0;
    let mut kept: Vec<Segment> = Vec::new();
    for segment in segment::all(dir)? {
        if kept.last().is_some_and(|plain| plain.stem == segment.stem) {
            // The plain file is whole; it was to be removed after this one was made of it.
            fs::remove_file(&segment.path)?;
            continue;
        }
        if segment.format == Format::Plain && segment.began.is_some() {
            let mut file = OpenOptions::new().read(true).append(true).open(&segment.path)?;
            torn += u64::from(mend_tail(&mut file)?);
            if file.metadata()?.len() == 0 {
                fs::remove_file(&segment.path)?;
                continue;
            }
        }
        kept.push(segment);
    }
    sync_dir(dir)?;
    Ok((kept, torn))
}

/// Removes what compression or rewriting has not finished.
fn remove_unfinished(dir: &Path) -> io::Result<()> {
    let name = format!(".jsonl{UNFINISHED}");
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|file| file.ends_with(&name)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Cuts off a last line that is not whole, and says whether there was one. A line that lacks nothing but its end is
/// ended.
fn mend_tail(file: &mut File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    let end = end_of_lines(file, length)?;
    if end == length {
        return Ok(false);
    }
    // No record is this long: what is longer is no line at all.
    const LONGEST: u64 = 1 << 20;
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(end))?;
    (&*file).take(LONGEST).read_to_end(&mut tail)?;
    let whole = Record::from_json(&tail).is_ok();
    if whole {
        file.write_all(b"\n")?;
    } else {
        file.set_len(end)?;
    }
    file.sync_all()?;
    Ok(!whole)
}

/// Where the last whole line ends.
fn end_of_lines(file: &mut File, length: u64) -> io::Result<u64> {
    const BLOCK: u64 = 1 << 16;
    let mut end = length;
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        block.clear();
        file.seek(SeekFrom::Start(start))?;
        (&*file).take(end - start).read_to_end(&mut block)?;
        if let Some(at) = memchr::memrchr(b'\n', &block) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
