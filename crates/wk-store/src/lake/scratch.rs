//! Room on this machine's disk for what does not fit into memory.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use wk_seam::{Answer, Failure};

use crate::files::make_folder;

/// A folder that goes with this value. What a killed process left goes with the next one's.
pub(super) struct Scratch {
    folder: tempfile::TempDir,
    /// Shared by all who have a folder here, for as long as they have it.
    _lock: File,
}

impl Scratch {
    /// A new folder below this one.
    pub(super) fn below(folder: &Path) -> Answer<Self> {
        let make = || -> io::Result<Self> {
            make_folder(folder)?;
            let lock = File::create(folder.join("lock"))?;
            match lock.try_lock() {
                // Nobody else is here: whatever lies here was left.
                Ok(()) => {
                    remove_left(folder)?;
                    lock.unlock()?;
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => return Err(e),
            }
            lock.lock_shared()?;
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(folder)?;
            Ok(Self { folder, _lock: lock })
        };
        make().map_err(|e| Failure::new(format!("make a folder in {}", folder.display()), e))
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

const PREFIX: &str = "rewrite-";

fn remove_left(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_goes_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join("rewrite-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("x"), "x").unwrap();
        let first = Scratch::below(folder.path()).unwrap();
        assert!(!left.try_exists().unwrap());
        let second = Scratch::below(folder.path()).unwrap();
        assert!(first.path().try_exists().unwrap() && second.path().try_exists().unwrap());
        drop(first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "lock and second");
    }
}
