//! `watchkeeper findings show`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use wk_case::profile::Profile;
use wk_case::stories::{SPAN_SECONDS, Story, stories};
use wk_case::surroundings::Surroundings;
use wk_case::triage::Case;
use wk_model::Finding;
use wk_model::complaint::printable;
use wk_model::finding::Rule;
use wk_model::triage::Update;
use wk_seam::ledger::FindingQuery;
use wk_seam::triage::Triage as _;
use wk_watch::detect::Detections;

use super::act::{said, short};
use super::list::state_json;
use super::queue::Queue;
use super::reconcile::word;
use super::stories::{self, told_of};
use super::whence::{self, Whence};
use super::{Form, FormArgs, as_json, print_insights};
use crate::cli::{Exit, entity, table};
use crate::wire::App;

/// Days before a finding that tell what is usual for its actor.
const USUAL_DAYS: i64 = 30;
/// Similar findings that are listed.
const SIMILAR_MAX: usize = 5;
/// First times of each column that are listed.
const FIRSTS_MAX: usize = 5;

/// Show one finding: what it rests on, what people did, what is similar, what is new.
#[derive(Args)]
pub(super) struct Show {
    /// Its id, or the beginning of it
    id: String,
    /// Do not ask the lake what is usual for the actor
    #[arg(long)]
    without_lake: bool,
    #[command(flatten)]
    form: FormArgs,
}

/// Everything that is shown beside a finding.
struct Beside<'a> {
    case: Case<'a>,
    around: Surroundings<'a>,
    updates: Vec<Update>,
    usual: Option<Usual>,
    /// Where its events came from.
    whence: Vec<Whence>,
    /// The story that it is a part of.
    story: Option<Story<'a>>,
}

/// What is usual for the actor of a finding.
struct Usual {
    /// Its events of the days before.
    events_before: u64,
    /// Column and value that the lake saw for the first time, of the finding's own time.
    firsts: Vec<(&'static str, String)>,
}

impl Show {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let queue = Queue::load(app, &FindingQuery::default()).await?;
        let finding = queue.one(&self.id)?;
        let form = self.form.form();
        if let Some(json) = as_json(std::slice::from_ref(finding), form)
            && form != Form::Json
        {
            writeln!(out, "{json:#}")?;
            return Ok(Exit::Ok);
        }
        if form == Form::Insights {
            print_insights(app, std::slice::from_ref(finding), out).await?;
            return Ok(Exit::Ok);
        }
        let cases = queue.cases();
        let of_it = |story: &Story<'_>| story.parts.iter().any(|p| p.finding.id == finding.id);
        let usual = if self.without_lake { None } else { usual(app, finding).await? };
        let beside = Beside {
            case: queue.case(finding),
            around: Surroundings::of(finding, &cases),
            updates: app.ledger.updates(&finding.id).await?,
            whence: if self.without_lake { Vec::new() } else { whence::of(app, finding).await? },
            usual,
            story: stories(told_of(&cases), SPAN_SECONDS).into_iter().find(of_it),
        };
        match form {
            Form::Json => writeln!(out, "{:#}", beside.to_json(&queue)?)?,
            _ => beside.print(&queue, out)?,
        }
        Ok(Exit::Ok)
    }
}

/// What of the actor's doing was new while the finding lasted. Nothing where nobody is named.
async fn usual(app: &App, finding: &Finding) -> anyhow::Result<Option<Usual>> {
    let Some(actor) = &finding.actor else { return Ok(None) };
    let begin = finding.first_seen.plus_seconds(-USUAL_DAYS * 86_400);
    let end = finding.last_seen.plus_seconds(1);
    let mut profile = Profile::since(Some(finding.first_seen));
    entity::profile_of(app, actor, Some(begin), Some(end), &mut profile).await?;
    let mut firsts = Vec::new();
    for (name, counted) in profile.columns() {
        let new = counted.top(usize::MAX, Some(finding.first_seen));
        let new = new.iter().filter(|top| top.is_new).take(FIRSTS_MAX);
        firsts.extend(new.map(|top| (name, top.value.to_owned())));
    }
    Ok(Some(Usual { events_before: profile.events_before, firsts }))
}

