//! A spool of lines in a folder of the home directory.
//!
//! * What was answered as kept is on disk: written and synced before the answer. Senders that come at
//!   the same time share one sync.
//! * A file is written under `*.open` and closed by renaming it to `*.jsonl`. What a killed process
//!   left open is closed by the next one, without the line that it was in the middle of: that one
//!   was never answered for.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::channel::oneshot;
use wk_seam::clock::Clock;
use wk_seam::objects::{Object, Objects};
use wk_seam::spool::{Added, Spool};
use wk_seam::{Answer, Failure, Future};

use crate::files::{blocking, make_folder, modified};
use crate::objects::LocalTree;

/// Files that are answered at a time.
const CLOSED_MAX: usize = 100;
/// A file is closed when it has so many bytes.
const FILE_BYTES: u64 = 16 << 20;

/// A spool in a folder.
#[derive(Clone)]
pub struct FolderSpool(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    bytes_max: u64,
    clock: Arc<dyn Clock>,
    /// Bytes of all files, and of lines that are about to be written.
    bytes: AtomicU64,
    /// Lines that wait to be written.
    waiting: Mutex<Vec<Waiting>>,
    /// The file that is written.
    open: Mutex<Option<Open>>,
    /// The number of the next file.
    next: AtomicU64,
}

struct Waiting {
    lines: Vec<u8>,
    done: oneshot::Sender<Result<(), String>>,
}

struct Open {
    file: fs::File,
    path: PathBuf,
    bytes: u64,
}

impl FolderSpool {
    /// Opens the spool, and closes what a killed process left open.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn open(folder: &Path, bytes_max: u64, clock: Arc<dyn Clock>) -> Answer<Self> {
        let failed = |e| Failure::new(format!("open the spool {}", folder.display()), e);
        make_folder(folder).map_err(failed)?;
        let mut bytes = 0;
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|e| e == OPEN) {
                close_left(&path).map_err(failed)?;
            }
        }
        for entry in fs::read_dir(folder).map_err(failed)? {
            bytes += entry.and_then(|e| e.metadata()).map_err(failed)?.len();
        }
        sync_folder(folder).map_err(failed)?;
        Ok(Self(Arc::new(Inner {
            folder: folder.to_path_buf(),
            bytes_max,
            clock,
            bytes: AtomicU64::new(bytes),
            waiting: Mutex::default(),
            open: Mutex::default(),
            next: AtomicU64::default(),
        })))
    }

    async fn add_lines(&self, lines: Vec<u8>) -> Answer<Added> {
        let (inner, size) = (self.0.clone(), lines.len() as u64);
        if inner.bytes.fetch_add(size, Ordering::Relaxed) + size > inner.bytes_max {
            inner.bytes.fetch_sub(size, Ordering::Relaxed);
            return Ok(Added::Full);
        }
        let (done, answer) = oneshot::channel();
        lock(&inner.waiting).push(Waiting { lines, done });
        let of_writer = inner.clone();
        // Whoever comes first writes for all that wait; who finds nothing was written for.
        blocking(move || {
            of_writer.write_waiting();
            Ok(())
        })
        .await?;
        let failed = |why: String| {
            Failure::new(format!("write to the spool {}", inner.folder.display()), why).transient()
        };
        match answer.await {
            Ok(Ok(())) => Ok(Added::Kept),
            Ok(Err(why)) => Err(failed(why)),
            Err(_) => Err(failed("the writer ended".to_owned())),
        }
    }
}

/// How files end that are written, and that are not written any more.
const OPEN: &str = "open";
const CLOSED: &str = "jsonl";

impl Inner {
    /// Writes all that waits, with one sync, and answers for it.
    fn write_waiting(&self) {
        let mut open = lock(&self.open);
        let all = std::mem::take(&mut *lock(&self.waiting));
        if all.is_empty() {
            return;
        }
        let written = self.write(&mut open, &all).map_err(|e| e.to_string());
        if written.is_err() {
            let size: u64 = all.iter().map(|waiting| waiting.lines.len() as u64).sum();
            self.bytes.fetch_sub(size, Ordering::Relaxed);
        }
        for waiting in all {
            // A sender that hung up sends again.
            drop(waiting.done.send(written.clone()));
        }
    }

