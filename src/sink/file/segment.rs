//! Segments, their names, and listing them.

use super::disk::FileId;
use super::error::named;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const PREFIX: &str = "records-";
const PLAIN: &str = ".jsonl";
const TIME: &str = "%Y%m%dT%H%M%S.%6fZ";
/// Marks a file that replaces its segment when it is whole.
const UNFINISHED: &str = ".tmp";

/// How a segment's bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SegmentFormat {
    Plain,
    Gzip,
    Zstd,
}

impl SegmentFormat {
    pub(super) const ALL: [Self; 3] = [Self::Plain, Self::Gzip, Self::Zstd];

    /// Returns what follows `.jsonl`.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}

/// A file of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// The name without what the compression adds to it.
    pub(super) stem: String,
    pub(super) format: SegmentFormat,
    /// When a sink began it; `None` when the name is not one that a sink gives.
    pub(super) began: Option<SystemTime>,
}

impl Segment {
    fn from_path(path: PathBuf) -> Option<Self> {
        let name = path.file_name().and_then(OsStr::to_str)?;
        let (stem, format) = SegmentFormat::ALL.into_iter().find_map(|format| {
            let stem = name.strip_suffix(format.suffix())?;
            stem.ends_with(PLAIN).then(|| (stem.to_owned(), format))
        })?;
        let began = time_of(&stem);
        Some(Self { path, stem, format, began })
    }

    /// Returns the path of the same segment in another format.
    pub(super) fn path_as(&self, format: SegmentFormat) -> PathBuf {
        self.path.with_file_name(format!("{}{}", self.stem, format.suffix()))
    }

    /// Returns where the segment is written anew before it is replaced: a name that only a sink gives.
    pub(super) fn unfinished(&self) -> PathBuf {
        let stem = if self.began.is_some() { &self.stem } else { "records-19700101T000000.000000Z.jsonl" };
        self.path.with_file_name(format!("{stem}{UNFINISHED}"))
    }

    /// Opens the file to read and write it, unless it is a link to one elsewhere.
    pub(super) fn open_own(&self) -> io::Result<File> {
        let file = File::options().read(true).append(true).open(&self.path)?;
        if FileId::of(&file)?.is_at(&self.path) {
            return Ok(file);
        }
        Err(io::Error::other("it is a link to a file elsewhere"))
    }
}

/// Lists the segments in `dir` in the order of their names, which is that of time. Where a crash has left a segment in two
/// formats, between the making of one and the removal of the other, only the plain one is listed.
pub(super) fn list(dir: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = all(dir)?;
    segments.dedup_by(|later, kept| later.stem == kept.stem);
    Ok(segments)
}

/// Lists the segments like [`list`], but in both formats where there are two, the plain one first. Directories and pipes are
/// left out.
pub(super) fn all(dir: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(named(dir))? {
        let segment = Segment::from_path(entry.map_err(named(dir))?.path());
        segments.extend(segment.filter(|segment| segment.path.metadata().map_or(true, |it| it.is_file())));
    }
    segments.sort_by(|a, b| (&a.stem, a.format).cmp(&(&b.stem, b.format)));
    Ok(segments)
}

/// Returns whether a sink has left the file of this name unfinished.
pub(super) fn is_unfinished(name: &OsStr) -> bool {
    name.to_str().and_then(|name| name.strip_suffix(UNFINISHED)).and_then(time_of).is_some()
}

fn time_of(stem: &str) -> Option<SystemTime> {
    let text = stem.strip_prefix(PREFIX)?.strip_suffix(PLAIN)?;
    let at = jiff::civil::DateTime::strptime(TIME, text).ok()?;
    jiff::tz::Offset::UTC.to_timestamp(at).ok()?.try_into().ok()
}

/// Names segments by the time when they begin. Each name is later than the one before, whatever the clock does.
#[derive(Debug)]
pub(super) struct SegmentNames {
    last: jiff::Timestamp,
}

impl SegmentNames {
    /// Starts after the names of `segments`.
    pub(super) fn after(segments: &[Segment]) -> Self {
        let last =
            segments.iter().filter_map(|segment| segment.began).max().unwrap_or(SystemTime::UNIX_EPOCH);
        Self { last: timestamp(last) }
    }

    pub(super) fn next(&mut self, now: SystemTime) -> String {
        const STEP: Duration = Duration::from_micros(1);
        self.last = timestamp(now).max(self.last.checked_add(STEP).unwrap_or(self.last));
        let at = jiff::tz::Offset::UTC.to_datetime(self.last);
        format!("{PREFIX}{}{PLAIN}", at.strftime(TIME))
    }
}

fn timestamp(time: SystemTime) -> jiff::Timestamp {
    jiff::Timestamp::try_from(time.max(SystemTime::UNIX_EPOCH)).unwrap_or(jiff::Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn names_tell_the_time_and_sort_by_it_even_when_the_clock_steps_back() {
        let mut names = SegmentNames::after(&[]);
        let first = names.next(at(1_750_000_000));
        assert_eq!(first, "records-20250615T150640.000000Z.jsonl");
        let second = names.next(at(1_650_000_000));
        let third = names.next(at(1_750_000_001));
        assert!(first < second && second < third, "{first} {second} {third}");
        assert_eq!(time_of(&first), Some(at(1_750_000_000)));
    }

    #[test]
    fn names_go_on_after_those_that_are_there() {
        let there = Segment::from_path("d/records-20250615T150640.000000Z.jsonl.zst".into()).unwrap();
        assert_eq!((there.began, there.format), (Some(at(1_750_000_000)), SegmentFormat::Zstd));
        assert!(SegmentNames::after(std::slice::from_ref(&there)).next(at(0)) > there.stem);
    }

    #[test]
    fn other_files_are_not_segments_and_foreign_ones_have_no_time() {
        for name in ["writer.lock", "records-x.jsonl.tmp", "a.json", "a.jsonl.xz"] {
            assert_eq!(Segment::from_path(name.into()), None, "{name}");
        }
        let imported = Segment::from_path("old/import.jsonl.gz".into()).unwrap();
        assert_eq!((imported.began, imported.stem.as_str()), (None, "import.jsonl"));
    }
}
