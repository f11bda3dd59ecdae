//! `watchkeeper backup`

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use wk_model::Sha256;
use wk_model::digest::Sha256Writer;
use wk_store::files::Files;

use super::{Exit, table};
use crate::wire::App;

/// Copy ledger, keys, configuration and own rules into a new folder, while others work on.
///
/// The copy holds the key that signs the log: protect it as you protect the home.
#[derive(Args)]
pub(crate) struct Backup {
    /// A folder that does not exist yet, or is empty
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Copy the lake's files too, where the lake is a folder of the home
    #[arg(long)]
    with_lake: bool,
}

/// The file that lists what a backup holds.
pub(crate) const MANIFEST: &str = "backup.json";
/// What of a home is copied beside the ledger.
const MEMBERS: [&str; 6] = ["keys", "config.toml", "rules", "routes", "queries", "lookups"];

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Form of this file.
    pub(crate) version: u32,
    /// When it was made.
    pub(crate) made: String,
    /// Number of rows that the lake holds.
    pub(crate) rows: u64,
    /// Every file of it.
    pub(crate) members: Vec<Member>,
}

/// A file of a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Path below the folder.
    pub(crate) path: String,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its SHA-256.
    pub(crate) sha256: Sha256,
}

/// What a backup that was made holds.
pub(crate) struct Made {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

impl Backup {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let made = make(app, &self.folder, self.with_lake).await?;
        let (files, bytes) = (made.files, table::bytes(made.bytes));
        writeln!(out, "{files} files, {bytes}, in {}", self.folder.display())?;
        writeln!(out, "it holds the key that signs the log: protect it as you protect the home")?;
        if !self.with_lake {
            writeln!(out, "the lake's files are not in it: keep them as well, or use --with-lake")?;
        }
        Ok(Exit::Ok)
    }
}

/// Makes a backup in a folder that does not exist yet, or is empty; the manifest is written last.
pub(crate) async fn make(app: &App, folder: &Path, with_lake: bool) -> anyhow::Result<Made> {
    make_folder(folder)?;
    if fs::read_dir(folder)?.next().is_some() {
        bail!("{} is not empty", folder.display());
    }
    let lake = match app.files().await? {
        Files::Local(root) => Some(root),
        Files::Store(..) => None,
    };
    if with_lake && lake.is_none() {
        bail!("--with-lake copies a lake on this disk; this one is in S3: copy its prefix there");
    }
    // The ledger first: then the lake holds everything that it names.
    let ledger = folder.join("ledger.sqlite");
    app.ledger.copy_to(&ledger).await?;
    fs::set_permissions(&ledger, fs::Permissions::from_mode(0o600))?;
    for member in MEMBERS {
        copy(&app.home.path().join(member), &folder.join(member))?;
    }
    if let Some(root) = lake.filter(|_| with_lake) {
        copy(&root, &folder.join("lake"))?;
    }
    let facts = app.ledger.facts().await?;
    let mut members = Vec::new();
    for path in files_below(folder)? {
        members.push(member(folder, &path)?);
    }
    let (files, bytes) = (members.len(), members.iter().map(|m| m.bytes).sum());
    let rows = facts.live.iter().map(|f| f.rows).sum();
    let manifest = Manifest { version: 1, made: app.clock.now().to_string(), rows, members };
    write_private(&folder.join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?)?;
    Ok(Made { files, bytes })
}

fn member(folder: &Path, path: &Path) -> anyhow::Result<Member> {
    let (sha256, bytes) = digest(path)?;
    let path = path.strip_prefix(folder)?.to_str().context("a name is not UTF-8")?.to_owned();
    Ok(Member { path, bytes, sha256 })
}

/// SHA-256 and size of a file.
pub(crate) fn digest(path: &Path) -> anyhow::Result<(Sha256, u64)> {
    use std::io::Read as _;
    let failed = || format!("could not read {}", path.display());
    let mut file = fs::File::open(path).with_context(failed)?;
    let (mut writer, mut bytes, mut block) = (Sha256Writer::default(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut block).with_context(failed)?;
        let (some, _) = block.split_at(read);
        if some.is_empty() {
            return Ok((writer.finish(), bytes));
        }
        writer.write(some);
        bytes += read as u64;
    }
}

/// Makes a folder and its parents, for this user only.
pub(crate) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("could not make {}", folder.display()))
}

fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let write = || -> std::io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().with_context(|| format!("could not write {}", path.display()))
}

/// Copies a file, or a folder with all below it, if it is there; for this user only. Links are not
/// followed, and what is half written is left out.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let failed = || format!("could not copy {} to {}", from.display(), to.display());
    let meta = match fs::symlink_metadata(from) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        meta => meta.with_context(failed)?,
    };
    if meta.is_dir() {
        make_folder(to)?;
        for entry in fs::read_dir(from).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            if entry.path().extension().is_none_or(|e| e != "tmp") {
                copy(&entry.path(), &to.join(entry.file_name()))?;
            }
        }
    } else if meta.is_file() {
        let mut source = match fs::File::open(from) {
            // Removed meanwhile: then nothing needs it.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            file => file.with_context(failed)?,
        };
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = fs::OpenOptions::new();
        let target = options.write(true).create_new(true).mode(0o600).open(to);
        let mut target = target.with_context(failed)?;
        std::io::copy(&mut source, &mut target).with_context(failed)?;
        target.sync_all().with_context(failed)?;
    }
    Ok(())
}

/// Every file below a folder, sorted.
pub(crate) fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut files, mut waiting) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => waiting.push(entry.path()),
                false => files.push(entry.path()),
            }
        }
    }
    files.sort();
    Ok(files)
}