impl Beside<'_> {
    fn to_json(&self, queue: &Queue) -> anyhow::Result<Value> {
        let mut json = serde_json::to_value(self.case.finding)?;
        json["triage"] = state_json(&self.case, queue.now);
        json["history"] = json!(queue.steps(&self.case.finding.id));
        json["updates"] = json!(self.updates);
        let similar = self.around.similar.iter().map(
            |case| json!({"id": case.finding.id, "title": case.finding.title, "state": case.standing.as_str(), "last_seen": case.finding.last_seen}),
        );
        json["similar"] = similar.collect();
        let rules = self.around.actor_rules.iter();
        json["actor_week"] =
            rules.map(|(t, r, n)| json!({"title": t, "rule": r, "findings": n})).collect();
        json["firsts"] = json!(self.around.firsts);
        json["story"] = json!(self.story.as_ref().map(Story::to_json));
        json["from"] = self.whence.iter().map(Whence::to_json).collect();
        json["data_touched"] = json!(data_touched(self.case.finding));
        if let Some(usual) = &self.usual {
            let firsts = usual.firsts.iter().map(|(c, v)| json!({"column": c, "value": v}));
            json["actor_usual"] = json!({"days": USUAL_DAYS, "events_before": usual.events_before,
                "first_times": firsts.collect::<Vec<_>>()});
        }
        Ok(json)
    }

    fn print(&self, queue: &Queue, out: &mut dyn Write) -> anyhow::Result<()> {
        facts(&self.case, out)?;
        whence::print(&self.whence, out)?;
        if let Some(query) = data_touched(self.case.finding) {
            writeln!(out, "data?        {query}")?;
        }
        if !self.case.finding.matched.is_empty() {
            writeln!(out, "\nwhat the rule asked for, in the latest event")?;
            for matched in &self.case.finding.matched {
                let (field, value) = (printable(matched.field.as_bytes()), &matched.value);
                writeln!(out, "  {field} = {}", printable(value.as_bytes()))?;
            }
        }
        reason(self.case.finding, out)?;
        self.history(queue, out)?;
        self.updates(out)?;
        self.similar(out)?;
        self.actor(out)?;
        if let Some(story) = &self.story {
            writeln!(out, "\nthe story that it is a part of")?;
            stories::print(story, Some(self.case.finding), out)?;
        }
        events(self.case.finding, out)
    }

    fn history(&self, queue: &Queue, out: &mut dyn Write) -> anyhow::Result<()> {
        let steps = queue.steps(&self.case.finding.id);
        if steps.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nhistory")?;
        for step in steps {
            let mut line = format!("  {}  {}", step.at, said(step));
            if !step.reason.is_empty() {
                line.push_str(&format_args!(": {}", step.reason).to_string());
            }
            if !step.evidence.is_empty() {
                line.push_str(&format_args!("  [{}]", step.evidence.join("; ")).to_string());
            }
            writeln!(out, "{}", printable(line.as_bytes()))?;
        }
        Ok(())
    }

    fn updates(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        if self.updates.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nupdates, as they came")?;
        let row = |update: &Update| {
            vec![
                update.recorded.to_string(),
                update.event.table.clone(),
                update.last_seen.to_string(),
                update.severity.to_string(),
                update.count.map(|n| n.to_string()).unwrap_or_default(),
                table::cut(&update.title, 70),
                table::cut(&update.event.id, 60),
            ]
        };
        let rows: Vec<Vec<String>> = self.updates.iter().map(row).collect();
        let heads = ["recorded", "table", "last seen", "severity", "count", "title", "event_id"];
        table::print(&heads, &rows, out)?;
        Ok(())
    }

    fn similar(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let around = &self.around;
        if !around.firsts.is_empty() {
            writeln!(out, "\nfirsts       {}", around.firsts.join("; "))?;
        }
        if around.similar.is_empty() {
            writeln!(out, "similar      none")?;
            return Ok(());
        }
        let standings: Vec<String> =
            around.similar_standings.iter().map(|(s, n)| format!("{n} {}", s.as_str())).collect();
        writeln!(out, "similar      {}: {}", around.similar.len(), standings.join(", "))?;
        for case in around.similar.iter().take(SIMILAR_MAX) {
            let (f, word) = (case.finding, word(case));
            let resource = f.resources.first().map_or("", String::as_str);
            let line = format!("  {}  {}  {word}  {resource}", short(&f.id), f.last_seen);
            writeln!(out, "{}", printable(line.as_bytes()))?;
        }
        Ok(())
    }

    fn actor(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        if !self.around.actor_rules.is_empty() {
            writeln!(out, "\nfindings of this actor in the 7 days up to it")?;
            for (title, _, count) in &self.around.actor_rules {
                writeln!(out, "  {count:>6}  {}", printable(title.as_bytes()))?;
            }
        }
        let Some(usual) = &self.usual else { return Ok(()) };
        let before = usual.events_before;
        writeln!(out, "\nthe actor in the lake: {before} events in the {USUAL_DAYS} days before")?;
        for (column, value) in &usual.firsts {
            let value = table::cut(&printable(value.as_bytes()), 100);
            writeln!(out, "  first time  {column}: {value}")?;
        }
        if usual.firsts.is_empty() {
            writeln!(out, "  nothing that it did was new")?;
        }
        Ok(())
    }
}

