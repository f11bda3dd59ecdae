//! The daily drill: detect, route, receipt.

use std::time::Duration;

use wk_act::routes::{Outcome, QuietReason, RoutedEvent, decide};
use wk_model::drill::{DrillStep, StepEnd};
use wk_model::finding::Finding;
use wk_model::notice::{Notice, NoticeFinding, NoticeKind};
use wk_model::{Severity, SeverityWord, Timestamp};
use wk_seam::ledger::{FindingQuery, Ledger as _};
use wk_seam::outbox::{Outbox as _, PostQuery, Standing, Step, Stepped};

use super::super::demo::shows;
use super::range::Range;
use super::step;
use crate::wire::App;

/// The story that must be seen: a trail is stopped, a detector disabled, a flow log deleted.
const STORY: &str = "logging-off";
/// How often a step of the outbox that another process overtook is made again.
const TRIES: usize = 5;

/// The steps, up to the first that fails.
pub(super) async fn steps(
    app: &App,
    now: Timestamp,
    wait: Duration,
) -> anyhow::Result<Vec<DrillStep>> {
    let (range, read) = Range::prepare(app, now, app.detections()?).await?;
    let mut steps = vec![read];
    let found = range.app.ledger.findings(&FindingQuery::default()).await?;
    let worst = seen(&range, &found);
    let title = worst.map_or("nothing of it was found".to_owned(), |f| f.title.clone());
    steps.push(step("detect", worst.is_some(), title));
    let Some(finding) = worst else { return Ok(steps) };
    let (route, channels) = routed(app, finding, now)?;
    let goes_on = route.how == StepEnd::Passed;
    steps.push(route);
    if goes_on {
        steps.push(receipt(app, finding, &channels, now, wait).await?);
    }
    Ok(steps)
}

/// The worst finding that shows the story, if one is high enough to page.
fn seen<'f>(range: &Range, found: &'f [Finding]) -> Option<&'f Finding> {
    let story = range.truth.stories.iter().find(|story| story.name == STORY)?;
    let shown = |f: &&Finding| story.expect.iter().any(|expected| shows(f, story, expected));
    let high = |f: &&Finding| f.severity.word() >= SeverityWord::High;
    found.iter().filter(high).filter(shown).max_by_key(|f| f.severity)
}

/// Whether today's routes would tell somebody, and by which channels.
fn routed(
    app: &App,
    finding: &Finding,
    now: Timestamp,
) -> anyhow::Result<(DrillStep, Vec<String>)> {
    let (routes, bad) = app.home.routes()?;
    let mut channels = Vec::new();
    for outcome in decide(&routes, &RoutedEvent::of_finding(finding).as_drill(), now) {
        if let Outcome::Quiet { reason: QuietReason::Drill, instead_of } = outcome
            && let Outcome::Notify { tell, .. } = *instead_of
        {
            channels.extend(tell.channels);
        }
    }
    let broken = match bad.len() {
        0 => String::new(),
        n => format!("; {n} routes are broken: watchkeeper route lint"),
    };
    let said = match channels.as_slice() {
        [] => format!("no route tells anybody of it{broken}"),
        some => format!("it would go to {}{broken}", some.join(", ")),
    };
    Ok((step("route", !channels.is_empty() && bad.is_empty(), said), channels))
}

/// Whether the channel takes a notice.
async fn receipt(
    app: &App,
    finding: &Finding,
    meant: &[String],
    now: Timestamp,
    wait: Duration,
) -> anyhow::Result<DrillStep> {
    let Some(channel) = &app.config.drill.channel else {
        let said = "[drill] channel in config.toml names no channel that is to take it".to_owned();
        return Ok(DrillStep { name: "receipt".to_owned(), how: StepEnd::Skipped, said });
    };
    let key = format!("drill-{}", now.micros());
    let mut notice = Notice::new(&key, channel, NoticeKind::Drill, Severity::from_tenths(0), now);
    notice.title = format!("DRILL, nothing happened: {}", finding.title);
    notice.analysis = format!(
        "This is an exercise with made-up events. The real finding would have gone to {}.",
        meant.join(", ")
    );
    notice.findings = vec![NoticeFinding::of(finding)];
    if !queue(app, notice.bounded(), now).await? {
        return Ok(step("receipt", false, "the outbox was overtaken again and again"));
    }
    let took = await_receipt(app, &key, channel, wait).await?;
    Ok(DrillStep { name: "receipt".to_owned(), ..took })
}

/// Queues a notice. False if other processes were faster each time.
pub(super) async fn queue(app: &App, notice: Notice, now: Timestamp) -> anyhow::Result<bool> {
    for _ in 0..TRIES {
        let desk = app.ledger.desk().await?;
        let step = Step {
            revision: desk.revision,
            at: now,
            cursor: desk.cursor,
            desk: desk.body,
            notices: vec![notice.clone()],
            ..Step::default()
        };
        if matches!(app.ledger.step(&step).await?, Stepped::Done { .. }) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Waits until the channel took what has this key, refused it, or the time is over: a step of the
/// channel's name.
pub(super) async fn await_receipt(
    app: &App,
    key: &str,
    channel: &str,
    wait: Duration,
) -> anyhow::Result<DrillStep> {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let query = PostQuery { key: Some(key.to_owned()), ..PostQuery::default() };
    let mut left = wait.as_secs();
    loop {
        let posted = app.ledger.posted(&query).await?.into_iter().next();
        let Some(posted) = posted else { return Ok(step(channel, false, "the notice is gone")) };
        match posted.standing {
            Standing::Accepted => {
                let said = posted.receipt.map(|receipt| receipt.said).unwrap_or_default();
                return Ok(step(channel, true, format!("{channel} took it: {said}")));
            }
            Standing::Dead => {
                let why = posted.reason.unwrap_or_default();
                return Ok(step(channel, false, format!("{channel} did not take it: {why}")));
            }
            Standing::Waiting if left == 0 => {
                let why = posted.reason.unwrap_or_else(|| {
                    "nobody tried; the service delivers: is it running?".to_owned()
                });
                let said = format!("{channel} took nothing for {} s: {why}", wait.as_secs());
                return Ok(step(channel, false, said));
            }
            Standing::Waiting => {}
        }
        left -= 1;
        second.tick().await;
    }
}
