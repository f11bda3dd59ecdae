//! `watchkeeper verify`, `verify record`, `verify lake`: our own record, and what it says of the lake.

use std::io::Write;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use wk_model::complaint::printable;
use wk_store::fsck;
use wk_store::ledger::audit::LogCheck;
use wk_store::log::anchor::Anchored;

use crate::cli::Exit;
use crate::cli::fsck::{as_json, exit, print};
use crate::wire::{Access, App, anchors::Found};

/// What is held against the record.
#[derive(Args)]
pub(super) struct Record {
    /// A place outside with checkpoints (`watchkeeper anchor`): a folder or s3://bucket/prefix; may be
    /// repeated
    #[arg(long, value_name = "PLACE")]
    anchor: Vec<String>,
    /// The log's key, as a file with the verifier line that was kept elsewhere [default: the key of
    /// this home]
    #[arg(long, value_name = "FILE")]
    key: Option<std::path::PathBuf>,
    /// Profile of the AWS CLI
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Endpoint of an S3-compatible store
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Prove the lake: every file against ledger and record, by its content.
#[derive(Args)]
pub(super) struct Lake {
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Which of both is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Record,
    Both,
}

/// What the log proves as long as no checkpoint lies outside.
const NOT_ANCHORED: &str = "consistent, not anchored";
/// Tombstones that people are told of one by one; `--json` tells all.
const TOLD_MAX: usize = 20;

/// What lies outside, held against the log.
#[derive(Default)]
struct Anchors {
    found: Vec<Found>,
    wrong: Vec<String>,
    /// How many leaves are anchored at least.
    holds: u64,
}

impl Record {
    pub(super) async fn run(
        self,
        app: &App,
        what: What,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let log = app.ledger.check_log().await?;
        let anchors = self.anchors(app).await?;
        let tombstones = app.ledger.tombstones().await?;
        let invalid = !log.problems.is_empty() || !anchors.wrong.is_empty();
        let word = word(&log, &anchors, invalid);
        let checked = match what {
            What::Record => None,
            What::Both => {
                let facts = app.ledger.facts().await?;
                Some(fsck::check(&app.files().await?, &facts, true).await?)
            }
        };
        let now = app.clock.now();
        if self.json {
            let mut report = log_json(&log, &anchors, &tombstones, &word);
            if let Some(checked) = &checked {
                report["lake"] = as_json(checked, now);
            }
            writeln!(out, "{report:#}")?;
        } else {
            tell(&log, &word, out)?;
            anchors
                .wrong
                .iter()
                .try_for_each(|w| writeln!(out, "wrong: {}", printable(w.as_bytes())))?;
            tell_tombstones(&tombstones, out)?;
            if let Some(checked) = &checked {
                print(checked, now, out)?;
            }
        }
        // An anchor that was asked for and holds nothing proves nothing.
        let unanchored = !self.anchor.is_empty() && anchors.holds == 0;
        Ok(match (invalid, &checked) {
            (true, _) => Exit::Found,
            (false, Some(checked)) if exit(checked) != Exit::Ok => exit(checked),
            (false, _) if unanchored => Exit::Partial,
            (false, _) => Exit::Ok,
        })
    }

