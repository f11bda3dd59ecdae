//! `watchkeeper notify`

use std::io::Write;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;
use wk_act::notifiers;
use wk_engine::notify::{Asked, ReadBack, Turned};
use wk_model::complaint::printable;
use wk_model::finding::FindingId;
use wk_model::notice::NoticeKind;
use wk_model::{Notice, Severity, SeverityWord};
use wk_seam::outbox::{Outbox as _, PostQuery, Posted, Standing};

use super::{Exit, Usage, people, table};
use crate::wire::App;

/// Turns of one `notify run --once`.
const TURNS_MAX: usize = 100;

/// Tell people of findings, and see what they were told.
#[derive(Args)]
pub(crate) struct Notify {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Run(Run),
    Test(Test),
    List(List),
    Dead(Dead),
    Retry(Retry),
    Receipts(Receipts),
    Alarms(Alarms),
    Ack(OnAlarm),
    Resolve(Over),
    Kinds(Kinds),
    Forget(Forget),
}

/// Route what changed and send what is due, now.
#[derive(Args)]
struct Run {
    /// Once, and not again and again as `watchkeeper run` does
    #[arg(long, required = true)]
    once: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// Try a channel: a notice that says it is a test, with a receipt like any other.
#[derive(Args)]
struct Test {
    /// The channel, as [channels.NAME] in config.toml names it
    channel: String,
    /// Print the receipt as JSON
    #[arg(long)]
    json: bool,
}

/// List notices, newest first: waiting, accepted, dead.
#[derive(Args)]
struct List {
    #[command(flatten)]
    only: Only,
}

/// List notices that were given up. Exit code 1 if there are any.
#[derive(Args)]
struct Dead {
    #[command(flatten)]
    only: Only,
}

/// List receipts: who took which notice when.
#[derive(Args)]
struct Receipts {
    #[command(flatten)]
    only: Only,
}

#[derive(Args)]
struct Only {
    /// To this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Of the alarm whose key begins so
    #[arg(long, value_name = "KEY")]
    alarm: Option<String>,
    /// That speak of this finding
    #[arg(long, value_name = "ID")]
    finding: Option<String>,
    /// At most so many, newest first
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
    /// Print them as JSON, with everything they say
    #[arg(long)]
    json: bool,
}

/// Send notices again that were given up.
#[derive(Args)]
struct Retry {
    /// The notice's id, as `notify dead` shows it
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Who says so
    #[arg(long, value_name = "NAME")]
    by: String,
}

/// List alarms that are open, and who took them.
#[derive(Args)]
struct Alarms {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Take an alarm: nobody else is asked, nothing is repeated.
#[derive(Args)]
struct OnAlarm {
    /// The alarm's key, or its beginning
    alarm: String,
    /// Who takes it
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What they say
    #[arg(long, default_value = "", value_name = "TEXT")]
    note: String,
}

/// End an alarm because it is over.
#[derive(Args)]
struct Over {
    #[command(flatten)]
    on: OnAlarm,
}

/// List the kinds of channels, with the keys of their sections in config.toml.
#[derive(Args)]
struct Kinds {
    /// One kind, with everything about it
    kind: Option<String>,
}

/// Forget notices that were settled longer ago than [notify] keep_days; the log keeps their lines.
#[derive(Args)]
struct Forget {}

impl Notify {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self.what {
            What::Run(run) => run.run(app, out).await,
            What::Test(test) => test.run(app, out).await,
            What::List(list) => list.only.print(app, &[], out).await.map(|_| Exit::Ok),
            What::Dead(dead) => {
                let any = dead.only.print(app, &[Standing::Dead], out).await? > 0;
                Ok(if any { Exit::Found } else { Exit::Ok })
            }
            What::Receipts(receipts) => {
                receipts.only.print(app, &[Standing::Accepted], out).await.map(|_| Exit::Ok)
            }
            What::Retry(retry) => retry.run(app, out).await,
            What::Alarms(alarms) => alarms.run(app, out).await,
            What::Ack(on) => {
                let by = people::name("--by", &on.by)?;
                let asked = app.notify().await?.acknowledge(&on.alarm, &by, &on.note).await?;
                told(&asked, "is taken", out)
            }
            What::Resolve(Over { on }) => {
                let by = people::name("--by", &on.by)?;
                let asked = app.notify().await?.resolve(&on.alarm, &by, &on.note).await?;
                told(&asked, "is over", out)
            }
            What::Kinds(kinds) => kinds.print(out),
            What::Forget(_) => {
                let gone = app.forget_notices().await?;
                writeln!(out, "{gone} notices are forgotten; their lines in the log stay")?;
                Ok(Exit::Ok)
            }
        }
    }
}

impl Run {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let notify = app.notify().await?;
        let mut all = Turned::default();
        for _ in 0..TURNS_MAX {
            let turned = notify.turn().await?;
            all.counts.add(&turned.counts);
            all.queued += turned.queued;
            let (sum, more) = (&mut all.delivered, &turned.delivered);
            sum.accepted += more.accepted;
            sum.later += more.later;
            sum.dead += more.dead;
            sum.doubled += more.doubled;
            all.next = turned.next;
            all.read_back.taken += turned.read_back.taken;
            all.read_back.over += turned.read_back.over;
            all.read_back.failed = turned.read_back.failed.clone().or(all.read_back.failed);
            let more = turned.counts.changed > 0 || turned.queued > 0 || sum_of(&turned) > 0;
            if !more || turned.next.is_none_or(|next| next > app.clock.now()) {
                break;
            }
        }
        super::journal::write(app).await?;
        let (c, d) = (&all.counts, &all.delivered);
        if self.json {
            let said = json!({
                "findings": {"changed": c.changed, "reopened": c.reopened,
                    "excepted": c.excepted, "decided": c.decided, "dry_run": c.dry_run, "suppressed": c.suppressed,
                    "unrouted": c.unrouted, "digested": c.digested},
                "requested": c.requested, "queued": all.queued,
                "held_back": {"silenced": c.silenced, "inhibited": c.inhibited,
                    "muted": c.muted, "flooded": c.flooded},
                "unconfigured": c.unconfigured, "escalated": c.escalated,
                "repeated": c.repeated, "closed": c.closed,
                "delivered": {"accepted": d.accepted, "later": d.later, "dead": d.dead,
                    "doubled": d.doubled},
                "on_call_doubts": c.oncall_doubts,
                "in_pagerduty": {"taken": all.read_back.taken, "over": all.read_back.over,
                    "failed": all.read_back.failed},
                "next": all.next.map(|at| at.to_string()),
            });
            writeln!(out, "{said:#}")?;
        } else {
            writeln!(
                out,
                "{} findings changed: {} suppressed, {} covered by an exception, {} decided already, {} of a dry run, {} for a digest, {} without a route",
                c.changed, c.suppressed, c.excepted, c.decided, c.dry_run, c.digested, c.unrouted
            )?;
            writeln!(
                out,
                "{} notices queued; {} held back (silenced {}, inhibited {}, muted {}, too many {}); {} escalated",
                all.queued,
                c.silenced + c.inhibited + c.muted + c.flooded,
                c.silenced,
                c.inhibited,
                c.muted,
                c.flooded,
                c.escalated
            )?;
            writeln!(
                out,
                "{} accepted, {} to be tried again, {} given up",
                d.accepted, d.later, d.dead
            )?;
            if c.unconfigured > 0 {
                writeln!(
                    out,
                    "{} notices went to the record alone: their channels are not configured; watchkeeper notify list --channel record",
                    c.unconfigured
                )?;
            }
            tell_of_pagerduty(&all, out)?;
            if let Some(next) = all.next {
                writeln!(out, "next at {next}")?;
            }
        }
        Ok(if d.dead > 0 { Exit::Partial } else { Exit::Ok })
    }
}

