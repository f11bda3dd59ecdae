//! `watchkeeper lake expire`

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use wk_engine::upkeep::{Authorised, Due, Expired};
use wk_model::retention::Policy;
use wk_seam::ledger::{Applied, Ledger as _};

use super::super::{Exit, people, table};
use crate::wire::App;

/// Delete what is past its term by the retention policy in config.toml. Without --apply it only
/// says what would go.
#[derive(Args)]
pub(super) struct Expire {
    /// Delete it
    #[arg(long, requires = "authorised_by")]
    apply: bool,
    /// Who authorises it; kept in the log
    #[arg(long, value_name = "NAME")]
    authorised_by: Option<String>,
    /// Who agrees: asked for where the policy keeps something for less long than the one that was
    /// applied before
    #[arg(long, value_name = "NAME")]
    second_person: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// What is known before anything is deleted.
struct Plan {
    policy: Arc<Policy>,
    shortens: Vec<String>,
    due: Vec<Due>,
}

impl Expire {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let policy = Arc::new(app.config.retention.policy()?);
        let applied = app.ledger.applied_policy().await?;
        let shortens = applied.as_ref().map(|a| policy.shortens(&a.policy)).unwrap_or_default();
        let upkeep = app.upkeep().await?;
        let due = upkeep.due(&policy).await?;
        let plan = Plan { policy, shortens, due };
        let Some(by) = self.authorised_by.as_ref().filter(|_| self.apply) else {
            return self.tell(&plan, None, out);
        };
        let authorised = self.authorised(by, &plan)?;
        let (policy, at) = (plan.policy.as_ref().clone(), app.clock.now());
        if applied.is_none_or(|a| a.policy != policy) {
            let (authorised_by, second_person) =
                (authorised.by.clone(), authorised.second_person.clone());
            let applied = Applied { policy, authorised_by, second_person, at };
            app.ledger.apply_policy(&applied).await?;
        }
        let done = upkeep.expire(&plan.policy, &plan.due, &authorised).await?;
        upkeep.remove_left().await?;
        self.tell(&plan, Some(&done), out)
    }

    fn authorised(&self, by: &str, plan: &Plan) -> anyhow::Result<Authorised> {
        let by = people::name("--authorised-by", by)?;
        let second_person =
            self.second_person.as_ref().map(|second| people::second(&by, second)).transpose()?;
        if !plan.shortens.is_empty() && second_person.is_none() {
            bail!(
                "the policy keeps less than the one that was applied before; that needs a --second-person:\n  {}",
                plan.shortens.join("\n  ")
            );
        }
        Ok(Authorised { by, second_person })
    }

    fn tell(
        &self,
        plan: &Plan,
        done: Option<&Expired>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        if self.json {
            let due: Vec<Value> = plan.due.iter().map(due_as_json).collect();
            let report = json!({
                "dry_run": done.is_none(),
                "policy": plan.policy.digest().short(),
                "shortens": plan.shortens,
                "due": due,
                "deleted": done.map(expired_as_json),
            });
            writeln!(out, "{report:#}").context("could not write the report")?;
            return Ok(Exit::Ok);
        }
        if plan.policy.is_empty() {
            writeln!(
                out,
                "No retention policy: nothing is ever deleted. See [retention] in docs/guide.md."
            )?;
            return Ok(Exit::Ok);
        }
        let rows: Vec<Vec<String>> = plan.due.iter().map(due_as_row).collect();
        table::print(&["table", "day", "rows", "of", "bytes", "term", "held by"], &rows, out)?;
        for line in &plan.shortens {
            writeln!(out, "shorter than before: {line}")?;
        }
        match done {
            None => {
                let free = plan.due.iter().filter(|d| d.held_by.is_empty());
                let rows: u64 = free.clone().map(|d| d.rows).sum();
                let held = plan.due.len() - free.clone().count();
                writeln!(
                    out,
                    "{rows} rows of {} files would be deleted, {held} files are held; nothing was changed: --apply --authorised-by NAME deletes",
                    free.count()
                )?;
            }
            Some(done) => tell_done(done, out)?,
        }
        Ok(Exit::Ok)
    }
}

fn tell_done(done: &Expired, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "{} rows were deleted: {} files as a whole, {} in part; {} files are held",
        done.rows, done.files.0, done.files.1, done.held
    )?;
    if done.overtaken > 0 {
        writeln!(out, "{} files were changed by another process first: run again", done.overtaken)?;
    }
    writeln!(out, "Storage is freed by the first lake compact or expire after an hour.")?;
    Ok(())
}

fn term_of(due: &Due) -> String {
    due.terms.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn due_as_row(due: &Due) -> Vec<String> {
    vec![
        due.table.name.to_owned(),
        due.file.day.to_string(),
        due.rows.to_string(),
        due.file.rows.to_string(),
        table::bytes(due.file.bytes),
        term_of(due),
        due.held_by.join(" "),
    ]
}

fn due_as_json(due: &Due) -> Value {
    json!({
        "table": due.table.name,
        "day": due.file.day.to_string(),
        "file": due.file.path,
        "rows": due.rows,
        "rows_of_file": due.file.rows,
        "bytes_of_file": due.file.bytes,
        "terms": due.terms.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "held_by": due.held_by,
    })
}

fn expired_as_json(done: &Expired) -> Value {
    json!({
        "rows": done.rows,
        "files_whole": done.files.0,
        "files_in_part": done.files.1,
        "files_held": done.held,
        "overtaken": done.overtaken,
    })
}
