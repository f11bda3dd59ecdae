//! The service in `watchkeeper status`: what waits in queues and outbox, what is done on a schedule.

use std::io::Write;

use serde_json::{Value, json};
use wk_engine::service::last_word::{LastWord, QueueWord, ScheduleWord};
use wk_model::Timestamp;
use wk_model::complaint::printable;
use wk_watch::selfwatch::span;

use super::super::table;
use super::{Report, ago};

/// The service says of itself every minute: when it did not for so long, it does not run.
const SILENT_SECONDS: i64 = 300;

/// What waits, and what was done when.
pub(super) fn print(report: &Report, out: &mut dyn Write) -> anyhow::Result<()> {
    let outbox = &report.outbox;
    let oldest = outbox.oldest_due.map(|at| format!(", the oldest since {}", ago(at, report.now)));
    let (waiting, dead) = (outbox.waiting, outbox.dead);
    write!(
        out,
        "outbox: {waiting} notices wait{}, {dead} dead letters",
        oldest.unwrap_or_default()
    )?;
    writeln!(out, "{}", if dead > 0 { "; watchkeeper notify dead lists them" } else { "" })?;
    match &report.service {
        None => writeln!(out, "service: it never ran here; watchkeeper run")?,
        Some(word) => print_word(word, report.now, out)?,
    }
    if !report.backups {
        writeln!(out, "the service makes no backups: [backup] to in config.toml says where")?;
    }
    Ok(())
}

fn print_word(word: &LastWord, now: Timestamp, out: &mut dyn Write) -> anyhow::Result<()> {
    let silent = now.seconds() - word.at.seconds() > SILENT_SECONDS;
    let runs = match (word.stopped, silent) {
        (true, _) => "it was stopped",
        (false, true) => "it does not run; last heard of",
        (false, false) => "it runs; as of",
    };
    let since = word.running_since.map(|at| format!(", begun {}", ago(at, now)));
    writeln!(out, "service: {runs} {}{}", ago(word.at, now), since.unwrap_or_default())?;
    if let Some(taken) = word.heartbeat {
        let taken = taken.map_or("never".to_owned(), |at| ago(at, now));
        writeln!(out, "sign of life: last taken {taken}")?;
    }
    if word.rules_broken > 0 {
        writeln!(out, "{} rules could not be loaded: watchkeeper config check", word.rules_broken)?;
    }
    if !word.queues.is_empty() {
        writeln!(out)?;
        let row = |queue: &QueueWord| {
            let what = if queue.dead_letters { "dead letters" } else { "queue" };
            let oldest = queue.oldest_seconds.map_or("unknown".to_owned(), |s| span(seconds(s)));
            vec![what.to_owned(), queue.name.clone(), queue.waiting.to_string(), oldest]
        };
        let rows: Vec<Vec<String>> = word.queues.iter().map(row).collect();
        table::print(&["", "name", "messages wait", "oldest"], &rows, out)?;
    }
    if !word.schedules.is_empty() {
        writeln!(out)?;
        let row = |work: &ScheduleWord| {
            let failed = work.failed.as_ref().map(|(at, why)| {
                let why = printable(why.as_bytes());
                format!("failed {}: {}", ago(*at, now), table::cut(&why, 80))
            });
            vec![
                work.name.clone(),
                span(work.every_seconds),
                work.last_ok.map_or("never".to_owned(), |at| ago(at, now)),
                failed.unwrap_or_default(),
            ]
        };
        let rows: Vec<Vec<String>> = word.schedules.iter().map(row).collect();
        table::print(&["schedule", "every", "went well", ""], &rows, out)?;
    }
    Ok(())
}

fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// The same for machines.
pub(super) fn json(word: &LastWord) -> Value {
    let queue = |q: &QueueWord| {
        json!({"name": q.name, "waiting": q.waiting, "oldest_seconds": q.oldest_seconds,
            "dead_letters": q.dead_letters})
    };
    let schedule = |s: &ScheduleWord| {
        json!({"name": s.name, "every_seconds": s.every_seconds, "last_ok": s.last_ok,
            "failed_at": s.failed.as_ref().map(|(at, _)| at),
            "failed_why": s.failed.as_ref().map(|(_, why)| why)})
    };
    json!({
        "at": word.at,
        "running_since": word.running_since,
        "stopped": word.stopped,
        "queues": word.queues.iter().map(queue).collect::<Vec<_>>(),
        "schedules": word.schedules.iter().map(schedule).collect::<Vec<_>>(),
        "heartbeat_taken": word.heartbeat.flatten(),
        "rules_broken": word.rules_broken,
        "clock_ahead_seconds": word.clock.as_ref().map(|(seconds, _)| seconds),
    })
}
