//! Two days of a small simulated organisation, as files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use wk_model::{Day, Timestamp};
use wk_sim::{Plan, Simulation};
use wk_store::inflate::gzip;

/// Files of every kind that the simulation writes, some delivered twice.
pub(crate) struct Corpus {
    folder: tempfile::TempDir,
    pub(crate) files: Vec<PathBuf>,
}

impl Corpus {
    pub(crate) fn write() -> Self {
        Self::some(usize::MAX)
    }

    /// So many of the files, in the order of their delivery.
    pub(crate) fn some(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A Wednesday: the first days have no story that is told in CloudTrail alone.
        let start = Day::from_civil(2024, 2, 14).unwrap();
        let plan = Plan { seed: 11, start, days: 2, scale: 0.05, stories: true };
        let mut files = Vec::new();
        for file in Simulation::new(&plan).take(count) {
            let path = folder.path().join("logs").join(&file.path);
            let bytes = if file.gz { gzip(&file.bytes).unwrap() } else { file.bytes };
            write_at(&path, &bytes, file.delivered);
            files.push(path);
        }
        Self { folder, files }
    }

    /// Where the files lie.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("logs")
    }
}

/// Writes a file as of a time.
pub(crate) fn write_at(path: &Path, bytes: &[u8], at: Timestamp) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    let since = Duration::from_micros(u64::try_from(at.micros()).unwrap());
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + since).unwrap();
}

/// The same files in another folder under other names.
pub(crate) fn moved_copy(files: &[PathBuf], to: &Path) {
    fs::create_dir_all(to).unwrap();
    for (number, file) in files.iter().enumerate() {
        fs::copy(file, to.join(format!("moved-{number}"))).unwrap();
    }
}
