//! A disk that is full: what could not be written is named, and the next run goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::corpus::Corpus;
use crate::program::{Home, command_at, ended, seen_at};

/// A file system of its own, as large as it is told to be.
struct SmallDisk {
    at: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount(kib: u32) -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let size = format!("size={kib}k");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(at.path())
            .output();
        mount.is_ok_and(|o| o.status.success()).then_some(Self { at })
    }

    fn enlarge(&self, kib: u32) {
        let size = format!("remount,size={kib}k");
        let done = Command::new("mount").args(["-o", &size]).arg(self.at.path()).status();
        assert!(done.unwrap().success());
    }

    fn home(&self) -> PathBuf {
        self.at.path().join("home")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.at.path()).status());
    }
}

fn ingest(home: &Path, corpus: &Corpus) -> (Option<i32>, String) {
    let mut command = command_at(home, ["ingest"]);
    let ended = ended(command.arg(corpus.path()).output().unwrap());
    (ended.code, ended.err)
}

/// Everything that was read out of a home, to read on somewhere else.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn slow_a_full_disk_is_told_and_the_next_run_completes() {
    let Some(disk) = SmallDisk::mount(64) else {
        eprintln!("skipped: a file system cannot be mounted here");
        return;
    };
    let (corpus, whole) = (Corpus::write(), Home::new());
    let (code, _) = whole.ingest([corpus.path()]);
    assert_eq!(code, 0);
    // It ends at another place each time: making the ledger, writing rows, committing them.
    let mut ended = ingest(&disk.home(), &corpus);
    let mut kib = 64;
    while ended.0 != Some(0) {
        let (code, told) = &ended;
        eprintln!("{kib} KiB: {}", told.lines().next().unwrap_or_default());
        assert_eq!(*code, Some(3), "{told}");
        let place = disk.at.path().display().to_string();
        let why = told.contains("No space left on device") || told.contains("disk is full");
        assert!(told.contains(&place) && why, "{told}");
        // What a failed run left stays; so the disk must grow by more than that.
        kib *= 2;
        assert!(kib < 64 << 10, "{told}");
        disk.enlarge(kib);
        ended = ingest(&disk.home(), &corpus);
    }
    assert_eq!(seen_at(&disk.home()), whole.seen());
    let moved = Home::new();
    copy(&disk.home(), &moved.path());
    let (code, report) = moved.ingest([corpus.path()]);
    assert_eq!((code, &report["objects"]["read"]), (0, &0.into()));
    assert_eq!(moved.seen(), whole.seen());
}