fn tell_of_pagerduty(all: &Turned, out: &mut dyn Write) -> anyhow::Result<()> {
    let ReadBack { taken, over, failed, .. } = &all.read_back;
    if taken + over > 0 {
        writeln!(out, "{taken} alarms were taken in PagerDuty, {over} ended there")?;
    }
    if let Some(why) = failed {
        let why = printable(why.as_bytes());
        writeln!(out, "PagerDuty did not say what became of alarms: {why}")?;
    }
    if all.counts.oncall_doubts > 0 {
        let count = all.counts.oncall_doubts;
        writeln!(out, "{count} times it was in doubt who is on call; the notices say why")?;
    }
    Ok(())
}

fn sum_of(turned: &Turned) -> u64 {
    let d = &turned.delivered;
    d.accepted + d.later + d.dead + d.doubled
}

impl Test {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let notify = app.notify().await?;
        if !notify.policy.channels.contains_key(&self.channel) {
            let known: Vec<&String> = notify.policy.channels.keys().collect();
            let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
            let why =
                format!("there is no channel {:?}; there are: {}", self.channel, known.join(", "));
            return Err(Usage::error(why));
        }
        let now = app.clock.now();
        let severity = Severity::least_of_word(SeverityWord::Informational);
        let key = format!("test-{}", now.micros());
        let made = Notice::new(&key, &self.channel, NoticeKind::Test, severity, now);
        let notice = Notice {
            title: format!("Watchkeeper tries the channel {}", self.channel),
            analysis: "Nothing happened. Whoever reads this can be reached.".to_owned(),
            ..made
        };
        notify.queue(&notice).await?;
        notify.deliver_due().await?;
        let query = PostQuery { key: Some(key), ..PostQuery::default() };
        let posted = app.ledger.posted(&query).await?;
        super::journal::write(app).await?;
        let Some(posted) = posted.first() else { bail!("the notice is gone from the outbox") };
        if self.json {
            writeln!(out, "{:#}", as_json(posted))?;
        } else {
            let said = posted.receipt.as_ref().map(|receipt| receipt.said.clone());
            let said = said.or_else(|| posted.reason.clone()).unwrap_or_default();
            writeln!(out, "{}: {}", posted.standing.as_str(), said)?;
        }
        Ok(match posted.standing {
            Standing::Accepted => Exit::Ok,
            Standing::Waiting => Exit::Partial,
            Standing::Dead => Exit::Failed,
        })
    }
}

