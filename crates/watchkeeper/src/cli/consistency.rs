//! `watchkeeper consistency`

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use wk_model::Sha256;
use wk_store::log::{anchor, proof};

use super::{Exit, Usage};
use crate::wire::App;

/// Prove that an old state of the record is the beginning of a new one: nothing was rewritten.
///
/// A state is a file with a checkpoint, a number of leaves, or `now`. Ends with 1 if it is not so.
#[derive(Args)]
pub(crate) struct Consistency {
    /// The old state
    old: String,
    /// The new state
    #[arg(default_value = "now")]
    new: String,
    /// The log's key, as a file with the verifier line that was kept elsewhere [default: the key of
    /// this home]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Print the proof as JSON
    #[arg(long)]
    json: bool,
}

/// A state of the log, as somebody says that it was.
struct State {
    size: u64,
    /// The root that a checkpoint holds; none where only the size is named.
    root: Option<Sha256>,
    /// Whether the key signed it; none where there is nothing to sign.
    signed: Option<bool>,
}

impl Consistency {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let hashes = app.ledger.leaf_hashes().await?;
        let key = match &self.key {
            None => app.ledger.verifier(),
            Some(file) => std::fs::read_to_string(file)
                .with_context(|| format!("could not read {}", file.display()))?,
        };
        let (old, new) =
            (state(&self.old, &key, hashes.len())?, state(&self.new, &key, hashes.len())?);
        if old.size > new.size {
            return Err(Usage::error(format!(
                "the old state has {} leaves, the new one {}; name the smaller one first",
                old.size, new.size
            )));
        }
        let mut wrong = Vec::new();
        for (name, state) in [("old", &old), ("new", &new)] {
            wrong.extend(judge(name, state, &hashes));
        }
        let size = |state: &State| usize::try_from(state.size).unwrap_or(usize::MAX);
        let path = hashes.get(..size(&new)).and_then(|all| proof::consistency(all, size(&old)));
        let roots = [&old, &new].map(|state| hashes.get(..size(state)).map(proof::root));
        if let ([Some(old_root), Some(new_root)], Some(path)) = (roots, &path)
            && !proof::is_beginning((old.size, old_root), (new.size, new_root), path)
        {
            wrong.push("the proof does not hold".to_owned());
        }
        let consistent = wrong.is_empty();
        if self.json {
            let told = json!({"consistent": consistent, "old": old.size, "new": new.size,
                "old_root": roots[0].map(|r| r.to_string()), "new_root": roots[1].map(|r| r.to_string()),
                "hashes": path.map(|p| p.iter().map(ToString::to_string).collect::<Vec<_>>()),
                "wrong": wrong});
            writeln!(out, "{told:#}")?;
        } else {
            wrong.iter().try_for_each(|why| writeln!(out, "wrong: {why}"))?;
            let hashes = path.map_or(0, |path| path.len());
            match consistent {
                true => writeln!(
                    out,
                    "consistent: the first {} leaves of {} are the same, by {hashes} hashes",
                    old.size, new.size
                )?,
                false => writeln!(out, "not consistent")?,
            }
        }
        Ok(if consistent { Exit::Ok } else { Exit::Found })
    }
}

fn state(word: &str, key: &str, leaves: usize) -> anyhow::Result<State> {
    let plain = |size: u64| State { size, root: None, signed: None };
    if word == "now" {
        return Ok(plain(leaves as u64));
    }
    if let Ok(size) = word.parse::<u64>() {
        if size == 0 {
            return Err(Usage::error("a log without leaves is the beginning of every one"));
        }
        return Ok(plain(size));
    }
    let note = std::fs::read_to_string(word).with_context(|| format!("could not read {word}"))?;
    let head = anchor::read(&note).with_context(|| {
        format!("{word} is no checkpoint: origin, size and root in lines, then signatures")
    })?;
    let signed = Some(anchor::is_signed(&note, key));
    Ok(State { size: head.size, root: Some(head.root), signed })
}

/// What is wrong with a state, beside the log as it is now.
fn judge(name: &str, state: &State, hashes: &[Sha256]) -> Vec<String> {
    let mut wrong = Vec::new();
    let here = usize::try_from(state.size).ok().and_then(|size| hashes.get(..size));
    match here.map(proof::root) {
        None => wrong.push(format!(
            "the {name} state has {} leaves, the log has {}: its end was cut off",
            state.size,
            hashes.len()
        )),
        Some(root) if state.root.is_some_and(|said| said != root) => wrong.push(format!(
            "the first {} leaves are not those of the {name} checkpoint: the log was rewritten",
            state.size
        )),
        Some(_) => {}
    }
    if state.signed == Some(false) {
        wrong.push(format!("the {name} checkpoint is not signed by this log's key"));
    }
    wrong
}
