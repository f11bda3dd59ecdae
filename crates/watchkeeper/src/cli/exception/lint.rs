//! `watchkeeper exception lint`

use std::io::Write;

use clap::Args;
use serde_json::json;
use wk_case::exceptions::Exceptions;
use wk_model::Exception;
use wk_seam::ledger::FindingQuery;
use wk_seam::triage::Triage as _;

use super::hides;
use crate::cli::Exit;
use crate::cli::findings::queue::Queue;
use crate::wire::App;

/// An exception that ends within so many days is told.
const SOON_DAYS: i64 = 14;
/// An exception that hid nothing for so many days is told.
const UNUSED_DAYS: i64 = 30;

/// Look for exceptions that hide known true positives, name rules that are gone, hide nothing, or end
/// soon.
///
/// Exit code 1: one hides what it should not, or cannot work.
#[derive(Args)]
pub(super) struct Lint {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Lint {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let queue = Queue::load(app, &FindingQuery::default()).await?;
        let detections = app.detections()?;
        let (mut wrong, mut notes) = (Vec::new(), Vec::new());
        for exception in app.ledger.exceptions().await? {
            if !exception.is_active(queue.now) {
                continue;
            }
            let mut say = |why: String| wrong.push((exception.id.clone(), why));
            if queue.bad.contains(&exception.id) {
                say("its pattern cannot be read: it covers nothing".to_owned());
            }
            for rule in &exception.rules {
                let there = detections.rules().iter().any(|d| d.rule.id == *rule)
                    || queue.findings.iter().any(|f| f.rule.id == *rule)
                    || wk_watch::checks::named(rule).is_some();
                if !there {
                    say(format!("the rule {rule:?} is gone"));
                }
            }
            hides::known(&exception, &detections, &queue).into_iter().for_each(say);
            let note = |why: String| (exception.id.clone(), why);
            let rows = hides::rows_of_checks(app, &exception).await?.len();
            notes.extend(self.notes(&exception, &queue, rows).into_iter().map(note));
        }
        if self.json {
            let list = |all: &[(String, String)]| -> Vec<_> {
                all.iter().map(|(id, why)| json!({"exception": id, "why": why})).collect()
            };
            writeln!(out, "{:#}", json!({"warnings": list(&wrong), "notes": list(&notes)}))?;
        } else {
            for (id, why) in &wrong {
                writeln!(out, "warning: {id}: {why}")?;
            }
            for (id, why) in &notes {
                writeln!(out, "note: {id}: {why}")?;
            }
            writeln!(out, "{} warnings, {} notes", wrong.len(), notes.len())?;
        }
        Ok(if wrong.is_empty() { Exit::Ok } else { Exit::Found })
    }

    fn notes(&self, exception: &Exception, queue: &Queue, rows: usize) -> Vec<String> {
        let mut notes = Vec::new();
        let soon = queue.now.plus_seconds(SOON_DAYS * 86_400);
        if exception.until <= soon {
            notes.push(format!("it ends {}; what it covers is open again then", exception.until));
        }
        let since = queue.now.plus_seconds(-UNUSED_DAYS * 86_400);
        let covers = Exceptions::new(vec![exception.clone()]).0;
        let used = |f: &wk_model::Finding| f.last_seen >= since && covers.covers(&exception.id, f);
        if exception.granted <= since && rows == 0 && !queue.findings.iter().any(used) {
            notes.push(format!("it has hidden nothing for {UNUSED_DAYS} days; revoke it"));
        }
        notes
    }
}
