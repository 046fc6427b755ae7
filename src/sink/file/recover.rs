//! Repairing a directory after a crash, before a sink writes to it.

use super::disk::sync_dir;
use super::error::named;
use super::fragments::{Fragment, fragments};
use super::queue::LONGEST_LINE;
use super::segment::{self, Segment, SegmentFormat};
use serde::de::IgnoredAny;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Repairs `dir`, which is locked. Returns its segments, and how many torn lines were cut off.
pub(super) fn recover(dir: &Path) -> io::Result<(Vec<Segment>, u64)> {
    remove_unfinished(dir)?;
    let mut torn = 0;
    let mut kept: Vec<Segment> = Vec::new();
    for segment in segment::all(dir)? {
        if segment.path.is_symlink() {
            continue;
        }
        if kept.last().is_some_and(|plain| plain.stem == segment.stem) {
            // The plain file is whole: it is removed only after this one has been made from it.
            fs::remove_file(&segment.path).map_err(named(&segment.path))?;
            continue;
        }
        if segment.format == SegmentFormat::Plain && segment.began.is_some() {
            let mended = mend(&segment).map_err(named(&segment.path))?;
            torn += u64::from(mended.torn);
            if mended.empty {
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
    for entry in fs::read_dir(dir).map_err(named(dir))? {
        let entry = entry.map_err(named(dir))?;
        if segment::is_unfinished(&entry.file_name()) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path()).map_err(named(&entry.path()))?;
        }
    }
    Ok(())
}

/// What was found when a segment was mended.
struct Mended {
    torn: bool,
    /// Whether it held nothing and was removed.
    empty: bool,
}

fn mend(segment: &Segment) -> io::Result<Mended> {
    let mut file = segment.open_own()?;
    let torn = mend_tail(&mut file)?;
    let empty = file.metadata()?.len() == 0;
    if empty {
        fs::remove_file(&segment.path)?;
    }
    Ok(Mended { torn, empty })
}

/// Cuts off what comes after the last whole record of a last line that has no end, ends the line after that record, and
/// returns whether anything was cut off. Only as much of the line is searched as readers read.
fn mend_tail(file: &mut File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    let end = end_of_lines(file, length)?;
    if end == length {
        return Ok(false);
    }
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(end))?;
    (&*file).take((length - end).min(LONGEST_LINE as u64)).read_to_end(&mut tail)?;
    let whole = end_of_records(&tail) as u64;
    let torn = end + whole < length;
    if torn {
        file.set_len(end + whole)?;
    }
    if whole > 0 {
        file.write_all(b"\n")?;
    }
    file.sync_all()?;
    Ok(torn)
}

/// Returns where the last whole record of a line ends that readers would find; 0 if there is none. A record of another version
/// is whole if its JSON is.
fn end_of_records(line: &[u8]) -> usize {
    let mut end = 0;
    for Fragment { text, start, .. } in fragments(line) {
        // A record may contain what looks like the beginning of another.
        if start >= end && text.starts_with(b"{") {
            let rest = line.get(start..).unwrap_or_default();
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
            if matches!(values.next(), Some(Ok(_))) {
                end = start + values.byte_offset();
            }
        }
    }
    end
}

/// Returns where the last whole line ends.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_record_of_a_line_is_found_among_torn_ones() {
        let end = |line: &str| line.get(..end_of_records(line.as_bytes())).unwrap().to_owned();
        for (line, kept) in [
            (r#"{"v":1,"a":1}"#, r#"{"v":1,"a":1}"#),
            (r#"{"v":1}{"v":1}"#, r#"{"v":1}{"v":1}"#),
            (r#"{"v":1,"a{"v":1}"#, r#"{"v":1,"a{"v":1}"#),
            (r#"{"v":1}{"v":1,"a"#, r#"{"v":1}"#),
            (r#"{"v":1,"a{"v":1}{"v":1,"a"#, r#"{"v":1,"a{"v":1}"#),
            ("{\"v\":1}\0", r#"{"v":1}"#),
            (r#"{"v":2,"a":{"v":1},"b":3}"#, r#"{"v":2,"a":{"v":1},"b":3}"#),
            (r#"{"v":1,"a":"{\"v\":1}"#, ""),
            ("17", ""),
            ("\0\0", ""),
        ] {
            assert_eq!(end(line), kept, "{line}");
        }
    }
}