impl Only {
    async fn print(
        &self,
        app: &App,
        standings: &[Standing],
        out: &mut dyn Write,
    ) -> anyhow::Result<usize> {
        let query = PostQuery {
            standings: standings.to_vec(),
            channel: self.channel.clone(),
            key: self.alarm.clone(),
            finding: self.finding.clone().map(FindingId),
            limit: Some(self.limit),
        };
        let posted = app.ledger.posted(&query).await?;
        if self.json {
            let all: Vec<_> = posted.iter().map(as_json).collect();
            writeln!(out, "{:#}", json!(all))?;
            return Ok(posted.len());
        }
        let row = |posted: &Posted| {
            let notice = &posted.notice;
            let said = posted.receipt.as_ref().map(|receipt| receipt.said.clone());
            vec![
                notice.id.clone(),
                posted.at.to_string(),
                notice.channel.clone(),
                notice.kind.as_str().to_owned(),
                posted.standing.as_str().to_owned(),
                posted.attempts.to_string(),
                table::cut(&notice.title, 60),
                said.or_else(|| posted.reason.clone()).unwrap_or_default(),
            ]
        };
        let rows: Vec<Vec<String>> = posted.iter().map(row).collect();
        let heads = ["id", "at", "channel", "kind", "state", "tries", "title", "what was said"];
        table::print(&heads, &rows, out)?;
        let backlog = app.ledger.backlog().await?;
        writeln!(
            out,
            "{} shown; {} wait, {} were given up",
            posted.len(),
            backlog.waiting,
            backlog.dead
        )?;
        Ok(posted.len())
    }
}

