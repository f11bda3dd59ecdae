//! `watchkeeper demo`

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use wk_engine::ingest::Progress;
use wk_model::finding::Finding;
use wk_model::{Day, SeverityWord, Timestamp};
use wk_seam::clock::StandingClock;
use wk_seam::ledger::{FindingQuery, Ledger as _};
use wk_sim::{ExpectedFinding, Plan, Simulation, Story, Truth};
use wk_store::objects::LocalTree;
use wk_watch::detect::Detections;

use super::{Exit, findings, ingest, progress};
use crate::config::Home;
use crate::wire::App;

/// Simulate a week of a small organisation on AWS, read its logs, and show what was found.
///
/// Everything lies in a home of its own, apart from your data. The same seed gives the same bytes.
#[derive(Args)]
pub(crate) struct Demo {
    /// Another seed gives another week
    #[arg(long, default_value_t = 7, value_name = "N")]
    seed: u64,
    /// The first day; a Monday keeps the stories on their weekdays
    #[arg(long, default_value = "2024-02-12", value_name = "DATE")]
    start: String,
    /// End after the report (there is no console to serve yet, so it always ends)
    #[arg(long)]
    no_serve: bool,
}

/// The file that marks a home as the demo's.
const MARK: &str = "demo.json";

impl Demo {
    pub(crate) async fn run(
        self,
        home: Option<&Path>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let Some(start) = Day::parse(&self.start) else {
            bail!("{:?} is not a day such as 2024-02-12", self.start)
        };
        let plan = Plan { start, ..Plan::demo(self.seed) };
        let home = own_home(home, &plan)?;
        let bucket = home.path().join("bucket");
        let truth = write_week(&plan, &bucket)?;
        let files: u64 = truth.sources.values().map(|c| c.files).sum();
        let records: u64 = truth.sources.values().map(|c| c.records).sum();
        writeln!(
            out,
            "A simulated week of three accounts, {start} to {}: {records} records in {files} files below {}\n",
            plan.end(),
            bucket.display()
        )?;
        out.flush()?;
        // The demo's clock stands at the end of the week.
        let app = App::open(home)?.with_clock(Arc::new(StandingClock::at(plan.end())));
        let ingest = app.ingest(None, Detections::built_in()?).await?;
        let progress = Arc::new(Progress::default());
        let places: [Arc<dyn wk_seam::objects::Objects>; 1] = [Arc::new(LocalTree::new(bucket))];
        let reading = app.read_all(&ingest, &places, &progress);
        let (report, turned) = progress::shown(&progress, reading).await?;
        super::journal::write(&app).await?;
        ingest::print(&report, &turned, out)?;
        let found = app.ledger.findings(&FindingQuery::default()).await?;
        summary(&found, out)?;
        stories(&truth, &found, out)?;
        let home = app.home.path().display();
        writeln!(out, "\nLook further:")?;
        writeln!(out, "  watchkeeper --home {home} findings list --severity high")?;
        writeln!(
            out,
            "  watchkeeper --home {home} query --sql \"SELECT eventName, count(*) AS calls FROM cloudtrail GROUP BY eventName ORDER BY calls DESC LIMIT 10\""
        )?;
        Ok(ingest::exit(&report))
    }
}

/// The demo's home, empty. A directory that holds anything else is left alone.
fn own_home(named: Option<&Path>, plan: &Plan) -> anyhow::Result<Home> {
    let home = match named {
        Some(path) => Home::open(Some(path))?,
        None => Home::open(None)?.beside("watchkeeper-demo")?,
    };
    let path = home.path();
    let marked = path.join(MARK).try_exists()?;
    let mut entries = fs::read_dir(path)?;
    if !marked && entries.next().is_some() {
        bail!(
            "{} is not empty and not a home of the demo; name another with --home",
            path.display()
        );
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let gone = if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())
        } else if entry.file_name() == MARK {
            Ok(())
        } else {
            fs::remove_file(entry.path())
        };
        gone.with_context(|| format!("could not clear {}", entry.path().display()))?;
    }
    let mark = serde_json::json!({"seed": plan.seed, "start": plan.start.to_string()});
    fs::write(path.join(MARK), mark.to_string())?;
    Ok(home)
}

/// Writes the week as AWS would deliver it, and the truth beside it.
pub(super) fn write_week(plan: &Plan, bucket: &Path) -> anyhow::Result<Truth> {
    let mut week = Simulation::new(plan);
    for file in week.by_ref() {
        let path = bucket.join(&file.path);
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let bytes = if file.gz { wk_store::inflate::gzip(&file.bytes)? } else { file.bytes };
            let mut written = fs::File::create(&path)?;
            written.write_all(&bytes)?;
            written.set_modified(system_time(file.delivered))
        };
        write().with_context(|| format!("could not write {}", path.display()))?;
    }
    let truth = week.truth().clone();
    if let Some(beside) = bucket.parent() {
        fs::write(beside.join("truth.json"), format!("{:#}\n", truth.to_json()))?;
    }
    Ok(truth)
}

fn system_time(time: Timestamp) -> std::time::SystemTime {
    let micros = u64::try_from(time.micros()).unwrap_or(0);
    std::time::UNIX_EPOCH + Duration::from_micros(micros)
}

/// Findings by severity, then the worst.
fn summary(found: &[Finding], out: &mut dyn Write) -> anyhow::Result<()> {
    let count = |word| found.iter().filter(|f| f.severity.word() == word).count();
    use SeverityWord::{Critical, High, Informational, Low, Medium};
    let words = [Critical, High, Medium, Low, Informational];
    let counts: Vec<String> = words.map(|word| format!("{} {word}", count(word))).to_vec();
    writeln!(out, "\n{} findings: {}\n", found.len(), counts.join(", "))?;
    let mut worst: Vec<Finding> =
        found.iter().filter(|f| f.severity.word() >= High).cloned().collect();
    worst.sort_by(|a, b| a.first_seen.cmp(&b.first_seen).then_with(|| a.id.cmp(&b.id)));
    findings::print(&worst, out)
}

/// What was planted, and whether the watch saw it.
fn stories(truth: &Truth, found: &[Finding], out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "\nWhat was planted, and what saw it:")?;
    for story in &truth.stories {
        writeln!(out, "\n{} {}: {}", story.first, story.name, story.what)?;
        for expected in &story.expect {
            let seen =
                found.iter().filter(|f| shows(f, story, expected)).max_by_key(|f| f.severity);
            let by = seen.map_or_else(
                || "no rule of this version sees it".to_owned(),
                |f| {
                    format!(
                        "{} {} {}",
                        f.id.0.chars().take(8).collect::<String>(),
                        f.severity,
                        f.title
                    )
                },
            );
            let mark = if seen.is_some() { "seen" } else { "  - " };
            writeln!(out, "  {mark}  {} ({}): {by}", expected.what, expected.source)?;
        }
    }
    Ok(())
}

/// Whether a finding shows what was expected of a story.
pub(super) fn shows(finding: &Finding, story: &Story, expected: &ExpectedFinding) -> bool {
    let in_time = finding.last_seen >= expected.first.plus_seconds(-600)
        && finding.first_seen <= story.last.plus_seconds(7200);
    let in_account = finding.account.as_deref().is_none_or(|a| a == expected.account);
    let named = expected
        .names
        .iter()
        .any(|name| finding.rule.id.contains(name) || finding.title.contains(name));
    let own_event = expected.source == "cloudtrail"
        && finding.events.iter().any(|e| story.events.contains(&e.id) && e.time == expected.first);
    in_time && in_account && (named || own_event)
}
