//! The files of the lake, on a local disk or in an object store.
//!
//! * A file is written once, under its final name, durably, before anybody is told of it.
//! * On disk: temporary name, fsync, rename, fsync of the folder. In a store: one PUT.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use wk_model::Timestamp;
use wk_seam::{Answer, Failure};

/// Where the lake's files lie.
#[derive(Clone)]
pub enum Files {
    /// A folder on this machine.
    Local(PathBuf),
    /// A prefix in an object store.
    Store(Arc<dyn ObjectStore>, Key),
}

/// A file of the lake as it lies in storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the root of the lake.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// When it was written.
    pub written: Timestamp,
}

impl Files {
    /// Writes a file durably. Writing the same path twice is harmless: names hold content hashes.
    pub async fn write(&self, path: &str, bytes: Vec<u8>) -> Answer<()> {
        match self {
            Self::Local(root) => {
                let (root, path) = (root.clone(), path.to_owned());
                blocking(move || write_local(&root, &path, &bytes)).await
            }
            Self::Store(store, prefix) => {
                let key = join(prefix, path);
                store
                    .put(&key, PutPayload::from(bytes))
                    .await
                    .map(drop)
                    .map_err(|e| store_failure(format!("write {key}"), e))
            }
        }
    }

    /// Takes a file of this machine's disk over, durably; it is gone from where it lay, or will be
    /// with its folder.
    pub async fn take(&self, path: &str, temporary: &Path) -> Answer<()> {
        match self {
            Self::Local(root) => {
                let (full, temporary) = (root.join(path), temporary.to_path_buf());
                blocking(move || {
                    take_local(&full, &temporary)
                        .map_err(|e| Failure::new(format!("write {}", full.display()), e))
                })
                .await
            }
            Self::Store(store, prefix) => {
                let key = join(prefix, path);
                let upload = store
                    .put_multipart(&key)
                    .await
                    .map_err(|e| store_failure(format!("write {key}"), e))?;
                send(upload, &key, temporary).await
            }
        }
    }

    /// The files as an object store whose root is the lake's.
    pub(crate) fn object_store(&self) -> object_store::Result<Arc<dyn ObjectStore>> {
        Ok(match self {
            Self::Local(root) => {
                Arc::new(object_store::local::LocalFileSystem::new_with_prefix(root)?)
            }
            Self::Store(store, prefix) => {
                Arc::new(object_store::prefix::PrefixStore::new(store.clone(), prefix.clone()))
            }
        })
    }

    /// Reads a stretch of a file; at its end, what there is.
    pub async fn read(&self, path: &str, offset: u64, length: u64) -> Answer<Vec<u8>> {
        match self {
            Self::Local(root) => {
                let full = root.join(path);
                blocking(move || read_local(&full, offset, length)).await
            }
            Self::Store(store, prefix) => {
                let key = join(prefix, path);
                let bytes = store
                    .get_range(&key, offset..offset + length)
                    .await
                    .map_err(|e| store_failure(format!("read {key}"), e))?;
                Ok(bytes.to_vec())
            }
        }
    }

    /// Reads a whole small file; `None` if it is not there.
    pub async fn read_small(&self, path: &str) -> Answer<Option<Vec<u8>>> {
        match self {
            Self::Local(root) => {
                let full = root.join(path);
                blocking(move || match fs::read(&full) {
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    read => read
                        .map(Some)
                        .map_err(|e| Failure::new(format!("read {}", full.display()), e)),
                })
                .await
            }
            Self::Store(store, prefix) => {
                let key = join(prefix, path);
                let failed = |e| store_failure(format!("read {key}"), e);
                match store.get(&key).await {
                    Err(object_store::Error::NotFound { .. }) => Ok(None),
                    Err(e) => Err(failed(e)),
                    Ok(got) => Ok(Some(got.bytes().await.map_err(failed)?.to_vec())),
                }
            }
        }
    }

    /// Every file below a folder of the lake, with the time it was written.
    pub async fn list(&self, folder: &str) -> Answer<Vec<(String, Timestamp)>> {
        let listed = self.entries(folder).await?;
        Ok(listed.into_iter().map(|entry| (entry.path, entry.written)).collect())
    }

    /// Every file below a folder of the lake.
    pub async fn entries(&self, folder: &str) -> Answer<Vec<Entry>> {
        match self {
            Self::Local(root) => {
                let (root, folder) = (root.clone(), folder.to_owned());
                blocking(move || list_local(&root, &folder)).await
            }
            Self::Store(store, prefix) => {
                let whole = join(prefix, folder);
                let strip = format!("{prefix}/");
                store
                    .list(Some(&whole))
                    .map_ok(|meta| {
                        let key = meta.location.to_string();
                        let path = key.strip_prefix(&strip).unwrap_or(&key).to_owned();
                        let written = meta.last_modified.timestamp_micros();
                        Entry { path, bytes: meta.size, written: Timestamp::from_micros(written) }
                    })
                    .try_collect()
                    .await
                    .map_err(|e| store_failure(format!("list {whole}"), e))
            }
        }
    }