fn as_json(posted: &Posted) -> serde_json::Value {
    json!({"notice": posted.notice, "state": posted.standing.as_str(),
        "attempts": posted.attempts, "at": posted.at.to_string(), "reason": posted.reason,
        "receipt": posted.receipt})
}

impl Retry {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let by = people::name("--by", &self.by)?;
        let now = app.clock.now();
        let count = app.ledger.retry(self.id.as_deref(), now, &by).await?;
        super::journal::write(app).await?;
        if let Some(id) = self.id.filter(|_| count == 0) {
            bail!("there is no dead letter {id:?}; watchkeeper notify dead lists them");
        }
        writeln!(out, "{count} notices are due again; watchkeeper notify run --once sends them")?;
        Ok(Exit::Ok)
    }
}

impl Alarms {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let open = app.notify().await?.open_alarms().await?;
        if self.json {
            let all: Vec<_> = open
                .iter()
                .map(|a| {
                    json!({"alarm": a.alarm, "severity": a.severity, "title": a.title,
                        "findings": a.findings, "route": a.route, "opened": a.opened.to_string(),
                        "taken_by": a.taken.as_ref().map(|(by, _)| by),
                        "taken_at": a.taken.as_ref().map(|(_, at)| at.to_string())})
                })
                .collect();
            writeln!(out, "{:#}", json!(all))?;
            return Ok(Exit::Ok);
        }
        let rows: Vec<Vec<String>> = open
            .iter()
            .map(|a| {
                let taken = match &a.taken {
                    Some((by, at)) => format!("{by}, {at}"),
                    None => "nobody".to_owned(),
                };
                let severity = a.severity.to_string();
                let (opened, findings) = (a.opened.to_string(), a.findings.to_string());
                vec![
                    a.alarm.clone(),
                    opened,
                    severity,
                    findings,
                    a.route.clone(),
                    taken,
                    a.title.clone(),
                ]
            })
            .collect();
        let heads = ["alarm", "opened", "severity", "findings", "route", "taken by", "title"];
        table::print(&heads, &rows, out)?;
        Ok(Exit::Ok)
    }
}

fn told(asked: &Asked, how: &str, out: &mut dyn Write) -> anyhow::Result<Exit> {
    match asked {
        Asked::Done(alarm) => writeln!(out, "{alarm} {how}")?,
        Asked::Already => bail!("somebody took it before; watchkeeper notify alarms says who"),
        Asked::Nothing => {
            bail!("no open alarm has such a key; watchkeeper notify alarms lists them")
        }
        Asked::Several(keys) => bail!("several alarms begin so: {}", keys.join(", ")),
    }
    Ok(Exit::Ok)
}

impl Kinds {
    fn print(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let Some(name) = self.kind else {
            let rows: Vec<Vec<String>> = notifiers::ALL
                .iter()
                .map(|n| {
                    let keys: Vec<&str> = n.needs.iter().map(|need| need.key).collect();
                    vec![n.name.to_owned(), n.title.to_owned(), keys.join(", ")]
                })
                .collect();
            table::print(&["kind", "what it is", "keys"], &rows, out)?;
            return Ok(Exit::Ok);
        };
        let Some(notifier) = notifiers::find(&name) else {
            let known: Vec<&str> = notifiers::ALL.iter().map(|n| n.name).collect();
            return Err(Usage::error(format!(
                "there is no kind {name:?}; there are: {}",
                known.join(", ")
            )));
        };
        writeln!(
            out,
            "{}: {}\n\n{}\n\nLimits: {}\n",
            notifier.name, notifier.title, notifier.doc, notifier.limits
        )?;
        let row = |need: &notifiers::Need| {
            let required = if need.required { "required" } else { "optional" };
            vec![need.key.to_owned(), required.to_owned(), need.doc.to_owned()]
        };
        let rows: Vec<Vec<String>> = notifier.needs.iter().map(row).collect();
        table::print(&["key", "", "what it means"], &rows, out)?;
        Ok(Exit::Ok)
    }
}
