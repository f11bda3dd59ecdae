//! Files of a local tree.
//!
//! A file's identity is the SHA-256 of its content: a copied, moved or renamed file is the same
//! object.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use wk_model::Sha256;
use wk_model::digest::Sha256Writer;
use wk_seam::objects::{Body, Listing, Object, Objects, Opened};
use wk_seam::{Answer, Failure, Future};

use super::listing::Sorter;
use crate::files::{blocking, modified};

/// A file, or all files below a folder. Links are followed to files, not to folders.
pub struct LocalTree {
    root: PathBuf,
    /// Whether objects are read to know their identity before they are read.
    identified: bool,
}

impl LocalTree {
    /// The tree below this path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), identified: true }
    }
    /// The same for readers that keep nothing and need no identity: large files are read once.
    pub fn without_identity(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), identified: false }
    }
}

impl Objects for LocalTree {
    fn list(&self) -> Future<'_, Answer<Listing>> {
        let root = self.root.clone();
        Box::pin(blocking(move || list(&root)))
    }

    fn open<'a>(&'a self, object: &'a Object, whole_max: u64) -> Future<'a, Answer<Opened>> {
        let (uri, identified) = (object.uri.clone(), self.identified);
        Box::pin(blocking(move || {
            open(Path::new(&uri), whole_max, identified)
                .map_err(|e| Failure::new(format!("read {uri}"), e))
        }))
    }
}

fn list(root: &Path) -> Answer<Listing> {
    let failed = |path: &Path, e| Failure::new(format!("read {}", path.display()), e);
    let meta = fs::metadata(root).map_err(|e| failed(root, e))?;
    let mut found = Sorter::default();
    let mut folders = Vec::new();
    if meta.is_dir() {
        folders.push(root.to_path_buf());
    } else if let Some(file) = object(root, &meta) {
        found.add(file)?;
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| failed(&folder, e))? {
            let entry = entry.map_err(|e| failed(&folder, e))?;
            let path = entry.path();
            let linked = entry.file_type().map_err(|e| failed(&path, e))?.is_symlink();
            match fs::metadata(&path) {
                // A link may lead in a circle, or nowhere; a file may be moved away meanwhile.
                Ok(meta) if meta.is_dir() && !linked => folders.push(path),
                Ok(meta) => {
                    if let Some(file) = object(&path, &meta) {
                        found.add(file)?;
                    }
                }
                Err(e) if linked || e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(failed(&path, e)),
            }
        }
    }
    found.finish()
}

/// A file as an object; pipes, sockets and devices are none.
fn object(path: &Path, meta: &fs::Metadata) -> Option<Object> {
    meta.is_file().then(|| Object {
        uri: path.to_string_lossy().into_owned(),
        size: meta.len(),
        modified: modified(meta),
        identity: None,
    })
}

fn open(path: &Path, whole_max: u64, identified: bool) -> io::Result<Opened> {
    let mut file = fs::File::open(path)?;
    let size = file.metadata()?.len();
    if size <= whole_max {
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
        // One byte more than promised: a file that grows while it is read is read as it is now.
        (&file).take(whole_max + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= whole_max {
            return Ok(Opened {
                identity: Sha256::of(&bytes),
                body: Body::Whole(bytes),
                metadata: vec![],
            });
        }
        file = fs::File::open(path)?;
    }
    if !identified {
        let identity = Sha256::of(path.as_os_str().as_encoded_bytes());
        return Ok(Opened { identity, body: Body::Stream(Box::new(file)), metadata: vec![] });
    }
    let mut digest = Sha256Writer::default();
    let mut block = vec![0u8; 1 << 20];
    let mut length = 0u64;
    loop {
        let n = file.read(&mut block)?;
        if n == 0 {
            break;
        }
        digest.write(&block[..n]);
        length += n as u64;
    }
    // What is read is what was digested, even if the file grows meanwhile.
    let again = fs::File::open(path)?.take(length);
    Ok(Opened { identity: digest.finish(), body: Body::Stream(Box::new(again)), metadata: vec![] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    #[test]
    fn a_moved_copy_is_the_same_object() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("2024/02/15")).unwrap();
        fs::write(folder.path().join("2024/02/15/a"), "same").unwrap();
        fs::write(folder.path().join("b"), "same").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("circle")).unwrap();
        let mut listed = list(folder.path()).unwrap();
        assert_eq!((listed.objects, listed.bytes), (2, 8));
        let listed = block_on(listed.pages.next()).unwrap().unwrap();
        let identities: Vec<_> =
            listed.iter().map(|o| open(Path::new(&o.uri), 2, true).unwrap().identity).collect();
        assert_eq!(identities, [Sha256::of(b"same"); 2]);
    }

    #[test]
    fn a_path_that_is_not_there_is_a_failure_that_names_it() {
        let Err(error) = list(Path::new("/no/such/place")) else { panic!("it was listed") };
        assert_eq!(error.to_string(), "could not read /no/such/place");
    }
}
