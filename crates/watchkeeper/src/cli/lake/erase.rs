//! `watchkeeper lake erase`

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use clap::Args;
use serde_json::json;
use wk_engine::upkeep::{Erased, Named};
use wk_seam::ledger::{Erasure, FindingQuery, Ledger as _};

use super::super::{Exit, people, table};
use crate::wire::App;

/// Delete the rows that name a person who asks to be forgotten (GDPR Art. 17). Rows that the retention
/// policy still asks to be kept stay, and held ones; both are counted. Without --apply it only says
/// what would go.
#[derive(Args)]
pub(super) struct Erase {
    /// What names the person in the records, as a whole word: an address, a user name, an ARN
    #[arg(long, value_name = "TEXT")]
    subject: String,
    /// Reference of the request, such as a ticket; the log keeps it, and never the subject
    #[arg(long, value_name = "REFERENCE")]
    request: String,
    /// Delete them
    #[arg(long, requires_all = ["authorised_by", "second_person"])]
    apply: bool,
    /// Who authorises it; kept in the log
    #[arg(long, value_name = "NAME")]
    authorised_by: Option<String>,
    /// Who agrees; kept in the log
    #[arg(long, value_name = "NAME")]
    second_person: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Shorter texts name nobody in particular.
const SUBJECT_MIN: usize = 3;

impl Erase {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let subject = self.subject.trim();
        ensure!(
            subject.chars().count() >= SUBJECT_MIN,
            "--subject needs at least {SUBJECT_MIN} characters: a shorter text names nobody in particular"
        );
        let request = self.request.trim();
        ensure!(!request.is_empty(), "--request needs a reference");
        ensure!(
            !request.to_lowercase().contains(&subject.to_lowercase()),
            "--request would keep the subject in the log for ever: name a ticket instead"
        );
        let erasure = self.erasure(request)?;
        let policy = Arc::new(app.config.retention.policy()?);
        let upkeep = app.upkeep().await?;
        let named = upkeep.named(subject, &policy).await?;
        let findings = findings_naming(app, subject).await?;
        let done = match &erasure {
            Some(erasure) => {
                let done = upkeep.erase(subject, &policy, &named, erasure).await?;
                upkeep.remove_left().await?;
                Some(done)
            }
            None => None,
        };
        self.tell(&named, findings, done.as_ref(), out)?;
        let partial = done.is_some_and(|d| d.kept + d.held + d.overtaken > 0) || findings > 0;
        Ok(if erasure.is_some() && partial { Exit::Partial } else { Exit::Ok })
    }

    fn erasure(&self, request: &str) -> anyhow::Result<Option<Erasure>> {
        let Some((by, second)) =
            self.authorised_by.as_ref().zip(self.second_person.as_ref()).filter(|_| self.apply)
        else {
            return Ok(None);
        };
        let authorised_by = people::name("--authorised-by", by)?;
        let second_person = people::second(&authorised_by, second)?;
        Ok(Some(Erasure { request: request.to_owned(), authorised_by, second_person }))
    }

    fn tell(
        &self,
        named: &[Named],
        findings: u64,
        done: Option<&Erased>,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        if self.json {
            let files: Vec<_> = named.iter().map(as_json).collect();
            let done = done.map(|d| {
                json!({"rows": d.rows, "files_whole": d.files.0, "files_in_part": d.files.1,
                    "rows_kept": d.kept, "rows_held": d.held, "overtaken": d.overtaken})
            });
            let report = json!({"dry_run": done.is_none(), "request": self.request.trim(),
                "named": files, "findings_that_name_it": findings, "deleted": done});
            return writeln!(out, "{report:#}").context("could not write the report");
        }
        let rows: Vec<Vec<String>> = named.iter().map(as_row).collect();
        table::print(&["table", "day", "rows", "of", "kept by policy", "held by"], &rows, out)?;
        let sum = |of: fn(&Named) -> u64| named.iter().map(of).sum::<u64>();
        match done {
            None => writeln!(
                out,
                "{} rows name the subject, {} of them are kept by the policy; nothing was changed: --apply --authorised-by NAME --second-person NAME deletes",
                sum(|n| n.rows),
                sum(|n| n.kept)
            )?,
            Some(done) => {
                writeln!(
                    out,
                    "{} rows were deleted; {} are kept by the policy, {} are held",
                    done.rows, done.kept, done.held
                )?;
                if done.overtaken > 0 {
                    writeln!(
                        out,
                        "{} files were changed by another process first: run again",
                        done.overtaken
                    )?;
                }
                writeln!(
                    out,
                    "Storage is freed by the first lake compact or expire after an hour."
                )?;
            }
        }
        if findings > 0 {
            writeln!(
                out,
                "{findings} findings name the subject and stay: they are the record of what was detected."
            )?;
        }
        Ok(())
    }
}

/// How many findings name the subject as actor or resource, or in their title.
async fn findings_naming(app: &App, subject: &str) -> anyhow::Result<u64> {
    let subject = subject.to_lowercase();
    let findings = app.ledger.findings(&FindingQuery::default()).await?;
    let names = |text: &String| text.to_lowercase().contains(&subject);
    let naming = findings
        .iter()
        .filter(|f| f.actor.iter().any(names) || f.resources.iter().any(names) || names(&f.title));
    Ok(naming.count() as u64)
}

fn as_row(named: &Named) -> Vec<String> {
    vec![
        named.table.name.to_owned(),
        named.file.day.to_string(),
        named.rows.to_string(),
        named.file.rows.to_string(),
        named.kept.to_string(),
        named.held_by.join(" "),
    ]
}

fn as_json(named: &Named) -> serde_json::Value {
    json!({"table": named.table.name, "day": named.file.day.to_string(), "file": named.file.path,
        "rows": named.rows, "rows_of_file": named.file.rows, "rows_kept": named.kept,
        "held_by": named.held_by})
}