    /// Removes files; ones that are gone already are no failure.
    pub async fn remove(&self, paths: &[String]) -> Answer<()> {
        match self {
            Self::Local(root) => {
                let full: Vec<PathBuf> = paths.iter().map(|p| root.join(p)).collect();
                blocking(move || remove_local(&full)).await
            }
            Self::Store(store, prefix) => {
                let keys: Vec<_> = paths.iter().map(|p| Ok(join(prefix, p))).collect();
                let mut gone = store.delete_stream(futures::stream::iter(keys).boxed());
                while let Some(answer) = gone.next().await {
                    match answer {
                        Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                        Err(e) => return Err(store_failure("remove files of the lake".into(), e)),
                    }
                }
                Ok(())
            }
        }
    }
}

/// Runs work that blocks on a thread made for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Answer<T> + Send + 'static,
) -> Answer<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(e) => Err(Failure::new("finish a task", e)),
    }
}

pub(crate) fn store_failure(doing: String, error: object_store::Error) -> Failure {
    use object_store::Error as E;
    let last = !matches!(
        error,
        E::NotFound { .. }
            | E::PermissionDenied { .. }
            | E::Unauthenticated { .. }
            | E::NotSupported { .. }
    );
    let failure = Failure::new(doing, error);
    if last { failure.transient() } else { failure }
}

fn join(prefix: &Key, path: &str) -> Key {
    Key::from(format!("{prefix}/{path}"))
}

/// Makes a folder and its parents, for this user only.
pub(crate) fn make_folder(folder: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn write_local(root: &Path, path: &str, bytes: &[u8]) -> Answer<()> {
    let full = root.join(path);
    let failed = |e| Failure::new(format!("write {}", full.display()), e);
    let folder = full.parent().unwrap_or(root).to_path_buf();
    make_folder(&folder).map_err(failed)?;
    let mut name = full.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = folder.join(name);
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &full)?;
        fs::File::open(&folder)?.sync_all()
    };
    write().map_err(|e| {
        // Best effort: what stays is swept later.
        drop(fs::remove_file(&temporary));
        failed(e)
    })
}

/// Moves a file to its final name. From another file system it is copied, under a name that nobody
/// takes for a file of the lake until it is whole.
fn take_local(full: &Path, temporary: &Path) -> std::io::Result<()> {
    let folder = full.parent().unwrap_or(full);
    make_folder(folder)?;
    fs::File::open(temporary)?.sync_all()?;
    match fs::rename(temporary, full) {
        Err(e) if e.kind() == std::io::ErrorKind::CrossesDevices => {
            let mut name = full.file_name().unwrap_or_default().to_os_string();
            name.push(format!(".{}.tmp", std::process::id()));
            let beside = folder.join(name);
            fs::copy(temporary, &beside)?;
            fs::File::open(&beside)?.sync_all()?;
            fs::rename(&beside, full)?;
        }
        other => other?,
    }
    fs::File::open(folder)?.sync_all()
}

/// Sends a file in parts; it is there when the last one is.
async fn send(
    upload: Box<dyn object_store::MultipartUpload>,
    key: &Key,
    file: &Path,
) -> Answer<()> {
    const PART_BYTES: usize = 8 << 20;
    let failed = |e| store_failure(format!("write {key}"), e);
    let mut upload = object_store::WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
    let mut offset = 0;
    loop {
        let path = file.to_path_buf();
        let part = blocking(move || read_local(&path, offset, PART_BYTES as u64)).await?;
        if part.is_empty() {
            break;
        }
        offset += part.len() as u64;
        upload.wait_for_capacity(1).await.map_err(failed)?;
        upload.put(part.into());
    }
    upload.finish().await.map(drop).map_err(failed)
}

fn read_local(full: &Path, offset: u64, length: u64) -> Answer<Vec<u8>> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = fs::File::open(full)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|e| Failure::new(format!("read {}", full.display()), e))
}

fn list_local(root: &Path, folder: &str) -> Answer<Vec<Entry>> {
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        let failed = |e| Failure::new(format!("list {}", folder.display()), e);
        let entries = match fs::read_dir(&folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let meta = match entry.metadata() {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue, // renamed meanwhile
                other => other.map_err(failed)?,
            };
            if meta.is_dir() {
                folders.push(entry.path());
            } else if let Ok(path) = entry.path().strip_prefix(root) {
                let path = path.to_string_lossy().into_owned();
                found.push(Entry { path, bytes: meta.len(), written: modified(&meta) });
            }
        }
    }
    Ok(found)
}

/// When a file was written; files from before 1970 are of 1970.
pub(crate) fn modified(meta: &fs::Metadata) -> Timestamp {
    let since = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    Timestamp::from_micros(since.and_then(|d| i64::try_from(d.as_micros()).ok()).unwrap_or(0))
}

fn remove_local(paths: &[PathBuf]) -> Answer<()> {
    for path in paths {
        match fs::remove_file(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::new(format!("remove {}", path.display()), e));
            }
            _ => {}
        }
    }
    Ok(())
}