/// The question whether data was read or changed, ready to run. Nothing where nobody is named whom it
/// could be asked of.
fn data_touched(f: &Finding) -> Option<String> {
    let actor = f.actor.as_deref().filter(|actor| actor.starts_with("arn:"))?;
    let name = actor.splitn(6, ':').nth(5)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.@+=,".contains(c);
    let since = f.first_seen.plus_seconds(-86_400).day();
    name.chars().all(plain).then(|| {
        format!("watchkeeper query --saved data-touched --param principal={name} --since {since}")
    })
}

fn facts(case: &Case<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    let f = case.finding;
    let text = |t: &Option<String>| t.clone().unwrap_or_else(|| "-".to_owned());
    let mut state = word(case);
    if case.standing.is_open() {
        state.push_str(&format_args!(", due {}", case.due).to_string());
    }
    let mut rows = vec![
        ("finding", f.title.clone()),
        ("id", f.id.to_string()),
        ("state", state),
        ("owner", text(&case.state.owner)),
        ("severity", format!("{} {}", f.severity, f.severity.word())),
        ("reported by", f.rule.product.clone()),
        ("rule", format!("{} version {}", f.rule.id, f.rule.version)),
        ("rule set", text(&f.ruleset)),
        ("ATT&CK", f.rule.attack.join(", ")),
        ("controls", f.rule.controls.join(", ")),
        ("account", text(&f.account)),
        ("region", text(&f.region)),
        ("actor", text(&f.actor)),
        ("from", f.source_ips.join(", ")),
        ("resources", f.resources.join(", ")),
        ("first seen", f.first_seen.to_string()),
        ("last seen", f.last_seen.to_string()),
        ("known since", case.known.to_string()),
        ("count", f.count.to_string()),
        ("origin", f.origin.as_str().to_owned()),
    ];
    if let Some(exception) = case.accepted {
        let said = format!(
            "{} until {}, {} and {}, {}: {}",
            exception.id,
            exception.ends(),
            exception.owner,
            exception.approver,
            exception.ticket,
            exception.reason
        );
        rows.push(("exception", said));
    }
    if let Some(exception) = case.ended {
        rows.push(("reopened", format!("{} ended {}", exception.id, exception.ends())));
    }
    for (name, value) in rows {
        writeln!(out, "{name:11}  {}", printable(value.as_bytes()))?;
    }
    Ok(())
}

fn events(f: &Finding, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out)?;
    let events: Vec<Vec<String>> =
        f.events.iter().map(|e| vec![e.time.to_string(), e.table.clone(), e.id.clone()]).collect();
    table::print(&["event time", "table", "event_id"], &events, out)?;
    if f.count > f.events.len() as u64 && f.rule.product == Rule::OWN {
        writeln!(out, "the first {} of {} events", f.events.len(), f.count)?;
    }
    Ok(())
}

/// Why the rule is there and what to do first, for rules that are built in.
fn reason(f: &Finding, out: &mut dyn Write) -> anyhow::Result<()> {
    let pack = Detections::built_in()?;
    let Some(detection) = pack.rules().iter().find(|d| d.rule.id == f.rule.id) else {
        return Ok(());
    };
    if let Some(why) = &detection.sigma.description {
        writeln!(out, "\nwhy          {}", why.trim())?;
    }
    for noise in &detection.sigma.falsepositives {
        writeln!(out, "known noise  {}", noise.trim())?;
    }
    for (number, step) in detection.sigma.extension.triage.iter().enumerate() {
        writeln!(out, "triage {}     {}", number + 1, step.trim())?;
    }
    Ok(())
}
