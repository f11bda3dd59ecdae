//! The secret of a lake's content fingerprints, kept beside the ledger as well: with a ledger that
//! was lost it would be lost too, and no event would be known again.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use wk_model::Sha256;
use wk_seam::{Answer, Failure};

/// A name for the ledger of this seed that no other has; tells nothing of the seed.
pub(super) fn name(seed: u64) -> String {
    Sha256::of_parts(&[b"ledger", &seed.to_be_bytes()]).short()
}

fn path(folder: &Path, seed: u64) -> PathBuf {
    folder.join(format!("fingerprint-{}.seed", name(seed)))
}

/// Keeps the seed in the folder of keys, for this user only, if it is not there yet.
pub(super) fn keep(folder: &Path, seed: u64) -> Answer<()> {
    let path = path(folder, seed);
    let failed = |e: std::io::Error| Failure::new(format!("write {}", path.display()), e);
    if path.try_exists().map_err(failed)? {
        return Ok(());
    }
    let temporary = folder.join(format!("fingerprint.{}.tmp", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(failed)?;
    writeln!(file, "{seed:016x}").and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&temporary, &path).map_err(failed)
}

/// The seed of the ledger of that name, if it was kept.
pub(super) fn find(folder: &Path, wanted: &str) -> Answer<Option<u64>> {
    let failed = |e: std::io::Error| Failure::new(format!("read {}", folder.display()), e);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e == "seed") {
            let text = std::fs::read_to_string(&path).map_err(failed)?;
            let seed = u64::from_str_radix(text.trim(), 16).ok();
            if let Some(seed) = seed.filter(|seed| name(*seed) == wanted) {
                return Ok(Some(seed));
            }
        }
    }
    Ok(None)
}
