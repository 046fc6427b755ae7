//! A disk that is really full: a small tmpfs, where the machine lets us mount one.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};
use tower_llm_metrics::MetricsSink;
use tower_llm_metrics::record::Record;
use tower_llm_metrics::sink::file::{FileSink, FileStats, RecordLog};

struct Mount(PathBuf);

impl Mount {
    fn new() -> Option<Self> {
        let path = std::env::temp_dir().join(format!("tower-llm-metrics-full-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"]).arg(&path).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        mounted.then_some(Self(path))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn adds_up(sink: &FileSink) -> FileStats {
    let stats = sink.stats();
    assert_eq!(stats.accepted, stats.written + stats.queued + stats.dropped.total(), "{stats:?}");
    stats
}

#[test]
fn a_full_disk_costs_nothing_that_the_queue_can_hold() {
    let Some(mount) = Mount::new() else {
        println!("skipped: this machine does not let us mount a tmpfs");
        return;
    };
    let ballast = mount.0.join("ballast");
    std::fs::write(&ballast, vec![0; 256 << 10]).unwrap();
    let dir = mount.0.join("records");
    let sink = FileSink::builder(&dir).queue_bytes(1 << 20).segment_bytes(64 << 10).open().unwrap();

    let full = loop {
        (0..100).for_each(|_| sink.record(&Record::new(SystemTime::now())));
        adds_up(&sink);
        if let Err(e) = sink.flush() {
            break e;
        }
    };
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    let stats = adds_up(&sink);
    assert!(stats.written > 100 && stats.queued > 0 && stats.errors > 0, "{stats:?}");

    std::fs::remove_file(ballast).unwrap();
    sink.flush().unwrap();
    let stats = adds_up(&sink);
    assert_eq!((stats.written, stats.synced, stats.dropped.total()), (stats.accepted, stats.accepted, 0));

    // And without end: what the queue cannot hold is dropped and counted, what was written stays readable.
    while sink.stats().dropped.full == 0 {
        (0..100).for_each(|_| sink.record(&Record::new(SystemTime::now())));
        adds_up(&sink);
    }
    let error = sink.close(Duration::from_millis(50)).unwrap_err();
    assert!(error.left() > 0 && error.to_string().contains("records are not safe on the disk"), "{error}");
    let stats = adds_up(&sink);
    let read = RecordLog::open(&dir).unwrap().records().unwrap().map(Result::unwrap).count();
    assert_eq!(read as u64, stats.written);
}
