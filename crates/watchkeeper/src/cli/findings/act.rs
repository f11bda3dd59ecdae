//! `watchkeeper findings ack|assign|note|dismiss|promote|merge|reopen`

use std::io::Write;

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use serde_json::json;
use wk_model::finding::FindingId;
use wk_model::triage::{Deed, Disposition, State, Step};
use wk_seam::ledger::FindingQuery;
use wk_seam::triage::{Stepped, Steps, Triage as _};

use super::queue::Queue;
use crate::cli::{Exit, journal, people};
use crate::wire::App;

/// How often it is tried again when somebody else was faster.
const TRIES: usize = 5;

/// Which findings, who, why.
#[derive(Args)]
pub(super) struct Of {
    /// Ids of findings, or their beginnings
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Who does it
    #[arg(long, visible_alias = "by", value_name = "NAME")]
    who: String,
    /// Print the steps as JSON
    #[arg(long)]
    json: bool,
}

/// Why a finding is decided, and what shows it.
#[derive(Args)]
pub(super) struct Grounds {
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// What shows it: a query, a ticket, a link; may be given several times
    #[arg(long, value_name = "TEXT")]
    evidence: Vec<String>,
}

/// Take findings: somebody looks at them.
#[derive(Args)]
pub(super) struct Ack {
    #[command(flatten)]
    of: Of,
    /// What is known so far
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// Give findings to somebody.
#[derive(Args)]
pub(super) struct Assign {
    #[command(flatten)]
    of: Of,
    /// To whom
    #[arg(long, value_name = "NAME")]
    to: String,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// Write something down about findings.
#[derive(Args)]
pub(super) struct Note {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    grounds: Grounds,
}

/// Close findings that need no action: benign, or not what they say.
#[derive(Args)]
pub(super) struct Dismiss {
    #[command(flatten)]
    of: Of,
    /// What they were
    #[arg(long = "as", value_enum, value_name = "WHAT")]
    what: Dismissed,
    #[command(flatten)]
    grounds: Grounds,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Dismissed {
    /// It happened as the finding says, and was as it should be
    #[value(alias = "benign")]
    BenignTruePositive,
    /// It did not happen as the finding says
    FalsePositive,
}

/// Say that findings are real: they became an incident.
#[derive(Args)]
pub(super) struct Promote {
    #[command(flatten)]
    of: Of,
    /// Where the incident is worked on: its number or ticket
    #[arg(long, value_name = "REFERENCE")]
    incident: String,
    #[command(flatten)]
    grounds: Grounds,
}

/// Say that findings are the same as another, which is decided for all.
#[derive(Args)]
pub(super) struct Merge {
    #[command(flatten)]
    of: Of,
    /// The other finding
    #[arg(long, value_name = "ID")]
    into: String,
    #[command(flatten)]
    grounds: Grounds,
}

/// Take a decision back. What was decided stays in the history.
#[derive(Args)]
pub(super) struct Reopen {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    grounds: Grounds,
}

impl Ack {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        self.of.step(app, Deed::Acknowledged, &self.reason, &[], out).await
    }
}

impl Assign {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let to = people::name("--to", &self.to)?;
        self.of.step(app, Deed::Assigned { to }, &self.reason, &[], out).await
    }
}

impl Note {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let reason = people::name("--reason", &self.grounds.reason)?;
        self.of.step(app, Deed::Noted, &reason, &self.grounds.evidence, out).await
    }
}

impl Dismiss {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let disposition = match self.what {
            Dismissed::BenignTruePositive => Disposition::BenignTruePositive,
            Dismissed::FalsePositive => Disposition::FalsePositive,
        };
        self.of.dispose(app, disposition, &self.grounds, out).await
    }
}

impl Promote {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let incident = people::name("--incident", &self.incident)?;
        self.of.dispose(app, Disposition::TruePositive { incident }, &self.grounds, out).await
    }
}

impl Merge {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let queue = Queue::load(app, &FindingQuery::default()).await?;
        let of = queue.one(&self.into)?.id.clone();
        self.of.dispose(app, Disposition::Duplicate { of }, &self.grounds, out).await
    }
}

impl Reopen {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let reason = people::name("--reason", &self.grounds.reason)?;
        self.of.step(app, Deed::Reopened, &reason, &self.grounds.evidence, out).await
    }
}

