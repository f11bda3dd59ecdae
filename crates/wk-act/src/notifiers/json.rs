//! A notice as machines read it: the same members for every channel that takes JSON.

use serde_json::{Value, json};
use wk_model::Notice;
use wk_model::notice::NoticeFinding;

use super::words;

/// The notice as JSON, in the form standard-webhooks recommends: type, time, data.
pub(super) fn of(notice: &Notice) -> Value {
    json!({
        "type": format!("watchkeeper.notice.{}", notice.kind.as_str()),
        "timestamp": notice.created.to_string(),
        "data": {
            "version": 1,
            "id": notice.id,
            "key": notice.key,
            "kind": notice.kind.as_str(),
            "severity": notice.severity.word().as_str(),
            "severity_number": notice.severity.number(),
            "title": words::line(&notice.title, Notice::TITLE_CHARS),
            "analysis": notice.analysis,
            "account": notice.account,
            "region": notice.region,
            "resources": notice.resources,
            "resources_more": notice.resources_more,
            "findings": notice.findings.iter().map(finding).collect::<Vec<_>>(),
            "findings_more": notice.more,
            "actions": notice.actions,
            "runbook": notice.runbook,
            "route": notice.route,
            "labels": notice.labels,
        },
    })
}

fn finding(finding: &NoticeFinding) -> Value {
    json!({
        "id": finding.id,
        "rule": finding.rule,
        "product": finding.product,
        "title": finding.title,
        "severity": finding.severity.word().as_str(),
        "severity_number": finding.severity.number(),
        "account": finding.account,
        "region": finding.region,
        "actor": finding.actor,
        "resources": finding.resources,
        "resources_more": finding.resources_more,
        "first_seen": finding.first_seen.to_string(),
        "last_seen": finding.last_seen.to_string(),
        "count": finding.count,
    })
}
