//! `watchkeeper prove`

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde_json::{Value, json};
use wk_model::Sha256;
use wk_model::complaint::printable;
use wk_model::digest::Sha256Writer;
use wk_store::log::{leaf_hash, proof};

use super::Exit;
use crate::wire::App;

/// Prove that a file of the lake is in the record: its leaf, and the hashes up to a signed checkpoint.
///
/// Whoever holds the proof, the file and the log's key needs nothing else of ours to check it.
#[derive(Args)]
pub(crate) struct Prove {
    /// A file of the lake: its path in the lake, or a copy of it anywhere
    #[arg(value_name = "FILE")]
    file: String,
    /// Write the proof for others to check (C2SP tlog-proof)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the proof as JSON
    #[arg(long)]
    json: bool,
}

/// A leaf, proved to be in the log of a checkpoint.
struct Proved {
    index: u64,
    line: String,
    path: Vec<Sha256>,
    note: String,
    size: u64,
    root: Sha256,
}

impl Prove {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let (leaves, here) = self.leaves(app).await?;
        let Some((index, line)) = leaves.last().cloned() else {
            let file = printable(self.file.as_bytes());
            writeln!(out, "not in the record: no leaf names {file}, or its content")?;
            return Ok(Exit::Found);
        };
        let proved = prove(app, index, line).await?;
        if let Some(path) = &self.out {
            std::fs::write(path, proof::text(proved.index, &proved.path, &proved.note))
                .with_context(|| format!("could not write {}", path.display()))?;
        }
        let leaf: Value = serde_json::from_str(&proved.line).unwrap_or_default();
        let said = leaf["sha256"].as_str().and_then(Sha256::parse);
        let deleted = leaf["kind"] == "tombstone";
        let differs = !deleted && here.is_some() && here != said;
        if self.json {
            let told = json!({"file": self.file, "proof": proved.as_json(&app.ledger.verifier()),
                "content": here, "as_recorded": here.map(|here| Some(here) == said), "deleted": deleted});
            writeln!(out, "{told:#}")?;
        } else {
            self.tell(&proved, &leaf, here, out)?;
        }
        Ok(if differs { Exit::Found } else { Exit::Ok })
    }

    /// The leaves that name the file, and the hash of its content, if it lies here.
    async fn leaves(&self, app: &App) -> anyhow::Result<(Vec<(u64, String)>, Option<Sha256>)> {
        let by_path = app.ledger.leaves_of("path", &self.file).await?;
        let local = Path::new(&self.file);
        let lake = app.home.lake().join(&self.file);
        let lies = |path: &Path| path.try_exists().unwrap_or(false);
        let here = match (lies(local), app.config.lake.location.is_none() && lies(&lake)) {
            (true, _) => Some(hash_of(local)?),
            (false, true) => Some(hash_of(&lake)?),
            (false, false) => None,
        };
        match (by_path.is_empty(), here) {
            (true, Some(hash)) => {
                Ok((app.ledger.leaves_of("sha256", &hash.to_string()).await?, here))
            }
            _ => Ok((by_path, here)),
        }
    }

    fn tell(
        &self,
        proved: &Proved,
        leaf: &Value,
        here: Option<Sha256>,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        writeln!(
            out,
            "leaf {} of {}: {}",
            proved.index,
            proved.size,
            printable(proved.line.as_bytes())
        )?;
        writeln!(out, "proved by {} hashes up to the root {}", proved.path.len(), proved.root)?;
        let text = |name: &str| printable(leaf[name].as_str().unwrap_or("?").as_bytes());
        if leaf["kind"] == "tombstone" {
            let (by, second, at) = (text("authorised_by"), text("second_person"), text("recorded"));
            writeln!(out, "lawfully deleted on {at}, authorised by {by} and {second}")?;
            return Ok(());
        }
        match here {
            None => writeln!(out, "the file does not lie here: its content was not compared")?,
            Some(hash) if text("sha256") == hash.to_string() => {
                writeln!(out, "its content is what was recorded")?;
            }
            Some(hash) => {
                writeln!(out, "wrong: its content is {hash}, the record says {}", text("sha256"))?
            }
        }
        Ok(())
    }
}

async fn prove(app: &App, index: u64, line: String) -> anyhow::Result<Proved> {
    let head = wk_seam::ledger::Ledger::checkpoint(&app.ledger).await?;
    let head =
        head.ok_or_else(|| anyhow!("the log has no checkpoint; `watchkeeper verify` says why"))?;
    let mut hashes = app.ledger.leaf_hashes().await?;
    // Leaves that another process added meanwhile belong to a later checkpoint.
    hashes.truncate(usize::try_from(head.size).unwrap_or(usize::MAX));
    let path = usize::try_from(index).ok().and_then(|index| proof::inclusion(&hashes, index));
    let path =
        path.ok_or_else(|| anyhow!("leaf {index} lies beyond the newest checkpoint; try again"))?;
    let leaf = leaf_hash(line.as_bytes());
    if !proof::is_included(leaf, index, head.size, &path, head.root) {
        return Err(anyhow!(
            "the log is not what its checkpoint signed; `watchkeeper verify` says where"
        ));
    }
    Ok(Proved { index, line, path, note: head.note, size: head.size, root: head.root })
}

impl Proved {
    fn as_json(&self, key: &str) -> Value {
        json!({
            "index": self.index,
            "leaf": self.line,
            "leaf_hash": leaf_hash(self.line.as_bytes()).to_string(),
            "size": self.size,
            "root": self.root.to_string(),
            "hashes": self.path.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "checkpoint": self.note,
            "key": key,
        })
    }
}

fn hash_of(path: &Path) -> anyhow::Result<Sha256> {
    use std::io::Read as _;
    let failed = || format!("could not read {}", path.display());
    let mut file = std::fs::File::open(path).with_context(failed)?;
    let (mut writer, mut block) = (Sha256Writer::default(), vec![0u8; 1 << 18]);
    loop {
        match file.read(&mut block).with_context(failed)? {
            0 => return Ok(writer.finish()),
            n => writer.write(&block[..n]),
        }
    }
}
