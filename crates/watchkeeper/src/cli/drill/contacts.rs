//! The monthly drill of contacts: whoever must be reached in an emergency can be.

use std::time::Duration;

use wk_act::notices::Duty;
use wk_model::drill::{DrillStep, StepEnd};
use wk_model::notice::{Notice, NoticeKind};
use wk_model::{Severity, Timestamp};

use super::detection::{await_receipt, queue};
use super::step;
use crate::wire::App;

/// A step for each channel: whether it took a notice. One that does not take it keeps no other from
/// being tried.
pub(super) async fn steps(
    app: &App,
    now: Timestamp,
    wait: Duration,
) -> anyhow::Result<Vec<DrillStep>> {
    let policy = app.config.notices()?;
    let named = &app.config.drill.contacts;
    let channels = policy.meant(named, now, &Duty::default()).channels;
    if channels.is_empty() {
        let said = "[drill] contacts in config.toml names nobody who is to be reached".to_owned();
        return Ok(vec![DrillStep { name: "contacts".to_owned(), how: StepEnd::Skipped, said }]);
    }
    let key = |channel: &str| format!("drill-{}-{channel}", now.micros());
    let mut steps = Vec::new();
    let mut sent = Vec::new();
    for channel in &channels {
        match queue(app, notice(&key(channel), channel, NoticeKind::Drill, now), now).await? {
            true => sent.push(channel),
            false => {
                steps.push(step(channel, false, "the outbox was overtaken again and again"));
            }
        }
    }
    for channel in sent {
        let took = await_receipt(app, &key(channel), channel, wait).await?;
        let opens = policy.channels.get(channel).is_some_and(|c| c.channel.notifier.keeps_open);
        if took.how == StepEnd::Passed && opens {
            // What it opened there is over.
            let over = notice(&key(channel), channel, NoticeKind::Resolve, now);
            if !queue(app, over, now).await? {
                steps.push(step(channel, false, "what it opened there could not be resolved"));
            }
        }
        steps.push(took);
    }
    Ok(steps)
}

fn notice(key: &str, channel: &str, kind: NoticeKind, now: Timestamp) -> Notice {
    let made = Notice::new(key, channel, kind, Severity::from_tenths(0), now);
    Notice {
        title: "DRILL, nothing happened: can you be reached?".to_owned(),
        analysis: "This is the monthly test of emergency contacts. Nothing needs to be done."
            .to_owned(),
        ..made
    }
}