    async fn anchors(&self, app: &App) -> anyhow::Result<Anchors> {
        let access = Access {
            profile: self.profile.clone(),
            region: self.region.clone(),
            endpoint: self.endpoint_url.clone(),
            without_identity: false,
        };
        let key = match &self.key {
            None => None,
            Some(file) => Some(
                std::fs::read_to_string(file)
                    .with_context(|| format!("could not read {}", file.display()))?,
            ),
        };
        let mut anchors = Anchors::default();
        for place in &self.anchor {
            for found in app.anchors(place, &access, key.as_deref().map(str::trim)).await? {
                anchors.judge(place, found);
            }
        }
        Ok(anchors)
    }
}

impl Anchors {
    fn judge(&mut self, place: &str, found: Found) {
        let whose = format!("{place} {}", found.path);
        let size = found.head.as_ref().map_or(0, |head| head.size);
        match found.anchored {
            Some(Anchored::Holds) => self.holds = self.holds.max(size),
            Some(Anchored::Rewritten) => self.wrong.push(format!(
                "the first {size} leaves are not those that were anchored: the log was rewritten ({whose})"
            )),
            Some(Anchored::CutOff) => self.wrong.push(format!(
                "{size} leaves were anchored, and the log has fewer: its end was cut off ({whose})"
            )),
            Some(Anchored::OfAnotherKey) => self.wrong.push(format!(
                "the anchored checkpoint of {size} leaves is not signed by this key ({whose})"
            )),
            None => self.wrong.push(format!("what was anchored is no checkpoint ({whose})")),
        }
        self.found.push(found);
    }
}

impl Lake {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let facts = app.ledger.facts().await?;
        let checked = fsck::check(&app.files().await?, &facts, true).await?;
        let now = app.clock.now();
        if self.json {
            writeln!(out, "{:#}", as_json(&checked, now))?;
        } else {
            print(&checked, now, out)?;
        }
        Ok(exit(&checked))
    }
}

fn word(log: &LogCheck, anchors: &Anchors, invalid: bool) -> String {
    if invalid {
        "proved invalid".to_owned()
    } else if anchors.holds == 0 {
        NOT_ANCHORED.to_owned()
    } else if anchors.holds < log.leaves {
        let open = log.leaves - anchors.holds;
        format!("consistent, anchored up to leaf {}; {open} newer ones are not", anchors.holds)
    } else {
        "consistent, anchored".to_owned()
    }
}

fn log_json(log: &LogCheck, anchors: &Anchors, tombstones: &[Value], word: &str) -> Value {
    json!({
        "log": word,
        "leaves": log.leaves,
        "checkpoints": log.checkpoints,
        "signed_by_another_key": log.foreign,
        "root": log.newest.as_ref().map(|head| head.root.to_string()),
        "problems": log.problems.iter().chain(&anchors.wrong).collect::<Vec<_>>(),
        "rebuilt": log.rebuilt,
        "anchors": anchors.found.len(),
        "anchored_leaves": anchors.holds,
        "tombstones": tombstones,
    })
}

/// What was deleted by law or policy: it is not missing.
fn tell_tombstones(tombstones: &[Value], out: &mut dyn Write) -> anyhow::Result<()> {
    if tombstones.is_empty() {
        return Ok(());
    }
    writeln!(out, "{} files were lawfully deleted, in whole or in part:", tombstones.len())?;
    for leaf in tombstones.iter().rev().take(TOLD_MAX) {
        let text = |name: &str| printable(leaf[name].as_str().unwrap_or("-").as_bytes());
        let why = if leaf["request"].is_string() { "request" } else { "policy" };
        writeln!(
            out,
            "  {} {}: {} rows, {why} {}, authorised by {} and {}",
            text("recorded"),
            text("path"),
            leaf["rows_deleted"],
            text(why),
            text("authorised_by"),
            text("second_person")
        )?;
    }
    if tombstones.len() > TOLD_MAX {
        writeln!(out, "  and {} older ones: see --json", tombstones.len() - TOLD_MAX)?;
    }
    Ok(())
}

fn tell(log: &LogCheck, word: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "log: {word}: {} leaves, {} checkpoints", log.leaves, log.checkpoints)?;
    if let Some(head) = &log.newest {
        writeln!(out, "root: {}", head.root)?;
    }
    if log.foreign > 0 {
        writeln!(out, "{} checkpoints from before the rebuild have another key", log.foreign)?;
    }
    for problem in &log.problems {
        writeln!(out, "wrong: {}", printable(problem.as_bytes()))?;
    }
    for leaf in &log.rebuilt {
        let recorded = printable(leaf["recorded"].as_str().unwrap_or_default().as_bytes());
        writeln!(
            out,
            "the ledger was rebuilt on {recorded} from {} entries of the journal; what was committed after the last of them was not recovered",
            leaf["entries"]
        )?;
        for lost in leaf["lost"].as_array().into_iter().flatten().filter_map(|l| l.as_str()) {
            writeln!(out, "not recovered: {}", printable(lost.as_bytes()))?;
        }
    }
    Ok(())
}
