//! Changes for people and as JSON.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};
use wk_case::changes::Difference;
use wk_model::complaint::printable;

use super::causes::Cause;
use super::{Report, Told};
use crate::cli::table;

/// Letters of a value that are shown to people.
const VALUE_MAX: usize = 160;

pub(super) fn json(report: &Report<'_>) -> Value {
    let changes: Vec<Value> = report.told.iter().map(change).collect();
    let compliance: Vec<Value> = report
        .compliance
        .iter()
        .map(|c| {
            json!({"time": c.time, "account": c.account, "rule": c.rule, "resource": c.resource, "from": c.from, "to": c.to})
        })
        .collect();
    json!({
        "begin": report.begin,
        "end": report.end,
        "changes": changes,
        "changes_not_shown": report.more,
        "compliance": compliance,
        "compliance_not_shown": report.compliance_more,
        "items_without_body": report.oversized,
    })
}

fn change(told: &Told<'_>) -> Value {
    let (account, region, kind, id) = told.key;
    let fields: Vec<Value> = told
        .differences
        .fields
        .iter()
        .map(|d| json!({"path": d.path, "from": d.from, "to": d.to}))
        .collect();
    let causes: Vec<Value> = told
        .causes
        .iter()
        .map(|c| {
            json!({"time": c.time, "event_id": c.event_id, "action": c.call, "actor": c.actor, "source_ip": c.source_ip, "named_by_config": c.is_named})
        })
        .collect();
    json!({
        "became": told.change.became.as_str(),
        "account": account,
        "region": region,
        "type": kind,
        "id": id,
        "arn": told.names.arn,
        "name": told.names.name,
        "before": told.change.from.map(|i| i.time),
        "recorded": told.change.to.time,
        "steps": told.change.steps,
        "items_left_out": told.change.left_out,
        "fields": fields,
        "fields_not_shown": told.differences.more,
        "bodies_missing": told.bodies_missing,
        "calls": causes,
    })
}

pub(super) fn text(report: &Report<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "{} to {}", report.begin, report.end)?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for told in &report.told {
        *counts.entry(told.change.became.as_str()).or_default() += 1;
        one(told, out)?;
    }
    if !report.compliance.is_empty() {
        writeln!(out, "\ncompliance")?;
        let rows: Vec<Vec<String>> = report
            .compliance
            .iter()
            .map(|c| {
                let verdict = format!("{} -> {}", c.from, c.to);
                vec![
                    c.time.to_string(),
                    c.account.clone(),
                    c.rule.clone(),
                    c.resource.clone(),
                    verdict,
                ]
            })
            .collect();
        table::print(&["time", "account", "rule", "resource", "verdict"], &rows, out)?;
    }
    let counts: Vec<String> = counts.iter().map(|(word, n)| format!("{n} {word}")).collect();
    let counts = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
    writeln!(out, "\n{counts}")?;
    for (count, what) in [
        (report.more as u64, "more changed resources are not shown: --limit shows more"),
        (report.compliance_more, "more compliance changes are not shown: narrow the time"),
        (report.oversized, "items were too large for their notification and could not be compared"),
    ] {
        if count > 0 {
            writeln!(out, "{count} {what}")?;
        }
    }
    Ok(())
}

fn one(told: &Told<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    let (account, region, kind, id) = told.key;
    let name = told.names.name.as_deref().filter(|n| n != id);
    let name = name.map(|n| format!(" ({n})")).unwrap_or_default();
    let head = format!("{}: {kind} {id}{name}, {account} {region}", told.change.became.as_str());
    writeln!(out, "\n{}", printable(head.as_bytes()))?;
    let before = told.change.from.map(|i| format!(", before that {}", i.time)).unwrap_or_default();
    let steps = match told.change.steps {
        0 | 1 => String::new(),
        steps => format!(", in {steps} steps"),
    };
    writeln!(out, "  recorded {}{before}{steps}", told.change.to.time)?;
    told.differences.fields.iter().try_for_each(|d| field(d, out))?;
    if told.differences.more > 0 {
        writeln!(out, "  {} more fields differ", told.differences.more)?;
    }
    if told.bodies_missing {
        writeln!(out, "  the fields could not be compared: an item came without its body")?;
    }
    told.causes.iter().try_for_each(|c| cause(c, out))
}

fn field(difference: &Difference, out: &mut dyn Write) -> anyhow::Result<()> {
    let value = |v: &Value| table::cut(&printable(v.to_string().as_bytes()), VALUE_MAX);
    let path = printable(difference.path.as_bytes());
    match (&difference.from, &difference.to) {
        (Some(from), Some(to)) => {
            writeln!(out, "  ~ {path}: {} -> {}", value(from), value(to))?;
        }
        (Some(from), None) => writeln!(out, "  - {path}: {}", value(from))?,
        (None, Some(to)) => writeln!(out, "  + {path}: {}", value(to))?,
        (None, None) => {}
    }
    Ok(())
}

fn cause(cause: &Cause, out: &mut dyn Write) -> anyhow::Result<()> {
    let how = if cause.is_named { "by" } else { "perhaps by" };
    let Cause { call, actor, source_ip, time, event_id, .. } = cause;
    let line = format!("{how} {call} of {actor} from {source_ip} at {time} ({event_id})");
    writeln!(out, "  {}", printable(line.as_bytes()))?;
    Ok(())
}