    fn write(&self, open: &mut Option<Open>, all: &[Waiting]) -> io::Result<()> {
        if open.as_ref().is_some_and(|file| file.bytes >= FILE_BYTES) {
            self.close(open)?;
        }
        let file = match open {
            Some(file) => file,
            None => open.insert(self.begin()?),
        };
        let write = |file: &mut Open| -> io::Result<u64> {
            let mut written = 0;
            for waiting in all {
                file.file.write_all(&waiting.lines)?;
                written += waiting.lines.len() as u64;
            }
            file.file.sync_data()?;
            Ok(written)
        };
        match write(file) {
            Ok(written) => file.bytes += written,
            Err(error) => {
                // Nothing may stay of what was not answered for; what cannot be cut is not written
                // to any more.
                if file.file.set_len(file.bytes).is_err() {
                    *open = None;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn begin(&self) -> io::Result<Open> {
        // A closed file of this name, of an earlier process, would be written over when this one is
        // closed.
        let path = loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let stem = format!("{}-{}-{number}", self.clock.now().micros(), std::process::id());
            if !self.folder.join(format!("{stem}.{CLOSED}")).try_exists()? {
                break self.folder.join(format!("{stem}.{OPEN}"));
            }
        };
        let options = fs::OpenOptions::new().append(true).create_new(true).mode(0o600).clone();
        let file = options.open(&path)?;
        sync_folder(&self.folder)?;
        Ok(Open { file, path, bytes: 0 })
    }

    fn close(&self, open: &mut Option<Open>) -> io::Result<()> {
        let Some(file) = open else { return Ok(()) };
        fs::rename(&file.path, file.path.with_extension(CLOSED))?;
        *open = None;
        sync_folder(&self.folder)
    }

    fn closed(&self) -> io::Result<Vec<Object>> {
        self.close(&mut lock(&self.open))?;
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == CLOSED) {
                let meta = fs::metadata(&path)?;
                let uri = path.to_string_lossy().into_owned();
                let (size, modified) = (meta.len(), modified(&meta));
                found.push(Object { uri, size, modified, identity: None });
            }
        }
        // Names begin with the time.
        found.sort_by(|a, b| a.uri.cmp(&b.uri));
        found.truncate(CLOSED_MAX);
        Ok(found)
    }

    fn remove(&self, uris: &[String]) -> io::Result<()> {
        for uri in uris {
            let size = fs::metadata(uri)?.len();
            fs::remove_file(uri)?;
            self.bytes.fetch_sub(size, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Spool for FolderSpool {
    fn add(&self, lines: Vec<u8>) -> Future<'_, Answer<Added>> {
        Box::pin(self.add_lines(lines))
    }

    fn closed(&self) -> Future<'_, Answer<Vec<Object>>> {
        let inner = self.0.clone();
        Box::pin(blocking(move || {
            let doing = format!("look into the spool {}", inner.folder.display());
            inner.closed().map_err(|e| Failure::new(doing, e))
        }))
    }

    fn place(&self) -> Arc<dyn Objects> {
        Arc::new(LocalTree::new(&self.0.folder))
    }

    fn remove<'a>(&'a self, uris: &'a [String]) -> Future<'a, Answer<()>> {
        let (inner, uris) = (self.0.clone(), uris.to_vec());
        Box::pin(blocking(move || {
            let doing = format!("remove files of the spool {}", inner.folder.display());
            inner.remove(&uris).map_err(|e| Failure::new(doing, e))
        }))
    }

    fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }
}

/// Closes what a killed process left: whole lines stay, an empty file goes.
fn close_left(path: &Path) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    if whole == 0 {
        return fs::remove_file(path);
    }
    if whole < bytes.len() {
        let file = fs::OpenOptions::new().write(true).open(path)?;
        file.set_len(whole as u64)?;
        file.sync_all()?;
    }
    fs::rename(path, path.with_extension(CLOSED))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use wk_model::Timestamp;
    use wk_seam::clock::StandingClock;

    use super::*;

    fn spool(folder: &Path, bytes_max: u64) -> FolderSpool {
        let clock = Arc::new(StandingClock::at(Timestamp::from_seconds(1_700_000_000)));
        FolderSpool::open(folder, bytes_max, clock).unwrap()
    }

    fn run<T>(work: impl std::future::Future<Output = T>) -> T {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().unwrap().block_on(work)
    }

    fn texts(objects: &[Object]) -> Vec<String> {
        objects.iter().map(|o| fs::read_to_string(&o.uri).unwrap()).collect()
    }

    #[test]
    fn what_was_kept_is_there_after_a_kill_and_what_was_torn_is_not() {
        let folder = tempfile::tempdir().unwrap();
        run(async {
            let first = spool(folder.path(), 1000);
            assert_eq!(first.add(b"a\nb\n".to_vec()).await.unwrap(), Added::Kept);
            assert_eq!(first.add(b"c\n".to_vec()).await.unwrap(), Added::Kept);
            // The process is killed while it writes the next line; the file is as it is.
            let open = lock(&first.0.open).take().unwrap();
            fs::OpenOptions::new().append(true).open(&open.path).unwrap().write_all(b"to").unwrap();
            let second = spool(folder.path(), 1000);
            let closed = second.closed().await.unwrap();
            assert_eq!(texts(&closed), ["a\nb\nc\n"]);
            assert_eq!(second.bytes(), 6);
            second.add(b"d\n".to_vec()).await.unwrap();
            let closed = second.closed().await.unwrap();
            assert_eq!(texts(&closed), ["a\nb\nc\n", "d\n"]);
            let uris: Vec<String> = closed.into_iter().map(|o| o.uri).collect();
            second.remove(&uris).await.unwrap();
            assert_eq!((second.closed().await.unwrap().len(), second.bytes()), (0, 0));
        });
    }

    #[test]
    fn a_full_spool_keeps_nothing_and_says_so_until_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        run(async {
            let spool = spool(folder.path(), 10);
            assert_eq!(spool.add(vec![b'x'; 8]).await.unwrap(), Added::Kept);
            assert_eq!(spool.add(vec![b'y'; 8]).await.unwrap(), Added::Full);
            let closed = spool.closed().await.unwrap();
            assert_eq!(texts(&closed), ["xxxxxxxx"]);
            spool.remove(&[closed[0].uri.clone()]).await.unwrap();
            assert_eq!(spool.add(vec![b'y'; 8]).await.unwrap(), Added::Kept);
        });
    }

    #[test]
    fn many_senders_at_once_are_all_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        run(async {
            let spool = spool(folder.path(), 1 << 20);
            let adds = (0..200).map(|n| spool.add(format!("line {n}\n").into_bytes()));
            for added in futures::future::join_all(adds).await {
                assert_eq!(added.unwrap(), Added::Kept);
            }
            let text = texts(&spool.closed().await.unwrap()).concat();
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            lines.dedup();
            assert_eq!(lines.len(), 200);
        });
    }
}
