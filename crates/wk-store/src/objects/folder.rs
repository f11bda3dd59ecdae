//! A folder that stands for a bucket: its files are objects, their paths below it are keys.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wk_seam::objects::{Bucket, Level, Object, Objects};
use wk_seam::{Answer, Failure, Future};

use super::LocalTree;
use crate::files::{blocking, modified};

/// A local folder as a bucket.
pub struct LocalFolder(PathBuf);

impl LocalFolder {
    /// The folder at this path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }
}

impl Bucket for LocalFolder {
    fn under(&self, prefix: &str) -> Arc<dyn Objects> {
        Arc::new(LocalTree::new(self.0.join(prefix)))
    }

    fn level<'a>(&'a self, prefix: &'a str) -> Future<'a, Answer<Level>> {
        let (root, prefix) = (self.0.clone(), prefix.to_owned());
        Box::pin(blocking(move || {
            let folder = root.join(&prefix);
            level(&folder, &prefix)
                .map_err(|e| Failure::new(format!("list {}", folder.display()), e))
        }))
    }
}

/// What lies directly in a folder. Below the root a folder that is not there holds nothing, as in a
/// bucket; links are followed to files, not to folders.
fn level(folder: &Path, prefix: &str) -> io::Result<Level> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound && !prefix.is_empty() => {
            return Ok(Level::default());
        }
        Err(e) => return Err(e),
    };
    let mut level = Level::default();
    for entry in entries {
        let entry = entry?;
        // A name that is no text is no key that AWS gives.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let linked = entry.file_type()?.is_symlink();
        match fs::metadata(entry.path()) {
            Ok(meta) if meta.is_dir() && !linked => level.folders.push(format!("{prefix}{name}/")),
            Ok(meta) if meta.is_file() => level.objects.push(Object {
                uri: entry.path().to_string_lossy().into_owned(),
                size: meta.len(),
                modified: modified(&meta),
                identity: None,
            }),
            Err(e) if !linked && e.kind() != io::ErrorKind::NotFound => return Err(e),
            Ok(_) | Err(_) => {} // no file, or a link to nowhere
        }
    }
    level.folders.sort_unstable();
    level.objects.sort_unstable_by(|a, b| a.uri.cmp(&b.uri));
    Ok(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_listed_level_by_level_as_a_bucket_is() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fs::write(root.path().join("a/x"), "x").unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("a/circle")).unwrap();
        let at = |prefix: &str| level(&root.path().join(prefix), prefix);
        assert_eq!(at("").unwrap().folders, ["a/"]);
        let below = at("a/").unwrap();
        assert_eq!((below.folders, below.objects.len()), (vec!["a/b/".to_owned()], 1));
        assert_eq!(at("a/none/").unwrap(), Level::default());
        assert!(
            level(&root.path().join("nowhere"), "").is_err(),
            "the place itself has to be there"
        );
    }
}