impl Of {
    async fn dispose(
        &self,
        app: &App,
        disposition: Disposition,
        grounds: &Grounds,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let reason = people::name("--reason", &grounds.reason)?;
        self.step(app, Deed::Disposed { disposition }, &reason, &grounds.evidence, out).await
    }

    /// Does the same about each of the findings, or about none.
    async fn step(
        &self,
        app: &App,
        deed: Deed,
        reason: &str,
        evidence: &[String],
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let who = people::name("--who", &self.who)?;
        let fits = |text: &str| text.chars().count() <= Step::TEXT_CHARS;
        ensure!(
            fits(reason) && evidence.iter().all(|text| fits(text)) && fits(&who),
            "a reason, and each --evidence, has at most {} characters",
            Step::TEXT_CHARS
        );
        ensure!(
            evidence.len() <= Step::EVIDENCE_MAX && evidence.iter().all(|e| !e.trim().is_empty()),
            "at most {} --evidence, none of them empty",
            Step::EVIDENCE_MAX
        );
        for _ in 0..TRIES {
            let queue = Queue::load(app, &FindingQuery::default()).await?;
            let steps = self.steps(&queue, &who, &deed, reason, evidence)?;
            if app.ledger.keep_steps(&steps).await? == Stepped::Done {
                journal::write(app).await?;
                self.print(&steps.steps, out)?;
                return Ok(Exit::Ok);
            }
        }
        bail!("others changed these findings again and again; try once more")
    }

    fn steps(
        &self,
        queue: &Queue,
        who: &str,
        deed: &Deed,
        reason: &str,
        evidence: &[String],
    ) -> anyhow::Result<Steps> {
        let mut steps = Steps::default();
        if let Deed::Disposed { disposition: Disposition::Duplicate { of } } = deed {
            let state = State::of(queue.steps(of));
            if let Some(Disposition::Duplicate { of: other }) = state.disposition() {
                bail!("{of} is itself a duplicate, of {other}; merge into that one");
            }
            steps.seen.push((of.clone(), state.steps));
        }
        for id in &self.ids {
            let finding = queue.one(id)?;
            let state = State::of(queue.steps(&finding.id));
            if let Some(why) = state.refuses(deed) {
                bail!("{} cannot be {}: {why}", finding.id, deed.as_str());
            }
            let is_disposed = matches!(deed, Deed::Disposed { .. });
            if is_disposed && finding.severity >= queue.policy.severity_min && evidence.is_empty() {
                bail!(
                    "{} is {}: from {} on a decision needs --evidence, such as a query or a ticket",
                    finding.id,
                    finding.severity.word(),
                    queue.policy.severity_min.word()
                );
            }
            if steps.seen.iter().any(|(there, _)| *there == finding.id) {
                bail!("{} is named twice", finding.id);
            }
            steps.seen.push((finding.id.clone(), state.steps));
            steps.steps.push(Step {
                finding: finding.id.clone(),
                nth: state.steps + 1,
                at: queue.now,
                who: who.to_owned(),
                deed: deed.clone(),
                reason: reason.trim().to_owned(),
                evidence: evidence.to_vec(),
            });
        }
        Ok(steps)
    }

    fn print(&self, steps: &[Step], out: &mut dyn Write) -> anyhow::Result<()> {
        if self.json {
            writeln!(out, "{:#}", json!(steps))?;
            return Ok(());
        }
        for step in steps {
            writeln!(out, "{} {}", short(&step.finding), said(step))?;
        }
        Ok(())
    }
}

/// What a step did, in words.
pub(super) fn said(step: &Step) -> String {
    let what = match &step.deed {
        Deed::Acknowledged => "taken".to_owned(),
        Deed::Assigned { to } => format!("given to {to}"),
        Deed::Noted => "noted".to_owned(),
        Deed::Disposed { disposition: Disposition::TruePositive { incident } } => {
            format!("true-positive, incident {incident}")
        }
        Deed::Disposed { disposition: Disposition::Duplicate { of } } => {
            format!("duplicate of {}", short(of))
        }
        Deed::Disposed { disposition } => disposition.as_str().to_owned(),
        Deed::Reopened => "reopened".to_owned(),
    };
    format!("{what} by {}", step.who)
}

/// Enough of an id for people.
pub(super) fn short(id: &FindingId) -> String {
    id.0.chars().take(8).collect()
}
