//! The parts of `inventory` and `check`: where a walk keeps what it catches, how that comes into the
//! lake, and how it comes out again.

use std::fs;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde_json::Value;
use wk_engine::ingest::Progress;
use wk_model::Capture;
use wk_seam::shelf::Shelf;
use wk_seam::{Answer, Failure, Future};
use wk_store::objects::LocalTree;
use wk_store::query::output::Texts;
use wk_store::query::{AskOptions, Questions};
use wk_watch::detect::Detections;
use wk_watch::sources::Source;

use super::App;

/// A folder with a file of lines for each slice of a walk.
pub(crate) struct FolderShelf(PathBuf);

impl FolderShelf {
    /// A shelf in this folder, made if it is not there.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        make_private(folder)?;
        Ok(Self(folder.to_path_buf()))
    }

    fn file(&self, slice: &str) -> PathBuf {
        self.0.join(format!("{slice}.ndjson"))
    }

    fn read(&self, slice: &str) -> std::io::Result<Vec<Capture>> {
        let path = self.file(slice);
        let mut file = match fs::OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // A line without an end was being written when the walk was killed.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64)?;
            file.seek(std::io::SeekFrom::End(0))?;
            text.truncate(whole);
        }
        text.lines().map(|line| serde_json::from_str(line).map_err(std::io::Error::other)).collect()
    }

    fn append(&self, slice: &str, captures: &[Capture]) -> std::io::Result<()> {
        let mut lines = Vec::new();
        for capture in captures {
            serde_json::to_writer(&mut lines, capture)?;
            lines.push(b'\n');
        }
        let mut options = fs::OpenOptions::new();
        let mut file = options.append(true).create(true).mode(0o600).open(self.file(slice))?;
        file.write_all(&lines)?;
        file.sync_data()
    }
}

impl Shelf for FolderShelf {
    fn kept<'a>(&'a self, slice: &'a str) -> Future<'a, Answer<Vec<Capture>>> {
        let read = self.read(slice);
        let failed = |e| Failure::new(format!("read {}", self.file(slice).display()), e);
        Box::pin(async move { read.map_err(failed) })
    }

    fn keep<'a>(&'a self, slice: &'a str, captures: &'a [Capture]) -> Future<'a, Answer<()>> {
        let kept = self.append(slice, captures);
        let failed = |e| Failure::new(format!("write {}", self.file(slice).display()), e);
        Box::pin(async move { kept.map_err(failed) })
    }
}

/// Makes a folder for this user only.
pub(crate) fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("could not make {}", folder.display()))
}

/// Reads a folder of our own records into the lake and removes it once they are committed. Answers
/// how many records are there now that were not there before.
pub(crate) async fn take_in(
    app: &App,
    folder: &Path,
    source: &'static Source,
) -> anyhow::Result<u64> {
    let ingest = app.ingest(Some(source), Detections::none()).await?;
    let places: Vec<Arc<dyn wk_seam::objects::Objects>> = vec![Arc::new(LocalTree::new(folder))];
    let report = ingest.run(&places, &Progress::default()).await?;
    if let Some((object, reason)) = report.objects_failed.first() {
        bail!(
            "could not take {object} into the lake: {reason}; it is kept in {}",
            folder.display()
        );
    }
    let total = report.total();
    if total.complaints > 0 {
        let n = total.complaints;
        bail!("{n} records were not understood; they are kept in {}", folder.display());
    }
    fs::remove_dir_all(folder).with_context(|| format!("could not remove {}", folder.display()))?;
    Ok(total.stored)
}

/// The rows of a question, as text; a column that is null is empty.
pub(crate) async fn rows(app: &App, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
    all_rows(&app.questions().await?, sql).await
}

/// The same of questions that are ready to be asked.
pub(crate) async fn all_rows(questions: &Questions, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let mut answer = questions.ask_sql(sql, &AskOptions::default()).await?;
    let mut rows = Vec::new();
    while let Some(batch) = answer.next().await? {
        let columns: Vec<Texts<'_>> =
            (0..batch.num_columns()).map(|c| Texts::of(&batch, c)).collect();
        for row in 0..batch.num_rows() {
            let cell = |c: &Texts<'_>| c.get(row).unwrap_or_default().to_owned();
            rows.push(columns.iter().map(cell).collect());
        }
    }
    Ok(rows)
}

/// A text in SQL.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The captures of a walk; `narrow` is a further condition, or empty.
pub(crate) async fn captures(app: &App, run: &str, narrow: &str) -> anyhow::Result<Vec<Capture>> {
    let and = if narrow.is_empty() { String::new() } else { format!(" AND {narrow}") };
    let sql = format!("SELECT raw FROM inventory WHERE run = {}{and}", quoted(run));
    let read = |row: Vec<String>| {
        let raw = row.into_iter().next().unwrap_or_default();
        serde_json::from_str(&raw).context("a capture in the lake cannot be read")
    };
    rows(app, &sql).await?.into_iter().map(read).collect()
}

/// The captures in files of lines, as a walk writes them.
pub(crate) fn captures_of_files(paths: &[PathBuf]) -> anyhow::Result<Vec<Capture>> {
    let mut captures = Vec::new();
    for path in paths {
        let text = fs::read_to_string(path)
            .with_context(|| format!("could not read {}", path.display()))?;
        for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let capture = serde_json::from_str(line).with_context(|| {
                format!("line {} of {} is no capture", number + 1, path.display())
            })?;
            captures.push(capture);
        }
    }
    Ok(captures)
}

/// Values as lines of a private file, in a folder of their own.
pub(crate) fn write_lines(folder: &Path, name: &str, lines: &[Value]) -> anyhow::Result<()> {
    make_private(folder)?;
    let path = folder.join(name);
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_data()));
    written.with_context(|| format!("could not write {}", path.display()))
}
